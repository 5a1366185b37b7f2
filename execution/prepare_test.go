package execution_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// workshop is a place with configured things.
type workshop struct {
	*place
	things  *configured.Things
	starter *execution.Starter
	calls   *mocktarget.Endpoint
	url     string
}

func newWorkshop(t *testing.T, options mocktarget.Options) *workshop {
	t.Helper()
	w := &workshop{place: newPlace(t), calls: mocktarget.New(options)}
	server := httptest.NewServer(w.calls)
	t.Cleanup(server.Close)
	w.url = server.URL + "/v1"
	keeper, err := secret.OpenKeeper(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w.things = &configured.Things{Keeper: keeper, Types: configured.Types(), Calls: target.Options{
		Policy: outbound.Policy{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, Timeout: 5 * time.Second,
	}}
	w.starter = &execution.Starter{App: w.app, Things: w.things, Events: &w.events}
	return w
}

func (w *workshop) make(kind storage.ConfiguredKind, name, typeName, parameters string) string {
	w.t.Helper()
	key, err := w.things.Create(w.t.Context(), w.store, kind, configured.New{Name: name, Type: typeName, Parameters: storage.JSON(parameters)})
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

func (w *workshop) generator(name string) string {
	return w.make(storage.KindGenerators, name, "OPENAI_COMPATIBLE", `{"endpoint":"`+w.url+`","model":"mock","api_key":"sk-mock-0123456789abcdef0123456789"}`)
}

// dataset has so many prompts.
func (w *workshop) dataset(prompts int) string {
	w.t.Helper()
	key, n := uuid.Must(uuid.NewV7()).String(), 0
	_, err := w.store.AddDataset(w.t.Context(), &storage.NewDataset{Key: key, Name: "set " + key, SourceType: "manual", CreatedAt: time.Now()}, func(context.Context) (*storage.Prompt, error) {
		if n == prompts {
			return nil, io.EOF
		}
		n++
		return &storage.Prompt{SeedType: "prompt", Text: fmt.Sprintf("prompt %d", n-1), DataType: "text", HarmCategories: []string{"h"}}, nil
	}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

func (w *workshop) orchestrator(edit func(o *storage.Orchestrator)) string {
	w.t.Helper()
	key, err := w.things.CreateOrchestrator(w.t.Context(), w.store, "alice", func(o *storage.Orchestrator) error {
		o.Name = "orchestrator " + o.Key
		edit(o)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return key
}

func (w *workshop) by() execution.By {
	return execution.By{WorkspaceKey: w.workspace.Key, UserKey: w.user.Key, Username: "alice"}
}

// start queues a run of an orchestrator.
func (w *workshop) start(orchestratorKey string) string {
	w.t.Helper()
	key, err := w.starter.Start(w.t.Context(), w.store, w.by(), orchestratorKey, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	plan, err := w.store.ExecutionPlan(w.t.Context(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	if strings.Contains(string(plan.Configuration), "sk-mock") {
		w.t.Error("the plan holds a credential")
	}
	return key
}

func (w *workshop) engine() { w.engineBy(&execution.Lanes{}) }

func (w *workshop) engineBy(lanes *execution.Lanes) {
	p := &execution.Preparer{Things: w.things, Lanes: lanes}
	w.place.engine("a", work{}, func(e *execution.Engine) { e.Prepare = p.Prepare })
}

func TestOrchestratorSendsItsDatasetThroughItsChains(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator := w.generator("mock")
	base64, rot := w.make(storage.KindConverters, "b", "Base64Converter", `{}`), w.make(storage.KindConverters, "r", "ROT13Converter", `{}`)
	finds := w.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"7"}`)
	dataset := w.dataset(300)
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.DatasetKey, o.Concurrency = orchestrator.PromptSending, &generator, &dataset, 16
		o.Chains = [][]string{{}, {base64, rot}}
		o.Scorers, o.ObjectiveScorer = []string{finds}, &finds
		o.Labels, o.Parameters = []*storage.Label{{Key: "op", Value: "x"}}, `{"repetitions":2}`
	}))
	w.engine()
	state := w.wait(key, storage.ExecutionSucceeded)
	if state.Progress.Total != 1200 || state.Progress.Done != 1200 || state.Progress.Calls != 1200 || state.Progress.Errors != 0 || state.Progress.Undetermined != 0 {
		t.Fatalf("%+v", state.Progress)
	}
	chain := "Base64Converter > ROT13Converter"
	through, err := w.store.Attacks(t.Context(), &storage.AttackFilter{Converters: &storage.ConverterFilter{Chain: &chain}}, storage.AttackOrder{Field: storage.AttackOrderNumber}, storage.Page{Limit: 1000})
	if err != nil || len(through.Nodes()) != 600 {
		t.Fatalf("%d attacks through the chain, %v", len(through.Nodes()), err)
	}
	perPrompt := map[int64]int{}
	for _, a := range through.Nodes() {
		perPrompt[*a.PromptNumber]++
		if a.AttackClass != "PromptSendingAttack" || *a.ExecutionID != key || len(a.ConverterHash) != 2 || len(a.HarmCategories) != 1 {
			t.Fatalf("attack %+v", a)
		}
	}
	if len(perPrompt) != 300 {
		t.Errorf("%d prompts were tried", len(perPrompt))
	}
	converted, err := w.store.ComponentsByHash(t.Context(), through.Nodes()[0].ConverterHash)
	if err != nil || len(converted) != 2 || *converted[through.Nodes()[0].ConverterHash[0]].ConverterID != base64 {
		t.Errorf("components %v, %v", converted, err)
	}
}

func TestChangesDoNotReachARunUnderWay(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator, finds := w.generator("mock"), w.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"hello"}`)
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts, o.Scorers, o.ObjectiveScorer = orchestrator.PromptSending, &generator, []string{"hello"}, []string{finds}, &finds
	}))
	other := storage.JSON(`{"substring":"something else"}`)
	if err := w.things.Update(t.Context(), w.store, storage.KindScorers, finds, configured.Change{Parameters: &other}); err != nil {
		t.Fatal(err)
	}
	w.engine()
	if state := w.wait(key, storage.ExecutionSucceeded); state.Progress.Successes != 1 {
		t.Errorf("%+v", state.Progress)
	}
}

func TestRunPausesAtItsBudgetAndGoesOn(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator, calls := w.generator("mock"), int64(10)
	dataset := w.dataset(40)
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.DatasetKey, o.Budget.Calls = orchestrator.PromptSending, &generator, &dataset, &calls
	}))
	w.engine()
	state := w.wait(key, storage.ExecutionPaused)
	if *state.Reason != storage.ReasonBudget || state.Progress.Calls != 10 || state.Progress.Done != 10 {
		t.Fatalf("%+v", state)
	}
	if _, err := w.app.CommandExecution(t.Context(), w.workspace.Key, key, storage.ExecutionQueued); err != nil {
		t.Fatal(err)
	}
	if again := w.wait(key, storage.ExecutionPaused); again.Progress.Calls != 10 {
		t.Errorf("after it was resumed %+v", again.Progress)
	}
}

func TestRunWithoutItsGeneratorFails(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator := w.generator("mock")
	o := w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts = orchestrator.PromptSending, &generator, []string{"hello"}
	})
	key := w.start(o)
	deletion := &storage.Deletion{
		Key: uuid.NewString(), By: "alice", At: time.Now(), Until: time.Now().Add(time.Hour),
		Keyed: map[string][]string{"generators": {generator}},
	}
	if _, err := w.store.MoveToTrash(t.Context(), deletion); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("moved the generator of an orchestrator: %v", err)
	}
	other := w.generator("other")
	if err := w.things.UpdateOrchestrator(t.Context(), w.store, o, func(o *storage.Orchestrator) error {
		o.GeneratorKey = &other
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.MoveToTrash(t.Context(), deletion); err != nil {
		t.Fatal(err)
	}
	w.engine()
	if state := w.wait(key, storage.ExecutionFailed); *state.Reason != storage.ReasonBadPlan {
		t.Errorf("%+v", state)
	}
}

func TestItemsThatFailedAreTriedAgain(t *testing.T) {
	var mended atomic.Bool
	w := newWorkshop(t, mocktarget.Options{Fault: func(prompt string, _ int) mocktarget.Fault {
		if strings.HasSuffix(prompt, "3") && !mended.Load() {
			return mocktarget.Fault{Status: 400, Body: `{"error":{"message":"no"}}`}
		}
		return mocktarget.Fault{}
	}})
	generator, dataset := w.generator("mock"), w.dataset(20)
	o := w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.DatasetKey = orchestrator.PromptSending, &generator, &dataset
	})
	key := w.start(o)
	if _, err := w.starter.Retry(t.Context(), w.store, w.by(), key); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("a run under way: %v", err)
	}
	w.engine()
	if state := w.wait(key, storage.ExecutionSucceeded); state.Progress.Errors != 2 || state.Progress.Done != 20 {
		t.Fatalf("%+v", state.Progress)
	}
	mended.Store(true)
	again, err := w.starter.Retry(t.Context(), w.store, w.by(), key)
	if err != nil {
		t.Fatal(err)
	}
	state := w.wait(again, storage.ExecutionSucceeded)
	if state.Progress.Total != 2 || state.Progress.Done != 2 || state.Progress.Errors != 0 || *state.RetryOf != key {
		t.Errorf("%+v", state)
	}
	attacks, err := w.store.Attacks(t.Context(), &storage.AttackFilter{Execution: &storage.TextIn{In: []string{storage.ID{Kind: storage.KindExecution, Store: w.store.Key(), Key: again}.String()}}}, storage.AttackOrder{Field: storage.AttackOrderNumber}, storage.Page{Limit: 10})
	if err != nil || len(attacks.Nodes()) != 2 || *attacks.Nodes()[0].PromptNumber+*attacks.Nodes()[1].PromptNumber == 0 {
		t.Fatalf("%v, %v", attacks, err)
	}
	for _, a := range attacks.Nodes() {
		if !strings.HasSuffix(*a.Objective, "3") {
			t.Errorf("tried %q again", *a.Objective)
		}
	}
	if _, err := w.starter.Retry(t.Context(), w.store, w.by(), again); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("a run without errors: %v", err)
	}
	runs, err := w.store.ExecutionsByOrchestrator(t.Context(), []string{o}, nil, storage.ExecutionOrder{Field: storage.ExecutionOrderStartedAt}, storage.Page{Limit: 10})
	if err != nil || len(runs[o].Nodes()) != 2 {
		t.Errorf("runs of the orchestrator %v, %v", runs, err)
	}
	versions, err := w.store.DatasetVersionsByKey(t.Context(), []storage.VersionKey{{Dataset: dataset, Number: 1}})
	if err != nil || versions[storage.VersionKey{Dataset: dataset, Number: 1}].UsedAt == nil {
		t.Errorf("the version is not marked as used: %v", err)
	}
}

