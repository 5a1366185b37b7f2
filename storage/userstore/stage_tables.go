package userstore

// stageTables are the temporary tables of an import, filled by Stage's Add
// methods. They look like the tables they end in, but name each other by source
// id; ord is the order of arrival and rank decides between rows of the same
// source id. An importer's own statements may read and fill them.
var stageTables = map[string]string{
	"stage_components": `hash TEXT, kind TEXT, name TEXT, class_name TEXT, module TEXT, model TEXT, endpoint TEXT,
		parameters TEXT, identifier TEXT, generator_id TEXT, converter_id TEXT, scorer_id TEXT`,
	"stage_generators": stageConfigured,
	"stage_converters": stageConfigured,
	"stage_scorers":    stageConfigured,
	"stage_datasets": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, id TEXT, name TEXT, source_type TEXT, format TEXT,
		configuration TEXT, tags TEXT[], status TEXT, created_at TIMESTAMP, updated_at TIMESTAMP, attributes TEXT`,
	"stage_prompts": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, dataset_source TEXT, dataset_source_id TEXT, position BIGINT,
		seed_type TEXT, role TEXT, name TEXT, text TEXT, data_type TEXT, harm_categories TEXT[], parameters TEXT,
		metadata TEXT, sha256 TEXT, group_id TEXT, sequence BIGINT, created_at TIMESTAMP, attributes TEXT`,
	"stage_executions": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, id TEXT, origin TEXT, name TEXT, orchestrator TEXT,
		status TEXT, partial BOOLEAN, configuration TEXT, error TEXT, started_at TIMESTAMP, finished_at TIMESTAMP,
		attributes TEXT`,
	"stage_attacks": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, execution_source_id TEXT, attack_class TEXT,
		technique_hash TEXT, objective TEXT, objective_sha256 TEXT, prompt_key TEXT, prompt_source_id TEXT,
		harm_categories TEXT[], tags TEXT[], probe TEXT, intent TEXT, target_hash TEXT, attacker_hash TEXT,
		converter_chain TEXT, converter_hashes TEXT[], conversation_source_id TEXT, outcome TEXT, outcome_reason TEXT,
		outcome_source TEXT, objective_score_source_id TEXT, turns BIGINT, duration_ms BIGINT, retries BIGINT,
		error_type TEXT, error_message TEXT, started_at TIMESTAMP, finished_at TIMESTAMP, attributes TEXT`,
	"stage_conversations": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, attack_source_id TEXT, purpose TEXT, why TEXT,
		target_hash TEXT, branched_from_source_id TEXT, branched_from_sequence BIGINT, attributes TEXT`,
	"stage_messages": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, conversation_source_id TEXT, sequence BIGINT,
		original_source_id TEXT, role TEXT, original_value TEXT, converted_value TEXT, original_data_type TEXT,
		converted_data_type TEXT, converter_hashes TEXT[], response_error TEXT, finish_reason TEXT, latency_ms BIGINT,
		input_tokens BIGINT, output_tokens BIGINT, original_sha256 TEXT, converted_sha256 TEXT, metadata TEXT,
		created_at TIMESTAMP, attributes TEXT`,
	"stage_scores": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, message_source_id TEXT, content TEXT, scorer_hash TEXT,
		type TEXT, is_true BOOLEAN, scale DOUBLE PRECISION, raw_value TEXT, status TEXT, categories TEXT[],
		rationale TEXT, description TEXT, objective TEXT, is_objective BOOLEAN, metadata TEXT, created_at TIMESTAMP,
		attributes TEXT`,
	"stage_labels":     `source TEXT, attack_source_id TEXT, conversation_source_id TEXT, key TEXT, value TEXT`,
	"stage_embeddings": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, message_source_id TEXT, model TEXT, dimensions BIGINT, vector REAL[]`,
	"stage_sessions": `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, session_key TEXT, body TEXT, created_at TIMESTAMP,
		updated_at TIMESTAMP, expires_at TIMESTAMP, attributes TEXT`,
	"stage_raw":   `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, record TEXT, body TEXT`,
	"stage_ranks": `kind TEXT, source TEXT, source_id TEXT, rank BIGINT`,
	"stage_media": `source TEXT, message_source_id TEXT, part TEXT, sha256 TEXT, name TEXT, media_type TEXT, bytes BIGINT, created_at TIMESTAMP`,
}

const stageConfigured = `ord BIGINT, rank INTEGER, source TEXT, source_id TEXT, id TEXT, name TEXT, type TEXT, parameters TEXT,
	credential TEXT, credential_last_four TEXT, status TEXT, last_test TEXT, created_at TIMESTAMP,
	updated_at TIMESTAMP, attributes TEXT`
