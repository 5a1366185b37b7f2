package secret

import (
	"bytes"
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// contentsOf reads all files of a folder.
func contentsOf(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[entry.Name()] = string(text)
	}
	return all
}

func sameContents(t *testing.T, folder string, before map[string]string) {
	t.Helper()
	after := contentsOf(t, folder)
	for name, text := range before {
		if after[name] != text {
			t.Errorf("%s has changed", name)
		}
		delete(after, name)
	}
	for name := range after {
		t.Errorf("%s is new", name)
	}
}

func TestAnotherMasterKeyOpensNothingAndChangesNothing(t *testing.T) {
	folder := t.TempDir()
	sealed, err := openKeeper(t, folder).Seal("sk-test-0001", Place{})
	if err != nil {
		t.Fatal(err)
	}
	before := contentsOf(t, folder)
	other := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, masterKeyBytes))
	_, err = OpenKeeperWith(t.Context(), folder, MasterKey{Text: other})
	if err == nil || !strings.Contains(err.Error(), "another master key") || strings.Contains(err.Error(), other) {
		t.Errorf("with another key: %v", err)
	}
	sameContents(t, folder, before)

	key := filepath.Join(folder, MasterKeyFile)
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKeeper(folder); err == nil || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("without the key: %v", err)
	}
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	sameContents(t, folder, before)
	if got, err := openKeeper(t, folder).Open(sealed, Place{}); err != nil || got != "sk-test-0001" {
		t.Errorf("with the key put back: %q, %v", got, err)
	}
}

func TestKeysInClearTextAreWrappedWhereTheyAre(t *testing.T) {
	folder := t.TempDir()
	keyset, err := newKeyset()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseKeys(keyset)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := parsed.seal("sk-test-0001", Place{})
	if err != nil {
		t.Fatal(err)
	}
	backup, err := newBackupKey()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{KeysetFile: keyset, BackupKeyFile: backup} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What a crash while wrapping leaves beside the file is no key.
	if err := os.WriteFile(filepath.Join(folder, "."+KeysetFile+".123.tmp"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		k := openKeeper(t, folder)
		if got, err := k.Open(sealed, Place{}); err != nil || got != "sk-test-0001" {
			t.Errorf("opened %q, %v", got, err)
		}
		if !strings.Contains(string(backup), k.reader.(interface{ String() string }).String()) {
			t.Error("the backup key is another one")
		}
	}
	hidden := regexp.MustCompile(`"value": *"([^"]+)"`).FindSubmatch(keyset)
	if hidden == nil {
		t.Fatalf("no key in %s", keyset)
	}
	for name, text := range contentsOf(t, folder) {
		if strings.Contains(text, string(hidden[1])) || strings.Contains(text, "AGE-SECRET-KEY") || strings.Contains(text, "AesSivKey") {
			t.Errorf("%s holds a key in clear text", name)
		}
	}
}

func TestWhatACrashLeftOfKeysIsSwept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a[b") // no pattern
	openKeeper(t, folder)
	before := contentsOf(t, folder)
	for _, name := range []string{KeysetFile, BackupKeyFile, MasterKeyFile} {
		if err := os.WriteFile(filepath.Join(folder, "."+name+".123.tmp"), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := Sweep(folder); err != nil {
		t.Fatal(err)
	}
	sameContents(t, folder, before)
}

func TestMasterKeyComesFromWhereItIsSaid(t *testing.T) {
	text := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{9}, masterKeyBytes))
	file := filepath.Join(t.TempDir(), "elsewhere", "k")
	printed := filepath.Join(t.TempDir(), "printed")
	if err := os.WriteFile(printed, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	for name, where := range map[string]MasterKey{
		"text": {Text: text}, "file": {File: file}, "command": {Command: "cat " + printed},
	} {
		folder := t.TempDir()
		var sealed string
		for round := range 2 {
			k, err := OpenKeeperWith(t.Context(), folder, where)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			ids[name] = k.Status().MasterKeyID
			if round == 0 {
				if sealed, err = k.Seal("x", Place{}); err != nil {
					t.Fatal(err)
				}
			} else if got, err := k.Open(sealed, Place{}); err != nil || got != "x" {
				t.Errorf("%s: opened %q, %v", name, got, err)
			}
		}
		if _, err := os.Stat(filepath.Join(folder, MasterKeyFile)); err == nil {
			t.Errorf("%s: a master key file was made all the same", name)
		}
	}
	if ids["text"] != ids["command"] || ids["text"] == ids["file"] {
		t.Errorf("ids %v", ids)
	}
}

func TestAMasterKeyThatIsNoneIsRefused(t *testing.T) {
	for says, where := range map[string]MasterKey{
		"is not base64":            {Text: "hush"},
		"of 32 bytes":              {Text: base64.StdEncoding.EncodeToString([]byte("hush"))},
		"several places":           {Text: "hush", File: "hush"},
		"is blank":                 {Command: " "},
		"exit status 1":            {Command: "false"},
		"executable file not":      {Command: "no-such-program-here"},
		"did not print the master": {Command: "sleep 30"},
	} {
		folder, ctx := t.TempDir(), t.Context()
		if strings.HasPrefix(where.Command, "sleep") {
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			ctx = short
		}
		_, err := OpenKeeperWith(ctx, folder, where)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%+v: %v", where, err)
		}
		if left := contentsOf(t, folder); len(left) > 0 {
			t.Errorf("%+v left %v", where, left)
		}
	}
}

func TestDerivedKeysAreTheirOwn(t *testing.T) {
	folder := t.TempDir()
	k := openKeeper(t, folder)
	audit, links := k.Derive("audit"), k.Derive("links")
	if len(audit) != 32 || bytes.Equal(audit, links) || bytes.Equal(audit, k.master.key) || bytes.Equal(k.Derive("wrap"), k.master.derive("wrap")) {
		t.Error("derived keys are not of their own")
	}
	if !bytes.Equal(openKeeper(t, folder).Derive("audit"), audit) {
		t.Error("a derived key is another one after opening again")
	}
	if bytes.Equal(openKeeper(t, t.TempDir()).Derive("audit"), audit) {
		t.Error("another master key derives the same")
	}
}
