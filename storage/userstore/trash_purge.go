package userstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// PurgeTrash removes entries of the trash for good.
func (s *Store) PurgeTrash(ctx context.Context, what storage.Purge) (*storage.Purged, error) {
	done := &storage.Purged{Tables: []*storage.TableUse{}}
	err := s.changing(ctx, "purge the trash", func(ctx context.Context, tx *sql.Tx) error {
		var keys []string
		rows, err := tx.QueryContext(ctx, `
SELECT id
FROM trash
WHERE owner_id = $1 AND (id = $2 OR CAST($3 AS BOOLEAN) OR expires_at <= $4)`, s.owner, what.Key, what.All, what.Expired.UTC())
		if err != nil {
			return err
		}
		for rows.Next() {
			key, err := scanOne[string](rows)
			if err != nil {
				return errors.Join(err, rows.Close())
			}
			keys = append(keys, key)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return fmt.Errorf("read what is to be purged: %w", err)
		}
		switch {
		case len(keys) == 0 && what.Key != "":
			return notThere("id")
		case len(keys) == 0:
			return errUndone
		}
		done.Entries = int64(len(keys))
		done.Tables, err = s.purge(ctx, tx, keys)
		return err
	})
	if err != nil && !errors.Is(err, errUndone) {
		return nil, err
	}
	return done, nil
}

// purge removes the rows of entries, and notes the contents that nothing names any more.
func (s *Store) purge(ctx context.Context, tx *sql.Tx, keys []string) ([]*storage.TableUse, error) {
	owners := make([]string, len(keys))
	for i, key := range keys {
		owners[i] = trashOwner + key
	}
	if err := handOver(ctx, tx, s.owner, owners); err != nil {
		return nil, err
	}
	for _, statement := range []struct {
		what, text string
		args       []any
	}{
		{"note contents", `
INSERT INTO trash_files (owner_id, sha256, purged_at)
SELECT DISTINCT CAST($1 AS TEXT), f.sha256, CAST($3 AS TIMESTAMP)
FROM files f
WHERE f.owner_id IN ` + purgedOwners + `
ON CONFLICT DO NOTHING`, []any{s.owner, owners, time.Now().UTC()}},
		{"forget links", `DELETE FROM trash_links WHERE owner_id = $1 AND trash_id IN ` + purgedOwners, []any{s.owner, keys}},
		{"forget entries", `DELETE FROM trash WHERE owner_id = $1 AND id IN ` + purgedOwners, []any{s.owner, keys}},
	} {
		if _, err := tx.ExecContext(ctx, statement.text, statement.args...); err != nil {
			return nil, fmt.Errorf("%s: %w", statement.what, err)
		}
	}
	removed := map[string]int64{}
	for _, table := range TrashTables() {
		rows, err := execCount(ctx, tx, `
DELETE FROM `+table+`
WHERE owner_id IN (SELECT unnest(CAST($1 AS TEXT[])))`, owners)
		if err != nil {
			return nil, fmt.Errorf("purge %s: %w", table, err)
		}
		removed[table] = rows
	}
	return told(removed), nil
}

// handOver gives what rows of other entries need to those, before the owners are purged.
func handOver(ctx context.Context, tx *sql.Tx, workspace string, owners []string) error {
	const others = `m.owner_id IN ` + trashOwners + ` AND m.owner_id NOT IN ` + purgedOwners
	for _, s := range shared {
		whole := s.parts[len(s.parts)-1]
		for _, part := range s.parts {
			if _, err := tx.ExecContext(ctx, `
UPDATE `+part+` AS t
SET owner_id = h.heir
FROM (
  SELECT n.`+s.key+`, min(n.owner_id) AS heir
  FROM (`+namedBy(s.namers, s.key, others)+`) AS n
  GROUP BY n.`+s.key+`
) AS h
WHERE t.`+s.key+` = h.`+s.key+`
  AND t.owner_id = (SELECT min(f.owner_id) FROM `+whole+` f WHERE f.`+s.key+` = h.`+s.key+` AND f.owner_id IN `+purgedOwners+`)
  AND h.`+s.key+` NOT IN (SELECT f.`+s.key+` FROM `+whole+` f WHERE f.owner_id = $1
    OR f.owner_id IN `+trashOwners+` AND f.owner_id NOT IN `+purgedOwners+`)`, workspace, owners); err != nil {
				return fmt.Errorf("hand %s over: %w", part, err)
			}
		}
	}
	return followPrompts(ctx, tx, workspace)
}

// followPrompts lets the links of attacks wait for the entries that have their prompts.
func followPrompts(ctx context.Context, tx *sql.Tx, workspace string) error {
	entry := `substr(p.owner_id, ` + strconv.Itoa(len(trashOwner)+1) + `)`
	if _, err := tx.ExecContext(ctx, `
UPDATE trash_links AS l
SET trash_id = `+entry+`
FROM dataset_prompts AS p
WHERE l.owner_id = $1 AND l.link = 'prompt' AND p.prompt_no = l.to_number
  AND p.owner_id IN `+trashOwners+` AND `+entry+` <> l.trash_id`, workspace); err != nil {
		return fmt.Errorf("follow prompts: %w", err)
	}
	return nil
}

// purgedOwners are the owners, or the keys, $2.
const purgedOwners = `(SELECT unnest(CAST($2 AS TEXT[])))`

// NamedFiles finds the contents that rows name, also in the trash.
func (s *Store) NamedFiles(ctx context.Context, hashes []string) (map[string]bool, error) {
	named := make(map[string]bool, len(hashes))
	found, err := collect(ctx, s, "look for rows of contents", `
SELECT DISTINCT f.sha256
FROM files f
WHERE (f.owner_id = $1 OR f.owner_id IN `+trashOwners+`) AND f.sha256 IN (SELECT unnest(CAST($2 AS TEXT[])))`, []any{s.owner, hashes}, scanOne[string])
	for _, hash := range found {
		named[hash] = true
	}
	return named, err
}

// PurgedFiles lists contents that may be removed.
func (s *Store) PurgedFiles(ctx context.Context, after string, limit int) ([]string, error) {
	return collect(ctx, s, "list purged contents", `
SELECT t.sha256
FROM trash_files t
WHERE t.owner_id = $1 AND t.sha256 > $2 AND t.sha256 NOT IN `+namedFiles+`
ORDER BY t.sha256
LIMIT CAST($3 AS BIGINT)`, []any{s.owner, after, int64(limit)}, scanOne[string])
}

// namedFiles are the contents that a row of the workspace or of its trash names.
const namedFiles = `(
  SELECT f.sha256 FROM files f
  WHERE f.owner_id = $1 OR f.owner_id IN ` + trashOwners + `
)`

// ForgetFiles forgets contents that were removed.
func (s *Store) ForgetFiles(ctx context.Context, hashes []string) error {
	err := s.engine.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
DELETE FROM trash_files
WHERE owner_id = $1 AND (sha256 IN (SELECT unnest(CAST($2 AS TEXT[]))) OR sha256 IN `+namedFiles+`)`, s.owner, hashes)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget removed contents: %w", err)
	}
	return nil
}
