-- What people keep for their work: questions, documents of parameters, templates; and
-- whose a saved screen is.

-- +goose Up
CREATE TABLE saved_queries (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  tags TEXT[] NOT NULL,
  author TEXT NOT NULL,                    -- username
  revision BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  document TEXT NOT NULL,
  variables TEXT NOT NULL,                 -- JSON object
  pinned BOOLEAN NOT NULL,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE parameter_files (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  tags TEXT[] NOT NULL,
  author TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  format TEXT NOT NULL,                    -- YAML or JSON
  body TEXT NOT NULL,                      -- as it was given
  parameters TEXT NOT NULL,                -- JSON object
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE templates (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  tags TEXT[] NOT NULL,
  author TEXT NOT NULL,
  revision BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  body TEXT NOT NULL,
  parameters TEXT NOT NULL,                -- JSON list of name, description, default
  source TEXT,
  harm_categories TEXT[] NOT NULL,
  native TEXT,                             -- the template of ours that it was made from
  PRIMARY KEY (owner_id, id)
);

ALTER TABLE user_sessions ADD COLUMN user_id TEXT;      -- null: imported
ALTER TABLE user_sessions ADD COLUMN revision BIGINT;   -- null: imported

-- +goose Down
ALTER TABLE user_sessions DROP COLUMN revision;
ALTER TABLE user_sessions DROP COLUMN user_id;
DROP TABLE templates;
DROP TABLE parameter_files;
DROP TABLE saved_queries;
