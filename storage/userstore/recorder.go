package userstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// recorder writes the results of one run. A batch's rows are appended to temporary tables
// in the transaction that gives their numbers, and those of new items are taken over.
type recorder struct {
	cleaner
	store    *Store
	bulk     Bulk
	key      string
	epoch    int64
	progress storage.ExecutionProgress
	known    map[string]bool // hashes of components that are stored
}

var _ storage.Recorder = (*recorder)(nil)

// NewRecorder begins to record a run.
func (s *Store) NewRecorder(ctx context.Context, guard storage.Guard, key string, epoch int64) (storage.Recorder, error) {
	if err := s.engine.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		changed, err := execCount(ctx, tx, `
UPDATE execution_fences
SET epoch = $3
WHERE owner_id = $1 AND execution_id = $2 AND epoch <= $3`, s.owner, key, epoch)
		if err == nil && changed == 0 {
			err = fenced()
		}
		return err
	}); err != nil {
		return nil, fmt.Errorf("fence off earlier engines: %w", err)
	}
	progress, err := s.itemProgress(ctx, key)
	if err != nil {
		return nil, err
	}
	bulk, err := s.engine.Bulk(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin to record: %w", err)
	}
	if err := createResults(ctx, bulk.Conn()); err != nil {
		return nil, errors.Join(err, bulk.Close())
	}
	return &recorder{
		cleaner: cleaner{guard}, store: s, bulk: bulk, key: key, epoch: epoch, progress: *progress, known: map[string]bool{},
	}, nil
}

func fenced() error {
	return storage.Errorf(storage.CodeConflict, "another engine works on the execution by now")
}

func (r *recorder) Close() error { return r.bulk.Close() }

func (r *recorder) Progress() storage.ExecutionProgress { return r.progress }

// Done groups what is recorded into ranges.
func (r *recorder) Done(ctx context.Context) ([][2]int64, error) {
	return collect(ctx, r.store, "read what is recorded", `
SELECT min(run.item), max(run.item) + 1
FROM (
  SELECT i.item, i.item - row_number() OVER (ORDER BY i.item) AS island
  FROM execution_items i
  WHERE i.owner_id = $1 AND i.execution_id = $2
) run
GROUP BY run.island
ORDER BY min(run.item)`, []any{r.store.owner, r.key}, func(rows *sql.Rows) ([2]int64, error) {
		var span [2]int64
		return span, rows.Scan(&span[0], &span[1])
	})
}

// itemProgress counts the items of a run that are recorded.
func (s *Store) itemProgress(ctx context.Context, key string) (*storage.ExecutionProgress, error) {
	found, err := collect(ctx, s, "count what is recorded", `
SELECT COALESCE(max(e.item_count), 0), count(i.item),
  count(CASE WHEN i.outcome = 'SUCCESS' THEN 1 END),
  count(CASE WHEN i.outcome = 'FAILURE' THEN 1 END),
  count(CASE WHEN i.outcome = 'UNDETERMINED' THEN 1 END),
  count(CASE WHEN i.outcome = 'ERROR' THEN 1 END),
  CAST(COALESCE(sum(i.calls), 0) AS BIGINT), CAST(COALESCE(sum(i.input_tokens), 0) AS BIGINT),
  CAST(COALESCE(sum(i.output_tokens), 0) AS BIGINT), COALESCE(sum(i.cost), 0)
FROM execution_plans e
LEFT JOIN execution_items i ON i.owner_id = e.owner_id AND i.execution_id = e.id
WHERE e.owner_id = $1 AND e.id = $2`, []any{s.owner, key}, func(rows *sql.Rows) (*storage.ExecutionProgress, error) {
		p := &storage.ExecutionProgress{}
		return p, rows.Scan(&p.Total, &p.Done, &p.Successes, &p.Failures, &p.Undetermined, &p.Errors, &p.Calls, &p.InputTokens, &p.OutputTokens, &p.Cost)
	})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// Record stores results and their event.
func (r *recorder) Record(ctx context.Context, results []*storage.ItemResult, lines []storage.LogLine) (*storage.Recorded, error) {
	b := &batch{recorder: r}
	recorded := &storage.Recorded{Progress: r.progress}
	err := r.bulk.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		seq, err := r.passFence(ctx, tx)
		if err != nil {
			return err
		}
		if err := b.takeNumbers(ctx, tx, results); err != nil {
			return err
		}
		for _, result := range results {
			if err := b.add(ctx, result); err != nil {
				return fmt.Errorf("item %d: %w", result.Item, err)
			}
		}
		if err := r.bulk.Flush(ctx); err != nil {
			return err
		}
		if recorded.Items, err = b.merge(ctx, tx); err != nil {
			return err
		}
		events, err := b.events(recorded, lines)
		if err != nil {
			return err
		}
		recorded.Seq, err = r.store.tell(ctx, tx, r.key, seq, events)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("record results: %w", err)
	}
	r.progress = recorded.Progress
	for hash := range b.components {
		r.known[hash] = true
	}
	return recorded, nil
}

// passFence is CodeConflict when a higher epoch was here, and otherwise the next seq.
func (r *recorder) passFence(ctx context.Context, tx *sql.Tx) (int64, error) {
	var epoch, seq int64
	err := tx.QueryRowContext(ctx, `
SELECT epoch, next_seq
FROM execution_fences
WHERE owner_id = $1 AND execution_id = $2`, r.store.owner, r.key).Scan(&epoch, &seq)
	if err == nil && epoch != r.epoch {
		err = fenced()
	}
	return seq, err
}

// tell appends events behind a seq and returns the last one.
func (s *Store) tell(ctx context.Context, tx *sql.Tx, key string, next int64, events []*storage.ExecutionEvent) (int64, error) {
	if len(events) == 0 {
		return next - 1, nil
	}
	kinds, bodies, seqs := make([]string, len(events)), make([]string, len(events)), make([]int64, len(events))
	for i, event := range events {
		kinds[i], bodies[i], seqs[i] = string(event.Kind), string(event.Body), next+int64(i)
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO execution_events (owner_id, execution_id, seq, kind, body, created_at)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), unnest(CAST($3 AS BIGINT[])), unnest(CAST($4 AS TEXT[])), unnest(CAST($5 AS TEXT[])), CAST($6 AS TIMESTAMP)`,
		s.owner, key, seqs, kinds, bodies, time.Now().UTC()); err != nil {
		return 0, err
	}
	next += int64(len(events))
	_, err := tx.ExecContext(ctx, `
UPDATE execution_fences
SET next_seq = $3
WHERE owner_id = $1 AND execution_id = $2`, s.owner, key, next)
	return next - 1, err
}

// body writes the body of an event.
func body(value any) (storage.JSON, error) {
	text, err := json.Marshal(value)
	return storage.JSON(text), err
}
