package house_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// open opens a data folder until the test ends, or close is called.
func open(t *testing.T, dir string) (h *house.House, shut func()) {
	t.Helper()
	ctx := context.Background()
	h, err := house.Open(ctx, house.Options{Dir: dir, Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	shut = func() {
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(shut)
	return h, shut
}

func take(t *testing.T, h *house.House, user, file string) *storage.Import {
	t.Helper()
	imp, err := h.Import(t.Context(), user, file, interop.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return imp
}

// sealedOf opens all credentials of a user, by their rows.
func sealedOf(t *testing.T, h *house.House, user string) (plain map[string]string, keys map[uint32]int) {
	t.Helper()
	store, err := h.Personal(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	plain, keys = map[string]string{}, map[uint32]int{}
	texts, err := interop.Credentials(store).Sealed(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if plain[text.Cursor], err = h.Keeper.Open(text.Text, text.Place); err != nil {
			t.Errorf("%s of %s: %v", text.Cursor, user, err)
		}
		key, _ := secret.SealedBy(text.Text)
		keys[key]++
	}
	if len(texts) == 0 {
		t.Fatalf("%s has no credential", user)
	}
	return plain, keys
}

func samePlain(t *testing.T, got, want map[string]string) {
	t.Helper()
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if string(a) != string(b) {
		t.Errorf("credentials %s, want %s", a, b)
	}
}

func TestRotationKeepsEveryCredentialAndLaterImportsChangeNothing(t *testing.T) {
	dir := t.TempDir()
	h, shut := open(t, dir)
	file := testfiles.Path(t, testfiles.Original)
	take(t, h, "alice", file)
	before, _ := sealedOf(t, h, "alice")
	done, err := h.RotateKeys(t.Context())
	if err != nil || done.Resealed != int64(len(before)) || done.Removed != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	after, keys := sealedOf(t, h, "alice")
	samePlain(t, after, before)
	if len(keys) != 1 || keys[done.Key] != len(before) {
		t.Errorf("sealed by %v, want %d", keys, done.Key)
	}
	if imp := take(t, h, "alice", file); imp.Key != "" {
		t.Errorf("the same file again changed %+v", imp.Tables)
	}
	shut()
	h, _ = open(t, dir)
	after, _ = sealedOf(t, h, "alice")
	samePlain(t, after, before)
	status, err := h.KeyStatus(t.Context())
	if err != nil || status.Primary != done.Key || len(status.Old) > 0 || len(status.Sealed) != 1 || status.Sealed[0].Count != int64(len(before)) {
		t.Errorf("status %+v, %v", status, err)
	}
}

func TestRotationThatStoppedBetweenWorkspacesIsGoneOnWith(t *testing.T) {
	dir := t.TempDir()
	h, shut := open(t, dir)
	file := testfiles.Path(t, testfiles.Original)
	for _, user := range []string{"alice", "bob"} {
		take(t, h, user, file)
	}
	before, _ := sealedOf(t, h, "bob")
	stopped := errors.New("stopped")
	// The first half of RotateKeys: alice's store, then the end.
	_, err := h.Keeper.Rotate(t.Context(), func(ctx context.Context, reseal func(context.Context, secret.Resealer) error) error {
		store, err := h.Personal(ctx, "alice")
		if err != nil {
			return err
		}
		return errors.Join(reseal(ctx, interop.Credentials(store)), store.Close(), stopped)
	})
	if !errors.Is(err, stopped) {
		t.Fatal(err)
	}
	shut()
	h, shut = open(t, dir)
	for _, user := range []string{"alice", "bob"} {
		plain, _ := sealedOf(t, h, user)
		samePlain(t, plain, before)
		// bob's credentials are of the old key still: they are sealed anew first.
		if imp := take(t, h, user, file); imp.Key != "" {
			t.Errorf("the same file again changed %+v for %s", imp.Tables, user)
		}
	}
	done, err := h.RotateKeys(t.Context())
	if err != nil || !done.Resumed || done.Removed != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	shut()
	h, _ = open(t, dir)
	for _, user := range []string{"alice", "bob"} {
		plain, keys := sealedOf(t, h, user)
		samePlain(t, plain, before)
		if len(keys) != 1 || keys[done.Key] == 0 {
			t.Errorf("%s is sealed by %v", user, keys)
		}
	}
}

func TestKeysRotateWhileFilesAreImported(t *testing.T) {
	h, _ := open(t, t.TempDir())
	file := testfiles.Path(t, testfiles.Original)
	take(t, h, "alice", file)
	before, _ := sealedOf(t, h, "alice")
	var imports sync.WaitGroup
	for _, user := range []string{"alice", "bob"} {
		imports.Go(func() {
			for range 3 {
				if _, err := h.Import(t.Context(), user, file, interop.Options{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		if _, err := h.RotateKeys(t.Context()); err != nil {
			t.Error(err)
		}
	}
	imports.Wait()
	for _, user := range []string{"alice", "bob"} {
		plain, _ := sealedOf(t, h, user)
		samePlain(t, plain, before)
	}
}

func TestNoKeyAndNoCredentialIsInTheFolderInClear(t *testing.T) {
	dir := t.TempDir()
	h, shut := open(t, dir)
	take(t, h, "alice", testfiles.Path(t, testfiles.Original))
	if _, err := h.RotateKeys(t.Context()); err != nil {
		t.Fatal(err)
	}
	shut()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, clear := range []string{"AGE-SECRET-KEY", "AesSivKey", "THIS-MUST-NEVER-BE-READABLE", "secret-0002"} {
			if strings.Contains(string(text), clear) {
				t.Errorf("%s holds %s", path, clear)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
