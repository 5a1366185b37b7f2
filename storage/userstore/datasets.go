package userstore

import (
	"context"
	"database/sql"
	"strconv"
	"time"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) datasetTable() *table[storage.Dataset] {
	return &table[storage.Dataset]{
		name: "datasets", from: "datasets d", alias: "d", keys: []string{"id"}, keyType: "TEXT",
		columns: `d.id, d.source, d.source_id, d.name, d.description, d.author, d.source_type, d.format, d.configuration, d.tags,
  d.status, d.version, COALESCE(v.prompts, 0), v.harm_categories, d.created_at, d.updated_at, d.attributes`,
		joins: "LEFT JOIN dataset_versions v ON v.owner_id = d.owner_id AND v.dataset_id = d.id AND v.version = d.version",
		scan: func(scan func(columns ...any) error, d *storage.Dataset) error {
			err := scan(&d.Key, &d.Source, &d.SourceID, &d.Name, &d.Description, &d.Author, &d.SourceType, &d.Format,
				&d.Configuration, (*textList)(&d.Tags), &d.Status, &d.Version, &d.PromptCount, (*textList)(&d.HarmCategories),
				&d.CreatedAt, &d.UpdatedAt, &d.Attributes)
			d.ID = s.id(storage.KindDataset, d.Key)
			return err
		},
		keysOf: func(d *storage.Dataset) []any { return []any{d.Key} },
	}
}

// Datasets lists datasets.
func (s *Store) Datasets(ctx context.Context, filter *storage.DatasetFilter, by storage.NameOrder, page storage.Page) (*storage.Connection[storage.Dataset], error) {
	q := s.query()
	return s.datasetTable().page(ctx, s, q, datasetFilter(q, filter, 1), nameOrder("d", by,
		func(d *storage.Dataset) string { return d.Name },
		func(d *storage.Dataset) time.Time { return d.CreatedAt }), page)
}

// DatasetsByKey reads datasets.
func (s *Store) DatasetsByKey(ctx context.Context, keys []string) (map[string]*storage.Dataset, error) {
	return byKey(ctx, s.datasetTable(), s, keys)
}

// newestHarms are the harm categories of a dataset's newest version.
const newestHarms = `SELECT v.dataset_id, unnest(v.harm_categories) AS category
    FROM dataset_versions v
    JOIN datasets n ON n.owner_id = v.owner_id AND n.id = v.dataset_id AND n.version = v.version
    WHERE v.owner_id = $1`

// datasetFacets are the values of the dimensions of datasets d.
var datasetFacets = map[storage.DatasetFacet]facetColumn{
	storage.DatasetFacetTag:          {value: unnested("d.tags"), many: true},
	storage.DatasetFacetSourceType:   {value: "d.source_type"},
	storage.DatasetFacetFormat:       {value: "NULLIF(d.format, '')"},
	storage.DatasetFacetHarmCategory: {value: "h.category", joins: "LEFT JOIN (" + newestHarms + ") h ON h.dataset_id = d.id", many: true},
	storage.DatasetFacetAuthor:       {value: "d.author"},
}

// DatasetFacet counts the datasets by the values of a dimension, most frequent first; a
// dataset with several values counts once for each.
func (s *Store) DatasetFacet(ctx context.Context, facet storage.DatasetFacet, filter *storage.DatasetFilter, limit int) ([]*storage.FacetValue, error) {
	column, ok := datasetFacets[facet]
	if !ok {
		return nil, storage.BadInput("facet", "there is no facet %s", facet)
	}
	q := s.query()
	condition := datasetFilter(q, filter, 1)
	if q.err != nil {
		return nil, q.err
	}
	distinct := ""
	if column.many {
		distinct = "DISTINCT "
	}
	return collect(ctx, s, "count datasets by "+string(facet), `
SELECT valued.value, count(*) AS datasets
FROM (
  SELECT `+distinct+`d.id, `+column.value+` AS value
  FROM datasets d
  `+column.joins+`
  WHERE d.owner_id = $1 AND `+condition+`
) valued
GROUP BY valued.value
ORDER BY datasets DESC, valued.value ASC NULLS LAST
LIMIT `+strconv.Itoa(max(limit, 0)), q.args, func(rows *sql.Rows) (*storage.FacetValue, error) {
		v := &storage.FacetValue{}
		return v, rows.Scan(&v.Value, &v.Count)
	})
}

func (s *Store) promptTable() *table[storage.Prompt] {
	return &table[storage.Prompt]{
		name: "prompts", from: "dataset_prompts p", alias: "p", keys: []string{"prompt_no"}, keyType: "BIGINT",
		columns: `p.prompt_no, p.dataset_id, p.version, p.source, p.source_id, p.position, p.seed_type, p.role, p.name, p.text,
  p.data_type, p.harm_categories, p.parameters, p.metadata, p.sha256, p.group_id, p.sequence, p.created_at, p.attributes`,
		scan: func(scan func(columns ...any) error, p *storage.Prompt) error {
			err := scan(&p.Number, &p.DatasetKey, &p.Version, &p.Source, &p.SourceID, &p.Index, &p.SeedType, &p.Role, &p.Name,
				&p.Text, &p.DataType, (*textList)(&p.HarmCategories), &p.Parameters, &p.Metadata, &p.Hash, &p.GroupID,
				&p.Sequence, &p.CreatedAt, &p.Attributes)
			p.ID = s.numberID(storage.KindPrompt, p.Number)
			return err
		},
		keysOf: func(p *storage.Prompt) []any { return []any{p.Number} },
	}
}

// PromptsByNumber reads prompts.
func (s *Store) PromptsByNumber(ctx context.Context, numbers []int64) (map[int64]*storage.Prompt, error) {
	return byKey(ctx, s.promptTable(), s, numbers)
}

// LastOutcomes tells the outcome of each prompt's newest attack, on the target with
// that component hash, or on any if it is empty.
func (s *Store) LastOutcomes(ctx context.Context, numbers []int64, targetHash string) (map[int64]storage.Outcome, error) {
	outcomes := make(map[int64]storage.Outcome, len(numbers))
	if len(numbers) == 0 {
		return outcomes, nil
	}
	q := s.query()
	condition := "a.owner_id = $1 AND a.prompt_no IN (SELECT unnest(" + q.list(numbers, "BIGINT") + "))"
	if targetHash != "" {
		condition += " AND a.target_hash = CAST(" + q.arg(targetHash) + " AS TEXT)"
	}
	type last struct {
		number  int64
		outcome storage.Outcome
	}
	rows, err := collect(ctx, s, "read last outcomes", `
SELECT newest.prompt_no, newest.outcome
FROM (
  SELECT a.prompt_no, a.outcome,
    row_number() OVER (PARTITION BY a.prompt_no ORDER BY a.started_at DESC, a.attack_no DESC) AS n
  FROM attacks a
  WHERE `+condition+`
) newest
WHERE newest.n = 1`, q.args, func(rows *sql.Rows) (last, error) {
		var l last
		return l, rows.Scan(&l.number, &l.outcome)
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		outcomes[row.number] = row.outcome
	}
	return outcomes, nil
}
