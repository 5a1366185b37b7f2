package userstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) executionTable() *table[storage.Execution] {
	return &table[storage.Execution]{
		name: "executions", from: "execution_plans e", alias: "e", keys: []string{"id"}, keyType: "TEXT",
		columns: `e.id, e.origin, e.source, e.source_id, e.name, e.orchestrator, e.status, e.partial, e.configuration, e.error,
  e.started_at, e.finished_at, e.attributes, e.orchestrator_id, e.item_count, e.started_by, e.retry_of, e.queued_at`,
		scan: func(scan func(columns ...any) error, e *storage.Execution) error {
			err := scan(&e.Key, &e.Origin, &e.Source, &e.SourceID, &e.Name, &e.Orchestrator, &e.Status, &e.Partial,
				&e.Configuration, &e.Error, &e.StartedAt, &e.FinishedAt, &e.Attributes, &e.OrchestratorKey,
				&e.Items, &e.StartedBy, &e.RetryOf, &e.QueuedAt)
			e.ID = s.id(storage.KindExecution, e.Key)
			return err
		},
		keysOf: func(e *storage.Execution) []any { return []any{e.Key} },
	}
}

// Executions lists runs; one without the time that they are ordered by comes last.
func (s *Store) Executions(ctx context.Context, filter *storage.ExecutionFilter, by storage.ExecutionOrder, page storage.Page) (*storage.Connection[storage.Execution], error) {
	q := s.query()
	return s.executionTable().page(ctx, s, q, executionFilter(q, filter), executionOrder(by), page)
}

func executionOrder(by storage.ExecutionOrder) order[storage.Execution] {
	desc := by.Direction == storage.Descending
	switch by.Field {
	case storage.ExecutionOrderName:
		return order[storage.Execution]{
			name: "name", expr: `e.name COLLATE "C"`, kind: "TEXT", desc: desc,
			value: func(e *storage.Execution) any { return e.Name },
		}
	case storage.ExecutionOrderQueuedAt:
		return nullsLast("queued", "COALESCE(e.queued_at, e.started_at)", "TIMESTAMP", desc, func(e *storage.Execution) any {
			if e.QueuedAt != nil {
				return *e.QueuedAt
			}
			return given(e.StartedAt)
		})
	case storage.ExecutionOrderFinishedAt:
		return nullsLast("finished", "e.finished_at", "TIMESTAMP", desc, func(e *storage.Execution) any { return given(e.FinishedAt) })
	}
	return nullsLast("started", "e.started_at", "TIMESTAMP", desc, func(e *storage.Execution) any { return given(e.StartedAt) })
}

// ExecutionsByKey reads runs.
func (s *Store) ExecutionsByKey(ctx context.Context, keys []string) (map[string]*storage.Execution, error) {
	return byKey(ctx, s.executionTable(), s, keys)
}

// ExecutionSummaries counts the attacks of each run by outcome; a run without
// attacks is absent.
func (s *Store) ExecutionSummaries(ctx context.Context, keys []string) (map[string]*storage.ExecutionSummary, error) {
	summaries := make(map[string]*storage.ExecutionSummary, len(keys))
	if len(keys) == 0 {
		return summaries, nil
	}
	q := s.query()
	type summed struct {
		key     string
		summary storage.ExecutionSummary
	}
	rows, err := collect(ctx, s, "sum up executions", `
SELECT a.execution_id, count(*),
  count(CASE WHEN a.outcome = 'SUCCESS' THEN 1 END),
  count(CASE WHEN a.outcome = 'FAILURE' THEN 1 END),
  count(CASE WHEN a.outcome = 'UNDETERMINED' THEN 1 END),
  count(CASE WHEN a.outcome = 'ERROR' THEN 1 END)
FROM attacks a
WHERE a.owner_id = $1 AND a.execution_id IN (SELECT unnest(`+q.texts(keys)+`))
GROUP BY a.execution_id`, q.args, func(rows *sql.Rows) (*summed, error) {
		r := &summed{}
		return r, rows.Scan(&r.key, &r.summary.Attacks, &r.summary.Successes, &r.summary.Failures,
			&r.summary.Undetermined, &r.summary.Errors)
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		summaries[row.key] = &row.summary
	}
	return summaries, nil
}
