package execution_test

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
	"github.com/violentutf/violentutf/storage/files"
	"github.com/violentutf/violentutf/storage/sqlite"
)

// The configured things of the real file of the original.
const (
	originalGateway = "6aad5efe-ff2b-4f12-a261-7965a31783cf"
	originalHTTP    = "e68ef4bd-62e7-48b8-b018-d033bf1f2fa4"
	originalBase64  = "af5f5cd9-ab84-41cd-bc32-ef18a9fd7ac8"
	originalCaesar  = "706f38cf-9f01-471d-bb32-89165dfd25a2"
	originalFinds   = "3e99fb38-1ee6-4e0a-baca-8c687ae9702d"
	originalRefusal = "7afea503-1f40-4809-8930-d790ad63e75b"
)

// importOriginal brings the file of the original into the workspace.
func (w *workshop) importOriginal() {
	w.t.Helper()
	dir := w.t.TempDir()
	if err := datadir.Layout(dir); err != nil {
		w.t.Fatal(err)
	}
	media, err := files.Open(dir)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = media.Close() })
	importer := &interop.Importer{
		DuckDB: w.registry, SQLite: sqlite.ForeignOpener{StagingDir: filepath.Join(dir, "violentutf", "cache")}, Keeper: w.things.Keeper, Files: media,
	}
	if _, err := importer.File(context.Background(), w.store, testfiles.Path(w.t, testfiles.Original), interop.Options{}); err != nil {
		w.t.Fatal(err)
	}
}

func TestWhatTheOriginalConfiguredRuns(t *testing.T) {
	called := make(chan string, 100)
	w := newWorkshop(t, mocktarget.Options{
		Reply: func(prompt string) string {
			if strings.Contains(prompt, "=== BEGIN") {
				return `{"score_value": "true", "rationale": "it declines"}`
			}
			return "Sure: " + prompt
		},
		Seen: func(r *http.Request, _ []byte) { called <- r.URL.Path + " " + r.Header.Get("apikey") },
	})
	w.importOriginal()
	before := w.row(storage.KindGenerators, originalGateway)
	problems, err := w.things.Validate(t.Context(), w.store, storage.KindGenerators, configured.Part{Key: originalGateway}, "")
	if err != nil || len(problems) != 0 {
		t.Errorf("the gateway: %v, %v", problems, err)
	}
	problems, err = w.things.Validate(t.Context(), w.store, storage.KindGenerators, configured.Part{Key: originalHTTP}, "")
	if err != nil || len(problems) != 1 || problems[0].Severity != storage.ProblemWarning || strings.Join(problems[0].Field, ".") != "parameters.body" {
		t.Errorf("the HTTP endpoint: %v, %v", problems, err)
	}
	for kind, things := range map[storage.ConfiguredKind][]string{storage.KindConverters: {originalBase64, originalCaesar}, storage.KindScorers: {originalFinds, originalRefusal}} {
		for _, key := range things {
			if problems, err := w.things.Validate(t.Context(), w.store, kind, configured.Part{Key: key}, ""); err != nil || len(problems) != 0 {
				t.Errorf("%s %s: %v, %v", kind, key, problems, err)
			}
		}
	}
	if after := w.row(storage.KindGenerators, originalGateway); after.Type != "AI Gateway" || after.Parameters != before.Parameters || !strings.Contains(string(after.Parameters), `"provider":"openai"`) {
		t.Errorf("the row became %+v", after)
	}

	copyOfHTTP := w.row(storage.KindGenerators, originalHTTP).Parameters

	// The endpoint of the sample is gone: it is changed as the original spells it. A
	// credential does not go along to another address.
	parameters := func(key string) *storage.JSON {
		text := storage.JSON(strings.Replace(strings.Replace(string(before.Parameters), "http://127.0.0.1:18999/v1", w.url, 1), `"[sealed]"`, `"`+key+`"`, 1))
		return &text
	}
	if err := w.things.Update(t.Context(), w.store, storage.KindGenerators, originalGateway, configured.Change{Parameters: parameters("[sealed]")}); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("the credential went along: %v", err)
	}
	if err := w.things.Update(t.Context(), w.store, storage.KindGenerators, originalGateway, configured.Change{Parameters: parameters("sk-mock-0123456789abcdef0123456789")}); err != nil {
		t.Fatal(err)
	}
	gateway := originalGateway
	refuses := originalRefusal
	run := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts, o.Chains = orchestrator.PromptSending, &gateway, []string{"hello"}, [][]string{{originalCaesar, originalBase64}}
		o.Scorers, o.ObjectiveScorer = []string{originalFinds, originalRefusal}, &refuses
	}))
	w.engine()
	if p := w.wait(run, storage.ExecutionSucceeded).Progress; p.Successes != 1 || p.Calls != 2 {
		t.Errorf("%+v", p)
	}
	for range 2 { // the prompt, and the judge
		if got := <-called; got != "/v1/chat/completions sk-mock-0123456789abcdef0123456789" {
			t.Errorf("called %s", got)
		}
	}

	// A copy is one of our own.
	if copyOfHTTP != w.row(storage.KindGenerators, originalHTTP).Parameters {
		t.Error("a row changed that nobody touched")
	}
	cloned, err := w.things.Clone(t.Context(), w.store, storage.KindGenerators, originalHTTP, "copy")
	if err != nil {
		t.Fatal(err)
	}
	if copied := w.row(storage.KindGenerators, cloned); copied.Type != "HTTP_REST" || copied.Source != storage.SourceNative || !copied.Credential.IsSet ||
		string(copied.Parameters) != `{"headers":{"Authorization":"[sealed]"},"method":"POST","timeout_seconds":30,"url":"http://127.0.0.1:18999/v1/chat/completions"}` {
		t.Errorf("the copy is %+v", copied)
	}
}

