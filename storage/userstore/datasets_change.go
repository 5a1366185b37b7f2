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
