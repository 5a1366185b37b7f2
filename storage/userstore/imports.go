package userstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) importTable() *table[storage.Import] {
	return &table[storage.Import]{
		name: "imports", from: "imports i", alias: "i", keys: []string{"id"}, keyType: "TEXT",
		columns: `i.id, i.tool, i.tool_version, i.format, i.file_name, i.file_sha256, i.file_bytes, i.tables, i.notes,
  i.started_at, i.finished_at`,
		scan: func(scan func(columns ...any) error, i *storage.Import) error {
			var tables string
			err := scan(&i.Key, &i.Tool, &i.ToolVersion, &i.Format, &i.FileName, &i.FileHash, &i.FileBytes, &tables,
				(*textList)(&i.Notes), &i.StartedAt, &i.FinishedAt)
			if err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(tables), &i.Tables); err != nil {
				return fmt.Errorf("the counts of an import: %w", err)
			}
			i.ID = s.id(storage.KindImport, i.Key)
			return nil
		},
		keysOf: func(i *storage.Import) []any { return []any{i.Key} },
	}
}

// Imports lists imports, newest first.
func (s *Store) Imports(ctx context.Context, page storage.Page) (*storage.Connection[storage.Import], error) {
	return s.importTable().page(ctx, s, s.query(), "TRUE", order[storage.Import]{
		name: "started", expr: "i.started_at", kind: "TIMESTAMP", desc: true,
		value: func(i *storage.Import) any { return i.StartedAt },
	}, page)
}

// ImportsByKey reads imports.
func (s *Store) ImportsByKey(ctx context.Context, keys []string) (map[string]*storage.Import, error) {
	return byKey(ctx, s.importTable(), s, keys)
}
