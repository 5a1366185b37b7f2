package userstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

const (
	scoreColumns = `s.score_no, s.conversation_no, s.sequence, s.piece, s.source, s.source_id, s.content, s.scorer_hash,
  COALESCE(k.name, ''), s.type, s.is_true, s.scale, s.raw_value, s.status, s.categories, s.rationale, s.description,
  s.objective, s.is_objective, s.metadata, s.created_at, s.attributes`
	scoreJoin  = `LEFT JOIN components k ON k.owner_id = s.owner_id AND k.hash = s.scorer_hash`
	scoreQuery = `
SELECT ` + scoreColumns + `
FROM scores s
` + scoreJoin + `
WHERE s.owner_id = $1 AND `
)

const scoreOrder = `
ORDER BY s.created_at, s.score_no`

func (s *Store) readScore(rows *sql.Rows) (*storage.Score, error) {
	score := &storage.Score{}
	return score, s.scanScore(rows.Scan, score)
}

func (s *Store) scanScore(scan func(columns ...any) error, score *storage.Score) error {
	var conversation, sequence, piece *int64
	err := scan(&score.Number, &conversation, &sequence, &piece, &score.Source, &score.SourceID, &score.Content,
		&score.ScorerHash, &score.ScorerName, &score.Type, &score.Value, &score.ScaleValue, &score.RawValue, &score.Status,
		(*textList)(&score.Categories), &score.Rationale, &score.Description, &score.Objective, &score.IsObjective,
		&score.Metadata, &score.CreatedAt, &score.Attributes)
	if conversation != nil && sequence != nil && piece != nil {
		score.Message = &storage.MessageKey{Conversation: *conversation, Sequence: *sequence, Piece: *piece}
	}
	score.ID = s.numberID(storage.KindScore, score.Number)
	return err
}

// ScoresByMessage reads the scores that lie on each message (Message.ScoredKey),
// oldest first.
func (s *Store) ScoresByMessage(ctx context.Context, keys []storage.MessageKey) (map[storage.MessageKey][]*storage.Score, error) {
	found := make(map[storage.MessageKey][]*storage.Score, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q := s.query()
	rows, err := collect(ctx, s, "read scores", scoreQuery+q.messageKeys("s", keys)+scoreOrder, q.args, s.readScore)
	if err != nil {
		return nil, err
	}
	for _, score := range rows {
		found[*score.Message] = append(found[*score.Message], score)
	}
	return found, nil
}

// ScoresByNumber reads scores.
func (s *Store) ScoresByNumber(ctx context.Context, numbers []int64) (map[int64]*storage.Score, error) {
	found := make(map[int64]*storage.Score, len(numbers))
	if len(numbers) == 0 {
		return found, nil
	}
	q := s.query()
	condition := q.keyed("s.score_no", numbers, "BIGINT")
	rows, err := collect(ctx, s, "read scores", scoreQuery+condition, q.args, s.readScore)
	if err != nil {
		return nil, err
	}
	for _, score := range rows {
		found[score.Number] = score
	}
	return found, nil
}
