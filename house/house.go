// Package house opens a data folder and holds what belongs to it: its lock, the
// app store, the registry of user stores, the keys and the importer. The server
// and the commands that work without one share it, so that there is one way to a
// workspace's store.
package house

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/appstore"
	"github.com/violentutf/violentutf/storage/datadir"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/files"
	"github.com/violentutf/violentutf/storage/sqlite"
	"github.com/violentutf/violentutf/storage/userstore"
)

// Options of a data folder.
type Options struct {
	Dir         string
	Salt        string // of user stores' names; empty means datadir.DefaultSalt
	MemoryLimit string // DuckDB's, for the whole process; empty means its default
	Threads     int    // DuckDB's; 0 means one for each CPU
	Thrifty     bool   // duckdb.Options.Thrifty
	MasterKey   secret.MasterKey
	Log         *slog.Logger
}

// House is an open data folder. It is safe for concurrent use.
type House struct {
	Dir      string
	App      storage.AppStore
	Keeper   *secret.Keeper
	Importer *interop.Importer
	Files    *files.Folder

	salt   string
	log    *slog.Logger
	lock   *datadir.Lock
	app    *appstore.Store
	stores *duckdb.Registry
	upkeep *upkeep
	closed sync.Once

	transfers sync.Map // keys of users who copy or move
}

// Open takes the data folder, which it creates on first use. datadir.ErrLocked
// means that another process has it: ask that one over its control socket.
func Open(ctx context.Context, options Options) (_ *House, err error) {
	h := &House{Dir: options.Dir, salt: options.Salt, log: options.Log}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	if h.salt == "" {
		h.salt = datadir.DefaultSalt
		h.log.Warn("PYRIT_DB_SALT is not set: names of user stores use the original's default salt")
	}
	if h.lock, err = datadir.Acquire(options.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Close(context.WithoutCancel(ctx)))
		}
	}()
	if err := datadir.Layout(options.Dir); err != nil {
		return nil, err
	}
	// The registry names files by their resolved path.
	if h.Dir, err = filepath.Abs(options.Dir); err != nil {
		return nil, err
	}
	if h.Dir, err = filepath.EvalSymlinks(h.Dir); err != nil {
		return nil, err
	}
	options.Dir = h.Dir
	mended, err := datadir.KeepPrivate(h.Dir)
	if err != nil {
		return nil, err
	}
	if len(mended) > 0 {
		h.log.Warn("other users of the machine could reach files of the data folder: their rights are taken away", "files", mended)
	}
	if err := secret.Sweep(h.ConfigDir()); err != nil {
		return nil, err
	}
	if h.Keeper, err = secret.OpenKeeperWith(ctx, h.ConfigDir(), options.MasterKey); err != nil {
		return nil, err
	}
	audited := sqlite.WithStore(appstore.WithAuditKey(h.Keeper.Derive("audit log")))
	if h.app, err = sqlite.OpenAppStore(ctx, filepath.Join(options.Dir, datadir.AppStoreFile), audited); err != nil {
		return nil, err
	}
	h.App = h.app
	if h.stores, err = duckdb.Open(ctx, duckdb.Options{
		Dir: options.Dir, MemoryLimit: options.MemoryLimit, Threads: options.Threads, Thrifty: options.Thrifty, Log: h.log,
		Upgrade: h.upgrade, Backup: h.backup,
	}); err != nil {
		return nil, err
	}
	staging := sqlite.ForeignOpener{StagingDir: filepath.Join(options.Dir, "violentutf", "cache")}
	if h.Files, err = files.Open(h.Dir); err != nil {
		return nil, err
	}
	h.Importer = &interop.Importer{DuckDB: h.stores, Keeper: h.Keeper, Files: h.Files, SQLite: staging}
	if err := staging.Sweep(); err != nil {
		return nil, err
	}
	h.upkeep = startUpkeep(h)
	return h, nil
}

// ConfigDir holds the keys of the installation.
func (h *House) ConfigDir() string { return filepath.Join(h.Dir, "config") }

// Close gives everything back, once. Open stores are written out.
func (h *House) Close(ctx context.Context) (err error) {
	h.closed.Do(func() {
		var errs []error
		if h.upkeep != nil {
			h.upkeep.stop()
			errs = append(errs, h.app.Flush(ctx))
		}
		if h.stores != nil {
			errs = append(errs, h.stores.Close(ctx))
		}
		if h.app != nil {
			errs = append(errs, h.app.Close())
		}
		if h.Files != nil {
			errs = append(errs, h.Files.Close())
		}
		err = errors.Join(append(errs, h.lock.Unlock())...)
	})
	return err
}

// PersonalFile names a user's personal store, below the data folder.
func (h *House) PersonalFile(username string) string { return datadir.PersonalFile(h.salt, username) }

// SharedFile names a shared workspace's store, below the data folder.
func (h *House) SharedFile(workspaceKey string) string {
	return datadir.SharedFile(h.salt, workspaceKey)
}

// OpenWorkspace opens a workspace's store; the caller closes it. Whether the
// caller may is decided before.
func (h *House) OpenWorkspace(ctx context.Context, w *storage.Workspace) (storage.UserStore, error) {
	store, err := h.open(ctx, w.File, w.Key)
	if err != nil {
		return nil, err
	}
	if w.StoreKey != hex.EncodeToString([]byte(store.Key())) {
		if err := h.rememberUse(ctx, w.Key, store); err != nil {
			return nil, errors.Join(err, store.Close())
		}
	}
	return store, nil
}

