package execution_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

// exchangesOf are those of all messages of the first conversations of the store.
func (w *workshop) exchangesOf(conversations int64) map[storage.MessagePlace]*storage.RawExchange {
	w.t.Helper()
	var places []storage.MessagePlace
	for conversation := range conversations {
		for sequence := range int64(12) {
			places = append(places, storage.MessagePlace{Conversation: conversation + 1, Sequence: sequence})
		}
	}
	found, err := w.store.RawExchanges(w.t.Context(), places)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func TestRunsKeepRawExchangesOnlyWhenAskedTo(t *testing.T) {
	const key, other = "sk-mock-0123456789abcdef0123456789", "ghp_0123456789abcdefghijABCDEFGHIJ012345"
	w := newWorkshop(t, mocktarget.Options{
		Reply: func(prompt string) string { return "you said " + prompt + "; my keys are " + key + " and " + other },
		Fault: func(prompt string, _ int) mocktarget.Fault {
			if prompt == "fail" {
				return mocktarget.Fault{Status: 400, Body: `{"error":{"message":"no, ` + key + `"}}`}
			}
			return mocktarget.Fault{}
		},
	})
	generator := w.generator("mock")
	start := func(parameters storage.JSON) string {
		return w.start(w.orchestrator(func(o *storage.Orchestrator) {
			o.Type, o.GeneratorKey, o.Prompts, o.Parameters, o.Concurrency = orchestrator.PromptSending, &generator, []string{"hello", "fail"}, parameters, 1
		}))
	}
	w.engine()
	w.wait(start(`{}`), storage.ExecutionSucceeded)
	if found := w.exchangesOf(2); len(found) != 0 {
		t.Errorf("kept without being asked: %v", found)
	}
	w.wait(start(`{"keep_raw_exchanges":true}`), storage.ExecutionSucceeded)
	found := w.exchangesOf(4)
	if len(found) != 2 {
		t.Fatalf("%d exchanges", len(found))
	}
	for place, x := range found {
		if strings.Contains(x.Request+x.Response, key) || strings.Contains(x.Request+x.Response, other) {
			t.Errorf("%v holds a credential:\n%s\n%s", place, x.Request, x.Response)
		}
		want, status := `"you said hello; my keys are`, int64(200)
		if place.Conversation == 4 {
			want, status = "no, ", 400
		}
		if place.Sequence != 1 || !strings.HasPrefix(x.Request, "POST /v1/chat/completions HTTP/1.1\n") || !strings.Contains(x.Response, want) || x.Status == nil || *x.Status != status || x.ContentType == nil {
			t.Errorf("%v:\n%s\n%s", place, x.Request, x.Response)
		}
	}
}

// What is taken back keeps its exchanges, the branch has those of its own calls, and those
// of attackers are not kept.
func TestBranchesKeepTheExchangesOfTheirOwnCalls(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	target, attacker := w.scripted("target"), w.scripted("attacker")
	target.answers(refusing(1, comply))
	attacker.answers(always("go on"))
	finds := w.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"longer reply"}`)
	run := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Prompts, o.Scorers, o.ObjectiveScorer = orchestrator.Crescendo, &target.key, []string{"an aim"}, []string{finds}, &finds
		o.Parameters = storage.JSON(`{"attacker":"` + attacker.key + `","keep_raw_exchanges":true}`)
	}))
	w.engine()
	w.wait(run, storage.ExecutionSucceeded)
	found := w.exchangesOf(3)
	if len(found) != 2 || found[storage.MessagePlace{Conversation: 1, Sequence: 1}] == nil || found[storage.MessagePlace{Conversation: 2, Sequence: 1}] == nil {
		t.Fatalf("%d exchanges: %v", len(found), found)
	}
	if kept, gone := found[storage.MessagePlace{Conversation: 1, Sequence: 1}], found[storage.MessagePlace{Conversation: 2, Sequence: 1}]; !strings.Contains(kept.Response, comply) || !strings.Contains(gone.Response, "sorry") {
		t.Errorf("%s\n%s", kept.Response, gone.Response)
	}
}
