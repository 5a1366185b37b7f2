package appstore

import (
	"context"
	"database/sql"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// UserSettings returns all settings of a user, by key, with their values.
func (s *Store) UserSettings(ctx context.Context, userKey string) ([]*storage.UserSetting, error) {
	stored, err := list(ctx, s.db, "read settings of a user", scanUserSetting, `
		SELECT name, value, updated_at
		FROM user_settings
		WHERE user_id = $1`, userKey)
	if err != nil {
		return nil, err
	}
	byKey := map[string]*storage.UserSetting{}
	for _, setting := range stored {
		byKey[setting.Key] = setting
	}
	declared := storage.DeclaredUserSettings()
	all := make([]*storage.UserSetting, len(declared))
	for i, setting := range declared {
		all[i] = &storage.UserSetting{Setting: setting, Value: setting.Default}
		// What an older program stored and this one refuses counts as not set.
		if set := byKey[setting.Key]; set != nil {
			if _, err := setting.Check(set.Value); err == nil {
				all[i].Value, all[i].UpdatedAt = set.Value, set.UpdatedAt
			}
		}
	}
	return all, nil
}

// SetUserSetting changes a setting of a user.
func (s *Store) SetUserSetting(ctx context.Context, userKey, key string, value storage.JSON) error {
	setting, err := declaredForUsers(key)
	if err != nil {
		return err
	}
	if value, err = setting.Check(value); err != nil {
		return err
	}
	return s.db.WithTx(ctx, func(tx Runner) error {
		_, err := exec(ctx, tx, "change a setting of a user", `
			INSERT INTO user_settings (user_id, name, value, updated_at)
			VALUES ($1, $2, $3, CAST($4 AS BIGINT))
			ON CONFLICT (user_id, name) DO UPDATE
			SET value = excluded.value, updated_at = excluded.updated_at`,
			userKey, key, string(value), s.now().UnixMicro())
		return err
	})
}

// ResetUserSetting goes back to the default of a setting.
func (s *Store) ResetUserSetting(ctx context.Context, userKey, key string) error {
	if _, err := declaredForUsers(key); err != nil {
		return err
	}
	return s.db.WithTx(ctx, func(tx Runner) error {
		_, err := exec(ctx, tx, "reset a setting of a user", `
			DELETE FROM user_settings
			WHERE user_id = $1 AND name = $2`, userKey, key)
		return err
	})
}

func declaredForUsers(key string) (*storage.Setting, error) {
	var keys []string
	for _, setting := range storage.DeclaredUserSettings() {
		if setting.Key == key {
			return &setting, nil
		}
		keys = append(keys, setting.Key)
	}
	return nil, storage.BadInput("key", "there is no setting %q: it is one of %s", storage.Plain(key, maxAuditText), strings.Join(keys, ", "))
}

func scanUserSetting(row *sql.Rows, setting *storage.UserSetting) error {
	var at int64
	err := row.Scan(&setting.Key, &setting.Value, &at)
	setting.UpdatedAt = maybeMicros(&at)
	return err
}
