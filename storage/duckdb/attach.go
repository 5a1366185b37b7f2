package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/userstore"
)

// attachment is one file in the instance. Its exported face is engine.
type attachment struct {
	path   string
	owner  string
	alias  string        // of the catalog, never used twice
	opened chan struct{} // closed when opening has ended, well or not
	err    error         // why opening failed; read after opened

	read  *sql.DB
	write *sql.DB
	gate  chan struct{} // holds one token: the writer's turn

	known userstore.Known

	broken    atomic.Bool // DuckDB has invalidated the database
	upgrading atomic.Bool // Options.Upgrade has the file, DuckDB has not
	refs      int         // guarded by Registry.mu, like used
	used      time.Time
	lock      *os.File // see Registry.Copy; nil until the first copy
}

// Engine attaches a file (relative to Dir) on first use, makes or migrates it, and
// counts the references to it until Close. CodeConflict: the file is newer than the
// program, holds another workspace, or is open in another program. CodeBadInput: the
// file leads out of Dir or is of no format that we know.
//
// An engine whose database was invalidated (a full disk) fails for good: close it
// and ask for it again.
func (r *Registry) Engine(ctx context.Context, file, owner string) (userstore.Engine, error) {
	path, err := r.resolve(file)
	if err != nil {
		return nil, err
	}
	for {
		a, mine, stale, err := r.claim(path, owner)
		if err != nil {
			return nil, err
		}
		if mine {
			a.err = r.openFile(ctx, a, stale)
			close(a.opened)
		}
		select {
		case <-a.opened:
		case <-ctx.Done():
			r.release(a)
			return nil, ctx.Err()
		}
		if a.err == nil {
			r.evict()
			return &engine{registry: r, attachment: a}, nil
		}
		r.forget(a)
		if !mine && isCanceled(a.err) {
			continue // whoever opened it gave up; we have not
		}
		return nil, a.err
	}
}

// resolve checks a path relative to Dir and returns it without symbolic links. The
// folders on the way are made.
func (r *Registry) resolve(file string) (string, error) {
	if !filepath.IsLocal(file) {
		return "", storage.BadInput("file", "the store's file %q is not a path within the data folder", file)
	}
	if parent := filepath.Dir(file); parent != "." {
		// os.Root refuses links that lead out.
		if err := r.root.MkdirAll(parent, 0o700); err != nil {
			return "", &storage.Error{
				Code: storage.CodeBadInput, Field: "file", Err: err,
				Message: fmt.Sprintf("the folder of the store's file %q cannot be made in the data folder", file),
			}
		}
	}
	path := filepath.Join(r.dir, file)
	parent, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", file, err)
	}
	path = filepath.Join(parent, filepath.Base(path))
	if _, err := os.Lstat(path); err == nil {
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return "", fmt.Errorf("resolve %s: %w", file, err)
		}
	}
	if !within(r.dir, path) {
		return "", storage.BadInput("file", "the store's file %q leads out of the data folder by a symbolic link", file)
	}
	return path, nil
}

// claim takes a reference to the file's attachment, or makes one that the caller
// has to open. stale is a broken attachment that has to make room first.
func (r *Registry) claim(path, owner string) (a *attachment, mine bool, stale *attachment, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, false, nil, errClosed
	}
	if a := r.attached[path]; a != nil && !a.broken.Load() {
		if a.owner != owner {
			return nil, false, nil, storage.Errorf(storage.CodeConflict,
				"the file %s is open as another workspace's store", filepath.Base(path))
		}
		a.refs++
		a.used = time.Now()
		return a, false, nil, nil
	} else if a != nil {
		stale = a
	}
	r.serial++
	a = &attachment{
		path: path, owner: owner, alias: fmt.Sprintf("u_%s_%d", owner, r.serial),
		opened: make(chan struct{}), gate: make(chan struct{}, 1), refs: 1, used: time.Now(),
	}
	r.attached[path] = a
	return a, true, stale, nil
}

var errClosed = errors.New("the DuckDB registry is closed")

// openFile makes the attachment usable, or leaves nothing behind.
func (r *Registry) openFile(ctx context.Context, a, stale *attachment) error {
	if stale != nil {
		r.options.Log.WarnContext(ctx, "DuckDB invalidated a store; it is opened again", "owner", a.owner)
		if err := r.detach(ctx, stale); err != nil {
			return err
		}
	}
	ready, err := r.attachReady(ctx, a)
	if err != nil {
		return err
	}
	if !ready {
		if err := r.prepare(ctx, a); err != nil {
			return err
		}
		if err := r.attach(ctx, a.path, a.alias, rowGroup); err != nil {
			return err
		}
	}
	a.read = sql.OpenDB(r.connector(a))
	a.read.SetMaxOpenConns(2 * r.options.Threads)
	a.read.SetMaxIdleConns(2 * r.options.Threads)
	a.write = sql.OpenDB(r.connector(a))
	a.write.SetMaxOpenConns(1)
	return nil
}

