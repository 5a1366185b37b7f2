package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const owner = "0199c000-0000-7000-8000-000000000001"

// png is the beginning of a picture.
const png = "\x89PNG\r\n\x1a\n and what follows"

// media is a folder of files and a source of media beside it.
type media struct {
	data, root string
	folder     *Folder
	source     *Source
}

func newMedia(t *testing.T) *media {
	t.Helper()
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &media{data: filepath.Join(base, "app_data"), root: filepath.Join(base, "results")}
	write(t, filepath.Join(m.data, "config", "keyset.json"), "a key")
	if err := os.MkdirAll(filepath.Join(m.data, filepath.FromSlash(place)), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(base, "secret.txt"), "outside")
	write(t, filepath.Join(m.root, "dbdata", "images", "x.png"), png)
	m.folder = open(t, m.data)
	m.source = m.from(t, m.root, false)
	return m
}

func open(t *testing.T, data string) *Folder {
	t.Helper()
	folder, err := Open(data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = folder.Close() })
	return folder
}

func (m *media) from(t *testing.T, root string, dryRun bool) *Source {
	t.Helper()
	source, err := m.folder.Source(root, owner, dryRun, m.folder.Hold())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() })
	return source
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
}

// kept lists what lies in the folder, without the folders.
func (m *media) kept(t *testing.T) map[string]fs.FileInfo {
	t.Helper()
	found := map[string]fs.FileInfo{}
	err := fs.WalkDir(m.folder.root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		found[path], err = entry.Info()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAFileIsKeptOnceUnderItsHash(t *testing.T) {
	m := newMedia(t)
	sum := sha256.Sum256([]byte(png))
	hash := hex.EncodeToString(sum[:])
	name := owner + "/" + hash[:2] + "/" + hash
	var first fs.FileInfo
	for _, path := range []string{"dbdata/images/x.png", filepath.Join(m.root, "dbdata", "images", "x.png")} {
		file, refusal, err := m.source.Keep(t.Context(), path)
		if err != nil || refusal != notFailed {
			t.Fatalf("%s: %q, %v", path, refusal, err)
		}
		if file.Hash != hash || file.Owner != owner || file.Name != "x.png" || file.MediaType != "image/png" || file.Bytes != int64(len(png)) {
			t.Errorf("described as %+v", *file)
		}
		kept := m.kept(t)
		info := kept[name]
		if len(kept) != 1 || info == nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("kept %v", kept)
		}
		if first == nil {
			first = info
		}
		if !os.SameFile(first, info) {
			t.Error("the second time copied it again")
		}
	}
	content, err := m.folder.Open(owner, hash)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if text, err := io.ReadAll(content); err != nil || string(text) != png || content.MediaType != "image/png" {
		t.Errorf("read %q of type %s, %v", text, content.MediaType, err)
	}
}

func TestAPathIsFoundByItsLongestEnding(t *testing.T) {
	m := newMedia(t)
	write(t, filepath.Join(m.root, "images", "x.png"), "another")
	for _, path := range []string{
		"/home/roakey/pyrit/dbdata/images/x.png", "./dbdata/./images/x.png", "elsewhere/dbdata/images/x.png",
		`C:\Users\roakey\dbdata\images\x.png`, `results\dbdata\images\x.png`,
	} {
		file, refusal, err := m.source.Keep(t.Context(), path)
		if err != nil || refusal != notFailed || file.MediaType != "image/png" {
			t.Errorf("%s: %+v, %q, %v", path, file, refusal, err)
		}
	}
}

func TestNothingOutsideOfTheRootIsReached(t *testing.T) {
	m := newMedia(t)
	for link, target := range map[string]string{
		"link.png": "../secret.txt", "absolute.png": filepath.Join(m.root, "..", "secret.txt"), "up": "..",
		"keys": filepath.Join(m.data, "config"),
	} {
		if err := os.Symlink(target, filepath.Join(m.root, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(m.root, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	m.source.limit = 100
	write(t, filepath.Join(m.root, "large.bin"), strings.Repeat("x", 101))
	write(t, filepath.Join(m.root, "closed.bin"), "x")
	if err := os.Chmod(filepath.Join(m.root, "closed.bin"), 0); err != nil {
		t.Fatal(err)
	}
	closed := Unread
	if os.Getuid() == 0 { // root reads it all the same
		closed = notFailed
	}
	for path, want := range map[string]Refusal{
		"../secret.txt":                        Outside,
		"dbdata/../../secret.txt":              Outside,
		"/../secret.txt":                       Outside,
		"link.png":                             Outside,
		"absolute.png":                         Outside,
		"up/secret.txt":                        Outside,
		"keys/keyset.json":                     Outside,
		filepath.Join(m.data, "../secret.txt"): Missing,
		"/etc/passwd":                          Missing,
		"dbdata/images/y.png":                  Missing,
		"dbdata/images/x.png/z":                Missing,
		strings.Repeat("x", 300):               Missing,
		"dbdata/images":                        NotAFile,
		"pipe":                                 NotAFile,
		"large.bin":                            TooLarge,
		"closed.bin":                           closed,
		"":                                     OddPath,
		"a\x00b":                               OddPath,
		strings.Repeat("x/", 3000):             OddPath,
	} {
		file, refusal, err := m.source.Keep(t.Context(), path)
		if err != nil || refusal != want || (file != nil) != (want == notFailed) {
			t.Errorf("%.40q: %+v, %q, %v; want %q", path, file, refusal, err, want)
		}
	}
}

func TestTheDataFolderIsNoMedium(t *testing.T) {
	m := newMedia(t)
	above := m.from(t, filepath.Dir(m.data), false)
	if err := os.Symlink("app_data/config", filepath.Join(filepath.Dir(m.data), "inside")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"app_data/config/keyset.json", "/mnt/app_data/config/keyset.json", "inside/keyset.json"} {
		if file, refusal, err := above.Keep(t.Context(), path); file != nil || refusal != OfOurOwn || err != nil {
			t.Errorf("%s: %+v, %q, %v", path, file, refusal, err)
		}
	}
	if kept := m.kept(t); len(kept) > 0 {
		t.Errorf("kept %v", kept)
	}
}

func TestADryRunKeepsNothing(t *testing.T) {
	m := newMedia(t)
	file, refusal, err := m.from(t, m.root, true).Keep(t.Context(), "dbdata/images/x.png")
	if err != nil || refusal != notFailed || file.Bytes != int64(len(png)) {
		t.Errorf("%+v, %q, %v", file, refusal, err)
	}
	if kept := m.kept(t); len(kept) > 0 {
		t.Errorf("kept %v", kept)
	}
}

func TestACancelledCopyLeavesNothing(t *testing.T) {
	m := newMedia(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := m.source.Keep(ctx, "dbdata/images/x.png"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	hash := strings.Repeat("ab", sha256.Size)
	if err := m.folder.keep(t.Context(), owner, hash, 1, strings.NewReader("x"), nil); !errors.Is(err, errChanged) {
		t.Errorf("a content under a wrong hash: %v", err)
	}
	if kept := m.kept(t); len(kept) > 0 {
		t.Errorf("kept %v", kept)
	}
}

func TestWhatACrashLeftIsSwept(t *testing.T) {
	m := newMedia(t)
	if _, _, err := m.source.Keep(t.Context(), "dbdata/images/x.png"); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(m.data, filepath.FromSlash(place), owner, ".half"+unfinishedSuffix), "half")
	open(t, m.data)
	if kept := m.kept(t); len(kept) != 1 {
		t.Errorf("kept %v", kept)
	}
}

func TestNamesThatAreNoneOpenNothing(t *testing.T) {
	m := newMedia(t)
	hash := strings.Repeat("ab", sha256.Size)
	for _, name := range [][2]string{{owner, "x"}, {owner, strings.ToUpper(hash)}, {"..", hash}, {"", hash}, {"a/b", hash}, {owner, hash}} {
		if content, err := m.folder.Open(name[0], name[1]); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v, %v", name, content, err)
		}
	}
}

func TestOnlyWhatRunsNothingIsShownInAPage(t *testing.T) {
	for start, want := range map[string]struct {
		mediaType string
		inline    bool
	}{
		png:                           {"image/png", true},
		"\xff\xfb\x90\x00":            {"audio/mpeg", true},
		"RIFF\x00\x00\x00\x00WAVEfmt": {"audio/wave", true},
		"fLaC":                        {"audio/flac", true},
		"<html><script>":              {"text/html; charset=utf-8", false},
		"<svg xmlns='x'>":             {"text/plain; charset=utf-8", false},
		"<?xml version='1.0'?><svg>":  {"text/xml; charset=utf-8", false},
		"%PDF-1.7":                    {"application/pdf", false},
		"\x00\x01":                    {"application/octet-stream", false},
	} {
		if got := mediaType([]byte(start)); got != want.mediaType || Inline(got) != want.inline {
			t.Errorf("%q is %s, inline %v; want %v", start, got, Inline(got), want)
		}
	}
}

// Only what came long ago is removed: an import may be about to name the rest.
func TestOnlyAnOldContentIsRemoved(t *testing.T) {
	m := newMedia(t)
	keep := func() string {
		file, _, err := m.source.Keep(t.Context(), "dbdata/images/x.png")
		if err != nil {
			t.Fatal(err)
		}
		return file.Hash
	}
	hash := keep()
	name, _ := nameOf(owner, hash)
	remove := func(want bool) {
		t.Helper()
		if gone, err := m.folder.Remove(owner, hash); err != nil || gone != want {
			t.Errorf("gone: %v, %v", gone, err)
		}
		if kept := m.kept(t); (len(kept) == 0) != want {
			t.Errorf("kept %v", kept)
		}
	}
	age := func() {
		t.Helper()
		old := time.Now().Add(-2 * youngest)
		if err := m.folder.root.Chtimes(name, old, old); err != nil {
			t.Fatal(err)
		}
	}
	remove(false)
	age()
	keep() // it comes again
	remove(false)
	age()
	remove(true)
	remove(true) // and stays gone
	keep()
	remove(false)
}

// Whoever hands a content over again is about to name it: a purge must not remove it.
func TestAnUploadThatComesAgainIsAsYoungAsANewOne(t *testing.T) {
	m := newMedia(t)
	content, err := m.folder.Spool(t.Context(), strings.NewReader("again"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * youngest)
	path := filepath.Join(m.data, filepath.FromSlash(place), owner, content.Hash[:2], content.Hash)
	for _, removed := range []bool{false, true} {
		if err := m.folder.KeepUpload(t.Context(), owner, content, nil); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		if !removed {
			if err := m.folder.KeepUpload(t.Context(), owner, content, nil); err != nil {
				t.Fatal(err)
			}
		}
		if gone, err := m.folder.Remove(owner, content.Hash); err != nil || gone != removed {
			t.Errorf("removed %v, %v", gone, err)
		}
	}
}
