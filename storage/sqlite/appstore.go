package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/appstore"
)

// Option changes how OpenAppStore works.
type Option func(*opening)

// WithBackups names the folder of the copies made before migrations; it is backups
// beside the app store otherwise.
func WithBackups(dir string) Option {
	return func(o *opening) { o.backups = dir }
}

// WithStore hands options on to the store that is opened.
func WithStore(options ...appstore.Option) Option {
	return func(o *opening) { o.store = append(o.store, options...) }
}

// OpenAppStore opens the app store at path and makes it when there is none. An older
// one is copied to backups/violentutf_api-<version>-<time>.db and migrated, all the
// way or not at all. CodeConflict for one that is newer than this program, and for a
// database of another program: both are left as they are. Only the owner of the data
// folder may call it.
func OpenAppStore(ctx context.Context, path string, options ...Option) (*appstore.Store, error) {
	o := &opening{path: path, backups: filepath.Join(filepath.Dir(path), "backups"), migrations: appstore.Migrations, now: time.Now}
	for _, option := range options {
		option(o)
	}
	if err := o.prepare(ctx); err != nil {
		return nil, fmt.Errorf("open app store %s: %w", path, err)
	}
	pool, err := openPool(path)
	if err != nil {
		return nil, fmt.Errorf("open app store %s: %w", path, err)
	}
	return appstore.New(pool, o.store...), nil
}

// opening is one call of OpenAppStore.
type opening struct {
	path, backups string
	migrations    fs.FS
	now           func() time.Time
	store         []appstore.Option
}

// prepare brings the file to the newest version.
func (o *opening) prepare(ctx context.Context) error {
	if err := keepPrivate(o.path); err != nil {
		return err
	}
	newest, err := o.newest()
	if err != nil {
		return err
	}
	db, err := openDB(o.path, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	version, err := versionOf(ctx, db)
	switch {
	case err != nil:
		return err
	case version > newest:
		return storage.Errorf(storage.CodeConflict,
			"its schema has version %d, this program knows versions up to %d: use a newer violentutf, or restore a backup. The file was not changed",
			version, newest)
	case version == newest:
		return nil
	case version == 0: // nothing to lose: it is made beside the path as well, so that a crash leaves no half of it
		return o.migrateCopy(ctx, db)
	}
	backup := filepath.Join(o.backups, fmt.Sprintf("violentutf_api-%d-%s.db", version, o.now().UTC().Format("20060102T150405.000Z")))
	if err := os.MkdirAll(o.backups, 0o700); err != nil {
		return fmt.Errorf("back up before migrating: %w", err)
	}
	if err := copyInto(ctx, db, backup); err != nil {
		return fmt.Errorf("back up before migrating: %w", err)
	}
	return o.migrateCopy(ctx, db)
}

// migrateCopy migrates a copy and puts it in the file's place. Goose commits each
// migration by itself; when the second of two fails, the file must not stay between
// two programs' versions.
func (o *opening) migrateCopy(ctx context.Context, db *sql.DB) error {
	migrated := o.path + ".migrating"
	if err := removeDatabase(migrated); err != nil { // a crash left it
		return err
	}
	defer removeDatabase(migrated)
	if err := copyInto(ctx, db, migrated); err != nil {
		return err
	}
	if err := o.migrate(ctx, migrated); err != nil {
		return err
	}
	if err := syncFile(migrated); err != nil {
		return err
	}
	if err := db.Close(); err != nil { // empties and removes the log
		return err
	}
	if info, err := os.Stat(o.path + "-wal"); err == nil && info.Size() > 0 {
		return fmt.Errorf("%s-wal is in use by another process: close that and start again", o.path)
	}
	if err := os.Rename(migrated, o.path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(o.path))
}

func (o *opening) migrate(ctx context.Context, path string) error {
	db, err := openDB(path, map[string]string{"_txlock": "immediate"})
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	provider, err := o.provider(db)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate (the app store was not changed): %w", err)
	}
	return db.Close()
}

// newest is the version that this program's migrations lead to.
func (o *opening) newest() (int64, error) {
	entries, err := fs.Glob(o.migrations, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, entry := range entries {
		version, err := goose.NumericComponent(entry)
		if err != nil {
			return 0, err
		}
		newest = max(newest, version)
	}
	return newest, nil
}

func (o *opening) provider(db *sql.DB) (*goose.Provider, error) {
	folder, err := fs.Sub(o.migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, folder,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// versionOf reads the version without making goose's table: 0 for an empty database.
func versionOf(ctx context.Context, db *sql.DB) (int64, error) {
	var tables, ours int64
	if err := db.QueryRowContext(ctx, `
		SELECT count(*), count(*) FILTER (WHERE name = 'goose_db_version')
		FROM sqlite_schema`).Scan(&tables, &ours); err != nil {
		return 0, err
	}
	if ours == 0 {
		if tables > 0 {
			return 0, storage.Errorf(storage.CodeConflict,
				"it is a database of another program, perhaps of the original ViolentUTF: move it away and start again. The file was not changed")
		}
		return 0, nil
	}
	var version int64
	err := db.QueryRowContext(ctx, `
		SELECT COALESCE(max(version_id), 0)
		FROM goose_db_version
		WHERE is_applied`).Scan(&version)
	return version, err
}

// copyInto writes a compact copy, which must not exist yet, with mode 0600.
func copyInto(ctx context.Context, db *sql.DB, path string) error {
	// SQLite would make it readable to others; it fills an existing empty file.
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?1`, path); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return syncFile(path)
}

// keepPrivate makes the file when there is none; either way only its owner may read it.
func keepPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(file.Chmod(0o600), file.Close())
}

func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
