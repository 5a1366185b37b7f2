package userstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) datasetTable() *table[storage.Dataset] {
	return &table[storage.Dataset]{
		name: "datasets", from: "datasets d", alias: "d", keys: []string{"id"}, keyType: "TEXT",
		columns: `d.id, d.source, d.source_id, d.name, d.source_type, d.format, d.configuration, d.tags, d.status, d.version,
  COALESCE(content.prompts, 0), harm.categories, d.created_at, d.updated_at, d.attributes`,
		joins: `LEFT JOIN (
  SELECT p.dataset_id, p.version, count(*) AS prompts
  FROM dataset_prompts p
  WHERE p.owner_id = $1
  GROUP BY p.dataset_id, p.version
) content ON content.dataset_id = d.id AND content.version = d.version
LEFT JOIN (
  SELECT of_prompt.dataset_id, of_prompt.version, array_agg(DISTINCT of_prompt.category ORDER BY of_prompt.category) AS categories
  FROM (SELECT p.dataset_id, p.version, unnest(p.harm_categories) AS category
    FROM dataset_prompts p
    WHERE p.owner_id = $1) of_prompt
  GROUP BY of_prompt.dataset_id, of_prompt.version
) harm ON harm.dataset_id = d.id AND harm.version = d.version`,
		scan: func(scan func(columns ...any) error, d *storage.Dataset) error {
			err := scan(&d.Key, &d.Source, &d.SourceID, &d.Name, &d.SourceType, &d.Format, &d.Configuration,
				(*textList)(&d.Tags), &d.Status, &d.Version, &d.PromptCount, (*textList)(&d.HarmCategories), &d.CreatedAt,
				&d.UpdatedAt, &d.Attributes)
			d.ID = s.id(storage.KindDataset, d.Key)
			return err
		},
		keysOf: func(d *storage.Dataset) []any { return []any{d.Key} },
	}
}

// Datasets lists datasets.
func (s *Store) Datasets(ctx context.Context, filter *storage.DatasetFilter, by storage.NameOrder, page storage.Page) (*storage.Connection[storage.Dataset], error) {
	q := s.query()
	return s.datasetTable().page(ctx, s, q, datasetFilter(q, filter), nameOrder("d", by,
		func(d *storage.Dataset) string { return d.Name },
		func(d *storage.Dataset) time.Time { return d.CreatedAt }), page)
}

// DatasetsByKey reads datasets.
func (s *Store) DatasetsByKey(ctx context.Context, keys []string) (map[string]*storage.Dataset, error) {
	return byKey(ctx, s.datasetTable(), s, keys)
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

// PromptsByDataset lists the prompts of each dataset's newest version, in its order.
func (s *Store) PromptsByDataset(ctx context.Context, keys []string, filter *storage.PromptFilter, page storage.Page) (map[string]*storage.Connection[storage.Prompt], error) {
	q := s.query()
	return nested(ctx, s.promptTable(), s, q, nest{parent: "p.dataset_id", kind: "TEXT"}, keys,
		func() string {
			return "(p.dataset_id, p.version) IN (SELECT d.id, d.version FROM datasets d WHERE d.owner_id = $1) AND " + promptFilter(q, filter)
		}, order[storage.Prompt]{
			name: "position", expr: "p.position", kind: "BIGINT",
			value: func(p *storage.Prompt) any { return p.Index },
		}, page)
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
