package pyrit

// orchestratedSQL makes an attack of each TARGET conversation of an orchestrator: 0.9
// has no attack results. Its objective is the task that all its scores agree on.
const orchestratedSQL = `
INSERT INTO stage_attacks (ord, rank, source, source_id, execution_source_id, attack_class, objective,
	objective_sha256, harm_categories, tags, converter_chain, converter_hashes, conversation_source_id,
	turns, started_at, finished_at)
WITH tasks AS (
	SELECT m.conversation_source_id AS conversation, MIN(s.objective) AS objective, MIN(k.sha256) AS sha256
	FROM raw_tasks k
	JOIN stage_scores s ON s.source_id = k.score
	JOIN stage_messages m ON m.source_id = s.message_source_id
	GROUP BY m.conversation_source_id
	HAVING MIN(s.objective) = MAX(s.objective)
)
SELECT t.ord + (SELECT COALESCE(MAX(ord), 0) FROM stage_attacks), 0, 'PYRIT', t.conversation, t.run, t.class,
       k.objective, k.sha256, CAST(ARRAY[] AS TEXT[]), CAST(ARRAY[] AS TEXT[]), '', CAST(ARRAY[] AS TEXT[]),
       t.conversation, t.turns, t.started_at, t.finished_at
FROM raw_threads t
LEFT JOIN tasks k ON k.conversation = t.conversation
WHERE t.purpose = 'TARGET'
  AND t.run IS NOT NULL
  AND t.started_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM raw_refs r WHERE r.conversation = t.conversation)`

// promptSQL links attacks to seeds: by the identifiers of the atomic attack, else by
// the objective's SHA-256. Of an atomic attack's seeds the objective comes first.
const promptSQL = `
INSERT INTO raw_prompts
WITH wanted AS (
	SELECT attack, sha256, place FROM raw_seeds
	UNION ALL
	SELECT a.attack, i.sha256, s.place
	FROM raw_atomics a
	JOIN raw_atomic_seeds s ON s.atomic = a.atomic
	JOIN raw_seed_identifiers i ON i.seed = s.seed
	UNION ALL
	SELECT source_id, objective_sha256, 1000000
	FROM stage_attacks
	WHERE objective_sha256 IS NOT NULL
), found AS (
	SELECT w.attack, p.source_id, p.harm_categories,
	       ROW_NUMBER() OVER (
	         PARTITION BY w.attack
	         ORDER BY CASE WHEN w.place < 1000000 THEN 0 ELSE 1 END,
	                  CASE WHEN w.sha256 = a.objective_sha256 THEN 0 ELSE 1 END, w.place, p.ord) AS place
	FROM wanted w
	JOIN stage_attacks a ON a.source_id = w.attack
	JOIN stage_prompts p ON p.sha256 = w.sha256
	WHERE p.source = 'PYRIT'
)
SELECT attack, source_id, harm_categories
FROM found
WHERE place = 1`

const harmSQL = `
INSERT INTO raw_harms
SELECT conversation, ARRAY_AGG(value ORDER BY value)
FROM (SELECT DISTINCT conversation, value FROM raw_facts WHERE fact = 'harm') f
GROUP BY conversation`

const chainSQL = `
INSERT INTO raw_first_chains
SELECT conversation, chain, hashes
FROM (
	SELECT conversation, chain, hashes,
	       ROW_NUMBER() OVER (PARTITION BY conversation ORDER BY sequence, chain) AS place
	FROM raw_chains
) c
WHERE place = 1`

// firstPromptSQL: what has no objective is known by its first prompt.
const firstPromptSQL = `
INSERT INTO raw_first_prompts
SELECT conversation, original_sha256
FROM (
	SELECT m.conversation_source_id AS conversation, m.original_sha256,
	       ROW_NUMBER() OVER (PARTITION BY m.conversation_source_id ORDER BY m.sequence, m.ord) AS place
	FROM stage_messages m
	JOIN stage_attacks a ON a.conversation_source_id = m.conversation_source_id
	WHERE a.objective_sha256 IS NULL AND m.role = 'USER'
) p
WHERE place = 1`

