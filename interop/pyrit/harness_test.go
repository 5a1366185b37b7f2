package pyrit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/sqlite"
	"github.com/violentutf/violentutf/storage/userstore"
)

// workspace is a user store of a test.
type workspace struct {
	registry *duckdb.Registry
	engine   userstore.Engine
	store    *userstore.Store
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	ctx := t.Context()
	registry, err := duckdb.Open(ctx, duckdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := registry.Engine(ctx, "store.db", "owner")
	if err != nil {
		t.Fatal(err)
	}
	store, err := userstore.New(ctx, engine, "owner")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), registry.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return &workspace{registry: registry, engine: engine, store: store}
}

// guard scrubs as the server does and seals nothing.
type guard struct{ *secret.Scrubber }

func (guard) Seal(_, _, plaintext string) (string, error) { return "sealed", nil }
func (g guard) Add(credential string)                     { g.Scrubber.Add(credential) }

// open opens a foreign file by its kind.
func (w *workspace) open(t *testing.T, path string) storage.Foreign {
	t.Helper()
	isSQLite, err := sqlite.IsSQLite(path)
	if err != nil {
		t.Fatal(err)
	}
	var opener storage.ForeignOpener = w.registry
	if isSQLite {
		opener = sqlite.ForeignOpener{StagingDir: t.TempDir()}
	}
	foreign, err := opener.OpenForeign(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = foreign.Close() })
	return foreign
}

// load imports a file and returns what became of it and what was read.
func (w *workspace) load(t *testing.T, path string, opts Options) (*storage.Import, Summary) {
	t.Helper()
	stage, err := w.store.NewStage(t.Context(), guard{secret.NewScrubber()})
	if err != nil {
		t.Fatal(err)
	}
	defer stage.Close()
	summary, err := Import(t.Context(), w.open(t, path), stage, opts)
	if err != nil {
		t.Fatal(err)
	}
	made := &storage.Import{Tool: storage.SourcePyRIT, Format: "pyrit", FileName: "file", StartedAt: time.Now(), FinishedAt: time.Now()}
	if err := stage.Commit(t.Context(), made, nil); err != nil {
		t.Fatal(err)
	}
	return made, summary
}

// counts reads "key|key... -> number" pairs of a statement whose last column is a number.
func (w *workspace) counts(t *testing.T, statement string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, row := range w.rows(t, statement) {
		last := len(row) - 1
		n := 0
		if _, err := fmt.Sscan(row[last].String, &n); err != nil {
			t.Fatal(err)
		}
		keys := make([]string, last)
		for i := range keys {
			keys[i] = row[i].String
		}
		counts[strings.Join(keys, "|")] = n
	}
	return counts
}

func (w *workspace) rows(t *testing.T, statement string) [][]sql.NullString {
	t.Helper()
	return scanAll(t, w.engine.Read(), statement)
}

func scanAll(t *testing.T, db *sql.DB, statement string) [][]sql.NullString {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all [][]sql.NullString
	for rows.Next() {
		row := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// source reads a table of a file, by column, NULLs left out: SQLite on its own way,
// without our reader.
func (w *workspace) source(t *testing.T, path, table string) []map[string]string {
	t.Helper()
	var all []map[string]string
	add := func(columns []string, values []sql.NullString) {
		row := map[string]string{}
		for i, column := range columns {
			if values[i].Valid {
				row[column] = values[i].String
			}
		}
		all = append(all, row)
	}
	if isSQLite, _ := sqlite.IsSQLite(path); !isSQLite {
		foreign := w.open(t, path)
		for _, f := range foreign.Tables() {
			if f.Name != table {
				continue
			}
			if err := foreign.Scan(t.Context(), table, f.Columns, func(values []sql.NullString) error {
				add(f.Columns, values)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	db := openSQLite(t, path)
	var columns, texts []string
	for _, row := range scanAll(t, db, "SELECT name FROM pragma_table_info('"+table+"')") {
		columns = append(columns, row[0].String)
		texts = append(texts, `CAST("`+row[0].String+`" AS TEXT)`)
	}
	if len(columns) == 0 {
		return nil
	}
	for _, values := range scanAll(t, db, "SELECT "+strings.Join(texts, ",")+` FROM "`+table+`"`) {
		add(columns, values)
	}
	return all
}

func openSQLite(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// change runs statements on a copy of a SQLite sample and returns its path.
func change(t *testing.T, sample string, statements ...string) string {
	t.Helper()
	path := testfiles.Path(t, sample)
	db := openSQLite(t, path)
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func equalCounts(t *testing.T, what string, got, want map[string]int) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if got[key] != want[key] {
			t.Errorf("%s: %q is %d, want %d", what, key, got[key], want[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if _, found := got[key]; !found {
			t.Errorf("%s: %q is missing, want %d", what, key, want[key])
		}
	}
}

func unequal(imp *storage.Import) map[string]int {
	changed := map[string]int{}
	for _, c := range imp.Tables {
		if n := c.Inserted + c.Updated; n > 0 {
			changed[c.Table] = int(n)
		}
	}
	return changed
}
