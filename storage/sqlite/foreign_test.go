package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

func TestForeignGivesBaseTablesAsText(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with ?#% in its name.db")
	makeDatabase(t, path,
		`CREATE TABLE "odd ""name""" (id INTEGER PRIMARY KEY, t TEXT, r REAL, b BLOB, "or""der" TEXT, d DATETIME)`,
		`INSERT INTO "odd ""name""" VALUES (2, 'a' || char(0) || 'ü', 1.5, x'6100', 'later', '2025-01-02 03:04:05')`,
		`INSERT INTO "odd ""name""" VALUES (1, NULL, NULL, NULL, '', 17)`,
		`CREATE INDEX backwards ON "odd ""name""" (t DESC, id DESC)`,
		`CREATE TABLE keyed (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID`,
		`INSERT INTO keyed VALUES ('b', '1'), ('a', '2')`,
		`CREATE TABLE shadowed (rowid TEXT, _rowid_ TEXT, oid TEXT)`,
		`INSERT INTO shadowed VALUES ('9', '9', '9'), ('1', '1', '1')`,
		`CREATE TABLE empty (a)`)
	opened := open(t, path)
	want := []storage.ForeignTable{
		{Name: "empty", Columns: []string{"a"}},
		{Name: "keyed", Columns: []string{"k", "v"}, Rows: 2},
		{Name: `odd "name"`, Columns: []string{"id", "t", "r", "b", `or"der`, "d"}, Rows: 2},
		{Name: "shadowed", Columns: []string{"rowid", "_rowid_", "oid"}, Rows: 2},
	}
	if got := opened.Tables(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("tables %v, want %v", got, want)
	}
	for _, test := range []struct {
		table   string
		columns []string
		want    string
	}{
		{`odd "name"`, []string{"id", "t", "r", "b", `or"der`, "d"}, "1 - - -  17|2 a\x00ü 1.5 a\x00 later 2025-01-02 03:04:05"},
		{"keyed", []string{"v", "k"}, "2 a|1 b"},
		{"shadowed", []string{"oid"}, "9|1"},
		{"empty", []string{"a"}, ""},
	} {
		if got := scan(t, opened, test.table, test.columns...); got != test.want {
			t.Errorf("%s: %q, want %q", test.table, got, test.want)
		}
	}
	for _, name := range []string{"nothing", "sqlite_schema", `keyed" --`} {
		if err := opened.Scan(t.Context(), name, []string{"k"}, nil); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("table %s: %v", name, err)
		}
	}
	if err := opened.Scan(t.Context(), "keyed", []string{"1"}, nil); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("unknown column: %v", err)
	}
}

func TestForeignReadsUTF16(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wide.db")
	makeDatabase(t, path, `PRAGMA encoding = 'UTF-16le'`, `CREATE TABLE t (a TEXT)`, `INSERT INTO t VALUES ('zoë 漢字')`)
	if got := scan(t, open(t, path), "t", "a"); got != "zoë 漢字" {
		t.Errorf("got %q", got)
	}
}

func TestForeignHidesWhatIsNoBaseTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hostile.db")
	makeDatabase(t, path,
		`CREATE TABLE plain (a TEXT, g TEXT AS (hex(a)) VIRTUAL, s TEXT AS (lower(a)) STORED)`,
		`INSERT INTO plain (a) VALUES ('x')`,
		`CREATE VIEW messages AS SELECT load_extension('evil') AS a`,
		`CREATE VIRTUAL TABLE searched USING fts3(a)`,
		`CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)`,
		`CREATE TRIGGER sneaky AFTER INSERT ON plain BEGIN DELETE FROM plain; END`,
		`PRAGMA writable_schema = ON`,
		`CREATE TABLE hide (a TEXT)`,
		`UPDATE sqlite_schema SET name = 'sqlite_hide', tbl_name = 'sqlite_hide', sql = 'CREATE TABLE sqlite_hide (a TEXT)' WHERE name = 'hide'`,
		`INSERT INTO sqlite_schema VALUES ('view', 'later', 'later', 0, 'CREATE VIEW later AS SELECT no_such_function()')`)
	opened := open(t, path)
	want := []storage.ForeignTable{{Name: "plain", Columns: []string{"a"}, Rows: 1}}
	if got := opened.Tables(); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("tables %v, want %v", got, want)
	}
	if got := scan(t, opened, "plain", "a"); got != "x" {
		t.Errorf("plain: %q", got)
	}
	if err := opened.Scan(t.Context(), "plain", []string{"g"}, nil); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("generated column: %v", err)
	}
}

