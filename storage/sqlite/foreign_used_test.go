package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// TestMain lets the test binary be another process that uses a database: it opens the
// file, runs the statements, says so, and holds the connection until its standard
// input ends.
func TestMain(m *testing.M) {
	if path := os.Getenv("SQLITE_TEST_HOLD"); path != "" {
		if err := hold(path, strings.Split(os.Getenv("SQLITE_TEST_STATEMENTS"), "\n")); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func hold(path string, statements []string) error {
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	for _, statement := range statements {
		if _, err := db.Exec(statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	fmt.Println("holding")
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return err
}

func TestForeignSeesOnlyCommittedRowsOfADatabaseInUse(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE"} {
		path := filepath.Join(t.TempDir(), "used.db")
		otherProcess(t, path, "PRAGMA journal_mode = "+mode,
			`CREATE TABLE t (a TEXT)`, `INSERT INTO t VALUES ('committed')`,
			`BEGIN IMMEDIATE`, `INSERT INTO t VALUES ('uncommitted')`)
		opened := open(t, path)
		if got := scan(t, opened, "t", "a"); got != "committed" {
			t.Errorf("%s: %q", mode, got)
		}
	}
}

func TestForeignWaitsForALockAndGivesUp(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE"} {
		path := filepath.Join(t.TempDir(), "locked.db")
		release := otherProcess(t, path, "PRAGMA journal_mode = "+mode, "PRAGMA locking_mode = EXCLUSIVE",
			`CREATE TABLE t (a TEXT)`, `INSERT INTO t VALUES ('x')`, `BEGIN EXCLUSIVE`)
		opener := ForeignOpener{StagingDir: t.TempDir(), Wait: 100 * time.Millisecond}
		_, err := opener.OpenForeign(t.Context(), path)
		if storage.CodeOf(err) != storage.CodeBadInput || !strings.Contains(fmt.Sprint(err), "in use by another process") {
			t.Errorf("%s, locked: %v", mode, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := (ForeignOpener{StagingDir: t.TempDir(), Wait: time.Hour}).OpenForeign(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s, waiting: %v", mode, err)
		}
		release()
		opened, err := opener.OpenForeign(t.Context(), path)
		if err != nil {
			t.Fatalf("%s, released: %v", mode, err)
		}
		opened.Close()
	}
}

// otherProcess runs statements on a database in a process that keeps it open until
// release or the end of the test.
func otherProcess(t *testing.T, path string, statements ...string) (release func()) {
	t.Helper()
	holder := exec.Command(os.Args[0])
	holder.Env = append(slices.Clone(os.Environ()), "SQLITE_TEST_HOLD="+path, "SQLITE_TEST_STATEMENTS="+strings.Join(statements, "\n"))
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	released := false
	release = func() {
		if !released {
			released = true
			stdin.Close()
			holder.Wait()
		}
	}
	t.Cleanup(release)
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "holding\n" {
		t.Fatalf("the other process says %q", line)
	}
	return release
}
