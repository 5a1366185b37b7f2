-- One text for SQLite and PostgreSQL, except for the triggers of audit_logs. Texts
-- are ordered by their bytes: SQLite does so by itself, PostgreSQL in a database of
-- the locale C. Times are Unix microseconds, UTC.

-- +goose Up
-- Two names with the same key are taken for the same (storage.UsernameKey). Older
-- names get what lower() makes, which in SQLite folds ASCII letters only: look-ups
-- compare the name itself too. Where two older users differ by case only, the first
-- keeps the key; no name holds a '#'.
ALTER TABLE users ADD COLUMN username_key TEXT NOT NULL DEFAULT '';
UPDATE users
SET username_key = lower(username) || CASE WHEN EXISTS (
    SELECT 1
    FROM users AS earlier
    WHERE lower(earlier.username) = lower(users.username) AND earlier.id < users.id
  ) THEN '#' || id ELSE '' END;
CREATE UNIQUE INDEX users_by_username_key ON users (username_key);

-- The next identity with the username takes the user over.
ALTER TABLE users ADD COLUMN binding_allowed BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
DROP INDEX users_by_username_key;
ALTER TABLE users DROP COLUMN binding_allowed;
ALTER TABLE users DROP COLUMN username_key;
