package execution_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/appstore"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/sqlite"
	"github.com/violentutf/violentutf/storage/userstore"
)

// toxiproxy leaves what it still has to say to connections that are broken.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(
		m, goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2/toxics.(*ToxicStub).Run"),
		goleak.IgnoreAnyFunction("github.com/Shopify/toxiproxy/v2.(*ToxicLink).read"),
	)
}

// place is an app store and a user's store, and whoever works on runs there.
type place struct {
	t         *testing.T
	app       *appstore.Store
	registry  *duckdb.Registry
	user      *storage.User
	workspace *storage.Workspace
	store     storage.UserStore
	events    events.Local
}

func newPlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t}
	dir := t.TempDir()
	var err error
	if p.app, err = sqlite.OpenAppStore(t.Context(), filepath.Join(dir, "app.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.app.Close() })
	if p.registry, err = duckdb.Open(t.Context(), duckdb.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.registry.Close(context.Background()) })
	if p.user, p.workspace, err = p.app.EnsureUser(t.Context(), "alice", "alice.db"); err != nil {
		t.Fatal(err)
	}
	if p.store, err = p.open(t.Context(), p.workspace.Key); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.store.Close() })
	return p
}

func (p *place) open(ctx context.Context, key string) (storage.UserStore, error) {
	engine, err := p.registry.Engine(ctx, "alice.db", key)
	if err != nil {
		return nil, err
	}
	return userstore.New(ctx, engine, key)
}

// queue adds a run of so many items.
func (p *place) queue(items int64) string {
	p.t.Helper()
	key := uuid.Must(uuid.NewV7()).String()
	if err := p.store.AddExecution(p.t.Context(), &storage.ExecutionPlan{
		Key: key, Name: "run", Orchestrator: "PROMPT_SENDING", Configuration: "{}", Items: items, StartedBy: "alice", QueuedAt: time.Now(),
	}); err != nil {
		p.t.Fatal(err)
	}
	if err := p.app.QueueExecution(p.t.Context(), &storage.ExecutionState{
		Key: key, WorkspaceKey: p.workspace.Key, UserKey: p.user.Key, Progress: storage.ExecutionProgress{Total: items},
	}, 0); err != nil {
		p.t.Fatal(err)
	}
	return key
}

// work is a run whose items call do.
type work struct {
	concurrency int
	do          func(ctx context.Context, item int64) (*storage.ItemResult, error)
}

func (w work) Do(ctx context.Context, item int64) (*storage.ItemResult, error) {
	return w.do(ctx, item)
}
func (w work) Concurrency() int                 { return w.concurrency }
func (w work) Resume(storage.ExecutionProgress) {}
func (w work) Close() error                     { return nil }

// engine works on runs until the returned function is called.
func (p *place) engine(name string, w work, change func(*execution.Engine)) (stop func()) {
	e := &execution.Engine{
		Name: name, App: p.app, Store: p.open, Events: &p.events, Log: slog.New(slog.NewTextHandler(p.t.Output(), nil)),
		Guard: func() storage.Guard { return plain{} },
		Prepare: func(context.Context, storage.UserStore, *storage.ExecutionPlan) (execution.Work, error) {
			return w, nil
		},
		Lease: 2 * time.Second, Beat: 20 * time.Millisecond,
	}
	if change != nil {
		change(e)
	}
	ctx, cancel := context.WithCancel(p.t.Context())
	var running sync.WaitGroup
	running.Go(func() { e.Run(ctx) })
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); running.Wait() }) }
	p.t.Cleanup(stop)
	return stop
}

type plain struct{}

func (plain) Seal(_, _, text string) (string, error) { return text, nil }
func (plain) Add(string)                             {}
func (plain) Clean(text string) (string, bool)       { return text, false }

// answered is a result without messages.
func answered(item int64) *storage.ItemResult {
	outcome := []storage.Outcome{storage.OutcomeSuccess, storage.OutcomeFailure, storage.OutcomeUndetermined, storage.OutcomeError}[item%4]
	now := time.Now()
	return &storage.ItemResult{
		Item: item, Outcome: outcome, Attempts: 1, Calls: 1, FinishedAt: now,
		Attack:        &storage.Attack{AttackClass: "PromptSendingAttack", Outcome: outcome, OutcomeSource: storage.OutcomeRule, StartedAt: now},
		Conversations: []*storage.ResultConversation{{Conversation: storage.Conversation{Purpose: storage.PurposeTarget}}},
	}
}

