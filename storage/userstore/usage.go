package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// cameFrom is the column of components that names a configured thing of a kind.
var cameFrom = map[storage.ConfiguredKind]string{
	storage.KindGenerators: "generator_id", storage.KindConverters: "converter_id", storage.KindScorers: "scorer_id",
}

// ComponentsOf lists the components that came from configured things.
func (s *Store) ComponentsOf(ctx context.Context, kind storage.ConfiguredKind, keys []string, page storage.Page) (map[string]*storage.Connection[storage.Component], error) {
	column, known := cameFrom[kind]
	if !known {
		return nil, fmt.Errorf("list components: no kind %q", kind)
	}
	return nested(ctx, s.componentTable(), s, s.query(), nest{parent: "k." + column, kind: "TEXT"}, keys,
		func() string { return "TRUE" }, byComponentName, page)
}

func (s *Store) scoreTable() *table[storage.Score] {
	return &table[storage.Score]{
		name: "scores", from: "scores s", alias: "s", keys: []string{"score_no"}, keyType: "BIGINT",
		columns: scoreColumns, joins: scoreJoin, scan: s.scanScore,
		keysOf: func(score *storage.Score) []any { return []any{score.Number} },
	}
}

// scorerScores are the scores of the components that came from a configured scorer.
const scorerScores = `SELECT o.scorer_id AS parent, x.score_no FROM components o
	JOIN scores x ON x.owner_id = o.owner_id AND x.scorer_hash = o.hash
	WHERE o.owner_id = $1 AND o.scorer_id IS NOT NULL`

// ScoresOf lists the scores of each parent, oldest first.
func (s *Store) ScoresOf(ctx context.Context, edge storage.ScoreEdge, parents []string, page storage.Page) (map[string]*storage.Connection[storage.Score], error) {
	n := nest{parent: "s.scorer_hash", kind: "TEXT"}
	if edge == storage.ScoresOfScorer {
		n.parent, n.edges = "edge.parent", scorerScores
	}
	return nested(ctx, s.scoreTable(), s, s.query(), n, parents, func() string { return "TRUE" }, order[storage.Score]{
		name: "created", expr: "s.created_at", kind: "TIMESTAMP",
		value: func(score *storage.Score) any { return score.CreatedAt },
	}, page)
}

// PromptsBefore finds what messages answer.
func (s *Store) PromptsBefore(ctx context.Context, keys []storage.MessageKey) (map[storage.MessageKey]*storage.Message, error) {
	found := make(map[storage.MessageKey]*storage.Message, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	conversations, sequences, pieces := make([]int64, len(keys)), make([]int64, len(keys)), make([]int64, len(keys))
	for i, key := range keys {
		conversations[i], sequences[i], pieces[i] = key.Conversation, key.Sequence, key.Piece
	}
	type answered struct {
		key    storage.MessageKey
		prompt storage.Message
	}
	q, t := s.query(), s.messageTable()
	asked := `SELECT unnest(` + q.list(conversations, "BIGINT") + `) AS conversation_no, unnest(` + q.list(sequences, "BIGINT") +
		`) AS sequence, unnest(` + q.list(pieces, "BIGINT") + `) AS piece`
	rows, err := collect(ctx, s, "read what messages answer", `
SELECT page.conversation_no, page.sequence, page.piece, `+t.columns+`
FROM (
  SELECT asked.conversation_no, asked.sequence, asked.piece, u.sequence AS prompt, u.piece AS first_piece,
    row_number() OVER (PARTITION BY asked.conversation_no, asked.sequence, asked.piece ORDER BY u.sequence DESC, u.piece) AS n
  FROM (`+asked+`) asked
  JOIN prompt_request_responses u ON u.conversation_no = asked.conversation_no AND u.sequence < asked.sequence
  WHERE u.owner_id = $1 AND u.role = 'USER'`+q.numberBounds("u.conversation_no", conversations)+`
) page
JOIN prompt_request_responses m ON m.conversation_no = page.conversation_no AND m.sequence = page.prompt AND m.piece = page.first_piece
WHERE page.n = 1 AND m.owner_id = $1`+q.numberBounds("m.conversation_no", conversations), q.args, func(rows *sql.Rows) (*answered, error) {
		a := &answered{}
		return a, t.scan(func(columns ...any) error {
			return rows.Scan(append([]any{&a.key.Conversation, &a.key.Sequence, &a.key.Piece}, columns...)...)
		}, &a.prompt)
	})
	for _, row := range rows {
		found[row.key] = &row.prompt
	}
	return found, err
}

// RecordTests stores what tests gave.
func (s *Store) RecordTests(ctx context.Context, tests []storage.GeneratorTest) error {
	keys, statuses, results := make([]string, len(tests)), make([]string, len(tests)), make([]string, len(tests))
	for i, test := range tests {
		keys[i], statuses[i], results[i] = test.Key, test.Status, string(test.Result)
	}
	return s.changing(ctx, "record tests", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
UPDATE generators
SET status = made.status, last_test = made.result, updated_at = $5
FROM (
  SELECT unnest(CAST($2 AS TEXT[])) AS id, unnest(CAST($3 AS TEXT[])) AS status, unnest(CAST($4 AS TEXT[])) AS result
) made
WHERE generators.owner_id = $1 AND generators.id = made.id`, s.owner, keys, statuses, results, time.Now().UTC().Truncate(time.Microsecond))
		return err
	})
}