func TestRunIsCommanded(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator := w.generator("mock")
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts = orchestrator.PromptSending, &generator, []string{"hello"}
	}))
	for _, command := range []storage.ExecutionStatus{storage.ExecutionPaused, storage.ExecutionQueued, storage.ExecutionCancelled} {
		if err := w.starter.Command(t.Context(), w.store, w.workspace.Key, key, command); err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		w.wait(key, command)
	}
	if err := w.starter.Command(t.Context(), w.store, w.workspace.Key, key, storage.ExecutionPaused); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("paused when it was over: %v", err)
	}
	if err := w.starter.Command(t.Context(), w.store, w.workspace.Key, uuid.NewString(), storage.ExecutionPaused); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("none: %v", err)
	}
}

// A command that the workspace's store was not told of is told by the next engine.
func TestEngineTellsWhatWasDecidedWithoutIt(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator := w.generator("mock")
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts = orchestrator.PromptSending, &generator, []string{"hello"}
	}))
	if _, err := w.app.CommandExecution(t.Context(), w.workspace.Key, key, storage.ExecutionCancelled); err != nil {
		t.Fatal(err)
	}
	status := func() storage.ExecutionStatus {
		runs, err := w.store.ExecutionsByKey(t.Context(), []string{key})
		if err != nil {
			t.Fatal(err)
		}
		return runs[key].Status
	}
	if got := status(); got != storage.ExecutionQueued {
		t.Fatalf("it is %s before an engine comes", got)
	}
	w.engine()
	for until := time.Now().Add(10 * time.Second); status() != storage.ExecutionCancelled; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("no engine told the workspace's store")
		}
	}
	if untold, err := w.app.UntoldExecutions(t.Context(), 10); err != nil || len(untold) > 1 {
		t.Errorf("still untold: %v, %v", untold, err)
	}
	// Who did not get the answer sends it again.
	if err := w.starter.Command(t.Context(), w.store, w.workspace.Key, key, storage.ExecutionCancelled); err != nil {
		t.Errorf("cancelled again: %v", err)
	}
}

