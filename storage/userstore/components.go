package userstore

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) componentTable() *table[storage.Component] {
	return &table[storage.Component]{
		name: "components", from: "components k", alias: "k", keys: []string{"hash"}, keyType: "TEXT",
		columns: `k.hash, k.kind, k.name, k.class_name, k.module, k.model, k.endpoint, k.parameters, k.identifier, k.generator_id,
  k.converter_id, k.scorer_id`,
		scan: func(scan func(columns ...any) error, c *storage.Component) error {
			err := scan(&c.Hash, &c.Kind, &c.Name, &c.ClassName, &c.Module, &c.Model, &c.Endpoint, &c.Parameters,
				&c.Identifier, &c.GeneratorID, &c.ConverterID, &c.ScorerID)
			c.ID = s.id(storage.KindComponent, c.Hash)
			return err
		},
		keysOf: func(c *storage.Component) []any { return []any{c.Hash} },
	}
}

// Components lists components by name.
func (s *Store) Components(ctx context.Context, filter *storage.ComponentFilter, page storage.Page) (*storage.Connection[storage.Component], error) {
	q := s.query()
	return s.componentTable().page(ctx, s, q, componentFilter(q, filter), byComponentName, page)
}

var byComponentName = order[storage.Component]{
	name: "name", expr: `k.name COLLATE "C"`, kind: "TEXT",
	value: func(c *storage.Component) any { return c.Name },
}

// ComponentsByHash reads components.
func (s *Store) ComponentsByHash(ctx context.Context, hashes []string) (map[string]*storage.Component, error) {
	return byKey(ctx, s.componentTable(), s, hashes)
}
