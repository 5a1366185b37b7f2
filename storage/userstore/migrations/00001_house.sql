-- One text for DuckDB and PostgreSQL (docs/storage.md). owner_id, the workspace, is
-- the first column of every table and key. Times are UTC. The big append-only
-- tables (prompt_request_responses, scores, embeddings, memory_labels,
-- attributes_raw) declare no primary key: the one writer's numbering keeps them
-- unique and doctor checks it.

-- +goose Up
CREATE TABLE store_info (
  owner_id TEXT NOT NULL,
  id_key TEXT NOT NULL,                    -- hex of StoreKeyBytes random bytes
  revision BIGINT NOT NULL,
  next_attack_no BIGINT NOT NULL,
  next_conversation_no BIGINT NOT NULL,
  next_score_no BIGINT NOT NULL,
  next_prompt_no BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id)
);

CREATE TABLE components (
  owner_id TEXT NOT NULL,
  hash TEXT NOT NULL,                      -- SHA-256 of kind and canonical JSON
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  class_name TEXT NOT NULL,
  module TEXT,
  model TEXT,
  endpoint TEXT,
  parameters TEXT NOT NULL,
  identifier TEXT NOT NULL,
  generator_id TEXT,
  PRIMARY KEY (owner_id, hash)
);

CREATE TABLE generators (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  parameters TEXT NOT NULL,
  credential TEXT,                         -- sealed
  credential_last_four TEXT,
  credential_updated_at TIMESTAMP,
  status TEXT NOT NULL,
  last_test TEXT,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  attributes TEXT,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE converters (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  parameters TEXT NOT NULL,
  credential TEXT,
  credential_last_four TEXT,
  credential_updated_at TIMESTAMP,
  status TEXT NOT NULL,
  last_test TEXT,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  attributes TEXT,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE scorers (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  parameters TEXT NOT NULL,
  credential TEXT,
  credential_last_four TEXT,
  credential_updated_at TIMESTAMP,
  status TEXT NOT NULL,
  last_test TEXT,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  attributes TEXT,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE datasets (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  name TEXT NOT NULL,
  source_type TEXT NOT NULL,
  format TEXT NOT NULL,
  configuration TEXT NOT NULL,
  tags TEXT[] NOT NULL,
  status TEXT NOT NULL,
  version BIGINT NOT NULL,                 -- the newest
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  attributes TEXT,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE dataset_prompts (
  owner_id TEXT NOT NULL,
  prompt_no BIGINT NOT NULL,
  dataset_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  position BIGINT NOT NULL,                -- from 0
  seed_type TEXT NOT NULL,
  role TEXT,
  name TEXT,
  text TEXT NOT NULL,
  data_type TEXT NOT NULL,
  harm_categories TEXT[] NOT NULL,
  parameters TEXT,
  metadata TEXT,
  sha256 TEXT NOT NULL,
  group_id TEXT,
  sequence BIGINT,
  created_at TIMESTAMP NOT NULL,
  attributes TEXT
);

CREATE TABLE execution_plans (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  origin TEXT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  name TEXT NOT NULL,
  orchestrator TEXT,
  status TEXT NOT NULL,
  partial BOOLEAN NOT NULL,
  configuration TEXT,
  error TEXT,
  started_at TIMESTAMP,
  finished_at TIMESTAMP,
  attributes TEXT,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE attacks (
  owner_id TEXT NOT NULL,
  attack_no BIGINT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  execution_id TEXT,
  attack_class TEXT NOT NULL,
  technique_hash TEXT,
  objective TEXT,
  objective_sha256 TEXT,
  prompt_key TEXT,
  prompt_no BIGINT,
  harm_categories TEXT[] NOT NULL,
  tags TEXT[] NOT NULL,
  probe TEXT,
  intent TEXT,
  target_hash TEXT,
  attacker_hash TEXT,
  converter_chain TEXT NOT NULL,
  converter_hashes TEXT[] NOT NULL,
  conversation_no BIGINT,
  outcome TEXT NOT NULL,
  outcome_reason TEXT,
  outcome_source TEXT NOT NULL,
  objective_score_no BIGINT,
  turns BIGINT,
  duration_ms BIGINT,
  retries BIGINT,
  error_type TEXT,
  error_message TEXT,
  started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP,
  attributes TEXT
);

CREATE TABLE conversations (
  owner_id TEXT NOT NULL,
  conversation_no BIGINT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  attack_no BIGINT,
  purpose TEXT NOT NULL,
  why TEXT,
  target_hash TEXT,
  branched_from_no BIGINT,
  branched_from_sequence BIGINT,
  message_count BIGINT NOT NULL,
  started_at TIMESTAMP,
  last_message_at TIMESTAMP,
  attributes TEXT
);

CREATE TABLE prompt_request_responses (
  owner_id TEXT NOT NULL,
  conversation_no BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  piece BIGINT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  original_conversation_no BIGINT,         -- the piece that this one repeats
  original_sequence BIGINT,
  original_piece BIGINT,
  role TEXT NOT NULL,
  original_value TEXT NOT NULL,
  converted_value TEXT,                    -- null: the same as original_value
  original_data_type TEXT NOT NULL,
  converted_data_type TEXT NOT NULL,
  converter_hashes TEXT[] NOT NULL,
  response_error TEXT NOT NULL,
  finish_reason TEXT,
  latency_ms BIGINT,
  input_tokens BIGINT,
  output_tokens BIGINT,
  original_sha256 TEXT NOT NULL,
  converted_sha256 TEXT,                   -- null: the same as original_sha256
  metadata TEXT,
  created_at TIMESTAMP NOT NULL,
  attributes TEXT
);

CREATE TABLE scores (
  owner_id TEXT NOT NULL,
  score_no BIGINT NOT NULL,
  conversation_no BIGINT,                  -- null: loose content
  sequence BIGINT,
  piece BIGINT,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  content TEXT,
  scorer_hash TEXT NOT NULL,
  type TEXT NOT NULL,
  is_true BOOLEAN,
  scale DOUBLE PRECISION,
  raw_value TEXT,
  status TEXT NOT NULL,
  categories TEXT[] NOT NULL,
  rationale TEXT,
  description TEXT,
  objective TEXT,
  is_objective BOOLEAN NOT NULL,
  metadata TEXT,
  created_at TIMESTAMP NOT NULL,
  attributes TEXT
);

CREATE TABLE embeddings (
  owner_id TEXT NOT NULL,
  conversation_no BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  piece BIGINT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,                 -- of the message, and the model
  model TEXT NOT NULL,
  dimensions BIGINT NOT NULL,
  vector REAL[] NOT NULL
);

CREATE TABLE memory_labels (
  owner_id TEXT NOT NULL,
  attack_no BIGINT,                        -- one of the two is set
  conversation_no BIGINT,
  key TEXT NOT NULL,
  value TEXT NOT NULL
);

CREATE TABLE user_sessions (
  owner_id TEXT NOT NULL,
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  session_key TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  expires_at TIMESTAMP,
  attributes TEXT,
  PRIMARY KEY (owner_id, source, source_id)
);

CREATE TABLE imports (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  tool TEXT NOT NULL,
  tool_version TEXT,
  format TEXT NOT NULL,
  file_name TEXT NOT NULL,
  file_sha256 TEXT NOT NULL,
  file_bytes BIGINT NOT NULL,
  tables TEXT NOT NULL,                    -- JSON list of ImportCount
  notes TEXT[] NOT NULL,
  started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE attributes_raw (
  owner_id TEXT NOT NULL,
  source TEXT NOT NULL,
  record TEXT NOT NULL,
  source_id TEXT NOT NULL,
  body TEXT NOT NULL
);

-- +goose Down
DROP TABLE attributes_raw;
DROP TABLE imports;
DROP TABLE user_sessions;
DROP TABLE memory_labels;
DROP TABLE embeddings;
DROP TABLE scores;
DROP TABLE prompt_request_responses;
DROP TABLE conversations;
DROP TABLE attacks;
DROP TABLE execution_plans;
DROP TABLE dataset_prompts;
DROP TABLE datasets;
DROP TABLE scorers;
DROP TABLE converters;
DROP TABLE generators;
DROP TABLE components;
DROP TABLE store_info;
