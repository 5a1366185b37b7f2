package interop_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/bench/memory"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/storage"
)

const (
	picture = "\x89PNG\r\n\x1a\n a picture"
	sound   = "RIFF\x00\x00\x00\x00WAVEfmt a sound"
)

// withMedia writes a memory as PyRIT 1.1 does: the reply is a picture, in a folder
// that another machine has, and the prompt a text that a converter made a sound of.
func withMedia(t *testing.T, folder string) string {
	t.Helper()
	ctx := t.Context()
	path := filepath.Join(folder, "memory.sqlite")
	w, err := memory.Create(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	const results = "/home/roakey/dbdata/prompt-memory-entries/"
	for i, m := range []memory.Message{
		{Role: "user", Original: "say it", Converted: results + "audio/1.wav"},
		{Role: "assistant", Original: results + "images/1.png", DataType: "image_path"},
		{Role: "assistant", Original: results + "images/1.png", DataType: "image_path"},
		{Role: "assistant", Original: "../../secret.txt", DataType: "binary_path"},
		{Role: "assistant", Original: results + "videos/1.mp4", DataType: "video_path"},
		{Role: "assistant", Original: "images/1.png"},
	} {
		m.ID = fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i)
		m.Conversation, m.Sequence, m.At = "c1", i, time.Date(2026, 1, 1, 0, i, 0, 0, time.UTC)
		if err := w.Message(ctx, &m); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Finish(ctx, false), w.Close()); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.ExecContext(ctx, `UPDATE "PromptMemoryEntries" SET converted_value_data_type = 'audio_path' WHERE original_value = 'say it'`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// fill writes the media that exist; the video is missing.
func fill(t *testing.T, folder string) {
	t.Helper()
	for name, text := range map[string]string{"images/1.png": picture, "audio/1.wav": sound} {
		path := filepath.Join(folder, "dbdata", "prompt-memory-entries", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
}

// changed counts the rows of each table that an import wrote.
func changed(imp *storage.Import) map[string]int64 {
	written := map[string]int64{}
	for _, table := range imp.Tables {
		if n := table.Inserted + table.Updated; n > 0 {
			written[table.Table] = n
		}
	}
	return written
}

// contents lists the files that are kept for all workspaces.
func (w *workspace) contents() []string {
	w.t.Helper()
	kept, err := filepath.Glob(filepath.Join(w.dir, "violentutf", "files", "*", "*", "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return kept
}

func (w *workspace) takeWith(path string, opts interop.Options) *storage.Import {
	w.t.Helper()
	imp, err := w.importer.File(context.Background(), w.store, path, opts)
	if err != nil {
		w.t.Fatal(err)
	}
	return imp
}

func TestMediaAreKeptAndLinked(t *testing.T) {
	w, folder := newWorkspace(t), t.TempDir()
	path := withMedia(t, folder)
	fill(t, folder)
	imp := w.takeWith(path, interop.Options{MediaRoot: folder})
	if got := changed(imp); got["files"] != 2 || got["message_files"] != 5 {
		t.Errorf("written %v", got)
	}
	for _, note := range []string{
		"media not kept: no such file below the media root; the path stays as it is (2)",
		"media not kept: the path leads out of the media root; the path stays as it is (2)",
	} {
		if !slices.Contains(imp.Notes, note) {
			t.Errorf("no note %q in %q", note, imp.Notes)
		}
	}
	if kept := w.contents(); len(kept) != 2 {
		t.Errorf("kept %v", kept)
	}
	var keys []storage.MessageKey
	for i := range int64(6) {
		keys = append(keys, storage.MessageKey{Conversation: 1, Sequence: i})
	}
	found, err := w.store.FilesByMessage(t.Context(), keys)
	if err != nil || len(found) != 3 {
		t.Fatalf("files of messages: %v, %v", found, err)
	}
	prompt, reply := found[keys[0]], found[keys[1]]
	if prompt.Original != nil || prompt.Converted.MediaType != "audio/wave" || prompt.Converted.Name != "1.wav" {
		t.Errorf("the prompt has %+v", *prompt)
	}
	if reply.Original.Hash != reply.Converted.Hash || reply.Original.MediaType != "image/png" || reply.Original.Owner != w.store.Owner() {
		t.Errorf("the reply has %+v and %+v", *reply.Original, *reply.Converted)
	}
	message, err := w.store.MessagesByKey(t.Context(), keys[1:2])
	if err != nil || message[keys[1]].ConvertedValue != "/home/roakey/dbdata/prompt-memory-entries/images/1.png" {
		t.Errorf("the path became %v, %v", message[keys[1]], err)
	}

	again := w.takeWith(path, interop.Options{MediaRoot: folder})
	if got := changed(again); len(got) > 0 || len(w.contents()) != 2 {
		t.Errorf("the second import wrote %v", got)
	}
}

func TestMediaThatWereMissingComeWithTheNextImport(t *testing.T) {
	w, folder := newWorkspace(t), t.TempDir()
	path := withMedia(t, folder)
	if got := changed(w.takeWith(path, interop.Options{MediaRoot: folder})); got["files"] != 0 || got["prompt_request_responses"] != 6 {
		t.Fatalf("the first import wrote %v", got)
	}
	fill(t, folder)
	got := changed(w.takeWith(path, interop.Options{MediaRoot: folder}))
	equal(t, "written", got, map[string]int64{"files": 2, "message_files": 5})
	// Without the folder what is known stays.
	got = changed(w.takeWith(path, interop.Options{}))
	equal(t, "written", got, map[string]int64{})
	equal(t, "links", w.counts("SELECT 'links', count(*) FROM message_files"), map[string]int64{"links": 5})
}

func TestWithoutAMediaRootNoPathIsFollowed(t *testing.T) {
	w, folder := newWorkspace(t), t.TempDir()
	path := withMedia(t, folder)
	fill(t, folder)
	w.takeWith(path, interop.Options{})
	w.takeWith(testfiles.Path(t, testfiles.Original), interop.Options{})
	if kept := w.contents(); len(kept) > 0 {
		t.Errorf("kept %v", kept)
	}
}

func TestADryRunKeepsNoMedia(t *testing.T) {
	w, folder := newWorkspace(t), t.TempDir()
	path := withMedia(t, folder)
	fill(t, folder)
	imp := w.takeWith(path, interop.Options{MediaRoot: folder, DryRun: true})
	if got := changed(imp); got["files"] != 2 || len(w.contents()) > 0 {
		t.Errorf("told %v, kept %v", got, w.contents())
	}
}

func TestAnImportThatEndsAfterTheCopiesLeavesTheStoreUnchanged(t *testing.T) {
	w, folder := newWorkspace(t), t.TempDir()
	path := withMedia(t, folder)
	fill(t, folder)
	const state = `SELECT 'revision', revision FROM store_info
		UNION ALL SELECT 'messages', count(*) FROM prompt_request_responses
		UNION ALL SELECT 'files', count(*) FROM files
		UNION ALL SELECT 'links', count(*) FROM message_files`
	before := w.counts(state)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := w.importer.File(ctx, w.store, path, interop.Options{MediaRoot: folder, Progress: func(p storage.Progress) {
		if p.Phase == "storing" {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) && (err == nil || !strings.Contains(err.Error(), "cancel")) {
		t.Fatalf("the import ended with %v", err)
	}
	equal(t, "the store", w.counts(state), before)
	if kept := w.contents(); len(kept) != 2 {
		t.Errorf("kept %v", kept)
	}
	if got := changed(w.takeWith(path, interop.Options{MediaRoot: folder})); got["files"] != 2 {
		t.Errorf("the next import wrote %v", got)
	}
}

func TestAMediaRootThatIsNoFolderIsRefused(t *testing.T) {
	w := newWorkspace(t)
	path := withMedia(t, t.TempDir())
	for _, root := range []string{path, path + ".missing"} {
		_, err := w.importer.File(t.Context(), w.store, path, interop.Options{MediaRoot: root})
		if storage.CodeOf(err) != storage.CodeBadInput || !strings.Contains(err.Error(), "media root") {
			t.Errorf("%s: %v", root, err)
		}
	}
}
