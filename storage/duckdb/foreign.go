package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

var _ storage.ForeignOpener = (*Registry)(nil)

// foreign is a staged copy in an instance of its own: a corrupt file can invalidate
// the whole instance that reads it, and a hostile one should have no other store
// within reach. Its instance spills nothing to the disk.
type foreign struct {
	name    string // for messages
	staging string
	db      *sql.DB
	tables  []storage.ForeignTable
}

// OpenForeign copies a DuckDB file of another program into the cache and opens the
// copy read-only. The copy has no name any more when it returns, so that a crash
// leaves no plain credentials on the disk. CodeBadInput: the file is no DuckDB file,
// corrupt, encrypted or newer. CodeConflict: it is open in another program, or here.
func (r *Registry) OpenForeign(ctx context.Context, path string) (_ storage.Foreign, err error) {
	name := filepath.Base(path)
	if err := r.checkNotAttached(path); err != nil {
		return nil, err
	}
	if err := checkHeader(path, name); err != nil {
		return nil, err
	}
	f := &foreign{name: name, staging: filepath.Join(r.dir, cacheDir, stagingPrefix+randomName())}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	if err := os.Mkdir(f.staging, 0o700); err != nil {
		return nil, fmt.Errorf("stage %s: %w", name, err)
	}
	staged := filepath.Join(f.staging, "file.db")
	if err := stage(ctx, path, staged); err != nil {
		return nil, err
	}
	if err := f.open(ctx, r.options, staged); err != nil {
		return nil, err
	}
	if err := f.list(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// checkNotAttached refuses a store that is open in this process, before anything
// opens and closes it and drops DuckDB's lock.
func (r *Registry) checkNotAttached(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return storage.BadInput("file", "the file %s does not exist", path)
	} else if err != nil {
		return fmt.Errorf("look at %s: %w", filepath.Base(path), err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, a := range r.attached {
		if other, err := os.Stat(a.path); err == nil && !a.upgrading.Load() && os.SameFile(info, other) {
			return storage.Errorf(storage.CodeConflict, "the file %s is a store that this server has open", filepath.Base(path))
		}
	}
	return nil
}

// stage copies a file and its log while no other program writes it.
func stage(ctx context.Context, path, staged string) error {
	name := filepath.Base(path)
	source, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer source.Close()
	if err := checkUnlocked(source, name); err != nil {
		return err
	}
	if err := copyFile(ctx, path, staged); err != nil {
		return fmt.Errorf("stage %s: %w", name, err)
	}
	if err := copyFile(ctx, path+".wal", staged+".wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("stage the log of %s: %w", name, err)
	}
	return checkUnlocked(source, name)
}

func checkUnlocked(file *os.File, name string) error {
	pid, err := writerOf(file)
	if err != nil {
		return fmt.Errorf("look for locks on %s: %w", name, err)
	}
	if pid != 0 {
		return storage.Errorf(storage.CodeConflict, "%s is open in another program (process %d); close that and try again", name, pid)
	}
	return nil
}

// foreignCatalog is where a foreign file is attached. Its connections never USE it,
// so that its functions and types are out of the search path.
const foreignCatalog = "foreign_file"

// open attaches the copy and takes its names off the disk.
func (f *foreign) open(ctx context.Context, options Options, staged string) error {
	_, db, err := sandbox(ctx, f.staging, "", options)
	if err != nil {
		return fmt.Errorf("open %s: %w", f.name, err)
	}
	f.db = db
	if _, err := os.Stat(staged + ".wal"); err == nil {
		// Opened for writing once, the copy takes in its log.
		if err := f.attach(ctx, staged, ""); err != nil {
			return err
		}
		if _, err := db.ExecContext(ctx, "CHECKPOINT "+foreignCatalog); err != nil {
			return f.explain(err)
		}
		if _, err := db.ExecContext(ctx, "DETACH "+foreignCatalog); err != nil {
			return f.explain(err)
		}
	}
	if err := f.attach(ctx, staged, " (READ_ONLY)"); err != nil {
		return err
	}
	// Where an open file cannot be removed, Close and the next Open do it.
	_ = os.RemoveAll(f.staging)
	return nil
}

func (f *foreign) attach(ctx context.Context, staged, option string) error {
	if _, err := f.db.ExecContext(ctx, "ATTACH "+literal(staged)+" AS "+foreignCatalog+option); err != nil {
		return f.explain(err)
	}
	return nil
}

// explain turns DuckDB's error about a foreign file into one for the user.
func (f *foreign) explain(err error) error {
	if isCanceled(err) {
		return err
	}
	return &storage.Error{
		Code: storage.CodeBadInput, Field: "file", Err: err,
		Message: fmt.Sprintf("%s cannot be read: it is corrupt or was not copied to the end; copy it again while no program has it open, or restore it from a backup", f.name),
	}
}

// list reads the names of base tables and their plain columns. Views are left out,
// and so are generated columns, which are expressions of whoever made the file.
// DuckDB shows those and defaults alike, so in a table that has generated columns
// the ones with a default are left out too.
func (f *foreign) list(ctx context.Context) error {
	rows, err := f.db.QueryContext(ctx, `
		SELECT c.table_name, c.column_name,
			coalesce(c.column_default, '') <> '' AND contains(upper(t.sql), 'GENERATED ALWAYS')
		FROM duckdb_columns() c
		JOIN duckdb_tables() t ON t.table_oid = c.table_oid AND t.database_oid = c.database_oid
		WHERE t.database_name = $1 AND t.schema_name = 'main' AND NOT t.internal
		ORDER BY c.table_name, c.column_index`, foreignCatalog)
	if err != nil {
		return f.explain(err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		var expression bool
		if err := rows.Scan(&table, &column, &expression); err != nil {
			return err
		}
		if n := len(f.tables); n == 0 || f.tables[n-1].Name != table {
			f.tables = append(f.tables, storage.ForeignTable{Name: table})
		}
		if !expression {
			last := &f.tables[len(f.tables)-1]
			last.Columns = append(last.Columns, column)
		}
	}
	if err := rows.Err(); err != nil {
		return f.explain(err)
	}
	for i := range f.tables {
		if err := f.db.QueryRowContext(ctx, "SELECT count(*) FROM "+f.table(f.tables[i].Name)).
			Scan(&f.tables[i].Rows); err != nil {
			return f.explain(err)
		}
	}
	return nil
}

func (f *foreign) table(name string) string { return foreignCatalog + ".main." + identifier(name) }

func (f *foreign) Tables() []storage.ForeignTable { return f.tables }

// scanRows is how many rows one statement of a scan asks for: DuckDB finishes a
// result before it gives the first row.
const scanRows = 1024

func (f *foreign) Scan(ctx context.Context, table string, columns []string, fn func(row []sql.NullString) error) error {
	i := slices.IndexFunc(f.tables, func(t storage.ForeignTable) bool { return t.Name == table })
	if i < 0 {
		return storage.BadInput("file", "%s has no table %q", f.name, table)
	}
	casts := make([]string, len(columns))
	for j, column := range columns {
		if !slices.Contains(f.tables[i].Columns, column) {
			return storage.BadInput("file", "the table %q of %s has no column %q", table, f.name, column)
		}
		casts[j] = "CAST(" + identifier(column) + " AS VARCHAR)"
	}
	if len(columns) == 0 {
		return nil
	}
	query := "SELECT " + strings.Join(casts, ", ") + " FROM " + f.table(table)
	// A column of that name hides the row's number.
	hidden := slices.ContainsFunc(f.tables[i].Columns, func(c string) bool { return strings.EqualFold(c, "rowid") })
	if hidden {
		_, err := f.rows(ctx, len(columns), fn, query)
		return err
	}
	var last sql.NullInt64
	if err := f.db.QueryRowContext(ctx, "SELECT max(rowid) FROM "+f.table(table)).Scan(&last); err != nil {
		return f.explain(err)
	}
	for from, step := int64(0), int64(scanRows); last.Valid && from <= last.Int64; {
		delivered, err := f.rows(ctx, len(columns), fn, query+" WHERE rowid >= $1 AND rowid < $2", from, from+step)
		if err != nil && !delivered && step > 1 && strings.Contains(err.Error(), "Out of Memory") {
			step /= 2 // the rows are long
			continue
		}
		if err != nil {
			return err
		}
		from += step
	}
	return nil
}

// rows hands the rows of one statement to fn. delivered tells whether any came.
func (f *foreign) rows(ctx context.Context, columns int, fn func([]sql.NullString) error, query string, args ...any) (delivered bool, err error) {
	rows, err := f.db.QueryContext(ctx, query, args...)
	if err != nil {
		return false, f.explain(err)
	}
	defer rows.Close()
	row := make([]sql.NullString, columns)
	into := make([]any, columns)
	for i := range row {
		into[i] = &row[i]
	}
	for rows.Next() {
		delivered = true
		if err := rows.Scan(into...); err != nil {
			return delivered, err
		}
		if err := fn(row); err != nil {
			return delivered, err
		}
	}
	if err := rows.Err(); err != nil {
		return delivered, f.explain(err)
	}
	return delivered, nil
}

func (f *foreign) Close() error {
	var errs []error
	if f.db != nil {
		errs = append(errs, f.db.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(f.staging))...)
}
