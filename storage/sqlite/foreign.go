package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/violentutf/violentutf/storage"
)

// ForeignOpener opens the SQLite files of other programs. They are hostile
// (architecture.md, rule 13): what is read is a private copy, read-only, without
// trust in its schema, and only whole base tables.
type ForeignOpener struct {
	// StagingDir keeps the copy while it is made; afterwards no name leads to it.
	StagingDir string
	// Wait is how long to wait for another process's lock, 5 seconds when zero.
	Wait time.Duration
}

var _ storage.ForeignOpener = ForeignOpener{}

// OpenForeign copies the database as of now, also while other processes use it, and
// opens the copy. CodeBadInput says what is wrong with the file and what to do.
func (o ForeignOpener) OpenForeign(ctx context.Context, path string) (storage.Foreign, error) {
	if err := os.MkdirAll(o.StagingDir, 0o700); err != nil {
		return nil, fmt.Errorf("stage a copy: %w", err)
	}
	folder, err := os.MkdirTemp(o.StagingDir, stagingPrefix) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("stage a copy: %w", err)
	}
	// The connection keeps the copy; without a name a crash leaves none of its text.
	defer os.RemoveAll(folder)
	copied := filepath.Join(folder, "snapshot.sqlite")
	if err := snapshot(ctx, path, copied, o.wait()); err != nil {
		return nil, err
	}
	return openForeign(ctx, filepath.Base(path), copied)
}

// Sweep removes the copies that a crash left. Nobody may be opening a file meanwhile:
// it is for the start of the data folder's owner.
func (o ForeignOpener) Sweep() error {
	left, err := filepath.Glob(filepath.Join(o.StagingDir, stagingPrefix+"*"))
	for _, folder := range left {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	return err
}

const stagingPrefix = "staging-"

func (o ForeignOpener) wait() time.Duration {
	if o.Wait == 0 {
		return 5 * time.Second
	}
	return o.Wait
}

// foreign is an open copy.
type foreign struct {
	name   string // of the file, for errors
	conn   *sqlite3.SQLiteConn
	tables []storage.ForeignTable
	orders map[string]string // the ORDER BY of each table

	preparing sync.Mutex // guards gate: one statement is prepared at a time
	gate      gate
}

// openForeign opens the copy of the file called name.
func openForeign(ctx context.Context, name, copied string) (_ *foreign, err error) {
	// Immutable: nobody else knows the copy, and one of a database in WAL mode would
	// need files beside it otherwise.
	conn, err := connect(copied, map[string]string{"mode": "ro", "immutable": "1", "_query_only": "true"})
	if err != nil {
		return nil, refusal(name, err)
	}
	f := &foreign{name: name, conn: conn, orders: map[string]string{}}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	for _, pragma := range []string{
		"PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON",
		"PRAGMA mmap_size = 0", "PRAGMA temp_store = MEMORY",
	} {
		if _, err := conn.ExecContext(ctx, pragma, nil); err != nil {
			return nil, refusal(name, err)
		}
	}
	conn.SetLimit(sqlite3.SQLITE_LIMIT_LENGTH, maxValueBytes)
	conn.SetLimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1<<20)
	conn.SetLimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
	conn.SetLimit(sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0)
	conn.SetLimit(sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0)
	conn.RegisterAuthorizer(f.gate.authorize)
	if err := f.list(ctx); err != nil {
		return nil, refusal(name, err)
	}
	return f, nil
}

// maxValueBytes is the longest value, and the longest row, that is read.
const maxValueBytes = 256 << 20

// list finds the base tables. It asks what SQLite made of the schema: the text in
// sqlite_schema can call a view a table.
func (f *foreign) list(ctx context.Context) error {
	var found []string
	plain := map[string]bool{} // with rowids
	err := f.pragma(ctx, "PRAGMA main.table_list", func(row []driver.Value) {
		name, kind := text(row[1]), text(row[2]) // schema, name, type, ncol, wr, strict
		if kind == "table" && !strings.HasPrefix(strings.ToLower(name), "sqlite_") {
			found = append(found, name)
			plain[name] = row[4] == int64(0)
		}
	})
	if err != nil {
		return err
	}
	slices.Sort(found)
	for _, name := range found {
		table := storage.ForeignTable{Name: name}
		taken := map[string]bool{}
		err := f.pragma(ctx, "PRAGMA main.table_xinfo("+quoted(name)+")", func(row []driver.Value) {
			column := text(row[1]) // cid, name, type, notnull, dflt_value, pk, hidden
			taken[strings.ToLower(column)] = true
			if row[6] == int64(0) { // the others are generated: computing them runs the file's own code
				table.Columns = append(table.Columns, column)
			}
		})
		if err != nil {
			return err
		}
		// A column can have the name of the row number; a table scan has its order anyway.
		free := slices.IndexFunc(rowNumbers, func(alias string) bool { return !taken[alias] })
		if plain[name] && free >= 0 {
			f.orders[name] = " ORDER BY " + rowNumbers[free]
		}
		if table.Rows, err = f.count(ctx, name); err != nil {
			return err
		}
		f.tables = append(f.tables, table)
	}
	return nil
}

