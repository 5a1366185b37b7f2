package uploads_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/files"
	"github.com/violentutf/violentutf/storage/userstore"
	"github.com/violentutf/violentutf/uploads"
)

const owner = "0199c000-0000-7000-8000-000000000001"

// desk is a shelf over a real folder, and a real store.
type desk struct {
	*uploads.Shelf
	t     *testing.T
	dir   string
	store storage.UserStore
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "violentutf", "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	registry, err := duckdb.Open(t.Context(), duckdb.Options{Dir: dir, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	engine, err := registry.Engine(t.Context(), "store.db", owner)
	if err != nil {
		t.Fatal(err)
	}
	store, err := userstore.New(t.Context(), engine, owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &desk{t: t, dir: dir, store: store, Shelf: &uploads.Shelf{}}
	d.reopen()
	return d
}

// reopen opens the folder as a start after a crash does.
func (d *desk) reopen() {
	d.t.Helper()
	folder, err := files.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = folder.Close() })
	d.Files = folder
}

// part is an upload that came, or that did not.
type part struct {
	content *storage.UploadContent
	err     error
}

func (p part) Content() (*storage.UploadContent, error) { return p.content, p.err }

func (d *desk) upload(text string) storage.Upload {
	d.t.Helper()
	content, err := d.Files.Spool(d.t.Context(), strings.NewReader(text), 1<<20)
	if err != nil {
		d.t.Fatal(err)
	}
	content.Name = "seeds.txt"
	d.t.Cleanup(func() { _ = d.Files.Unspool(content) })
	return storage.Upload{Part: part{content: content}}
}

func (d *desk) add(store storage.UserStore, text string) (string, bool, error) {
	d.t.Helper()
	return d.Add(d.t.Context(), store, "alice", d.upload(text), storage.FileChange{})
}

// contents are what lies on disk.
func (d *desk) contents() []string {
	d.t.Helper()
	found, err := filepath.Glob(filepath.Join(d.dir, "violentutf", "files", owner, "??", "*"))
	if err != nil {
		d.t.Fatal(err)
	}
	return found
}

func (d *desk) rows() int {
	d.t.Helper()
	list, err := d.store.Files(d.t.Context(), nil, storage.FileOrder{}, storage.Page{Limit: 9})
	if err != nil {
		d.t.Fatal(err)
	}
	return len(list.Edges)
}

// consistent checks that there are as many contents as rows, and that nothing is swept.
func (d *desk) consistent(want int) {
	d.t.Helper()
	if rows, contents := d.rows(), d.contents(); rows != want || len(contents) != want {
		d.t.Errorf("%d rows and %d contents, want %d", rows, len(contents), want)
	}
	if swept, err := d.Sweep(d.t.Context(), d.store, true); err != nil || swept != (uploads.Swept{}) {
		d.t.Errorf("swept %+v, %v", swept, err)
	}
}

// broken is the real store that fails at one step; before is what happens there.
type broken struct {
	storage.UserStore
	before func()
	add    error
	after  error // once the row is stored
}

func (b *broken) AddFile(ctx context.Context, file *storage.File, change storage.FileChange) (bool, error) {
	if b.before != nil {
		b.before()
	}
	if b.add != nil {
		return false, b.add
	}
	known, err := b.UserStore.AddFile(ctx, file, change)
	return known, errors.Join(err, b.after)
}

var errFault = errors.New("the disk is full")

