-- Own taxonomies, what people tag, and what went over the wire.

-- +goose Up
CREATE TABLE taxonomies (
  owner_id TEXT NOT NULL,
  id TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  source_url TEXT,
  licence TEXT,
  created_at TIMESTAMP NOT NULL,
  updated_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, id)
);

CREATE TABLE taxonomy_entries (
  owner_id TEXT NOT NULL,
  code TEXT NOT NULL,                      -- of one own taxonomy alone
  taxonomy_id TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT,
  PRIMARY KEY (owner_id, code)
);

CREATE TABLE attack_tags (                 -- the last word of people about a tag
  owner_id TEXT NOT NULL,
  attack_no BIGINT NOT NULL,
  tag TEXT NOT NULL,
  present BOOLEAN NOT NULL,                -- whether it is to be there, whatever a file says
  author TEXT NOT NULL,                    -- username
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, attack_no, tag)
);

CREATE TABLE raw_exchanges (               -- without credentials; one for a message, not for each piece
  owner_id TEXT NOT NULL,
  conversation_no BIGINT NOT NULL,
  sequence BIGINT NOT NULL,
  request TEXT NOT NULL,
  response TEXT NOT NULL,
  content_type TEXT,                       -- of the response
  status BIGINT,                           -- HTTP's
  kept_at TIMESTAMP NOT NULL
);

-- +goose Down
DROP TABLE raw_exchanges;
DROP TABLE attack_tags;
DROP TABLE taxonomy_entries;
DROP TABLE taxonomies;
