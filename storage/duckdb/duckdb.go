// Package duckdb connects user stores to DuckDB: one instance for the whole
// process, one attached file for each workspace. It opens, migrates and bulk-loads
// files and knows no table but store_info; the SQL of a store is in userstore.
//
// Only the Registry opens files (architecture.md, rule 1): DuckDB's file locks
// belong to the process, so a second instance in it would open an attached file
// without complaint, and closing any other descriptor of such a file drops its lock.
package duckdb

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/violentutf/violentutf/storage/userstore"
)

// Options says where the files are and what the instance may use.
type Options struct {
	// Dir is the data folder, the only folder that DuckDB may touch.
	Dir string
	// MemoryLimit is DuckDB's size text for the whole process; default "256MB".
	MemoryLimit string
	// Threads of the instance; default one for each CPU.
	Threads int
	// Thrifty gives freed memory back at once, for the whole process: the peak of an
	// import is a quarter lower, a statement's time a little longer.
	Thrifty bool
	// TempDir takes what does not fit in memory. It must be in Dir; default
	// violentutf/cache/tmp.
	TempDir string
	// MaxAttached files stay open while idle; default 64. Files in use may be more.
	MaxAttached int
	// Log tells of migrations and files that had to be opened again; default none.
	Log *slog.Logger
	// Upgrade replaces a file of the original ViolentUTF or of PyRIT 0.9 by one of
	// our format at the same absolute path. The file is not attached meanwhile;
	// Upgrade may use the Registry for other files and must Detach the one that it
	// moves into place.
	Upgrade func(ctx context.Context, file string) error
	// Backup copies a file (absolute path, without a log, not attached) before it
	// is migrated from an older version.
	Backup func(ctx context.Context, file string) error
}

// Registry is the only opener of DuckDB files in the process.
type Registry struct {
	options    Options
	dir        string // absolute, without symbolic links
	root       *os.Root
	migrations fs.FS
	version    int64 // the newest of migrations

	instance *duckdb.Connector
	admin    *sql.DB // statements about files, in the instance's own empty database

	mu       sync.Mutex
	attached map[string]*attachment // by resolved path
	serial   int                    // makes every alias new
	closed   bool
}

// Open starts the instance, locks its settings down to Dir and removes what a
// killed process left in the cache.
func Open(ctx context.Context, options Options) (*Registry, error) {
	return open(ctx, options, userstore.Migrations)
}

func open(ctx context.Context, options Options, migrations fs.FS) (_ *Registry, err error) {
	options.MemoryLimit = cmp.Or(options.MemoryLimit, "256MB")
	options.Threads = cmp.Or(options.Threads, runtime.NumCPU())
	options.MaxAttached = cmp.Or(options.MaxAttached, 64)
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Thrifty {
		freeAtOnce()
	}
	r := &Registry{options: options, attached: map[string]*attachment{}}
	if r.migrations, r.version, err = newest(migrations); err != nil {
		return nil, fmt.Errorf("open DuckDB: %w", err)
	}
	if err := r.openDir(); err != nil {
		return nil, fmt.Errorf("open DuckDB: %w", err)
	}
	r.instance, r.admin, err = sandbox(ctx, r.dir, r.options.TempDir, options)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open DuckDB: %w", err), r.root.Close())
	}
	return r, nil
}

// cacheDir holds copies and spilled data, relative to the data folder.
const cacheDir = "violentutf/cache"

// stagingPrefix begins the name of a folder with the copy of a foreign file.
const stagingPrefix = "staging-"

// openDir resolves the data folder and empties the cache of a killed process.
func (r *Registry) openDir() error {
	dir, err := filepath.Abs(r.options.Dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if r.dir, err = filepath.EvalSymlinks(dir); err != nil {
		return err
	}
	r.options.TempDir = cmp.Or(r.options.TempDir, filepath.Join(r.dir, cacheDir, "tmp"))
	temp, err := filepath.Abs(r.options.TempDir)
	if err != nil {
		return err
	}
	if within(dir, temp) { // the same folder by its resolved name
		relative, _ := filepath.Rel(dir, temp)
		temp = filepath.Join(r.dir, relative)
	}
	if r.options.TempDir = temp; !within(r.dir, temp) {
		return fmt.Errorf("the folder for temporary files, %s, must be in the data folder %s", temp, r.dir)
	}
	if r.root, err = os.OpenRoot(r.dir); err != nil {
		return err
	}
	if err := r.clearCache(); err != nil {
		return errors.Join(fmt.Errorf("clear the cache: %w", err), r.root.Close())
	}
	return nil
}

func (r *Registry) clearCache() error {
	temp, err := filepath.Rel(r.dir, r.options.TempDir)
	if err != nil {
		return err
	}
	if err := r.root.MkdirAll(cacheDir, 0o700); err != nil {
		return err
	}
	if err := r.root.MkdirAll(temp, 0o700); err != nil {
		return err
	}
	for dir, prefix := range map[string]string{cacheDir: stagingPrefix, temp: "duckdb_temp_"} {
		entries, err := fs.ReadDir(r.root.FS(), filepath.ToSlash(dir))
		if err != nil {
			return err
		}
		for _, entry := range entries {
			if !strings.HasPrefix(entry.Name(), prefix) {
				continue
			}
			if err := r.root.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// sandbox starts an instance in memory that can reach files in dir only and loads
// no extensions. An empty temp keeps it from spilling to the disk.
func sandbox(ctx context.Context, dir, temp string, options Options) (*duckdb.Connector, *sql.DB, error) {
	instance, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, nil, err
	}
	admin := sql.OpenDB(instance)
	for _, statement := range []string{
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET allowed_directories = [" + literal(dir) + "]",
		"SET temp_directory = " + literal(temp),
		"SET memory_limit = " + literal(options.MemoryLimit),
		fmt.Sprintf("SET threads = %d", options.Threads),
		// Otherwise five row groups wait in memory to be written together.
		"SET write_buffer_row_group_count = 1",
		// For bulk.trim.
		"SET allowed_configs = ['memory_limit']",
		// Before the list of folders it would forbid setting the list.
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	} {
		if _, err := admin.ExecContext(ctx, statement); err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: %w", statement, err), admin.Close())
		}
	}
	return instance, admin, nil
}

// Close detaches every file, which writes their logs into them. Engines that are
// still open fail from then on.
func (r *Registry) Close(ctx context.Context) error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	all := make([]*attachment, 0, len(r.attached))
	for _, a := range r.attached {
		all = append(all, a)
	}
	clear(r.attached)
	r.mu.Unlock()

	var errs []error
	for _, a := range all {
		select {
		case <-a.opened:
			errs = append(errs, r.detach(ctx, a))
		case <-ctx.Done():
			errs = append(errs, ctx.Err())
		}
	}
	// The pool of the instance closes the instance with it.
	errs = append(errs, r.admin.Close(), r.root.Close())
	return errors.Join(errs...)
}

// within tells whether path is dir or below it, by name.
func within(dir, path string) bool {
	relative, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(relative)
}

// literal quotes text for a statement that takes no parameters.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// identifier quotes a name.
func identifier(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// randomName is 8 random bytes in hex.
func randomName() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