// Each step of keeping a file fails in turn.
func TestAFileThatCannotBeKeptLeavesNothing(t *testing.T) {
	d := newDesk(t)
	for name, upload := range map[string]storage.Upload{
		"the upload does not come": {Part: part{err: errFault}},
		"the spool is gone":        {Part: part{content: &storage.UploadContent{Hash: strings.Repeat("ab", 32), Bytes: 1, Spool: ".uploads/.none.tmp"}}},
	} {
		if _, _, err := d.Add(t.Context(), d.store, "alice", upload, storage.FileChange{}); err == nil {
			t.Errorf("%s: no error", name)
		}
		d.consistent(0)
	}
	if _, _, err := d.add(&broken{UserStore: d.store, add: errFault}, "one"); !errors.Is(err, errFault) {
		t.Errorf("the row is not stored: %v", err)
	}
	d.consistent(0)

	// The client goes while the row is written.
	ctx, cancel := context.WithCancel(t.Context())
	if _, _, err := d.Add(ctx, &broken{UserStore: d.store, before: cancel}, "alice", d.upload("two"), storage.FileChange{}); err == nil {
		t.Error("a row after the client has gone")
	}
	d.consistent(0)

	// The row is stored, whatever the engine said: its content stays.
	if _, _, err := d.add(&broken{UserStore: d.store, after: errFault}, "three"); !errors.Is(err, errFault) {
		t.Errorf("%v", err)
	}
	d.consistent(1)

	// What others keep too is not taken back.
	hash, known, err := d.add(d.store, "three")
	if err != nil || !known {
		t.Fatalf("known %v, %v", known, err)
	}
	if _, _, err := d.add(&broken{UserStore: d.store, add: errFault}, "three"); !errors.Is(err, errFault) {
		t.Error(err)
	}
	d.consistent(1)
	if content, err := d.Files.Open(owner, hash); err != nil {
		t.Error(err)
	} else if err := content.Close(); err != nil {
		t.Error(err)
	}
}

// What lies in the trash may be restored: nothing removes its content before the purge.
func TestTheContentOfAFileInTheTrashStays(t *testing.T) {
	d := newDesk(t)
	hash, _, err := d.add(d.store, "one")
	if err != nil {
		t.Fatal(err)
	}
	deletion := &storage.Deletion{Key: "e", Keyed: map[string][]string{"files": {hash}}, Chosen: "{}", By: "alice", At: time.Now(), Until: time.Now()}
	if _, err := d.store.MoveToTrash(t.Context(), deletion); err != nil || d.rows() != 0 {
		t.Fatalf("%d rows, %v", d.rows(), err)
	}
	if swept := must(d.Sweep(t.Context(), d.store, true))(t); swept != (uploads.Swept{}) {
		t.Errorf("swept %+v", swept)
	}
	// Somebody hands it over again, and its row cannot be stored.
	if _, _, err := d.add(&broken{UserStore: d.store, add: errFault}, "one"); !errors.Is(err, errFault) {
		t.Error(err)
	}
	if len(d.contents()) != 1 {
		t.Fatal("the content is gone")
	}
	if _, err := d.store.RestoreFromTrash(t.Context(), "e"); err != nil {
		t.Fatal(err)
	}
	d.consistent(1)

	if _, err := d.store.MoveToTrash(t.Context(), deletion); err != nil {
		t.Fatal(err)
	}
	if _, err := d.store.PurgeTrash(t.Context(), storage.Purge{All: true}); err != nil {
		t.Fatal(err)
	}
	if swept := must(d.Sweep(t.Context(), d.store, true))(t); swept != (uploads.Swept{Unnamed: 1}) {
		t.Errorf("after the purge %+v was swept", swept)
	}
}

// A process that dies between two steps.
func TestWhatACrashLeavesIsSwept(t *testing.T) {
	d := newDesk(t)
	if _, _, err := d.add(d.store, "kept"); err != nil {
		t.Fatal(err)
	}
	// After the content and before the row; and an upload that was never done.
	lost := must(d.upload("lost").Content())(t)
	if err := d.Files.KeepUpload(t.Context(), owner, lost, d.Files.Hold()); err != nil {
		t.Fatal(err)
	}
	spools := func() int {
		found, _ := filepath.Glob(filepath.Join(d.dir, "violentutf", "files", ".uploads", ".*"))
		return len(found)
	}
	if spools() != 2 || len(d.contents()) != 2 {
		t.Fatalf("%d spools, %v", spools(), d.contents())
	}
	if swept := must(d.Sweep(t.Context(), d.store, true))(t); swept != (uploads.Swept{}) {
		t.Errorf("swept what is held: %+v", swept)
	}
	d.reopen()
	if spools() != 0 {
		t.Error("spools stay after a start")
	}
	for _, remove := range []bool{false, true} {
		if swept := must(d.Sweep(t.Context(), d.store, remove))(t); swept != (uploads.Swept{Unnamed: 1}) {
			t.Errorf("swept %+v", swept)
		}
	}
	d.consistent(1)
	// Somebody removed a content by hand.
	if err := os.Remove(d.contents()[0]); err != nil {
		t.Fatal(err)
	}
	if swept := must(d.Sweep(t.Context(), d.store, true))(t); swept != (uploads.Swept{Missing: 1}) {
		t.Errorf("swept %+v", swept)
	}
}

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
