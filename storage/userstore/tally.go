package userstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) itemTable() *table[storage.ExecutionItem] {
	return &table[storage.ExecutionItem]{
		name: "items", from: "execution_items i", alias: "i", keys: []string{"item"}, keyType: "BIGINT",
		columns: `i.execution_id, i.item, i.attack_no, i.outcome, i.error_class, i.attempts, i.calls, i.latency_ms, i.input_tokens, i.output_tokens, i.cost, i.finished_at`,
		scan: func(scan func(columns ...any) error, i *storage.ExecutionItem) error {
			err := scan(&i.Execution, &i.Item, &i.AttackNumber, &i.Outcome, &i.ErrorClass, &i.Attempts, &i.Calls, &i.LatencyMs, &i.InputTokens, &i.OutputTokens, &i.Cost, &i.FinishedAt)
			if i.AttackNumber != nil {
				i.AttackID = s.numberID(storage.KindAttack, *i.AttackNumber)
			}
			return err
		},
		keysOf: func(i *storage.ExecutionItem) []any { return []any{i.Item} },
	}
}

// ItemsByExecution lists the recorded items of native runs, in the order of their plans.
func (s *Store) ItemsByExecution(ctx context.Context, keys []string, filter *storage.ExecutionItemFilter, page storage.Page) (map[string]*storage.Connection[storage.ExecutionItem], error) {
	q := s.query()
	return nested(ctx, s.itemTable(), s, q, nest{parent: "i.execution_id", kind: "TEXT"}, keys, func() string {
		var own []string
		if filter != nil && filter.Outcome != nil {
			own = q.among("i.outcome", plain(filter.Outcome.In), plain(filter.Outcome.NotIn))
		}
		if filter != nil {
			own = append(own, q.in("i.error_class", filter.ErrorClass)...)
		}
		return all(own)
	}, order[storage.ExecutionItem]{name: "item"}, page)
}

func (s *Store) eventTable() *table[storage.ExecutionEvent] {
	return &table[storage.ExecutionEvent]{
		name: "events", from: "execution_events v", alias: "v", keys: []string{"seq"}, keyType: "BIGINT",
		columns: `v.seq, v.kind, v.body, v.created_at`,
		scan: func(scan func(columns ...any) error, e *storage.ExecutionEvent) error {
			return scan(&e.Seq, &e.Kind, &e.Body, &e.CreatedAt)
		},
		keysOf: func(e *storage.ExecutionEvent) []any { return []any{e.Seq} },
	}
}

// EventsByExecution lists the events of native runs, in their order.
func (s *Store) EventsByExecution(ctx context.Context, keys []string, filter *storage.ExecutionEventFilter, page storage.Page) (map[string]*storage.Connection[storage.ExecutionEvent], error) {
	q := s.query()
	return nested(ctx, s.eventTable(), s, q, nest{parent: "v.execution_id", kind: "TEXT"}, keys, func() string {
		if filter == nil || len(filter.Kind) == 0 {
			return "TRUE"
		}
		return all(q.among("v.kind", plain(filter.Kind), nil))
	}, order[storage.ExecutionEvent]{name: "seq"}, page)
}

// ExecutionTallies counts the recorded items of native runs; a run without any is absent.
func (s *Store) ExecutionTallies(ctx context.Context, keys []string, now time.Time) (map[string]*storage.ExecutionTally, error) {
	found := make(map[string]*storage.ExecutionTally, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q := s.query()
	_, err := collect(ctx, s, "count items of executions", `
SELECT i.execution_id, count(*),
  count(CASE WHEN i.outcome = 'SUCCESS' THEN 1 END),
  count(CASE WHEN i.outcome = 'FAILURE' THEN 1 END),
  count(CASE WHEN i.outcome = 'UNDETERMINED' THEN 1 END),
  count(CASE WHEN i.outcome = 'ERROR' THEN 1 END),
  CAST(sum(i.calls) AS BIGINT), CAST(sum(i.input_tokens) AS BIGINT), CAST(sum(i.output_tokens) AS BIGINT), CAST(sum(i.cost) AS DOUBLE PRECISION),
  count(CASE WHEN i.finished_at > CAST(`+q.arg(now.Add(-storage.TallyOver).UTC())+` AS TIMESTAMP) THEN 1 END)
FROM execution_items i
WHERE i.owner_id = $1 AND i.execution_id IN (SELECT unnest(`+q.texts(keys)+`))
GROUP BY i.execution_id`, q.args, func(rows *sql.Rows) (*storage.ExecutionTally, error) {
		t, key := &storage.ExecutionTally{}, ""
		err := rows.Scan(&key, &t.Done, &t.Successes, &t.Failures, &t.Undetermined, &t.Errors, &t.Calls, &t.InputTokens, &t.OutputTokens, &t.Cost, &t.Recent)
		found[key] = t
		return t, err
	})
	return found, err
}

// ErrorClasses counts what went wrong in runs by class, the most common first.
func (s *Store) ErrorClasses(ctx context.Context, keys []string) (map[string][]*storage.ErrorClassCount, error) {
	found := make(map[string][]*storage.ErrorClassCount, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q := s.query()
	list := q.texts(keys)
	_, err := collect(ctx, s, "count errors of executions", `
SELECT f.execution_id, f.class, count(*) AS n
FROM (
  SELECT i.execution_id, COALESCE(i.error_class, 'unknown') AS class
  FROM execution_items i
  WHERE i.owner_id = $1 AND i.outcome = 'ERROR' AND i.execution_id IN (SELECT unnest(`+list+`))
  UNION ALL
  SELECT a.execution_id, COALESCE(a.error_type, 'unknown')
  FROM attacks a
  JOIN execution_plans e ON e.owner_id = a.owner_id AND e.id = a.execution_id AND e.origin = 'IMPORTED'
  WHERE a.owner_id = $1 AND a.outcome = 'ERROR' AND a.execution_id IN (SELECT unnest(`+list+`))
) f
GROUP BY f.execution_id, f.class
ORDER BY n DESC, f.class`, q.args, func(rows *sql.Rows) (*storage.ErrorClassCount, error) {
		c, key := &storage.ErrorClassCount{}, ""
		err := rows.Scan(&key, &c.Class, &c.Count)
		found[key] = append(found[key], c)
		return c, err
	})
	return found, err
}
