package duckdb

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/userstore"
)

// withMigrations is the real migrations and more.
func withMigrations(t *testing.T, more map[string]string) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	names, err := fs.Glob(userstore.Migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		content, err := fs.ReadFile(userstore.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: content}
	}
	for name, text := range more {
		all["migrations/"+name] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text + "\n-- +goose Down\nSELECT 1;\n")}
	}
	return all
}

func newRegistryOf(t *testing.T, options Options, migrations fs.FS) *Registry {
	t.Helper()
	r, err := open(t.Context(), options, migrations)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// storeWithLabel makes a store of the present version and returns its path.
func storeWithLabel(t *testing.T, dir string) string {
	t.Helper()
	r, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Engine(t.Context(), "a.db", "w1")
	if err != nil {
		t.Fatal(err)
	}
	write(t, e, addLabel, "kept")
	if err := errors.Join(e.Close(), r.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "a.db")
}

func TestOlderFileIsBackedUpAndMigrated(t *testing.T) {
	dir := t.TempDir()
	path := storeWithLabel(t, dir)
	before := read(t, path)
	backups := 0
	r := newRegistryOf(t, Options{Dir: dir, Backup: func(_ context.Context, file string) error {
		backups++
		if file != path || !bytes.Equal(read(t, file), before) {
			t.Errorf("the backup is of %s, or after the migration", file)
		}
		return nil
	}}, withMigrations(t, map[string]string{"90000_more.sql": "CREATE TABLE more (a BIGINT);"}))
	for range 2 {
		e := newEngine(t, r, "a.db", "w1")
		if n := count(t, e, "SELECT count(*) FROM more"); n != 0 {
			t.Error("the new table is not there")
		}
		if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != 1 {
			t.Errorf("%d labels", n)
		}
		if err := errors.Join(e.Close(), r.Detach(t.Context(), "a.db")); err != nil {
			t.Fatal(err)
		}
	}
	if backups != 1 {
		t.Errorf("%d backups", backups)
	}
}

func TestFailingMigrationLeavesTheFileAsItWas(t *testing.T) {
	dir := t.TempDir()
	path := storeWithLabel(t, dir)
	before := read(t, path)
	bad := newRegistryOf(t, Options{Dir: dir}, withMigrations(t, map[string]string{
		"90000_good.sql": "CREATE TABLE more (a BIGINT); DELETE FROM memory_labels;",
		"90001_bad.sql":  "CREATE TABLE even_more (a BIGINT); DROP TABLE nothing_of_that_name;",
	}))
	for _, file := range []string{"a.db", "new.db"} {
		if _, err := bad.Engine(t.Context(), file, "w1"); err == nil || !strings.Contains(err.Error(), "nothing_of_that_name") {
			t.Errorf("%s: %v", file, err)
		}
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the file was changed")
	}
	refused := newRegistryOf(t, Options{Dir: dir, Backup: func(context.Context, string) error {
		return errors.New("no room for a backup")
	}}, withMigrations(t, map[string]string{"90000_more.sql": "CREATE TABLE more (a BIGINT);"}))
	if _, err := refused.Engine(t.Context(), "a.db", "w1"); err == nil || !strings.Contains(err.Error(), "no room") {
		t.Errorf("without a backup: %v", err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("the file was changed without a backup")
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !entry.IsDir() && entry.Name() != "a.db" {
			t.Errorf("%s was left behind", entry.Name())
		}
	}
	good := newRegistry(t, Options{Dir: dir})
	if n := count(t, newEngine(t, good, "a.db", "w1"), "SELECT count(*) FROM memory_labels"); n != 1 {
		t.Errorf("%d labels", n)
	}
}

func TestNewerFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	newer := newRegistryOf(t, Options{Dir: dir}, withMigrations(t, map[string]string{
		"90000_more.sql": "CREATE TABLE more (a BIGINT);",
	}))
	e := newEngine(t, newer, "a.db", "w1")
	if err := errors.Join(e.Close(), newer.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	before := read(t, filepath.Join(dir, "a.db"))
	r := newRegistry(t, Options{Dir: dir})
	_, err := r.Engine(t.Context(), "a.db", "w1")
	if storage.CodeOf(err) != storage.CodeConflict || !strings.Contains(err.Error(), "version 90000") ||
		!strings.Contains(err.Error(), "update the program") {
		t.Errorf("opened, or said %v", err)
	}
	if !bytes.Equal(before, read(t, filepath.Join(dir, "a.db"))) {
		t.Error("the file was changed")
	}
}

func TestLogOfAKilledProcessIsTakenIn(t *testing.T) {
	dir, killed := t.TempDir(), t.TempDir()
	r := newRegistry(t, Options{Dir: dir})
	e := newEngine(t, r, "a.db", "w1")
	write(t, e, addLabel, "in the log")
	for _, name := range []string{"a.db", "a.db.wal"} {
		if err := os.WriteFile(filepath.Join(killed, name), read(t, filepath.Join(dir, name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// The tables are the same, so only the row shows whether the log was read.
	for _, migrations := range []fs.FS{
		userstore.Migrations,
		withMigrations(t, map[string]string{"90000_more.sql": "CREATE TABLE more (a BIGINT);"}),
	} {
		again := newRegistryOf(t, Options{Dir: killed}, migrations)
		e := newEngine(t, again, "a.db", "w1")
		if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != 1 {
			t.Errorf("%d labels", n)
		}
		if err := errors.Join(e.Close(), again.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Remove(filepath.Join(killed, "a.db")),
		os.WriteFile(filepath.Join(killed, "a.db.wal"), []byte("rows"), 0o600)); err != nil {
		t.Fatal(err)
	}
	again := newRegistry(t, Options{Dir: killed})
	if _, err := again.Engine(t.Context(), "a.db", "w1"); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("a log without its file: %v", err)
	}
}

func TestOriginalFileIsUpgradedFirst(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pyrit.db")
	makeFile(t, path, "CREATE TABLE PromptMemoryEntries (id UUID)", "INSERT INTO PromptMemoryEntries VALUES (uuid())")
	before := read(t, path)

	without := newRegistry(t, Options{Dir: dir})
	if _, err := without.Engine(t.Context(), "pyrit.db", "w1"); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("without an upgrade: %v", err)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Error("looking at the file changed it")
	}

	var r *Registry
	r = newRegistry(t, Options{Dir: dir, Upgrade: func(ctx context.Context, file string) error {
		if file != path {
			t.Errorf("upgrade of %s", file)
		}
		f, err := r.OpenForeign(ctx, file)
		if err != nil {
			return err
		}
		defer f.Close()
		e, err := r.Engine(ctx, "upgraded.db", "w1")
		if err != nil {
			return err
		}
		write(t, e, addLabel, f.Tables()[0].Name)
		if err := errors.Join(e.Close(), r.Detach(ctx, "upgraded.db")); err != nil {
			return err
		}
		return os.Rename(filepath.Join(dir, "upgraded.db"), file)
	}})
	e := newEngine(t, r, "pyrit.db", "w1")
	if n := count(t, e, "SELECT count(*) FROM memory_labels WHERE key = 'PromptMemoryEntries'"); n != 1 {
		t.Error("the upgraded store is not there")
	}
}

func TestFilesThatAreNoStoresAreRefused(t *testing.T) {
	dir := t.TempDir()
	makeFile(t, filepath.Join(dir, "other.db"), "CREATE TABLE sales (a INTEGER)")
	makeFile(t, filepath.Join(dir, "blank.db"), "SELECT 1")
	if err := os.WriteFile(filepath.Join(dir, "text.db"), bytes.Repeat([]byte("text"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRegistry(t, Options{Dir: dir})
	for file, want := range map[string]string{"other.db": "sales", "text.db": "not a DuckDB file"} {
		before := read(t, filepath.Join(dir, file))
		if _, err := r.Engine(t.Context(), file, "w1"); storage.CodeOf(err) != storage.CodeBadInput || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", file, err)
		}
		if !bytes.Equal(before, read(t, filepath.Join(dir, file))) {
			t.Errorf("%s was changed", file)
		}
	}
	newEngine(t, r, "blank.db", "w1")
}

func TestCopyIsWholeAndKeepsTheLock(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	restored := t.TempDir()
	for i := range 2 {
		write(t, e, addLabel, "a row in the log")
		var copied bytes.Buffer
		if err := r.Copy(t.Context(), e, &copied); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(restored, "a.db"), copied.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		again := newRegistry(t, Options{Dir: restored})
		copyEngine := newEngine(t, again, "a.db", "w1")
		if n := count(t, copyEngine, "SELECT count(*) FROM memory_labels"); n != i+1 {
			t.Errorf("the copy has %d rows of %d", n, i+1)
		}
		if err := errors.Join(copyEngine.Close(), again.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if err := tryHold(filepath.Join(r.dir, "a.db")); err == nil {
		t.Error("another process could open the store after the copy")
	}
	if err := r.Checkpoint(t.Context(), e); err != nil {
		t.Error(err)
	}
}
