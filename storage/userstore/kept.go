package userstore

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// kept serves the tables of what people keep, which begin with the same columns.
type kept[T any] struct {
	kind    storage.KeptKind
	id      storage.Kind
	part    func(*T) *storage.Kept
	columns []string           // behind those of all
	types   []string           // of columns
	shownBy map[string]string  // the fields that show long columns
	values  func(row *T) []any // of columns
	into    func(row *T) []any // where columns are read to
}

// add stores a new row.
func (k *kept[T]) add(ctx context.Context, s *Store, row *T) error {
	part := k.part(row)
	return s.changing(ctx, "add to "+string(k.kind), func(ctx context.Context, tx *sql.Tx) error {
		if err := s.nameIsFree(ctx, tx, string(k.kind), part.Key, &part.Name); err != nil {
			return err
		}
		q := &query{args: []any{s.owner, part.Key, part.Name, given(part.Description), part.Tags, part.Author, part.CreatedAt.UTC()}}
		own := ""
		for i, value := range k.values(row) {
			own += ", CAST(" + q.arg(value) + " AS " + k.types[i] + ")"
		}
		_, err := tx.ExecContext(ctx, `
INSERT INTO `+string(k.kind)+` (owner_id, id, name, description, tags, author, created_at, updated_at, revision, `+strings.Join(k.columns, ", ")+`)
VALUES ($1, $2, $3, CAST($4 AS TEXT), CAST($5 AS TEXT[]), $6, $7, $7, 1`+own+`)`, q.args...)
		return err
	})
}

// replace stores a row in the place of the one with its key and revision.
func (k *kept[T]) replace(ctx context.Context, s *Store, row *T) error {
	part := k.part(row)
	return s.changing(ctx, "change "+string(k.kind), func(ctx context.Context, tx *sql.Tx) error {
		revisions, err := numbersOf(ctx, tx, `
SELECT revision
FROM `+string(k.kind)+`
WHERE owner_id = $1 AND id = $2`, s.owner, part.Key)
		if err != nil {
			return err
		}
		if len(revisions) == 0 {
			return notThere("id")
		}
		if revisions[0] != part.Revision {
			return otherRevision(revisions[0], part.Revision)
		}
		if err := s.nameIsFree(ctx, tx, string(k.kind), part.Key, &part.Name); err != nil {
			return err
		}
		q := &query{args: []any{s.owner, part.Key, part.Name, given(part.Description), part.Tags, part.UpdatedAt.UTC()}}
		own := ""
		for i, value := range k.values(row) {
			own += ", " + k.columns[i] + " = CAST(" + q.arg(value) + " AS " + k.types[i] + ")"
		}
		_, err = tx.ExecContext(ctx, `
UPDATE `+string(k.kind)+`
SET name = $3, description = CAST($4 AS TEXT), tags = CAST($5 AS TEXT[]), updated_at = $6, revision = revision + 1`+own+`
WHERE owner_id = $1 AND id = $2`, q.args...)
		return err
	})
}

func otherRevision(is, seen int64) error {
	return &storage.Error{
		Code: storage.CodeConflict, Field: "revision",
		Message: "it has the revision " + strconv.FormatInt(is, 10) + " by now, not " + strconv.FormatInt(seen, 10) + ": read it again, then decide",
	}
}

// rows reads the table.
func (k *kept[T]) rows(s *Store) *table[T] {
	t := &table[T]{
		name: string(k.kind), from: string(k.kind) + " k", alias: "k", keys: []string{"id"}, keyType: "TEXT",
		columns: "k.id, k.name, k.description, k.tags, k.author, k.revision, k.created_at, k.updated_at, k." + strings.Join(k.columns, ", k."),
		scan: func(scan func(columns ...any) error, row *T) error {
			part := k.part(row)
			columns := []any{
				&part.Key, &part.Name, &part.Description, (*textList)(&part.Tags), &part.Author, &part.Revision,
				&part.CreatedAt, &part.UpdatedAt,
			}
			err := scan(append(columns, k.into(row)...)...)
			part.ID = s.id(k.id, part.Key)
			return err
		},
		keysOf: func(row *T) []any { return []any{k.part(row).Key} },
	}
	return t.narrow(s.wanted, k.shownBy)
}

func (k *kept[T]) order(field storage.KeptOrderField, direction storage.Direction) order[T] {
	desc := direction == storage.Descending
	switch field {
	case storage.KeptOrderCreatedAt:
		return order[T]{
			name: "created", expr: "k.created_at", kind: "TIMESTAMP", desc: desc,
			value: func(row *T) any { return k.part(row).CreatedAt },
		}
	case storage.KeptOrderUpdatedAt:
		return order[T]{
			name: "updated", expr: "k.updated_at", kind: "TIMESTAMP", desc: desc,
			value: func(row *T) any { return k.part(row).UpdatedAt },
		}
	default:
		return order[T]{
			name: "name", expr: `k.name COLLATE "C"`, kind: "TEXT", desc: desc,
			value: func(row *T) any { return k.part(row).Name },
		}
	}
}

func (q *query) kept(f *storage.KeptFilter) []string {
	own := q.match("name", "k.name", f.Name)
	own = append(own, q.inList("k.tags", f.Tag)...)
	own = append(own, q.in("k.author", f.Author)...)
	own = append(own, q.during("k.created_at", f.CreatedAt)...)
	return append(own, q.during("k.updated_at", f.UpdatedAt)...)
}

// tags counts the rows that the condition leaves by their tags.
func (k *kept[T]) tags(ctx context.Context, s *Store, q *query, where string, limit int) ([]*storage.TagCount, error) {
	if q.err != nil {
		return nil, q.err
	}
	return collect(ctx, s, "count tags of "+string(k.kind), `
SELECT tagged.tag, count(*)
FROM (
  SELECT unnest(k.tags) AS tag
  FROM `+string(k.kind)+` k
  WHERE k.owner_id = $1 AND `+where+`
) tagged
GROUP BY tagged.tag
ORDER BY count(*) DESC, tagged.tag
LIMIT `+strconv.Itoa(limit), q.args, func(rows *sql.Rows) (*storage.TagCount, error) {
		t := &storage.TagCount{}
		return t, rows.Scan(&t.Tag, &t.Count)
	})
}
