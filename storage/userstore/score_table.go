package userstore

import "github.com/violentutf/violentutf/storage"

func (s *Store) scoreTable() *table[storage.Score] {
	return &table[storage.Score]{
		name: "scores", from: "scores s", alias: "s", keys: []string{"score_no"}, keyType: "BIGINT",
		columns: scoreColumns, joins: scoreJoin, scan: s.scanScore,
		keysOf: func(score *storage.Score) []any { return []any{score.Number} },
	}
}