var rowNumbers = []string{"rowid", "_rowid_", "oid"}

// Tables lists the base tables by name, without SQLite's own and without generated
// columns.
func (f *foreign) Tables() []storage.ForeignTable { return f.tables }

// Scan reads columns of a base table as text, by row number (or primary key, where
// there is none). Text keeps embedded U+0000; text from a BLOB may be no UTF-8.
func (f *foreign) Scan(ctx context.Context, table string, columns []string, fn func(row []sql.NullString) error) error {
	statement, err := f.statement(table, columns)
	if err != nil {
		return err
	}
	// The driver watches a context that can end at a goroutine's cost for each row.
	rows, err := f.query(context.Background(), gate{table: table}, statement)
	if err != nil {
		return refusal(f.name, err)
	}
	defer rows.Close()
	values := make([]driver.Value, len(columns))
	row := make([]sql.NullString, len(columns))
	for n := 0; ; n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		err := rows.Next(values)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return refusal(f.name, err)
		}
		for i, value := range values {
			row[i].String, row[i].Valid = value.(string)
			if !row[i].Valid && value != nil {
				return fmt.Errorf("scan %s of %s: SQLite gave a %T for text", table, f.name, value)
			}
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

// Close closes the copy, which ends with it.
func (f *foreign) Close() error { return f.conn.Close() }

func (f *foreign) statement(table string, columns []string) (string, error) {
	i := slices.IndexFunc(f.tables, func(t storage.ForeignTable) bool { return t.Name == table })
	if i < 0 {
		return "", storage.Errorf(storage.CodeBadInput, "%s has no table %s", f.name, table)
	}
	if len(columns) == 0 {
		return "", fmt.Errorf("scan %s of %s: no columns asked for", table, f.name)
	}
	casts := make([]string, len(columns))
	for j, column := range columns {
		if !slices.Contains(f.tables[i].Columns, column) {
			return "", storage.Errorf(storage.CodeBadInput, "table %s of %s has no column %s", table, f.name, column)
		}
		casts[j] = "CAST(" + quoted(column) + " AS TEXT)"
	}
	return "SELECT " + strings.Join(casts, ", ") + from(table) + f.orders[table], nil
}

// from reads the table itself: an index may say something else.
func from(table string) string { return " FROM main." + quoted(table) + " NOT INDEXED" }

func (f *foreign) count(ctx context.Context, table string) (int64, error) {
	rows, err := f.query(ctx, gate{table: table, count: true}, "SELECT count(*)"+from(table))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	value := make([]driver.Value, 1)
	if err := rows.Next(value); err != nil {
		return 0, err
	}
	n, _ := value[0].(int64)
	return n, nil
}

func (f *foreign) pragma(ctx context.Context, statement string, each func(row []driver.Value)) error {
	rows, err := f.query(ctx, gate{list: true}, statement)
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(values); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		each(values)
	}
}

// query prepares and starts a statement that may do only what the gate lets through.
func (f *foreign) query(ctx context.Context, opened gate, statement string) (driver.Rows, error) {
	f.preparing.Lock()
	defer f.preparing.Unlock()
	f.gate = opened
	defer func() { f.gate = gate{} }()
	return f.conn.QueryContext(ctx, statement, nil)
}

// gate is what the statement in preparation may do: SQLite asks before each use of a
// table, a column, a function or a pragma. The zero gate is closed.
type gate struct {
	list  bool   // describe tables
	table string // read this table
	count bool   // and count its rows
}

func (g *gate) authorize(action int, first, second, database string) int {
	allowed := false
	switch action {
	case sqlite3.SQLITE_PRAGMA:
		allowed = g.list && (first == "table_list" || first == "table_xinfo")
	case sqlite3.SQLITE_SELECT:
		allowed = g.table != ""
	case sqlite3.SQLITE_READ:
		allowed = g.table != "" && first == g.table && database == "main"
	case sqlite3.SQLITE_FUNCTION:
		allowed = g.count && second == "count"
	}
	if allowed {
		return sqlite3.SQLITE_OK
	}
	return sqlite3.SQLITE_DENY
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func text(value driver.Value) string {
	s, _ := value.(string)
	return s
}
