package userstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/violentutf/violentutf/storage"
)

// RestoreFromTrash gives the rows of an entry back to the workspace.
func (s *Store) RestoreFromTrash(ctx context.Context, key string) ([]*storage.TableUse, error) {
	var tables []*storage.TableUse
	err := s.changing(ctx, "restore from the trash", func(ctx context.Context, tx *sql.Tx) error {
		var told string
		err := tx.QueryRowContext(ctx, `
SELECT COALESCE(max(tables), '')
FROM trash
WHERE owner_id = $1 AND id = $2`, s.owner, key).Scan(&told)
		if err != nil {
			return err
		}
		if told == "" {
			return notThere("id")
		}
		if err := json.Unmarshal([]byte(told), &tables); err != nil {
			return fmt.Errorf("the counts of an entry: %w", err)
		}
		r := &restoring{tx: tx, workspace: s.owner, args: []any{s.owner, trashOwner + key}, key: key}
		for _, step := range []func(context.Context) error{r.check, r.fits, r.complete, r.fetch, r.leaveHanging, r.leaveReferences, r.dropAgain, r.putBack, r.join} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return tables, nil
}

// restoring is a restoration under way: $1 is the workspace, $2 the owner of the entry.
type restoring struct {
	tx        *sql.Tx
	workspace string
	args      []any
	key       string
}

func (r *restoring) exec(ctx context.Context, what, text string, more ...any) error {
	if _, err := r.tx.ExecContext(ctx, text, append(r.args[:len(r.args):len(r.args)], more...)...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// fetch takes what rows of the entry need from the entries that have it.
func (r *restoring) fetch(ctx context.Context) error {
	for _, s := range shared {
		whole := s.parts[len(s.parts)-1]
		for _, part := range s.parts {
			if err := r.exec(ctx, "fetch "+part, `
UPDATE `+part+` AS t
SET owner_id = $2
FROM (
  SELECT f.`+s.key+`, min(f.owner_id) AS holder
  FROM `+whole+` f
  WHERE f.owner_id IN `+trashOwners+`
    AND f.`+s.key+` IN (SELECT n.`+s.key+` FROM (`+namedBy(s.namers, s.key, "m.owner_id = $2")+`) AS n)
    AND f.`+s.key+` NOT IN (SELECT h.`+s.key+` FROM `+whole+` h WHERE h.owner_id IN ($1, $2))
  GROUP BY f.`+s.key+`
) AS h
WHERE t.`+s.key+` = h.`+s.key+` AND t.owner_id = h.holder`); err != nil {
				return err
			}
		}
	}
	return followPrompts(ctx, r.tx, r.workspace)
}

// leaveHanging leaves out what is also of something that is not there: it goes to the
// entry that has that, or away with what was purged.
func (r *restoring) leaveHanging(ctx context.Context) error {
	for _, h := range hanging {
		if err := r.exec(ctx, "leave "+h.table, `
UPDATE `+h.table+` AS t
SET owner_id = p.owner_id
FROM `+h.parent+` AS p
WHERE t.owner_id = $2 AND p.`+h.key+` = t.`+h.column+` AND p.owner_id <> $2 AND p.owner_id IN `+trashOwners); err != nil {
			return err
		}
		if err := r.exec(ctx, "drop "+h.table, `
DELETE FROM `+h.table+` AS t
WHERE t.owner_id = $2 AND t.`+h.column+` IS NOT NULL
  AND t.`+h.column+` NOT IN (SELECT p.`+h.key+` FROM `+h.parent+` p WHERE p.owner_id IN ($1, $2))`); err != nil {
			return err
		}
	}
	return nil
}

// leaveReferences empties references to what is not there. When it lies in another
// entry, they come back with that.
func (r *restoring) leaveReferences(ctx context.Context) error {
	for _, ref := range references {
		if err := r.exec(ctx, "remember "+ref.what, `
INSERT INTO trash_links (owner_id, trash_id, link, `+ref.row.firsts()+`, `+ref.refers.firsts()+`)
SELECT CAST($1 AS TEXT), substr(p.owner_id, `+strconv.Itoa(len(trashOwner)+1)+`), CAST($3 AS TEXT), `+ref.row.of("t")+`, `+ref.refers.of("t")+`
FROM `+ref.table+` t
JOIN `+ref.to+` p ON `+ref.on()+`
WHERE t.owner_id = $2 AND p.owner_id <> $2 AND p.owner_id IN `+trashOwners, ref.name); err != nil {
			return err
		}
		if err := r.exec(ctx, "part "+ref.what, `
UPDATE `+ref.table+` AS t
SET `+ref.emptied()+`
WHERE t.owner_id = $2 AND t.`+ref.found[0][0]+` IS NOT NULL AND NOT EXISTS (
  SELECT 1 FROM `+ref.to+` p
  WHERE p.owner_id IN ($1, $2) AND `+ref.on()+`)`); err != nil {
			return err
		}
	}
	return nil
}

// dropAgain leaves files, what is said of them, and ranks as the workspace has them
// again.
func (r *restoring) dropAgain(ctx context.Context) error {
	for _, again := range []struct{ table, of string }{{"file_tags", "file_details"}, {"file_details", "file_details"}, {"files", "files"}} {
		if err := r.exec(ctx, "drop "+again.table+" that came again", `
DELETE FROM `+again.table+` AS t
WHERE t.owner_id = $2 AND t.sha256 IN (SELECT f.sha256 FROM `+again.of+` f WHERE f.owner_id = $1)`); err != nil {
			return err
		}
	}
	return r.exec(ctx, "drop ranks that came again", `
DELETE FROM source_ranks AS t
WHERE t.owner_id = $2 AND (t.kind, t.source, t.source_id) IN (
  SELECT k.kind, k.source, k.source_id FROM source_ranks k WHERE k.owner_id = $1)`)
}

func (r *restoring) putBack(ctx context.Context) error {
	for _, table := range TrashTables() {
		if err := r.exec(ctx, "put back "+table, `
UPDATE `+table+` AS t
SET owner_id = $1
WHERE t.owner_id = $2`); err != nil {
			return err
		}
	}
	return nil
}

// join fills the references that were emptied for this entry, also of rows that lie in
// the trash by now, and forgets the entry.
func (r *restoring) join(ctx context.Context) error {
	for _, ref := range references {
		filled := ref.refers.join(", ", func(kept, column string) string { return column + " = l." + kept })
		same := ref.row.join(" AND ", func(kept, column string) string { return "t." + column + " = l." + kept })
		if _, err := r.tx.ExecContext(ctx, `
UPDATE `+ref.table+` AS t
SET `+filled+`
FROM trash_links AS l
WHERE l.owner_id = $1 AND l.trash_id = $2 AND l.link = $3 AND `+same+`
  AND t.`+ref.refers[0][1]+` IS NULL AND (t.owner_id = $1 OR t.owner_id IN `+trashOwners+`)`, r.args[0], r.key, ref.name); err != nil {
			return fmt.Errorf("join %s: %w", ref.what, err)
		}
	}
	for _, statement := range []string{
		`DELETE FROM trash_links WHERE owner_id = $1 AND trash_id = $2`,
		`DELETE FROM trash WHERE owner_id = $1 AND id = $2`,
	} {
		if _, err := r.tx.ExecContext(ctx, statement, r.args[0], r.key); err != nil {
			return fmt.Errorf("forget the entry: %w", err)
		}
	}
	return nil
}