// open opens the store in a file below the data folder; closing it gives the file
// back.
func (h *House) open(ctx context.Context, file, owner string) (*userstore.Store, error) {
	engine, err := h.stores.Engine(ctx, file, owner)
	if err != nil {
		return nil, err
	}
	store, err := userstore.New(ctx, engine, owner)
	if err != nil {
		return nil, errors.Join(err, engine.Close())
	}
	return store, nil
}

// rememberUse caches a store's key and size for lists that open no store.
func (h *House) rememberUse(ctx context.Context, workspace string, store storage.UserStore) error {
	use, err := store.StorageUse(ctx)
	if err != nil {
		return err
	}
	rows := int64(0)
	for _, table := range use.Tables {
		rows += table.Rows
	}
	return h.App.SetWorkspaceUse(ctx, workspace, hex.EncodeToString([]byte(store.Key())), use.Bytes, rows)
}

// personal returns a user's personal workspace, which is made on first use.
func (h *House) personal(ctx context.Context, username string) (*storage.Workspace, error) {
	if err := auth.ValidUsername(username); err != nil {
		return nil, storage.BadInput("user", "%v", err)
	}
	_, workspace, err := h.App.EnsureUser(ctx, username, h.PersonalFile(username))
	return workspace, err
}

// Personal opens a user's personal workspace, which is made on first use.
func (h *House) Personal(ctx context.Context, username string) (storage.UserStore, error) {
	workspace, err := h.personal(ctx, username)
	if err != nil {
		return nil, err
	}
	return h.OpenWorkspace(ctx, workspace)
}

// checkpoint writes a store's log into its file: until then DuckDB keeps what was
// imported, about 12 MB of a small file, in memory that it cannot give up, and
// twenty such stores would fill its limit. Failing is no loss: the log is there.
func (h *House) checkpoint(ctx context.Context, w *storage.Workspace) {
	engine, err := h.stores.Engine(ctx, w.File, w.Key)
	if err == nil {
		err = errors.Join(h.stores.Checkpoint(ctx, engine), engine.Close())
	}
	if err != nil {
		h.log.WarnContext(ctx, "checkpoint after an import", "workspace", w.Key, "error", err)
	}
}

// upgrade turns a file of the original at a store's path into ours: it is kept as
// an encrypted backup (it holds credentials in plain text), converted beside its
// place and swapped in by a rename.
func (h *House) upgrade(ctx context.Context, file string) error {
	relative, err := filepath.Rel(h.Dir, file)
	if err != nil {
		return err
	}
	workspace, err := h.workspaceOf(ctx, file)
	if err != nil {
		return err
	}
	backup, err := h.encryptedCopy(ctx, file)
	if err != nil {
		return err
	}
	converted := filepath.ToSlash(relative) + ".converting"
	if err := removeStore(filepath.Join(h.Dir, converted)); err != nil {
		return err
	}
	store, err := h.open(ctx, converted, workspace.Key)
	if err != nil {
		return err
	}
	imp, err := h.Importer.File(ctx, store, file, interop.Options{})
	if err = errors.Join(err, store.Close(), h.stores.Detach(context.WithoutCancel(ctx), converted)); err != nil {
		return errors.Join(err, removeStore(filepath.Join(h.Dir, converted)))
	}
	if err := os.Rename(filepath.Join(h.Dir, converted), file); err != nil {
		return err
	}
	if err := os.Remove(file + ".wal"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	h.log.InfoContext(ctx, "upgraded a file of the original", "file", relative, "backup", backup, "tables", len(imp.Tables))
	return nil
}

// workspaceOf finds the workspace whose store lies at a path.
func (h *House) workspaceOf(ctx context.Context, file string) (*storage.WorkspaceUse, error) {
	all, err := h.App.AllWorkspaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, workspace := range all {
		if filepath.Base(workspace.File) == filepath.Base(file) {
			return workspace, nil
		}
	}
	return nil, fmt.Errorf("no workspace has the file %s", filepath.Base(file))
}

// encryptedCopy keeps a file, encrypted to the backup key, in the backup folder.
// The log of an unfinished write belongs to the file and is kept beside it.
func (h *House) encryptedCopy(ctx context.Context, file string) (string, error) {
	stamp := time.Now().UTC().Format("20060102T150405.000000Z")
	backup := filepath.Join(h.Dir, datadir.BackupFolder, filepath.Base(file)+"."+stamp+".age")
	for suffix, required := range map[string]bool{"": true, ".wal": false} {
		in, err := os.Open(file + suffix)
		if errors.Is(err, os.ErrNotExist) && !required {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("back up before the upgrade: %w", err)
		}
		name := backup
		if suffix != "" {
			name = filepath.Join(h.Dir, datadir.BackupFolder, filepath.Base(file)+suffix+"."+stamp+".age")
		}
		err = errors.Join(h.Keeper.EncryptFile(ctx, name, in), in.Close())
		if err != nil {
			return "", fmt.Errorf("back up before the upgrade: %w", err)
		}
	}
	return backup, nil
}

// backup copies a store, which holds no plain credentials, before a migration.
func (h *House) backup(ctx context.Context, file string) error {
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	stamp := time.Now().UTC().Format("20060102T150405.000000Z")
	out, err := os.OpenFile(filepath.Join(h.Dir, datadir.BackupFolder, filepath.Base(file)+"."+stamp), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

func removeStore(path string) error {
	for _, suffix := range []string{"", ".wal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Check opens a workspace's store and tells what is wrong with its numbering,
// which no primary key guards in the large tables.
func (h *House) Check(ctx context.Context, w *storage.Workspace) ([]string, error) {
	store, err := h.open(ctx, w.File, w.Key)
	if err != nil {
		return nil, err
	}
	problems, err := store.Check(ctx)
	return problems, errors.Join(err, store.Close())
}
