package userstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// identities are the tables whose rows may have come again, and what they are.
var identities = []struct {
	table, what string
	sourced     bool   // an import knows them by what the source calls them
	name        string // the column of a name that no other may be given
	// unique says that no import brings a name twice, so none stood beside another before.
	unique  bool
	private string // the column of whose they are, who alone has the name and may read it
	where   string // which rows t of the entry, if not all
}{
	{table: "execution_plans", what: "runs", sourced: true},
	{table: "attacks", what: "attacks", sourced: true},
	{table: "conversations", what: "conversations", sourced: true},
	{table: "scores", what: "scores", sourced: true},
	{table: "datasets", what: "datasets", sourced: true, name: "name"},
	// Of a dataset that stayed, prompts of one source id are editions.
	{table: "dataset_prompts", what: "prompts", sourced: true, where: " AND t.dataset_id IN (SELECT d.id FROM datasets d WHERE d.owner_id = $2)"},
	{table: "generators", what: "generators", sourced: true, name: "name"},
	{table: "converters", what: "converters", sourced: true, name: "name"},
	{table: "scorers", what: "scorers", sourced: true, name: "name"},
	{table: "orchestrators", what: "orchestrators", name: "name"},
	{table: "prices", what: "prices", name: "model", unique: true},
	{table: "saved_queries", what: "saved queries", name: "name", unique: true},
	{table: "parameter_files", what: "parameter files", name: "name", unique: true},
	{table: "templates", what: "templates", name: "name", unique: true},
	{table: "taxonomies", what: "own taxonomies", name: "name", unique: true},
	{table: "taxonomy_entries", what: "entries of own taxonomies", name: "code", unique: true},
	{table: "user_sessions", what: "saved sessions", name: "session_key", unique: true, private: "user_id"},
}

// needs are the things that cannot do without others, and how they name them.
var needs = []struct{ table, of, names string }{
	{"dataset_versions", "datasets", "p.id = t.dataset_id"},
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
		first, same := "''", "l.source = t.source AND l.source_id = t.source_id"
		if !of.sourced {
			same = "FALSE"
		}
		if of.name != "" {
			taken := "l." + of.name + " = t." + of.name
			if !of.unique {
				// Imports bring equal names, which stood beside each other before too.
				taken += " AND l.updated_at >= e.deleted_at"
			}
			if of.private == "" {
				first = "min(t." + of.name + ")"
			} else {
				taken += " AND l." + of.private + " = t." + of.private
			}
			same = "(" + same + " OR " + taken + ")"
		}
		var count int64
		var name sql.NullString
		if err := r.tx.QueryRowContext(ctx, `
SELECT count(*), `+first+`
FROM `+of.table+` t
JOIN trash e ON e.owner_id = $1 AND e.id = $3
JOIN `+of.table+` l ON `+same+`
WHERE t.owner_id = $2 AND l.owner_id = $1`+of.where, r.args[0], r.args[1], r.key).Scan(&count, &name); err != nil {
			return fmt.Errorf("look for %s that came again: %w", of.what, err)
		}
		switch {
		case count == 0:
		case name.String != "":
			return r.conflict("there is one named %q among the %s again: delete or rename it first", name.String, of.what)
		case of.private != "":
			return r.conflict("%d %s of it were saved again under their keys: delete those first, or leave it in the trash", count, of.what)
		default:
			return r.conflict("%d %s of it were imported again meanwhile: delete those first, or leave it in the trash", count, of.what)
		}
	}
	return nil
}

func (r *restoring) conflict(format string, args ...any) error {
	return &storage.Error{Code: storage.CodeConflict, Field: "id", Message: fmt.Sprintf(format, args...)}
}

// bounds are how many rows of a table there may be, or of each person.
var bounds = []struct {
	table, what, of string // of ends the statement
	most            int64
}{
	{"prices", "prices", "", storage.MaxPrices},
	{"taxonomies", "taxonomies of its own", "", storage.MaxTaxonomies},
	{"user_sessions", "saved sessions of one person", " AND t.user_id IS NOT NULL GROUP BY t.user_id", storage.MaxSavedSessions},
}

// fits refuses what there would be too many of.
func (r *restoring) fits(ctx context.Context) error {
	for _, b := range bounds {
		var rows int64
		if err := r.tx.QueryRowContext(ctx, `
SELECT COALESCE(max(n.there), 0)
FROM (
  SELECT count(*) AS there, min(CASE WHEN t.owner_id = $2 THEN 0 ELSE 1 END) AS beside
  FROM `+b.table+` t
  WHERE t.owner_id IN ($1, $2)`+b.of+`
) AS n
WHERE n.beside = 0`, r.args...).Scan(&rows); err != nil {
			return fmt.Errorf("count %s: %w", b.what, err)
		}
		if rows > b.most {
			return r.conflict("the workspace would have %d %s, and may have %d: delete some first", rows, b.what, b.most)
		}
	}
	return nil
}

// complete refuses what is made of things that lie in another entry, and versions of a
// dataset that was purged.
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
			return r.conflict("its %s need %q of the %s, which is in the trash too: restore that first", n.table, first.String, n.of)
		}
	}
	var versions, orchestrators int64
	if err := r.tx.QueryRowContext(ctx, `
SELECT (
  SELECT count(*) FROM dataset_versions t
  WHERE t.owner_id = $2 AND t.dataset_id NOT IN (SELECT d.id FROM datasets d WHERE d.owner_id IN ($1, $2))
), (
  SELECT count(*) FROM orchestrators t
  JOIN dataset_versions v ON v.dataset_id = t.dataset_id AND v.version = t.dataset_version
  WHERE t.owner_id = $2 AND v.owner_id <> $2 AND v.owner_id IN `+trashOwners+`
)`, r.args...).Scan(&versions, &orchestrators); err != nil {
		return fmt.Errorf("look for what versions need, and what needs them: %w", err)
	}
	switch {
	case versions > 0:
		return r.conflict("the dataset of its versions was purged: without that they cannot be restored")
	case orchestrators > 0:
		return r.conflict("%d of its orchestrators name versions of datasets that are in the trash too: restore those first", orchestrators)
	}
	return nil
}
