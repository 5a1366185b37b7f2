package userstore

// mergeTables give staged rows their keys: the number or id that the store knows
// them by, or the next free one. ord is the staged row's.
var mergeTables = map[string]string{
	"merge_changed":       `ord BIGINT`,
	"merge_held":          `kind TEXT, ord BIGINT`,
	"merge_components":    `hash TEXT, ord BIGINT, known BOOLEAN`,
	"merge_generators":    `source TEXT, source_id TEXT, id TEXT, ord BIGINT, known BOOLEAN`,
	"merge_converters":    `source TEXT, source_id TEXT, id TEXT, ord BIGINT, known BOOLEAN`,
	"merge_scorers":       `source TEXT, source_id TEXT, id TEXT, ord BIGINT, known BOOLEAN`,
	"merge_datasets":      `source TEXT, source_id TEXT, id TEXT, ord BIGINT, known BOOLEAN`,
	"merge_executions":    `source TEXT, source_id TEXT, id TEXT, ord BIGINT, known BOOLEAN`,
	"merge_edited":        `dataset_id TEXT, version BIGINT`,
	"merge_versions":      `dataset_id TEXT, version BIGINT, base BIGINT`,
	"merge_prompts":       `source TEXT, source_id TEXT, no BIGINT, ord BIGINT, known BOOLEAN`,
	"merge_attacks":       `source TEXT, source_id TEXT, no BIGINT, ord BIGINT, known BOOLEAN`,
	"merge_conversations": `source TEXT, source_id TEXT, no BIGINT, ord BIGINT, known BOOLEAN`,
	"merge_scores":        `source TEXT, source_id TEXT, no BIGINT, ord BIGINT, known BOOLEAN`,
	"merge_messages":      `source TEXT, source_id TEXT, conversation_no BIGINT, sequence BIGINT, piece BIGINT, ord BIGINT, known BOOLEAN`,
	"merge_originals":     `ord BIGINT, conversation_no BIGINT, sequence BIGINT, piece BIGINT`,
	"merge_facts":         `conversation_no BIGINT, message_count BIGINT, started_at TIMESTAMP, last_message_at TIMESTAMP`,
	"merge_references":    `ord BIGINT, no BIGINT, execution_id TEXT, prompt_no BIGINT, conversation_no BIGINT, objective_score_no BIGINT, known BOOLEAN`,
	"merge_tags":          `ord BIGINT, tags TEXT[]`,
	"merge_labels":        `ord BIGINT, attack_no BIGINT, conversation_no BIGINT, key TEXT, value TEXT, known BOOLEAN`,
	"merge_embeddings":    `ord BIGINT, known BOOLEAN`,
	"merge_sessions":      `ord BIGINT, known BOOLEAN`,
	"merge_raw":           `ord BIGINT, known BOOLEAN`,
	"merge_files":         `sha256 TEXT, ord BIGINT, known BOOLEAN`,
	"merge_message_files": `ord BIGINT, conversation_no BIGINT, sequence BIGINT, piece BIGINT, part TEXT, sha256 TEXT, known BOOLEAN`,
}

