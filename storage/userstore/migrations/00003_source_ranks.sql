-- How final a source's row was when it was stored, where the source tells: a file
-- that is imported later and knows less does not set it back.

-- +goose Up
CREATE TABLE source_ranks (
  owner_id TEXT NOT NULL,
  kind TEXT NOT NULL,                      -- the table of the row
  source TEXT NOT NULL,
  source_id TEXT NOT NULL,
  rank BIGINT NOT NULL,
  PRIMARY KEY (owner_id, kind, source, source_id)
);

-- +goose Down
DROP TABLE source_ranks;