// sqlite_schema says table, its statement says view: SQLite refuses one, and takes
// the other for what it is.
func TestForeignIsNotFooledByAViewThatIsCalledTable(t *testing.T) {
	for what, row := range map[string]string{
		"without pages":        `'table', 'lie', 'lie', 0, 'CREATE VIEW lie AS SELECT a FROM plain'`,
		"with another's pages": `'table', 'lie', 'lie', 2, 'CREATE VIEW lie AS SELECT a FROM plain'`,
		"under another name":   `'view', 'harmless', 'harmless', 0, 'CREATE VIEW lie AS SELECT a FROM plain'`,
	} {
		path := filepath.Join(t.TempDir(), "lie.db")
		makeDatabase(t, path, `CREATE TABLE plain (a TEXT)`, `PRAGMA writable_schema = ON`,
			`INSERT INTO sqlite_schema VALUES (`+row+`)`)
		opened, err := ForeignOpener{StagingDir: t.TempDir()}.OpenForeign(t.Context(), path)
		if err != nil {
			if storage.CodeOf(err) != storage.CodeBadInput {
				t.Errorf("%s: %v", what, err)
			}
			continue
		}
		for _, table := range opened.Tables() {
			if table.Name != "plain" {
				t.Errorf("%s: %s is called a base table", what, table.Name)
			}
		}
		opened.Close()
	}
}

// The list of tables is the first fence; these statements find the second.
func TestForeignConnectionDoesNothingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	makeDatabase(t, path, `CREATE TABLE t (a TEXT)`, `CREATE TABLE u (a TEXT)`, `CREATE VIEW v AS SELECT a FROM u`)
	f := open(t, path).(*foreign)
	for _, statement := range []string{
		`SELECT a FROM u`, `SELECT a FROM v`, `SELECT lower(a) FROM t`, `SELECT * FROM sqlite_schema`,
		`ATTACH '` + path + `' AS other`, `PRAGMA query_only = OFF`, `PRAGMA trusted_schema = ON`, `DELETE FROM t`,
		`CREATE TEMP TABLE x (a)`, `SELECT a FROM t WHERE a IN (SELECT a FROM u)`, `VACUUM INTO '` + path + `2'`,
		`WITH RECURSIVE n (a) AS (SELECT 1 UNION ALL SELECT a FROM n) SELECT a FROM n`,
	} {
		if rows, err := f.query(t.Context(), gate{table: "t"}, statement); err == nil {
			rows.Close()
			t.Errorf("%s was allowed", statement)
		}
	}
}

// A reader of a database in WAL mode would leave -wal and -shm files beside it.
func TestForeignLeavesNothingBehind(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE"} {
		dir := t.TempDir()
		path := filepath.Join(dir, "source.db")
		makeDatabase(t, path, "PRAGMA journal_mode = "+mode, `CREATE TABLE t (a TEXT)`, `INSERT INTO t VALUES ('x')`)
		staging := filepath.Join(t.TempDir(), "staging")
		opened, err := ForeignOpener{StagingDir: staging}.OpenForeign(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		// While the copy is open nothing leads to its text either.
		for folder, want := range map[string]int{dir: 1, staging: 0} {
			if entries, err := os.ReadDir(folder); err != nil || len(entries) != want {
				t.Errorf("%s: %v, %v", mode, entries, err)
			}
		}
		if got := scan(t, opened, "t", "a"); got != "x" {
			t.Errorf("%s: %q", mode, got)
		}
		opened.Close()
	}
}

