package userstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// errUnchanged ends a merge that changed nothing, so that it leaves no trace.
var errUnchanged = errors.New("unchanged")

// Commit merges what was staged, in one transaction.
func (st *stage) Commit(ctx context.Context, imp *storage.Import, progress func(storage.Progress)) error {
	if err := st.bulk.Flush(ctx); err != nil {
		return err
	}
	if err := st.rank(ctx); err != nil {
		return err
	}
	if err := st.keepLast(ctx); err != nil {
		return err
	}
	err := st.bulk.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if st.required != nil {
			if err := st.required(ctx); err != nil {
				return err
			}
		}
		return st.merge(ctx, tx, imp, progress)
	})
	if err != nil && !errors.Is(err, errUnchanged) {
		return fmt.Errorf("store the import: %w", err)
	}
	return nil
}

// keepLast leaves one staged row for each source id: of the highest rank, the last.
func (st *stage) keepLast(ctx context.Context) error {
	for table, columns := range stageTables {
		if !strings.HasPrefix(columns, "ord BIGINT") {
			continue
		}
		key := "source, source_id"
		if table == "stage_raw" {
			key += ", record"
		}
		var twice bool
		if err := st.bulk.Conn().QueryRowContext(ctx, `
			SELECT EXISTS (SELECT 1 FROM `+table+` GROUP BY `+key+` HAVING count(*) > 1)`).Scan(&twice); err != nil {
			return err
		}
		if !twice {
			continue
		}
		if _, err := st.bulk.Conn().ExecContext(ctx, `
			DELETE FROM `+table+`
			WHERE ord IN (
				SELECT ord
				FROM (SELECT ord, row_number() OVER (PARTITION BY `+key+` ORDER BY rank DESC, ord DESC) AS place FROM `+table+`) AS p
				WHERE place > 1
			)`); err != nil {
			return fmt.Errorf("keep the last row of each in %s: %w", table, err)
		}
	}
	return nil
}

func (st *stage) merge(ctx context.Context, tx *sql.Tx, imp *storage.Import, progress func(storage.Progress)) error {
	keys, tables := slices.Concat(keyStatements, peopleKeys), slices.Concat(mergedTables, peopleMerged)
	steps := int64(len(keys) + len(tables))
	done := int64(0)
	step := func() {
		if done++; progress != nil {
			progress(storage.Progress{Phase: "storing", Done: done, Total: steps, Unit: "steps"})
		}
	}
	for _, key := range keys {
		if err := st.giveKeys(ctx, tx, key); err != nil {
			return fmt.Errorf("%s: %w", key.table, err)
		}
		step()
	}
	if err := st.holdBack(ctx, tx); err != nil {
		return err
	}
	changes, said := int64(0), int64(0)
	for i, m := range tables {
		if m.table == "conversations" {
			if _, err := tx.ExecContext(ctx, factsStatement, st.store.owner); err != nil {
				return fmt.Errorf("count messages: %w", err)
			}
		}
		count, err := st.mergeTable(ctx, tx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.table, err)
		}
		if count.Read > 0 {
			imp.Tables = append(imp.Tables, count)
		}
		changes += count.Inserted + count.Updated
		if m.table == "dataset_prompts" {
			if err := st.mergeVersions(ctx, tx, count); err != nil {
				return fmt.Errorf("versions of datasets: %w", err)
			}
		}
		if i >= len(mergedTables) {
			said += count.Read
		}
		step()
	}
	if said > 0 {
		if err := st.settle(ctx, tx); err != nil {
			return err
		}
	}
	renewed, err := execCount(ctx, tx, renewOverruled, st.store.owner)
	if err != nil {
		return fmt.Errorf("renew what annotations overrule: %w", err)
	}
	if changes+renewed == 0 || imp.DryRun {
		return errUnchanged
	}
	if err := st.raiseRanks(ctx, tx); err != nil {
		return err
	}
	if err := st.store.raiseRevision(ctx, tx); err != nil {
		return err
	}
	return st.record(ctx, tx, imp)
}

// settle decides the outcomes of attacks by the verdicts that were merged, and refuses a
// finding with more evidence than one may have.
func (st *stage) settle(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, decideOf(`SELECT k.attack_no FROM merge_annotations k WHERE k.attack_no IS NOT NULL`)+`
		AND (f.outcome_source = 'HUMAN' OR a.outcome_source = 'HUMAN')
		AND (a.outcome <> f.outcome OR a.outcome_source <> f.outcome_source OR a.outcome_reason IS DISTINCT FROM f.outcome_reason)`, st.store.owner); err != nil {
		return fmt.Errorf("decide by merged annotations: %w", err)
	}
	for _, table := range []string{"finding_attacks", "finding_messages"} {
		var most int64
		if err := tx.QueryRowContext(ctx, `
			SELECT COALESCE(max(n.rows_of), 0)
			FROM (
				SELECT count(*) AS rows_of
				FROM `+table+`
				WHERE owner_id = $1 AND finding_id IN (SELECT id FROM merge_findings)
				GROUP BY finding_id
			) AS n`, st.store.owner).Scan(&most); err != nil {
			return fmt.Errorf("count evidence: %w", err)
		}
		if most > storage.MaxEvidence {
			return storage.BadInput("findings", "a finding would have %d pieces of evidence there, and may have %d: take some out of it first", most, storage.MaxEvidence)
		}
	}
	return nil
}