// A generator that keeps a whole request, credential and all, and a scorer that names its
// generator by name.
func TestOtherSpellingsOfTheOriginalRun(t *testing.T) {
	called := make(chan string, 100)
	w := newWorkshop(t, mocktarget.Options{
		Reply: func(string) string { return `{"score_value": "false", "rationale": "it answers"}` },
		Seen:  func(r *http.Request, body []byte) { called <- r.Header.Get("Authorization") + " " + string(body) },
	})
	w.importOriginal()
	host := strings.TrimSuffix(strings.TrimPrefix(w.url, "http://"), "/v1")
	whole := func(key, more string) *storage.JSON {
		text := storage.JSON(`{"http_request":"POST /ask HTTP/1.1\nHost: ` + host + `\nContent-Type: application/json\nAuthorization: Bearer ` + key + `\n\n{\"prompt\": \"{PROMPT}\"}","use_tls":false` + more + `}`)
		return &text
	}
	const key = "sk-mock-0123456789abcdef0123456789"
	if err := w.things.Update(t.Context(), w.store, storage.KindGenerators, originalHTTP, configured.Change{Parameters: whole(key, "")}); err != nil {
		t.Fatal(err)
	}
	row := w.row(storage.KindGenerators, originalHTTP)
	if strings.Contains(string(row.Parameters), "sk-mock") || row.Type != "HTTP REST" {
		t.Fatalf("the row is %+v", row)
	}
	for _, more := range []string{`,"url":"http://elsewhere.example/"`, `,"endpoint":"http://elsewhere.example/"`} {
		shown := storage.JSON(strings.TrimSuffix(string(row.Parameters), "}") + more + "}")
		if err := w.things.Update(t.Context(), w.store, storage.KindGenerators, originalHTTP, configured.Change{Parameters: &shown}); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("the credential goes to %s: %v", more, err)
		}
	}
	name := storage.JSON(`{"chat_target":"rest-target"}`)
	if err := w.things.Update(t.Context(), w.store, storage.KindScorers, originalRefusal, configured.Change{Parameters: &name}); err != nil {
		t.Fatal(err)
	}
	none := storage.JSON(`{"chat_target":"nobody"}`)
	if err := w.things.Update(t.Context(), w.store, storage.KindScorers, originalRefusal, configured.Change{Parameters: &none}); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("a generator of no name: %v", err)
	}
	generator, refuses := originalHTTP, originalRefusal
	run := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts, o.Scorers, o.ObjectiveScorer = orchestrator.PromptSending, &generator, []string{"hello"}, []string{refuses}, &refuses
	}))
	w.engine()
	if p := w.wait(run, storage.ExecutionSucceeded).Progress; p.Calls < 2 || p.Errors != 0 {
		t.Errorf("%+v", p)
	}
	if got := <-called; got != `Bearer `+key+` {"prompt": "hello"}` {
		t.Errorf("called with %s", got)
	}
}

func (w *workshop) row(kind storage.ConfiguredKind, key string) *storage.Configured {
	w.t.Helper()
	thing, err := configured.Read(w.t.Context(), w.store, kind, key)
	if err != nil {
		w.t.Fatal(err)
	}
	return thing
}
