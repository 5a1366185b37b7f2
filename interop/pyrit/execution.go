package pyrit

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// runsSQL describes the runs of the staged attacks after $1, in pages of $2. The
// label op says what an orchestrator was for where all its attacks have the same.
const runsSQL = `
WITH ops AS (
	SELECT a.execution_source_id AS execution, MIN(l.value) AS op
	FROM stage_attacks a
	JOIN stage_labels l ON l.attack_source_id = a.source_id AND l.key = 'op'
	GROUP BY a.execution_source_id
	HAVING MIN(l.value) = MAX(l.value)
)
SELECT a.execution_source_id, MIN(a.attack_class), MIN(o.op), MIN(a.started_at), MAX(a.finished_at),
       MAX(CASE WHEN m.run IS NULL THEN 0 ELSE 1 END)
FROM stage_attacks a
LEFT JOIN ops o ON o.execution = a.execution_source_id
LEFT JOIN raw_threads m ON m.conversation = a.conversation_source_id AND m.run = a.execution_source_id
WHERE a.execution_source_id > CAST($1 AS TEXT)
  AND a.execution_source_id NOT IN (SELECT source_id FROM stage_executions WHERE source = 'PYRIT')
GROUP BY a.execution_source_id
ORDER BY a.execution_source_id
LIMIT CAST($2 AS BIGINT)`

const runsPage = 1000

// executions stages the runs: a scenario's, an orchestrator's, else one per memory
// and attack class. Scenarios are staged already and get their times here.
func (im *importer) executions(ctx context.Context) error {
	if _, err := im.stage.Exec(ctx, scenarioTimesSQL); err != nil {
		return fmt.Errorf("tell the times of scenarios: %w", err)
	}
	after := ""
	for {
		runs, err := im.runsAfter(ctx, after)
		if err != nil {
			return fmt.Errorf("find runs: %w", err)
		}
		for _, run := range runs {
			if err := im.stage.AddExecution(ctx, run); err != nil {
				return err
			}
			after = run.SourceID
		}
		if len(runs) < runsPage {
			return nil
		}
	}
}

func (im *importer) runsAfter(ctx context.Context, after string) ([]*storage.Execution, error) {
	rows, err := im.stage.Query(ctx, runsSQL, after, int64(runsPage))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var runs []*storage.Execution
	for rows.Next() {
		e := storage.Execution{
			Origin: storage.OriginImported, Source: storage.SourcePyRIT, Status: storage.ExecutionSucceeded,
		}
		var class string
		var op sql.NullString
		var started, finished sql.NullTime
		var orchestrated int64
		if err := rows.Scan(&e.SourceID, &class, &op, &started, &finished, &orchestrated); err != nil {
			return nil, err
		}
		e.Key = Key("execution", e.SourceID)
		e.Name, e.Orchestrator = class, &class
		if orchestrated == 1 && op.Valid {
			e.Name += " " + op.String
		}
		if started.Valid {
			e.StartedAt = &started.Time
		}
		if finished.Valid {
			e.FinishedAt = &finished.Time
		}
		runs = append(runs, &e)
	}
	return runs, rows.Err()
}

// scenarioTimesSQL: until 0.13 at least the completion_time is that of the row, made
// before the first attack; a scenario has not ended before its last attack.
const scenarioTimesSQL = `
UPDATE stage_executions
SET started_at = t.started_at,
    finished_at = CASE
      WHEN stage_executions.finished_at >= t.finished_at THEN stage_executions.finished_at
      ELSE t.finished_at
    END
FROM (
	SELECT execution_source_id, MIN(started_at) AS started_at, MAX(finished_at) AS finished_at
	FROM stage_attacks
	GROUP BY execution_source_id
) t
WHERE t.execution_source_id = stage_executions.source_id
  AND stage_executions.source = 'PYRIT'`
