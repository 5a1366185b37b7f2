-- The state machine of runs. What a run is to do and what came of it lie in its
-- workspace's store; here is who works on it, and how far it came.

-- +goose Up
CREATE TABLE executions (
  id TEXT NOT NULL PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  user_id TEXT NOT NULL REFERENCES users (id), -- who started it
  status TEXT NOT NULL,
  reason TEXT,                             -- why it is paused or failed: a class, no text
  retry_of TEXT,                           -- an execution of the same workspace
  total BIGINT NOT NULL,                   -- items
  done BIGINT NOT NULL DEFAULT 0,          -- the four outcomes together
  successes BIGINT NOT NULL DEFAULT 0,
  failures BIGINT NOT NULL DEFAULT 0,
  undetermined BIGINT NOT NULL DEFAULT 0,
  errors BIGINT NOT NULL DEFAULT 0,
  calls BIGINT NOT NULL DEFAULT 0,
  input_tokens BIGINT NOT NULL DEFAULT 0,
  output_tokens BIGINT NOT NULL DEFAULT 0,
  cost DOUBLE PRECISION NOT NULL DEFAULT 0,  -- by the workspace's prices, in the budget's currency
  lease_owner TEXT,                        -- the engine that works on it
  lease_until BIGINT NOT NULL DEFAULT 0,
  lease_epoch BIGINT NOT NULL DEFAULT 0,   -- raised by each claim
  queued_at BIGINT NOT NULL,
  started_at BIGINT,
  finished_at BIGINT
);

CREATE INDEX executions_by_status ON executions (status, lease_until);
CREATE INDEX executions_by_workspace ON executions (workspace_id, queued_at);

-- +goose Down
DROP TABLE executions;
