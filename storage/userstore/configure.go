package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// AddConfigured adds a generator, converter or scorer.
func (s *Store) AddConfigured(ctx context.Context, kind storage.ConfiguredKind, thing *storage.Configured, credential *storage.NewCredential) error {
	return s.changing(ctx, "add to "+string(kind), func(ctx context.Context, tx *sql.Tx) error {
		if err := s.nameIsFree(ctx, tx, string(kind), thing.Key, &thing.Name); err != nil {
			return err
		}
		var sealed, lastFour, dated any
		if credential != nil && credential.Sealed != "" {
			sealed, dated = credential.Sealed, thing.UpdatedAt
			if credential.LastFour != "" {
				lastFour = credential.LastFour
			}
		}
		_, err := tx.ExecContext(ctx, `
INSERT INTO `+string(kind)+` (owner_id, id, source, source_id, name, type, parameters, credential, credential_last_four,
  credential_updated_at, status, last_test, created_at, updated_at, attributes)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, $12, $13, NULL)`,
			s.owner, thing.Key, string(thing.Source), thing.SourceID, thing.Name, thing.Type, string(thing.Parameters),
			sealed, lastFour, dated, thing.Status, thing.CreatedAt, thing.UpdatedAt)
		return err
	})
}

// ChangeConfigured changes a generator, converter or scorer.
func (s *Store) ChangeConfigured(ctx context.Context, kind storage.ConfiguredKind, key string, change storage.ConfiguredChange) error {
	return s.changing(ctx, "change "+string(kind), func(ctx context.Context, tx *sql.Tx) error {
		if err := s.nameIsFree(ctx, tx, string(kind), key, change.Name); err != nil {
			return err
		}
		now := time.Now().UTC().Truncate(time.Microsecond)
		var sealed, lastFour, dated any
		if change.Credential != nil && change.Credential.Sealed != "" {
			sealed, dated = change.Credential.Sealed, now
			if change.Credential.LastFour != "" {
				lastFour = change.Credential.LastFour
			}
		}
		result, err := tx.ExecContext(ctx, `
UPDATE `+string(kind)+`
SET name = COALESCE(CAST($3 AS TEXT), name),
  parameters = COALESCE(CAST($4 AS TEXT), parameters),
  status = COALESCE(CAST($5 AS TEXT), status),
  last_test = COALESCE(CAST($6 AS TEXT), last_test),
  credential = CASE WHEN CAST($7 AS BOOLEAN) THEN CAST($8 AS TEXT) ELSE credential END,
  credential_last_four = CASE WHEN CAST($7 AS BOOLEAN) THEN CAST($9 AS TEXT) ELSE credential_last_four END,
  credential_updated_at = CASE WHEN CAST($7 AS BOOLEAN) THEN CAST($10 AS TIMESTAMP) ELSE credential_updated_at END,
  updated_at = $11
WHERE owner_id = $1 AND id = $2`,
			s.owner, key, given(change.Name), given((*string)(change.Parameters)), given(change.Status), given((*string)(change.LastTest)),
			change.Credential != nil, sealed, lastFour, dated, now)
		if err != nil {
			return err
		}
		return changedOne(result)
	})
}

// nameIsFree refuses a name that another row of the table has.
func (s *Store) nameIsFree(ctx context.Context, tx *sql.Tx, table, key string, name *string) error {
	if name == nil {
		return nil
	}
	var taken bool
	if err := tx.QueryRowContext(ctx, `
SELECT EXISTS (
  SELECT 1
  FROM `+table+`
  WHERE owner_id = $1 AND name = $2 AND id <> $3)`, s.owner, *name, key).Scan(&taken); err != nil {
		return err
	}
	if taken {
		return &storage.Error{Code: storage.CodeConflict, Field: "name", Message: fmt.Sprintf("there is one named %q already: choose another name", *name)}
	}
	return nil
}

// changing is a write transaction that raises the revision.
func (s *Store) changing(ctx context.Context, what string, change func(ctx context.Context, tx *sql.Tx) error) error {
	err := s.engine.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := change(ctx, tx); err != nil {
			return err
		}
		return s.raiseRevision(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// raiseRevision tells that the store was written to; each write transaction does.
func (s *Store) raiseRevision(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `
UPDATE store_info
SET revision = revision + 1
WHERE owner_id = $1`, s.owner)
	return err
}

// changedOne is CodeNotFound when a statement changed no row.
func changedOne(result sql.Result) error {
	rows, err := result.RowsAffected()
	if err == nil && rows == 0 {
		err = storage.Errorf(storage.CodeNotFound, "there is no such thing")
	}
	return err
}
