package userstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// SealedCredential reads one sealed credential.
func (s *Store) SealedCredential(ctx context.Context, kind storage.ConfiguredKind, key string) (string, error) {
	found, err := collect(ctx, s, "read a sealed credential", `
SELECT credential
FROM `+string(kind)+`
WHERE owner_id = $1 AND id = $2 AND credential IS NOT NULL`, []any{s.owner, key}, scanOne[string])
	if err == nil && len(found) == 0 {
		err = storage.Errorf(storage.CodeNotFound, "it has no credential")
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// SealedCredentials lists sealed credentials by kind and key, behind the row (kind,
// key).
func (s *Store) SealedCredentials(ctx context.Context, kind storage.ConfiguredKind, key string, limit int) ([]*storage.SealedCredential, error) {
	return collect(ctx, s, "list sealed credentials", `
SELECT kind, id, credential
FROM (
  SELECT 'converters' AS kind, id, credential FROM converters WHERE owner_id = $1 AND credential IS NOT NULL
  UNION ALL
  SELECT 'generators' AS kind, id, credential FROM generators WHERE owner_id = $1 AND credential IS NOT NULL
  UNION ALL
  SELECT 'scorers' AS kind, id, credential FROM scorers WHERE owner_id = $1 AND credential IS NOT NULL
) c
WHERE kind > $2 OR (kind = $2 AND id COLLATE "C" > $3)
ORDER BY kind, id COLLATE "C"
LIMIT $4`, []any{s.owner, string(kind), key, int64(limit)}, func(rows *sql.Rows) (*storage.SealedCredential, error) {
		c := &storage.SealedCredential{}
		return c, rows.Scan(&c.Kind, &c.Key, &c.Sealed)
	})
}

// ReplaceCredentials stores new sealed texts, in one transaction, where the old ones
// still are. The dates of the credentials stay: what they open to is the same.
func (s *Store) ReplaceCredentials(ctx context.Context, changes []*storage.ResealedCredential) error {
	err := s.engine.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		replaced := int64(0)
		for _, kind := range []storage.ConfiguredKind{storage.KindConverters, storage.KindGenerators, storage.KindScorers} {
			var keys, old, sealed []string
			for _, change := range changes {
				if change.Kind == kind {
					keys, old, sealed = append(keys, change.Key), append(old, change.Sealed), append(sealed, change.New)
				}
			}
			if len(keys) == 0 {
				continue
			}
			result, err := tx.ExecContext(ctx, `
UPDATE `+string(kind)+` AS t
SET credential = c.sealed
FROM (
  SELECT unnest(CAST($2 AS TEXT[])) AS id, unnest(CAST($3 AS TEXT[])) AS old, unnest(CAST($4 AS TEXT[])) AS sealed
) AS c
WHERE t.owner_id = $1 AND t.id = c.id AND t.credential = c.old`, s.owner, keys, old, sealed)
			if err != nil {
				return err
			}
			n, err := result.RowsAffected()
			if err != nil {
				return err
			}
			replaced += n
		}
		if replaced == 0 {
			return nil
		}
		return s.raiseRevision(ctx, tx)
	})
	if err != nil {
		return fmt.Errorf("replace sealed credentials: %w", err)
	}
	return nil
}
