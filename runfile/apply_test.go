package runfile_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/native"
	"github.com/violentutf/violentutf/runfile"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/userstore"
)

// bench is a workspace's store, and who sets things up in it.
type bench struct {
	t      *testing.T
	things *configured.Things
	store  *userstore.Store
}

func newBench(t *testing.T) *bench {
	t.Helper()
	registry, err := duckdb.Open(t.Context(), duckdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close(context.Background()) })
	engine, err := registry.Engine(t.Context(), "alice.db", "w1")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t}
	if b.store, err = userstore.New(t.Context(), engine, "w1"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.store.Close() })
	keeper, err := secret.OpenKeeper(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b.things = &configured.Things{Keeper: keeper, Types: configured.Types()}
	return b
}

func (b *bench) apply(file *runfile.File) (*runfile.Applied, error) {
	return file.Apply(b.t.Context(), b.things, b.store, "alice", nil)
}

func (b *bench) applied(file *runfile.File) map[string]configured.Done {
	b.t.Helper()
	applied, err := b.apply(file)
	if err != nil {
		b.t.Fatal(err)
	}
	done := map[string]configured.Done{}
	for _, change := range applied.Changes {
		done[change.Kind+" "+change.Name] = change.Done
	}
	return done
}

// all is every thing of the whole file, with the same end.
func all(done configured.Done) map[string]configured.Done {
	return map[string]configured.Done{
		"generators target": done, "generators judge": done, "converters b64": done, "scorers leak": done, "datasets seeds": done, "orchestrators nightly": done,
	}
}

func TestApplyingAgainChangesNothing(t *testing.T) {
	b := newBench(t)
	if done := b.applied(read(t, whole)); !reflect.DeepEqual(done, all(configured.DoneCreated)) {
		t.Fatalf("at first %v", done)
	}
	before, err := b.store.Revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if done := b.applied(read(t, whole)); !reflect.DeepEqual(done, all(configured.DoneUnchanged)) {
		t.Errorf("again %v", done)
	}
	if after, err := b.store.Revision(t.Context()); err != nil || after != before {
		t.Errorf("the revision was %d and is %d, %v", before, after, err)
	}
	o, err := configured.OrchestratorNamed(t.Context(), b.store, "nightly")
	if err != nil || len(o.Chains) != 2 || len(o.Scorers) != 1 || *o.ObjectiveScorer != o.Scorers[0] || *o.Budget.Calls != 100 || o.Author != "alice" {
		t.Errorf("%+v, %v", o, err)
	}
	if valid, err := b.things.ValidateOrchestrator(t.Context(), b.store, o.Key); err != nil || valid.Estimate.Items != 8 {
		t.Errorf("%+v, %v", valid, err)
	}
}

func TestOnlyWhatDiffersIsChanged(t *testing.T) {
	b := newBench(t)
	b.applied(read(t, whole))
	for name, c := range map[string]struct{ from, to, changed string }{
		"a parameter":   {"model: mock", "model: other", "generators target"},
		"a scorer":      {"2026-01-01", "2027-01-01", "scorers leak"},
		"a prompt":      {"- one", "- uno", "datasets seeds"},
		"a category":    {"[hate]", "[hate, spam]", "datasets seeds"},
		"a prompt more": {"- one", "- one\n      - more", "datasets seeds"},
		"a tag":         {"    prompts:", "    tags: [a]\n    prompts:", "datasets seeds"},
		"a chain":       {"[[], [b64]]", "[[b64]]", "orchestrators nightly"},
		"a label":       {"{team: red}", "{team: blue}", "orchestrators nightly"},
		"concurrency":   {"  scorers: [leak]", "  scorers: [leak]\n  concurrency: 9", "orchestrators nightly"},
		"a scorer less": {"  scorers: [leak]\n  objectiveScorer: leak\n", "", "orchestrators nightly"},
	} {
		want := all(configured.DoneUnchanged)
		want[c.changed] = configured.DoneUpdated
		if done := b.applied(read(t, strings.Replace(whole, c.from, c.to, 1))); !reflect.DeepEqual(done, want) {
			t.Errorf("%s: %v", name, done)
		}
		done := b.applied(read(t, whole))
		if name == "a tag" { // left out, it stays
			want[c.changed] = configured.DoneUnchanged
		}
		if !reflect.DeepEqual(done, want) {
			t.Errorf("%s, and back: %v", name, done)
		}
	}
}

