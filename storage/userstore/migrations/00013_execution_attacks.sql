-- The attacks that a run scores again, as they were chosen when it was queued: what a
-- filter holds for changes with the outcomes that the run itself sets.

-- +goose Up
CREATE TABLE execution_attacks (
  owner_id TEXT NOT NULL,
  execution_id TEXT NOT NULL,
  item BIGINT NOT NULL,                    -- from 0, in the order of the plan
  attack_no BIGINT NOT NULL
);

-- +goose Down
DROP TABLE execution_attacks;
