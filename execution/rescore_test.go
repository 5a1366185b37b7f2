package execution_test

import (
	"context"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

// attacked is a workshop with so many attacks whose replies are "prompt 0", "prompt 1"...
func attacked(t *testing.T, w *workshop, prompts int) (id string, stop func()) {
	t.Helper()
	generator, dataset := w.generator("mock"), w.dataset(prompts)
	run := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.DatasetKey, o.Concurrency = orchestrator.PromptSending, &generator, &dataset, 16
	}))
	stop = w.engineNamed("a")
	w.wait(run, storage.ExecutionSucceeded)
	return storage.ID{Kind: storage.KindExecution, Store: w.store.Key(), Key: run}.String(), stop
}

// scores counts the scores of a scorer.
func (w *workshop) scores(attacks []*storage.Attack) (n int) {
	w.t.Helper()
	for _, a := range attacks {
		pages, err := w.store.MessagesByConversation(w.t.Context(), []int64{*a.ConversationNumber}, nil, storage.Page{Limit: 100})
		if err != nil {
			w.t.Fatal(err)
		}
		var keys []storage.MessageKey
		for _, m := range pages[*a.ConversationNumber].Nodes() {
			keys = append(keys, m.ScoredKey())
		}
		found, err := w.store.ScoresByMessage(w.t.Context(), keys)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, scores := range found {
			n += len(scores)
		}
	}
	return n
}

func (w *workshop) allAttacks() []*storage.Attack {
	w.t.Helper()
	found, err := w.store.Attacks(w.t.Context(), nil, storage.AttackOrder{Field: storage.AttackOrderNumber}, storage.Page{Limit: 1000})
	if err != nil {
		w.t.Fatal(err)
	}
	return found.Nodes()
}

func TestAttacksAreScoredAgain(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	run, _ := attacked(t, w, 150)
	finds := w.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"7"}`)
	score := w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.Scorers, o.ObjectiveScorer, o.Concurrency = orchestrator.Scoring, []string{finds}, &finds, 8
		o.Parameters = storage.JSON(`{"attacks":{"execution":{"in":["` + run + `"]}}}`)
	})
	key := w.start(score)
	state := w.wait(key, storage.ExecutionSucceeded)
	sevens := int64(24) // 7, 17... 147, and 70 to 79
	if state.Progress.Total != 150 || state.Progress.Done != 150 || state.Progress.Successes != sevens || state.Progress.Failures != 150-sevens || state.Progress.Calls != 0 {
		t.Fatalf("%+v", state.Progress)
	}
	attacks := w.allAttacks()
	if len(attacks) != 150 || w.scores(attacks) != 150 {
		t.Fatalf("%d attacks, %d scores", len(attacks), w.scores(attacks))
	}
	for _, a := range attacks {
		if a.Outcome != storage.OutcomeUndetermined || a.ObjectiveScoreNumber != nil {
			t.Fatalf("an outcome was updated: %+v", a)
		}
	}
	// Once more, and outcomes with it: those of people stay.
	at := slices.IndexFunc(attacks, func(a *storage.Attack) bool { return !strings.Contains(*a.Objective, "7") }) // they are recorded in any order
	verdict, reason := storage.VerdictSuccess, "I saw it"
	if _, err := w.store.Annotate(t.Context(), &storage.NewAnnotation{
		Batch: "0", On: storage.Chosen{Attacks: []int64{attacks[at].Number}}, Verdict: &verdict, Reason: &reason, Author: "alice", At: time.Now(),
	}); err != nil {
		t.Fatal(err)
	}
	if err := w.things.UpdateOrchestrator(t.Context(), w.store, score, func(o *storage.Orchestrator) error {
		o.Parameters = storage.JSON(`{"attacks":{"execution":{"in":["` + run + `"]},"outcome":{"in":["UNDETERMINED","SUCCESS"]}},"update_outcome":true}`)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	w.wait(w.start(score), storage.ExecutionSucceeded)
	again := w.allAttacks()
	if w.scores(again) != 300 {
		t.Errorf("%d scores", w.scores(again))
	}
	counts := map[storage.Outcome]int64{}
	for _, a := range again {
		counts[a.Outcome]++
		if a.ObjectiveScoreNumber == nil {
			t.Fatalf("no objective score: %+v", a)
		}
	}
	if again[at].OutcomeSource != storage.OutcomeHuman || counts[storage.OutcomeSuccess] != sevens+1 || counts[storage.OutcomeFailure] != 149-sevens {
		t.Errorf("outcomes %v, the first %+v", counts, again[at])
	}
	// What the person overruled is what the scorer says by now.
	annotations, err := w.store.AnnotationsByAttack(t.Context(), []int64{again[at].Number})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.store.RetractAnnotation(t.Context(), &storage.Retraction{Key: annotations[again[at].Number][0].Key, By: "alice", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if a := w.allAttacks()[at]; a.Outcome != storage.OutcomeFailure || a.OutcomeSource != storage.OutcomeObjectiveScore {
		t.Errorf("retracted: %+v", a)
	}
}

func TestEachReplyIsScored(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	generator, finds := w.generator("mock"), w.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"two"}`)
	run := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Parameters = orchestrator.MultiPrompt, &generator, `{"turns":["one","two","three"]}`
	}))
	w.engine()
	w.wait(run, storage.ExecutionSucceeded)
	for _, parameters := range []storage.JSON{`{"attacks":{}}`, `{"attacks":{},"each_reply":true}`} {
		key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
			o.Type, o.Scorers, o.Parameters = orchestrator.Scoring, []string{finds}, parameters
		}))
		w.wait(key, storage.ExecutionSucceeded)
	}
	if got := w.scores(w.allAttacks()); got != 4 {
		t.Errorf("%d scores", got)
	}
}

