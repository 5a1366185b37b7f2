package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

const taxonomyColumns = "t.id, t.name, t.version, t.source_url, t.licence, t.created_at, t.updated_at"

func (s *Store) taxonomyInto(t *storage.Taxonomy) []any {
	t.Own, t.Entries = true, []*storage.TaxonomyEntry{}
	t.CreatedAt, t.UpdatedAt = new(time.Time), new(time.Time)
	return []any{&t.Key, &t.Name, &t.Version, &t.SourceURL, &t.Licence, t.CreatedAt, t.UpdatedAt}
}

func (s *Store) named(t *storage.Taxonomy) *storage.Taxonomy {
	id := s.id(storage.KindTaxonomy, t.Key)
	t.ID = &id
	return t
}

// OwnTaxonomies reads the own taxonomies with their entries.
func (s *Store) OwnTaxonomies(ctx context.Context) ([]*storage.Taxonomy, error) {
	type row struct {
		taxonomy           storage.Taxonomy
		code, title, about *string
	}
	rows, err := collect(ctx, s, "read taxonomies", `
SELECT `+taxonomyColumns+`, e.code, e.title, e.description
FROM taxonomies t
LEFT JOIN taxonomy_entries e ON e.owner_id = t.owner_id AND e.taxonomy_id = t.id
WHERE t.owner_id = $1
ORDER BY t.name, t.id, e.code`, []any{s.owner}, func(rows *sql.Rows) (*row, error) {
		r := &row{}
		return r, rows.Scan(append(s.taxonomyInto(&r.taxonomy), &r.code, &r.title, &r.about)...)
	})
	all := []*storage.Taxonomy{}
	for _, r := range rows {
		if len(all) == 0 || all[len(all)-1].Key != r.taxonomy.Key {
			all = append(all, s.named(&r.taxonomy))
		}
		if of := all[len(all)-1]; r.code != nil && r.title != nil {
			of.Entries = append(of.Entries, &storage.TaxonomyEntry{Code: *r.code, Tag: *r.code, Title: *r.title, Description: r.about, Taxonomy: of})
		}
	}
	return all, err
}

// OwnEntries finds own entries. Their taxonomies come without entries.
func (s *Store) OwnEntries(ctx context.Context, codes []string) (map[string]*storage.TaxonomyEntry, error) {
	found := make(map[string]*storage.TaxonomyEntry, len(codes))
	if len(codes) == 0 {
		return found, nil
	}
	q := s.query()
	rows, err := collect(ctx, s, "read entries of taxonomies", `
SELECT `+taxonomyColumns+`, e.code, e.title, e.description
FROM taxonomy_entries e
JOIN taxonomies t ON t.owner_id = e.owner_id AND t.id = e.taxonomy_id
WHERE e.owner_id = $1 AND `+q.keyed("e.code", codes, "TEXT"), q.args, func(rows *sql.Rows) (*storage.TaxonomyEntry, error) {
		e := &storage.TaxonomyEntry{Taxonomy: &storage.Taxonomy{}}
		err := rows.Scan(append(s.taxonomyInto(e.Taxonomy), &e.Code, &e.Title, &e.Description)...)
		s.named(e.Taxonomy)
		e.Tag = e.Code
		return e, err
	})
	for _, row := range rows {
		found[row.Code] = row
	}
	return found, err
}

