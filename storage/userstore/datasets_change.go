package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"
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
		return s.useVersion(ctx, tx, version, by, now)
	})
}

func (s *Store) useVersion(ctx context.Context, tx *sql.Tx, version storage.VersionKey, by string, now time.Time) error {
	number, err := s.versionNumber(ctx, tx, version)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
UPDATE dataset_versions
SET used_at = $4, used_by = $5
WHERE owner_id = $1 AND dataset_id = $2 AND version = $3 AND used_at IS NULL`, s.owner, version.Dataset, number, now.UTC(), by)
	return err
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

// isUnused is CodeConflict for a version that a run or orchestrator took, or that an
// orchestrator names.
func (s *Store) isUnused(ctx context.Context, tx *sql.Tx, version storage.VersionKey) error {
	by, err := textsIn(ctx, tx, `
SELECT COALESCE(used_by, '')
FROM dataset_versions
WHERE owner_id = $1 AND dataset_id = $2 AND version = $3 AND used_at IS NOT NULL`, s.owner, version.Dataset, version.Number)
	if err != nil {
		return err
	}
	if len(by) > 0 {
		return storage.Errorf(storage.CodeConflict, "version %d was used by %q, which can only be understood with it: it stays", version.Number, by[0])
	}
	names, err := textsIn(ctx, tx, `
SELECT name
FROM orchestrators
WHERE owner_id = $1 AND dataset_id = $2 AND dataset_version = $3
ORDER BY name`, s.owner, version.Dataset, version.Number)
	if err != nil || len(names) == 0 {
		return err
	}
	return storage.Errorf(storage.CodeConflict, "version %d is the one of the orchestrators %s: change or delete them first", version.Number, listed(names))
}

// mostListed is how many names a message lists.
const mostListed = 5

// listed are names for people.
func listed(names []string) string {
	quoted := make([]string, 0, mostListed)
	for _, name := range names[:min(len(names), mostListed)] {
		quoted = append(quoted, strconv.Quote(name))
	}
	if more := len(names) - len(quoted); more > 0 {
		quoted = append(quoted, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(quoted, ", ")
}

// partsOfVersions are the tables whose rows belong to a version.
var partsOfVersions = []string{"dataset_split_members", "dataset_splits", "dataset_members", "dataset_versions"}

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
		for _, from := range partsOfVersions {
			if _, err := tx.ExecContext(ctx, `
DELETE FROM `+from+`
WHERE owner_id = $1 AND dataset_id = $2 AND version = $3`, args...); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
		}
		return nil
	})
}
