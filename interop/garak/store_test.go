package garak_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop/garak"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/userstore"
)

// workspace is a real store, and the same tables for the test to look into.
type workspace struct {
	storage.UserStore
	tables *sql.DB
}

func newWorkspace(t testing.TB) *workspace {
	t.Helper()
	registry, err := duckdb.Open(t.Context(), duckdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	engine, err := registry.Engine(t.Context(), "w.db", "w1")
	if err != nil {
		t.Fatal(err)
	}
	store, err := userstore.New(t.Context(), engine, "w1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return &workspace{UserStore: store, tables: engine.Read()}
}

// guard is what the importers' caller gives a stage.
type guard struct{ scrubber *secret.Scrubber }

func (g guard) Add(credential string)                     { g.scrubber.Add(credential) }
func (g guard) Clean(text string) (string, bool)          { return g.scrubber.Clean(text) }
func (guard) Seal(string, string, string) (string, error) { return "", nil }

// take imports a report as the callers do, and commits it.
func (w *workspace) take(t testing.TB, report, hitlog io.Reader, opts garak.Options) (garak.Summary, *storage.Import, error) {
	t.Helper()
	stage, err := w.NewStage(t.Context(), guard{secret.NewScrubber()})
	if err != nil {
		t.Fatal(err)
	}
	defer stage.Close()
	summary, err := garak.Import(t.Context(), report, 0, hitlog, stage, opts)
	if err != nil {
		return summary, nil, err
	}
	now := time.Now().UTC()
	imp := &storage.Import{Tool: storage.SourceGarak, Format: "garak", FileName: "x", StartedAt: now, FinishedAt: now, Notes: summary.Notes}
	if err := stage.Commit(t.Context(), imp, nil); err != nil {
		t.Fatal(err)
	}
	return summary, imp, nil
}

func (w *workspace) mustTake(t testing.TB, report, hitlog string) (garak.Summary, *storage.Import) {
	t.Helper()
	var hits io.Reader
	if hitlog != "" {
		hits = strings.NewReader(hitlog)
	}
	summary, imp, err := w.take(t, strings.NewReader(report), hits, garak.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return summary, imp
}

// rows gives each row of a query as its values' texts, joined by |.
func (w *workspace) rows(t testing.TB, query string, args ...any) []string {
	t.Helper()
	rows, err := w.tables.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		targets := make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		texts := make([]string, len(columns))
		for i, value := range values {
			if texts[i] = value.String; !value.Valid {
				texts[i] = "NULL"
			}
		}
		out = append(out, strings.Join(texts, "|"))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func equal(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s:\n got:\n  %s\nwant:\n  %s", what, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// file gives a real file's text.
func file(t testing.TB, name string) string {
	t.Helper()
	content, err := os.ReadFile(testfiles.Path(t, "garak/"+name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

type fields = map[string]any

// report writes lines as garak does.
func report(t testing.TB, entries ...any) string {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	for _, entry := range entries {
		if err := encoder.Encode(entry); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

const runID = "11111111-2222-4333-8444-555555555555"

// begin is the start of a run, with further settings.
func begin(settings fields) []any {
	setup := fields{
		"entry_type": "start_run setup", "transient.run_id": runID, "plugins.target_type": "test.Repeat",
		"plugins.target_name": "echo", "_config.version": "0.17.1",
	}
	for name, setting := range settings {
		setup[name] = setting
	}
	return []any{setup, fields{"entry_type": "init", "garak_version": "0.17.1", "start_time": "2026-01-02T03:04:05.678901", "run": runID}}
}

func end() fields {
	return fields{"entry_type": "completion", "run": runID, "end_time": "2026-01-02T03:05:05"}
}

// turns writes a conversation: role, text, role, text...; nil is a null content.
func turns(said ...any) fields {
	list := []any{}
	for i := 0; i < len(said); i += 2 {
		var content any
		if said[i+1] != nil {
			content = fields{"text": said[i+1], "lang": "en", "data_path": nil, "data_type": nil, "data_checksum": nil, "notes": fields{}}
		}
		list = append(list, fields{"role": said[i], "content": content})
	}
	return fields{"turns": list, "notes": nil}
}

// attempt is a line of garak 0.17 of probe p.P.
func attempt(uuid string, prompt fields, conversations []any, more fields) fields {
	entry := fields{
		"entry_type": "attempt", "uuid": uuid, "seq": 0, "status": 2, "probe_classname": "p.P", "probe_params": fields{},
		"targets": []any{}, "prompt": prompt, "outputs": []any{}, "detector_results": fields{}, "notes": fields{},
		"goal": "a goal", "conversations": conversations, "reverse_translation_outputs": []any{}, "intent": nil,
	}
	for name, member := range more {
		entry[name] = member
	}
	return entry
}