func (p *place) state(key string) *storage.ExecutionState {
	p.t.Helper()
	states, err := p.app.ExecutionStates(context.Background(), []string{key})
	if err != nil {
		p.t.Fatal(err)
	}
	return states[key]
}

// wait waits until the run is in the state.
func (p *place) wait(key string, status storage.ExecutionStatus) *storage.ExecutionState {
	p.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		changed := p.events.Follow(events.Execution(key))
		state := p.state(key)
		if state.Status == status {
			return state
		}
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond):
			if time.Now().After(deadline) {
				p.t.Fatalf("the run is %+v, not %s", state, status)
			}
		}
	}
}

// attacks counts the attacks of a run.
func (p *place) attacks(key string) int64 {
	p.t.Helper()
	sums, err := p.store.ExecutionSummaries(context.Background(), []string{key})
	if err != nil {
		p.t.Fatal(err)
	}
	if sums[key] == nil {
		return 0
	}
	return sums[key].Attacks
}

func TestRunIsDoneToItsEnd(t *testing.T) {
	p := newPlace(t)
	key := p.queue(1000)
	p.engine("a", work{16, func(_ context.Context, item int64) (*storage.ItemResult, error) { return answered(item), nil }}, nil)
	state := p.wait(key, storage.ExecutionSucceeded)
	want := storage.ExecutionProgress{Total: 1000, Done: 1000, Successes: 250, Failures: 250, Undetermined: 250, Errors: 250, Calls: 1000}
	if state.Progress != want || p.attacks(key) != 1000 {
		t.Errorf("progress %+v, %d attacks", state.Progress, p.attacks(key))
	}
	statuses := p.statuses(key)
	if !slices.Equal(statuses, []storage.ExecutionStatus{storage.ExecutionQueued, storage.ExecutionRunning, storage.ExecutionSucceeded}) {
		t.Errorf("the events tell %v", statuses)
	}
}

