package userstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// AttacksReferredTo reads the attacks that those refer to.
func (s *Store) AttacksReferredTo(ctx context.Context, numbers []int64) ([]int64, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	q := s.query()
	list := q.list(numbers, "BIGINT")
	return collect(ctx, s, "read what attacks refer to", `
WITH chosen AS (
  SELECT c.conversation_no, c.branched_from_no
  FROM conversations c
  WHERE c.owner_id = $1 AND c.attack_no IN (SELECT unnest(`+list+`))
), referred AS (
  SELECT branched_from_no AS conversation_no
  FROM chosen
  WHERE branched_from_no IS NOT NULL
  UNION
  SELECT m.original_conversation_no
  FROM prompt_request_responses m
  WHERE m.owner_id = $1 AND m.conversation_no IN (SELECT conversation_no FROM chosen)
    AND m.original_conversation_no IS NOT NULL
  UNION
  SELECT s.conversation_no
  FROM attacks a
  JOIN scores s ON s.owner_id = a.owner_id AND s.score_no = a.objective_score_no
  WHERE a.owner_id = $1 AND a.attack_no IN (SELECT unnest(`+list+`)) AND s.conversation_no IS NOT NULL
)
SELECT DISTINCT c.attack_no
FROM conversations c
WHERE c.owner_id = $1 AND c.attack_no IS NOT NULL
  AND c.conversation_no IN (SELECT conversation_no FROM referred)
  AND c.conversation_no NOT IN (SELECT conversation_no FROM chosen)
ORDER BY c.attack_no`, q.args, scanOne[int64])
}

// KnownConfigured reads which configured things the store knows.
func (s *Store) KnownConfigured(ctx context.Context, kind storage.ConfiguredKind, things []storage.SourceIdentity) (map[storage.SourceIdentity]bool, error) {
	known := make(map[storage.SourceIdentity]bool, len(things))
	if len(things) == 0 {
		return known, nil
	}
	ids := make([]string, len(things))
	for i, thing := range things {
		ids[i] = thing.SourceID
	}
	q := s.query()
	rows, err := collect(ctx, s, "read known "+string(kind), `
SELECT t.source, t.source_id
FROM `+string(kind)+` t
WHERE t.owner_id = $1 AND t.source_id IN (SELECT unnest(`+q.list(ids, "TEXT")+`))`, q.args,
		func(rows *sql.Rows) (storage.SourceIdentity, error) {
			var of storage.SourceIdentity
			return of, rows.Scan(&of.Source, &of.SourceID)
		})
	for _, of := range rows {
		known[of] = true
	}
	return known, err
}

// SourceRanks reads the ranks behind one.
func (s *Store) SourceRanks(ctx context.Context, after storage.SourceRank, limit int) ([]*storage.SourceRank, error) {
	return collect(ctx, s, "read ranks", `
SELECT kind, source, source_id, rank
FROM source_ranks
WHERE owner_id = $1 AND (kind, source, source_id) > ($2, $3, $4)
ORDER BY kind, source, source_id
LIMIT CAST($5 AS BIGINT)`, []any{s.owner, after.Table, string(after.Source), after.SourceID, int64(limit)},
		func(rows *sql.Rows) (*storage.SourceRank, error) {
			rank := &storage.SourceRank{}
			return rank, rows.Scan(&rank.Table, &rank.Source, &rank.SourceID, &rank.Rank)
		})
}
