package garak

import (
	"context"
	"fmt"
)

// rawTables hold what only the end of the file decides. line is the place in the
// file; generation is the source id of an attack and of its conversation.
var rawTables = []struct{ name, columns string }{
	{"raw_garak_runs", `run TEXT, stated DOUBLE PRECISION`},
	{"raw_garak_probes", `run TEXT, probe TEXT, primary_detector TEXT, tags TEXT[], line BIGINT`},
	{"raw_garak_evals", `run TEXT, probe TEXT, detector TEXT, passed BIGINT, total BIGINT`},
	{"raw_garak_attempts", `run TEXT, uuid TEXT, status BIGINT, probe TEXT, previous TEXT, line BIGINT`},
	{"raw_garak_threads", `run TEXT, probe TEXT, uuid TEXT, generation TEXT, line BIGINT, whole TEXT, history TEXT, turns BIGINT`},
	{"raw_garak_scores", `run TEXT, uuid TEXT, probe TEXT, detector TEXT, generation TEXT, score TEXT, value DOUBLE PRECISION, line BIGINT`},
	{"raw_garak_buffs", `message TEXT, original TEXT, line BIGINT`},
	{"raw_garak_hits", `score TEXT, record TEXT, triggers TEXT, line BIGINT`},
	// Derived:
	{"raw_garak_winners", `uuid TEXT, status BIGINT, line BIGINT`},
	{"raw_garak_thresholds", `run TEXT, threshold DOUBLE PRECISION, known TEXT`},
	{"raw_garak_verdicts", `score TEXT, generation TEXT, detector TEXT, value DOUBLE PRECISION, hit BOOLEAN, main BOOLEAN`},
	{"raw_garak_outcomes", `generation TEXT, main BOOLEAN, hit BIGINT, detector TEXT, score TEXT`},
	{"raw_garak_branches", `run TEXT, probe TEXT, generation TEXT, parent TEXT, sequence BIGINT`},
}