func TestCredentialsAreKeptOrReplaced(t *testing.T) {
	b := newBench(t)
	b.applied(read(t, whole))
	key, err := configured.KeyOf(t.Context(), b.store, storage.KindGenerators, "target")
	if err != nil {
		t.Fatal(err)
	}
	credential := func() string {
		t.Helper()
		thing, err := configured.Read(t.Context(), b.store, storage.KindGenerators, key)
		if err != nil || strings.Contains(string(thing.Parameters), "sk-") {
			t.Fatalf("%+v, %v", thing, err)
		}
		if !thing.Credential.IsSet {
			return ""
		}
		return *thing.Credential.LastFour
	}
	without := strings.Replace(whole, "    credential: {env: MOCK_KEY}\n", "", 1)
	if done := b.applied(read(t, without)); done["generators target"] != configured.DoneUnchanged || credential() != "6789" {
		t.Errorf("left out: %v, %s", done, credential())
	}
	other, err := runfile.Read("run.yaml", []byte(whole), func(name string) string {
		return strings.ReplaceAll(environment(name), "6789", "9876")
	})
	if err != nil {
		t.Fatal(err)
	}
	if done := b.applied(other); done["generators target"] != configured.DoneUpdated || done["generators judge"] != configured.DoneUpdated || credential() != "9876" {
		t.Errorf("another one: %v, %s", done, credential())
	}
	// Whoever may change the file must not have the credential sent elsewhere.
	if _, err := b.apply(read(t, strings.Replace(without, "{env: MOCK_URL}", "https://example.org", 1))); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("sent elsewhere: %v", err)
	}
}

func TestDatasetsOfFilesAndLists(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "seeds.csv"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.Replace(whole, "    prompts:\n      - one\n      - {text: two, harmCategories: [hate]}", "    file: seeds.csv\n    mapping: {text: what}\n  own:\n    native: harmless-facts", 1)
	text = strings.Replace(text, "harmless-facts", lists(t), 1)
	file, err := runfile.Read(filepath.Join(dir, "run.yaml"), []byte(text), environment)
	if err != nil {
		t.Fatal(err)
	}
	write("what,why\none,a\ntwo,b\n")
	want := all(configured.DoneCreated)
	want["datasets own"] = configured.DoneCreated
	if done := b.applied(file); !reflect.DeepEqual(done, want) {
		t.Errorf("at first %v", done)
	}
	if done := b.applied(file); done["datasets seeds"] != configured.DoneUnchanged || done["datasets own"] != configured.DoneUnchanged {
		t.Errorf("again %v", done)
	}
	write("what,why\none,a\nthree,b\nfour,c\n")
	if done := b.applied(file); done["datasets seeds"] != configured.DoneUpdated {
		t.Errorf("changed %v", done)
	}
	found, err := b.store.Datasets(t.Context(), nil, storage.NameOrder{Field: storage.NameOrderName}, storage.Page{Limit: 10})
	if err != nil || len(found.Nodes()) != 2 || found.Nodes()[1].Version != 2 || found.Nodes()[1].PromptCount != 3 {
		t.Errorf("%+v, %v", found.Nodes()[1], err)
	}
	for content, says := range map[string]string{
		"what,why\none,a\n,b\n": "line 3, column 1", "what,why\n": "has no prompts", "who\na\n": "what",
	} {
		write(content)
		if _, err := b.apply(file); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "run.yaml:21: ") {
			t.Errorf("%q: %v", content, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "seeds.csv")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.apply(file); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("without the file: %v", err)
	}
}

