package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// ChangeDataset changes what a dataset is called.
func (s *Store) ChangeDataset(ctx context.Context, key string, change storage.DatasetChange, now time.Time) error {
	return s.changing(ctx, "change a dataset", func(ctx context.Context, tx *sql.Tx) error {
		if err := s.nameIsFree(ctx, tx, "datasets", key, change.Name); err != nil {
			return err
		}
		result, err := tx.ExecContext(ctx, `
UPDATE datasets
SET name = COALESCE(CAST($3 AS TEXT), name),
  description = NULLIF(COALESCE(CAST($4 AS TEXT), description), ''),
  tags = CASE WHEN CAST($5 AS BOOLEAN) THEN CAST($6 AS TEXT[]) ELSE tags END,
  updated_at = $7
WHERE owner_id = $1 AND id = $2`, s.owner, key, given(change.Name), given(change.Description), change.Tags != nil,
			append([]string{}, change.Tags...), now.UTC())
		if err != nil {
			return err
		}
		return changedOne(result)
	})
}

// UseDatasetVersion marks a version as used.
func (s *Store) UseDatasetVersion(ctx context.Context, version storage.VersionKey, by string, now time.Time) error {
	return s.changing(ctx, "use a version of a dataset", func(ctx context.Context, tx *sql.Tx) error {
		number, err := s.versionNumber(ctx, tx, version)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
UPDATE dataset_versions
SET used_at = $4, used_by = $5
WHERE owner_id = $1 AND dataset_id = $2 AND version = $3 AND used_at IS NULL`, s.owner, version.Dataset, number, now.UTC(), by)
		return err
	})
}

// versionNumber resolves the newest; CodeNotFound for a version that is not there.
func (s *Store) versionNumber(ctx context.Context, tx *sql.Tx, version storage.VersionKey) (int64, error) {
	newest, err := s.newestVersion(ctx, tx, version.Dataset)
	if err != nil || version.Number == 0 || version.Number == newest {
		return newest, err
	}
	numbers, err := numbersOf(ctx, tx, `
SELECT version
FROM dataset_versions
WHERE owner_id = $1 AND dataset_id = $2 AND version = $3`, s.owner, version.Dataset, version.Number)
	if err == nil && len(numbers) == 0 {
		err = notThere("version")
	}
	return version.Number, err
}

// isUnused is CodeConflict for versions, of a number or any where that is 0, that a run
// or orchestrator took.
func (s *Store) isUnused(ctx context.Context, tx *sql.Tx, version storage.VersionKey) error {
	rows, err := tx.QueryContext(ctx, `
SELECT version, used_by
FROM dataset_versions
WHERE owner_id = $1 AND dataset_id = $2 AND (version = $3 OR CAST($3 AS BIGINT) = 0) AND used_at IS NOT NULL
ORDER BY version`, s.owner, version.Dataset, version.Number)
	if err != nil {
		return err
	}
	defer rows.Close()
	if rows.Next() {
		var number int64
		var by sql.NullString
		if err := rows.Scan(&number, &by); err != nil {
			return err
		}
		return storage.Errorf(storage.CodeConflict, "version %d was used by %q, which can only be understood with it: it stays", number, by.String)
	}
	return rows.Err()
}

// DeleteDataset deletes a dataset with all of its versions.
func (s *Store) DeleteDataset(ctx context.Context, key string, cascade bool) error {
	return s.changing(ctx, "delete a dataset", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := s.newestVersion(ctx, tx, key); err != nil {
			return err
		}
		if err := s.isUnused(ctx, tx, storage.VersionKey{Dataset: key}); err != nil {
			return err
		}
		const tried = `
FROM attacks
WHERE owner_id = $1 AND prompt_no IN (SELECT p.prompt_no FROM dataset_prompts p WHERE p.owner_id = $1 AND p.dataset_id = $2)`
		var attacks int64
		if err := tx.QueryRowContext(ctx, "SELECT count(*)"+tried, s.owner, key).Scan(&attacks); err != nil {
			return err
		}
		if attacks > 0 && !cascade {
			return storage.Errorf(storage.CodeConflict, "%d attacks tried its prompts: delete it with cascade to keep them without their prompts", attacks)
		}
		if attacks > 0 {
			if _, err := tx.ExecContext(ctx, `
UPDATE attacks
SET prompt_no = NULL
WHERE owner_id = $1 AND prompt_no IN (SELECT p.prompt_no FROM dataset_prompts p WHERE p.owner_id = $1 AND p.dataset_id = $2)`, s.owner, key); err != nil {
				return err
			}
		}
		for _, from := range partsOfDatasets {
			if _, err := tx.ExecContext(ctx, `
DELETE FROM `+from+`
WHERE owner_id = $1 AND dataset_id = $2`, s.owner, key); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
		}
		_, err := tx.ExecContext(ctx, `
DELETE FROM datasets
WHERE owner_id = $1 AND id = $2`, s.owner, key)
		return err
	})
}

// partsOfDatasets are the tables whose rows belong to a dataset.
var partsOfDatasets = []string{"dataset_split_members", "dataset_splits", "dataset_members", "dataset_versions", "dataset_prompts"}

// DeleteDatasetVersion deletes an old version.
func (s *Store) DeleteDatasetVersion(ctx context.Context, version storage.VersionKey) error {
	return s.changing(ctx, "delete a version of a dataset", func(ctx context.Context, tx *sql.Tx) error {
		number, err := s.versionNumber(ctx, tx, version)
		if err != nil {
			return err
		}
		newest, err := s.newestVersion(ctx, tx, version.Dataset)
		if err != nil {
			return err
		}
		if number == newest {
			return storage.Errorf(storage.CodeConflict, "version %d is the newest: only older ones can be deleted, or the dataset with all of them", number)
		}
		if err := s.isUnused(ctx, tx, storage.VersionKey{Dataset: version.Dataset, Number: number}); err != nil {
			return err
		}
		// Prompts that no other version has.
		const only = `(
  SELECT m.prompt_no FROM dataset_members m
  WHERE m.owner_id = $1 AND m.dataset_id = $2 AND m.version = $3
  EXCEPT
  SELECT m.prompt_no FROM dataset_members m
  WHERE m.owner_id = $1 AND m.dataset_id = $2 AND m.version <> $3)`
		args := []any{s.owner, version.Dataset, number}
		var attacks int64
		if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM attacks
WHERE owner_id = $1 AND prompt_no IN `+only, args...).Scan(&attacks); err != nil {
			return err
		}
		if attacks > 0 {
			return storage.Errorf(storage.CodeConflict, "%d attacks tried prompts that only version %d has: it stays", attacks, number)
		}
		if _, err := tx.ExecContext(ctx, `
DELETE FROM dataset_prompts
WHERE owner_id = $1 AND prompt_no IN `+only, args...); err != nil {
			return err
		}
		for _, from := range partsOfDatasets {
			if from == "dataset_prompts" {
				continue
			}
			if _, err := tx.ExecContext(ctx, `
DELETE FROM `+from+`
WHERE owner_id = $1 AND dataset_id = $2 AND version = $3`, args...); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
		}
		return nil
	})
}
