-- Versions of datasets. A version is a list of prompts that never changes: members say
-- which prompts it has and where, so that a prompt which a change leaves alone is the
-- same one, with the same attacks, in the next version.

-- +goose Up
ALTER TABLE datasets ADD COLUMN description TEXT;
ALTER TABLE datasets ADD COLUMN author TEXT;       -- username; null: an import

CREATE TABLE dataset_versions (
  owner_id TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  prompts BIGINT NOT NULL,
  harm_categories TEXT[] NOT NULL,         -- of its prompts, sorted
  made_by TEXT NOT NULL,                   -- JSON: operation, parameters, parents
  author TEXT,                             -- username; null: an import
  created_at TIMESTAMP NOT NULL,
  used_at TIMESTAMP,                       -- when a run or orchestrator first took it
  used_by TEXT,
  PRIMARY KEY (owner_id, dataset_id, version)
);

-- One row for each prompt of each version: no key, like the other large tables.
CREATE TABLE dataset_members (
  owner_id TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  position BIGINT NOT NULL,                -- from 0, without gaps
  prompt_no BIGINT NOT NULL,
  origin_no BIGINT NOT NULL                -- the first edition of the prompt in this dataset
);

CREATE TABLE dataset_splits (
  owner_id TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  place BIGINT NOT NULL,                   -- among the splits of the version, from 0
  prompts BIGINT NOT NULL,
  made_by TEXT NOT NULL,                   -- JSON: seed, fractions or counts
  author TEXT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  PRIMARY KEY (owner_id, dataset_id, version, name)
);

CREATE TABLE dataset_split_members (
  owner_id TEXT NOT NULL,
  dataset_id TEXT NOT NULL,
  version BIGINT NOT NULL,
  name TEXT NOT NULL,
  prompt_no BIGINT NOT NULL
);

INSERT INTO dataset_members (owner_id, dataset_id, version, position, prompt_no, origin_no)
SELECT p.owner_id, p.dataset_id, p.version,
  row_number() OVER (PARTITION BY p.owner_id, p.dataset_id, p.version ORDER BY p.position, p.prompt_no) - 1,
  p.prompt_no, p.prompt_no
FROM dataset_prompts p
ORDER BY p.owner_id, p.dataset_id, p.version, p.position, p.prompt_no;

INSERT INTO dataset_versions (owner_id, dataset_id, version, prompts, harm_categories, made_by, author, created_at)
SELECT d.owner_id, d.id, d.version, COALESCE(n.prompts, 0), COALESCE(h.categories, CAST(ARRAY[] AS TEXT[])),
  '{"operation":"IMPORT"}', NULL, d.created_at
FROM datasets d
LEFT JOIN (
  SELECT p.owner_id, p.dataset_id, p.version, count(*) AS prompts
  FROM dataset_prompts p
  GROUP BY p.owner_id, p.dataset_id, p.version
) n ON n.owner_id = d.owner_id AND n.dataset_id = d.id AND n.version = d.version
LEFT JOIN (
  SELECT c.owner_id, c.dataset_id, c.version, array_agg(DISTINCT c.category ORDER BY c.category) AS categories
  FROM (
    SELECT p.owner_id, p.dataset_id, p.version, unnest(p.harm_categories) AS category
    FROM dataset_prompts p
  ) c
  GROUP BY c.owner_id, c.dataset_id, c.version
) h ON h.owner_id = d.owner_id AND h.dataset_id = d.id AND h.version = d.version;

-- +goose Down
DROP TABLE dataset_split_members;
DROP TABLE dataset_splits;
DROP TABLE dataset_members;
DROP TABLE dataset_versions;
ALTER TABLE datasets DROP COLUMN author;
ALTER TABLE datasets DROP COLUMN description;