func TestThingsNameEachOther(t *testing.T) {
	b := newBench(t)
	b.applied(read(t, whole))
	// What the file does not describe is one of the workspace: target and leak.
	text := `version: 1
converters:
  softer: {type: ToneConverter, parameters: {converter_target: target, tone: friendly}}
scorers:
  both: {type: TrueFalseCompositeScorer, parameters: {scorers: [leak, never], aggregator: OR}}
  never: {type: SubStringScorer, parameters: {substring: x}}
orchestrator:
  name: red
  type: RED_TEAMING
  generator: target
  prompts: [an objective]
  chains: [[softer]]
  scorers: [both]
  objectiveScorer: both
  parameters: {attacker: judge, feedback_scorer: [never]}
`
	applied, err := b.apply(read(t, text))
	if err != nil {
		t.Fatal(err)
	}
	valid, err := b.things.ValidateOrchestrator(t.Context(), b.store, applied.Orchestrator)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range valid.Problems {
		if problem.Severity == storage.ProblemError && !strings.Contains(problem.Message, "may not be called") && !strings.Contains(problem.Message, "loopback") {
			t.Errorf("%+v", *problem)
		}
	}
	if done := b.applied(read(t, text)); done["scorers both"] != configured.DoneUnchanged || done["converters softer"] != configured.DoneUnchanged || done["orchestrators red"] != configured.DoneUnchanged {
		t.Errorf("again %v", done)
	}
	only, err := b.apply(read(t, "version: 1\norchestrator: red\n"))
	if err != nil || only.Orchestrator != applied.Orchestrator || len(only.Changes) != 0 {
		t.Errorf("by name %+v, %v", only, err)
	}
}

func TestWhatIsNamedAndNotThereIsTold(t *testing.T) {
	b := newBench(t)
	for name, c := range map[string]struct {
		from, to, says string
		code           storage.Code
	}{
		"generator":      {"generator: target", "generator: missing", `ci/run.yaml:25: orchestrator "nightly": neither the file nor the workspace has generators of the name "missing"`, storage.CodeNotFound},
		"dataset":        {"dataset: seeds", "dataset: missing", `has a dataset of the name "missing"`, storage.CodeNotFound},
		"converter":      {"[[], [b64]]", "[[b65]]", `converters of the name "b65"`, storage.CodeNotFound},
		"type":           {"Base64Converter", "Base65Converter", `ci/run.yaml:17: converters "b64": "Base65Converter" is no type`, storage.CodeBadInput},
		"parameter":      {"model: mock", "modle: mock", `ci/run.yaml:5: generators "target": `, storage.CodeBadInput},
		"objective":      {"objectiveScorer: leak", "objectiveScorer: other", `scorers of the name "other"`, storage.CodeNotFound},
		"a circle":       {"leak: {type: SubStringScorer, parameters: {substring: 2026-01-01}}", "leak: {type: TrueFalseCompositeScorer, parameters: {scorers: [leak], aggregator: OR}}", `"leak" is made of itself`, storage.CodeConflict},
		"bounds":         {"calls: 100", "calls: 0", "a budget is at least one call", storage.CodeBadInput},
		"orchestrator":   {whole, "version: 1\norchestrator: missing\n", `ci/run.yaml:2: orchestrator "missing": the workspace has no orchestrator`, storage.CodeNotFound},
		"no concurrency": {"  scorers: [leak]", "  scorers: [leak]\n  concurrency: 0", "concurrency must be", storage.CodeBadInput},
	} {
		_, err := b.apply(read(t, strings.Replace(whole, c.from, c.to, 1)))
		if err == nil || !strings.Contains(err.Error(), c.says) || storage.CodeOf(err) != c.code {
			t.Errorf("%s: %v (%s), want one that says %q", name, err, storage.CodeOf(err), c.says)
		}
	}
	b.applied(read(t, whole))
	if _, err := b.apply(read(t, strings.Replace(whole, "Base64Converter", "ROT13Converter", 1))); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("another type: %v", err)
	}
}

// lists is the name of a list that comes with the program.
func lists(t *testing.T) string {
	t.Helper()
	for _, list := range native.Lists() {
		if list.Available() {
			return list.Name
		}
	}
	t.Fatal("there is none")
	return ""
}