// An engine ends in the middle of a run, and another one goes on: each attack has one score.
func TestARunThatScoresGoesOnWhereItStopped(t *testing.T) {
	var calls atomic.Int64
	reached := make(chan struct{})
	w := newWorkshop(t, mocktarget.Options{Reply: func(string) string {
		if calls.Add(1) == 200+40 {
			close(reached)
		}
		return `{"score_value": true, "rationale": "r"}`
	}})
	run, stopFirst := attacked(t, w, 200)
	judging := w.make(storage.KindGenerators, "judge", "OPENAI_COMPATIBLE", `{"endpoint":"`+w.url+`","model":"mock","api_key":"sk-mock-0123456789abcdef0123456789"}`)
	judge := w.make(storage.KindScorers, "judge", "SelfAskTrueFalseScorer", `{"chat_target":"`+judging+`","true_description":"It has a seven."}`)
	stopFirst()
	stop := w.engineNamed("b")
	key := w.start(w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.Scorers, o.ObjectiveScorer, o.Concurrency = orchestrator.Scoring, []string{judge}, &judge, 4
		o.Parameters = storage.JSON(`{"attacks":{"execution":{"in":["` + run + `"]}},"update_outcome":true}`)
	}))
	<-reached
	stop()
	if state := w.state(key); state.Status.Over() || state.Progress.Done == 200 {
		t.Fatalf("the first engine came to the end: %+v", state)
	}
	w.engineNamed("c")
	state := w.wait(key, storage.ExecutionSucceeded)
	attacks := w.allAttacks()
	if state.Progress.Done != 200 || state.Progress.Errors != 0 || w.scores(attacks) != 200 {
		t.Errorf("%+v, %d scores", state.Progress, w.scores(attacks))
	}
	judged := map[int64]int{}
	conversations, err := w.store.Conversations(t.Context(), &storage.ConversationFilter{Purpose: &storage.PurposeIn{In: []storage.Purpose{storage.PurposeJudge}}}, storage.ConversationOrder{}, storage.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range conversations.Nodes() {
		judged[*c.AttackNumber]++
	}
	if len(judged) != 200 || len(conversations.Nodes()) != 200 {
		t.Errorf("%d chats of the judge, of %d attacks", len(conversations.Nodes()), len(judged))
	}
}

// engineNamed works on runs until the returned function is called.
func (w *workshop) engineNamed(name string) (stop func()) {
	p := &execution.Preparer{Things: w.things, Lanes: &execution.Lanes{}}
	return w.place.engine(name, work{}, func(e *execution.Engine) { e.Prepare = p.Prepare })
}

func TestOutcomesAreNotUpdatedWithoutAScorerThatDecides(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	attacked(t, w, 1)
	finds := w.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"7"}`)
	o := w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.Scorers, o.Parameters = orchestrator.Scoring, []string{finds}, `{"attacks":{},"update_outcome":true}`
	})
	if _, err := w.starter.Start(context.Background(), w.store, w.by(), o, nil); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("queued: %v", err)
	}
	none := w.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.Scorers, o.Parameters = orchestrator.Scoring, []string{finds}, `{"attacks":{"objective":{"contains":"nothing at all"}}}`
	})
	if _, err := w.starter.Start(context.Background(), w.store, w.by(), none, nil); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("queued without an item: %v", err)
	}
}