// statuses are those that a run's events tell, once the last one is there.
func (p *place) statuses(key string) []storage.ExecutionStatus {
	p.t.Helper()
	var told []storage.ExecutionStatus
	for deadline := time.Now().Add(10 * time.Second); ; {
		events, err := p.store.ExecutionEvents(context.Background(), key, 0, 10_000)
		if err != nil {
			p.t.Fatal(err)
		}
		told = told[:0]
		for i, event := range events {
			if event.Seq != int64(i)+1 {
				p.t.Fatalf("event %d has seq %d", i, event.Seq)
			}
			if event.Kind == storage.EventStatus {
				var status storage.StatusEvent
				decode(p.t, event.Body, &status)
				told = append(told, status.Status)
			}
		}
		if told[len(told)-1] == p.state(key).Status || time.Now().After(deadline) {
			return told
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestCancelStopsCallsUnderWay(t *testing.T) {
	p := newPlace(t)
	key := p.queue(1000)
	var begun atomic.Int64
	p.engine("a", work{64, func(ctx context.Context, _ int64) (*storage.ItemResult, error) {
		begun.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	}}, func(e *execution.Engine) { e.Beat = time.Hour })
	for begun.Load() < 64 {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if _, err := p.app.CommandExecution(t.Context(), p.workspace.Key, key, storage.ExecutionCancelled); err != nil {
		t.Fatal(err)
	}
	p.events.Wake(events.Command(key))
	if told := p.statuses(key); told[len(told)-1] != storage.ExecutionCancelled {
		t.Errorf("the events tell %v", told)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
	if begun.Load() != 64 || p.attacks(key) != 0 {
		t.Errorf("%d calls, %d attacks", begun.Load(), p.attacks(key))
	}
}

func TestPausedRunGoesOnWhereItStopped(t *testing.T) {
	p := newPlace(t)
	key := p.queue(60)
	var mu sync.Mutex
	calls := map[int64]int{}
	gate := make(chan struct{}, 60)
	p.engine("a", work{4, func(ctx context.Context, item int64) (*storage.ItemResult, error) {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		mu.Lock()
		calls[item]++
		mu.Unlock()
		return answered(item), nil
	}}, nil)
	for range 20 {
		gate <- struct{}{}
	}
	for p.state(key).Progress.Done < 20 {
		time.Sleep(5 * time.Millisecond)
	}
	if _, err := p.app.CommandExecution(t.Context(), p.workspace.Key, key, storage.ExecutionPaused); err != nil {
		t.Fatal(err)
	}
	for range 40 { // what is under way is waited for
		gate <- struct{}{}
	}
	if told := p.statuses(key); told[len(told)-1] != storage.ExecutionPaused {
		t.Fatalf("the events tell %v", told)
	}
	if _, err := p.app.CommandExecution(t.Context(), p.workspace.Key, key, storage.ExecutionQueued); err != nil {
		t.Fatal(err)
	}
	p.wait(key, storage.ExecutionSucceeded)
	for item, n := range calls {
		if n != 1 {
			t.Errorf("item %d was called %d times", item, n)
		}
	}
	if len(calls) != 60 || p.attacks(key) != 60 {
		t.Errorf("%d items called, %d attacks", len(calls), p.attacks(key))
	}
}

func TestShutdownHandsTheRunOver(t *testing.T) {
	p := newPlace(t)
	key := p.queue(200)
	var done atomic.Int64
	slow := work{2, func(ctx context.Context, item int64) (*storage.ItemResult, error) {
		select {
		case <-time.After(5 * time.Millisecond):
			done.Add(1)
			return answered(item), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	stop := p.engine("a", slow, func(e *execution.Engine) { e.Lease = time.Hour })
	for p.state(key).Progress.Done < 20 {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	if state := p.state(key); state.Status != storage.ExecutionRunning || state.Progress.Done != p.attacks(key) {
		t.Errorf("after the shutdown %+v, %d attacks", state, p.attacks(key))
	}
	p.engine("b", slow, nil)
	p.wait(key, storage.ExecutionSucceeded)
	if p.attacks(key) != 200 {
		t.Errorf("%d attacks", p.attacks(key))
	}
}

// TestStalledEngineWritesNothing lets an engine stand still in the middle of a batch until
// another one has taken its run over.
func TestStalledEngineWritesNothing(t *testing.T) {
	p := newPlace(t)
	key := p.queue(50)
	stalled, awake := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p.engine("a", work{8, func(_ context.Context, item int64) (*storage.ItemResult, error) {
		if item < 8 {
			return answered(item), nil
		}
		once.Do(func() { close(stalled) })
		<-awake // deaf to its context, as a process that is stopped
		result := answered(item)
		result.Attack.AttackClass = "TooLate"
		return result, nil
	}}, func(e *execution.Engine) {
		e.App = deaf{Executions: p.app, from: stalled, until: awake}
		e.Lease = 300 * time.Millisecond
	})
	<-stalled
	taken, goOn := make(chan struct{}), make(chan struct{})
	var twice sync.Once
	p.engine("b", work{8, func(_ context.Context, item int64) (*storage.ItemResult, error) {
		twice.Do(func() { close(taken) })
		<-goOn
		return answered(item), nil
	}}, nil)
	<-taken
	before := p.attacks(key)
	close(awake)
	time.Sleep(300 * time.Millisecond) // the first engine's time to do harm
	if after := p.attacks(key); after != before {
		t.Errorf("the stalled engine made %d attacks of %d", after, before)
	}
	close(goOn)
	p.wait(key, storage.ExecutionSucceeded)
	if p.attacks(key) != 50 {
		t.Errorf("%d attacks", p.attacks(key))
	}
	late, err := p.store.Attacks(t.Context(), &storage.AttackFilter{AttackClass: &storage.TextIn{In: []string{"TooLate"}}}, storage.AttackOrder{}, storage.Page{Limit: 5})
	if err != nil || len(late.Nodes()) > 0 {
		t.Errorf("late attacks %v, %v", late, err)
	}
}

// deaf is an app store that an engine cannot reach for a while.
type deaf struct {
	storage.Executions
	from, until <-chan struct{}
}

func (d deaf) RenewLease(ctx context.Context, lease *storage.Lease, until time.Duration, progress storage.ExecutionProgress) (*storage.ExecutionState, error) {
	select {
	case <-d.from:
		select {
		case <-d.until:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	default:
	}
	return d.Executions.RenewLease(ctx, lease, until, progress)
}

func TestRunPausesItself(t *testing.T) {
	p := newPlace(t)
	key := p.queue(100)
	p.engine("a", work{4, func(_ context.Context, item int64) (*storage.ItemResult, error) {
		if item == 40 {
			return nil, &execution.Stop{Reason: storage.ReasonBudget, Message: "40 calls are used up"}
		}
		return answered(item), nil
	}}, nil)
	state := p.wait(key, storage.ExecutionPaused)
	if *state.Reason != storage.ReasonBudget || state.Progress.Done < 30 || state.Progress.Done > 80 || state.Progress.Done != p.attacks(key) {
		t.Errorf("%+v", state)
	}
}

func TestBadPlanFails(t *testing.T) {
	p := newPlace(t)
	key := p.queue(3)
	p.engine("a", work{}, func(e *execution.Engine) {
		e.Prepare = func(context.Context, storage.UserStore, *storage.ExecutionPlan) (execution.Work, error) {
			return nil, storage.BadInput("generator", "there is no such generator")
		}
	})
	if state := p.wait(key, storage.ExecutionFailed); *state.Reason != storage.ReasonBadPlan {
		t.Errorf("%+v", state)
	}
	p.statuses(key)
	found, err := p.store.ExecutionsByKey(t.Context(), []string{key})
	if err != nil || *found[key].Error != "there is no such generator" {
		t.Errorf("%+v, %v", found[key], err)
	}
}

// TestFailureOfTheStoreLosesNoItem lets items fail as if the program were at fault: the run
// stays and is taken up again.
func TestFailureOfTheStoreLosesNoItem(t *testing.T) {
	p := newPlace(t)
	key := p.queue(40)
	var failures atomic.Int64
	p.engine("a", work{4, func(_ context.Context, item int64) (*storage.ItemResult, error) {
		if item == 20 && failures.Add(1) == 1 {
			return nil, errors.New("the disk is full")
		}
		return answered(item), nil
	}}, func(e *execution.Engine) { e.Lease = 200 * time.Millisecond })
	p.wait(key, storage.ExecutionSucceeded)
	if p.attacks(key) != 40 {
		t.Errorf("%d attacks", p.attacks(key))
	}
}

func TestRunsShareThePlacesFairly(t *testing.T) {
	p := newPlace(t)
	bob, his, err := p.app.EnsureUser(t.Context(), "bob", "bob.db")
	if err != nil {
		t.Fatal(err)
	}
	for range 6 {
		p.queue(400)
	}
	small := uuid.Must(uuid.NewV7()).String()
	var busy, most atomic.Int64
	slow := work{50, func(_ context.Context, item int64) (*storage.ItemResult, error) {
		now := busy.Add(1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		time.Sleep(2 * time.Millisecond)
		busy.Add(-1)
		return answered(item), nil
	}}
	open := func(ctx context.Context, key string) (storage.UserStore, error) {
		file := "alice.db"
		if key == his.Key {
			file = "bob.db"
		}
		engine, err := p.registry.Engine(ctx, file, key)
		if err != nil {
			return nil, err
		}
		return userstore.New(ctx, engine, key)
	}
	store, err := open(t.Context(), his.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	p.engine("a", slow, func(e *execution.Engine) { e.Places, e.Store = 8, open })
	time.Sleep(100 * time.Millisecond) // alice's runs have all places
	if err := store.AddExecution(t.Context(), &storage.ExecutionPlan{Key: small, Name: "small", Orchestrator: "PROMPT_SENDING", Configuration: "{}", Items: 100, StartedBy: "bob", QueuedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := p.app.QueueExecution(t.Context(), &storage.ExecutionState{Key: small, WorkspaceKey: his.Key, UserKey: bob.Key, Progress: storage.ExecutionProgress{Total: 100}}, 0); err != nil {
		t.Fatal(err)
	}
	p.wait(small, storage.ExecutionSucceeded)
	live, err := p.app.LiveExecutions(t.Context(), p.workspace.Key)
	if err != nil || len(live) == 0 {
		t.Errorf("bob's 100 items waited for alice's 2 400: %v", err)
	}
	if most.Load() > 8 {
		t.Errorf("%d items at once", most.Load())
	}
}

func decode(t *testing.T, body storage.JSON, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatal(fmt.Errorf("read %s: %w", body, err))
	}
}
