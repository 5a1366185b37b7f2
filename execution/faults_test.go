package execution_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

// farAway is a workshop whose target is behind a network. The waits between tries take no
// time: waited is told of each.
func farAway(t *testing.T, options mocktarget.Options, waited func(n int64)) (*workshop, *way, *atomic.Int64) {
	t.Helper()
	w := newWorkshop(t, options)
	w.things.Calls.Timeout = 400 * time.Millisecond
	network := newWay(t, w.url)
	w.url = "http://" + network.listen + "/v1"
	waits, lanes := &atomic.Int64{}, &execution.Lanes{}
	lanes.WaitBy(func(ctx context.Context, _ time.Duration) error {
		n := waits.Add(1)
		if waited != nil {
			waited(n)
		}
		return ctx.Err()
	})
	w.engineBy(lanes)
	return w, network, waits
}

// sending is a run of a dataset to the target, which a scorer finds successful where the
// reply has "yes".
func (w *workshop) sending(prompts, concurrency int) string {
	w.t.Helper()
	name := uuid.NewString()
	generator, dataset := w.generator(name), w.dataset(prompts)
	finds := w.make(storage.KindScorers, name, "SubStringScorer", `{"substring":"yes"}`)
	return w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.DatasetKey, o.Concurrency = orchestrator.PromptSending, &generator, &dataset, int64(concurrency)
		o.Scorers, o.ObjectiveScorer = []string{finds}, &finds
	}))
}

// account is what the items of a run came to. Each item has exactly one result and one
// attack, and the sums of the progress are theirs.
func (w *workshop) account(key string) (items []*storage.ExecutionItem, classes map[string]int64) {
	w.t.Helper()
	found, err := w.store.ItemsByExecution(w.t.Context(), []string{key}, nil, storage.Page{Limit: storage.MaxPageSize})
	if err != nil {
		w.t.Fatal(err)
	}
	items = found[key].Nodes()
	state := w.state(key)
	sum := storage.ExecutionProgress{Total: state.Progress.Total, InputTokens: state.Progress.InputTokens, OutputTokens: state.Progress.OutputTokens}
	attacks := map[int64]bool{}
	for _, i := range items {
		sum.Done++
		sum.Calls += i.Calls
		switch i.Outcome {
		case storage.OutcomeSuccess:
			sum.Successes++
		case storage.OutcomeFailure:
			sum.Failures++
		case storage.OutcomeUndetermined:
			sum.Undetermined++
		case storage.OutcomeError:
			sum.Errors++
		}
		if (i.Outcome == storage.OutcomeError) != (i.ErrorClass != nil) || i.AttackNumber == nil || attacks[*i.AttackNumber] || i.Calls != i.Attempts {
			w.t.Errorf("item %+v", i)
			continue
		}
		attacks[*i.AttackNumber] = true
	}
	if state.Progress != sum || w.attacks(key) != sum.Done {
		w.t.Errorf("the run tells %+v, its items %+v; %d attacks", state.Progress, sum, w.attacks(key))
	}
	if state.Status == storage.ExecutionSucceeded && sum.Done != sum.Total {
		w.t.Errorf("%d of %d items", sum.Done, sum.Total)
	}
	counted, err := w.store.ErrorClasses(w.t.Context(), []string{key})
	if err != nil {
		w.t.Fatal(err)
	}
	classes = map[string]int64{}
	for _, c := range counted[key] {
		classes[c.Class] = c.Count
		sum.Errors -= c.Count
	}
	if sum.Errors != 0 {
		w.t.Errorf("the classes %v tell of %d errors fewer", classes, sum.Errors)
	}
	return items, classes
}

