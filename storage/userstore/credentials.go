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
// key), those in the trash with them. A thing that was deleted and imported anew may
// have two under one key, which come together.
func (s *Store) SealedCredentials(ctx context.Context, kind storage.ConfiguredKind, key string, limit int) ([]*storage.SealedCredential, error) {
	return collect(ctx, s, "list sealed credentials", `
WITH sealed AS (
  SELECT 'converters' AS kind, id, credential FROM converters WHERE `+ownedOrDeleted+` AND credential IS NOT NULL
  UNION ALL
  SELECT 'generators' AS kind, id, credential FROM generators WHERE `+ownedOrDeleted+` AND credential IS NOT NULL
  UNION ALL
  SELECT 'scorers' AS kind, id, credential FROM scorers WHERE `+ownedOrDeleted+` AND credential IS NOT NULL
), page AS (
  SELECT kind, id
  FROM sealed
  WHERE kind > $2 OR (kind = $2 AND id COLLATE "C" > $3)
  GROUP BY kind, id
  ORDER BY kind, id COLLATE "C"
  LIMIT $4
)
SELECT c.kind, c.id, c.credential
FROM page p
JOIN sealed c ON c.kind = p.kind AND c.id = p.id
ORDER BY c.kind, c.id COLLATE "C"`, []any{s.owner, string(kind), key, int64(limit)}, func(rows *sql.Rows) (*storage.SealedCredential, error) {
		c := &storage.SealedCredential{}
		return c, rows.Scan(&c.Kind, &c.Key, &c.Sealed)
	})
}

const ownedOrDeleted = `(owner_id = $1 OR owner_id IN ` + trashOwners + `)`

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
WHERE (t.owner_id = $1 OR t.owner_id IN `+trashOwners+`) AND t.id = c.id AND t.credential = c.old`, s.owner, keys, old, sealed)
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