// attachReady attaches a file that needs nothing done, which nearly all are: loading
// a catalog takes DuckDB 5 ms, so it should not happen twice. Attaching and
// detaching changes no byte of a file without a log.
func (r *Registry) attachReady(ctx context.Context, a *attachment) (bool, error) {
	if _, err := os.Stat(a.path); err != nil {
		return false, nil // prepare makes it, or says why it cannot
	}
	if _, err := os.Stat(a.path + ".wal"); err == nil {
		return false, nil
	}
	if err := r.attach(ctx, a.path, a.alias, rowGroup); err != nil {
		return false, nil
	}
	found, err := r.look(ctx, a.path, a.alias)
	if err == nil && found.version == r.version && len(found.owners) == 1 && found.owners[0] == a.owner {
		return true, nil
	}
	return false, r.detachAlias(context.WithoutCancel(ctx), a.alias)
}

// rowGroup is how many rows DuckDB keeps one zone map for; its own default is
// 122,880. A page then reads a quarter as much, and a list whose order the rows have
// finds its end in the last group, for a file that is a twentieth larger.
const rowGroup = "ROW_GROUP_SIZE 32768"

// attach makes a file a catalog of the instance; option is of ATTACH.
func (r *Registry) attach(ctx context.Context, path, alias, option string) error {
	statement := "ATTACH " + literal(path) + " AS " + identifier(alias) + " (" + option + ")"
	// A detached file stays open until the last statement over it has ended.
	err := patiently(ctx, "already attached", func() error {
		_, err := r.admin.ExecContext(ctx, statement)
		return err
	})
	if err != nil && ctx.Err() == nil {
		return attachError(path, err)
	}
	return err
}

func attachError(path string, err error) error {
	name := filepath.Base(path)
	if strings.Contains(err.Error(), "Could not set lock") {
		return &storage.Error{
			Code: storage.CodeConflict, Err: err,
			Message: fmt.Sprintf("the file %s is open in another program; close that and try again", name),
		}
	}
	return fmt.Errorf("open %s: %w", name, err)
}

// detach closes an attachment's connections and takes it out of the instance,
// which writes its log into the file.
func (r *Registry) detach(ctx context.Context, a *attachment) error {
	if a.read == nil {
		return nil // it was never attached
	}
	errs := []error{a.read.Close(), a.write.Close()}
	// A caller who gives up must not leave a file without an owner behind.
	if err := r.detachAlias(context.WithoutCancel(ctx), a.alias); err != nil {
		errs = append(errs, err)
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Close())
	}
	return errors.Join(errs...)
}

func (r *Registry) detachAlias(ctx context.Context, alias string) error {
	if _, err := r.admin.ExecContext(ctx, "DETACH "+identifier(alias)); err != nil {
		return fmt.Errorf("detach: %w", err)
	}
	return nil
}

// Detach closes a file now instead of when others need its place, so that it can be
// moved or replaced. CodeConflict: somebody is using it.
func (r *Registry) Detach(ctx context.Context, file string) error {
	path, err := r.resolve(file)
	if err != nil {
		return err
	}
	r.mu.Lock()
	a := r.attached[path]
	if a == nil {
		r.mu.Unlock()
		return nil
	}
	if a.refs > 0 {
		r.mu.Unlock()
		return storage.Errorf(storage.CodeConflict, "the store %s is in use; try again when its work has ended", file)
	}
	busy := r.retire(a)
	r.mu.Unlock()
	defer busy()
	return r.detach(ctx, a)
}

// retire takes an idle attachment's place with one that is never opened, so that
// whoever asks for the file waits until it is detached and then starts anew.
// Registry.mu is held; the returned function ends the wait.
func (r *Registry) retire(a *attachment) (end func()) {
	placeholder := &attachment{path: a.path, owner: a.owner, opened: make(chan struct{}), err: context.Canceled}
	r.attached[a.path] = placeholder
	return func() {
		r.forget(placeholder)
		close(placeholder.opened)
	}
}

// evict detaches the idle files that were used longest ago, beyond MaxAttached.
func (r *Registry) evict() {
	for {
		r.mu.Lock()
		var oldest *attachment
		for _, a := range r.attached {
			if a.refs == 0 && a.read != nil && (oldest == nil || a.used.Before(oldest.used)) {
				oldest = a
			}
		}
		if len(r.attached) <= r.options.MaxAttached || oldest == nil {
			r.mu.Unlock()
			return
		}
		end := r.retire(oldest)
		r.mu.Unlock()
		if err := r.detach(context.Background(), oldest); err != nil {
			r.options.Log.Error("close an idle store", "owner", oldest.owner, "error", err)
		}
		end()
	}
}

// release gives a reference back.
func (r *Registry) release(a *attachment) {
	r.mu.Lock()
	a.refs--
	a.used = time.Now()
	r.mu.Unlock()
	r.evict()
}

// forget takes an attachment that could not be opened out of the register.
func (r *Registry) forget(a *attachment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.attached[a.path] == a {
		delete(r.attached, a.path)
	}
}

func isCanceled(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
