-- One text for SQLite and PostgreSQL, except for the triggers of audit_logs. Texts
-- are ordered by their bytes: SQLite does so by itself, PostgreSQL in a database of
-- the locale C. Times are Unix microseconds, UTC.

-- +goose Up
-- Two names with the same key are taken for the same (storage.UsernameKey). Older
-- names get what lower() makes, which in SQLite folds ASCII letters only: look-ups
-- compare the name itself too. Where two older users differ by case only, the first
-- keeps the key; no name holds a '#'.
ALTER TABLE users ADD COLUMN username_key TEXT NOT NULL DEFAULT '';
UPDATE users
SET username_key = lower(username) || CASE WHEN EXISTS (
    SELECT 1
    FROM users AS earlier
    WHERE lower(earlier.username) = lower(users.username) AND earlier.id < users.id
  ) THEN '#' || id ELSE '' END;
CREATE UNIQUE INDEX users_by_username_key ON users (username_key);

-- The next identity with the username takes the user over.
ALTER TABLE users ADD COLUMN binding_allowed BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id),
  name TEXT NOT NULL,
  prefix TEXT NOT NULL,                    -- of the secret
  secret_sha256 TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,                    -- a JSON list
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  last_used_at BIGINT,                     -- kept in memory, written each second
  revoked_at BIGINT
);

CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at);

-- A key without a row here is good for all workspaces of its owner.
CREATE TABLE api_key_workspaces (
  api_key_id TEXT NOT NULL REFERENCES api_keys (id),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  PRIMARY KEY (api_key_id, workspace_id)
);

CREATE TABLE user_sessions (
  id TEXT NOT NULL PRIMARY KEY,            -- SHA-256 of the cookie
  user_id TEXT NOT NULL REFERENCES users (id),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  idle BIGINT NOT NULL,                    -- microseconds after last_seen
  last_seen BIGINT NOT NULL,               -- kept in memory, written each second
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  issuer_session TEXT,
  refresh_token TEXT NOT NULL,             -- sealed, as id_token
  id_token TEXT NOT NULL
);

CREATE INDEX user_sessions_by_user ON user_sessions (user_id, created_at);
CREATE INDEX user_sessions_by_issuer_session ON user_sessions (issuer_session);

-- Rows are only ever added, and say by themselves what they are about: nothing is
-- referenced, so that nothing has to be kept for them. Empty texts stand for nothing.
CREATE TABLE audit_logs (
  seq BIGINT NOT NULL PRIMARY KEY,         -- dense, from 1
  id TEXT NOT NULL UNIQUE,
  occurred_at BIGINT NOT NULL,
  kind TEXT NOT NULL,                      -- INTENT, OUTCOME, EVENT
  intent TEXT NOT NULL,                    -- the id of the outcome's intent
  actor_id TEXT NOT NULL,
  actor TEXT NOT NULL,                     -- the name at that time, command or system
  action TEXT NOT NULL,
  subject_type TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  workspace_id TEXT NOT NULL,
  outcome TEXT NOT NULL,
  code TEXT NOT NULL,
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  request_id TEXT NOT NULL,
  detail TEXT NOT NULL,                    -- JSON, at most 2 KiB
  previous TEXT NOT NULL,                  -- the mac of the row before
  mac TEXT NOT NULL
);

CREATE INDEX audit_logs_by_actor ON audit_logs (actor_id, seq);
CREATE INDEX audit_logs_by_action ON audit_logs (action, seq);
CREATE INDEX audit_logs_by_subject ON audit_logs (subject_id, seq);
CREATE INDEX audit_logs_by_workspace ON audit_logs (workspace_id, seq);
CREATE INDEX audit_logs_by_request ON audit_logs (request_id, seq);
CREATE INDEX audit_logs_by_time ON audit_logs (occurred_at);

-- SQLite only: PostgreSQL needs a trigger function, and a role for the program that
-- may INSERT and SELECT here and no more. Against whoever owns the file the chain helps.
-- +goose StatementBegin
CREATE TRIGGER audit_logs_refuse_update
BEFORE UPDATE ON audit_logs
BEGIN
  SELECT RAISE(ABORT, 'audit_logs is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_logs_refuse_delete
BEFORE DELETE ON audit_logs
BEGIN
  SELECT RAISE(ABORT, 'audit_logs is append-only');
END;
-- +goose StatementEnd

CREATE TABLE system_config (
  name TEXT NOT NULL PRIMARY KEY,          -- declared in storage.DeclaredSettings
  value TEXT NOT NULL,                     -- JSON
  version BIGINT NOT NULL,                 -- from 1, raised by each change
  updated_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE rate_limits (
  principal TEXT NOT NULL,
  bucket TEXT NOT NULL,
  level DOUBLE PRECISION NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (principal, bucket)
);

-- A ring: the last thousand.
CREATE TABLE health_checks (
  seq BIGINT NOT NULL PRIMARY KEY,
  checked_at BIGINT NOT NULL,
  component TEXT NOT NULL,
  status TEXT NOT NULL,
  latency BIGINT NOT NULL,                 -- microseconds
  detail TEXT NOT NULL
);

CREATE TABLE error_logs (
  fingerprint TEXT NOT NULL PRIMARY KEY,
  place TEXT NOT NULL,
  kind TEXT NOT NULL,
  message TEXT NOT NULL,                   -- redacted
  request_id TEXT NOT NULL,                -- of the last occurrence
  first_seen BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  occurrences BIGINT NOT NULL
);

CREATE INDEX error_logs_by_time ON error_logs (last_seen);

CREATE TABLE idempotency_keys (
  user_id TEXT NOT NULL REFERENCES users (id),
  mutation_id TEXT NOT NULL,               -- given by the client
  request_sha256 TEXT NOT NULL,
  answer TEXT,                             -- JSON; null until the mutation is done
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, mutation_id)
);

CREATE INDEX idempotency_keys_by_time ON idempotency_keys (expires_at);

-- +goose Down
DROP TABLE idempotency_keys;
DROP TABLE error_logs;
DROP TABLE health_checks;
DROP TABLE rate_limits;
DROP TABLE system_config;
DROP TABLE audit_logs;
DROP TABLE user_sessions;
DROP TABLE api_key_workspaces;
DROP TABLE api_keys;
DROP INDEX users_by_username_key;
ALTER TABLE users DROP COLUMN binding_allowed;
ALTER TABLE users DROP COLUMN username_key;