func TestSweepRemovesCopiesOfACrash(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"staging-1", "other"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "staging-1", "snapshot.sqlite"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := (ForeignOpener{StagingDir: dir}).Sweep(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 || entries[0].Name() != "other" {
		t.Errorf("left: %v", entries)
	}
}

func TestForeignStopsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	fill(t, path, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	opened, err := ForeignOpener{StagingDir: t.TempDir()}.OpenForeign(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	rows := 0
	err = opened.Scan(ctx, "t", []string{"a"}, func([]sql.NullString) error {
		rows++
		cancel()
		return nil
	})
	if !errors.Is(err, context.Canceled) || rows > 100 {
		t.Errorf("scan: %v after %d rows", err, rows)
	}
	if _, err := (ForeignOpener{StagingDir: t.TempDir()}).OpenForeign(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("open: %v", err)
	}
	// An error of fn ends the scan and comes back as it is.
	failed := errors.New("failed")
	if err := opened.Scan(t.Context(), "t", []string{"a"}, func([]sql.NullString) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("fn's error: %v", err)
	}
}

func TestIsSQLite(t *testing.T) {
	dir := t.TempDir()
	makeDatabase(t, filepath.Join(dir, "yes"), `CREATE TABLE t (a)`)
	for name, content := range map[string]string{"empty": "", "short": "SQLite", "text": "SQLite format 4\x00 and more of it"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]bool{"yes": true, "empty": false, "short": false, "text": false} {
		if got, err := IsSQLite(filepath.Join(dir, name)); got != want || err != nil {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := IsSQLite(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

// BenchmarkForeignScan reads 16 columns of text, as PromptMemoryEntries has.
func BenchmarkForeignScan(b *testing.B) {
	path := filepath.Join(b.TempDir(), "big.db")
	db, err := sql.Open("sqlite3", path+"?_journal_mode=OFF&_synchronous=OFF")
	if err != nil {
		b.Fatal(err)
	}
	columns := make([]string, 16)
	for i := range columns {
		columns[i] = fmt.Sprintf("c%d", i)
	}
	const rows = 300_000
	value := strings.Repeat("some text of a prompt ", 2)
	for _, statement := range []string{
		"CREATE TABLE t (" + strings.Join(columns, " TEXT, ") + " TEXT)",
		fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO t SELECT %s i FROM n`, rows, strings.Repeat("'"+value+"' || i, ", 15)),
	} {
		if _, err := db.Exec(statement); err != nil {
			b.Fatal(err)
		}
	}
	db.Close()
	info, _ := os.Stat(path)
	begin := time.Now()
	opened, err := ForeignOpener{StagingDir: b.TempDir()}.OpenForeign(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	defer opened.Close()
	b.Logf("opened %d MB in %v", info.Size()>>20, time.Since(begin))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := opened.Scan(b.Context(), "t", columns, func(row []sql.NullString) error { n += len(row); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n/16)/b.Elapsed().Seconds(), "rows/s")
}

func open(t *testing.T, path string) storage.Foreign {
	t.Helper()
	opened, err := ForeignOpener{StagingDir: filepath.Join(t.TempDir(), "staging")}.OpenForeign(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { opened.Close() })
	return opened
}

// scan writes rows as "a b|c d", NULL as "-".
func scan(t *testing.T, opened storage.Foreign, table string, columns ...string) string {
	t.Helper()
	var rows []string
	err := opened.Scan(t.Context(), table, columns, func(row []sql.NullString) error {
		values := make([]string, len(row))
		for i, value := range row {
			values[i] = "-"
			if value.Valid {
				values[i] = value.String
			}
		}
		rows = append(rows, strings.Join(values, " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(rows, "|")
}
