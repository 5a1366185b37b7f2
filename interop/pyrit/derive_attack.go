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
SELECT t.ord, 0, 'PYRIT', t.conversation, m.run, m.class, k.objective,
       k.sha256, CAST(ARRAY[] AS TEXT[]), CAST(ARRAY[] AS TEXT[]), '', CAST(ARRAY[] AS TEXT[]), t.conversation,
       s.turns, s.started_at, s.finished_at
FROM raw_threads t
JOIN raw_marks m ON m.conversation = t.conversation
JOIN raw_spans s ON s.conversation = t.conversation
LEFT JOIN tasks k ON k.conversation = t.conversation
WHERE t.purpose = 'TARGET'
  AND m.run IS NOT NULL
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

// derivedSQL gathers what an attack takes from its conversations where it does not
// say itself: one that failed before its first message (0.14) left only an attacker's
// thread. $1 names the memory, for runs that nothing in the file names.
const derivedSQL = `
INSERT INTO raw_derived
WITH harms AS (
	SELECT conversation, ARRAY_AGG(value ORDER BY value) AS categories
	FROM (SELECT DISTINCT conversation, value FROM raw_facts WHERE fact = 'harm') f
	GROUP BY conversation
), chains AS (
	SELECT conversation, chain, hashes,
	       ROW_NUMBER() OVER (PARTITION BY conversation ORDER BY sequence, chain) AS place
	FROM raw_chains
), prompts AS (
	SELECT m.conversation_source_id AS conversation, m.original_sha256,
	       ROW_NUMBER() OVER (PARTITION BY m.conversation_source_id ORDER BY m.sequence, m.ord) AS place
	FROM stage_messages m
	JOIN stage_attacks a ON a.conversation_source_id = m.conversation_source_id
	WHERE a.objective_sha256 IS NULL AND m.role = 'USER'
), runs AS (
	SELECT conversation, MIN(execution) AS execution FROM raw_scenarios GROUP BY conversation
), helpers AS (
	SELECT t.main, MIN(m.class) AS class, MIN(m.attacker_hash) AS attacker_hash,
	       MIN(m.objective_target_hash) AS target_hash
	FROM raw_threads t
	JOIN raw_marks m ON m.conversation = t.conversation
	WHERE t.purpose = 'ATTACKER'
	GROUP BY t.main
), described AS (
	SELECT a.source_id,
	       COALESCE(NULLIF(a.attack_class, ''), m.class, h.class, 'Unknown') AS class,
	       COALESCE(a.attacker_hash, m.attacker_hash, h.attacker_hash) AS attacker_hash,
	       h.target_hash
	FROM stage_attacks a
	LEFT JOIN raw_marks m ON m.conversation = a.conversation_source_id
	LEFT JOIN helpers h ON h.main = a.conversation_source_id
)
SELECT a.source_id,
       COALESCE(NULLIF(a.execution_source_id, ''), r.execution, CAST($1 AS TEXT) || d.class),
       d.class,
       d.attacker_hash,
       COALESCE(a.target_hash, c.target_hash, m.target_hash, d.target_hash),
       CASE WHEN a.converter_chain <> '' THEN a.converter_chain ELSE COALESCE(h.chain, '') END,
       CASE WHEN a.converter_chain <> '' THEN a.converter_hashes
            ELSE COALESCE(h.hashes, CAST(ARRAY[] AS TEXT[])) END,
       p.prompt,
       COALESCE(a.objective_sha256, u.original_sha256),
       CASE WHEN a.harm_categories <> CAST(ARRAY[] AS TEXT[]) THEN a.harm_categories
            ELSE COALESCE(w.categories, p.harm_categories, CAST(ARRAY[] AS TEXT[])) END,
       COALESCE(s.started_at, a.started_at)
FROM stage_attacks a
JOIN described d ON d.source_id = a.source_id
LEFT JOIN raw_spans s ON s.conversation = a.conversation_source_id
LEFT JOIN raw_marks m ON m.conversation = a.conversation_source_id
LEFT JOIN raw_conversations c ON c.conversation = a.conversation_source_id
LEFT JOIN chains h ON h.conversation = a.conversation_source_id AND h.place = 1
LEFT JOIN harms w ON w.conversation = a.conversation_source_id
LEFT JOIN prompts u ON u.conversation = a.conversation_source_id AND u.place = 1
LEFT JOIN runs r ON r.conversation = a.conversation_source_id
LEFT JOIN raw_prompts p ON p.attack = a.source_id`

const completeSQL = `
UPDATE stage_attacks
SET execution_source_id = d.execution,
    attack_class = d.class,
    attacker_hash = d.attacker_hash,
    target_hash = d.target_hash,
    converter_chain = d.chain,
    converter_hashes = d.hashes,
    prompt_source_id = d.prompt,
    prompt_key = d.prompt_key,
    harm_categories = d.harm_categories,
    started_at = d.started_at
FROM raw_derived d
WHERE d.attack = stage_attacks.source_id`
