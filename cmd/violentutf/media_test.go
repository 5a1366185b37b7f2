package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/bench/memory"
)

// withPicture writes a memory whose one message is a picture of another machine, and
// the picture into a folder beside it.
func withPicture(t *testing.T) (file, results string) {
	t.Helper()
	ctx, folder := context.Background(), t.TempDir()
	file, results = filepath.Join(folder, "memory", "m.sqlite"), filepath.Join(folder, "results")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.Mkdir(results, 0o700),
		os.WriteFile(filepath.Join(results, "x.png"), []byte("\x89PNG\r\n\x1a\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	w, err := memory.Create(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	err = w.Message(ctx, &memory.Message{
		ID: "00000000-0000-4000-8000-000000000001", Conversation: "c1", Role: "assistant", At: time.Unix(1_700_000_000, 0),
		Original: "/home/roakey/dbdata/images/x.png", DataType: "image_path",
	})
	if err := errors.Join(err, w.Finish(ctx, false), w.Close()); err != nil {
		t.Fatal(err)
	}
	return file, results
}

func TestMediaRootIsTheFoldersOfTheFilesUnlessTold(t *testing.T) {
	file, results := withPicture(t)
	data := t.TempDir()
	_, stdout, _ := run(t, "import", "--data", data, "--user", "alice", file)
	if !strings.Contains(stdout, "no such file below the media root") {
		t.Errorf("without the flag: %s", stdout)
	}
	t.Chdir(filepath.Dir(results))
	status, stdout, stderr := run(t, "import", "--data", data, "--user", "alice", "--media-root", "results", file)
	if status != exitDone || !strings.Contains(stdout, "message_files") {
		t.Errorf("with the flag: %d, %s%s", status, stdout, stderr)
	}
	status, _, stderr = run(t, "import", "--data", data, "--user", "alice", "--media-root", "nowhere", file)
	if status != exitFailed || !strings.Contains(stderr, "media root") {
		t.Errorf("a root that is not there: %d, %s", status, stderr)
	}
}

func TestTheServerThatOwnsTheFolderKeepsTheMedia(t *testing.T) {
	file, results := withPicture(t)
	data := t.TempDir()
	base, stop := serve(t, data)
	defer stop()
	_, token, _ := run(t, "token", "--data", data, "--user", "alice")
	token = strings.TrimSpace(token)
	query(t, base, token, "{ server { version } }") // the control socket is there before the first answer
	t.Chdir(filepath.Dir(results))
	if status, stdout, stderr := run(t, "import", "--data", data, "--user", "alice", "--media-root", "results", file); status != exitDone {
		t.Fatalf("status %d, %s%s", status, stdout, stderr)
	}
	body := query(t, base, token, `{ viewer { workspace { messages { nodes { media { name mimeType url } } } } } }`)
	if !strings.Contains(body, `"name":"x.png","mimeType":"image/png","url":"/files/`) {
		t.Errorf("the server answers %s", body)
	}
}
