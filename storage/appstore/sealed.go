package appstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// SealedTokens lists the sealed tokens behind one, for a rotation of the keys.
func (s *Store) SealedTokens(ctx context.Context, after storage.SealedToken, limit int) ([]*storage.SealedToken, error) {
	return list(ctx, s.db, "list sealed tokens", func(row *sql.Rows, into *storage.SealedToken) error {
		return row.Scan(&into.Session, &into.User, &into.Field, &into.Sealed)
	}, `
		SELECT id, user_id, field, sealed
		FROM (
			SELECT id, user_id, 'id_token' AS field, id_token AS sealed
			FROM user_sessions
			WHERE id >= $1
			UNION ALL
			SELECT id, user_id, 'refresh_token' AS field, refresh_token AS sealed
			FROM user_sessions
			WHERE id >= $1) AS tokens
		WHERE sealed <> '' AND (id > $1 OR field > $2)
		ORDER BY id, field
		LIMIT $3`, after.Session, string(after.Field), limit)
}

// ReplaceTokens stores each new text where the old one still is: a refresh in between has
// sealed its own with the new key.
func (s *Store) ReplaceTokens(ctx context.Context, changes []*storage.ResealedToken) error {
	return s.db.WithTx(ctx, func(tx Runner) error {
		for _, change := range changes {
			column, err := tokenColumn(change.Field)
			if err != nil {
				return err
			}
			if _, err := exec(ctx, tx, "replace a sealed token", `
				UPDATE user_sessions
				SET `+column+` = $3
				WHERE id = $1 AND `+column+` = $2`, change.Session, change.Sealed, change.New); err != nil {
				return err
			}
		}
		return nil
	})
}

// tokenColumn lets no text but these two into a statement.
func tokenColumn(field storage.TokenField) (string, error) {
	switch field {
	case storage.FieldIDToken:
		return "id_token", nil
	case storage.FieldRefreshToken:
		return "refresh_token", nil
	}
	return "", fmt.Errorf("replace a sealed token: there is no field %q", field)
}
