// Package memory writes memories of PyRIT 1.1.0: SQLite files with the tables and
// the JSON of that version, for benchmarks and for the project's sample data.
package memory

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
)

//go:embed schema.sql
var tables string

//go:embed indexes.sql
var indexes string

// alembicVersion is the migration at which PyRIT 1.1.0 stands.
const alembicVersion = "8d1e3f5a7b9c"

// speed is safe here only because a file that was not finished is removed.
const speed = `
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -131072;
`

// Writer writes one new memory in one transaction. It belongs to one goroutine.
type Writer struct {
	path     string
	db       *sql.DB
	conn     *sql.Conn
	inserts  map[string]*sql.Stmt
	known    map[string]bool   // identifiers, by table and hash
	chains   map[string]string // JSON of converter chains, by their hashes
	finished bool
}

// Create makes a new memory and refuses a path at which there is anything.
func Create(ctx context.Context, path string) (*Writer, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create memory: %w", err)
	}
	w := &Writer{path: path, inserts: map[string]*sql.Stmt{}, known: map[string]bool{}, chains: map[string]string{}}
	err = file.Close()
	if err == nil {
		err = w.open(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create memory: %w", err), w.Close())
	}
	return w, nil
}

func (w *Writer) open(ctx context.Context) (err error) {
	absolute, err := filepath.Abs(w.path)
	if err != nil {
		return err
	}
	uri := url.URL{Path: filepath.ToSlash(absolute)}
	if w.db, err = sql.Open("sqlite3", "file:"+uri.EscapedPath()); err != nil {
		return err
	}
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return err
	}
	for _, statement := range []string{
		speed, "BEGIN", tables,
		`INSERT INTO pyrit_memory_alembic_version VALUES ('` + alembicVersion + `')`,
	} {
		if _, err := w.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// Finish makes the indexes and commits, and with compact leaves no unused space.
// Without it Close removes the file.
func (w *Writer) Finish(ctx context.Context, compact bool) error {
	statements := []string{indexes, "COMMIT"}
	if compact {
		// Small pages leave less unused where rows are long and tables short.
		statements = append(statements, "PRAGMA page_size = 512", "VACUUM")
	}
	for _, statement := range statements {
		if _, err := w.conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("finish memory: %w", err)
		}
	}
	w.finished = true
	return nil
}

// Close ends the writing, and removes a file that was not finished.
func (w *Writer) Close() error {
	var errs []error
	for _, insert := range w.inserts {
		errs = append(errs, insert.Close())
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	if w.db != nil {
		errs = append(errs, w.db.Close())
	}
	if !w.finished {
		errs = append(errs, os.Remove(w.path))
	}
	return errors.Join(errs...)
}

// row runs a table's one INSERT statement, which is prepared the first time.
func (w *Writer) row(ctx context.Context, statement string, values ...any) error {
	insert := w.inserts[statement]
	if insert == nil {
		var err error
		if insert, err = w.conn.PrepareContext(ctx, statement); err != nil {
			return fmt.Errorf("prepare a row of the memory: %w", err)
		}
		w.inserts[statement] = insert
	}
	// Without the context: with one that can end the driver runs each row in a
	// goroutine of its own. Callers look at it between conversations.
	if _, err := insert.ExecContext(context.WithoutCancel(ctx), values...); err != nil {
		return fmt.Errorf("write a row of the memory: %w", err)
	}
	return nil
}

// Time is a time as PyRIT writes it: UTC without saying so, to the microsecond.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000") }

// orNull is NULL for the empty text.
func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
