package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// prepare leaves a file of the newest version and of the right owner at the path. New and
// older files are worked on beside it and renamed into place, so that a failure or a
// crash leaves what was there, byte by byte.
func (r *Registry) prepare(ctx context.Context, a *attachment) error {
	path, owner := a.path, a.owner
	found, err := r.inspect(ctx, path)
	if err != nil {
		return err
	}
	if found.original {
		if r.options.Upgrade == nil {
			return storage.BadInput("file", "%s is a file of the original ViolentUTF or of PyRIT 0.9; import it",
				filepath.Base(path))
		}
		a.upgrading.Store(true)
		err := r.options.Upgrade(ctx, path)
		a.upgrading.Store(false)
		if err != nil {
			return fmt.Errorf("upgrade %s: %w", filepath.Base(path), err)
		}
		if found, err = r.inspect(ctx, path); err != nil {
			return err
		}
		if found.absent || found.original {
			return fmt.Errorf("upgrade %s: it left no store there", filepath.Base(path))
		}
	}
	if found.version > r.version {
		return storage.Errorf(storage.CodeConflict,
			"the store %s has version %d, this program knows versions up to %d; update the program",
			filepath.Base(path), found.version, r.version)
	}
	if i := slices.IndexFunc(found.owners, func(o string) bool { return o != owner }); i >= 0 {
		return storage.Errorf(storage.CodeConflict, "the store %s belongs to another workspace (%s)",
			filepath.Base(path), found.owners[i])
	}
	if found.version == r.version && len(found.owners) > 0 {
		return nil
	}
	return r.renew(ctx, path, owner, found)
}

// contents is what a file turned out to be.
type contents struct {
	absent   bool
	original bool
	version  int64 // of the migrations; 0 for an absent or empty file
	owners   []string
}

// inspect looks into a file without changing it.
func (r *Registry) inspect(ctx context.Context, path string) (found contents, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(path + ".wal"); err == nil {
			return found, storage.Errorf(storage.CodeConflict,
				"%s is missing, but its log %[1]s.wal is there; put the file back or move the log away", filepath.Base(path))
		}
		return contents{absent: true}, nil
	}
	if err := checkHeader(path, filepath.Base(path)); err != nil {
		return found, err
	}
	alias := "inspect_" + randomName()
	if err := r.attach(ctx, path, alias, "READ_ONLY"); err != nil {
		return found, err
	}
	defer func() {
		err = errors.Join(err, r.detachAlias(context.WithoutCancel(ctx), alias))
	}()
	return r.look(ctx, path, alias)
}

// look tells what is in an attached file.
func (r *Registry) look(ctx context.Context, path, alias string) (found contents, err error) {
	// Looking for the one table first is quick: duckdb_tables() reads the catalogs
	// of every attached file.
	err = r.admin.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+
		identifier(alias)+".main."+versionTable).Scan(&found.version)
	switch {
	case err == nil:
		found.owners, err = r.owners(ctx, alias)
		return found, err
	case !strings.Contains(err.Error(), "does not exist"):
		return found, fmt.Errorf("inspect %s: %w", filepath.Base(path), err)
	}
	tables, err := texts(r.admin.QueryContext(ctx,
		"SELECT table_name FROM duckdb_tables() WHERE database_name = $1", alias))
	if err != nil {
		return found, fmt.Errorf("inspect %s: %w", filepath.Base(path), err)
	}
	found.original = slices.Contains(tables, "PromptMemoryEntries") || slices.Contains(tables, "generators")
	if len(tables) > 0 && !found.original {
		return found, storage.BadInput("file",
			"%s is a DuckDB file, but neither a store of this program nor one of the original ViolentUTF or PyRIT 0.9 (its tables: %s)",
			filepath.Base(path), strings.Join(tables[:min(len(tables), 5)], ", "))
	}
	return found, nil
}

func (r *Registry) owners(ctx context.Context, alias string) ([]string, error) {
	owners, err := texts(r.admin.QueryContext(ctx, "SELECT owner_id FROM "+identifier(alias)+".main.store_info"))
	if err != nil && strings.Contains(err.Error(), "does not exist") {
		return nil, nil
	}
	return owners, err
}

// renew makes or migrates the file in a copy and puts that in its place.
func (r *Registry) renew(ctx context.Context, path, owner string, found contents) (err error) {
	work := path + ".new"
	for _, leftover := range []string{work, work + ".wal"} {
		if err := os.Remove(leftover); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	defer func() {
		if err != nil {
			os.Remove(work)
			os.Remove(work + ".wal")
		}
	}()
	if !found.absent {
		if err := r.foldLog(ctx, path); err != nil {
			return err
		}
		if r.options.Backup != nil && found.version > 0 && found.version < r.version {
			if err := r.options.Backup(ctx, path); err != nil {
				return fmt.Errorf("back up %s before migrating it: %w", filepath.Base(path), err)
			}
		}
		if err := copyFile(ctx, path, work); err != nil {
			return err
		}
		r.options.Log.InfoContext(ctx, "migrate a store", "owner", owner, "from", found.version, "to", r.version)
	}
	alias := "renew_" + randomName()
	if err := r.attach(ctx, work, alias, rowGroup); err != nil {
		return err
	}
	if err = r.migrate(ctx, &attachment{alias: alias}, owner); err == nil {
		err = r.settle(ctx, alias)
	}
	if err = errors.Join(err, r.detachAlias(context.WithoutCancel(ctx), alias)); err != nil {
		return fmt.Errorf("migrate %s to version %d: %w", filepath.Base(path), r.version, err)
	}
	if _, err := os.Stat(work + ".wal"); err == nil {
		return fmt.Errorf("migrate %s: DuckDB left a log behind", filepath.Base(path))
	}
	if err := os.Chmod(work, 0o600); err != nil {
		return err
	}
	return os.Rename(work, path)
}

// foldLog writes a log that a killed process left into its file.
func (r *Registry) foldLog(ctx context.Context, path string) error {
	if _, err := os.Stat(path + ".wal"); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	alias := "fold_" + randomName()
	if err := r.attach(ctx, path, alias, rowGroup); err != nil {
		return err
	}
	return errors.Join(r.settle(ctx, alias), r.detachAlias(context.WithoutCancel(ctx), alias))
}

// settle writes a file's log into it. Detaching alone leaves the log behind while a
// look at another file's tables, which reads every catalog, holds this one.
func (r *Registry) settle(ctx context.Context, alias string) error {
	return patiently(ctx, "Cannot CHECKPOINT", func() error {
		_, err := r.admin.ExecContext(ctx, "CHECKPOINT "+identifier(alias))
		return err
	})
}

// patiently tries again for five seconds while the error says that others are in the
// way.
func patiently(ctx context.Context, inTheWay string, try func() error) error {
	for deadline := time.Now().Add(5 * time.Second); ; {
		err := try()
		if err == nil || !strings.Contains(err.Error(), inTheWay) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// copyFile copies a file to a new one with mode 0600, onto the disk.
func copyFile(ctx context.Context, from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := copyStream(ctx, out, in); err != nil {
		return err
	}
	return out.Sync()
}

// copyStream is io.Copy that ends when ctx does.
func copyStream(ctx context.Context, to io.Writer, from io.Reader) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.CopyN(to, from, 4<<20); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// texts reads a result of one text column.
func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}
