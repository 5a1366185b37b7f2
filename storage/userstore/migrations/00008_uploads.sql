-- Files that users hand over, beside the media of messages: what they say of them, and
-- which versions of datasets were read from them. A content is one file of a workspace,
-- however it came.

-- +goose Up
CREATE TABLE file_details (
  owner_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  author TEXT NOT NULL,                    -- username of who first handed it over
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, sha256)
);

CREATE TABLE file_tags (
  owner_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  tag TEXT NOT NULL,
  PRIMARY KEY (owner_id, sha256, tag)
);

CREATE TABLE dataset_files (
  owner_id TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  sha256 TEXT NOT NULL,
  PRIMARY KEY (owner_id, dataset_id, version)
);

-- +goose Down
DROP TABLE dataset_files;
DROP TABLE file_tags;
DROP TABLE file_details;
