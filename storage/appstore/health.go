package appstore

import (
	"context"
	"database/sql"
	"strconv"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// maxHealthText is the size of a check's texts, in bytes.
const maxHealthText = 512

// RecordHealth adds checks that were made together, and forgets the oldest.
func (s *Store) RecordHealth(ctx context.Context, checks []storage.HealthCheck) error {
	if len(checks) == 0 {
		return nil
	}
	return s.db.WithTx(ctx, func(tx Runner) error {
		last, err := number(ctx, tx, "find the last health check", `
			SELECT COALESCE(max(seq), 0)
			FROM health_checks`)
		if err != nil {
			return err
		}
		q, rows := &query{}, make([]string, len(checks))
		for i, check := range checks {
			last++
			rows[i] = "(" + strings.Join([]string{
				q.arg(last), q.arg(check.CheckedAt.UnixMicro()), q.arg(storage.Plain(check.Component, maxHealthText)),
				q.arg(string(check.Status)), q.arg(check.Latency.Microseconds()), q.arg(storage.Plain(check.Detail, maxHealthText)),
			}, ", ") + ")"
		}
		if _, err := exec(ctx, tx, "record health checks", `
			INSERT INTO health_checks (seq, checked_at, component, status, latency, detail)
			VALUES `+strings.Join(rows, ", "), q.args...); err != nil {
			return err
		}
		_, err = exec(ctx, tx, "forget the oldest health checks", `
			DELETE FROM health_checks
			WHERE seq <= $1`, last-storage.MaxHealthChecks)
		return err
	})
}

// HealthChecks lists the checks, newest first.
func (s *Store) HealthChecks(ctx context.Context, filter *storage.HealthFilter, page storage.Page) (*storage.Connection[storage.HealthCheck], error) {
	q := &query{}
	if filter != nil {
		equal(q, "component", filter.Component)
		equal(q, "status", filter.Status)
	}
	return healthListing.page(ctx, s.db, q, order[storage.HealthCheck]{
		name: "seq", expr: "seq", desc: true,
		value: func(c *storage.HealthCheck) any { return c.Seq },
	}, page)
}

var healthListing = &listing[storage.HealthCheck]{
	name: "health checks", from: "health_checks",
	columns: `seq, checked_at, component, status, latency, detail`,
	key:     "CAST(seq AS TEXT)", // a tie-breaker of what has no ties
	scan: func(row *sql.Rows, c *storage.HealthCheck) error {
		var at, latency int64
		err := row.Scan(&c.Seq, &at, &c.Component, &c.Status, &latency, &c.Detail)
		c.CheckedAt, c.Latency = fromMicros(at), time.Duration(latency)*time.Microsecond
		return err
	},
	keyOf: func(c *storage.HealthCheck) string { return strconv.FormatInt(c.Seq, 10) },
}
