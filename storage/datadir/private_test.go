package datadir

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// laidOut is a data folder with an app store, a user store and a key.
func laidOut(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := Layout(dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{AppStoreFile, AppStoreFile + "-wal", "violentutf/store.db", "config/master.key", "README.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestRightsOfOthersAreTakenAway(t *testing.T) {
	dir := laidOut(t)
	opened := []string{AppStoreFile, AppStoreFile + "-wal", "violentutf/store.db", "violentutf", "config", "backups"}
	for _, name := range append(opened, "README.md", "config/master.key") {
		if err := os.Chmod(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	mended, err := KeepPrivate(dir)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(mended)
	slices.Sort(opened)
	if !slices.Equal(mended, opened) {
		t.Errorf("mended %v, want %v", mended, opened)
	}
	for _, name := range opened {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	// What is not ours, and keys, which their openers refuse.
	for _, name := range []string{"README.md", "config/master.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o777 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if mended, err := KeepPrivate(dir); err != nil || len(mended) > 0 {
		t.Errorf("a second time: %v, %v", mended, err)
	}
}

func TestLinksOutOfTheDataFolderAreRefused(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"violentutf/out.db":     outside,
		AppStoreFile + "-shm":   outside,
		"config/dev_issuer.jwk": "../../outside",
		"backups/nowhere":       "missing",
		"reports/folder":        filepath.Dir(outside),
	} {
		dir := laidOut(t)
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := KeepPrivate(dir); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, name)) {
			t.Errorf("%s -> %s: %v", name, target, err)
		}
	}
	dir := laidOut(t)
	if err := os.Symlink("store.db", filepath.Join(dir, "violentutf", "inside.db")); err != nil {
		t.Fatal(err)
	}
	if _, err := KeepPrivate(dir); err != nil {
		t.Errorf("a link inside: %v", err)
	}
}

func TestFilesOfAnotherUserAreRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	dir := laidOut(t)
	name := filepath.Join(dir, "violentutf", "store.db")
	if err := os.Chown(name, 4321, 4321); err != nil {
		t.Fatal(err)
	}
	if _, err := KeepPrivate(dir); err == nil || !strings.Contains(err.Error(), "another user") {
		t.Errorf("got %v", err)
	}
}