// keyStatements fill the merge tables, in this order. $1 is the owner; $2, where
// it stands, is the next free number.
var keyStatements = []keyStatement{
	{"merge_components", "", `
		INSERT INTO merge_components
		SELECT s.hash, row_number() OVER (ORDER BY s.hash), t.hash IS NOT NULL
		FROM (SELECT DISTINCT hash FROM stage_components) AS s
		LEFT JOIN components AS t ON t.owner_id = $1 AND t.hash = s.hash`},
	{"merge_generators", "", knownByID("generators")},
	{"merge_converters", "", knownByID("converters")},
	{"merge_scorers", "", knownByID("scorers")},
	{"merge_datasets", "", knownByID("datasets")},
	{"merge_executions", "", `
		INSERT INTO merge_executions
		SELECT s.source, s.source_id, COALESCE(t.id, s.id), s.ord, t.id IS NOT NULL
		FROM stage_executions AS s
		LEFT JOIN execution_plans AS t ON t.owner_id = $1 AND t.source = s.source AND t.source_id = s.source_id`},
	{"merge_edited", "", editedDatasets},
	{"merge_prompts", "next_prompt_no", promptKeys},
	// Conversations are numbered by their first message, so that what happened
	// together lies together.
	{"merge_conversations", "next_conversation_no", `
		INSERT INTO merge_conversations
		SELECT s.source, s.source_id,
			COALESCE(t.conversation_no, CAST($2 AS BIGINT) - 1 + row_number() OVER (PARTITION BY t.conversation_no IS NULL ORDER BY f.started_at NULLS LAST, s.ord)),
			s.ord, t.conversation_no IS NOT NULL
		FROM stage_conversations AS s
		LEFT JOIN (
			SELECT source, conversation_source_id, min(created_at) AS started_at
			FROM stage_messages
			GROUP BY source, conversation_source_id
		) AS f ON f.source = s.source AND f.conversation_source_id = s.source_id
		LEFT JOIN conversations AS t ON t.owner_id = $1 AND t.source = s.source AND t.source_id = s.source_id`},
	// A known message keeps its place; pieces that come later go behind the others.
	{"merge_messages", "", `
		INSERT INTO merge_messages
		SELECT k.source, k.source_id, k.conversation_no, k.sequence,
			COALESCE(k.piece, COALESCE(p.pieces, 0) - 1 + row_number() OVER (PARTITION BY k.conversation_no, k.sequence, k.piece IS NULL ORDER BY k.ord)),
			k.ord, k.piece IS NOT NULL
		FROM (
			SELECT s.source, s.source_id, s.ord, COALESCE(t.conversation_no, c.no) AS conversation_no,
				COALESCE(t.sequence, s.sequence) AS sequence, t.piece
			FROM stage_messages AS s
			JOIN merge_conversations AS c ON c.source = s.source AND c.source_id = s.conversation_source_id
			LEFT JOIN prompt_request_responses AS t ON t.owner_id = $1 AND t.source = s.source AND t.source_id = s.source_id
		) AS k
		LEFT JOIN (
			SELECT conversation_no, sequence, max(piece) + 1 AS pieces
			FROM prompt_request_responses
			WHERE owner_id = $1
				AND conversation_no IN (SELECT no FROM merge_conversations WHERE known)
			GROUP BY conversation_no, sequence
		) AS p ON p.conversation_no = k.conversation_no AND p.sequence = k.sequence`},
	{"merge_originals", "", `
		INSERT INTO merge_originals
		SELECT s.ord, o.conversation_no, o.sequence, o.piece
		FROM (SELECT ord, source, original_source_id FROM stage_messages WHERE original_source_id IS NOT NULL) AS s
		JOIN merge_messages AS o ON o.source = s.source AND o.source_id = s.original_source_id
		WHERE CAST($1 AS TEXT) IS NOT NULL`},
	{"merge_scores", "next_score_no", `
		INSERT INTO merge_scores
		SELECT s.source, s.source_id,
			COALESCE(t.score_no, CAST($2 AS BIGINT) - 1 + row_number() OVER (PARTITION BY t.score_no IS NULL
				ORDER BY m.conversation_no NULLS LAST, m.sequence, m.piece, s.created_at, s.ord)),
			s.ord, t.score_no IS NOT NULL
		FROM stage_scores AS s
		LEFT JOIN merge_messages AS m ON m.source = s.source AND m.source_id = s.message_source_id
		LEFT JOIN scores AS t ON t.owner_id = $1 AND t.source = s.source AND t.source_id = s.source_id`},
	{"merge_attacks", "next_attack_no", `
		INSERT INTO merge_attacks
		SELECT s.source, s.source_id,
			COALESCE(t.attack_no, CAST($2 AS BIGINT) - 1 + row_number() OVER (PARTITION BY t.attack_no IS NULL ORDER BY s.started_at, s.ord)),
			s.ord, t.attack_no IS NOT NULL
		FROM stage_attacks AS s
		LEFT JOIN attacks AS t ON t.owner_id = $1 AND t.source = s.source AND t.source_id = s.source_id`},
	// What an attack refers to is found before its wide rows are sorted: both at once
	// need more memory than the engine may have.
	{"merge_references", "", `
		INSERT INTO merge_references
		SELECT k.ord, k.no, e.id, p.no, c.no, o.no, k.known
		FROM merge_attacks AS k
		JOIN stage_attacks AS s ON s.ord = k.ord
		LEFT JOIN merge_executions AS e ON e.source = s.source AND e.source_id = s.execution_source_id
		LEFT JOIN merge_prompts AS p ON p.source = s.source AND p.source_id = s.prompt_source_id
		LEFT JOIN merge_conversations AS c ON c.source = s.source AND c.source_id = s.conversation_source_id
		LEFT JOIN merge_scores AS o ON o.source = s.source AND o.source_id = s.objective_score_source_id
		WHERE CAST($1 AS TEXT) IS NOT NULL`},
	// What people said of tags stays, whatever the file says now: the source's tags without
	// those that are not to be there, and then those that are.
	{"merge_tags", "", `
		INSERT INTO merge_tags
		WITH said AS (
			SELECT DISTINCT k.ord, k.no
			FROM merge_attacks AS k
			JOIN attack_tags AS w ON w.owner_id = $1 AND w.attack_no = k.no
			WHERE k.known
		), all_tags AS (
			SELECT c.ord, c.no, unnest(s.tags) AS tag, generate_subscripts(s.tags, 1) AS place, TIMESTAMP '0001-01-01 00:00:00' AS created_at
			FROM said AS c
			JOIN stage_attacks AS s ON s.ord = c.ord
			UNION ALL
			SELECT c.ord, c.no, w.tag, 1000000, w.created_at
			FROM said AS c
			JOIN attack_tags AS w ON w.owner_id = $1 AND w.attack_no = c.no AND w.present
		), kept AS (
			SELECT t.ord, t.tag, min(t.place) AS place, min(t.created_at) AS created_at
			FROM all_tags AS t
			LEFT JOIN attack_tags AS w ON w.owner_id = $1 AND w.attack_no = t.no AND w.tag = t.tag AND NOT w.present
			WHERE w.tag IS NULL
			GROUP BY t.ord, t.tag
		), listed AS (
			SELECT ord, array_agg(tag ORDER BY place, created_at, tag) AS tags
			FROM kept
			GROUP BY ord
		)
		SELECT c.ord, COALESCE(l.tags, CAST(ARRAY[] AS TEXT[]))
		FROM said AS c
		LEFT JOIN listed AS l ON l.ord = c.ord`},
	{"merge_labels", "", `
		INSERT INTO merge_labels
		SELECT row_number() OVER (ORDER BY s.attack_no NULLS LAST, s.conversation_no, s.key),
			s.attack_no, s.conversation_no, s.key, s.value, t.key IS NOT NULL
		FROM (
			SELECT a.no AS attack_no, c.no AS conversation_no, l.key, max(l.value) AS value
			FROM stage_labels AS l
			LEFT JOIN merge_attacks AS a ON a.source = l.source AND a.source_id = l.attack_source_id
			LEFT JOIN merge_conversations AS c ON c.source = l.source AND c.source_id = l.conversation_source_id
			WHERE a.no IS NOT NULL OR c.no IS NOT NULL
			GROUP BY a.no, c.no, l.key
		) AS s
		LEFT JOIN memory_labels AS t ON t.owner_id = $1 AND t.key = s.key
			AND COALESCE(t.attack_no, -1) = COALESCE(s.attack_no, -1)
			AND COALESCE(t.conversation_no, -1) = COALESCE(s.conversation_no, -1)`},
	{"merge_embeddings", "", knownBySource("embeddings", "stage_embeddings", "")},
	{"merge_sessions", "", knownBySource("user_sessions", "stage_sessions", "")},
	{"merge_raw", "", knownBySource("attributes_raw", "stage_raw", " AND t.record = s.record")},
	{"merge_files", "", `
		INSERT INTO merge_files
		SELECT s.sha256, row_number() OVER (ORDER BY s.sha256), t.sha256 IS NOT NULL
		FROM (SELECT DISTINCT sha256 FROM stage_media) AS s
		LEFT JOIN files AS t ON t.owner_id = $1 AND t.sha256 = s.sha256`},
	{"merge_message_files", "", `
		INSERT INTO merge_message_files
		SELECT row_number() OVER (ORDER BY s.conversation_no, s.sequence, s.piece, s.part),
			s.conversation_no, s.sequence, s.piece, s.part, s.sha256, t.part IS NOT NULL
		FROM (
			SELECT m.conversation_no, m.sequence, m.piece, f.part, max(f.sha256) AS sha256
			FROM stage_media AS f
			JOIN merge_messages AS m ON m.source = f.source AND m.source_id = f.message_source_id
			GROUP BY m.conversation_no, m.sequence, m.piece, f.part
		) AS s
		LEFT JOIN message_files AS t ON t.owner_id = $1 AND t.conversation_no = s.conversation_no
			AND t.sequence = s.sequence AND t.piece = s.piece AND t.part = s.part`},
}

