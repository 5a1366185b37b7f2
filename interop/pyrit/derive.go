package pyrit

import (
	"context"
	"fmt"
)

// rawTables are the importer's own temporary tables.
var rawTables = []struct{ table, columns string }{
	// What the file tells, written while it is scanned.
	{"raw_facts", `conversation TEXT, fact TEXT, value TEXT`},
	{"raw_labels", `conversation TEXT, key TEXT, value TEXT`},
	{"raw_chains", `conversation TEXT, sequence BIGINT, chain TEXT, hashes TEXT[]`},
	{"raw_conversations", `conversation TEXT, target_hash TEXT, attributes TEXT`},
	{"raw_results", `place BIGINT, id TEXT, conversation TEXT, created_at TIMESTAMP`},
	{"raw_refs", `conversation TEXT, main TEXT, priority BIGINT`}, // 1 main, 2 pruned, 3 adversarial
	{"raw_seeds", `attack TEXT, sha256 TEXT, place BIGINT`},
	{"raw_atomics", `attack TEXT, atomic TEXT`},
	{"raw_atomic_seeds", `atomic TEXT, seed TEXT, place BIGINT`},
	{"raw_seed_identifiers", `seed TEXT, sha256 TEXT`},
	{"raw_scenarios", `execution TEXT, conversation TEXT`},
	{"raw_tasks", `score TEXT, sha256 TEXT`},
	{"raw_contents", `id TEXT, content TEXT`},
	{"raw_scored_contents", `score TEXT, content TEXT`},
	// What is derived from it, step by step.
	{"raw_spans", `conversation TEXT, ord BIGINT, first_sequence BIGINT, system_sequence BIGINT,
		last_reply BIGINT, turns BIGINT, started_at TIMESTAMP, finished_at TIMESTAMP`},
	{"raw_marks", `conversation TEXT, judge TEXT, asks TEXT, scored TEXT, converter TEXT, target_hash TEXT,
		class TEXT, attacker_hash TEXT, objective_target_hash TEXT, run TEXT, multi TEXT`},
	{"raw_threads", `conversation TEXT, ord BIGINT, purpose TEXT, main TEXT, target_hash TEXT, class TEXT,
		attacker_hash TEXT, objective_target_hash TEXT, run TEXT, multi TEXT, started_at TIMESTAMP,
		finished_at TIMESTAMP, first_sequence BIGINT, last_reply BIGINT, turns BIGINT`},
	{"raw_matches", `conversation TEXT, main TEXT`},
	{"raw_branches", `conversation TEXT, parent TEXT, sequence BIGINT`},
	{"raw_prompts", `attack TEXT, prompt TEXT, harm_categories TEXT[]`},
	{"raw_derived", `attack TEXT, execution TEXT, class TEXT, attacker_hash TEXT, target_hash TEXT, chain TEXT,
		hashes TEXT[], prompt TEXT, prompt_key TEXT, harm_categories TEXT[], started_at TIMESTAMP`},
	{"raw_harms", `conversation TEXT, categories TEXT[]`},
	{"raw_first_chains", `conversation TEXT, chain TEXT, hashes TEXT[]`},
	{"raw_first_prompts", `conversation TEXT, sha256 TEXT`},
	{"raw_helpers", `main TEXT, class TEXT, attacker_hash TEXT, target_hash TEXT`},
	{"raw_runs", `conversation TEXT, execution TEXT`},
	{"raw_open", `attack TEXT, conversation TEXT, score TEXT`},
	{"raw_verdicts", `attack TEXT, outcome TEXT, source TEXT, score TEXT`},
}

