package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/violentutf/violentutf/bench/generate"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
)

// TestMain lets the test binary be the program, for tests that need a process.
func TestMain(m *testing.M) {
	if os.Getenv("VIOLENTUTF_TEST_MAIN") != "" {
		main()
	}
	os.Exit(m.Run())
}

// program is the program as a process of its own.
func program(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), "VIOLENTUTF_TEST_MAIN=1")
	return cmd
}

// run runs a subcommand in this process.
func run(t *testing.T, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(context.Background(), args, func(string) string { return "" }, &out, &errs)
	return status, out.String(), errs.String()
}

func TestExitStatusAndMessageTellWhatWasWrong(t *testing.T) {
	data := t.TempDir()
	text := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(text, []byte("just notes\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{}, exitUsage, "Usage"},
		{[]string{"--help"}, exitDone, ""},
		{[]string{"nothing"}, exitUsage, "no subcommand"},
		{[]string{"version"}, exitDone, ""},
		{[]string{"import", "--data", data, text}, exitUsage, "--user"},
		{[]string{"import", "--data", data, "--user", "alice", "--format", "x", text}, exitUsage, "--format"},
		{[]string{"import", "--data", data, "--user", "alice", text}, exitFailed, "no known format"},
		{[]string{"import", "--data", data, "--user", "../alice", text}, exitFailed, "user"},
		{[]string{"import", "--data", data, "--user", "alice", text + ".missing"}, exitFailed, "no file"},
		{[]string{"serve", "--data", data}, exitUsage, "identity provider"},
		{[]string{"serve", "--data", data, "--dev", "--listen", "0.0.0.0:0"}, exitUsage, "loopback"},
		{[]string{"token", "--data", data}, exitUsage, "--user"},
		{[]string{"token", "--data", data, "--user", "alice", "--role", "king"}, exitUsage, "--role"},
		{[]string{"doctor", "--data", data}, exitDone, ""},
	} {
		status, _, stderr := run(t, test.args...)
		if status != test.status || !strings.Contains(stderr, test.says) {
			t.Errorf("violentutf %s: status %d and %q, want %d and %q", strings.Join(test.args, " "), status, stderr, test.status, test.says)
		}
	}
}

func TestImportPrintsWhatBecameOfTheRows(t *testing.T) {
	data := t.TempDir()
	file := testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite")
	status, stdout, stderr := run(t, "import", file, "--data", data, "--user", "alice", "--json")
	if status != exitDone {
		t.Fatal(stderr)
	}
	var results []imported
	if err := json.Unmarshal([]byte(stdout), &results); err != nil {
		t.Fatalf("%v in %s", err, stdout)
	}
	found := false
	for _, table := range results[0].Import.Tables {
		if table.Table == "prompt_request_responses" {
			found = true
			if table.Read != 401 || table.Inserted != 401 {
				t.Errorf("messages: %+v, want 401 read and inserted", *table)
			}
		}
	}
	if !found {
		t.Errorf("no count of messages in %s", stdout)
	}
	if status, stdout, _ := run(t, "import", "--data", data, "--user", "alice", file); status != exitDone || !strings.Contains(stdout, "changed nothing") {
		t.Errorf("the second import: status %d, %s", status, stdout)
	}
}

// TestKilledImportLeavesAllOrNothing kills an import at ten moments and looks
// whether the store holds nothing of the file, or all of it.
func TestKilledImportLeavesAllOrNothing(t *testing.T) {
	const messages = 20_000
	file := filepath.Join(t.TempDir(), "memory.sqlite")
	if err := generate.Memory(context.Background(), file, generate.Options{Messages: messages, Seed: 7}); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	whole := t.TempDir()
	if out, err := program(t, "import", "--data", whole, "--user", "alice", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	took := time.Since(start)
	want := messagesIn(t, whole)
	if want != messages {
		t.Fatalf("an undisturbed import stored %d messages, want %d", want, messages)
	}
	data := t.TempDir()
	killed := 0
	for i := range 10 {
		cmd := program(t, "import", "--data", data, "--user", "alice", file)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(took * time.Duration(i+1) / 11):
			if err := cmd.Process.Signal(syscall.SIGKILL); err == nil {
				killed++
			}
			<-ended
		}
		if got := messagesIn(t, data); got != 0 && got != want {
			t.Fatalf("after a kill at %d/11 the store holds %d of %d messages", i+1, got, want)
		}
	}
	if killed < 5 {
		t.Errorf("only %d of 10 imports were killed: they end too soon to tell anything", killed)
	}
	if out, err := program(t, "import", "--data", data, "--user", "alice", file).CombinedOutput(); err != nil {
		t.Fatalf("the import after the kills: %v: %s", err, out)
	}
	if got := messagesIn(t, data); got != want {
		t.Errorf("the import after the kills stored %d messages, want %d", got, want)
	}
	if status, stdout, stderr := run(t, "doctor", "--data", data); status != exitDone {
		t.Errorf("doctor: %s%s", stdout, stderr)
	}
	if left, _ := filepath.Glob(filepath.Join(data, "violentutf", "cache", "staging-*")); len(left) > 0 {
		t.Errorf("copies of the file were left: %v", left)
	}
}

func TestDoctorFindsContentsThatNoRowNames(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	ctx := context.Background()
	h, err := house.Open(ctx, house.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	store, err := h.Personal(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	// As a process that died between the content and its row leaves it.
	content, err := h.Files.Spool(ctx, strings.NewReader("lost"), 10)
	if err == nil {
		err = h.Files.KeepUpload(ctx, store.Owner(), content, h.Files.Hold())
	}
	if err = errors.Join(err, store.Close(), h.Close(ctx)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		flags []string
		want  string
	}{
		{nil, "1 contents that no row names"}, {[]string{"--remove-unused-contents"}, "removed 1 contents"}, {nil, "no problems"},
	} {
		status, stdout, stderr := run(t, append([]string{"doctor", "--data", data}, test.flags...)...)
		if status != exitDone || !strings.Contains(stdout, test.want) {
			t.Errorf("doctor %v: status %d, %s%s", test.flags, status, stdout, stderr)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(data, "violentutf", "files", "*", "*", "*")); len(left) > 0 {
		t.Errorf("left %v", left)
	}
}

// messagesIn counts alice's messages.
func messagesIn(t *testing.T, data string) int64 {
	t.Helper()
	ctx := context.Background()
	h, err := house.Open(ctx, house.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(ctx)
	store, err := h.Personal(ctx, "alice")
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	use, err := store.StorageUse(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range use.Tables {
		if table.Name == "prompt_request_responses" {
			return table.Rows
		}
	}
	t.Fatal("the store does not count its messages")
	return 0
}

func TestCommandHandsTheFileToTheServerThatOwnsTheFolder(t *testing.T) {
	data := t.TempDir()
	base, stop := serve(t, data)
	defer stop()
	file := testfiles.Path(t, "pyrit/memory-1.1.0.sqlite")
	status, stdout, stderr := run(t, "import", "--data", data, "--user", "alice", file)
	if status != exitDone || !strings.Contains(stdout, "prompt_request_responses") {
		t.Fatalf("status %d, %s%s", status, stdout, stderr)
	}
	_, token, _ := run(t, "token", "--data", data, "--user", "alice")
	if body := query(t, base, strings.TrimSpace(token), `{ viewer { workspace { messages { totalCount } } } }`); !strings.Contains(body, `"totalCount":344`) {
		t.Errorf("the server answers %s", body)
	}
	if status, _, stderr := run(t, "import", "--data", data, "--user", "alice", file+".missing"); status != exitFailed || !strings.Contains(stderr, "no file") {
		t.Errorf("a missing file: status %d, %s", status, stderr)
	}
	if status, stdout, _ := run(t, "doctor", "--data", data); status != exitDone || !strings.Contains(stdout, "in use") {
		t.Errorf("doctor beside the server: status %d, %s", status, stdout)
	}
}

// serve starts the server as a process and waits until it listens.
func serve(t *testing.T, data string, more ...string) (base string, stop func()) {
	t.Helper()
	cmd := program(t, append([]string{"serve", "--data", data, "--dev", "--listen", "127.0.0.1:0"}, more...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		_ = cmd.Wait()
		t.Fatalf("the server did not start: %s", stderr.String())
	}
	base = strings.TrimPrefix(lines.Text(), "listening on ")
	links := make(chan string, 16)
	go func() {
		defer close(links)
		for lines.Scan() {
			select {
			case links <- lines.Text():
			default:
			}
		}
	}()
	return base, func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		for range links { // until the pipe ends
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server ended with %v: %s", err, stderr.String())
		}
	}
}

func query(t *testing.T, base, token, text string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": text})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, base+"/graphql", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
