package userstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) versionTable() *table[storage.DatasetVersion] {
	return &table[storage.DatasetVersion]{
		name: "dataset versions", from: "dataset_versions v", alias: "v", keys: []string{"version"}, keyType: "BIGINT",
		columns: `v.dataset_id, v.version, v.prompts, v.harm_categories, v.made_by, v.author, v.created_at, v.used_at, v.used_by`,
		scan: func(scan func(columns ...any) error, v *storage.DatasetVersion) error {
			err := scan(&v.DatasetKey, &v.Number, &v.PromptCount, (*textList)(&v.HarmCategories), &v.MadeBy, &v.Author,
				&v.CreatedAt, &v.UsedAt, &v.UsedBy)
			v.ID = s.id(storage.KindVersion, v.VersionKey().String())
			v.MadeBy = s.withParentIDs(v.MadeBy)
			return err
		},
		keysOf: func(v *storage.DatasetVersion) []any { return []any{v.Number} },
	}
}

// withParentIDs names the datasets that a version was made from by their ids.
func (s *Store) withParentIDs(by storage.JSON) storage.JSON {
	var made storage.MadeBy
	var parameters json.RawMessage
	made.Parameters = &parameters
	if err := json.Unmarshal([]byte(by), &made); err != nil || len(made.Parents) == 0 {
		return by
	}
	for i := range made.Parents {
		made.Parents[i].Key = s.id(storage.KindDataset, made.Parents[i].Key)
	}
	if parameters == nil {
		made.Parameters = nil
	}
	named, err := json.Marshal(made)
	if err != nil {
		return by
	}
	return storage.JSON(named)
}

// DatasetVersions lists the versions of datasets, newest first.
func (s *Store) DatasetVersions(ctx context.Context, keys []string, page storage.Page) (map[string]*storage.Connection[storage.DatasetVersion], error) {
	t := s.versionTable()
	// A number is one of many datasets: the outer rows have to be of their parent.
	t.joins = "AND v.dataset_id = page.parent"
	return nested(ctx, t, s, s.query(), nest{parent: "v.dataset_id", kind: "TEXT"}, keys,
		func() string { return "TRUE" }, order[storage.DatasetVersion]{name: "number", desc: true}, page)
}

