package userstore

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) trashTable() *table[storage.TrashEntry] {
	return &table[storage.TrashEntry]{
		name: "trash", from: "trash t", alias: "t", keys: []string{"id"}, keyType: "TEXT",
		columns: `t.id, t.deleted_at, t.deleted_by, t.expires_at, t.chosen, t.tables`,
		scan: func(scan func(columns ...any) error, e *storage.TrashEntry) error {
			var chosen, tables string
			if err := scan(&e.Key, &e.DeletedAt, &e.DeletedBy, &e.ExpiresAt, &chosen, &tables); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(tables), &e.Tables); err != nil {
				return fmt.Errorf("the counts of an entry: %w", err)
			}
			e.Chosen, e.ID = storage.JSON(chosen), s.id(storage.KindTrashEntry, e.Key)
			return nil
		},
		keysOf: func(e *storage.TrashEntry) []any { return []any{e.Key} },
	}
}

// TrashEntries lists what is in the trash, newest first.
func (s *Store) TrashEntries(ctx context.Context, page storage.Page) (*storage.Connection[storage.TrashEntry], error) {
	return s.trashTable().page(ctx, s, s.query(), "TRUE", order[storage.TrashEntry]{
		name: "deleted", expr: "t.deleted_at", kind: "TIMESTAMP", desc: true,
		value: func(e *storage.TrashEntry) any { return e.DeletedAt },
	}, page)
}

// TrashByKey reads entries of the trash.
func (s *Store) TrashByKey(ctx context.Context, keys []string) (map[string]*storage.TrashEntry, error) {
	return byKey(ctx, s.trashTable(), s, keys)
}