// helperSQL: an attack that failed before its first message (0.14) left only an
// attacker's thread that tells what it was, and one all of whose branches were pruned
// only these.
const helperSQL = `
INSERT INTO raw_helpers
SELECT main, MIN(class), MIN(attacker_hash),
       COALESCE(MIN(objective_target_hash), MIN(CASE WHEN purpose = 'ALTERNATIVE' THEN target_hash END))
FROM raw_threads
WHERE purpose IN ('ATTACKER', 'ALTERNATIVE') AND main IS NOT NULL AND class IS NOT NULL
GROUP BY main`

const runSQL = `
INSERT INTO raw_runs
SELECT conversation, MIN(execution)
FROM raw_scenarios
GROUP BY conversation`

// derivedSQL gathers what an attack takes from its conversations where it does not
// say itself. $1 names the memory, for runs that nothing in the file names.
const derivedSQL = `
INSERT INTO raw_derived
SELECT a.source_id,
       COALESCE(NULLIF(a.execution_source_id, ''), r.execution,
         CAST($1 AS TEXT) || COALESCE(NULLIF(a.attack_class, ''), t.class, h.class, 'Unknown')),
       COALESCE(NULLIF(a.attack_class, ''), t.class, h.class, 'Unknown'),
       COALESCE(a.attacker_hash, t.attacker_hash, h.attacker_hash),
       COALESCE(a.target_hash, t.target_hash, h.target_hash),
       CASE WHEN a.converter_chain <> '' THEN a.converter_chain ELSE COALESCE(c.chain, '') END,
       CASE WHEN a.converter_chain <> '' THEN a.converter_hashes
            ELSE COALESCE(c.hashes, CAST(ARRAY[] AS TEXT[])) END,
       p.prompt,
       COALESCE(a.objective_sha256, u.sha256),
       CASE WHEN a.harm_categories <> CAST(ARRAY[] AS TEXT[]) THEN a.harm_categories
            ELSE COALESCE(w.categories, p.harm_categories, CAST(ARRAY[] AS TEXT[])) END,
       COALESCE(t.started_at, a.started_at)
FROM stage_attacks a
LEFT JOIN raw_threads t ON t.conversation = a.conversation_source_id
LEFT JOIN raw_first_chains c ON c.conversation = a.conversation_source_id
LEFT JOIN raw_harms w ON w.conversation = a.conversation_source_id
LEFT JOIN raw_first_prompts u ON u.conversation = a.conversation_source_id
LEFT JOIN raw_helpers h ON h.main = a.conversation_source_id
LEFT JOIN raw_runs r ON r.conversation = a.conversation_source_id
LEFT JOIN raw_prompts p ON p.attack = a.source_id`

// completeSQL writes the attacks anew, as rank 1: updating so many columns in place
// takes more time and memory.
const completeSQL = `
INSERT INTO stage_attacks (ord, rank, source, source_id, execution_source_id, attack_class, technique_hash,
	objective, objective_sha256, prompt_key, prompt_source_id, harm_categories, tags, probe, intent,
	target_hash, attacker_hash, converter_chain, converter_hashes, conversation_source_id,
	outcome, outcome_reason, outcome_source, objective_score_source_id,
	turns, duration_ms, retries, error_type, error_message, started_at, finished_at, attributes)
SELECT a.ord, 1, a.source, a.source_id, d.execution, d.class, a.technique_hash,
       a.objective, a.objective_sha256, d.prompt_key, d.prompt, d.harm_categories, a.tags, a.probe, a.intent,
       d.target_hash, d.attacker_hash, d.chain, d.hashes, a.conversation_source_id,
       COALESCE(NULLIF(a.outcome, ''), v.outcome, 'UNDETERMINED'), a.outcome_reason,
       COALESCE(NULLIF(a.outcome_source, ''), v.source, 'RULE'), COALESCE(v.score, a.objective_score_source_id),
       a.turns, a.duration_ms, a.retries, a.error_type, a.error_message, d.started_at, a.finished_at, a.attributes
FROM stage_attacks a
JOIN raw_derived d ON d.attack = a.source_id
LEFT JOIN raw_verdicts v ON v.attack = a.source_id
WHERE a.rank = 0`

const incompleteSQL = `
DELETE FROM stage_attacks
WHERE rank = 0`