// keyStatement fills one merge table; counter is the column of store_info that
// holds the next free number, empty if the table has none.
type keyStatement struct{ table, counter, text string }

func knownByID(table string) string {
	return `
		INSERT INTO merge_` + table + `
		SELECT s.source, s.source_id, COALESCE(t.id, s.id), s.ord, t.id IS NOT NULL
		FROM stage_` + table + ` AS s
		LEFT JOIN ` + table + ` AS t ON t.owner_id = $1 AND t.source = s.source AND t.source_id = s.source_id`
}

func knownBySource(table, stageTable, more string) string {
	mergeTable := "merge_" + stageTable[len("stage_"):]
	return `
		INSERT INTO ` + mergeTable + `
		SELECT s.ord, t.source_id IS NOT NULL
		FROM ` + stageTable + ` AS s
		LEFT JOIN ` + table + ` AS t ON t.owner_id = $1 AND t.source = s.source AND t.source_id = s.source_id` + more
}

// merged describes how staged rows become rows of one table.
type merged struct {
	table string
	// keys count the table's staged rows, known or not.
	keys string
	// identity are the columns by which a known row is found; they never change.
	identity []string
	// fixed are columns written once: neither compared nor updated.
	fixed []string
	// columns are the others.
	columns []string
	// rows selects the final rows: all columns above, ord and known.
	rows string
	// order is how new rows lie in the table.
	order string
}