// A run that was queued, and whose plan was not stored, is forgotten.
func TestRunWithoutAPlanIsForgotten(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	key := uuid.NewString()
	if err := w.app.QueueExecution(t.Context(), &storage.ExecutionState{Key: key, WorkspaceKey: w.workspace.Key, UserKey: w.user.Key}, -time.Second); err != nil {
		t.Fatal(err)
	}
	w.engine()
	for until := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		states, err := w.app.ExecutionStates(t.Context(), []string{key})
		if err != nil {
			t.Fatal(err)
		}
		if len(states) == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("it is %s", states[key].Status)
		}
	}
}

// The credential of today is not sent to the address of the time when the run was queued.
func TestCredentialIsNotSentToAnAddressThatWasChanged(t *testing.T) {
	called := false
	w := newWorkshop(t, mocktarget.Options{Seen: func(*http.Request, []byte) { called = true }})
	generator := w.generator("mock")
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts = orchestrator.PromptSending, &generator, []string{"hello"}
	}))
	moved := storage.JSON(`{"endpoint":"https://elsewhere.example/v1","model":"mock","api_key":"sk-other-0123456789abcdef0123456789"}`)
	if err := w.things.Update(t.Context(), w.store, storage.KindGenerators, generator, configured.Change{Parameters: &moved}); err != nil {
		t.Fatal(err)
	}
	w.engine()
	if state := w.wait(key, storage.ExecutionFailed); *state.Reason != storage.ReasonBadPlan {
		t.Errorf("%+v", state)
	}
	if called {
		t.Error("the recorded address was called")
	}
}