// again is the run of the items that failed, at its end.
func (w *workshop) again(key string) string {
	w.t.Helper()
	again, err := w.starter.Retry(w.t.Context(), w.store, w.by(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.wait(again, storage.ExecutionSucceeded)
	return again
}

// TestFaultsOfTheNetworkLoseNoItem lets each fault pass while calls are tried again, and
// then stay until they are given up.
func TestFaultsOfTheNetworkLoseNoItem(t *testing.T) {
	const items, tries = 3, 5
	for name, c := range map[string]struct {
		faults []string // none: nobody listens
		class  target.Class
	}{
		"refused connections":         {nil, target.ClassUnavailable},
		"resets":                      {[]string{`{"type":"reset_peer"}`}, target.ClassUnavailable},
		"resets while it is asked":    {[]string{`{"type":"reset_peer","stream":"upstream"}`}, target.ClassUnavailable},
		"silence":                     {[]string{`{"type":"timeout"}`}, target.ClassTimeout},
		"silence, then the end":       {[]string{`{"type":"timeout","attributes":{"timeout":50}}`}, target.ClassUnavailable},
		"half a header":               {[]string{`{"type":"limit_data","attributes":{"bytes":40}}`}, target.ClassUnavailable},
		"half a body":                 {[]string{`{"type":"limit_data","attributes":{"bytes":400}}`}, target.ClassUnavailable},
		"half a body without an end":  {[]string{`{"type":"limit_data","attributes":{"bytes":400}}`, `{"type":"slow_close","attributes":{"delay":900}}`}, target.ClassTimeout},
		"a slow body":                 {[]string{`{"type":"bandwidth","attributes":{"rate":1}}`}, target.ClassTimeout},
		"a reply that comes too late": {[]string{`{"type":"latency","attributes":{"latency":900}}`}, target.ClassTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var network *way
			var mendAt atomic.Int64
			w, network, waits := farAway(t, mocktarget.Options{Reply: func(string) string { return strings.Repeat("yes ", 500) }}, func(n int64) {
				if n == mendAt.Load() {
					network.put()
				}
			})
			broken := func() {
				if network.cut(); c.faults != nil {
					network.put(c.faults...)
				}
			}
			broken()
			mendAt.Store(2)
			passed := w.sending(items, 1)
			w.wait(passed, storage.ExecutionSucceeded)
			found, classes := w.account(passed)
			if calls := w.state(passed).Progress.Calls; found[0].Attempts < 3 || len(classes) > 0 || calls != items+waits.Load() {
				t.Errorf("%d calls with %d waits, the first item was tried %d times, errors %v", calls, waits.Load(), found[0].Attempts, classes)
			}

			broken()
			mendAt.Store(0)
			stayed := w.sending(items, items) // fewer failures in a row than open the circuit
			w.wait(stayed, storage.ExecutionSucceeded)
			found, classes = w.account(stayed)
			for _, i := range found {
				if i.Outcome != storage.OutcomeError || *i.ErrorClass != string(c.class) || i.Attempts != tries {
					t.Errorf("item %+v of class %s", i, *i.ErrorClass)
				}
			}
			if len(classes) != 1 || classes[string(c.class)] != int64(len(found)) {
				t.Errorf("errors %v", classes)
			}

			network.put()
			if _, classes = w.account(w.again(stayed)); len(classes) > 0 {
				t.Errorf("after it was mended: errors %v", classes)
			}
		})
	}
}

func TestRunWaitsForATargetThatIsDown(t *testing.T) {
	const items = 60
	w, network, _ := farAway(t, mocktarget.Options{Reply: func(prompt string) string { return "yes to " + prompt }}, nil)
	key := w.sending(items, 4) // nobody listens
	goOn := func() {
		if err := w.starter.Command(t.Context(), w.store, w.workspace.Key, key, storage.ExecutionQueued); err != nil {
			t.Fatal(err)
		}
	}
	var given int64 // up while it was down
	for range 2 {
		state := w.wait(key, storage.ExecutionPaused)
		if *state.Reason != storage.ReasonCircuit || state.Progress.Errors != state.Progress.Done || state.Progress.Errors-given > 5 {
			t.Fatalf("%+v after %d errors", state, given)
		}
		given = state.Progress.Errors
		w.account(key)
		goOn()
	}
	w.wait(key, storage.ExecutionPaused)
	network.put()
	goOn()
	w.wait(key, storage.ExecutionSucceeded)
	found, classes := w.account(key)
	failed := int64(0)
	for _, i := range found {
		if i.Outcome == storage.OutcomeError {
			failed++
		} else if i.Outcome != storage.OutcomeSuccess || i.Attempts != 1 {
			t.Errorf("item %+v", i)
		}
	}
	if failed > 15 || classes[string(target.ClassUnavailable)] != failed {
		t.Errorf("%d items failed, by class %v", failed, classes)
	}
	if failed > 0 {
		if _, classes := w.account(w.again(key)); len(classes) > 0 {
			t.Errorf("with the target up: %v", classes)
		}
	}
	for i := range items {
		if prompt := fmt.Sprint("prompt ", i); w.calls.Calls(prompt) != 1 {
			t.Errorf("%s came %d times", prompt, w.calls.Calls(prompt))
		}
	}
}

// TestNothingIsLostInAStorm lets faults come and go while a run works: what comes to the
// target has its own outcome, and what does not is an error that can be tried again.
func TestNothingIsLostInAStorm(t *testing.T) {
	const items = 240
	w, network, _ := farAway(t, mocktarget.Options{
		Latency: 4 * time.Millisecond,
		Reply: func(prompt string) string {
			if promptIs(prompt, 3, 0) {
				return "yes"
			}
			return "no"
		},
		Fault: func(prompt string, _ int) mocktarget.Fault {
			switch {
			case promptIs(prompt, 7, 3):
				return mocktarget.Fault{Status: 400, Body: `{"error":{"message":"I do not take that"}}`}
			case promptIs(prompt, 7, 4):
				return mocktarget.Fault{ContentFilter: true}
			}
			return mocktarget.Fault{}
		},
	}, func(int64) { time.Sleep(10 * time.Millisecond) })
	expected := func(item int64) storage.Outcome {
		switch {
		case item%7 == 3:
			return storage.OutcomeError
		case item%7 == 4 || item%3 != 0:
			return storage.OutcomeFailure
		}
		return storage.OutcomeSuccess
	}
	network.put()
	key := w.sending(items, 6)
	raging, calm := context.WithCancel(t.Context())
	var storm sync.WaitGroup
	storm.Go(func() {
		for i := 0; raging.Err() == nil; i++ {
			if fault := weather[i%len(weather)]; fault == "down" {
				network.cut()
			} else {
				network.put(strings.Fields(fault)...)
			}
			time.Sleep(25 * time.Millisecond)
		}
	})
	resumed := 0
	for state := w.state(key); state.Status != storage.ExecutionSucceeded; state = w.state(key) {
		if resumed > 100 || state.Status.Over() {
			t.Fatalf("%+v, resumed %d times", state, resumed)
		}
		if state.Status == storage.ExecutionPaused && *state.Reason == storage.ReasonCircuit {
			resumed++
			if err := w.starter.Command(t.Context(), w.store, w.workspace.Key, key, storage.ExecutionQueued); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	calm()
	storm.Wait()
	found, classes := w.account(key)
	t.Logf("resumed %d times, %d calls, errors %v", resumed, w.state(key).Progress.Calls, classes)
	blown := false // whether the storm did anything
	for _, i := range found {
		byNetwork := i.ErrorClass != nil && *i.ErrorClass != string(target.ClassBadRequest)
		if blown = blown || byNetwork || i.Attempts > 1; !byNetwork && i.Outcome != expected(i.Item) {
			t.Errorf("item %+v is not %s", i, expected(i.Item))
		}
	}
	if !blown {
		t.Error("there was no storm")
	}
	network.put()
	again := w.again(key)
	found, classes = w.account(again)
	if refused := int64(0); len(classes) != 1 {
		t.Errorf("after the storm: %v", classes)
	} else if refused = classes[string(target.ClassBadRequest)]; refused != 34 {
		t.Errorf("%d were refused of %v", refused, found)
	}
}

// weather is what the network does, one after the other; two blanks part the faults.
var weather = []string{
	``, `{"type":"reset_peer","toxicity":0.5}`, ``, `down`, ``, `{"type":"limit_data","attributes":{"bytes":700}}`,
	`{"type":"timeout"}`, ``, `{"type":"reset_peer","stream":"upstream","toxicity":0.5}`, `{"type":"latency","attributes":{"latency":3,"jitter":2}}`,
	`{"type":"timeout","toxicity":0.3,"attributes":{"timeout":5}} {"type":"limit_data","attributes":{"bytes":300}}`,
}

// promptIs tells whether a prompt's number has that remainder.
func promptIs(prompt string, divisor, remainder int) bool {
	number, err := strconv.Atoi(strings.TrimPrefix(prompt, "prompt "))
	return err == nil && number%divisor == remainder
}
