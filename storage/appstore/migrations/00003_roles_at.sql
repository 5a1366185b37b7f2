-- +goose Up
-- When the issuer said what is in roles: an older token that is still valid must not set
-- them back, and an API key may not act with them for ever. 0: nobody has said so. Of
-- users from before, the last request tells at least when it was not later.
ALTER TABLE users ADD COLUMN roles_at BIGINT NOT NULL DEFAULT 0;
UPDATE users
SET roles_at = last_seen
WHERE subject IS NOT NULL;

-- +goose Down
ALTER TABLE users DROP COLUMN roles_at;
