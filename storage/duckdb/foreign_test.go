package duckdb

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// makeFile runs statements in a plain DuckDB, as another program would.
func makeFile(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func scanAll(t *testing.T, f storage.Foreign, table string, columns ...string) (all [][]sql.NullString) {
	t.Helper()
	err := f.Scan(t.Context(), table, columns, func(row []sql.NullString) error {
		all = append(all, slices.Clone(row))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestForeignFileIsReadAsText(t *testing.T) {
	r := newRegistry(t, Options{})
	path := filepath.Join(t.TempDir(), "f.db")
	makeFile(t, path,
		`CREATE TABLE "we ""ird; t" (id UUID, "a ""b" TEXT, l TEXT[], j JSON, ts TIMESTAMP, f FLOAT[], n INTEGER)`,
		`INSERT INTO "we ""ird; t" VALUES ('6f9619ff-8b86-d011-b42d-00c04fc964ff', 'x', ['p', 'q, r'], '{"k": [1]}',
			'2025-01-02 03:04:05.6', [1.5, 2], NULL)`,
		"CREATE TABLE empty (a INTEGER)")
	f, err := r.OpenForeign(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if len(f.Tables()) != 2 || f.Tables()[1].Rows != 1 {
		t.Fatalf("tables %v", f.Tables())
	}
	table := f.Tables()[1]
	rows := scanAll(t, f, table.Name, table.Columns...)
	got := ""
	for _, value := range rows[0][:6] {
		got += value.String + "|"
	}
	want := `6f9619ff-8b86-d011-b42d-00c04fc964ff|x|[p, 'q, r']|{"k": [1]}|2025-01-02 03:04:05.6|[1.5, 2.0]|`
	if got != want || rows[0][6].Valid {
		t.Errorf("got %s, want %s", got, want)
	}
	if rows := scanAll(t, f, "empty", "a"); rows != nil {
		t.Errorf("the empty table has %v", rows)
	}
	if err := f.Scan(t.Context(), "sqlite_master", []string{"name"}, nil); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("a table that is not listed: %v", err)
	}
	if err := f.Scan(t.Context(), "empty", []string{`a" FROM x; --`}, nil); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("a column that is not listed: %v", err)
	}
}

func TestForeignScanKeepsTheOrderAndEndsWithItsContext(t *testing.T) {
	r := newRegistry(t, Options{})
	path := filepath.Join(t.TempDir(), "f.db")
	const rows = 10 * scanRows
	makeFile(t, path,
		fmt.Sprintf("CREATE TABLE t AS SELECT i FROM range(%d) s(i)", rows),
		"DELETE FROM t WHERE i % 7 = 3",
		"CREATE TABLE named AS SELECT 5 AS rowid, i FROM range(3000) s(i)")
	f, err := r.OpenForeign(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want := 0
	for _, row := range scanAll(t, f, "t", "i") {
		if want%7 == 3 {
			want++
		}
		if row[0].String != fmt.Sprint(want) {
			t.Fatalf("row %s instead of %d", row[0].String, want)
		}
		want++
	}
	if want != rows {
		t.Errorf("the scan ended at %d", want)
	}
	if rows := scanAll(t, f, "named", "rowid", "i"); len(rows) != 3000 {
		t.Errorf("%d rows of a table with a column rowid", len(rows))
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = f.Scan(ctx, "t", []string{"i"}, func([]sql.NullString) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled scan ends with %v", err)
	}
	stop := errors.New("stop")
	if err := f.Scan(t.Context(), "t", []string{"i"}, func([]sql.NullString) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("fn's error became %v", err)
	}
}

func TestHostileFileLeaksNothing(t *testing.T) {
	dir := t.TempDir()
	r := newRegistry(t, Options{Dir: dir})
	const secret = "the other user's prompt"
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	other := newEngine(t, r, "other.db", "w1")
	write(t, other, "INSERT INTO memory_labels (owner_id, key, value) VALUES ('w1', 'k', $1)", secret)

	path := filepath.Join(t.TempDir(), "hostile.db")
	makeFile(t, path,
		"CREATE VIEW PromptMemoryEntries AS SELECT content AS original_value FROM read_text("+literal(filepath.Join(dir, "secret"))+")",
		"CREATE MACRO upper(x) AS 'hijacked'",
		"CREATE MACRO contains(a, b) AS error('hijacked')",
		"CREATE MACRO count(x) AS error('hijacked')",
		`CREATE TABLE t (a INTEGER, g TEXT GENERATED ALWAYS AS (current_setting('allowed_directories')::TEXT),
			d TEXT DEFAULT current_setting('memory_limit'))`,
		"INSERT INTO t (a) VALUES (1)",
		"CREATE TABLE duckdb_tables (x INTEGER)",
		"CREATE SCHEMA hidden", "CREATE TABLE hidden.h (x INTEGER)")
	f, err := r.OpenForeign(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := fmt.Sprint(f.Tables()); got != "[{duckdb_tables [x] 0} {t [a] 1}]" {
		t.Errorf("tables %s", got)
	}
	for table, column := range map[string]string{"PromptMemoryEntries": "original_value", "t": "g"} {
		if err := f.Scan(t.Context(), table, []string{column}, func(row []sql.NullString) error {
			t.Errorf("%s gave %q", table, row[0].String)
			return nil
		}); err == nil {
			t.Errorf("%s.%s was scanned", table, column)
		}
	}
	// Even a statement that we never make stays inside: an instance of its own, whose
	// only folder is gone.
	db := f.(*foreign).db
	for _, statement := range []string{
		"SELECT * FROM " + foreignCatalog + ".main.PromptMemoryEntries",
		"SELECT * FROM " + identifier(other.(*engine).attachment.alias) + ".main.memory_labels",
		"ATTACH " + literal(filepath.Join(dir, "other.db")) + " AS other (READ_ONLY)",
	} {
		if rows, err := db.QueryContext(t.Context(), statement); err == nil {
			rows.Close()
			t.Errorf("%s was allowed", statement)
		}
	}
}

func TestForeignLogIsTakenIn(t *testing.T) {
	r := newRegistry(t, Options{})
	dir := t.TempDir()
	path := filepath.Join(dir, "f.db")
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"CREATE TABLE t (a INTEGER)", "CHECKPOINT", "INSERT INTO t VALUES (7)"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	killed := filepath.Join(dir, "killed.db")
	for _, suffix := range []string{"", ".wal"} {
		content, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(killed+suffix, content, 0o400)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	before := [2][]byte{read(t, killed), read(t, killed+".wal")}
	f, err := r.OpenForeign(t.Context(), killed)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows := scanAll(t, f, "t", "a"); len(rows) != 1 || rows[0][0].String != "7" {
		t.Errorf("rows %v", rows)
	}
	if !bytes.Equal(before[0], read(t, killed)) || !bytes.Equal(before[1], read(t, killed+".wal")) {
		t.Error("the source was changed")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestStagedCopyHasNoNameLeft(t *testing.T) {
	r := newRegistry(t, Options{})
	path := filepath.Join(t.TempDir(), "f.db")
	makeFile(t, path, "CREATE TABLE t AS SELECT 'sk-credential' AS a")
	f, err := r.OpenForeign(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	left := func() (names []string) {
		filepath.WalkDir(filepath.Join(r.dir, cacheDir), func(path string, entry fs.DirEntry, _ error) error {
			if entry != nil && !entry.IsDir() || strings.Contains(path, stagingPrefix) {
				names = append(names, path)
			}
			return nil
		})
		return names
	}
	if names := left(); names != nil {
		t.Errorf("while open: %v", names)
	}
	if rows := scanAll(t, f, "t", "a"); rows[0][0].String != "sk-credential" {
		t.Errorf("rows %v", rows)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.OpenForeign(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if names := left(); names != nil {
		t.Errorf("afterwards: %v", names)
	}
}

func TestForeignFileThatCannotBeReadSaysWhy(t *testing.T) {
	r := newRegistry(t, Options{})
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	makeFile(t, good, "CREATE TABLE t AS SELECT i, repeat('text', 50) || i AS s FROM range(20000) r(i)")
	content := read(t, good)
	file := func(name string, change func(b []byte) []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, change(bytes.Clone(content)), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct{ path, want string }{
		{filepath.Join(dir, "missing.db"), "does not exist"},
		{dir, "not a regular file"},
		{file("empty.db", func([]byte) []byte { return nil }), "too short (0 bytes)"},
		{file("text.db", func([]byte) []byte { return bytes.Repeat([]byte("text"), 1000) }), "not a DuckDB file"},
		{file("newer.db", func(b []byte) []byte { b[12] = 200; return b }), "newer than"},
		{file("encrypted.db", func(b []byte) []byte { b[20] |= encryptedFlag; return b }), "encrypted"},
		{file("short.db", func(b []byte) []byte { return b[:5000] }), "corrupt"},
		{file("header.db", func(b []byte) []byte { b[90] ^= 0xff; return b }), "corrupt"},
	} {
		f, err := r.OpenForeign(t.Context(), test.path)
		if err == nil {
			f.Close()
		}
		if storage.CodeOf(err) != storage.CodeBadInput || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", filepath.Base(test.path), err, test.want)
		}
	}
}

// TestCorruptFileEndsInAnError changes bytes all over a file: DuckDB's checksums turn
// that into an error, never into other values, and the other stores work on.
func TestCorruptFileEndsInAnError(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	makeFile(t, good, "CREATE TABLE t AS SELECT i, md5(CAST(i AS VARCHAR)) || repeat('x', 30) AS s FROM range(20000) r(i)")
	content := read(t, good)
	readAll := func(b []byte) (text string, err error) {
		path := filepath.Join(dir, "bad.db")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := r.OpenForeign(t.Context(), path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		var all strings.Builder
		for _, table := range f.Tables() {
			if err := f.Scan(t.Context(), table.Name, table.Columns, func(row []sql.NullString) error {
				fmt.Fprint(&all, row)
				return nil
			}); err != nil {
				return "", err
			}
		}
		return all.String(), nil
	}
	want, err := readAll(content)
	if err != nil || want == "" {
		t.Fatal(err)
	}
	failed := 0
	for i := range 40 {
		bad := bytes.Clone(content)
		bad[(i*7919*31)%len(bad)] ^= 0x10
		got, err := readAll(bad)
		if err != nil {
			failed++
			if storage.CodeOf(err) != storage.CodeBadInput {
				t.Errorf("flip %d: %v", i, err)
			}
		} else if got != want {
			t.Errorf("flip %d changed what is read", i)
		}
	}
	for i := range 10 {
		if _, err := readAll(content[:len(content)*i/10]); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("cut at %d/10: %v", i, err)
		}
	}
	if failed == 0 {
		t.Error("no flipped byte was noticed")
	}
	write(t, e, addLabel, "still works")
}

func TestFileInUseByAnotherProgramIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f.db")
	makeFile(t, path, "CREATE TABLE t (a INTEGER)")
	held := exec.CommandContext(t.Context(), os.Args[0])
	held.Env = append(os.Environ(), holdFile+"="+path)
	stdin, err := held.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 1)); err != nil { // it has the file open
		t.Fatal(err)
	}
	r := newRegistry(t, Options{Dir: dir})
	want := fmt.Sprintf("process %d", held.Process.Pid)
	if _, err := r.OpenForeign(t.Context(), path); storage.CodeOf(err) != storage.CodeConflict || !strings.Contains(err.Error(), want) {
		t.Errorf("as a foreign file: %v, want %s", err, want)
	}
	if _, err := r.Engine(t.Context(), "f.db", "w1"); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("as a store: %v", err)
	}
	stdin.Close()
	if err := held.Wait(); err != nil {
		t.Fatal(err)
	}
	f, err := r.OpenForeign(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}

func TestOpenStoreIsNotAForeignFile(t *testing.T) {
	r := newRegistry(t, Options{})
	newEngine(t, r, "a.db", "w1")
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(filepath.Join(r.dir, "a.db"), link); err != nil {
		t.Fatal(err)
	}
	if _, err := r.OpenForeign(t.Context(), link); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("opened: %v", err)
	}
}
