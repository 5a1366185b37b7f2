package pyrit

import (
	"context"
	"fmt"
)

// decide finds an outcome for the attacks for which the file states none, in the order
// of domain.md: the objective score, a failed call, the rule.
func (im *importer) decide(ctx context.Context) error {
	for _, step := range []struct {
		what, statement string
		args            []any
	}{
		{"find attacks without an outcome", openSQL, nil},
		{"judge by the objective score", objectiveVerdictSQL, []any{im.opts.ObjectiveScorer}},
		{"find failed calls", errorSQL, nil},
		{"judge by rule", ruleSQL, nil},
	} {
		if _, err := im.stage.Exec(ctx, step.statement, step.args...); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

const openSQL = `
INSERT INTO raw_open
SELECT source_id, conversation_source_id, NULLIF(objective_score_source_id, '')
FROM stage_attacks
WHERE COALESCE(outcome, '') = ''`

// objectiveVerdictSQL: last_score_id, else the newest score of the scorer that the user
// named ($1, a class; empty: none) on the last reply.
const objectiveVerdictSQL = `
INSERT INTO raw_verdicts
WITH scorers AS (
	SELECT DISTINCT hash, class_name FROM stage_components WHERE kind = 'SCORER'
), last AS (
	SELECT o.attack, s.source_id, s.is_true,
	       ROW_NUMBER() OVER (
	         PARTITION BY o.attack
	         ORDER BY CASE WHEN s.source_id = o.score THEN 0 ELSE 1 END, s.created_at DESC, s.ord DESC) AS place
	FROM raw_open o
	JOIN raw_spans p ON p.conversation = o.conversation
	JOIN stage_messages m ON m.conversation_source_id = o.conversation AND m.sequence = p.last_reply
	JOIN stage_scores s ON s.message_source_id = COALESCE(NULLIF(m.original_source_id, ''), m.source_id)
	JOIN scorers c ON c.hash = s.scorer_hash
	WHERE s.is_true IS NOT NULL
	  AND c.class_name = CAST($1 AS TEXT)
	UNION ALL
	SELECT o.attack, s.source_id, s.is_true, 0
	FROM raw_open o
	JOIN stage_scores s ON s.source_id = o.score
	WHERE s.is_true IS NOT NULL
), best AS (
	SELECT attack, source_id, is_true, ROW_NUMBER() OVER (PARTITION BY attack ORDER BY place) AS place
	FROM last
)
SELECT attack, CASE WHEN is_true THEN 'SUCCESS' ELSE 'FAILURE' END, 'OBJECTIVE_SCORE', source_id
FROM best
WHERE place = 1`

// errorSQL: the call failed where the last reply is an error. A blocked reply is a
// reply, and an error that PyRIT noted on the attack counts too.
const errorSQL = `
INSERT INTO raw_verdicts
SELECT o.attack, 'ERROR', 'RULE', CAST(NULL AS TEXT)
FROM raw_open o
JOIN stage_attacks a ON a.source_id = o.attack
LEFT JOIN raw_spans p ON p.conversation = o.conversation
WHERE NOT EXISTS (SELECT 1 FROM raw_verdicts v WHERE v.attack = o.attack)
  AND (a.error_type <> ''
    OR EXISTS (
      SELECT 1
      FROM stage_messages m
      WHERE m.conversation_source_id = o.conversation
        AND m.sequence = p.last_reply
        AND m.role = 'ASSISTANT'
        AND m.response_error NOT IN ('none', 'blocked')))`

// ruleSQL is rule 4 of domain.md over the true_false scores of the last reply: refusal
// scorers and inverters are left out if any other scorer is there; a refusal scorer
// counts inverted; verdicts that agree decide. An inverter is what its name says, even
// where it inverts a refusal scorer and has its category.
const ruleSQL = `
INSERT INTO raw_verdicts
WITH scorers AS (
	SELECT DISTINCT hash, class_name FROM stage_components WHERE kind = 'SCORER'
), replies AS (
	SELECT o.attack, COALESCE(NULLIF(m.original_source_id, ''), m.source_id) AS message
	FROM raw_open o
	JOIN raw_spans p ON p.conversation = o.conversation
	JOIN stage_messages m ON m.conversation_source_id = o.conversation AND m.sequence = p.last_reply
	WHERE m.role = 'ASSISTANT'
	  AND NOT EXISTS (SELECT 1 FROM raw_verdicts v WHERE v.attack = o.attack)
), judged AS (
	SELECT r.attack, s.is_true,
	       CASE
	         WHEN c.class_name LIKE '%Inverter%' THEN 'inverter'
	         WHEN c.class_name LIKE '%Refusal%' OR 'refusal' = ANY(s.categories) THEN 'refusal'
	         ELSE 'objective'
	       END AS kind
	FROM replies r
	JOIN stage_scores s ON s.message_source_id = r.message
	JOIN scorers c ON c.hash = s.scorer_hash
	WHERE s.type = 'TRUE_FALSE' AND s.is_true IS NOT NULL
), kinds AS (
	SELECT attack, MAX(CASE WHEN kind = 'objective' THEN 1 ELSE 0 END) AS objective
	FROM judged
	GROUP BY attack
), verdicts AS (
	SELECT j.attack, CASE WHEN j.kind = 'refusal' THEN NOT j.is_true ELSE j.is_true END AS reached
	FROM judged j
	JOIN kinds k ON k.attack = j.attack
	WHERE k.objective = 0 OR j.kind = 'objective'
)
SELECT attack,
       CASE WHEN BOOL_AND(reached) THEN 'SUCCESS' WHEN BOOL_OR(reached) THEN 'UNDETERMINED' ELSE 'FAILURE' END,
       'RULE', CAST(NULL AS TEXT)
FROM verdicts
GROUP BY attack`
