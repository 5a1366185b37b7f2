package userstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// AddExecution stores a plan with its first event.
func (s *Store) AddExecution(ctx context.Context, plan *storage.ExecutionPlan) error {
	return s.changing(ctx, "add an execution", func(ctx context.Context, tx *sql.Tx) error {
		return s.addPlan(ctx, tx, plan, storage.ExecutionQueued)
	})
}

// addPlan stores a plan, with an event of its state. A run that is over at once began when
// it was queued.
func (s *Store) addPlan(ctx context.Context, tx *sql.Tx, plan *storage.ExecutionPlan, status storage.ExecutionStatus) error {
	var began any
	if status.Over() {
		began = plan.QueuedAt.UTC()
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO execution_plans (owner_id, id, origin, source, source_id, name, orchestrator, status, partial, configuration, error,
  started_at, finished_at, attributes, started_by, retry_of, item_count, queued_at, orchestrator_id)
VALUES ($1, $2, 'NATIVE', 'NATIVE', $2, $3, $4, $5, FALSE, $6, NULL, $7, $7, NULL, $8, $9, $10, $11, $12)`,
		s.owner, plan.Key, plan.Name, plan.Orchestrator, string(status), string(plan.Configuration), began, plan.StartedBy,
		given(plan.RetryOf), plan.Items, plan.QueuedAt.UTC(), given(plan.OrchestratorKey)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO execution_fences (owner_id, execution_id, epoch, next_seq)
VALUES ($1, $2, 0, 1)`, s.owner, plan.Key); err != nil {
		return err
	}
	if plan.Scores != nil {
		if err := s.fixAttacks(ctx, tx, plan); err != nil {
			return err
		}
	}
	if plan.Version != nil {
		if err := s.useVersion(ctx, tx, *plan.Version, "execution "+plan.Key, plan.QueuedAt); err != nil {
			return err
		}
	}
	return s.tellStatus(ctx, tx, plan.Key, storage.StatusEvent{Status: status})
}

