package userstore

import (
	"context"
	"time"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) conversationTable() *table[storage.Conversation] {
	whole := &table[storage.Conversation]{
		name: "conversations", from: "conversations c", alias: "c", keys: []string{"conversation_no"}, keyType: "BIGINT",
		columns: `c.conversation_no, c.source, c.source_id, c.attack_no, c.purpose, c.why, c.target_hash,
  c.branched_from_no, c.branched_from_sequence, c.message_count, c.started_at, c.last_message_at, c.attributes`,
		scan: func(scan func(columns ...any) error, c *storage.Conversation) error {
			err := scan(&c.Number, &c.Source, &c.SourceID, &c.AttackNumber, &c.Purpose, &c.Why, &c.TargetHash,
				&c.BranchedFromNumber, &c.BranchedFromSequence, &c.MessageCount, &c.StartedAt, &c.LastMessageAt, &c.Attributes)
			c.ID = s.numberID(storage.KindConversation, c.Number)
			return err
		},
		keysOf: func(c *storage.Conversation) []any { return []any{c.Number} },
	}
	return whole.narrow(s.wanted, map[string]string{
		"source_id": "sourceId transcript", "why": "why transcript", "attributes": "attributes",
	})
}

func conversationOrder(by storage.ConversationOrder) order[storage.Conversation] {
	desc := by.Direction == storage.Descending
	at := func(name, column string, value func(*storage.Conversation) *time.Time) order[storage.Conversation] {
		return nullsLast(name, column, "TIMESTAMP", desc, func(c *storage.Conversation) any { return given(value(c)) })
	}
	switch by.Field {
	case storage.ConversationOrderStartedAt:
		return at("started", "c.started_at", func(c *storage.Conversation) *time.Time { return c.StartedAt })
	case storage.ConversationOrderLastMessageAt:
		return at("last", "c.last_message_at", func(c *storage.Conversation) *time.Time { return c.LastMessageAt })
	case storage.ConversationOrderMessageCount:
		return order[storage.Conversation]{
			name: "messages", expr: "c.message_count", kind: "BIGINT", desc: desc,
			value: func(c *storage.Conversation) any { return c.MessageCount },
		}
	default:
		return order[storage.Conversation]{name: "number", desc: desc}
	}
}

// Conversations lists conversations.
func (s *Store) Conversations(ctx context.Context, filter *storage.ConversationFilter, by storage.ConversationOrder, page storage.Page) (*storage.Connection[storage.Conversation], error) {
	q := s.query()
	return s.conversationTable().page(ctx, s, q, conversationFilter(q, filter, 1), conversationOrder(by), page)
}

// ConversationsByNumber reads conversations.
func (s *Store) ConversationsByNumber(ctx context.Context, numbers []int64) (map[int64]*storage.Conversation, error) {
	return byKey(ctx, s.conversationTable(), s, numbers)
}

// ConversationsByAttack lists the conversations of each attack by number.
func (s *Store) ConversationsByAttack(ctx context.Context, numbers []int64, filter *storage.ConversationFilter, page storage.Page) (map[int64]*storage.Connection[storage.Conversation], error) {
	q := s.query()
	return nested(ctx, s.conversationTable(), s, q, nest{parent: "c.attack_no", kind: "BIGINT"}, numbers,
		func() string { return conversationFilter(q, filter, 1) }, order[storage.Conversation]{name: "number"}, page)
}

// BranchesByConversation reads the conversations that were branched from each, by
// number.
func (s *Store) BranchesByConversation(ctx context.Context, numbers []int64) (map[int64][]*storage.Conversation, error) {
	branches := make(map[int64][]*storage.Conversation, len(numbers))
	if len(numbers) == 0 {
		return branches, nil
	}
	q, t := s.query(), s.conversationTable()
	rows, err := collect(ctx, s, "read branches", `
SELECT `+t.columns+`
FROM conversations c
WHERE c.owner_id = $1 AND c.branched_from_no IN (SELECT unnest(`+q.list(numbers, "BIGINT")+`))
ORDER BY c.conversation_no`, q.args, t.read)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		branches[*row.BranchedFromNumber] = append(branches[*row.BranchedFromNumber], row)
	}
	return branches, nil
}

// LabelsByConversation reads the labels of conversations, by key and value.
func (s *Store) LabelsByConversation(ctx context.Context, numbers []int64) (map[int64][]*storage.Label, error) {
	return s.labels(ctx, numbers, func(list string) string {
		return `
SELECT DISTINCT l.conversation_no AS number, l.key, l.value
FROM memory_labels l
WHERE l.owner_id = $1 AND l.conversation_no IN (SELECT unnest(` + list + `))
ORDER BY number, key, value`
	})
}