// derive says what each conversation was for, makes the attacks of a memory
// without attack results, and completes those of one with them.
func (im *importer) derive(ctx context.Context) error {
	if im.repeats > 0 {
		if _, err := im.stage.Exec(ctx, originalScoreSQL); err != nil {
			return fmt.Errorf("put scores on original pieces: %w", err)
		}
	}
	for _, step := range []struct{ what, statement string }{
		{"count messages", spanSQL},
		{"gather facts of conversations", markSQL},
		{"tell purposes", threadSQL},
		{"find the attacks of judges", judgedSQL},
		{"find the attacks of attackers", matchSQL},
		{"link judges and attackers", linkSQL},
		{"find branches", branchSQL},
		{"make attacks of orchestrators", orchestratedSQL},
		{"find harm categories", harmSQL},
		{"find converters", chainSQL},
		{"find first prompts", firstPromptSQL},
		{"find what helpers know", helperSQL},
		{"find the runs of scenarios", runSQL},
		{"find the prompts of attacks", promptSQL},
	} {
		if _, err := im.stage.Exec(ctx, step.statement); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if _, err := im.stage.Exec(ctx, derivedSQL, "memory/"+im.first+"/"); err != nil {
		return fmt.Errorf("gather facts of attacks: %w", err)
	}
	if err := im.decide(ctx); err != nil {
		return err
	}
	for _, step := range []struct{ what, statement string }{
		{"write attacks", completeSQL},
		{"forget attacks as they were read", incompleteSQL},
		{"write conversations", conversationSQL},
		{"write labels of conversations", conversationLabelSQL},
		{"write labels of attacks", attackLabelSQL},
		{"mark objective scores", objectiveSQL},
	} {
		if _, err := im.stage.Exec(ctx, step.statement); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	if im.orphaned {
		if _, err := im.stage.Exec(ctx, contentSQL); err != nil {
			return fmt.Errorf("give scores their contents: %w", err)
		}
	}
	return im.executions(ctx)
}

const spanSQL = `
INSERT INTO raw_spans
SELECT conversation_source_id, MIN(ord), MIN(sequence),
       MIN(CASE WHEN role = 'SYSTEM' THEN sequence END),
       MAX(CASE WHEN role = 'ASSISTANT' THEN sequence END),
       COUNT(DISTINCT CASE WHEN role = 'ASSISTANT' THEN sequence END),
       MIN(created_at), MAX(created_at)
FROM stage_messages
GROUP BY conversation_source_id`

const markSQL = `
INSERT INTO raw_marks
SELECT conversation,
       MAX(CASE WHEN fact = 'judge' THEN value END),
       MAX(CASE WHEN fact = 'asks' THEN value END),
       MIN(CASE WHEN fact = 'scored' THEN value END),
       MAX(CASE WHEN fact = 'converter' THEN value END),
       MIN(CASE WHEN fact = 'target' THEN value END),
       MIN(CASE WHEN fact = 'class' THEN value END),
       MIN(CASE WHEN fact = 'attacker' THEN value END),
       MIN(CASE WHEN fact = 'objective' THEN value END),
       MIN(CASE WHEN fact = 'run' THEN value END),
       MAX(CASE WHEN fact = 'multi' THEN value END)
FROM raw_facts
GROUP BY conversation`

// threadSQL is domain.md's order: what an attack result refers to comes first, then
// judges, converters, and the orchestrators of 0.9. main is the conversation of the
// attack that a thread belongs to. A multi-turn orchestrator all of whose threads begin
// with a system prompt has no attacker among them: the prompt was the target's. So may
// be one that asks for a score, which therefore tells nothing inside an orchestrator.
const threadSQL = `
INSERT INTO raw_threads
WITH every AS (
	SELECT conversation FROM raw_spans
	UNION SELECT conversation FROM raw_conversations
	UNION SELECT conversation FROM raw_refs
), referred AS (
	SELECT conversation, main, priority,
	       ROW_NUMBER() OVER (PARTITION BY conversation ORDER BY priority, main) AS place
	FROM raw_refs
), begun AS (
	SELECT m.run
	FROM raw_marks m
	JOIN raw_spans s ON s.conversation = m.conversation
	WHERE m.multi IS NOT NULL
	  AND m.scored IS NULL
	  AND (s.system_sequence IS NULL OR s.system_sequence > s.first_sequence)
	GROUP BY m.run
), told AS (
	SELECT e.conversation, s.ord, r.main AS referrer,
	       CASE
	         WHEN r.priority = 1 THEN 'TARGET'
	         WHEN r.priority = 2 THEN 'ALTERNATIVE'
	         WHEN r.priority = 3 THEN 'ATTACKER'
	         WHEN m.judge IS NOT NULL OR m.scored IS NOT NULL THEN 'JUDGE'
	         WHEN m.asks IS NOT NULL AND m.run IS NULL THEN 'JUDGE'
	         WHEN m.converter IS NOT NULL AND m.class IS NULL THEN 'CONVERTER'
	         WHEN m.run IS NULL THEN 'UNKNOWN'
	         WHEN m.multi IS NOT NULL AND s.system_sequence = s.first_sequence AND b.run IS NOT NULL THEN 'ATTACKER'
	         ELSE 'TARGET'
	       END AS purpose,
	       COALESCE(c.target_hash, m.target_hash) AS target_hash, m.class, m.attacker_hash,
	       m.objective_target_hash, m.run, m.multi, s.started_at, s.finished_at, s.first_sequence,
	       s.last_reply, s.turns
	FROM every e
	LEFT JOIN raw_spans s ON s.conversation = e.conversation
	LEFT JOIN raw_marks m ON m.conversation = e.conversation
	LEFT JOIN raw_conversations c ON c.conversation = e.conversation
	LEFT JOIN referred r ON r.conversation = e.conversation AND r.place = 1
	LEFT JOIN begun b ON b.run = m.run
)
SELECT conversation, ROW_NUMBER() OVER (ORDER BY ord NULLS LAST, conversation), purpose,
       COALESCE(referrer, CASE WHEN purpose = 'TARGET' THEN conversation END),
       target_hash, class, attacker_hash, objective_target_hash, run, multi, started_at, finished_at,
       first_sequence, last_reply, turns
FROM told`

// judgedSQL: a judge belongs to the attack of the message that it says it judged.
const judgedSQL = `
INSERT INTO raw_matches
SELECT m.conversation, MIN(t.main)
FROM raw_marks m
JOIN stage_messages p ON p.source_id = m.scored
JOIN raw_threads t ON t.conversation = p.conversation_source_id
WHERE t.main IS NOT NULL
GROUP BY m.conversation`

// matchSQL finds the attack of a 0.9 attacker's thread: the one of the same run that
// began while the attacker was at it and whose objective, where known, stands in the
// attacker's system prompt. Only what is unambiguous both ways is linked.
const matchSQL = `
INSERT INTO raw_matches
WITH attackers AS (
	SELECT conversation, run, started_at, finished_at, first_sequence
	FROM raw_threads
	WHERE purpose = 'ATTACKER' AND main IS NULL
), targets AS (
	SELECT conversation, run, started_at
	FROM raw_threads
	WHERE purpose = 'TARGET' AND multi IS NOT NULL
), tasks AS (
	SELECT m.conversation_source_id AS conversation, MIN(s.objective) AS objective
	FROM stage_scores s
	JOIN stage_messages m ON m.source_id = s.message_source_id
	WHERE s.objective <> ''
	  AND m.conversation_source_id IN (SELECT conversation FROM targets)
	GROUP BY m.conversation_source_id
	HAVING MIN(s.objective) = MAX(s.objective)
), pairs AS (
	SELECT a.conversation, t.conversation AS main,
	       COUNT(*) OVER (PARTITION BY a.conversation) AS attacks,
	       COUNT(*) OVER (PARTITION BY t.conversation) AS attackers
	FROM attackers a
	JOIN targets t ON t.run = a.run AND t.started_at BETWEEN a.started_at AND a.finished_at
	LEFT JOIN tasks k ON k.conversation = t.conversation
	WHERE k.objective IS NULL
	   OR EXISTS (
	     SELECT 1
	     FROM stage_messages m
	     WHERE m.conversation_source_id = a.conversation
	       AND m.sequence = a.first_sequence
	       AND POSITION(k.objective IN m.original_value) > 0)
)
SELECT conversation, main
FROM pairs
WHERE attacks = 1 AND attackers = 1`

const linkSQL = `
UPDATE raw_threads
SET main = k.main
FROM raw_matches k
WHERE k.conversation = raw_threads.conversation
  AND raw_threads.main IS NULL`

// branchSQL: a branch repeats the beginning of another conversation. A branch of a
// branch repeats pieces of both; it was branched from where its last repeat is from.
const branchSQL = `
INSERT INTO raw_branches
WITH repeats AS (
	SELECT m.conversation_source_id AS conversation, o.conversation_source_id AS parent, m.sequence,
	       ROW_NUMBER() OVER (PARTITION BY m.conversation_source_id ORDER BY m.sequence DESC, m.ord DESC) AS place
	FROM stage_messages m
	JOIN stage_messages o ON o.source_id = m.original_source_id
	WHERE o.conversation_source_id <> m.conversation_source_id
), last AS (
	SELECT conversation, parent, sequence FROM repeats WHERE place = 1
)
SELECT l.conversation, l.parent, COALESCE(MIN(m.sequence), l.sequence + 1)
FROM last l
LEFT JOIN stage_messages m ON m.conversation_source_id = l.conversation AND m.sequence > l.sequence
GROUP BY l.conversation, l.parent, l.sequence`

// conversationSQL is the last word on conversations. Why a thread is an ALTERNATIVE
// follows from the attack: Crescendo takes turns back, single-turn attacks try again,
// trees of attacks prune.
const conversationSQL = `
INSERT INTO stage_conversations (ord, rank, source, source_id, attack_source_id, purpose, why,
	target_hash, branched_from_source_id, branched_from_sequence, attributes)
SELECT t.ord, 0, 'PYRIT', t.conversation, a.source_id, t.purpose,
       CASE
         WHEN t.purpose <> 'ALTERNATIVE' THEN NULL
         WHEN a.attack_class LIKE '%Crescendo%' THEN 'backtracked'
         WHEN a.attack_class LIKE '%Tree%' OR a.attack_class LIKE '%TAP%' OR a.attack_class LIKE '%PAIR%' THEN 'pruned'
         WHEN a.attack_class LIKE '%PromptSending%' OR a.attack_class LIKE '%Flip%' OR a.attack_class LIKE '%ManyShot%'
           OR a.attack_class LIKE '%ContextCompliance%' OR a.attack_class LIKE '%RolePlay%'
           OR a.attack_class LIKE '%SkeletonKey%' THEN 'failed try'
       END,
       t.target_hash, b.parent, b.sequence, c.attributes
FROM raw_threads t
LEFT JOIN stage_attacks a ON a.conversation_source_id = t.main
LEFT JOIN raw_conversations c ON c.conversation = t.conversation
LEFT JOIN raw_branches b ON b.conversation = t.conversation`

const conversationLabelSQL = `
INSERT INTO stage_labels (source, conversation_source_id, key, value)
SELECT 'PYRIT', conversation, key, MIN(value)
FROM raw_labels
GROUP BY conversation, key`

// attackLabelSQL: an attack without labels of its own has those of its conversation.
const attackLabelSQL = `
INSERT INTO stage_labels (source, attack_source_id, key, value)
SELECT 'PYRIT', a.source_id, l.key, MIN(l.value)
FROM stage_attacks a
JOIN raw_labels l ON l.conversation = a.conversation_source_id
WHERE NOT EXISTS (SELECT 1 FROM stage_labels k WHERE k.attack_source_id = a.source_id)
GROUP BY a.source_id, l.key`

const objectiveSQL = `
UPDATE stage_scores
SET is_objective = TRUE
WHERE source_id IN (
	SELECT objective_score_source_id
	FROM stage_attacks
	WHERE objective_score_source_id <> '')`

// originalScoreSQL: scores lie on the original piece, not on its repeats.
const originalScoreSQL = `
UPDATE stage_scores
SET message_source_id = m.original_source_id
FROM stage_messages m
WHERE m.source_id = stage_scores.message_source_id
  AND m.original_source_id <> ''`

const contentSQL = `
UPDATE stage_scores
SET content = c.content
FROM raw_scored_contents k
JOIN raw_contents c ON c.id = k.content
WHERE k.score = stage_scores.source_id`
