-- One text for SQLite and PostgreSQL. Times are Unix microseconds, UTC. Ids are
-- UUIDv7 made by the program. Nothing here is a prompt, a reply or a credential.

-- +goose Up
CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY,
  issuer TEXT,                             -- null until bound to an identity
  subject TEXT,
  binding TEXT,                            -- DEV: made by a development sign-in, replaceable
  username TEXT NOT NULL UNIQUE,
  email TEXT,
  display_name TEXT,
  time_zone TEXT,
  roles TEXT NOT NULL,                     -- as last seen, a JSON list
  first_seen BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,               -- to the minute
  disabled BOOLEAN NOT NULL,
  UNIQUE (issuer, subject)
);

CREATE TABLE workspaces (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  personal_of TEXT UNIQUE REFERENCES users (id),   -- one personal workspace a user
  name TEXT NOT NULL,
  file TEXT NOT NULL UNIQUE,               -- below the data folder; never shared by two
  store_key TEXT UNIQUE,                   -- hex; null before the store's first use
  bytes BIGINT NOT NULL,                   -- cached, as are rows and last_write
  rows BIGINT NOT NULL,
  last_write BIGINT,
  created_at BIGINT NOT NULL,
  archived_at BIGINT,
  CHECK ((kind = 'PERSONAL' AND personal_of IS NOT NULL) OR (kind = 'SHARED' AND personal_of IS NULL))
);

CREATE TABLE workspace_members (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  user_id TEXT NOT NULL REFERENCES users (id),
  role TEXT NOT NULL,
  added_at BIGINT NOT NULL,
  PRIMARY KEY (workspace_id, user_id)
);

CREATE INDEX workspace_members_by_user ON workspace_members (user_id);

-- +goose Down
DROP TABLE workspace_members;
DROP TABLE workspaces;
DROP TABLE users;
