-- Native runs: what they are to do stands in execution_plans.configuration, what came of
-- each item and what is to be told of it here.

-- +goose Up
ALTER TABLE execution_plans ADD COLUMN started_by TEXT;     -- username; null for an import
ALTER TABLE execution_plans ADD COLUMN retry_of TEXT;       -- an execution of the workspace
ALTER TABLE execution_plans ADD COLUMN item_count BIGINT;   -- null for an import
ALTER TABLE execution_plans ADD COLUMN queued_at TIMESTAMP;

-- The row is the checkpoint: an item that has one is done, and is done once.
CREATE TABLE execution_items (
  owner_id TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  item BIGINT NOT NULL,                    -- from 0, in the order of the plan
  attack_no BIGINT,                        -- null where an item makes no attack
  outcome TEXT NOT NULL,
  error_class TEXT,
  attempts BIGINT NOT NULL,
  calls BIGINT NOT NULL,
  latency_ms BIGINT,
  input_tokens BIGINT NOT NULL,
  output_tokens BIGINT NOT NULL,
  cost DOUBLE PRECISION NOT NULL,          -- by the prices of that time
  finished_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, execution_id, item)
);

CREATE TABLE execution_events (
  owner_id TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  seq BIGINT NOT NULL,                     -- from 1, without gaps
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, execution_id, seq)
);

CREATE TABLE execution_fences (
  owner_id TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  epoch BIGINT NOT NULL,                   -- the highest that came here
  next_seq BIGINT NOT NULL,
  PRIMARY KEY (owner_id, execution_id)
);

-- +goose Down
DROP TABLE execution_fences;
DROP TABLE execution_events;
DROP TABLE execution_items;
ALTER TABLE execution_plans DROP COLUMN queued_at;
ALTER TABLE execution_plans DROP COLUMN item_count;
ALTER TABLE execution_plans DROP COLUMN retry_of;
ALTER TABLE execution_plans DROP COLUMN started_by;