// renewOverruled lets verdicts remember what their attack's source says now: it is what
// a retraction gives back. A file that has the verdict itself says nothing of its source.
const renewOverruled = `
	UPDATE annotations AS n
	SET source_outcome = s.outcome, source_outcome_reason = s.outcome_reason, source_outcome_source = s.outcome_source
	FROM (
		SELECT k.no, s.outcome, s.outcome_reason, s.outcome_source
		FROM merge_attacks AS k
		JOIN stage_attacks AS s ON s.ord = k.ord
		WHERE k.known AND s.outcome_source <> 'HUMAN' AND k.ord NOT IN (SELECT ord FROM merge_held WHERE kind = 'attacks')
	) AS s
	WHERE n.owner_id = $1 AND n.attack_no = s.no AND n.verdict IS NOT NULL AND n.retracted_at IS NULL
		AND (n.source_outcome IS DISTINCT FROM s.outcome OR n.source_outcome_reason IS DISTINCT FROM s.outcome_reason
			OR n.source_outcome_source IS DISTINCT FROM s.outcome_source)`

// giveKeys fills one merge table and moves the counter of new numbers on.
func (st *stage) giveKeys(ctx context.Context, tx *sql.Tx, key keyStatement) error {
	args := []any{st.store.owner}
	if key.counter != "" {
		var next int64
		if err := tx.QueryRowContext(ctx, "SELECT "+key.counter+" FROM store_info WHERE owner_id = $1", st.store.owner).Scan(&next); err != nil {
			return err
		}
		args = append(args, next)
	}
	if _, err := tx.ExecContext(ctx, key.text, args...); err != nil {
		return err
	}
	if key.counter == "" {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
		UPDATE store_info
		SET `+key.counter+` = `+key.counter+` + (SELECT count(*) FROM `+key.table+` WHERE NOT known)
		WHERE owner_id = $1`, st.store.owner)
	return err
}

// mergeTable updates the known rows that differ and adds the new ones.
func (st *stage) mergeTable(ctx context.Context, tx *sql.Tx, m merged) (*storage.ImportCount, error) {
	count := &storage.ImportCount{Table: m.table}
	var known int64
	if err := tx.QueryRowContext(ctx, "SELECT count(*), count(CASE WHEN known THEN 1 END) FROM "+m.keys).Scan(&count.Read, &known); err != nil {
		return nil, err
	}
	if known > 0 && len(m.columns) > 0 {
		if err := st.update(ctx, tx, m, count); err != nil {
			return nil, err
		}
	}
	if count.Read > known {
		columns := slices.Concat(m.identity, m.fixed, m.columns)
		result, err := tx.ExecContext(ctx, `
			INSERT INTO `+m.table+` (owner_id, `+strings.Join(columns, ", ")+`)
			SELECT CAST($1 AS TEXT), r.`+strings.Join(columns, ", r.")+`
			FROM (`+m.rows+`) AS r
			WHERE NOT r.known
			ORDER BY `+m.order, st.store.owner)
		if err != nil {
			return nil, fmt.Errorf("insert: %w", err)
		}
		if count.Inserted, err = result.RowsAffected(); err != nil {
			return nil, err
		}
	}
	count.Unchanged = known - count.Updated
	count.Skipped = count.Read - known - count.Inserted
	return count, nil
}

func (st *stage) update(ctx context.Context, tx *sql.Tx, m merged, count *storage.ImportCount) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM merge_changed"); err != nil {
		return err
	}
	var same, differ, set []string
	for _, column := range m.identity {
		same = append(same, "t."+column+" IS NOT DISTINCT FROM r."+column)
	}
	for _, column := range m.columns {
		differ = append(differ, "t."+column+" IS DISTINCT FROM r."+column)
		set = append(set, column+" = r."+column)
	}
	found := "t.owner_id = $1 AND " + strings.Join(same, " AND ")
	result, err := tx.ExecContext(ctx, `
		INSERT INTO merge_changed
		SELECT r.ord
		FROM (`+m.rows+`) AS r
		JOIN `+m.table+` AS t ON `+found+`
		WHERE r.known AND (`+strings.Join(differ, " OR ")+`)`+notHeld(m.table), st.store.owner)
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if count.Updated, err = result.RowsAffected(); err != nil || count.Updated == 0 {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		UPDATE `+m.table+` AS t
		SET `+strings.Join(set, ", ")+`
		FROM (`+m.rows+`) AS r
		WHERE `+found+` AND r.ord IN (SELECT ord FROM merge_changed)`, st.store.owner); err != nil {
		return fmt.Errorf("update: %w", err)
	}
	return nil
}

// record stores the import itself.
func (st *stage) record(ctx context.Context, tx *sql.Tx, imp *storage.Import) error {
	if imp.Key == "" {
		imp.Key = uuid.Must(uuid.NewV7()).String()
	}
	imp.ID = storage.ID{Kind: storage.KindImport, Store: st.store.key, Key: imp.Key}.String()
	imp.FinishedAt = time.Now().UTC().Truncate(time.Microsecond)
	tables, err := json.Marshal(imp.Tables)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		INSERT INTO imports (owner_id, id, tool, tool_version, format, file_name, file_sha256, file_bytes, tables, notes, started_at, finished_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		st.store.owner, imp.Key, string(imp.Tool), st.maybe(imp.ToolVersion), imp.Format, st.text(imp.FileName), imp.FileHash,
		imp.FileBytes, string(tables), st.list(imp.Notes), imp.StartedAt.UTC(), imp.FinishedAt)
	return err
}
