package userstore

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// ConversationNews reads what is behind a place. Everything that is added has a higher
// sequence or number than what was there, and one writer gives them in the order in which
// they can be seen: so nothing comes late, and three statements need no snapshot. Messages
// are read last, and so those of all scores are there.
func (s *Store) ConversationNews(ctx context.Context, number int64, after storage.ConversationPlace, limit int) (*storage.ConversationNews, error) {
	there, err := s.number(ctx, "look for a conversation", `
SELECT count(*)
FROM conversations c
WHERE c.owner_id = $1 AND c.conversation_no = $2`, []any{s.owner, number})
	if err != nil {
		return nil, err
	}
	if there == 0 {
		return nil, storage.Errorf(storage.CodeNotFound, "there is no such conversation")
	}
	news := &storage.ConversationNews{Place: after}
	scores, err := s.scoresBehind(ctx, number, after.Score, limit)
	if err != nil {
		return nil, err
	}
	branches, err := s.branchesBehind(ctx, number, after.Branch, limit)
	if err != nil {
		return nil, err
	}
	if news.Messages, err = s.messagesBehind(ctx, number, after.Sequence, limit); err != nil {
		return nil, err
	}
	if len(news.Messages) > 0 {
		news.Place.Sequence = news.Messages[len(news.Messages)-1].Sequence + 1
	}
	if news.More = len(news.Messages) >= limit; news.More {
		return news, nil
	}
	news.Scores, news.Branches, news.More = scores, branches, len(scores) == limit || len(branches) == limit
	if len(scores) > 0 {
		news.Place.Score = scores[len(scores)-1].Number
	}
	if len(branches) > 0 {
		news.Place.Branch = branches[len(branches)-1].Number
	}
	return news, nil
}

// messagesBehind reads whole messages until there are limit pieces.
func (s *Store) messagesBehind(ctx context.Context, number, sequence int64, limit int) ([]*storage.Message, error) {
	q, t := s.query(), s.messageTable()
	in, from, most := q.arg(number), q.arg(sequence), q.arg(int64(limit))
	return collect(ctx, s, "read new messages", `
SELECT `+t.columns+`
FROM prompt_request_responses m
WHERE m.owner_id = $1 AND m.conversation_no = `+in+` AND m.sequence >= CAST(`+from+` AS BIGINT) AND m.sequence <= (
  SELECT COALESCE(max(f.sequence), -1)
  FROM (
    SELECT n.sequence
    FROM prompt_request_responses n
    WHERE n.owner_id = $1 AND n.conversation_no = `+in+` AND n.sequence >= CAST(`+from+` AS BIGINT)
    ORDER BY n.sequence, n.piece
    LIMIT CAST(`+most+` AS BIGINT)
  ) AS f
)
ORDER BY m.sequence, m.piece`, q.args, t.read)
}

func (s *Store) scoresBehind(ctx context.Context, number, score int64, limit int) ([]*storage.Score, error) {
	q := s.query()
	in, from, most := q.arg(number), q.arg(score), q.arg(int64(limit))
	return collect(ctx, s, "read new scores", scoreQuery+`s.score_no > CAST(`+from+` AS BIGINT) AND (s.conversation_no, s.sequence, s.piece) IN (
  SELECT COALESCE(m.original_conversation_no, m.conversation_no), COALESCE(m.original_sequence, m.sequence), COALESCE(m.original_piece, m.piece)
  FROM prompt_request_responses m
  WHERE m.owner_id = $1 AND m.conversation_no = `+in+`)
ORDER BY s.score_no
LIMIT CAST(`+most+` AS BIGINT)`, q.args, s.readScore)
}

func (s *Store) branchesBehind(ctx context.Context, number, branch int64, limit int) ([]*storage.Conversation, error) {
	q, t := s.query(), s.conversationTable()
	return collect(ctx, s, "read new branches", `
SELECT `+t.columns+`
FROM conversations c
WHERE c.owner_id = $1 AND c.branched_from_no = `+q.arg(number)+` AND c.conversation_no > CAST(`+q.arg(branch)+` AS BIGINT)
ORDER BY c.conversation_no
LIMIT CAST(`+q.arg(int64(limit))+` AS BIGINT)`, q.args, t.read)
}
