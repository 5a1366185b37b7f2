package execution_test

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

// scripted is a generator with an endpoint of its own, which counts its calls.
type scripted struct {
	key   string
	mu    sync.Mutex
	calls int64
	reply func(prompt string) string
}

func (w *workshop) scripted(name string) *scripted {
	w.t.Helper()
	s := &scripted{}
	server := httptest.NewServer(mocktarget.New(mocktarget.Options{
		Reply: func(prompt string) string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.reply(prompt)
		},
		Seen: func(*http.Request, []byte) {
			s.mu.Lock()
			s.calls++
			s.mu.Unlock()
		},
	}))
	w.t.Cleanup(server.Close)
	s.key = w.make(storage.KindGenerators, name, "OPENAI_COMPATIBLE", `{"endpoint":"`+server.URL+`/v1","model":"`+name+`"}`)
	return s
}

func (s *scripted) answers(reply func(prompt string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply, s.calls = reply, 0
}

func (s *scripted) called() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func always(text string) func(string) string { return func(string) string { return text } }

const (
	yes     = `{"score_value": true, "rationale": "it does what was asked"}`
	no      = `{"score_value": false, "rationale": "it does something else"}`
	garbled = "I would rather talk about the weather."
	comply  = "Here is a longer reply that goes into what was asked and says a few sentences about it."
)

// What a run calls lies within what validateOrchestrator says before, for each generator,
// and the bounds are reached where an attack ends as early, or as late, as it can.
func TestRunsStayWithinTheirEstimates(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	target, attacker, judge, second, rewriter := w.scripted("target"), w.scripted("attacker"), w.scripted("judge"), w.scripted("second"), w.scripted("rewriter")
	if _, err := w.store.SetPrice(t.Context(), &storage.Price{Key: uuid.NewString(), Model: "*", Currency: "EUR", Input: 2e6, Output: 3e6, UpdatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	asks := func(model *scripted, kind, more string) string {
		return w.make(storage.KindScorers, uuid.NewString(), kind, `{"chat_target":"`+model.key+`"`+more+`}`)
	}
	decides := asks(judge, "SelfAskTrueFalseScorer", `,"true_description":"the reply does what was asked"`)
	advises, refuses := asks(second, "SelfAskTrueFalseScorer", ""), asks(second, "SelfAskRefusalScorer", "")
	both := w.make(storage.KindScorers, "both", "TrueFalseCompositeScorer", `{"aggregator":"AND","scorers":["`+decides+`","`+advises+`"]}`)
	converts := func(kind, more string) string {
		return w.make(storage.KindConverters, uuid.NewString(), kind, `{"converter_target":"`+rewriter.key+`"`+more+`}`)
	}
	varies, avoids := converts("VariationConverter", ""), converts("DenylistConverter", `,"denylist":["sea"]`)
	base64 := w.make(storage.KindConverters, "base64", "Base64Converter", `{}`)
	words := w.make(storage.KindConverters, "words", "SelectiveTextConverter", `{"sub_converter":{"type":"VariationConverter","parameters":{"converter_target":"`+rewriter.key+`"}},"selection_strategy":{"type":"AllWordsSelectionStrategy"}}`)
	attackers := func(more string) storage.JSON { return storage.JSON(`{"attacker":"` + attacker.key + `"` + more + `}`) }

	w.engine()

	type script struct{ target, attacker, judge, second, rewriter func(string) string }
	for _, test := range []struct {
		name       string
		of         string
		parameters storage.JSON
		prompts    []string
		chains     [][]string
		scorers    []string // the first decides
		script     script
		bound      string // least or most, where all calls are as many as that
		want       map[*scripted]int64
	}{
		{
			name: "a script", of: orchestrator.MultiPrompt, parameters: `{"turns":["Let us talk about {{ prompt }}.","And now?","Say it again."],"repetitions":2,"system_prompt":"Be kind."}`,
			prompts: []string{"the sea", "a boat"}, chains: [][]string{{}, {base64}}, scorers: []string{decides, advises}, bound: "least",
			want: map[*scripted]int64{target: 24, judge: 8, second: 8},
		},
		{
			name: "a script without prompts", of: orchestrator.MultiPrompt, parameters: `{"turns":["Hello","Go on"]}`, scorers: []string{both}, bound: "most",
			script: script{judge: always(garbled), second: always(garbled)}, want: map[*scripted]int64{target: 2, judge: 2, second: 2},
		},
		{
			name: "prompts rewritten by models", of: orchestrator.PromptSending, prompts: []string{"Tell me about the sea", "And about boats"},
			chains: [][]string{{varies}, {avoids, base64}, {words}}, scorers: []string{decides},
			want: map[*scripted]int64{target: 6, judge: 6, rewriter: 2 + 1 + 5 + 3},
		},
		{
			name: "red teaming that succeeds at once", of: orchestrator.RedTeaming, parameters: attackers(`,"max_turns":4,"feedback_scorer":["` + advises + `"]`),
			prompts: []string{"Describe the sea", "Draw a boat"}, scorers: []string{decides}, script: script{judge: always(yes)}, bound: "least",
			want: map[*scripted]int64{target: 2, attacker: 2, judge: 2},
		},
		{
			name: "red teaming that never succeeds", of: orchestrator.RedTeaming, parameters: attackers(`,"max_turns":4,"feedback_scorer":["` + advises + `"]`),
			prompts: []string{"Describe the sea"}, scorers: []string{decides}, script: script{judge: always(garbled), second: always(garbled)}, bound: "most",
			want: map[*scripted]int64{target: 4, attacker: 4, judge: 8, second: 6},
		},
		{
			name: "red teaming with a first prompt", of: orchestrator.RedTeaming, parameters: attackers(`,"max_turns":3,"first_prompt":"Please: {{ objective }}"`),
			prompts: []string{"Describe the sea"}, scorers: []string{decides}, script: script{judge: always(yes)}, bound: "least",
			want: map[*scripted]int64{target: 1, judge: 1},
		},
		{
			name: "red teaming with a first prompt, to the end", of: orchestrator.RedTeaming, parameters: attackers(`,"max_turns":3,"first_prompt":"Please: {{ objective }}"`),
			prompts: []string{"Describe the sea"}, chains: [][]string{{varies}}, scorers: []string{decides}, script: script{judge: always(garbled)}, bound: "most",
			want: map[*scripted]int64{target: 3, attacker: 2, judge: 6, rewriter: 3},
		},
		{
			name: "red teaming told by the objective's own scorer", of: orchestrator.RedTeaming, parameters: attackers(`,"max_turns":3,"feedback_scorer":["` + decides + `"]`),
			prompts: []string{"Describe the sea"}, scorers: []string{decides}, script: script{judge: always(garbled)}, bound: "most",
			want: map[*scripted]int64{target: 3, attacker: 3, judge: 6},
		},
		{
			name: "red teaming whose feedback is kept as a score", of: orchestrator.RedTeaming, parameters: attackers(`,"max_turns":3,"feedback_scorer":["` + advises + `"]`),
			prompts: []string{"Describe the sea"}, scorers: []string{decides, advises}, script: script{judge: always(yes)}, bound: "least",
			want: map[*scripted]int64{target: 1, attacker: 1, judge: 1, second: 1},
		},
		{
			name: "crescendo that is refused to its end", of: orchestrator.Crescendo, parameters: attackers(`,"max_turns":3,"max_backtracks":2`),
			prompts: []string{"Describe the sea", "Draw a boat"}, scorers: []string{decides}, script: script{target: mocktarget.Refuse},
			want: map[*scripted]int64{target: 6, attacker: 6, judge: 2},
		},
		{
			name: "crescendo that takes back and never succeeds", of: orchestrator.Crescendo, parameters: attackers(`,"max_turns":3,"max_backtracks":2`),
			prompts: []string{"Describe the sea"}, scorers: []string{decides}, script: script{target: refusing(2, comply), judge: always(garbled)}, bound: "most",
			want: map[*scripted]int64{target: 5, attacker: 5, judge: 6},
		},
		{
			name: "crescendo that a model judges as refused", of: orchestrator.Crescendo, parameters: attackers(`,"max_turns":2,"max_backtracks":1,"refusal_scorer":["` + refuses + `"]`),
			prompts: []string{"Describe the sea"}, scorers: []string{decides, refuses}, script: script{second: always(yes)},
			want: map[*scripted]int64{target: 2, attacker: 2, judge: 1, second: 2},
		},
		{
			name: "crescendo that succeeds at once", of: orchestrator.Crescendo, parameters: attackers(`,"max_turns":5,"max_backtracks":0,"refusal_scorer":["` + refuses + `"]`),
			prompts: []string{"Describe the sea"}, scorers: []string{decides, refuses}, script: script{judge: always(yes)}, bound: "least",
			want: map[*scripted]int64{target: 1, attacker: 1, judge: 1, second: 1},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			for model, reply := range map[*scripted][2]func(string) string{
				target: {test.script.target, always(comply)}, attacker: {test.script.attacker, always("Then tell me a little more of it, please.")},
				judge: {test.script.judge, always(no)}, second: {test.script.second, always(no)}, rewriter: {test.script.rewriter, always("other words")},
			} {
				if model.answers(reply[1]); reply[0] != nil {
					model.answers(reply[0])
				}
			}
			key := w.orchestrator(func(o *storage.Orchestrator) {
				o.Type, o.GeneratorKey, o.Prompts, o.Chains, o.Scorers, o.Parameters = test.of, &target.key, test.prompts, test.chains, test.scorers, test.parameters
				o.ObjectiveScorer = &test.scorers[0]
				if o.Parameters == "" {
					o.Parameters = "{}"
				}
			})
			checked, err := w.things.ValidateOrchestrator(t.Context(), w.store, key)
			if err != nil || len(checked.Problems) > 0 {
				t.Fatalf("%v, %v", checked, err)
			}
			run := w.start(key)
			p := w.wait(run, storage.ExecutionSucceeded).Progress
			compareWithEstimate(t, checked.Estimate, p, test.bound)
			loads := map[string]storage.Span{}
			for _, load := range checked.Estimate.Loads {
				loads[load.GeneratorKey] = loads[load.GeneratorKey].Plus(load.Calls)
			}
			for _, model := range []*scripted{target, attacker, judge, second, rewriter} {
				called, span := model.called(), loads[model.key]
				if called != test.want[model] || float64(called) < span.Least || float64(called) > span.Most {
					t.Errorf("a generator was called %d times, want %d, estimate %+v", called, test.want[model], span)
				}
			}
		})
	}
}

// refusing answers the first calls of each run with a refusal.
func refusing(first int, then string) func(string) string {
	return func(prompt string) string {
		if first--; first >= 0 {
			return mocktarget.Refuse(prompt)
		}
		return then
	}
}

func compareWithEstimate(t *testing.T, e *storage.Estimate, p storage.ExecutionProgress, bound string) {
	t.Helper()
	if p.Errors != 0 || e.Items != p.Total || len(e.Costs) != 1 || len(e.Unpriced) != 0 {
		t.Fatalf("a run of %+v, estimated %+v", p, e)
	}
	for what, pair := range map[string]struct {
		got  float64
		span storage.Span
	}{
		"calls": {float64(p.Calls), *e.Calls}, "tokens sent": {float64(p.InputTokens), *e.Input},
		"tokens replied": {float64(p.OutputTokens), *e.Output}, "EUR": {p.Cost, e.Costs[0].Amount},
	} {
		if s := pair.span; pair.got < s.Least || pair.got > s.Most || s.Likely < s.Least || s.Likely > s.Most {
			t.Errorf("%g %s, estimated %+v", pair.got, what, s)
		}
	}
	calls := float64(p.Calls)
	if bound == "least" && calls != e.Calls.Least || bound == "most" && calls != e.Calls.Most {
		t.Errorf("%g calls are not the %s of %+v", calls, bound, e.Calls)
	}
}
