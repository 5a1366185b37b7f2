package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/userstore"
)

// engine is one reference to an attachment.
type engine struct {
	registry   *Registry
	attachment *attachment
	close      sync.Once
}

var _ userstore.Engine = (*engine)(nil)

func (e *engine) Read() *sql.DB { return e.attachment.read }

func (e *engine) Snapshot(ctx context.Context) (*sql.Tx, error) {
	// A context that ends would roll back in the background.
	return e.attachment.read.BeginTx(context.WithoutCancel(ctx), nil)
}

func (e *engine) WithTx(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	return e.attachment.writing(ctx, func() error {
		c, err := e.attachment.write.Conn(ctx)
		if err != nil {
			return fmt.Errorf("connect to the store: %w", err)
		}
		defer c.Close()
		return transact(ctx, c, fn)
	})
}

// writing runs fn when it is this writer's turn: DuckDB's concurrent writers fail
// instead of waiting (rule 2).
func (a *attachment) writing(ctx context.Context, fn func() error) error {
	select {
	case a.gate <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-a.gate }()
	return fn()
}

// transact runs fn in a transaction, the only place that begins one to write.
func transact(ctx context.Context, c *sql.Conn, fn func(ctx context.Context, tx *sql.Tx) error) (err error) {
	var native *conn
	if err := c.Raw(func(driverConn any) error {
		native = driverConn.(*conn)
		return nil
	}); err != nil {
		return err
	}
	// Under a context that ends, database/sql would roll back in the background and
	// the next writer could run into it.
	tx, err := c.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	native.failed = nil
	committed := false
	defer func() { // for a panic of fn as well
		if !committed {
			if rollback := tx.Rollback(); rollback != nil && !errors.Is(rollback, sql.ErrTxDone) {
				err = errors.Join(err, fmt.Errorf("roll back: %w", rollback))
			}
		}
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if native.failed != nil {
		return fmt.Errorf("a statement of the transaction failed: %w", native.failed)
	}
	// What failed while rows were read or appended has aborted the transaction too,
	// and then any statement fails. It also notices that ctx has ended.
	if _, err := tx.ExecContext(ctx, "SELECT 1"); err != nil {
		return fmt.Errorf("the transaction was aborted: %w", err)
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", storage.ErrCommit, native.note(err))
	}
	committed = true
	return nil
}

func (e *engine) Bytes(context.Context) (int64, error) {
	var sum int64
	for _, file := range []string{e.attachment.path, e.attachment.path + ".wal"} {
		info, err := os.Stat(file)
		switch {
		case err == nil:
			sum += info.Size()
		case !errors.Is(err, fs.ErrNotExist):
			return 0, err
		}
	}
	return sum, nil
}

func (e *engine) Dialect() userstore.Dialect { return dialect{} }

func (e *engine) Known() *userstore.Known { return &e.attachment.known }

// Close gives the reference back; the file stays attached until its place is needed.
func (e *engine) Close() error {
	e.close.Do(func() { e.registry.release(e.attachment) })
	return nil
}

// dialect is DuckDB's side of the closed list.
type dialect struct{}

func (dialect) Regexp(text, pattern string) string {
	return "regexp_matches(" + text + ", " + pattern + ")"
}

func (dialect) Contains(text, part string) string { return "contains(" + text + ", " + part + ")" }
