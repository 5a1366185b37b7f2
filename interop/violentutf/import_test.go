package violentutf

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop/pyrit"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/userstore"
)

// credentials stand in plain text in the sample.
var credentials = []string{"sk-test-THIS-MUST-NEVER-BE-READABLE-0001", "Bearer secret-0002"}

// vault seals with its own record of what it was given. It seals alike each time;
// that a real keeper does not is for the store's merge to know.
type vault struct {
	*secret.Scrubber
	sealed map[string]string // row -> plain text
}

func (v vault) Seal(table, row, plaintext string) (string, error) {
	v.sealed[table+"/"+row] = plaintext
	return "sealed " + storage.TextHash(plaintext), nil
}
func (v vault) Add(credential string) { v.Scrubber.Add(credential) }

type workspace struct {
	dir      string
	registry *duckdb.Registry
	engine   userstore.Engine
	store    *userstore.Store
	vault    vault
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	w := &workspace{dir: t.TempDir(), vault: vault{secret.NewScrubber(), map[string]string{}}}
	var err error
	if w.registry, err = duckdb.Open(t.Context(), duckdb.Options{Dir: w.dir}); err != nil {
		t.Fatal(err)
	}
	if w.engine, err = w.registry.Engine(t.Context(), "store.db", "owner"); err != nil {
		t.Fatal(err)
	}
	if w.store, err = userstore.New(t.Context(), w.engine, "owner"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(w.store.Close(), w.registry.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *workspace) load(t *testing.T) (*storage.Import, pyrit.Summary) {
	t.Helper()
	foreign, err := w.registry.OpenForeign(t.Context(), testfiles.Path(t, testfiles.Original))
	if err != nil {
		t.Fatal(err)
	}
	defer foreign.Close()
	if !Detect(foreign.Tables()) {
		t.Error("not detected")
	}
	stage, err := w.store.NewStage(t.Context(), w.vault)
	if err != nil {
		t.Fatal(err)
	}
	defer stage.Close()
	summary, err := Import(t.Context(), foreign, stage, pyrit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	made := &storage.Import{Tool: storage.SourceViolentUTF, Format: "violentutf", FileName: "file", StartedAt: time.Now(), FinishedAt: time.Now()}
	if err := stage.Commit(t.Context(), made, nil); err != nil {
		t.Fatal(err)
	}
	return made, summary
}

func (w *workspace) count(t *testing.T, statement string) int {
	t.Helper()
	n := 0
	if err := w.engine.Read().QueryRowContext(t.Context(), statement).Scan(&n); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return n
}

func TestImportGivesBackTheOriginalsFile(t *testing.T) {
	w := newWorkspace(t)
	_, summary := w.load(t)
	for statement, want := range map[string]int{
		"SELECT count(*) FROM generators":                                                                                        2,
		"SELECT count(*) FROM generators WHERE credential IS NOT NULL":                                                           2,
		"SELECT count(*) FROM converters":                                                                                        2,
		"SELECT count(*) FROM scorers":                                                                                           2,
		"SELECT count(*) FROM datasets WHERE source = 'VIOLENTUTF'":                                                              2,
		"SELECT count(*) FROM dataset_prompts WHERE source = 'VIOLENTUTF'":                                                       25,
		"SELECT count(*) FROM dataset_prompts WHERE source = 'PYRIT'":                                                            10,
		"SELECT count(*) FROM user_sessions":                                                                                     1,
		"SELECT count(*) FROM conversations WHERE source = 'PYRIT'":                                                              130,
		"SELECT count(*) FROM prompt_request_responses":                                                                          255,
		"SELECT count(*) FROM scores":                                                                                            135,
		"SELECT count(*) FROM attacks":                                                                                           75,
		"SELECT count(*) FROM converters WHERE parameters = '{\"caesar_offset\":3}'":                                             1,
		"SELECT count(*) FROM generators WHERE id = source_id AND attributes = '{\"user_id\":\"alice\"}'":                        2,
		"SELECT count(*) FROM user_sessions WHERE session_key = 'ui' AND contains(body, '6aad5efe-ff2b-4f12-a261-7965a31783cf')": 1,
	} {
		if got := w.count(t, statement); got != want {
			t.Errorf("%s: %d, want %d", statement, got, want)
		}
	}
	read := map[string]int64{}
	for _, table := range summary.Tables {
		read[table.Table] = table.Read
	}
	for table, want := range map[string]int64{
		"generators": 2, "converters": 2, "scorers": 2, "datasets": 2, "dataset_prompts": 25, "user_sessions": 1,
		"PromptMemoryEntries": 255, "ScoreEntries": 135, "SeedPromptEntries": 10, "EmbeddingData": 0,
	} {
		if got, found := read[table]; !found || got != want {
			t.Errorf("%s: read %d, want %d", table, got, want)
		}
	}
	if len(summary.Notes) > 0 {
		t.Errorf("notes: %q", summary.Notes)
	}
}

// TestCredentialsAreSealedAndNowhereElse also looks into the store's file itself.
func TestCredentialsAreSealedAndNowhereElse(t *testing.T) {
	w := newWorkspace(t)
	w.load(t)
	found := map[string]bool{}
	for row, plain := range w.vault.sealed {
		var values map[string]string
		if err := json.Unmarshal([]byte(plain), &values); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		for pointer, value := range values {
			found[row+pointer+"="+value] = true
		}
	}
	for _, want := range []string{
		"generators/6aad5efe-ff2b-4f12-a261-7965a31783cf/api_key=" + credentials[0],
		"generators/e68ef4bd-62e7-48b8-b018-d033bf1f2fa4/headers/Authorization=" + credentials[1],
	} {
		if !found[want] {
			t.Errorf("not sealed: %s, only %v", want, found)
		}
	}
	if err := w.registry.Checkpoint(t.Context(), w.engine); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(w.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, credential := range credentials {
			if strings.Contains(string(content), strings.TrimPrefix(credential, "Bearer ")) {
				t.Errorf("%s holds %q", filepath.Base(path), credential)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	w := newWorkspace(t)
	w.load(t)
	again, _ := w.load(t)
	for _, c := range again.Tables {
		if c.Inserted+c.Updated > 0 {
			t.Errorf("%s: %d inserted, %d updated", c.Table, c.Inserted, c.Updated)
		}
	}
}
