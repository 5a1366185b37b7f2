package userstore

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) messageTable() *table[storage.Message] {
	whole := &table[storage.Message]{
		name: "messages", from: "prompt_request_responses m", alias: "m",
		keys: []string{"conversation_no", "sequence", "piece"}, keyType: "BIGINT",
		columns: `m.conversation_no, m.sequence, m.piece, m.source, m.source_id, m.original_conversation_no,
  m.original_sequence, m.original_piece, m.role, m.original_value, m.converted_value, m.original_data_type,
  m.converted_data_type, m.converter_hashes, m.response_error, m.finish_reason, m.latency_ms, m.input_tokens,
  m.output_tokens, m.original_sha256, m.converted_sha256, m.metadata, m.created_at, m.attributes`,
		scan: s.scanMessage,
		keysOf: func(m *storage.Message) []any {
			return []any{m.Conversation, m.Sequence, m.Piece}
		},
	}
	return whole.narrow(s.wanted, map[string]string{
		"source": "source", "source_id": "sourceId transcript", "role": "role transcript replay",
		"original_value":     "originalValue convertedValue transcript replay difference",
		"converted_value":    "convertedValue transcript replay difference",
		"original_data_type": "originalDataType originalMedia transcript replay", "converted_data_type": "dataType media transcript replay",
		"converter_hashes": "converters transcript replay", "response_error": "responseError transcript",
		"finish_reason": "finishReason transcript", "latency_ms": "latencyMs transcript", "input_tokens": "tokens transcript",
		"output_tokens": "tokens transcript", "original_sha256": "sha256 convertedSha256 transcript",
		"converted_sha256": "convertedSha256 transcript", "metadata": "metadata", "created_at": "createdAt transcript",
		"attributes": "attributes",
	})
}

func (s *Store) scanMessage(scan func(columns ...any) error, m *storage.Message) error {
	var conversation, sequence, piece *int64
	var value, hash *string
	err := scan(&m.Conversation, &m.Sequence, &m.Piece, &m.Source, &m.SourceID, &conversation,
		&sequence, &piece, &m.Role, &m.OriginalValue, &value, &m.OriginalDataType,
		&m.DataType, (*textList)(&m.ConverterHash), &m.ResponseError, &m.FinishReason, &m.LatencyMs, &m.InputTokens,
		&m.OutputTokens, &m.OriginalHash, &hash, &m.Metadata, &m.CreatedAt, &m.Attributes)
	if err != nil {
		return err
	}
	if conversation != nil && sequence != nil && piece != nil {
		m.Original = &storage.MessageKey{Conversation: *conversation, Sequence: *sequence, Piece: *piece}
	}
	if m.ConvertedValue = m.OriginalValue; value != nil {
		m.ConvertedValue = *value
	}
	if m.ConvertedHash = m.OriginalHash; hash != nil {
		m.ConvertedHash = *hash
	}
	m.ID = s.numberID(storage.KindMessage, m.Conversation, m.Sequence, m.Piece)
	return nil
}

// Messages lists messages by conversation, sequence and piece.
func (s *Store) Messages(ctx context.Context, filter *storage.MessageFilter, by storage.MessageOrder, page storage.Page) (*storage.Connection[storage.Message], error) {
	q := s.query()
	return s.messageTable().page(ctx, s, q, messageFilter(q, filter, 1),
		order[storage.Message]{name: "number", desc: by.Direction == storage.Descending}, page)
}

// MessagesByConversation lists the messages of each conversation.
func (s *Store) MessagesByConversation(ctx context.Context, numbers []int64, filter *storage.MessageFilter, page storage.Page) (map[int64]*storage.Connection[storage.Message], error) {
	q := s.query()
	n := nest{parent: "m.conversation_no", kind: "BIGINT", whole: true}
	if filter == nil {
		n.count = `
SELECT c.conversation_no, c.message_count
FROM conversations c
WHERE c.owner_id = $1 AND c.conversation_no IN (SELECT unnest(CAST($2 AS BIGINT[])))`
	}
	return nested(ctx, s.messageTable(), s, q, n, numbers,
		func() string { return messageFilter(q, filter, 1) }, order[storage.Message]{name: "number"}, page)
}

// MessagesByKey reads messages.
func (s *Store) MessagesByKey(ctx context.Context, keys []storage.MessageKey) (map[storage.MessageKey]*storage.Message, error) {
	found := make(map[storage.MessageKey]*storage.Message, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q, t := s.query(), s.messageTable()
	rows, err := collect(ctx, s, "read messages", `
SELECT `+t.columns+`
FROM prompt_request_responses m
WHERE m.owner_id = $1 AND `+q.messageKeys("m", keys), q.args, t.read)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		found[row.MessageKey] = row
	}
	return found, nil
}

// messageKeys narrows a table by three lists side by side.
func (q *query) messageKeys(alias string, keys []storage.MessageKey) string {
	conversations, sequences, pieces := make([]int64, len(keys)), make([]int64, len(keys)), make([]int64, len(keys))
	for i, key := range keys {
		conversations[i], sequences[i], pieces[i] = key.Conversation, key.Sequence, key.Piece
	}
	return "(" + alias + ".conversation_no, " + alias + ".sequence, " + alias + ".piece) IN (SELECT unnest(" +
		q.list(conversations, "BIGINT") + "), unnest(" + q.list(sequences, "BIGINT") + "), unnest(" + q.list(pieces, "BIGINT") + "))" +
		q.numberBounds(alias+".conversation_no", conversations)
}