var configuredColumns = []string{"name", "type", "parameters", "credential", "credential_last_four", "credential_updated_at", "status", "last_test", "created_at", "updated_at", "attributes"}

func mergedConfigured(table string) merged {
	return merged{
		table: table, keys: "merge_" + table, identity: []string{"id"}, fixed: []string{"source", "source_id"},
		columns: configuredColumns, order: "r.ord",
		// A credential keeps its date until it is another one.
		rows: `SELECT k.id, s.source, s.source_id, s.name, s.type, s.parameters, s.credential, s.credential_last_four,
				CASE WHEN s.credential = t.credential THEN t.credential_updated_at
					WHEN s.credential IS NOT NULL THEN s.updated_at END AS credential_updated_at,
				s.status, s.last_test, s.created_at, s.updated_at, s.attributes, k.ord, k.known
			FROM merge_` + table + ` AS k
			JOIN stage_` + table + ` AS s ON s.ord = k.ord
			LEFT JOIN ` + table + ` AS t ON t.owner_id = $1 AND t.id = k.id`,
	}
}

// mergedTables are merged in this order: conversations after their messages, which
// they count.
var mergedTables = []merged{
	{
		table: "components", keys: "merge_components", identity: []string{"hash"},
		// A component never changes: its hash is what it is.
		fixed: []string{"kind", "name", "class_name", "module", "model", "endpoint", "parameters", "identifier", "generator_id", "converter_id", "scorer_id"},
		order: "r.ord",
		rows: `SELECT s.*, k.ord, k.known
			FROM merge_components AS k
			JOIN (
				SELECT hash, min(kind) AS kind, min(name) AS name, min(class_name) AS class_name, min(module) AS module,
					min(model) AS model, min(endpoint) AS endpoint, min(parameters) AS parameters,
					min(identifier) AS identifier, min(generator_id) AS generator_id,
					min(converter_id) AS converter_id, min(scorer_id) AS scorer_id
				FROM stage_components
				GROUP BY hash
			) AS s ON s.hash = k.hash`,
	},
	mergedConfigured("generators"),
	mergedConfigured("converters"),
	mergedConfigured("scorers"),
	{
		table: "datasets", keys: "merge_datasets", identity: []string{"id"}, fixed: []string{"source", "source_id", "version"},
		columns: []string{"name", "source_type", "format", "configuration", "tags", "status", "created_at", "updated_at", "attributes"},
		order:   "r.ord",
		rows: `SELECT k.id, s.source, s.source_id, 1 AS version, s.name, s.source_type, s.format, s.configuration, s.tags, s.status,
				s.created_at, s.updated_at, s.attributes, k.ord, k.known
			FROM merge_datasets AS k
			JOIN stage_datasets AS s ON s.ord = k.ord`,
	},
	{
		table: "dataset_prompts", keys: "merge_prompts", identity: []string{"prompt_no"}, fixed: []string{"source", "source_id", "version"},
		columns: []string{"dataset_id", "position", "seed_type", "role", "name", "text", "data_type", "harm_categories", "parameters", "metadata", "sha256", "group_id", "sequence", "created_at", "attributes"},
		order:   "r.prompt_no",
		rows: `SELECT k.no AS prompt_no, s.source, s.source_id, COALESCE(e.version + 1, 1) AS version, d.id AS dataset_id, s.position, s.seed_type, s.role, s.name,
				s.text, s.data_type, s.harm_categories, s.parameters, s.metadata, s.sha256, s.group_id, s.sequence,
				s.created_at, s.attributes, k.ord, k.known
			FROM merge_prompts AS k
			JOIN stage_prompts AS s ON s.ord = k.ord
			JOIN merge_datasets AS d ON d.source = s.dataset_source AND d.source_id = s.dataset_source_id
			LEFT JOIN merge_edited AS e ON e.dataset_id = d.id`,
	},
	{
		table: "execution_plans", keys: "merge_executions", identity: []string{"id"}, fixed: []string{"source", "source_id", "origin"},
		columns: []string{"name", "orchestrator", "status", "partial", "configuration", "error", "started_at", "finished_at", "attributes"},
		order:   "r.ord",
		rows: `SELECT k.id, s.source, s.source_id, s.origin, s.name, s.orchestrator, s.status, s.partial, s.configuration, s.error,
				s.started_at, s.finished_at, s.attributes, k.ord, k.known
			FROM merge_executions AS k
			JOIN stage_executions AS s ON s.ord = k.ord`,
	},
	{
		table: "prompt_request_responses", keys: "merge_messages", identity: []string{"conversation_no", "sequence", "piece"}, fixed: []string{"source", "source_id"},
		columns: []string{
			"original_conversation_no", "original_sequence", "original_piece", "role", "original_value", "converted_value",
			"original_data_type", "converted_data_type", "converter_hashes", "response_error", "finish_reason", "latency_ms",
			"input_tokens", "output_tokens", "original_sha256", "converted_sha256", "metadata", "created_at", "attributes",
		},
		order: "r.conversation_no, r.sequence, r.piece",
		rows: `SELECT k.conversation_no, k.sequence, k.piece, s.source, s.source_id, o.conversation_no AS original_conversation_no,
				o.sequence AS original_sequence, o.piece AS original_piece, s.role, s.original_value, s.converted_value,
				s.original_data_type, s.converted_data_type, s.converter_hashes, s.response_error, s.finish_reason,
				s.latency_ms, s.input_tokens, s.output_tokens, s.original_sha256, s.converted_sha256, s.metadata,
				s.created_at, s.attributes, k.ord, k.known
			FROM merge_messages AS k
			JOIN stage_messages AS s ON s.ord = k.ord
			LEFT JOIN merge_originals AS o ON o.ord = k.ord`,
	},
	{
		table: "conversations", keys: "merge_conversations", identity: []string{"conversation_no"}, fixed: []string{"source", "source_id"},
		columns: []string{"attack_no", "purpose", "why", "target_hash", "branched_from_no", "branched_from_sequence", "message_count", "started_at", "last_message_at", "attributes"},
		order:   "r.conversation_no",
		rows: `SELECT k.no AS conversation_no, s.source, s.source_id, a.no AS attack_no, s.purpose, s.why, s.target_hash,
				b.no AS branched_from_no, s.branched_from_sequence, COALESCE(f.message_count, 0) AS message_count, f.started_at,
				f.last_message_at, s.attributes, k.ord, k.known
			FROM merge_conversations AS k
			JOIN stage_conversations AS s ON s.ord = k.ord
			LEFT JOIN merge_facts AS f ON f.conversation_no = k.no
			LEFT JOIN merge_attacks AS a ON a.source = s.source AND a.source_id = s.attack_source_id
			LEFT JOIN merge_conversations AS b ON b.source = s.source AND b.source_id = s.branched_from_source_id`,
	},
	{
		table: "attacks", keys: "merge_attacks", identity: []string{"attack_no"}, fixed: []string{"source", "source_id"},
		columns: []string{
			"execution_id", "attack_class", "technique_hash", "objective", "objective_sha256", "prompt_key", "prompt_no",
			"harm_categories", "tags", "probe", "intent", "target_hash", "attacker_hash", "converter_chain", "converter_hashes",
			"conversation_no", "outcome", "outcome_reason", "outcome_source", "objective_score_no", "turns", "duration_ms",
			"retries", "error_type", "error_message", "started_at", "finished_at", "attributes",
		},
		order: "r.attack_no",
		// What a person decided stays, whatever the file says now, and so do a main conversation
		// and an objective score of ours; only what the source states comes before that score.
		rows: `SELECT k.no AS attack_no, s.source, s.source_id, k.execution_id, s.attack_class, s.technique_hash, s.objective,
				s.objective_sha256, s.prompt_key, k.prompt_no, s.harm_categories, COALESCE(g.tags, s.tags) AS tags, s.probe, s.intent,
				s.target_hash, s.attacker_hash, s.converter_chain, s.converter_hashes,
				COALESCE(o.conversation_no, k.conversation_no) AS conversation_no, COALESCE(h.outcome, j.outcome, s.outcome) AS outcome,
				CASE WHEN h.outcome IS NOT NULL THEN h.outcome_reason WHEN j.outcome IS NOT NULL THEN j.outcome_reason ELSE s.outcome_reason END AS outcome_reason,
				COALESCE(h.outcome_source, j.outcome_source, s.outcome_source) AS outcome_source,
				COALESCE(j.objective_score_no, k.objective_score_no) AS objective_score_no, s.turns, s.duration_ms,
				s.retries, s.error_type, s.error_message, s.started_at, s.finished_at, s.attributes, k.ord, k.known
			FROM merge_references AS k
			JOIN stage_attacks AS s ON s.ord = k.ord
			LEFT JOIN merge_tags AS g ON g.ord = k.ord
			LEFT JOIN (
				SELECT attack_no, outcome, outcome_reason, outcome_source
				FROM attacks
				WHERE owner_id = $1 AND outcome_source = 'HUMAN'
			) AS h ON h.attack_no = k.no
			LEFT JOIN (
				SELECT a.attack_no, c.conversation_no
				FROM attacks AS a
				JOIN conversations AS c ON c.owner_id = a.owner_id AND c.conversation_no = a.conversation_no
				WHERE a.owner_id = $1 AND a.source <> 'NATIVE' AND c.source = 'NATIVE'
			) AS o ON o.attack_no = k.no
			LEFT JOIN (
				SELECT a.attack_no, a.outcome, a.outcome_reason, a.outcome_source, a.objective_score_no
				FROM attacks AS a
				JOIN scores AS g ON g.owner_id = a.owner_id AND g.score_no = a.objective_score_no
				WHERE a.owner_id = $1 AND a.source <> 'NATIVE' AND a.outcome_source = 'OBJECTIVE_SCORE' AND g.source = 'NATIVE'
			) AS j ON j.attack_no = k.no AND s.outcome_source <> 'STATED'`,
	},
	{
		table: "scores", keys: "merge_scores", identity: []string{"score_no"}, fixed: []string{"source", "source_id"},
		columns: []string{
			"conversation_no", "sequence", "piece", "content", "scorer_hash", "type", "is_true", "scale", "raw_value", "status",
			"categories", "rationale", "description", "objective", "is_objective", "metadata", "created_at", "attributes",
		},
		order: "r.score_no",
		// A score lies on the original of a repeated piece.
		rows: `SELECT k.no AS score_no, s.source, s.source_id, COALESCE(o.conversation_no, m.conversation_no) AS conversation_no,
				COALESCE(o.sequence, m.sequence) AS sequence, COALESCE(o.piece, m.piece) AS piece, s.content, s.scorer_hash,
				s.type, s.is_true, s.scale, s.raw_value, s.status, s.categories, s.rationale, s.description, s.objective,
				s.is_objective, s.metadata, s.created_at, s.attributes, k.ord, k.known
			FROM merge_scores AS k
			JOIN stage_scores AS s ON s.ord = k.ord
			LEFT JOIN merge_messages AS m ON m.source = s.source AND m.source_id = s.message_source_id
			LEFT JOIN merge_originals AS o ON o.ord = m.ord`,
	},
	{
		table: "memory_labels", keys: "merge_labels", identity: []string{"attack_no", "conversation_no", "key"},
		columns: []string{"value"}, order: "r.ord",
		rows: `SELECT k.attack_no, k.conversation_no, k.key, k.value, k.ord, k.known FROM merge_labels AS k`,
	},
	{
		table: "embeddings", keys: "merge_embeddings", identity: []string{"source", "source_id"},
		columns: []string{"conversation_no", "sequence", "piece", "model", "dimensions", "vector"}, order: "r.conversation_no, r.sequence, r.piece",
		rows: `SELECT s.source, s.source_id, m.conversation_no, m.sequence, m.piece, s.model, s.dimensions, s.vector, k.ord, k.known
			FROM merge_embeddings AS k
			JOIN stage_embeddings AS s ON s.ord = k.ord
			JOIN merge_messages AS m ON m.source = s.source AND m.source_id = s.message_source_id`,
	},
	{
		table: "user_sessions", keys: "merge_sessions", identity: []string{"source", "source_id"},
		columns: []string{"session_key", "body", "created_at", "updated_at", "expires_at", "attributes"}, order: "r.ord",
		rows: `SELECT s.source, s.source_id, s.session_key, s.body, s.created_at, s.updated_at, s.expires_at, s.attributes, k.ord, k.known
			FROM merge_sessions AS k
			JOIN stage_sessions AS s ON s.ord = k.ord`,
	},
	{
		table: "attributes_raw", keys: "merge_raw", identity: []string{"source", "record", "source_id"},
		columns: []string{"body"}, order: "r.ord",
		rows: `SELECT s.source, s.record, s.source_id, s.body, k.ord, k.known
			FROM merge_raw AS k
			JOIN stage_raw AS s ON s.ord = k.ord`,
	},
	{
		table: "files", keys: "merge_files", identity: []string{"sha256"},
		// The content is what it is, and keeps the name under which it first came.
		fixed: []string{"name", "media_type", "bytes", "created_at"}, order: "r.ord",
		rows: `SELECT s.*, k.ord, k.known
			FROM merge_files AS k
			JOIN (
				SELECT sha256, min(name) AS name, min(media_type) AS media_type, min(bytes) AS bytes, min(created_at) AS created_at
				FROM stage_media
				GROUP BY sha256
			) AS s ON s.sha256 = k.sha256`,
	},
	{
		table: "message_files", keys: "merge_message_files", identity: []string{"conversation_no", "sequence", "piece", "part"},
		columns: []string{"sha256"}, order: "r.conversation_no, r.sequence, r.piece, r.part",
		rows: `SELECT k.conversation_no, k.sequence, k.piece, k.part, k.sha256, k.ord, k.known FROM merge_message_files AS k`,
	},
}

// factsStatement counts the messages of the staged conversations, after those
// were merged: what was there before counts too.
const factsStatement = `
	INSERT INTO merge_facts
	SELECT conversation_no, count(*), min(created_at), max(created_at)
	FROM prompt_request_responses
	WHERE owner_id = $1
		AND conversation_no IN (SELECT no FROM merge_conversations)
	GROUP BY conversation_no`