// ExecutionPlan reads a plan.
func (s *Store) ExecutionPlan(ctx context.Context, key string) (*storage.ExecutionPlan, error) {
	found, err := collect(ctx, s, "read a plan", `
SELECT e.id, e.name, e.orchestrator, e.configuration, e.item_count, e.started_by, e.retry_of, e.queued_at
FROM execution_plans e
WHERE e.owner_id = $1 AND e.id = $2 AND e.origin = 'NATIVE'`, []any{s.owner, key}, func(rows *sql.Rows) (*storage.ExecutionPlan, error) {
		p := &storage.ExecutionPlan{}
		return p, rows.Scan(&p.Key, &p.Name, &p.Orchestrator, &p.Configuration, &p.Items, &p.StartedBy, &p.RetryOf, &p.QueuedAt)
	})
	if err == nil && len(found) == 0 {
		err = storage.Errorf(storage.CodeNotFound, "there is no such execution")
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// FailedItems are the items of a run that ended in an error.
func (s *Store) FailedItems(ctx context.Context, key string) ([]int64, error) {
	return collect(ctx, s, "read failed items", `
SELECT i.item
FROM execution_items i
WHERE i.owner_id = $1 AND i.execution_id = $2 AND i.outcome = 'ERROR'
ORDER BY i.item`, []any{s.owner, key}, scanOne[int64])
}

// DecideExecutionStatus notes the state that decide comes to, with an event unless it
// stands there.
func (s *Store) DecideExecutionStatus(ctx context.Context, key string, now time.Time, decide func(ctx context.Context) (storage.StatusEvent, error)) error {
	return unlessUnchanged(s.changing(ctx, "note the state of an execution", func(ctx context.Context, tx *sql.Tx) error {
		event, err := decide(ctx)
		if err != nil {
			return err
		}
		return s.setStatus(ctx, tx, key, event, now)
	}))
}

// ChangeExecutionPlan notes the state that decide comes to, and changes the plan.
func (s *Store) ChangeExecutionPlan(ctx context.Context, key string, configuration storage.JSON, now time.Time, decide func(ctx context.Context) (storage.StatusEvent, error)) error {
	return s.changing(ctx, "change the plan of an execution", func(ctx context.Context, tx *sql.Tx) error {
		event, err := decide(ctx)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
UPDATE execution_plans
SET configuration = $3
WHERE owner_id = $1 AND id = $2 AND origin = 'NATIVE'`, s.owner, key, string(configuration)); err != nil {
			return err
		}
		return unlessUnchanged(s.setStatus(ctx, tx, key, event, now))
	})
}

func (r *recorder) DecideStatus(ctx context.Context, now time.Time, decide func(ctx context.Context) (storage.StatusEvent, error)) error {
	return unlessUnchanged(r.store.changing(ctx, "note the state of an execution", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := r.passFence(ctx, tx); err != nil {
			return err
		}
		event, err := decide(ctx)
		if err != nil {
			return err
		}
		return r.store.setStatus(ctx, tx, r.key, event, now)
	}))
}

func unlessUnchanged(err error) error {
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

func (s *Store) setStatus(ctx context.Context, tx *sql.Tx, key string, event storage.StatusEvent, now time.Time) error {
	changed, err := execCount(ctx, tx, `
UPDATE execution_plans
SET status = $3, error = NULLIF(CAST($4 AS TEXT), ''),
  started_at = CASE WHEN CAST($3 AS TEXT) = 'RUNNING' THEN COALESCE(started_at, CAST($5 AS TIMESTAMP)) ELSE started_at END,
  finished_at = CASE WHEN CAST($6 AS BOOLEAN) THEN CAST($5 AS TIMESTAMP) ELSE finished_at END
WHERE owner_id = $1 AND id = $2 AND origin = 'NATIVE' AND status <> $3`, s.owner, key, string(event.Status), event.Error, now.UTC(),
		event.Status.Over())
	if err != nil {
		return err
	}
	if changed == 0 {
		return errUnchanged
	}
	return s.tellStatus(ctx, tx, key, event)
}

func (s *Store) tellStatus(ctx context.Context, tx *sql.Tx, key string, event storage.StatusEvent) error {
	var seq int64
	if err := tx.QueryRowContext(ctx, `
SELECT next_seq
FROM execution_fences
WHERE owner_id = $1 AND execution_id = $2`, s.owner, key).Scan(&seq); err != nil {
		return err
	}
	text, err := body(event)
	if err != nil {
		return err
	}
	_, err = s.tell(ctx, tx, key, seq, []*storage.ExecutionEvent{{Kind: storage.EventStatus, Body: text}})
	return err
}

// ExecutionEvents reads events in their order.
func (s *Store) ExecutionEvents(ctx context.Context, key string, after int64, limit int) ([]*storage.ExecutionEvent, error) {
	q := s.query()
	return collect(ctx, s, "read events", `
SELECT v.seq, v.kind, v.body, v.created_at
FROM execution_events v
WHERE v.owner_id = $1 AND v.execution_id = `+q.arg(key)+` AND v.seq > CAST(`+q.arg(after)+` AS BIGINT)
ORDER BY v.seq
LIMIT CAST(`+q.arg(int64(limit))+` AS BIGINT)`, q.args, scanEvent)
}

func scanEvent(rows *sql.Rows) (*storage.ExecutionEvent, error) {
	e := &storage.ExecutionEvent{}
	return e, rows.Scan(&e.Seq, &e.Kind, &e.Body, &e.CreatedAt)
}

// LastExecutionEvent reads the last event of a kind, and how far events go.
func (s *Store) LastExecutionEvent(ctx context.Context, key string, kind storage.ExecutionEventKind) (*storage.ExecutionEvent, int64, error) {
	last, err := s.number(ctx, "read the last event", `
SELECT COALESCE(max(f.next_seq), 1) - 1
FROM execution_fences f
WHERE f.owner_id = $1 AND f.execution_id = $2`, []any{s.owner, key})
	if err != nil {
		return nil, 0, err
	}
	found, err := collect(ctx, s, "read the last event", `
SELECT v.seq, v.kind, v.body, v.created_at
FROM execution_events v
WHERE v.owner_id = $1 AND v.execution_id = $2 AND v.kind = $3 AND v.seq <= CAST($4 AS BIGINT)
ORDER BY v.seq DESC
LIMIT 1`, []any{s.owner, key, string(kind), last}, scanEvent)
	if err != nil || len(found) == 0 {
		return nil, last, err
	}
	return found[0], last, nil
}
