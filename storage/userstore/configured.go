package userstore

import (
	"context"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// configuredRows serves the three tables of configured things, which have the
// same columns. part is where the row of such a table lies in T.
func configuredRows[T any](s *Store, kind storage.ConfiguredKind, id storage.Kind, part func(*T) *storage.Configured) *table[T] {
	return &table[T]{
		name: string(kind), from: string(kind) + " g", alias: "g", keys: []string{"id"}, keyType: "TEXT",
		columns: `g.id, g.source, g.source_id, g.name, g.type, g.parameters, g.credential IS NOT NULL, g.credential_last_four,
  g.credential_updated_at, g.status, g.last_test, g.created_at, g.updated_at, g.attributes`,
		scan: func(scan func(columns ...any) error, row *T) error {
			c, credential := part(row), &storage.Credential{}
			err := scan(&c.Key, &c.Source, &c.SourceID, &c.Name, &c.Type, &c.Parameters, &credential.IsSet,
				&credential.LastFour, &credential.UpdatedAt, &c.Status, &c.LastTest, &c.CreatedAt, &c.UpdatedAt, &c.Attributes)
			c.ID, c.Credential = s.id(id, c.Key), credential
			return err
		},
		keysOf: func(row *T) []any { return []any{part(row).Key} },
	}
}

func (s *Store) generatorTable() *table[storage.Generator] {
	return configuredRows(s, storage.KindGenerators, storage.KindGenerator,
		func(g *storage.Generator) *storage.Configured { return &g.Configured })
}

func (s *Store) converterTable() *table[storage.Converter] {
	return configuredRows(s, storage.KindConverters, storage.KindConverter,
		func(c *storage.Converter) *storage.Configured { return &c.Configured })
}

func (s *Store) scorerTable() *table[storage.Scorer] {
	return configuredRows(s, storage.KindScorers, storage.KindScorer,
		func(c *storage.Scorer) *storage.Configured { return &c.Configured })
}

// nameOrder orders named things.
func nameOrder[T any](alias string, by storage.NameOrder, name func(*T) string, created func(*T) time.Time) order[T] {
	desc := by.Direction == storage.Descending
	if by.Field == storage.NameOrderCreatedAt {
		return order[T]{
			name: "created", expr: alias + ".created_at", kind: "TIMESTAMP", desc: desc,
			value: func(row *T) any { return created(row) },
		}
	}
	return order[T]{
		name: "name", expr: alias + `.name COLLATE "C"`, kind: "TEXT", desc: desc,
		value: func(row *T) any { return name(row) },
	}
}

// Generators lists configured targets.
func (s *Store) Generators(ctx context.Context, filter *storage.ConfiguredFilter, by storage.NameOrder, page storage.Page) (*storage.Connection[storage.Generator], error) {
	q := s.query()
	return s.generatorTable().page(ctx, s, q, configuredFilter(q, filter), nameOrder("g", by,
		func(g *storage.Generator) string { return g.Name },
		func(g *storage.Generator) time.Time { return g.CreatedAt }), page)
}

// Converters lists configured converters.
func (s *Store) Converters(ctx context.Context, filter *storage.ConfiguredFilter, by storage.NameOrder, page storage.Page) (*storage.Connection[storage.Converter], error) {
	q := s.query()
	return s.converterTable().page(ctx, s, q, configuredFilter(q, filter), nameOrder("g", by,
		func(c *storage.Converter) string { return c.Name },
		func(c *storage.Converter) time.Time { return c.CreatedAt }), page)
}

// Scorers lists configured scorers.
func (s *Store) Scorers(ctx context.Context, filter *storage.ConfiguredFilter, by storage.NameOrder, page storage.Page) (*storage.Connection[storage.Scorer], error) {
	q := s.query()
	return s.scorerTable().page(ctx, s, q, configuredFilter(q, filter), nameOrder("g", by,
		func(c *storage.Scorer) string { return c.Name },
		func(c *storage.Scorer) time.Time { return c.CreatedAt }), page)
}

// GeneratorsByKey reads configured targets.
func (s *Store) GeneratorsByKey(ctx context.Context, keys []string) (map[string]*storage.Generator, error) {
	return byKey(ctx, s.generatorTable(), s, keys)
}

// ConvertersByKey reads configured converters.
func (s *Store) ConvertersByKey(ctx context.Context, keys []string) (map[string]*storage.Converter, error) {
	return byKey(ctx, s.converterTable(), s, keys)
}

// ScorersByKey reads configured scorers.
func (s *Store) ScorersByKey(ctx context.Context, keys []string) (map[string]*storage.Scorer, error) {
	return byKey(ctx, s.scorerTable(), s, keys)
}

// ConfiguredByKey reads configured things of one kind.
func (s *Store) ConfiguredByKey(ctx context.Context, kind storage.ConfiguredKind, keys []string) (map[string]*storage.Configured, error) {
	ids := map[storage.ConfiguredKind]storage.Kind{
		storage.KindGenerators: storage.KindGenerator, storage.KindConverters: storage.KindConverter, storage.KindScorers: storage.KindScorer,
	}
	whole := func(c *storage.Configured) *storage.Configured { return c }
	return byKey(ctx, configuredRows(s, kind, ids[kind], whole), s, keys)
}