// derive decides over the staged rows what no single line could.
func (im *importer) derive(ctx context.Context) error {
	for _, steps := range [][]step{keepWinners, judge, branch, rank} {
		for _, s := range steps {
			if err := im.do(ctx, s); err != nil {
				return err
			}
		}
	}
	if err := im.noteThresholds(ctx); err != nil {
		return err
	}
	for _, s := range unconvertAndTrigger {
		if err := im.do(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// step is one statement and what it is for; repeat runs it until it changes nothing.
type step struct {
	what      string
	statement string
	repeat    bool
}

func (im *importer) do(ctx context.Context, s step) error {
	for {
		changed, err := im.stage.Exec(ctx, s.statement)
		if err != nil {
			return fmt.Errorf("garak: %s: %w", s.what, err)
		}
		if !s.repeat || changed == 0 {
			return nil
		}
	}
}

// keepWinners leaves of each attempt the line with the highest status, and of those
// the last: a message that only the earlier line had does not stay behind.
var keepWinners = []step{
	{what: "find the last word on each attempt", statement: `
INSERT INTO raw_garak_winners
SELECT uuid, status, line
FROM (
  SELECT uuid, status, line, row_number() OVER (PARTITION BY uuid ORDER BY status DESC, line DESC) AS place
  FROM raw_garak_attempts
) AS ranked
WHERE place = 1`},
	{what: "drop superseded scores", statement: `
DELETE FROM raw_garak_scores
USING raw_garak_winners AS w
WHERE w.uuid = raw_garak_scores.uuid AND w.line <> raw_garak_scores.line`},
	{what: "drop superseded threads", statement: `
DELETE FROM raw_garak_threads
USING raw_garak_winners AS w
WHERE w.uuid = raw_garak_threads.uuid AND w.line <> raw_garak_threads.line`},
	{what: "drop superseded attacks", statement: superseded("stage_attacks")},
	{what: "drop superseded conversations", statement: superseded("stage_conversations")},
	{what: "drop superseded messages", statement: superseded("stage_messages")},
	{what: "drop superseded scores", statement: superseded("stage_scores")},
}

// superseded deletes staged rows of a lower status; every source id begins with the
// attempt's uuid, which has no slash.
func superseded(table string) string {
	return `
DELETE FROM ` + table + `
USING raw_garak_winners AS w
WHERE w.uuid = split_part(` + table + `.source_id, '/', 1) AND ` + table + `.rank < w.status`
}

// judge finds the threshold of each run, then the verdict of each score, then the
// outcome of each attack.
//
// Threshold: what the setup states; otherwise what garak's counts allow. Of n scores
// of which p passed (score < threshold), the threshold lies above the p-th smallest
// and not above the next one. The default of garak, 0.5, is taken where it fits, and
// where there is nothing to compare with.
//
// Outcome (domain.md): the probe's primary detector where it ran, otherwise any; one
// hit is a success, no hit and one verdict at least a failure.
var judge = []step{
	{what: "find the thresholds", statement: `
INSERT INTO raw_garak_thresholds
WITH ordered AS (
  SELECT run, probe, detector, value,
    row_number() OVER (PARTITION BY run, probe, detector ORDER BY value) AS place,
    count(*) OVER (PARTITION BY run, probe, detector) AS total
  FROM raw_garak_scores
  WHERE value IS NOT NULL
), allowed AS (
  SELECT e.run,
    max(CASE WHEN o.place = e.passed THEN o.value END) AS low,
    min(CASE WHEN o.place = e.passed + 1 THEN o.value END) AS high
  FROM raw_garak_evals AS e
  JOIN ordered AS o ON o.run = e.run AND o.probe = e.probe AND o.detector = e.detector AND o.total = e.total
  GROUP BY e.run
), stated AS (
  SELECT run, max(stated) AS stated
  FROM raw_garak_runs
  GROUP BY run
), chosen AS (
  SELECT s.run, s.stated, a.low, a.high,
    CASE
      WHEN s.stated IS NOT NULL THEN 'run.eval_threshold'
      WHEN a.low IS NULL AND a.high IS NULL THEN 'default'
      WHEN coalesce(a.low < 0.5, TRUE) AND coalesce(a.high >= 0.5, TRUE) THEN 'default, as the eval lines confirm'
      WHEN coalesce(a.low < a.high, TRUE) THEN 'eval lines'
      ELSE 'default, against the eval lines'
    END AS known
  FROM stated AS s
  LEFT JOIN allowed AS a ON a.run = s.run
)
SELECT run,
  CASE
    WHEN known = 'run.eval_threshold' THEN stated
    WHEN known <> 'eval lines' THEN 0.5
    WHEN high IS NOT NULL THEN high
    WHEN low < 1 THEN 1.0
    ELSE low + 1
  END,
  known
FROM chosen`},
	{what: "judge the scores", statement: `
INSERT INTO raw_garak_verdicts
WITH primaries AS (
  SELECT run, probe, primary_detector
  FROM (
    SELECT run, probe, primary_detector, row_number() OVER (PARTITION BY run, probe ORDER BY line DESC) AS place
    FROM raw_garak_probes
  ) AS ranked
  WHERE place = 1
)
SELECT s.score, s.generation, s.detector, s.value, s.value >= t.threshold, coalesce(p.primary_detector = s.detector, FALSE)
FROM raw_garak_scores AS s
JOIN raw_garak_thresholds AS t ON t.run = s.run
LEFT JOIN primaries AS p ON p.run = s.run AND p.probe = s.probe
WHERE s.score <> ''`},
	{what: "store the verdicts", statement: `
UPDATE stage_scores
SET is_true = v.hit, is_objective = v.main
FROM raw_garak_verdicts AS v
WHERE v.score = stage_scores.source_id`},
	{what: "judge the attacks", statement: `
INSERT INTO raw_garak_outcomes
SELECT generation, main,
  max(CASE WHEN hit THEN 1 WHEN value IS NOT NULL THEN 0 END),
  min(CASE WHEN place = 1 THEN detector END),
  min(CASE WHEN place = 1 THEN score END)
FROM (
  SELECT generation, main, hit, value, detector, score,
    row_number() OVER (PARTITION BY generation, main ORDER BY value DESC NULLS LAST, score) AS place,
    max(CASE WHEN main THEN 1 ELSE 0 END) OVER (PARTITION BY generation) AS ran
  FROM raw_garak_verdicts
) AS judged
WHERE main OR ran = 0
GROUP BY generation, main`},
	{what: "store the outcomes", statement: `
UPDATE stage_attacks
SET outcome = CASE o.hit WHEN 1 THEN 'SUCCESS' WHEN 0 THEN 'FAILURE' ELSE 'UNDETERMINED' END,
  outcome_source = CASE WHEN o.main THEN 'OBJECTIVE_SCORE' ELSE 'RULE' END,
  outcome_reason = CASE
    WHEN o.hit IS NULL THEN 'no detector came to a verdict'
    WHEN o.main THEN 'primary detector ' || o.detector
    WHEN o.hit = 1 THEN 'detector ' || o.detector
    ELSE 'no detector was hit'
  END,
  objective_score_source_id = CASE WHEN o.main THEN o.score END
FROM raw_garak_outcomes AS o
WHERE o.generation = stage_attacks.source_id`},
	{what: "store the probes' tags", statement: `
UPDATE stage_attacks
SET tags = p.tags
FROM (
  SELECT run, probe, tags, row_number() OVER (PARTITION BY run, probe ORDER BY line DESC) AS place
  FROM raw_garak_probes
) AS p
WHERE p.place = 1 AND p.run = stage_attacks.execution_source_id AND p.probe = stage_attacks.probe`},
	{what: "store the thresholds", statement: `
UPDATE stage_executions
SET attributes = '{"evalThreshold":' || CAST(t.threshold AS TEXT) || ',"evalThresholdFrom":"' || t.known || '",'
  || substr(attributes, 2)
FROM raw_garak_thresholds AS t
WHERE t.run = stage_executions.source_id`},
}

// branch finds what iterative probes (FITD, GOAT, agent_breaker; since 0.14) repeat.
// No line names the attempt that another goes on from. It relies on this: the prompt
// of such an attempt is a whole thread of an earlier one of the same probe and run,
// up to and with a reply, plus what is asked next. So the turns up to the last reply
// in the prompt, role by role and text by text, are looked for as a whole thread; the
// first that matches is the parent, and what both have is stored there alone. A
// prompt that was translated anew, or whose history the probe rewrote, matches
// nothing and keeps its turns.
//
// Leaves are the attacks that nothing goes on from, marked in probes where anything
// does: by such a branch, or by notes.previous_attempt_id (atkgen since 0.13, which
// sends no history along).
var branch = []step{
	{what: "find the branches", statement: `
INSERT INTO raw_garak_branches
WITH parents AS (
  SELECT run, probe, whole, generation
  FROM (
    SELECT run, probe, whole, generation,
      row_number() OVER (PARTITION BY run, probe, whole ORDER BY line, generation) AS place
    FROM raw_garak_threads
  ) AS ranked
  WHERE place = 1
)
SELECT c.run, c.probe, c.generation, p.generation, c.turns
FROM raw_garak_threads AS c
JOIN parents AS p ON p.run = c.run AND p.probe = c.probe AND p.whole = c.history
WHERE c.turns > 0`},
	{what: "store the branches", statement: `
UPDATE stage_conversations
SET branched_from_source_id = b.parent, branched_from_sequence = b.sequence
FROM raw_garak_branches AS b
WHERE b.generation = stage_conversations.source_id`},
	// A parent may itself begin with what its own parent has, so up and up.
	{what: "lay scores of repeated turns on the original", repeat: true, statement: `
UPDATE stage_scores
SET message_source_id = m.original
FROM (
  SELECT m.source_id, b.parent || substr(m.source_id, length(b.generation) + 1) AS original
  FROM stage_messages AS m
  JOIN raw_garak_branches AS b ON b.generation = m.conversation_source_id AND m.sequence < b.sequence
  GROUP BY 1, 2
) AS m
WHERE m.source_id = stage_scores.message_source_id`},
	{what: "drop repeated turns", statement: `
DELETE FROM stage_messages
USING raw_garak_branches AS b
WHERE b.generation = stage_messages.conversation_source_id AND stage_messages.sequence < b.sequence`},
	{what: "mark leaves", statement: `
UPDATE stage_attacks
SET attributes = '{"leaf":' || CASE WHEN l.followed THEN 'false' ELSE 'true' END || ',' || substr(attributes, 2)
FROM (
  SELECT t.generation, (f.parent IS NOT NULL OR n.previous IS NOT NULL) AS followed
  FROM raw_garak_threads AS t
  JOIN (
    SELECT run, probe FROM raw_garak_branches
    UNION
    SELECT run, probe FROM raw_garak_attempts WHERE previous <> ''
  ) AS i ON i.run = t.run AND i.probe = t.probe
  LEFT JOIN (SELECT DISTINCT parent FROM raw_garak_branches) AS f ON f.parent = t.generation
  LEFT JOIN (SELECT DISTINCT previous FROM raw_garak_attempts WHERE previous <> '') AS n ON n.previous = t.uuid
) AS l
WHERE l.generation = stage_attacks.source_id`},
}

// rank says how final a row is: by the attempt's status, then by whether the run
// came to its end, for only then are its thresholds and leaves known for good. A part
// of a report that is imported after the whole so changes nothing.
var rank = []step{
	{what: "rank the attacks", statement: `
UPDATE stage_attacks
SET rank = 2 * stage_attacks.rank + CASE WHEN e.partial THEN 1 ELSE 2 END
FROM stage_executions AS e
WHERE e.source_id = stage_attacks.execution_source_id`},
	{what: "rank the scores", statement: `
UPDATE stage_scores
SET rank = 2 * stage_scores.rank + s.whole
FROM (
  SELECT n.score, max(CASE WHEN e.partial THEN 1 ELSE 2 END) AS whole
  FROM raw_garak_scores AS n
  JOIN stage_executions AS e ON e.source_id = n.run
  GROUP BY n.score
) AS s
WHERE s.score = stage_scores.source_id`},
	{what: "rank the runs", statement: `
UPDATE stage_executions
SET rank = CASE WHEN partial THEN 1 ELSE 2 END`},
}

// unconvertAndTrigger looks up what other lines tell of a message or score.
var unconvertAndTrigger = []step{
	{what: "find the prompts before the buffs", statement: `
UPDATE stage_messages
SET original_value = o.value, original_sha256 = o.hash, converted_value = coalesce(converted_value, original_value),
  converted_sha256 = coalesce(converted_sha256, original_sha256)
FROM (
  SELECT b.message, min(coalesce(m.converted_value, m.original_value)) AS value,
    min(coalesce(m.converted_sha256, m.original_sha256)) AS hash
  FROM raw_garak_buffs AS b
  JOIN stage_messages AS m ON m.source_id = b.original AND m.role = 'USER'
  GROUP BY b.message
) AS o
WHERE o.message = stage_messages.source_id AND o.hash <> stage_messages.original_sha256`},
	{what: "add the hitlog's triggers", statement: `
UPDATE stage_scores
SET attributes = '{"triggers":' || h.triggers || CASE WHEN attributes IS NULL THEN '}' ELSE ',' || substr(attributes, 2) END
FROM (SELECT score, max(triggers) AS triggers FROM raw_garak_hits GROUP BY score) AS h
WHERE h.score = stage_scores.source_id AND h.triggers IS NOT NULL`},
	{what: "drop the hits that the report has", statement: `
DELETE FROM stage_raw
USING raw_garak_hits AS h
WHERE h.record = stage_raw.source_id AND stage_raw.record = 'garak.hitlog'
  AND EXISTS (SELECT 1 FROM stage_scores AS s WHERE s.source_id = h.score)`},
}

// noteThresholds tells of runs whose counts no threshold explains.
func (im *importer) noteThresholds(ctx context.Context) (err error) {
	rows, err := im.stage.Query(ctx, `
SELECT known, count(*)
FROM raw_garak_thresholds
GROUP BY known
ORDER BY known`)
	if err != nil {
		return fmt.Errorf("garak: read the thresholds: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var known string
		var runs int64
		if err := rows.Scan(&known, &runs); err != nil {
			return fmt.Errorf("garak: read the thresholds: %w", err)
		}
		switch known {
		case "default":
			im.log.note("the report states no threshold and has no eval line to tell it by: 0.5 was used", 0)
		case "eval lines":
			im.log.note("the report states no threshold: it was told by garak's own counts", 0)
		case "default, against the eval lines":
			im.log.note("no threshold explains garak's own counts: 0.5 was used", 0)
		}
	}
	return rows.Err()
}
