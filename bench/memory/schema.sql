-- The tables of a PyRIT 1.1.0 memory: names and columns as that version's migrations leave them
-- (alembic 8d1e3f5a7b9c). Only the layout of the text is ours.

CREATE TABLE "pyrit_memory_alembic_version" (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT pyrit_memory_alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE "SeedPromptEntries" (
	id CHAR(36) NOT NULL,
	value VARCHAR NOT NULL,
	value_sha256 VARCHAR,
	data_type VARCHAR NOT NULL,
	name VARCHAR,
	dataset_name VARCHAR,
	harm_categories JSON,
	description VARCHAR,
	authors JSON,
	groups JSON,
	source VARCHAR,
	date_added DATETIME NOT NULL,
	added_by VARCHAR NOT NULL,
	prompt_metadata JSON,
	parameters JSON,
	prompt_group_id CHAR(36),
	sequence INTEGER,
	role VARCHAR,
	seed_type VARCHAR NOT NULL,
	PRIMARY KEY (id)
);

CREATE TABLE "EmbeddingData" (
	id CHAR(32) NOT NULL,
	embedding JSON,
	embedding_type_name VARCHAR,
	PRIMARY KEY (id),
	FOREIGN KEY(id) REFERENCES "PromptMemoryEntries" (id)
);

CREATE TABLE "TargetIdentifiers" (
	hash VARCHAR(64) NOT NULL,
	class_name VARCHAR,
	class_module VARCHAR,
	identifier_json JSON,
	endpoint VARCHAR,
	model_name VARCHAR,
	underlying_model_name VARCHAR,
	temperature FLOAT,
	top_p FLOAT,
	max_requests_per_minute INTEGER,
	supported_auth_modes JSON,
	pyrit_version VARCHAR,
	PRIMARY KEY (hash)
);

CREATE TABLE "TargetIdentifierChildren" (
	parent_hash VARCHAR(64) NOT NULL,
	position INTEGER NOT NULL,
	child_hash VARCHAR(64) NOT NULL,
	PRIMARY KEY (parent_hash, position),
	CONSTRAINT fk_target_identifier_children_parent_hash FOREIGN KEY(parent_hash) REFERENCES "TargetIdentifiers" (hash),
	CONSTRAINT fk_target_identifier_children_child_hash FOREIGN KEY(child_hash) REFERENCES "TargetIdentifiers" (hash)
);

CREATE TABLE "ScorerIdentifiers" (
	hash VARCHAR(64) NOT NULL,
	class_name VARCHAR,
	class_module VARCHAR,
	identifier_json JSON,
	pyrit_version VARCHAR,
	scorer_type VARCHAR,
	score_aggregator VARCHAR,
	prompt_target_hash VARCHAR(64),
	PRIMARY KEY (hash),
	CONSTRAINT fk_scorer_identifiers_prompt_target_hash FOREIGN KEY(prompt_target_hash) REFERENCES "TargetIdentifiers" (hash)
);

CREATE TABLE "ScorerIdentifierChildren" (
	parent_hash VARCHAR(64) NOT NULL,
	position INTEGER NOT NULL,
	child_hash VARCHAR(64) NOT NULL,
	PRIMARY KEY (parent_hash, position),
	CONSTRAINT fk_scorer_identifier_children_parent_hash FOREIGN KEY(parent_hash) REFERENCES "ScorerIdentifiers" (hash),
	CONSTRAINT fk_scorer_identifier_children_child_hash FOREIGN KEY(child_hash) REFERENCES "ScorerIdentifiers" (hash)
);

CREATE TABLE "ScenarioIdentifiers" (
	hash VARCHAR(64) NOT NULL,
	class_name VARCHAR,
	class_module VARCHAR,
	identifier_json JSON,
	pyrit_version VARCHAR,
	version INTEGER,
	techniques JSON,
	datasets JSON,
	objective_target_hash VARCHAR(64),
	objective_scorer_hash VARCHAR(64),
	PRIMARY KEY (hash),
	CONSTRAINT fk_scenario_identifiers_objective_target_hash FOREIGN KEY(objective_target_hash) REFERENCES "TargetIdentifiers" (hash),
	CONSTRAINT fk_scenario_identifiers_objective_scorer_hash FOREIGN KEY(objective_scorer_hash) REFERENCES "ScorerIdentifiers" (hash)
);

CREATE TABLE "ConverterIdentifiers" (
	hash VARCHAR(64) NOT NULL,
	class_name VARCHAR,
	class_module VARCHAR,
	identifier_json JSON,
	pyrit_version VARCHAR,
	supported_input_types JSON,
	supported_output_types JSON,
	converter_target_hash VARCHAR(64),
	sub_converter_hash VARCHAR(64),
	PRIMARY KEY (hash),
	CONSTRAINT fk_converter_identifiers_converter_target_hash FOREIGN KEY(converter_target_hash) REFERENCES "TargetIdentifiers" (hash),
	CONSTRAINT fk_converter_identifiers_sub_converter_hash FOREIGN KEY(sub_converter_hash) REFERENCES "ConverterIdentifiers" (hash)
);

CREATE TABLE "PromptConverterIdentifiers" (
	prompt_memory_entry_id CHAR(36) NOT NULL,
	position INTEGER NOT NULL,
	converter_identifier_hash VARCHAR(64) NOT NULL,
	PRIMARY KEY (prompt_memory_entry_id, position),
	CONSTRAINT fk_prompt_converter_identifiers_prompt_memory_entry_id FOREIGN KEY(prompt_memory_entry_id) REFERENCES "PromptMemoryEntries" (id),
	CONSTRAINT fk_prompt_converter_identifiers_converter_identifier_hash FOREIGN KEY(converter_identifier_hash) REFERENCES "ConverterIdentifiers" (hash)
);

CREATE TABLE "SeedIdentifiers" (
	hash VARCHAR(64) NOT NULL,
	class_name VARCHAR,
	class_module VARCHAR,
	identifier_json JSON,
	pyrit_version VARCHAR,
	value VARCHAR,
	value_sha256 VARCHAR,
	data_type VARCHAR,
	dataset_name VARCHAR,
	is_general_technique BOOLEAN,
	PRIMARY KEY (hash)
);

CREATE TABLE "AttackIdentifiers" (
	hash VARCHAR(64) NOT NULL,
	class_name VARCHAR,
	class_module VARCHAR,
	identifier_json JSON,
	pyrit_version VARCHAR,
	adversarial_system_prompt VARCHAR,
	adversarial_seed_prompt VARCHAR,
	objective_target_hash VARCHAR(64),
	adversarial_chat_hash VARCHAR(64),
	objective_scorer_hash VARCHAR(64),
	PRIMARY KEY (hash),
	FOREIGN KEY(objective_target_hash) REFERENCES "TargetIdentifiers" (hash),
	FOREIGN KEY(adversarial_chat_hash) REFERENCES "TargetIdentifiers" (hash),
	FOREIGN KEY(objective_scorer_hash) REFERENCES "ScorerIdentifiers" (hash)
);

CREATE TABLE "AttackRequestConverterIdentifiers" (
	attack_identifier_hash VARCHAR(64) NOT NULL,
	position INTEGER NOT NULL,
	converter_identifier_hash VARCHAR(64) NOT NULL,
	PRIMARY KEY (attack_identifier_hash, position),
	FOREIGN KEY(attack_identifier_hash) REFERENCES "AttackIdentifiers" (hash),
	FOREIGN KEY(converter_identifier_hash) REFERENCES "ConverterIdentifiers" (hash)
);

CREATE TABLE "AttackResponseConverterIdentifiers" (
	attack_identifier_hash VARCHAR(64) NOT NULL,
	position INTEGER NOT NULL,
	converter_identifier_hash VARCHAR(64) NOT NULL,
	PRIMARY KEY (attack_identifier_hash, position),
	FOREIGN KEY(attack_identifier_hash) REFERENCES "AttackIdentifiers" (hash),
	FOREIGN KEY(converter_identifier_hash) REFERENCES "ConverterIdentifiers" (hash)
);

CREATE TABLE "AttackTechniqueIdentifiers" (
	hash VARCHAR(64) NOT NULL,
	class_name VARCHAR,
	class_module VARCHAR,
	identifier_json JSON,
	pyrit_version VARCHAR,
	attack_identifier_hash VARCHAR(64),
	PRIMARY KEY (hash),
	FOREIGN KEY(attack_identifier_hash) REFERENCES "AttackIdentifiers" (hash)
);

CREATE TABLE "AttackTechniqueSeedIdentifiers" (
	attack_technique_identifier_hash VARCHAR(64) NOT NULL,
	position INTEGER NOT NULL,
	seed_identifier_hash VARCHAR(64) NOT NULL,
	PRIMARY KEY (attack_technique_identifier_hash, position),
	FOREIGN KEY(attack_technique_identifier_hash) REFERENCES "AttackTechniqueIdentifiers" (hash),
	FOREIGN KEY(seed_identifier_hash) REFERENCES "SeedIdentifiers" (hash)
);

CREATE TABLE "AtomicAttackIdentifiers" (
	hash VARCHAR(64) NOT NULL,
	class_name VARCHAR,
	class_module VARCHAR,
	identifier_json JSON,
	pyrit_version VARCHAR,
	attack_technique_identifier_hash VARCHAR(64),
	PRIMARY KEY (hash),
	FOREIGN KEY(attack_technique_identifier_hash) REFERENCES "AttackTechniqueIdentifiers" (hash)
);

CREATE TABLE "AtomicAttackSeedIdentifiers" (
	atomic_attack_identifier_hash VARCHAR(64) NOT NULL,
	position INTEGER NOT NULL,
	seed_identifier_hash VARCHAR(64) NOT NULL,
	PRIMARY KEY (atomic_attack_identifier_hash, position),
	FOREIGN KEY(atomic_attack_identifier_hash) REFERENCES "AtomicAttackIdentifiers" (hash),
	FOREIGN KEY(seed_identifier_hash) REFERENCES "SeedIdentifiers" (hash)
);

CREATE TABLE "Conversations" (
	conversation_id VARCHAR(36) NOT NULL,
	target_identifier JSON,
	pyrit_version VARCHAR,
	target_identifier_hash VARCHAR(64),
	retries JSON,
	PRIMARY KEY (conversation_id),
	CONSTRAINT fk_conversations_target_identifier_hash FOREIGN KEY(target_identifier_hash) REFERENCES "TargetIdentifiers" (hash)
);

CREATE TABLE "ScenarioResultEntries" (
	id CHAR(36) NOT NULL,
	scenario_name VARCHAR NOT NULL,
	scenario_description VARCHAR,
	scenario_version INTEGER NOT NULL,
	pyrit_version VARCHAR NOT NULL,
	scenario_identifier JSON NOT NULL,
	objective_target_identifier JSON NOT NULL,
	objective_scorer_identifier JSON,
	scenario_run_state VARCHAR NOT NULL,
	labels JSON,
	number_tries INTEGER NOT NULL,
	completion_time DATETIME NOT NULL,
	timestamp DATETIME NOT NULL,
	display_group_map_json VARCHAR,
	error_message VARCHAR,
	error_type VARCHAR,
	scenario_metadata JSON,
	scenario_identifier_hash VARCHAR(64),
	PRIMARY KEY (id),
	CONSTRAINT fk_scenario_result_entries_scenario_identifier_hash FOREIGN KEY(scenario_identifier_hash) REFERENCES "ScenarioIdentifiers" (hash)
);

CREATE TABLE "PromptMemoryEntries" (
	id CHAR(36) NOT NULL,
	role VARCHAR NOT NULL,
	conversation_id VARCHAR NOT NULL,
	sequence INTEGER NOT NULL,
	timestamp DATETIME NOT NULL,
	prompt_metadata JSON NOT NULL,
	converter_identifiers JSON,
	response_error VARCHAR,
	original_value_data_type VARCHAR NOT NULL,
	original_value VARCHAR NOT NULL,
	original_value_sha256 VARCHAR,
	converted_value_data_type VARCHAR NOT NULL,
	converted_value VARCHAR,
	converted_value_sha256 VARCHAR,
	original_prompt_id CHAR(36) NOT NULL,
	pyrit_version VARCHAR,
	PRIMARY KEY (id)
);

CREATE TABLE "AttackResultEntries" (
	id CHAR(36) NOT NULL,
	conversation_id VARCHAR(36) NOT NULL,
	objective VARCHAR NOT NULL,
	atomic_attack_identifier JSON,
	objective_sha256 VARCHAR,
	last_response_id CHAR(36),
	last_score_id CHAR(36),
	executed_turns INTEGER NOT NULL,
	execution_time_ms INTEGER NOT NULL,
	outcome VARCHAR NOT NULL,
	outcome_reason VARCHAR,
	attack_metadata JSON,
	pruned_conversation_ids JSON,
	adversarial_chat_conversation_ids JSON,
	timestamp DATETIME NOT NULL,
	pyrit_version VARCHAR,
	labels JSON,
	error_message VARCHAR,
	error_type VARCHAR,
	error_traceback VARCHAR,
	retry_events_json VARCHAR,
	total_retries INTEGER,
	attribution_parent_id CHAR(36),
	attribution_data JSON,
	targeted_harm_categories JSON,
	atomic_attack_identifier_hash VARCHAR(64),
	PRIMARY KEY (id),
	CONSTRAINT fk_attack_result_entries_atomic_attack_identifier_hash FOREIGN KEY(atomic_attack_identifier_hash) REFERENCES "AtomicAttackIdentifiers" (hash),
	CONSTRAINT fk_attack_results_attribution_parent FOREIGN KEY(attribution_parent_id) REFERENCES "ScenarioResultEntries" (id) ON DELETE SET NULL,
	FOREIGN KEY(last_response_id) REFERENCES "PromptMemoryEntries" (id),
	FOREIGN KEY(last_score_id) REFERENCES "ScoreEntries" (id)
);

CREATE TABLE "ScorableContentEntries" (
	id CHAR(36) NOT NULL,
	value VARCHAR NOT NULL,
	value_sha256 VARCHAR(64) NOT NULL,
	data_type VARCHAR(32) NOT NULL,
	timestamp DATETIME NOT NULL,
	PRIMARY KEY (id)
);

CREATE TABLE "ScoreEntries" (
	id CHAR(36) NOT NULL,
	score_value VARCHAR,
	score_value_description VARCHAR,
	score_type VARCHAR NOT NULL,
	score_category JSON,
	score_rationale VARCHAR,
	score_metadata JSON NOT NULL,
	scorer_class_identifier JSON NOT NULL,
	prompt_request_response_id CHAR(36),
	timestamp DATETIME NOT NULL,
	objective VARCHAR,
	pyrit_version VARCHAR,
	scorer_identifier_hash VARCHAR(64),
	status VARCHAR(16) NOT NULL,
	scorable JSON,
	scorable_content_id CHAR(36),
	PRIMARY KEY (id),
	CONSTRAINT fk_score_entries_scorer_identifier_hash FOREIGN KEY(scorer_identifier_hash) REFERENCES "ScorerIdentifiers" (hash),
	CONSTRAINT fk_score_entries_scorable_content_id FOREIGN KEY(scorable_content_id) REFERENCES "ScorableContentEntries" (id),
	FOREIGN KEY(prompt_request_response_id) REFERENCES "PromptMemoryEntries" (id)
);
