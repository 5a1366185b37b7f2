package sqlite

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/appstore"
	"github.com/violentutf/violentutf/storage/storagetest"
)

func TestAppStore(t *testing.T) {
	storagetest.AppStore(t, func(t *testing.T) storage.AppStore {
		return openStore(t, filepath.Join(t.TempDir(), "app.db"))
	})
}

func TestAppStoreKeepsItsContent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "with ?#% in its name.db")
	store := openStore(t, path)
	user, _, err := store.EnsureUser(t.Context(), "alice", "a.db")
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	again, _, err := openStore(t, path).EnsureUser(t.Context(), "alice", "a.db")
	if err != nil || again.Key != user.Key {
		t.Errorf("%+v, %v; want key %s", again, err, user.Key)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) > 3 { // the database, -wal and -shm
		t.Errorf("left behind: %v", entries)
	}
}

func TestAppStoreIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	store := openStore(t, path)
	if _, _, err := store.EnsureUser(t.Context(), "alice", "a.db"); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", suffix, info, err)
		}
	}
}

func TestOlderAppStoreIsBackedUpAndMigrated(t *testing.T) {
	path := olderStore(t)
	store, err := OpenAppStore(t.Context(), path, withMigrations(added(`ALTER TABLE users ADD COLUMN nick TEXT;`)))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if users, err := store.Users(t.Context()); err != nil || len(users) != 1 {
		t.Errorf("users %v, %v", users, err)
	}
	backups, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "backups", "violentutf_api-*.db"))
	if len(backups) != 1 {
		t.Fatalf("backups: %v", backups)
	}
	if info, err := os.Stat(backups[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("backup: %v, %v", info, err)
	}
	old := openStore(t, backups[0])
	if users, err := old.Users(t.Context()); err != nil || len(users) != 1 {
		t.Errorf("users in the backup: %v, %v", users, err)
	}
}

// Users of version 1 whose names differ by case only are both kept.
func TestUsersOfVersionOneGetTheirNamesKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "violentutf_api.db")
	first, err := OpenAppStore(t.Context(), path, withMigrations(migrationFiles("migrations/00001_users_and_workspaces.sql")))
	if err != nil {
		t.Fatal(err)
	}
	first.Close()
	makeDatabase(t, path, `INSERT INTO users (id, username, roles, first_seen, last_seen, disabled)
		VALUES ('1', 'Alice', '[]', 0, 0, FALSE), ('2', 'alice', '[]', 0, 0, FALSE), ('3', 'bob', '[]', 0, 0, FALSE)`)
	store := openStore(t, path)
	for _, name := range []string{"Alice", "alice", "bob"} {
		if user, _, err := store.EnsureUser(t.Context(), name, name+".db"); err != nil || user.Username != name {
			t.Errorf("%s: %+v, %v", name, user, err)
		}
	}
	for _, name := range []string{"ALICE", "Bob"} {
		if _, _, err := store.EnsureUser(t.Context(), name, name+".db"); storage.CodeOf(err) != storage.CodeConflict {
			t.Errorf("%s beside the older users: %v", name, err)
		}
	}
}

// The first added migration succeeds and the second fails: the file must not stay between.
func TestFailingMigrationLeavesTheAppStoreAsItWas(t *testing.T) {
	path := olderStore(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	migrations := added(`ALTER TABLE users ADD COLUMN nick TEXT;`, `CREATE TABLE half (a TEXT); INSERT INTO nowhere VALUES (1);`)
	for range 2 {
		if store, err := OpenAppStore(t.Context(), path, withMigrations(migrations)); err == nil {
			store.Close()
			t.Fatal("the migration did not fail")
		}
	}
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file has changed, %v", err)
	}
	store := openStore(t, path)
	if users, err := store.Users(t.Context()); err != nil || len(users) != 1 {
		t.Errorf("users %v, %v", users, err)
	}
}

func TestNewerAppStoreIsRefused(t *testing.T) {
	path := olderStore(t)
	store, err := OpenAppStore(t.Context(), path, withMigrations(added(`CREATE TABLE later (a TEXT);`)))
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	before, _ := os.ReadFile(path)
	_, err = OpenAppStore(t.Context(), path)
	if storage.CodeOf(err) != storage.CodeConflict || !strings.Contains(err.Error(), "version 90002") {
		t.Errorf("newer file: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file has changed")
	}
}

func TestDatabaseOfAnotherProgramIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "violentutf_api.db")
	makeDatabase(t, path, `CREATE TABLE api_keys (id TEXT)`)
	before, _ := os.ReadFile(path)
	if _, err := OpenAppStore(t.Context(), path); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("another program's file: %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the file has changed")
	}
}

func TestTransactionRollsBackOnAStatementErrorThatIsIgnored(t *testing.T) {
	db, err := openPool(filepath.Join(t.TempDir(), "p.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(t.Context(), `CREATE TABLE t (a TEXT UNIQUE)`); err != nil {
		t.Fatal(err)
	}
	failed := errors.New("fn failed")
	for what, fn := range map[string]func(tx appstore.Runner) error{
		"statement": func(tx appstore.Runner) error {
			tx.Exec(t.Context(), `INSERT INTO t VALUES ('x')`)
			tx.Exec(t.Context(), `INSERT INTO t VALUES ('x')`)
			return nil
		},
		"fn": func(tx appstore.Runner) error {
			tx.Exec(t.Context(), `INSERT INTO t VALUES ('x')`)
			return failed
		},
	} {
		if err := db.WithTx(t.Context(), fn); err == nil {
			t.Errorf("%s: no error", what)
		}
		rows, err := db.Query(t.Context(), `SELECT a FROM t`)
		if err != nil {
			t.Fatal(err)
		}
		if rows.Next() {
			t.Errorf("%s: a row was stored", what)
		}
		rows.Close()
	}
}

// The driver binds $2 before $1 here as the first and the second value.
func TestParametersAreBoundByNumber(t *testing.T) {
	db, err := openPool(filepath.Join(t.TempDir(), "p.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(t.Context(), `SELECT $2, $1, '$1', $2 AS "$1"`, "one", "two")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var a, b, c, d string
	if !rows.Next() {
		t.Fatal(rows.Err())
	}
	if err := rows.Scan(&a, &b, &c, &d); err != nil || a != "two" || b != "one" || c != "$1" || d != "two" {
		t.Errorf("got %s, %s, %s, %s, %v", a, b, c, d, err)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	db, err := openPool(filepath.Join(t.TempDir(), "p.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(t.Context(), `CREATE TABLE t (a TEXT)`)
	if err == nil {
		rows.Close()
		t.Error("a reader made a table")
	}
}

// Two SQLite libraries in one process corrupt files: each ends the other's locks.
func TestOneSQLiteInTheProcess(t *testing.T) {
	list := exec.Command("go", "list", "-deps", "./...")
	list.Dir = filepath.Join("..", "..")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	deps, err := list.Output()
	// Packages that others are working on may not build; those that can be listed are.
	if len(deps) == 0 {
		t.Fatalf("go list: %v: %s", err, stderr.String())
	}
	for _, dep := range strings.Fields(string(deps)) {
		if strings.HasPrefix(dep, "modernc.org/sqlite") {
			t.Errorf("%s is in the program, besides github.com/mattn/go-sqlite3", dep)
		}
	}
	if !strings.Contains(string(deps), "github.com/mattn/go-sqlite3") {
		t.Error("go list did not list this package's dependencies")
	}
}

func openStore(t *testing.T, path string) *appstore.Store {
	t.Helper()
	store, err := OpenAppStore(t.Context(), path, WithStore(appstore.WithAuditKey([]byte("the audit key of tests"))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// olderStore is an app store without the added migrations, with one user.
func olderStore(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "violentutf_api.db")
	store, err := OpenAppStore(t.Context(), path, withMigrations(added()))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := store.EnsureUser(t.Context(), "alice", "a.db"); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func withMigrations(migrations fs.FS) Option {
	return func(o *opening) { o.migrations = migrations }
}

// added is every migration with others after it.
func added(ups ...string) fs.FS {
	files, err := fs.Glob(appstore.Migrations, "migrations/*.sql")
	if err != nil {
		panic(err)
	}
	all := migrationFiles(files...)
	for i, up := range ups {
		all["migrations/9000"+string(rune('2'+i))+"_added.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + up + "\n")}
	}
	return all
}

func migrationFiles(files ...string) fstest.MapFS {
	all := fstest.MapFS{}
	for _, file := range files {
		text, err := fs.ReadFile(appstore.Migrations, file)
		if err != nil {
			panic(err)
		}
		all[file] = &fstest.MapFile{Data: text}
	}
	return all
}

// makeDatabase makes a database as another program would.
func makeDatabase(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := openDB(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