// DatasetVersionsByKey reads versions.
func (s *Store) DatasetVersionsByKey(ctx context.Context, keys []storage.VersionKey) (map[storage.VersionKey]*storage.DatasetVersion, error) {
	found := make(map[storage.VersionKey]*storage.DatasetVersion, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q, t := s.query(), s.versionTable()
	type asked struct {
		number  int64
		version storage.DatasetVersion
	}
	rows, err := collect(ctx, s, "read dataset versions", `
SELECT k.version, `+t.columns+`
FROM (`+q.versions(keys)+`) k
JOIN datasets d ON d.owner_id = $1 AND d.id = k.dataset_id
JOIN dataset_versions v ON v.owner_id = d.owner_id AND v.dataset_id = d.id
  AND v.version = CASE WHEN k.version = 0 THEN d.version ELSE k.version END`, q.args, func(rows *sql.Rows) (*asked, error) {
		a := &asked{}
		return a, t.scan(func(columns ...any) error { return rows.Scan(append([]any{&a.number}, columns...)...) }, &a.version)
	})
	for _, row := range rows {
		found[storage.VersionKey{Dataset: row.version.DatasetKey, Number: row.number}] = &row.version
	}
	return found, err
}

// versions is a query of (dataset_id, version), each key once.
func (q *query) versions(keys []storage.VersionKey) string {
	seen := make(map[storage.VersionKey]bool, len(keys))
	datasets, numbers := make([]string, 0, len(keys)), make([]int64, 0, len(keys))
	for _, key := range keys {
		if !seen[key] {
			seen[key] = true
			datasets, numbers = append(datasets, key.Dataset), append(numbers, key.Number)
		}
	}
	return "SELECT unnest(" + q.texts(datasets) + ") AS dataset_id, unnest(" + q.list(numbers, "BIGINT") + ") AS version"
}

// SplitsByVersion lists the splits of versions.
func (s *Store) SplitsByVersion(ctx context.Context, keys []storage.VersionKey) (map[storage.VersionKey][]*storage.Split, error) {
	found := make(map[storage.VersionKey][]*storage.Split, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q := s.query()
	rows, err := collect(ctx, s, "read splits", `
SELECT s.dataset_id, s.version, s.name, s.prompts, s.made_by, s.author, s.created_at
FROM dataset_splits s
WHERE s.owner_id = $1 AND (s.dataset_id, s.version) IN (`+q.versions(keys)+`)
ORDER BY s.dataset_id, s.version, s.place`, q.args, func(rows *sql.Rows) (*storage.Split, error) {
		split := &storage.Split{}
		err := rows.Scan(&split.DatasetKey, &split.Version, &split.Name, &split.PromptCount, &split.MadeBy, &split.Author, &split.CreatedAt)
		return split, err
	})
	for _, split := range rows {
		key := storage.VersionKey{Dataset: split.DatasetKey, Number: split.Version}
		found[key] = append(found[key], split)
	}
	return found, err
}

// PromptsByDataset lists the prompts of each dataset's newest version, in its order.
func (s *Store) PromptsByDataset(ctx context.Context, keys []string, filter *storage.PromptFilter, page storage.Page) (map[string]*storage.Connection[storage.Prompt], error) {
	q := s.query()
	of := `SELECT d.id, d.version FROM datasets d WHERE d.owner_id = $1 AND d.id IN (SELECT unnest(` + q.texts(keys) + `))`
	return s.promptsOf(ctx, q, "m.dataset_id", of, keys, filter, page)
}

// PromptsByVersion lists the prompts of versions, in their order. A text that is no
// version has no prompts.
func (s *Store) PromptsByVersion(ctx context.Context, versions []string, filter *storage.PromptFilter, page storage.Page) (map[string]*storage.Connection[storage.Prompt], error) {
	keys := make([]storage.VersionKey, 0, len(versions))
	for _, text := range versions {
		if key, ok := storage.ParseVersionKey(text); ok {
			keys = append(keys, key)
		}
	}
	q := s.query()
	return s.promptsOf(ctx, q, "m.dataset_id || '-' || CAST(m.version AS TEXT)", q.versions(keys), versions, filter, page)
}

// promptsOf pages through the members of versions, which of selects and parent names.
// Without a filter their places have no gaps, so that a page reads its own rows alone.
func (s *Store) promptsOf(ctx context.Context, q *query, parent, of string, parents []string, filter *storage.PromptFilter, page storage.Page) (map[string]*storage.Connection[storage.Prompt], error) {
	if len(parents) == 0 {
		return map[string]*storage.Connection[storage.Prompt]{}, nil
	}
	prompts := s.promptTable()
	members := &table[storage.Prompt]{
		name: prompts.name, alias: "m", keys: prompts.keys, keyType: prompts.keyType,
		from: "dataset_members m", keysOf: prompts.keysOf,
	}
	if filter != nil {
		members.from += " JOIN dataset_prompts p ON p.owner_id = m.owner_id AND p.prompt_no = m.prompt_no"
	}
	o := order[storage.Prompt]{
		name: "position", expr: "m.position", kind: "BIGINT",
		value: func(p *storage.Prompt) any { return p.Index },
	}
	where := "m.owner_id = $1 AND (m.dataset_id, m.version) IN (" + of + ") AND " + promptFilter(q, filter, 1)
	if q.err != nil {
		return nil, q.err
	}
	countArgs := q.args[:len(q.args):len(q.args)]
	inner := where
	for i, text := range parents {
		checked := q
		if i > 0 {
			checked = &query{} // the statement has the condition already
		}
		keyset, err := o.keyset(members, checked, page, text)
		if err != nil {
			return nil, err
		}
		if i == 0 && keyset != "" {
			inner += " AND " + keyset
		}
	}
	if filter == nil && !page.Backward {
		inner += " AND m.position <= " + strconv.FormatInt(placeOf(page.After, o.list(members, parents[0]))+int64(page.Limit)+1, 10)
	}
	byParent, err := childrenOf[storage.Prompt, string](ctx, &table[storage.Prompt]{
		name: "prompts",
		scan: func(scan func(columns ...any) error, p *storage.Prompt) error {
			var place int64
			err := prompts.scan(func(columns ...any) error { return scan(append([]any{&place}, columns...)...) }, p)
			p.Index = place
			return err
		},
	}, s, q, `
SELECT page.parent, page.position, `+prompts.columns+`
FROM (
  SELECT `+parent+` AS parent, m.position, m.prompt_no,
    row_number() OVER (PARTITION BY `+parent+` ORDER BY `+o.by(members, page.Backward)+`) AS n
  FROM `+members.from+`
  WHERE `+inner+`
) page
JOIN dataset_prompts p ON p.owner_id = $1 AND p.prompt_no = page.prompt_no
WHERE page.n <= `+strconv.Itoa(page.Limit+1)+`
ORDER BY page.parent, page.n`)
	if err != nil {
		return nil, err
	}
	counts := &counts[string]{read: func(ctx context.Context) ([]counted[string], error) {
		return collect(ctx, s, "count prompts of versions", `
SELECT `+parent+`, count(*)
FROM `+members.from+`
WHERE `+where+`
GROUP BY `+parent, countArgs, func(rows *sql.Rows) (counted[string], error) {
			var c counted[string]
			return c, rows.Scan(&c.parent, &c.rows)
		})
	}}
	pages := make(map[string]*storage.Connection[storage.Prompt], len(parents))
	for _, text := range parents {
		pages[text] = storage.NewConnection(page, byParent[text], o.cursor(members, text),
			func(ctx context.Context) (int64, error) { return counts.of(ctx, text) })
	}
	return pages, nil
}

// placeOf is the place that a cursor names, which keyset has checked; -1 for none.
func placeOf(cursor, list string) int64 {
	if cursor == "" {
		return -1
	}
	c, err := storage.ParseCursor("after", cursor, list)
	if err != nil {
		return -1
	}
	place, err := strconv.ParseInt(c.Value, 10, 64)
	if err != nil {
		return -1
	}
	return place
}
