package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/userstore"
)

func newRegistry(t *testing.T, options Options) *Registry {
	t.Helper()
	if options.Dir == "" {
		options.Dir = t.TempDir()
	}
	r, err := Open(t.Context(), options)
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

func newEngine(t *testing.T, r *Registry, file, owner string) userstore.Engine {
	t.Helper()
	e, err := r.Engine(t.Context(), file, owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func write(t *testing.T, e userstore.Engine, statement string, args ...any) {
	t.Helper()
	err := e.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, statement, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, e userstore.Engine, query string, args ...any) (n int) {
	t.Helper()
	if err := e.Read().QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

const addLabel = "INSERT INTO memory_labels (owner_id, key, value) VALUES ('w1', $1, 'v')"

func TestInstanceReachesOnlyTheDataFolder(t *testing.T) {
	r := newRegistry(t, Options{})
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("not yours"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, r, "a.db", "w1")
	for _, statement := range []string{
		"SELECT content FROM read_text(" + literal(outside) + ")",
		"COPY (SELECT 1) TO " + literal(outside),
		"INSTALL httpfs",
		"LOAD httpfs",
		"SET threads = 1",
		"ATTACH " + literal(outside+".db"),
	} {
		if _, err := r.admin.ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%s was allowed", statement)
		}
	}
	if _, err := e.Read().ExecContext(t.Context(), "SELECT content FROM read_text("+literal(outside)+")"); err == nil {
		t.Error("a store's connection read a file outside")
	}
}

func TestNewStoreIsPrivateAndHasItsRow(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "users/a/store.db", "w1")
	var owner, key string
	var revision, next int64
	if err := e.Read().QueryRow("SELECT owner_id, id_key, revision, next_attack_no FROM store_info").
		Scan(&owner, &key, &revision, &next); err != nil {
		t.Fatal(err)
	}
	if owner != "w1" || len(key) != 16 || revision != 1 || next != 1 {
		t.Errorf("store_info has %q %q %d %d", owner, key, revision, next)
	}
	for path, mode := range map[string]os.FileMode{"users": 0o700, "users/a": 0o700, "users/a/store.db": 0o600} {
		info, err := os.Stat(filepath.Join(r.dir, path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
	}
	if n, err := e.Bytes(t.Context()); err != nil || n == 0 {
		t.Errorf("Bytes: %d, %v", n, err)
	}
}

func TestStoreKeepsItsRowsAcrossProcesses(t *testing.T) {
	dir := t.TempDir()
	var keys [2]string
	for i := range keys {
		r := newRegistry(t, Options{Dir: dir})
		e := newEngine(t, r, "a.db", "w1")
		write(t, e, addLabel, fmt.Sprint(i))
		if err := e.Read().QueryRow("SELECT id_key FROM store_info").Scan(&keys[i]); err != nil {
			t.Fatal(err)
		}
		if got := count(t, e, "SELECT count(*) FROM memory_labels"); got != i+1 {
			t.Errorf("%d labels in round %d", got, i)
		}
		if err := errors.Join(e.Close(), r.Close(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if keys[0] != keys[1] {
		t.Errorf("the store's key changed from %s to %s", keys[0], keys[1])
	}
}

func TestSameFileIsAttachedOnce(t *testing.T) {
	r := newRegistry(t, Options{})
	var group sync.WaitGroup
	engines := make([]userstore.Engine, 16)
	for i := range engines {
		group.Go(func() {
			var err error
			if engines[i], err = r.Engine(t.Context(), "a.db", "w1"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, e := range engines {
		if e.(*engine).attachment != engines[0].(*engine).attachment {
			t.Error("two attachments of one file")
		}
		e.Close()
		e.Close() // does not count twice
	}
	if refs := engines[0].(*engine).attachment.refs; refs != 0 {
		t.Errorf("%d references are left", refs)
	}
}

func TestUnqualifiedNamesMeanTheOwnStore(t *testing.T) {
	r := newRegistry(t, Options{})
	one, two := newEngine(t, r, "1.db", "w1"), newEngine(t, r, "2.db", "w2")
	write(t, one, "CREATE TABLE secret_of_one AS SELECT 1 AS a")
	if _, err := two.Read().Query("SELECT * FROM secret_of_one"); err == nil {
		t.Error("another store's table is visible")
	}
	write(t, one, addLabel, "a")
	if n := count(t, two, "SELECT count(*) FROM memory_labels"); n != 0 {
		t.Errorf("%d rows of another store", n)
	}
	for _, statement := range []string{
		"USE memory", " set schema = 'memory'", "SELECT 1; USE memory", "ATTACH ':memory:' AS x", "DETACH x",
	} {
		if _, err := two.Read().ExecContext(t.Context(), statement); err == nil {
			t.Errorf("%q was allowed", statement)
		}
	}
	if n := count(t, two, "SELECT count(*) FROM store_info WHERE owner_id = 'w2'"); n != 1 {
		t.Error("the connection is in another catalog")
	}
}

func TestFileOfAnotherWorkspaceIsRefused(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	if _, err := r.Engine(t.Context(), "a.db", "w2"); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("while it is open: %v", err)
	}
	if err := errors.Join(e.Close(), r.Detach(t.Context(), "a.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Engine(t.Context(), "a.db", "w2"); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("from the disk: %v", err)
	}
}

func TestPathsOutOfTheDataFolderAreRefused(t *testing.T) {
	r := newRegistry(t, Options{})
	outside := t.TempDir()
	if err := errors.Join(
		os.Symlink(outside, filepath.Join(r.dir, "link")),
		os.Symlink(filepath.Join(outside, "x.db"), filepath.Join(r.dir, "x.db")),
		os.WriteFile(filepath.Join(outside, "x.db"), nil, 0o600),
	); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"../a.db", "/a.db", "link/a.db", "link/sub/a.db", "x.db", ""} {
		if _, err := r.Engine(t.Context(), file, "w1"); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestWritersWaitForEachOther(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			err := e.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, "UPDATE store_info SET revision = revision + 1")
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := count(t, e, "SELECT revision FROM store_info"); n != 21 {
		t.Errorf("revision %d after 20 transactions", n)
	}
}

func TestWriterGivesUpWaitingWithItsContext(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	ctx, cancel := context.WithCancel(t.Context())
	err := e.WithTx(t.Context(), func(context.Context, *sql.Tx) error {
		cancel()
		return e.WithTx(ctx, func(context.Context, *sql.Tx) error { return nil })
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the second writer ended with %v", err)
	}
}

func TestReadersRunBesideTheWriter(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	err := e.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, addLabel, "a"); err != nil {
			return err
		}
		if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != 0 {
			t.Errorf("a reader sees %d uncommitted rows", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != 1 {
		t.Errorf("%d rows after the commit", n)
	}
}

func TestCommitAfterAStatementErrorStoresNothing(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	for name, spoil := range map[string]func(ctx context.Context, tx *sql.Tx) error{
		"fn fails": func(context.Context, *sql.Tx) error { return errors.New("no") },
		"statement error overlooked": func(ctx context.Context, tx *sql.Tx) error {
			tx.ExecContext(ctx, "INSERT INTO store_info SELECT * FROM store_info")
			return nil
		},
		"bad statement overlooked": func(ctx context.Context, tx *sql.Tx) error {
			tx.ExecContext(ctx, "SELECT nonsense")
			return nil
		},
		"prepared statement error overlooked": func(ctx context.Context, tx *sql.Tx) error {
			s, err := tx.PrepareContext(ctx, "SELECT CAST($1 AS BIGINT)")
			if err != nil {
				return err
			}
			defer s.Close()
			s.ExecContext(ctx, "word")
			return nil
		},
	} {
		err := e.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, addLabel, name); err != nil {
				return err
			}
			return spoil(ctx, tx)
		})
		if err == nil {
			t.Errorf("%s: committed without an error", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := e.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, addLabel, "canceled")
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	func() {
		defer func() { recover() }()
		e.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			tx.ExecContext(ctx, addLabel, "panic")
			panic("in the middle")
		})
	}()
	if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != 0 {
		t.Errorf("%d rows were stored", n)
	}
	write(t, e, addLabel, "well")
	if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != 1 {
		t.Errorf("%d rows after a good transaction", n)
	}
}

func TestNullInListIsAnErrorNotAPanic(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	text := "a"
	for _, list := range []any{[]any{"a", nil}, []*string{&text, nil}} {
		if _, err := e.Read().Query("SELECT unnest($1::TEXT[])", list); !errors.Is(err, errNullInList) {
			t.Errorf("%T: %v", list, err)
		}
	}
	if n := count(t, e, "SELECT count(*) FROM (SELECT unnest($1::TEXT[]))", []string{"a", "b"}); n != 2 {
		t.Errorf("a good list has %d elements", n)
	}
}

func TestIdleFilesAreDetachedOldestFirstAndNeverInUse(t *testing.T) {
	r := newRegistry(t, Options{MaxAttached: 2})
	used := newEngine(t, r, "used.db", "w1")
	for i := range 4 {
		e := newEngine(t, r, fmt.Sprintf("%d.db", i), fmt.Sprint(i))
		e.Close()
	}
	r.mu.Lock()
	n, last := len(r.attached), r.attached[filepath.Join(r.dir, "3.db")]
	r.mu.Unlock()
	if n != 2 || last == nil {
		t.Errorf("%d files are attached, the newest: %v", n, last)
	}
	if n := count(t, used, "SELECT count(*) FROM store_info"); n != 1 {
		t.Error("a file in use is gone")
	}
	if err := r.Detach(t.Context(), "used.db"); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("Detach of a file in use: %v", err)
	}
	again := newEngine(t, r, "0.db", "0")
	if n := count(t, again, "SELECT count(*) FROM store_info"); n != 1 {
		t.Error("a detached file does not come back")
	}
}

func TestManyOpenersAndEvictionsKeepTheirRows(t *testing.T) {
	r := newRegistry(t, Options{MaxAttached: 2})
	const files, rounds = 6, 8
	var group sync.WaitGroup
	for i := range files * 2 {
		group.Go(func() {
			for range rounds {
				e, err := r.Engine(t.Context(), fmt.Sprintf("%d.db", i%files), fmt.Sprint(i%files))
				if err != nil {
					t.Error(err)
					return
				}
				if err := e.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
					_, err := tx.ExecContext(ctx, addLabel, "k")
					return err
				}); err != nil {
					t.Error(err)
				}
				e.Close()
			}
		})
	}
	group.Wait()
	for i := range files {
		e := newEngine(t, r, fmt.Sprintf("%d.db", i), fmt.Sprint(i))
		if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != 2*rounds {
			t.Errorf("file %d has %d rows", i, n)
		}
		e.Close()
	}
}

// BenchmarkNewStore makes a user's store: its time is mostly the disk's.
func BenchmarkNewStore(b *testing.B) {
	r, err := Open(b.Context(), Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close(context.Background())
	for i := 0; b.Loop(); i++ {
		e, err := r.Engine(b.Context(), fmt.Sprintf("users/%d.db", i), fmt.Sprint(i))
		if err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
}

// BenchmarkOpenStore attaches a store that exists, and detaches another for it.
func BenchmarkOpenStore(b *testing.B) {
	r, err := Open(b.Context(), Options{Dir: b.TempDir(), MaxAttached: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close(context.Background())
	visit := func(i int) {
		e, err := r.Engine(b.Context(), fmt.Sprintf("%d.db", i%5), fmt.Sprint(i%5))
		if err != nil {
			b.Fatal(err)
		}
		e.Close()
	}
	for i := range 5 {
		visit(i)
	}
	for i := 0; b.Loop(); i++ {
		visit(i)
	}
}

func TestKilledProcessLeavesNoCopies(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, cacheDir, stagingPrefix+"1")
	spilled := filepath.Join(dir, cacheDir, "tmp", "duckdb_temp_storage_S32K-0.tmp")
	if err := errors.Join(
		os.MkdirAll(left, 0o700), os.WriteFile(filepath.Join(left, "data.db"), []byte("secret"), 0o600),
		os.MkdirAll(filepath.Dir(spilled), 0o700), os.WriteFile(spilled, []byte("secret"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
	newRegistry(t, Options{Dir: dir})
	for _, path := range []string{left, spilled} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", filepath.Base(path), err)
		}
	}
}

func TestTemporaryFilesStayInTheDataFolder(t *testing.T) {
	_, err := Open(t.Context(), Options{Dir: t.TempDir(), TempDir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "must be in the data folder") {
		t.Errorf("another folder: %v", err)
	}
}
