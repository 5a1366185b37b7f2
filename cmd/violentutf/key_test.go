package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
)

// keysOf reads `key status --json`.
func keysOf(t *testing.T, data string) house.KeyStatus {
	t.Helper()
	status, stdout, stderr := run(t, "key", "status", "--data", data, "--json")
	var keys house.KeyStatus
	if err := json.Unmarshal([]byte(stdout), &keys); status != exitDone || err != nil {
		t.Fatalf("status %d, %v: %s%s", status, err, stdout, stderr)
	}
	return keys
}

func TestKeysAreRotatedByCommand(t *testing.T) {
	data := t.TempDir()
	file := testfiles.Path(t, testfiles.Original)
	if status, _, stderr := run(t, "import", "--data", data, "--user", "alice", file); status != exitDone {
		t.Fatal(stderr)
	}
	first := keysOf(t, data)
	if len(first.Sealed) != 1 || first.Sealed[0].Key != first.Primary || first.Sealed[0].Count == 0 {
		t.Fatalf("keys %+v", first)
	}
	status, stdout, stderr := run(t, "key", "rotate", "--data", data)
	if status != exitDone || !strings.Contains(stdout, "1 old keys are removed") {
		t.Errorf("alone: %d, %s%s", status, stdout, stderr)
	}
	second := keysOf(t, data)
	if second.Primary == first.Primary || len(second.Sealed) != 1 || second.Sealed[0].Count != first.Sealed[0].Count {
		t.Errorf("after it %+v", second)
	}

	base, stop := serve(t, data)
	defer stop()
	query(t, base, "", "{ server { version } }") // the control socket is there before the first answer
	if status, stdout, stderr := run(t, "key", "rotate", "--data", data); status != exitDone || !strings.Contains(stdout, "sealed anew") {
		t.Errorf("beside a server: %d, %s%s", status, stdout, stderr)
	}
	third := keysOf(t, data)
	if third.Primary == second.Primary || third.Sealed[0].Key != third.Primary {
		t.Errorf("after it %+v", third)
	}
	if status, stdout, stderr := run(t, "import", "--data", data, "--user", "alice", file); status != exitDone || !strings.Contains(stdout, "changed nothing") {
		t.Errorf("the same file again: %d, %s%s", status, stdout, stderr)
	}
}

// TestKilledRotationIsGoneOnWith kills rotations at several moments: every credential
// opens after each, and the last rotation ends.
func TestKilledRotationIsGoneOnWith(t *testing.T) {
	data := t.TempDir()
	file := testfiles.Path(t, testfiles.Original)
	if status, _, stderr := run(t, "import", "--data", data, "--user", "alice", file); status != exitDone {
		t.Fatal(stderr)
	}
	count := keysOf(t, data).Sealed[0].Count
	start := time.Now()
	if status, _, stderr := run(t, "key", "rotate", "--data", data); status != exitDone {
		t.Fatal(stderr)
	}
	whole := time.Since(start)
	for moment := range 8 {
		cmd := program(t, "key", "rotate", "--data", data)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(whole*time.Duration(moment+1)/8, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // killed, or done before
		timer.Stop()
		left := int64(0)
		for _, sealed := range keysOf(t, data).Sealed {
			if !sealed.Known {
				t.Errorf("moment %d: %d credentials have lost their key", moment, sealed.Count)
			}
			left += sealed.Count
		}
		if left != count {
			t.Errorf("moment %d: %d credentials, want %d", moment, left, count)
		}
	}
	if status, _, stderr := run(t, "key", "rotate", "--data", data); status != exitDone {
		t.Fatal(stderr)
	}
	if keys := keysOf(t, data); len(keys.Old) > 0 || len(keys.Sealed) != 1 || keys.Sealed[0].Key != keys.Primary || keys.Sealed[0].Count != count {
		t.Errorf("keys %+v", keys)
	}
}

func TestMasterKeyComesFromTheEnvironment(t *testing.T) {
	data := t.TempDir()
	key := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{3}, 32))
	with := func(env map[string]string, args ...string) (int, string) {
		var out, errs bytes.Buffer
		status := Run(context.Background(), args, func(name string) string { return env[name] }, &out, &errs)
		return status, out.String() + errs.String()
	}
	env := map[string]string{"VIOLENTUTF_MASTER_KEY": key, "VIOLENTUTF_DATA": data}
	if status, says := with(env, "key", "status"); status != exitDone || !strings.Contains(says, "from the environment") {
		t.Fatalf("%d, %s", status, says)
	}
	if _, err := os.Stat(filepath.Join(data, "config", "master.key")); err == nil {
		t.Error("a master key file was made all the same")
	}
	for name, env := range map[string]map[string]string{
		"none":   {"VIOLENTUTF_DATA": data},
		"other":  {"VIOLENTUTF_DATA": data, "VIOLENTUTF_MASTER_KEY": base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{4}, 32))},
		"broken": {"VIOLENTUTF_DATA": data, "VIOLENTUTF_MASTER_KEY": "x"},
		"two":    {"VIOLENTUTF_DATA": data, "VIOLENTUTF_MASTER_KEY": key, "VIOLENTUTF_MASTER_KEY_COMMAND": "cat /dev/null"},
	} {
		if status, says := with(env, "doctor"); status != exitFailed || !strings.Contains(says, "master key") || strings.Contains(says, key) {
			t.Errorf("%s: %d, %s", name, status, says)
		}
	}
	printed := filepath.Join(t.TempDir(), "k")
	if err := os.WriteFile(printed, []byte(key), 0o600); err != nil {
		t.Fatal(err)
	}
	for flag, value := range map[string]string{"--master-key-command": "cat " + printed, "--master-key-file": printed} {
		if status, says := with(nil, "key", "status", "--data", data, flag, value); status != exitDone {
			t.Errorf("%s: %d, %s", flag, status, says)
		}
	}
}

func TestEncryptedBackupIsDecryptedByCommand(t *testing.T) {
	data := t.TempDir()
	if err := os.MkdirAll(filepath.Join(data, "violentutf"), 0o700); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(data, filepath.FromSlash(testfiles.Original))
	testfiles.Unpack(t, testfiles.Original, place)
	want, err := os.ReadFile(place)
	if err != nil {
		t.Fatal(err)
	}
	if status, _, stderr := run(t, "import", "--data", data, "--user", "alice", testfiles.Path(t, "garak/demo.report.jsonl")); status != exitDone {
		t.Fatal(stderr)
	}
	backups, err := filepath.Glob(filepath.Join(data, "backups", "*.db.*.age"))
	if err != nil || len(backups) != 1 {
		t.Fatalf("backups %v, %v", backups, err)
	}
	out := filepath.Join(t.TempDir(), "plain.db")
	if status, _, stderr := run(t, "key", "decrypt", backups[0], "--data", data, "--out", out); status != exitDone {
		t.Fatal(stderr)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back, want %d (%v)", len(got), len(want), err)
	}
	if status, _, stderr := run(t, "key", "decrypt", backups[0], "--data", data, "--out", out); status != exitFailed || !strings.Contains(stderr, "exists") {
		t.Errorf("over a file that is there: %d, %s", status, stderr)
	}
	for _, args := range [][]string{{"key"}, {"key", "spin"}, {"key", "decrypt", "x"}, {"key", "decrypt"}, {"key", "status", "more"}} {
		if status, _, stderr := run(t, append(args, "--data", data)...); status != exitUsage {
			t.Errorf("%v: %d, %s", args, status, stderr)
		}
	}
}
