-- Who is told of what happens in a workspace, and what is on its way to them. Rows hold
-- keys, counts and classes: a body is made when it is sent.

-- +goose Up
CREATE TABLE webhooks (
  id TEXT NOT NULL PRIMARY KEY,
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  name TEXT NOT NULL,
  url TEXT NOT NULL,                       -- without credentials
  events TEXT NOT NULL,                    -- a JSON list
  active BOOLEAN NOT NULL,
  inactive_reason TEXT,                    -- USER, GONE
  secret TEXT NOT NULL,                    -- sealed
  secret_last_four TEXT NOT NULL,
  secret_set_at BIGINT NOT NULL,
  previous_secret TEXT NOT NULL DEFAULT '', -- sealed; signs too until previous_until
  previous_until BIGINT NOT NULL DEFAULT 0,
  created_by TEXT NOT NULL REFERENCES users (id),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (workspace_id, name)
);

CREATE TABLE webhook_deliveries (
  id TEXT NOT NULL PRIMARY KEY,            -- UUIDv7: in the order of time
  webhook_id TEXT NOT NULL REFERENCES webhooks (id),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  message TEXT NOT NULL,                   -- the event's own id, the same for a redelivery
  event TEXT NOT NULL,
  execution_id TEXT NOT NULL,              -- empty for a ping
  facts TEXT NOT NULL,                     -- JSON: status, reason, counts and times of then
  redelivery_of TEXT,                      -- a delivery, which may be forgotten by now
  status TEXT NOT NULL,                    -- PENDING, DELIVERED, FAILED
  attempts BIGINT NOT NULL DEFAULT 0,
  response_status BIGINT,
  error TEXT,                              -- a class
  duration_ms BIGINT,                      -- of the last attempt
  next_attempt_at BIGINT,                  -- while it is PENDING
  lease_owner TEXT,                        -- the sender that sends it
  lease_until BIGINT NOT NULL DEFAULT 0,
  occurred_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  delivered_at BIGINT
);

CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_by_execution ON webhook_deliveries (execution_id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (status, next_attempt_at);
CREATE INDEX webhook_deliveries_under_way ON webhook_deliveries (status, lease_until);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- +goose Down
DROP TABLE webhook_deliveries;
DROP TABLE webhooks;
