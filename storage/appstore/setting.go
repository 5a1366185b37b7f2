package appstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// Settings returns all declared settings, by key, with their values.
func (s *Store) Settings(ctx context.Context) ([]*storage.SystemSetting, error) {
	stored, err := list(ctx, s.db, "read settings", scanSetting, `
		SELECT `+settingColumns+`
		FROM system_config`)
	if err != nil {
		return nil, err
	}
	byKey := map[string]*storage.SystemSetting{}
	for _, setting := range stored {
		byKey[setting.Key] = setting
	}
	declared := storage.DeclaredSettings()
	all := make([]*storage.SystemSetting, len(declared))
	for i, setting := range declared {
		all[i] = valued(setting, byKey[setting.Key])
	}
	return all, nil
}

// SetSetting changes a setting whose version is still the one that was seen.
func (s *Store) SetSetting(ctx context.Context, actor, key string, value storage.JSON, version int64) (*storage.SystemSetting, error) {
	setting, err := declared(key)
	if err != nil {
		return nil, err
	}
	if value, err = setting.Check(value); err != nil {
		return nil, err
	}
	var changed *storage.SystemSetting
	err = s.db.WithTx(ctx, func(tx Runner) error {
		// A version of a row that is not there must not make one.
		set, err := exec(ctx, tx, "change a setting", `
			INSERT INTO system_config (name, value, version, updated_by, updated_at)
			SELECT $1, $2, CAST($3 AS BIGINT) + 1, $4, CAST($5 AS BIGINT)
			WHERE CAST($3 AS BIGINT) = 0 OR EXISTS (
				SELECT 1
				FROM system_config
				WHERE name = $1)
			ON CONFLICT (name) DO UPDATE
			SET value = excluded.value, version = excluded.version, updated_by = excluded.updated_by, updated_at = excluded.updated_at
			WHERE system_config.version = CAST($3 AS BIGINT)`,
			key, string(value), version, storage.Plain(actor, maxAuditText), s.now().UnixMicro())
		if err != nil {
			return err
		}
		stored, err := first(ctx, tx, "read a setting", scanSetting, `
			SELECT `+settingColumns+`
			FROM system_config
			WHERE name = $1`, key)
		if err != nil {
			return err
		}
		changed = valued(*setting, stored)
		if set == 0 {
			return storage.Errorf(storage.CodeConflict,
				"the setting %s has version %d by now, not %d: read it again, then decide", key, changed.Version, version)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

func declared(key string) (*storage.Setting, error) {
	for _, setting := range storage.DeclaredSettings() {
		if setting.Key == key {
			return &setting, nil
		}
	}
	return nil, storage.Errorf(storage.CodeNotFound, "there is no setting %q: the list of settings names them all", storage.Plain(key, maxAuditText))
}

// valued is a setting with its stored value. One that an older program stored and
// this one refuses counts as its default, at its version.
func valued(setting storage.Setting, stored *storage.SystemSetting) *storage.SystemSetting {
	if stored == nil {
		return &storage.SystemSetting{Setting: setting, Value: setting.Default}
	}
	stored.Setting = setting
	if _, err := setting.Check(stored.Value); err != nil {
		stored.Value = setting.Default
	}
	return stored
}

const settingColumns = `name, value, version, updated_by, updated_at`

func scanSetting(row *sql.Rows, setting *storage.SystemSetting) error {
	var at int64
	err := row.Scan(&setting.Key, &setting.Value, &setting.Version, &setting.UpdatedBy, &at)
	setting.UpdatedAt = maybeMicros(&at)
	return err
}
