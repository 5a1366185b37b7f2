package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// countedTables are the tables that StorageUse tells of, in this order.
var countedTables = []string{
	"attacks", "conversations", "prompt_request_responses", "scores", "embeddings", "memory_labels",
	"components", "generators", "converters", "scorers", "datasets", "dataset_prompts", "execution_plans",
	"user_sessions", "imports", "files", "message_files", "attributes_raw",
	"annotations", "findings", "finding_attacks", "finding_messages",
	"orchestrators", "prices", "execution_items", "execution_events", "execution_attacks",
	"dataset_versions", "dataset_members", "dataset_splits", "dataset_split_members",
	"saved_queries", "parameter_files", "templates",
	"taxonomies", "taxonomy_entries", "attack_tags", "raw_exchanges",
	"trash",
	"file_details", "file_tags", "dataset_files",
}

// StorageUse tells the size of the store and the rows of its tables.
func (s *Store) StorageUse(ctx context.Context) (*storage.StorageUse, error) {
	counts := make([]string, len(countedTables))
	for i, name := range countedTables {
		counts[i] = fmt.Sprintf("SELECT %d AS place, count(*) AS rows_of FROM %s WHERE owner_id = $1", i, name)
	}
	type use struct{ place, rows int64 }
	rows, err := collect(ctx, s, "count the store's rows", strings.Join(counts, "\nUNION ALL\n")+"\nORDER BY place",
		[]any{s.owner}, func(rows *sql.Rows) (use, error) {
			var u use
			return u, rows.Scan(&u.place, &u.rows)
		})
	if err != nil {
		return nil, err
	}
	bytes, err := s.engine.Bytes(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure the store: %w", err)
	}
	total := &storage.StorageUse{Bytes: bytes, Tables: make([]*storage.TableUse, len(rows))}
	for i, row := range rows {
		total.Tables[i] = &storage.TableUse{Name: countedTables[row.place], Rows: row.rows}
	}
	return total, nil
}