func TestRunIsRepeatedWithItsSeed(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator, caps := w.generator("mock"), w.make(storage.KindConverters, "c", "RandomCapitalLettersConverter", `{}`)
	prompts := []string{"the quick brown fox jumps over the lazy dog"}
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts, o.Chains = orchestrator.PromptSending, &generator, prompts, [][]string{{caps}}
	}))
	again, err := w.starter.Repeat(t.Context(), w.store, w.by(), key, new("once more"))
	if err != nil {
		t.Fatal(err)
	}
	w.engine()
	sent := map[string]string{}
	for _, one := range []string{key, again} {
		w.wait(one, storage.ExecutionSucceeded)
		pages, err := w.store.ConversationsByExecution(t.Context(), []string{one}, nil, storage.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range pages[one].Nodes() {
			messages, err := w.store.MessagesByConversation(t.Context(), []int64{c.Number}, nil, storage.Page{Limit: 10})
			if err != nil {
				t.Fatal(err)
			}
			sent[one] = messages[c.Number].Nodes()[0].ConvertedValue
		}
	}
	if sent[key] == "" || sent[key] == prompts[0] || sent[key] != sent[again] {
		t.Errorf("sent %q, and again %q", sent[key], sent[again])
	}
}

func TestRunGoesOnUnderARaisedBudget(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator, dataset, calls := w.generator("mock"), w.dataset(20), int64(8)
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.DatasetKey, o.Budget, o.Concurrency = orchestrator.PromptSending, &generator, &dataset, storage.Budget{Calls: &calls}, 2
	}))
	w.engine()
	if state := w.wait(key, storage.ExecutionPaused); *state.Reason != storage.ReasonBudget || state.Progress.Calls > calls {
		t.Fatalf("%+v", state)
	}
	none := int64(0)
	if err := w.starter.Resume(t.Context(), w.store, w.workspace.Key, key, storage.Budget{Calls: &none}); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("a budget of no call: %v", err)
	}
	more := int64(100)
	if err := w.starter.Resume(t.Context(), w.store, w.workspace.Key, key, storage.Budget{Calls: &more}); err != nil {
		t.Fatal(err)
	}
	if state := w.wait(key, storage.ExecutionSucceeded); state.Progress.Done != 20 || state.Progress.Calls != 20 {
		t.Errorf("%+v", state.Progress)
	}
}

