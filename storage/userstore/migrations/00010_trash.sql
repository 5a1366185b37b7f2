-- Deleted things stay where they are, but belong to their entry: their owner_id is
-- 'trash/' and the entry's id until they are restored or purged. So they have every
-- column that the table has, whatever migration adds one.

-- +goose Up
CREATE TABLE trash (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  deleted_at TIMESTAMP NOT NULL,
  deleted_by TEXT NOT NULL,                -- username
  expires_at TIMESTAMP NOT NULL,           -- when it may be purged
  chosen TEXT NOT NULL,                    -- JSON: by what it was chosen
  tables TEXT NOT NULL,                    -- JSON list of TableUse
  PRIMARY KEY (owner_id, id)
);

-- References of rows that stayed to rows that went: they are empty meanwhile.
CREATE TABLE trash_links (
  owner_id TEXT NOT NULL,
  trash_id TEXT NOT NULL,                  -- of the row that is referred to
  link TEXT NOT NULL,                      -- which reference
  number BIGINT,                           -- the row that refers
  sequence BIGINT,
  piece BIGINT,
  key TEXT,
  to_number BIGINT,                        -- what it refers to
  to_sequence BIGINT,
  to_piece BIGINT,
  to_key TEXT
);

-- Contents of media whose last row was purged, until they are removed.
CREATE TABLE trash_files (
  owner_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  purged_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, sha256)
);

-- +goose Down
DROP TABLE trash_files;
DROP TABLE trash_links;
DROP TABLE trash;
