package userstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// difference is a query of what differs, or not, between two versions of a dataset.
// Ranks count among the prompts that both have, so that one new prompt does not move
// all behind it.
func (q *query) difference(from, to storage.VersionKey) string {
	of := func(version storage.VersionKey) string {
		return `SELECT m.position, m.prompt_no, m.origin_no
    FROM dataset_members m
    WHERE m.owner_id = $1 AND m.dataset_id = CAST(` + q.arg(version.Dataset) + ` AS TEXT) AND m.version = CAST(` + q.arg(version.Number) + ` AS BIGINT)`
	}
	return `
SELECT $1 AS owner_id, r.place, r.origin_no, r.before_no, r.after_no, r.before_at, r.after_at,
  CASE
    WHEN r.before_no IS NULL THEN 'ADDED'
    WHEN r.after_no IS NULL THEN 'REMOVED'
    WHEN r.before_no <> r.after_no THEN 'CHANGED'
    WHEN r.before_rank <> r.after_rank THEN 'MOVED'
  END AS kind
FROM (
  SELECT COALESCE(b.position, a.position) AS place, COALESCE(b.origin_no, a.origin_no) AS origin_no,
    a.prompt_no AS before_no, b.prompt_no AS after_no, a.position AS before_at, b.position AS after_at,
    row_number() OVER (PARTITION BY a.prompt_no IS NULL, b.prompt_no IS NULL ORDER BY a.position) AS before_rank,
    row_number() OVER (PARTITION BY a.prompt_no IS NULL, b.prompt_no IS NULL ORDER BY b.position) AS after_rank
  FROM (` + of(from) + `) a
  FULL JOIN (` + of(to) + `) b ON b.origin_no = a.origin_no
) r`
}

// sameDataset checks that two versions can be compared, and resolves the newest.
func (s *Store) sameDataset(ctx context.Context, from, to *storage.VersionKey) error {
	if from.Dataset != to.Dataset {
		return storage.BadInput("to", "only versions of one dataset can be compared")
	}
	found, err := s.DatasetVersionsByKey(ctx, []storage.VersionKey{*from, *to})
	if err != nil {
		return err
	}
	for field, key := range map[string]*storage.VersionKey{"from": from, "to": to} {
		version := found[*key]
		if version == nil {
			return notThere(field)
		}
		key.Number = version.Number
	}
	return nil
}

// DatasetDifference counts what changed between two versions.
func (s *Store) DatasetDifference(ctx context.Context, from, to storage.VersionKey) (*storage.DatasetDifference, error) {
	if err := s.sameDataset(ctx, &from, &to); err != nil {
		return nil, err
	}
	q := s.query()
	type count struct {
		kind *storage.PromptChangeKind
		rows int64
	}
	rows, err := collect(ctx, s, "compare versions of a dataset", `
SELECT c.kind, count(*)
FROM (`+q.difference(from, to)+`
) c
GROUP BY c.kind`, q.args, func(rows *sql.Rows) (count, error) {
		var c count
		return c, rows.Scan(&c.kind, &c.rows)
	})
	if err != nil {
		return nil, err
	}
	d := &storage.DatasetDifference{DatasetID: s.id(storage.KindDataset, from.Dataset), From: from, To: to}
	for _, row := range rows {
		switch {
		case row.kind == nil:
			d.Unchanged = row.rows
		case *row.kind == storage.PromptAdded:
			d.Added = row.rows
		case *row.kind == storage.PromptRemoved:
			d.Removed = row.rows
		case *row.kind == storage.PromptChanged:
			d.Changed = row.rows
		case *row.kind == storage.PromptMoved:
			d.Moved = row.rows
		}
	}
	return d, nil
}

// DatasetChanges lists what changed between two versions, by place.
func (s *Store) DatasetChanges(ctx context.Context, from, to storage.VersionKey, page storage.Page) (*storage.Connection[storage.PromptDifference], error) {
	if err := s.sameDataset(ctx, &from, &to); err != nil {
		return nil, err
	}
	q := s.query()
	t := &table[storage.PromptDifference]{
		name: "changes " + from.String() + " " + to.String(), from: "(" + q.difference(from, to) + "\n) c", alias: "c",
		keys: []string{"origin_no"}, keyType: "BIGINT",
		columns: "c.kind, c.place, c.origin_no, c.before_no, c.after_no, c.before_at, c.after_at",
		scan: func(scan func(columns ...any) error, d *storage.PromptDifference) error {
			d.DatasetID = s.id(storage.KindDataset, from.Dataset)
			return scan(&d.Kind, &d.Place, &d.Origin, &d.Before, &d.After, &d.BeforeIndex, &d.AfterIndex)
		},
		keysOf: func(d *storage.PromptDifference) []any { return []any{d.Origin} },
	}
	return t.page(ctx, s, q, "c.kind IS NOT NULL", order[storage.PromptDifference]{
		name: "place", expr: "c.place", kind: "BIGINT",
		value: func(d *storage.PromptDifference) any { return d.Place },
	}, page)
}
