package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

func TestSealedTextOpensOnlyInItsPlace(t *testing.T) {
	k := openKeeper(t, t.TempDir())
	place := Place{Workspace: "w", Table: "generators", Row: "12", Field: "/api_key"}
	sealed, err := k.Seal("sk-test-0001", place)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := k.Open(sealed, place); err != nil || got != "sk-test-0001" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, other := range []Place{
		{},
		{"v", "generators", "12", "/api_key"},
		{"w", "scorers", "12", "/api_key"},
		{"w", "generators", "13", "/api_key"},
		{"w", "generators", "12", "/token"},
		{"wg", "enerators", "12", "/api_key"},
		{"w", "generators1", "2", "/api_key"},
		{"w", "generators", "12/", "api_key"},
	} {
		if got, err := k.Open(sealed, other); !errors.Is(err, ErrCannotOpen) {
			t.Errorf("opened %q in %v: %v", got, other, err)
		}
	}
}

func TestDamagedSealedTextDoesNotOpen(t *testing.T) {
	k := openKeeper(t, t.TempDir())
	sealed, err := k.Seal("sk-test-0001", Place{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range raw {
		changed := bytes.Clone(raw)
		changed[i] ^= 1
		if _, err := k.Open(base64.StdEncoding.EncodeToString(changed), Place{}); !errors.Is(err, ErrCannotOpen) {
			t.Fatalf("opened with byte %d changed: %v", i, err)
		}
	}
	for _, text := range []string{"", "!", sealed[:8]} {
		if _, err := k.Open(text, Place{}); !errors.Is(err, ErrCannotOpen) {
			t.Errorf("opened %q: %v", text, err)
		}
	}
	if _, err := openKeeper(t, t.TempDir()).Open(sealed, Place{}); !errors.Is(err, ErrCannotOpen) {
		t.Errorf("opened with another keyset: %v", err)
	}
}

func TestKeysArePrivateAndLast(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "app", "config")
	sealed, err := openKeeper(t, folder).Seal("x", Place{})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := openKeeper(t, folder).Open(sealed, Place{}); err != nil || got != "x" {
		t.Errorf("after opening again: %q, %v", got, err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 3 {
		t.Fatalf("folder holds %v, %v", entries, err)
	}
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	for path, want := range map[string]fs.FileMode{folder: 0o700, filepath.Join(folder, KeysetFile): 0o600, filepath.Join(folder, BackupKeyFile): 0o600, filepath.Join(folder, MasterKeyFile): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestAKeyThatOthersCanReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no file modes")
	}
	for _, name := range []string{KeysetFile, BackupKeyFile, MasterKeyFile} {
		folder := t.TempDir()
		openKeeper(t, folder)
		path := filepath.Join(folder, name)
		for _, mode := range []fs.FileMode{0o640, 0o604, 0o660} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenKeeper(folder); err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
				t.Errorf("%s with mode %o: %v", name, mode, err)
			}
		}
	}
}

func TestADamagedKeyIsNeitherReplacedNorQuoted(t *testing.T) {
	for _, name := range []string{KeysetFile, BackupKeyFile, MasterKeyFile} {
		folder := t.TempDir()
		openKeeper(t, folder)
		path := filepath.Join(folder, name)
		for _, content := range []string{"", "AGE-SECRET-KEY-1HUSH", `{"hush": 1}`} {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := OpenKeeper(folder)
			if err == nil || !strings.Contains(err.Error(), path) || strings.Contains(strings.ToLower(err.Error()), "hush") {
				t.Errorf("%s with %q: %v", name, content, err)
			}
			if after, err := os.ReadFile(path); err != nil || string(after) != content {
				t.Errorf("%s is now %q, %v", name, after, err)
			}
		}
	}
}

func TestKeepersThatStartAtOnceShareOneKey(t *testing.T) {
	folder := t.TempDir()
	keepers := make([]*Keeper, 8)
	var all sync.WaitGroup
	for i := range keepers {
		all.Go(func() {
			var err error
			if keepers[i], err = OpenKeeper(folder); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	sealed, err := keepers[0].Seal("x", Place{})
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range keepers {
		if _, err := k.Open(sealed, Place{}); err != nil {
			t.Errorf("keeper %d has another key: %v", i, err)
		}
	}
}

func TestAKeeperNeverPrintsItsKeys(t *testing.T) {
	k := openKeeper(t, t.TempDir())
	want := "secret.Keeper(" + k.folder + ")"
	if got := fmt.Sprintf("%v|%+v|%#v", k, k, k); got != want+"|"+want+"|"+want {
		t.Errorf("printed %s", got)
	}
}

func TestEncryptedFileComesBack(t *testing.T) {
	k := openKeeper(t, t.TempDir())
	path := filepath.Join(t.TempDir(), "backup.age")
	plain := bytes.Repeat([]byte("secret-0002 "), 20_000)
	if err := os.WriteFile(path, []byte("an older one"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := k.EncryptFile(t.Context(), path, bytes.NewReader(plain)); err != nil {
		t.Fatal(err)
	}
	stored, err := os.ReadFile(path)
	if err != nil || bytes.Contains(stored, []byte("secret")) {
		t.Errorf("the plain text is in the file, or: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	var back bytes.Buffer
	if err := k.DecryptFile(t.Context(), path, &back); err != nil || !bytes.Equal(back.Bytes(), plain) {
		t.Errorf("%d bytes came back, %v", back.Len(), err)
	}
	if err := openKeeper(t, t.TempDir()).DecryptFile(t.Context(), path, &back); err == nil {
		t.Error("another key decrypts it")
	}
	if err := os.WriteFile(path, stored[:len(stored)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.DecryptFile(t.Context(), path, &back); err == nil {
		t.Error("a cut file decrypts")
	}
}

func TestACancelledEncryptionLeavesNothing(t *testing.T) {
	k := openKeeper(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	folder := t.TempDir()
	if err := k.EncryptFile(ctx, filepath.Join(folder, "b.age"), strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func openKeeper(t *testing.T, folder string) *Keeper {
	t.Helper()
	k, err := OpenKeeper(folder)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
