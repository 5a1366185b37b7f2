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
		r := &restoring{tx: tx, args: []any{s.owner, trashOwner + key}, key: key}
		for _, step := range []func(context.Context) error{r.check, r.complete, r.leaveHanging, r.leaveReferences, r.files, r.putBack, r.join} {
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
	tx   *sql.Tx
	args []any
	key  string
}

func (r *restoring) exec(ctx context.Context, what, text string, more ...any) error {
	if _, err := r.tx.ExecContext(ctx, text, append(r.args[:len(r.args):len(r.args)], more...)...); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// identities are the tables whose rows an import knows by what the source calls them,
// what they are, and the column of a name that no other may be given.
var identities = []struct{ table, what, name string }{
	{"execution_plans", "runs", ""},
	{"attacks", "attacks", ""},
	{"conversations", "conversations", ""},
	{"scores", "scores", ""},
	{"datasets", "datasets", "name"},
	{"dataset_prompts", "prompts", ""},
	{"generators", "generators", "name"},
	{"converters", "converters", "name"},
	{"scorers", "scorers", "name"},
	{"orchestrators", "orchestrators", "name"},
}

// needs are the configured things that cannot do without others, and how they name them.
var needs = []struct{ table, of, names string }{
	{"converters", "generators", "strpos(t.parameters, p.id) > 0"},
	{"converters", "converters", "strpos(t.parameters, p.id) > 0"},
	{"converters", "scorers", "strpos(t.parameters, p.id) > 0"},
	{"scorers", "generators", "strpos(t.parameters, p.id) > 0"},
	{"scorers", "converters", "strpos(t.parameters, p.id) > 0"},
	{"scorers", "scorers", "strpos(t.parameters, p.id) > 0"},
	{"orchestrators", "datasets", "p.id = ANY(t.uses)"},
	{"orchestrators", "generators", "p.id = ANY(t.uses)"},
	{"orchestrators", "converters", "p.id = ANY(t.uses)"},
	{"orchestrators", "scorers", "p.id = ANY(t.uses)"},
}

// check refuses what has come again meanwhile.
func (r *restoring) check(ctx context.Context) error {
	for _, of := range identities {
		name, same := "''", "l.source = t.source AND l.source_id = t.source_id"
		if of.name != "" {
			if of.table == "orchestrators" { // which no source has
				same = "FALSE"
			}
			// Imports bring equal names, which stood beside each other before too.
			name, same = "min(t."+of.name+")", "("+same+" OR l."+of.name+" = t."+of.name+" AND l.updated_at >= e.deleted_at)"
		}
		var count int64
		var first sql.NullString
		if err := r.tx.QueryRowContext(ctx, `
SELECT count(*), `+name+`
FROM `+of.table+` t
JOIN trash e ON e.owner_id = $1 AND e.id = $3
JOIN `+of.table+` l ON `+same+`
WHERE t.owner_id = $2 AND l.owner_id = $1`, r.args[0], r.args[1], r.key).Scan(&count, &first); err != nil {
			return fmt.Errorf("look for %s that came again: %w", of.what, err)
		}
		switch {
		case count == 0:
		case first.String != "":
			return &storage.Error{
				Code: storage.CodeConflict, Field: "id",
				Message: fmt.Sprintf("there is one named %q among the %s again: delete or rename it first", first.String, of.what),
			}
		default:
			return &storage.Error{
				Code: storage.CodeConflict, Field: "id",
				Message: fmt.Sprintf("%d %s of it were imported again meanwhile: delete those first, or leave it in the trash", count, of.what),
			}
		}
	}
	return nil
}

// complete refuses what is made of things that lie in another entry.
func (r *restoring) complete(ctx context.Context) error {
	for _, n := range needs {
		var count int64
		var first sql.NullString
		if err := r.tx.QueryRowContext(ctx, `
SELECT count(*), min(p.name)
FROM `+n.table+` t
JOIN `+n.of+` p ON `+n.names+`
WHERE t.owner_id = $2 AND p.owner_id <> $2 AND p.owner_id IN `+trashOwners, r.args...).Scan(&count, &first); err != nil {
			return fmt.Errorf("look for what %s need: %w", n.table, err)
		}
		if count > 0 {
			return &storage.Error{
				Code: storage.CodeConflict, Field: "id",
				Message: fmt.Sprintf("its %s need %q of the %s, which is in the trash too: restore that first", n.table, first.String, n.of),
			}
		}
	}
	return nil
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

// files lets messages find their files: those that the workspace has again stay as they
// are, and those that another entry took are taken from it.
func (r *restoring) files(ctx context.Context) error {
	if err := r.exec(ctx, "drop files that came again", `
DELETE FROM files AS t
WHERE t.owner_id = $2 AND t.sha256 IN (SELECT f.sha256 FROM files f WHERE f.owner_id = $1)`); err != nil {
		return err
	}
	if err := r.exec(ctx, "fetch files", `
UPDATE files AS t
SET owner_id = $2
FROM (
  SELECT f.sha256, min(f.owner_id) AS holder
  FROM files f
  WHERE f.owner_id IN `+trashOwners+`
    AND f.sha256 IN (SELECT m.sha256 FROM message_files m WHERE m.owner_id = $2)
    AND f.sha256 NOT IN (SELECT h.sha256 FROM files h WHERE h.owner_id IN ($1, $2))
  GROUP BY f.sha256
) AS h
WHERE t.sha256 = h.sha256 AND t.owner_id = h.holder`); err != nil {
		return err
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
