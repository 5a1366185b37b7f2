package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/violentutf/violentutf/storage"
)

// snapshot copies the database at source, as its last commit left it, to target, a
// new file of mode 0600. It writes nothing beside the source, unless the source has
// a write-ahead log already.
func snapshot(ctx context.Context, source, target string, wait time.Duration) error {
	name := filepath.Base(source)
	parameters, err := howToRead(source)
	if err != nil {
		return err
	}
	from, err := lockSource(ctx, source, parameters, wait)
	if err != nil {
		return refusal(name, err)
	}
	defer from.Close()
	before, err := os.Stat(source)
	if err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	if err := checkLength(ctx, from, source, before); err != nil {
		return refusal(name, err)
	}
	if hasLog(source) {
		err = copyPages(ctx, from, target)
	} else {
		err = copyBytes(ctx, source, target)
	}
	if err != nil {
		return refusal(name, err)
	}
	// Without a log, nobody can have written under our lock. But a lock of ours ends
	// when this process closes the same file elsewhere, and an immutable source has none.
	after, err := os.Stat(source)
	if err != nil {
		return fmt.Errorf("copy %s: %w", name, err)
	}
	if !hasLog(source) && (after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime())) ||
		parameters["immutable"] != "" && hasLog(source) {
		return refused(name, "was changed while it was read: try again")
	}
	return nil
}

// howToRead refuses what SQLite would take for a database, or misname, and chooses
// the parameters of the connection.
func howToRead(source string) (map[string]string, error) {
	name := filepath.Base(source)
	info, err := os.Stat(source)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, refused(name, "does not exist: check the path")
	case errors.Is(err, fs.ErrPermission):
		return nil, refused(name, "cannot be read: give this user the permission")
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", name, err)
	case !info.Mode().IsRegular():
		return nil, refused(name, "is not a file: name the database file itself")
	case info.Size() == 0:
		return nil, refused(name, "is empty (0 bytes), so its program has stored nothing in it: choose another file")
	}
	parameters := map[string]string{"mode": "ro"}
	if hasLog(source) {
		return parameters, nil
	}
	header, err := readHeader(source)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, refused(name, "cannot be read: give this user the permission")
	case err != nil:
		return nil, fmt.Errorf("look at %s: %w", name, err)
	case string(header[:len(magic)]) != magic:
		return nil, refused(name, notDatabase)
	case header[19] > 2: // the version needed for reading; 1 is rollback, 2 is WAL
		return nil, refused(name, "has a newer format (%d) than this program's SQLite reads: update violentutf, or copy it with its own program's VACUUM INTO", header[19])
	case header[19] == 2:
		// In WAL mode and in nobody's use, since there is no log. A reader would make
		// one, and could not remove it or, in a folder without permission, not make it.
		parameters["immutable"] = "1"
	}
	return parameters, nil
}

func hasLog(source string) bool {
	_, err := os.Stat(source + "-wal")
	return err == nil
}

