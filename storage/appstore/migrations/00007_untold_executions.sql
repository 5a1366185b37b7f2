-- What the app store decided of a run and its workspace's store has not been told yet: a
-- process may end in between, and the next one tells it.

-- +goose Up
ALTER TABLE executions ADD COLUMN untold BIGINT NOT NULL DEFAULT 0; -- 1 or 0

CREATE INDEX executions_untold ON executions (untold, id);

-- +goose Down
DROP INDEX executions_untold;
ALTER TABLE executions DROP COLUMN untold;
