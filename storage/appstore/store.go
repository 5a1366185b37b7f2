// Package appstore holds the SQL of the app store, the installation's bookkeeping.
// One text serves every engine.
package appstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// Migrations are the goose migrations of the app store, the same for every engine.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Runner runs statements with $1, $2... as parameters.
type Runner interface {
	Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error)
	Exec(ctx context.Context, statement string, args ...any) (sql.Result, error)
}

// DB is an engine's database. Its Query may run beside writers.
type DB interface {
	Runner
	// WithTx runs fn in a write transaction as if no other ran beside it: what fn
	// reads stays true until the end. It commits when fn returns nil and rolls back
	// on any error of fn or of a statement in it. (SQLite has one writer; PostgreSQL
	// will need SERIALIZABLE and may run fn again.)
	WithTx(ctx context.Context, fn func(tx Runner) error) error
	Ping(ctx context.Context) error
	Close() error
}

// Store is the app store on an engine. It is safe for concurrent use.
type Store struct {
	db       DB
	now      func() time.Time
	keys     uses // of API keys
	sessions uses
	audit    auditKeys
}

var _ storage.AppStore = (*Store)(nil)

// Option changes how a store works.
type Option func(*Store)

// WithAuditKey gives the key that chains the audit log, 32 random bytes or more, the
// same as long as the log lives. A store without one refuses to write the log.
func WithAuditKey(key []byte) Option {
	return func(s *Store) { s.audit = deriveAuditKeys(key) }
}

// New makes the store of a migrated database. Closing the store closes it.
func New(db DB, options ...Option) *Store {
	s := &Store{db: db, now: time.Now}
	for _, option := range options {
		option(s)
	}
	return s
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.db.Ping(ctx); err != nil {
		return fmt.Errorf("ping the app store: %w", err)
	}
	return nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// list runs a statement, counts it in the context's meter and reads each row by
// scan. what says in errors what was being done.
func list[T any](ctx context.Context, db Runner, what string, scan func(row *sql.Rows, into *T) error, statement string, args ...any) ([]*T, error) {
	storage.MeterFrom(ctx).AppStatements.Add(1)
	rows, err := db.Query(ctx, statement, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close()
	found := []*T{}
	for rows.Next() {
		var one T
		if err := scan(rows, &one); err != nil {
			return nil, fmt.Errorf("%s: %w", what, err)
		}
		found = append(found, &one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return found, nil
}

// first returns the first row that a statement reads, nil when there is none.
func first[T any](ctx context.Context, db Runner, what string, scan func(row *sql.Rows, into *T) error, statement string, args ...any) (*T, error) {
	found, err := list(ctx, db, what, scan, statement, args...)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// number runs a statement of one row with one number.
func number(ctx context.Context, db Runner, what, statement string, args ...any) (int64, error) {
	one, err := first(ctx, db, what, func(row *sql.Rows, into *int64) error { return row.Scan(into) }, statement, args...)
	if err != nil {
		return 0, err
	}
	if one == nil {
		return 0, fmt.Errorf("%s: no row", what)
	}
	return *one, nil
}

// exec runs a statement, counts it and returns the number of rows that it changed.
func exec(ctx context.Context, db Runner, what, statement string, args ...any) (int64, error) {
	storage.MeterFrom(ctx).AppStatements.Add(1)
	result, err := db.Exec(ctx, statement, args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return changed, nil
}

func fromMicros(t int64) time.Time { return time.UnixMicro(t).UTC() }

// maybeMicros is nil for a time that is not stored.
func maybeMicros(t *int64) *time.Time {
	if t == nil {
		return nil
	}
	at := fromMicros(*t)
	return &at
}
