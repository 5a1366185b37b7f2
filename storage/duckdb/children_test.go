package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// The test binary started with one of these does that instead of testing.
const (
	holdFile    = "TEST_HOLD_FILE"     // keep this DuckDB file open until stdin ends
	fullDiskDir = "TEST_FULL_DISK_DIR" // run out of disk in this data folder
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(holdFile) != "":
		err = hold(os.Getenv(holdFile))
	case os.Getenv(fullDiskDir) != "":
		err = fillDisk(os.Getenv(fullDiskDir))
	default:
		goleak.VerifyTestMain(m)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hold(path string) error {
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Ping(); err != nil {
		return err
	}
	fmt.Print("x")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// fillDisk lets the system refuse to let files grow, which is what a full disk looks
// like to DuckDB, and lifts that again.
func fillDisk(dir string) error {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	r, err := Open(ctx, Options{Dir: dir})
	if err != nil {
		return err
	}
	defer r.Close(ctx)
	other, err := r.Engine(ctx, "other.db", "w2")
	if err != nil {
		return err
	}
	defer other.Close()
	e, err := r.Engine(ctx, "a.db", "w1")
	if err != nil {
		return err
	}
	add := func(rows int) error {
		return e.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO memory_labels (owner_id, key, value)
				SELECT 'w1', CAST(random() AS VARCHAR), CAST(random() AS VARCHAR) FROM range($1)`, rows)
			return err
		})
	}
	if err := add(200_000); err != nil {
		return err
	}
	if err := r.Checkpoint(ctx, e); err != nil {
		return err
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	was := limit.Cur
	info, err := os.Stat(filepath.Join(dir, "a.db"))
	if err != nil {
		return err
	}
	limit.Cur = uint64(info.Size())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	// The log still has room, the file soon has not: it may have free blocks at first.
	stored := 200_000
	var full error
	for range 50 {
		if err := add(20_000); err != nil { // less than a row group, which a commit writes to the file at once
			return err
		}
		stored += 20_000
		if full = r.Checkpoint(ctx, e); full != nil {
			break
		}
	}
	fmt.Println("full:", full)
	if full == nil {
		return fmt.Errorf("the disk never ran full")
	}
	fmt.Println("after it:", add(1))
	limit.Cur = was
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	if !e.(*engine).attachment.broken.Load() {
		return fmt.Errorf("the registry does not know that the store is invalid")
	}
	defer e.Close() // somebody still holds the invalid one
	if e, err = r.Engine(ctx, "a.db", "w1"); err != nil {
		return fmt.Errorf("open it again: %w", err)
	}
	defer e.Close()
	var n int
	if err := e.Read().QueryRow("SELECT count(*) FROM memory_labels").Scan(&n); err != nil {
		return err
	}
	if n != stored {
		return fmt.Errorf("%d rows of %d committed ones are there", n, stored)
	}
	if err := add(1); err != nil {
		return fmt.Errorf("write after opening it again: %w", err)
	}
	return other.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE store_info SET revision = revision + 1")
		return err
	})
}

func TestFullDiskLosesNoCommittedRow(t *testing.T) {
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), fullDiskDir+"="+t.TempDir())
	output, err := child.CombinedOutput()
	t.Logf("%s", output)
	if err != nil {
		t.Error(err)
	}
}

// tryHold opens a file in another process and closes it again.
func tryHold(path string) error {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), holdFile+"="+path)
	return child.Run()
}