// lockSource opens the source and begins to read, so that no later commit is seen.
// SQLite's own waiting does not end with a context, so it waits in short turns.
func lockSource(ctx context.Context, source string, parameters map[string]string, wait time.Duration) (*sqlite3.SQLiteConn, error) {
	const turn = 50 * time.Millisecond
	parameters["_busy_timeout"] = strconv.Itoa(int(turn / time.Millisecond))
	for deadline := time.Now().Add(wait); ; {
		conn, err := connect(source, parameters)
		if err == nil {
			// Reading the version begins the transaction, and looks at nothing else.
			if _, err = number(ctx, conn, "BEGIN; PRAGMA schema_version"); err == nil {
				return conn, nil
			}
			conn.Close()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !isBusy(err) || time.Now().After(deadline) {
			return nil, err
		}
	}
}

// checkLength finds a file whose end is missing: SQLite itself overlooks the loss of
// less than a page. With a log, the file may be shorter than the database.
func checkLength(ctx context.Context, conn *sqlite3.SQLiteConn, source string, info fs.FileInfo) error {
	if hasLog(source) {
		return nil
	}
	pages, err := number(ctx, conn, "PRAGMA page_count")
	if err != nil {
		return err
	}
	size, err := number(ctx, conn, "PRAGMA page_size")
	if err != nil {
		return err
	}
	if info.Size() < pages*size {
		return sqlite3.Error{Code: sqlite3.ErrCorrupt}
	}
	return nil
}

// copyBytes copies a file that is the whole database, five times as fast as pages.
// Our lock keeps writers from it until the source is closed here, which ends the lock.
func copyBytes(ctx context.Context, source, target string) (err error) {
	from, err := os.Open(source)
	if err != nil {
		return fmt.Errorf("stage a copy: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("stage a copy: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(to, from, 64<<20); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("stage a copy: %w", err)
		}
	}
}

// pagesAtOnce is copied between two looks at the context: 4 MB with usual pages.
const pagesAtOnce = 1024

func copyPages(ctx context.Context, from *sqlite3.SQLiteConn, target string) (err error) {
	file, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("stage a copy: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("stage a copy: %w", err)
	}
	// A copy that a crash cuts off is thrown away, so it needs no journal.
	to, err := connect(target, map[string]string{"_journal_mode": "OFF", "_synchronous": "OFF"})
	if err != nil {
		return fmt.Errorf("stage a copy: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	backup, err := to.Backup("main", from, "main")
	if err != nil {
		return fmt.Errorf("stage a copy: %w", err)
	}
	defer func() {
		if closeErr := backup.Close(); err == nil {
			err = closeErr // otherwise it repeats the error of the step
		}
	}()
	for remaining := -1; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		done, err := backup.Step(pagesAtOnce)
		if done || err != nil {
			return err
		}
		// The driver does not tell a lock from progress.
		if now := backup.Remaining(); now == remaining {
			return sqlite3.Error{Code: sqlite3.ErrBusy}
		} else {
			remaining = now
		}
	}
}

// connect opens a connection of its own, outside of any pool.
func connect(path string, parameters map[string]string) (*sqlite3.SQLiteConn, error) {
	uri, err := dsn(path, parameters)
	if err != nil {
		return nil, err
	}
	conn, err := (&sqlite3.SQLiteDriver{}).Open(uri)
	if err != nil {
		return nil, err
	}
	return conn.(*sqlite3.SQLiteConn), nil
}

// number runs statements of which the last gives one number.
func number(ctx context.Context, conn *sqlite3.SQLiteConn, statements string) (int64, error) {
	rows, err := conn.QueryContext(ctx, statements, nil)
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

const notDatabase = "is not a SQLite database, or it is encrypted: choose a SQLite file, or decrypt it with the program that made it"

// refusal turns an error of SQLite about a foreign file into one that says what is
// wrong with the file and what to do; others it returns as they are.
func refusal(name string, err error) error {
	var failure sqlite3.Error
	if !errors.As(err, &failure) {
		return err
	}
	// Some ways give an extended code, whose low byte is the code.
	switch sqlite3.ErrNo(int(failure.Code) & 0xff) {
	case sqlite3.ErrNotADB:
		return refused(name, notDatabase)
	case sqlite3.ErrCorrupt, sqlite3.ErrFormat, sqlite3.ErrError:
		return refused(name, "is damaged: restore a copy, or run `sqlite3 %s .recover` and import what that gives (%w)", name, err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked, sqlite3.ErrProtocol:
		return refused(name, "is in use by another process: close it and try again")
	case sqlite3.ErrReadonly, sqlite3.ErrCantOpen:
		return refused(name, "was not closed by its program, and what that left beside it cannot be read here: open it once with its program, or copy it with the files named %s-* to a folder that this user may write (%w)", name, err)
	case sqlite3.ErrTooBig:
		return refused(name, "has a value of more than %d MB: shorten or remove it", maxValueBytes>>20)
	case sqlite3.ErrAuth:
		return refused(name, "has a table that is none: it may be made to mislead; do not trust it (%w)", err)
	case sqlite3.ErrInterrupt:
		return context.Canceled
	}
	return fmt.Errorf("read %s: %w", name, err)
}

// refused is a CodeBadInput about a file, by its name alone: a server's folders are
// nobody's business.
func refused(name, format string, args ...any) error {
	err := storage.Errorf(storage.CodeBadInput, format, args...)
	err.Message = name + " " + err.Message
	return err
}

func isBusy(err error) bool {
	var failure sqlite3.Error
	if !errors.As(err, &failure) {
		return false
	}
	code := sqlite3.ErrNo(int(failure.Code) & 0xff)
	return code == sqlite3.ErrBusy || code == sqlite3.ErrLocked || code == sqlite3.ErrProtocol
}
