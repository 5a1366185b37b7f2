package appstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// RateLimits returns all that are kept.
func (s *Store) RateLimits(ctx context.Context) ([]*storage.RateLimit, error) {
	return list(ctx, s.db, "read rate limits", func(row *sql.Rows, limit *storage.RateLimit) error {
		var at int64
		err := row.Scan(&limit.Principal, &limit.Bucket, &limit.Level, &at)
		limit.UpdatedAt = fromMicros(at)
		return err
	}, `
		SELECT principal, bucket, level, updated_at
		FROM rate_limits
		ORDER BY principal, bucket`)
}

// SaveRateLimits stores many in one transaction. A stored one that is newer stays.
func (s *Store) SaveRateLimits(ctx context.Context, limits []*storage.RateLimit) error {
	if len(limits) == 0 {
		return nil
	}
	return s.db.WithTx(ctx, func(tx Runner) error {
		for some := range slices.Chunk(limits, flushRows) {
			q, rows := &query{}, make([]string, len(some))
			for i, limit := range some {
				rows[i] = "(" + q.arg(limit.Principal) + ", " + q.arg(limit.Bucket) + ", " +
					q.arg(limit.Level) + ", " + q.arg(limit.UpdatedAt.UnixMicro()) + ")"
			}
			if _, err := exec(ctx, tx, "save rate limits", `
				INSERT INTO rate_limits (principal, bucket, level, updated_at)
				VALUES `+strings.Join(rows, ", ")+`
				ON CONFLICT (principal, bucket) DO UPDATE
				SET level = excluded.level, updated_at = excluded.updated_at
				WHERE rate_limits.updated_at <= excluded.updated_at`, q.args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// PurgeRateLimits forgets those that were not used since.
func (s *Store) PurgeRateLimits(ctx context.Context, since time.Time) (int64, error) {
	return exec(ctx, s.db, "purge rate limits", `
		DELETE FROM rate_limits
		WHERE updated_at < $1`, since.UnixMicro())
}
