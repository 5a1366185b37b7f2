-- Media that messages name by a path: their contents lie in the data folder under
-- their SHA-256. Few messages have any, so the link is a table of its own and costs
-- the others nothing.

-- +goose Up
CREATE TABLE files (
  owner_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,                      -- the last part of the path, as it first came
  media_type TEXT NOT NULL,                -- told by the content
  bytes BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, sha256)
);

CREATE TABLE message_files (
  owner_id TEXT NOT NULL,
  conversation_no BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  piece BIGINT NOT NULL,
  part TEXT NOT NULL,                      -- ORIGINAL or CONVERTED
  sha256 TEXT NOT NULL,
  PRIMARY KEY (owner_id, conversation_no, sequence, piece, part)
);

-- +goose Down
DROP TABLE message_files;
DROP TABLE files;
