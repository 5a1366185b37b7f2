-- How attacks are to be made, what calls cost, and which configured converter or scorer
-- a component came from.

-- +goose Up
CREATE TABLE orchestrators (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  type TEXT NOT NULL,
  generator_id TEXT,                       -- the attacked one
  dataset_id TEXT,
  dataset_version BIGINT,                  -- null: the newest when a run starts
  prompts TEXT[] NOT NULL,                 -- instead of a dataset
  converter_chains TEXT NOT NULL,          -- JSON, a list of lists of keys
  scorers TEXT[] NOT NULL,                 -- keys
  objective_scorer TEXT,                   -- one of them
  parameters TEXT NOT NULL,
  labels TEXT NOT NULL,                    -- JSON, an object of texts
  tags TEXT[] NOT NULL,
  most_calls BIGINT,
  most_tokens BIGINT,
  most_money DOUBLE PRECISION,
  currency TEXT,                           -- of most_money
  concurrency BIGINT NOT NULL,
  call_timeout_seconds BIGINT,
  run_timeout_seconds BIGINT,
  uses TEXT[] NOT NULL,                    -- the keys of all that is named above
  author TEXT NOT NULL,                    -- username
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE prices (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  model TEXT NOT NULL,                     -- a pattern, in lower case
  currency TEXT NOT NULL,
  input_price DOUBLE PRECISION NOT NULL,   -- of a million tokens
  output_price DOUBLE PRECISION NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, id)
);

ALTER TABLE components ADD COLUMN converter_id TEXT;
ALTER TABLE components ADD COLUMN scorer_id TEXT;
ALTER TABLE execution_plans ADD COLUMN orchestrator_id TEXT;

-- +goose Down
ALTER TABLE execution_plans DROP COLUMN orchestrator_id;
ALTER TABLE components DROP COLUMN scorer_id;
ALTER TABLE components DROP COLUMN converter_id;
DROP TABLE prices;
DROP TABLE orchestrators;
