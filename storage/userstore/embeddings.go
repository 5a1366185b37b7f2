package userstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// EmbeddingsByMessage reads the vectors of messages, by model.
func (s *Store) EmbeddingsByMessage(ctx context.Context, keys []storage.MessageKey) (map[storage.MessageKey][]*storage.Embedding, error) {
	found := map[storage.MessageKey][]*storage.Embedding{}
	if len(keys) == 0 {
		return found, nil
	}
	type embedded struct {
		key       storage.MessageKey
		embedding storage.Embedding
	}
	q := s.query()
	rows, err := collect(ctx, s, "read embeddings", `
SELECT e.conversation_no, e.sequence, e.piece, e.model, e.vector
FROM embeddings e
WHERE e.owner_id = $1 AND `+q.messageKeys("e", keys)+`
ORDER BY e.model`, q.args, func(rows *sql.Rows) (*embedded, error) {
		e := &embedded{}
		return e, rows.Scan(&e.key.Conversation, &e.key.Sequence, &e.key.Piece, &e.embedding.Model, (*vector)(&e.embedding.Vector))
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		found[row.key] = append(found[row.key], &row.embedding)
	}
	return found, nil
}

// vector reads a REAL[] column.
type vector []float32

// Scan takes what the engines' drivers make of a list.
func (v *vector) Scan(value any) error {
	list, ok := value.([]any)
	if !ok {
		return fmt.Errorf("a vector came as %T", value)
	}
	*v = make(vector, len(list))
	for i, element := range list {
		if (*v)[i], ok = element.(float32); !ok {
			return fmt.Errorf("a vector holds a %T", element)
		}
	}
	return nil
}
