package userstore

import (
	"context"
	"database/sql"
	"slices"

	"github.com/violentutf/violentutf/storage"
)

// fixAttacks numbers the attacks that a run is to score. CodeConflict when they are not as
// many as its plan says.
func (s *Store) fixAttacks(ctx context.Context, tx *sql.Tx, plan *storage.ExecutionPlan) error {
	q := s.query()
	key := q.arg(plan.Key)
	chosen := "attacks a\nWHERE a.owner_id = $1 AND a.conversation_no IS NOT NULL AND " + attackFilter(q, plan.Scores.Filter, 1)
	if again := plan.Scores.Again; again != nil {
		chosen = "execution_attacks a\nWHERE a.owner_id = $1 AND a.execution_id = " + q.arg(*again)
		if plan.Scores.Items != nil {
			chosen += " AND a.item IN (SELECT unnest(" + q.list(plan.Scores.Items, "BIGINT") + "))"
		}
	}
	if q.err != nil {
		return q.err
	}
	fixed, err := execCount(ctx, tx, `
INSERT INTO execution_attacks (owner_id, execution_id, item, attack_no)
SELECT CAST($1 AS TEXT), CAST(`+key+` AS TEXT), row_number() OVER (ORDER BY f.attack_no) - 1, f.attack_no
FROM (
SELECT a.attack_no
FROM `+chosen+`
) AS f
ORDER BY f.attack_no`, q.args...)
	if err == nil && fixed != plan.Items {
		err = storage.Errorf(storage.CodeConflict, "the attacks changed while the run was queued: start it again")
	}
	return err
}

// CountToScore counts the attacks that a filter holds for and that have a conversation.
func (s *Store) CountToScore(ctx context.Context, filter *storage.AttackFilter) (int64, error) {
	q := s.query()
	where := attackFilter(q, filter, 1)
	if q.err != nil {
		return 0, q.err
	}
	return s.number(ctx, "count what is to be scored", `
SELECT count(*)
FROM attacks a
WHERE a.owner_id = $1 AND a.conversation_no IS NOT NULL AND `+where, q.args)
}

// CountReplies counts the replies in the main conversations of attacks.
func (s *Store) CountReplies(ctx context.Context, filter *storage.AttackFilter) (int64, error) {
	q := s.query()
	where := attackFilter(q, filter, 1)
	if q.err != nil {
		return 0, q.err
	}
	return s.number(ctx, "count replies", `
SELECT count(*)
FROM (
  SELECT DISTINCT m.conversation_no, m.sequence
  FROM attacks a
  JOIN prompt_request_responses m ON m.owner_id = a.owner_id AND m.conversation_no = a.conversation_no
  WHERE a.owner_id = $1 AND m.role = 'ASSISTANT' AND `+where+`
) AS replies`, q.args)
}

// ScoredItems reads items of a run that scores, with their replies and what those answer.
func (s *Store) ScoredItems(ctx context.Context, key string, from, limit int64, each bool) ([]*storage.ScoredItem, error) {
	items, err := collect(ctx, s, "read what is to be scored", `
SELECT x.item, x.attack_no, a.attack_no, a.objective, a.conversation_no
FROM execution_attacks x
LEFT JOIN attacks a ON a.owner_id = x.owner_id AND a.attack_no = x.attack_no
WHERE x.owner_id = $1 AND x.execution_id = $2 AND x.item >= CAST($3 AS BIGINT) AND x.item < CAST($3 AS BIGINT) + CAST($4 AS BIGINT)
ORDER BY x.item`, []any{s.owner, key, from, limit}, func(rows *sql.Rows) (*storage.ScoredItem, error) {
		i := &storage.ScoredItem{}
		var there *int64
		err := rows.Scan(&i.Item, &i.Attack, &there, &i.Objective, &i.Conversation)
		i.Gone = there == nil
		return i, err
	})
	if err != nil {
		return nil, err
	}
	var conversations []int64
	for _, item := range items {
		if item.Conversation != nil {
			conversations = append(conversations, *item.Conversation)
		}
	}
	replies, err := s.repliesIn(ctx, conversations, each)
	if err != nil {
		return nil, err
	}
	var keys []storage.MessageKey
	for _, pieces := range replies {
		for _, piece := range pieces {
			keys = append(keys, piece.MessageKey)
		}
	}
	prompts, err := s.PromptsBefore(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, item := range items {
		if item.Conversation == nil {
			continue
		}
		for _, piece := range replies[*item.Conversation] {
			last := len(item.Replies) - 1
			if last < 0 || item.Replies[last].Pieces[0].Sequence != piece.Sequence {
				item.Replies = append(item.Replies, &storage.ScoredReply{Prompt: prompts[piece.MessageKey]})
				last++
			}
			item.Replies[last].Pieces = append(item.Replies[last].Pieces, piece)
		}
	}
	return items, nil
}

// repliesIn reads the pieces of all replies in conversations, or of the last of each.
func (s *Store) repliesIn(ctx context.Context, conversations []int64, each bool) (map[int64][]*storage.Message, error) {
	found := make(map[int64][]*storage.Message, len(conversations))
	if len(conversations) == 0 {
		return found, nil
	}
	slices.Sort(conversations)
	q, t := s.query(), s.messageTable()
	in := func(alias string) string {
		return alias + ".owner_id = $1 AND " + alias + ".role = 'ASSISTANT' AND " + alias + ".conversation_no IN (SELECT unnest(" +
			q.list(conversations, "BIGINT") + "))" + q.numberBounds(alias+".conversation_no", conversations)
	}
	only := ""
	if !each {
		only = `
  AND (m.conversation_no, m.sequence) IN (
    SELECT l.conversation_no, max(l.sequence)
    FROM prompt_request_responses l
    WHERE ` + in("l") + `
    GROUP BY l.conversation_no)`
	}
	rows, err := collect(ctx, s, "read replies", `
SELECT `+t.columns+`
FROM prompt_request_responses m
WHERE `+in("m")+only+`
ORDER BY m.conversation_no, m.sequence, m.piece`, q.args, t.read)
	for _, row := range rows {
		found[row.Conversation] = append(found[row.Conversation], row)
	}
	return found, err
}
