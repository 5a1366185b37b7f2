package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"strings"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3", the process's only SQLite

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/appstore"
)

// pool is a database of our own with one connection that writes and many that read
// beside it (architecture.md, rule 9).
type pool struct {
	read, write *sql.DB
}

var _ appstore.DB = (*pool)(nil)

// busyMillis is how long a statement waits for another connection's lock.
const busyMillis = "10000"

func openPool(path string) (*pool, error) {
	write, err := openDB(path, map[string]string{
		"_journal_mode": "WAL",
		"_txlock":       "immediate",
		// An app store that forgets a workspace's id in a power cut would leave that
		// workspace's store without an owner. Writes are few.
		"_synchronous": "FULL",
	})
	if err != nil {
		return nil, err
	}
	write.SetMaxOpenConns(1)
	if err := write.Ping(); err != nil { // switches to WAL before anyone reads
		return nil, errors.Join(err, write.Close())
	}
	read, err := openDB(path, map[string]string{"_query_only": "true"})
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	readers := max(4, 2*runtime.GOMAXPROCS(0))
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &pool{read: read, write: write}, nil
}

func openDB(path string, parameters map[string]string) (*sql.DB, error) {
	all := map[string]string{"_busy_timeout": busyMillis, "_foreign_keys": "true", "_stmt_cache_size": "32"}
	for name, value := range parameters {
		all[name] = value
	}
	uri, err := dsn(path, all)
	if err != nil {
		return nil, err
	}
	return sql.Open("sqlite3", uri)
}

// Query runs a statement that reads.
func (p *pool) Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	return p.read.QueryContext(ctx, numbered(statement), args...)
}

// Exec runs a statement that writes, in a transaction of its own.
func (p *pool) Exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	return p.write.ExecContext(ctx, numbered(statement), args...)
}

// WithTx runs fn in the only write transaction. Nobody else calls Begin.
func (p *pool) WithTx(ctx context.Context, fn func(tx appstore.Runner) error) (err error) {
	tx, err := p.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer tx.Rollback() // after Commit it does nothing; it counts when fn panics
	running := &txRunner{tx: tx}
	if err := fn(running); err != nil {
		return err
	}
	if running.failed != nil {
		return fmt.Errorf("a statement failed, nothing was stored: %w", running.failed)
	}
	if err := tx.Commit(); err != nil {
		if errors.Is(err, sql.ErrTxDone) || ctx.Err() != nil && errors.Is(err, ctx.Err()) { // it was rolled back before
			return fmt.Errorf("commit: %w", err)
		}
		return fmt.Errorf("%w: %w", storage.ErrCommit, err)
	}
	return nil
}

// Ping tells whether both sides answer.
func (p *pool) Ping(ctx context.Context) error {
	return errors.Join(p.write.PingContext(ctx), p.read.PingContext(ctx))
}

// Close closes the readers first, so that the writer, as the last, empties the log.
func (p *pool) Close() error {
	return errors.Join(p.read.Close(), p.write.Close())
}

// txRunner remembers that a statement failed, in case fn does not.
type txRunner struct {
	tx     *sql.Tx
	failed error
}

func (t *txRunner) Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	rows, err := t.tx.QueryContext(ctx, numbered(statement), args...)
	t.failed = errors.Join(t.failed, err)
	return rows, err
}

func (t *txRunner) Exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	result, err := t.tx.ExecContext(ctx, numbered(statement), args...)
	t.failed = errors.Join(t.failed, err)
	return result, err
}

// numbered rewrites $n to ?n outside of quotes: the driver takes $n for names and
// binds them in the order of their first appearance (architecture.md, rule 8).
func numbered(statement string) string {
	var rewritten strings.Builder
	rewritten.Grow(len(statement))
	var quote byte
	for i := range len(statement) {
		c := statement[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '$' && i+1 < len(statement) && '0' <= statement[i+1] && statement[i+1] <= '9':
			c = '?'
		}
		rewritten.WriteByte(c)
	}
	return rewritten.String()
}