// AddTaxonomy adds an own taxonomy.
func (s *Store) AddTaxonomy(ctx context.Context, t *storage.Taxonomy) error {
	change := storage.TaxonomyChange{Name: &t.Name, Version: &t.Version, SourceURL: t.SourceURL, Licence: t.Licence, Set: t.Entries}
	if err := change.Check(); err != nil {
		return err
	}
	return s.changing(ctx, "add a taxonomy", func(ctx context.Context, tx *sql.Tx) error {
		var there int64
		if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM taxonomies WHERE owner_id = $1", s.owner).Scan(&there); err != nil {
			return err
		}
		if there >= storage.MaxTaxonomies {
			return storage.BadInput("name", "a workspace has at most %d taxonomies of its own", storage.MaxTaxonomies)
		}
		if err := s.taxonomyNameIsFree(ctx, tx, t.Key, t.Name); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
INSERT INTO taxonomies (owner_id, id, name, version, source_url, licence, created_at, updated_at)
VALUES ($1, $2, $3, $4, NULLIF(CAST($5 AS TEXT), ''), NULLIF(CAST($6 AS TEXT), ''), $7, $7)`,
			s.owner, t.Key, t.Name, t.Version, given(t.SourceURL), given(t.Licence), t.CreatedAt.UTC()); err != nil {
			return err
		}
		return s.setEntries(ctx, tx, t.Key, t.Entries)
	})
}

// ChangeTaxonomy changes an own taxonomy.
func (s *Store) ChangeTaxonomy(ctx context.Context, key string, change storage.TaxonomyChange, now time.Time) error {
	if err := change.Check(); err != nil {
		return err
	}
	return s.changing(ctx, "change a taxonomy", func(ctx context.Context, tx *sql.Tx) error {
		if change.Name != nil {
			if err := s.taxonomyNameIsFree(ctx, tx, key, *change.Name); err != nil {
				return err
			}
		}
		result, err := tx.ExecContext(ctx, `
UPDATE taxonomies
SET name = COALESCE(CAST($3 AS TEXT), name),
  version = COALESCE(CAST($4 AS TEXT), version),
  source_url = NULLIF(COALESCE(CAST($5 AS TEXT), source_url), ''),
  licence = NULLIF(COALESCE(CAST($6 AS TEXT), licence), ''),
  updated_at = $7
WHERE owner_id = $1 AND id = $2`, s.owner, key, given(change.Name), given(change.Version), given(change.SourceURL), given(change.Licence), now.UTC())
		if err != nil {
			return err
		}
		if err := changedOne(result); err != nil {
			return err
		}
		if len(change.Remove) > 0 {
			if _, err := tx.ExecContext(ctx, `
DELETE FROM taxonomy_entries
WHERE owner_id = $1 AND taxonomy_id = $2 AND code IN (SELECT unnest(CAST($3 AS TEXT[])))`, s.owner, key, change.Remove); err != nil {
				return err
			}
		}
		return s.setEntries(ctx, tx, key, change.Set)
	})
}

// setEntries adds entries, or changes those of the same code.
func (s *Store) setEntries(ctx context.Context, tx *sql.Tx, key string, entries []*storage.TaxonomyEntry) error {
	if len(entries) == 0 {
		return nil
	}
	codes, titles, about := make([]string, len(entries)), make([]string, len(entries)), make([]string, len(entries))
	for i, entry := range entries {
		codes[i], titles[i] = entry.Code, entry.Title
		if entry.Description != nil {
			about[i] = *entry.Description
		}
	}
	var taken string
	if err := tx.QueryRowContext(ctx, `
SELECT COALESCE(min(code), '')
FROM taxonomy_entries
WHERE owner_id = $1 AND taxonomy_id <> $2 AND code IN (SELECT unnest(CAST($3 AS TEXT[])))`, s.owner, key, codes).Scan(&taken); err != nil {
		return err
	}
	if taken != "" {
		return &storage.Error{Code: storage.CodeConflict, Field: "entries", Message: fmt.Sprintf("another taxonomy of the workspace has the code %q: choose another", taken)}
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO taxonomy_entries (owner_id, code, taxonomy_id, title, description)
SELECT CAST($1 AS TEXT), x.code, CAST($2 AS TEXT), x.title, NULLIF(x.description, '')
FROM (SELECT unnest(CAST($3 AS TEXT[])) AS code, unnest(CAST($4 AS TEXT[])) AS title, unnest(CAST($5 AS TEXT[])) AS description) AS x
ON CONFLICT (owner_id, code) DO UPDATE
SET title = excluded.title, description = excluded.description`, s.owner, key, codes, titles, about); err != nil {
		return err
	}
	var rows int64
	if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM taxonomy_entries
WHERE owner_id = $1 AND taxonomy_id = $2`, s.owner, key).Scan(&rows); err != nil {
		return err
	}
	if rows > storage.MaxTaxonomyEntries {
		return storage.BadInput("entries", "a taxonomy has at most %d entries, not %d", storage.MaxTaxonomyEntries, rows)
	}
	return nil
}

func (s *Store) taxonomyNameIsFree(ctx context.Context, tx *sql.Tx, key, name string) error {
	var taken bool
	if err := tx.QueryRowContext(ctx, `
SELECT EXISTS (
  SELECT 1
  FROM taxonomies
  WHERE owner_id = $1 AND name = $2 AND id <> $3)`, s.owner, name, key).Scan(&taken); err != nil {
		return err
	}
	if taken {
		return &storage.Error{Code: storage.CodeConflict, Field: "name", Message: fmt.Sprintf("there is a taxonomy named %q already: choose another name", name)}
	}
	return nil
}
