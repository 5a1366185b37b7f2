-- +goose Up
-- What people choose for themselves. Only declared settings and values of theirs come
-- here, never a text that a user made up.
CREATE TABLE user_settings (
  user_id TEXT NOT NULL REFERENCES users (id),
  name TEXT NOT NULL,
  value TEXT NOT NULL,                     -- JSON
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (user_id, name)
);

-- +goose Down
DROP TABLE user_settings;