func TestGeneratorIsAskedForStreamsAndSoManyAtOnce(t *testing.T) {
	var now, most, streamed atomic.Int64
	w := newWorkshop(t, mocktarget.Options{
		Reply: func(prompt string) string {
			most.Store(max(most.Load(), now.Add(1)))
			time.Sleep(2 * time.Millisecond)
			now.Add(-1)
			return "a reply of several words to " + prompt
		},
		Seen: func(_ *http.Request, body []byte) {
			if strings.Contains(string(body), `"stream":true`) {
				streamed.Add(1)
			}
		},
	})
	generator := w.make(storage.KindGenerators, "mock", "OPENAI_COMPATIBLE", `{"endpoint":"`+w.url+`","model":"mock","api_key":"sk-mock-0123456789abcdef0123456789","stream":true,"concurrency":2}`)
	dataset := w.dataset(40)
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.DatasetKey, o.Concurrency = orchestrator.PromptSending, &generator, &dataset, 32
	}))
	w.engine()
	w.wait(key, storage.ExecutionSucceeded)
	if most.Load() != 2 || streamed.Load() != 40 {
		t.Errorf("%d calls at once, %d streamed", most.Load(), streamed.Load())
	}
	role := &storage.MessageFilter{Role: &storage.RoleIn{In: []storage.Role{storage.RoleAssistant}}}
	messages, err := w.store.Messages(t.Context(), role, storage.MessageOrder{}, storage.Page{Limit: 100})
	if err != nil || len(messages.Nodes()) != 40 {
		t.Fatalf("%v, %v", messages, err)
	}
	for _, m := range messages.Nodes() {
		if !strings.HasPrefix(m.ConvertedValue, "a reply of several words to prompt") || m.Metadata == nil || !strings.Contains(string(*m.Metadata), "first_token_ms") || m.OutputTokens == nil {
			t.Fatalf("%+v", m)
		}
	}
}

func TestLogTellsWhatWentWrong(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{Fault: func(string, int) mocktarget.Fault {
		return mocktarget.Fault{Status: 400, Body: `{"error":{"message":"no such thing"}}`}
	}})
	generator, dataset := w.generator("mock"), w.dataset(30)
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.DatasetKey = orchestrator.PromptSending, &generator, &dataset
	}))
	w.engine()
	w.wait(key, storage.ExecutionSucceeded)
	pages, err := w.store.EventsByExecution(t.Context(), []string{key}, &storage.ExecutionEventFilter{Kind: []storage.ExecutionEventKind{storage.EventLog}}, storage.Page{Limit: 100})
	if err != nil || len(pages[key].Nodes()) == 0 {
		t.Fatalf("%v, %v", pages, err)
	}
	var first []storage.LogLine
	decode(t, pages[key].Nodes()[0].Body, &first)
	if len(first) < 2 || first[0].Text != "30 of 30 items are left" || !strings.Contains(first[1].Text, "BAD_REQUEST: ") || !strings.Contains(first[1].Text, "no such thing") {
		t.Errorf("%+v", first)
	}
	if len(first) > 13 {
		t.Errorf("%d lines", len(first))
	}
}

func TestRunThatCannotBeMadeIsNotQueued(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator := w.generator("mock")
	o := w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts = orchestrator.PromptSending, &generator, []string{"hello"}
	})
	w.starter.Count = func(context.Context) error { return storage.Errorf(storage.CodeRateLimited, "too many") }
	if _, err := w.starter.Start(t.Context(), w.store, w.by(), o, nil); storage.CodeOf(err) != storage.CodeRateLimited {
		t.Errorf("counted: %v", err)
	}
	if _, err := w.starter.Start(t.Context(), w.store, w.by(), uuid.NewString(), nil); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("no orchestrator: %v", err)
	}
	runs, err := w.store.Executions(t.Context(), nil, storage.ExecutionOrder{Field: storage.ExecutionOrderStartedAt}, storage.Page{Limit: 10})
	if err != nil || len(runs.Nodes()) != 0 {
		t.Errorf("stored %v, %v", runs.Nodes(), err)
	}
}
