package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/violentutf/violentutf/storage"
)

// rankedTables are the tables whose known rows keep what they are when a later file
// brings them with a lower rank, and where their rows are staged. Sources that rank
// nothing (PyRIT) stage rank 0 and pay one look.
var rankedTables = map[string]string{
	"execution_plans": "stage_executions",
	"attacks":         "stage_attacks",
	"scores":          "stage_scores",
}

// rank gives staged rows the ranks that another store remembers of them.
func (st *stage) rank(ctx context.Context) error {
	var given bool
	if err := st.bulk.Conn().QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM stage_ranks)").Scan(&given); err != nil || !given {
		return err
	}
	for table, staged := range rankedTables {
		if _, err := st.bulk.Conn().ExecContext(ctx, `
			UPDATE `+staged+` AS s
			SET rank = CAST(r.rank AS INTEGER)
			FROM stage_ranks AS r
			WHERE r.kind = $1 AND r.source = s.source AND r.source_id = s.source_id`, table); err != nil {
			return fmt.Errorf("rank the staged rows of %s: %w", table, err)
		}
	}
	return nil
}

var configuredTables = []storage.ConfiguredKind{storage.KindGenerators, storage.KindConverters, storage.KindScorers}

// holdBack finds the staged rows that the store knows with a higher rank, and the
// configured things that are to stay as they are.
func (st *stage) holdBack(ctx context.Context, tx *sql.Tx) error {
	for _, kind := range configuredTables {
		if !st.keepConfigured {
			break
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO merge_held
			SELECT CAST($1 AS TEXT), ord
			FROM merge_`+string(kind)+`
			WHERE known`, string(kind)); err != nil {
			return fmt.Errorf("hold back known %s: %w", kind, err)
		}
	}
	for table, staged := range rankedTables {
		ranked, err := isRanked(ctx, tx, staged)
		if err != nil {
			return err
		}
		if !ranked {
			continue
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO merge_held
			SELECT CAST($2 AS TEXT), s.ord
			FROM `+staged+` AS s
			JOIN source_ranks AS k ON k.owner_id = $1 AND k.kind = $2 AND k.source = s.source AND k.source_id = s.source_id
			WHERE k.rank > s.rank`, st.store.owner, table); err != nil {
			return fmt.Errorf("hold back less final rows of %s: %w", table, err)
		}
	}
	return nil
}

// notHeld is the condition that a staged row r is not held back, for the tables that
// have such rows.
func notHeld(table string) string {
	if rankedTables[table] == "" && !slices.Contains(configuredTables, storage.ConfiguredKind(table)) {
		return ""
	}
	return " AND r.ord NOT IN (SELECT ord FROM merge_held WHERE kind = '" + table + "')"
}

// raiseRanks remembers the ranks of what was merged.
func (st *stage) raiseRanks(ctx context.Context, tx *sql.Tx) error {
	for table, staged := range rankedTables {
		ranked, err := isRanked(ctx, tx, staged)
		if err != nil {
			return err
		}
		if !ranked {
			continue
		}
		if _, err := tx.ExecContext(ctx, `
			INSERT INTO source_ranks (owner_id, kind, source, source_id, rank)
			SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), source, source_id, rank
			FROM `+staged+`
			WHERE rank > 0
			ON CONFLICT (owner_id, kind, source, source_id) DO UPDATE
			SET rank = excluded.rank
			WHERE excluded.rank > source_ranks.rank`, st.store.owner, table); err != nil {
			return fmt.Errorf("remember the ranks of %s: %w", table, err)
		}
	}
	return nil
}

func isRanked(ctx context.Context, tx *sql.Tx, staged string) (ranked bool, err error) {
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+staged+" WHERE rank > 0)").Scan(&ranked)
	return ranked, err
}
