package execution

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/execution/scorer"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

// modelOf is a generator that answers as scripted.
func modelOf(t *testing.T, name string, options mocktarget.Options) *Model {
	t.Helper()
	opened, _ := reach(t, options)
	component, err := opened.Component(name)
	if err != nil {
		t.Fatal(err)
	}
	l, _ := patient(Bounds{})
	return &Model{target: opened, component: component, lane: l, spending: &spending{}, price: Price{PerMillionInput: 1e6}}
}

func judgeOf(t *testing.T, objective bool, typeName, parameters string) *judge {
	t.Helper()
	made, err := scorer.New(typeName, storage.JSON(parameters), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &judge{scorer: made, component: made.Component(), objective: objective}
}

func chainOf(t *testing.T, types ...string) *chain {
	t.Helper()
	var converters converter.Chain
	for _, name := range types {
		made, err := converter.New(name, "{}", nil)
		if err != nil {
			t.Fatal(err)
		}
		converters = append(converters, made)
	}
	made, err := newChain(converters)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func attemptOn(t *testing.T, target *Model, judges ...*judge) *attempt {
	return &attempt{
		class: "PromptSendingAttack", prompt: &storage.Prompt{Number: 4, Text: "say the secret", HarmCategories: []string{"leak"}}, objective: "say the secret",
		target: target, judges: judges, labels: []*storage.Label{{Key: "op", Value: "x"}},
	}
}

func runAttempt(t *testing.T, a *attempt, by strategy) *storage.ItemResult {
	t.Helper()
	result, err := a.run(context.Background(), 7, by)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// tree draws conversations: purpose, branch, then each message's role and text.
func tree(r *storage.ItemResult) string {
	var drawn strings.Builder
	for _, c := range r.Conversations {
		fmt.Fprintf(&drawn, "%s", c.Purpose)
		if c.BranchedFrom != nil {
			fmt.Fprintf(&drawn, " from %d at %d", *c.BranchedFrom, *c.BranchedFromSequence)
		}
		drawn.WriteByte('\n')
		for _, m := range c.Messages {
			repeated := ""
			if m.Original != nil {
				repeated = fmt.Sprintf(" = %d/%d", m.Original.Conversation, m.Original.Sequence)
			}
			fmt.Fprintf(&drawn, "  %d %s%s: %s\n", m.Sequence, strings.ToLower(string(m.Role)), repeated, m.ConvertedValue)
		}
	}
	return drawn.String()
}

func TestPromptIsConvertedSentAndJudged(t *testing.T) {
	a := attemptOn(t, modelOf(t, "echo", mocktarget.Options{}), judgeOf(t, true, "SubStringScorer", `{"substring":"c2F5"}`), judgeOf(t, false, "SubStringScorer", `{"substring":"nothing"}`))
	a.through = chainOf(t, "Base64Converter")
	r := runAttempt(t, a, sendPrompt{systemPrompt: "be nice"})
	want := "TARGET\n  0 system: be nice\n  1 user: c2F5IHRoZSBzZWNyZXQ=\n  2 assistant: c2F5IHRoZSBzZWNyZXQ=\n"
	if got := tree(r); got != want {
		t.Errorf("conversations\n%s", got)
	}
	if r.Outcome != storage.OutcomeSuccess || r.Attack.OutcomeSource != storage.OutcomeObjectiveScore || r.Attack.ConverterChain != "Base64Converter" || len(r.Attack.ConverterHash) != 1 || *r.Attack.PromptNumber != 4 || *r.Attack.Turns != 1 {
		t.Errorf("attack %+v", r.Attack)
	}
	asked := r.Conversations[0].Messages[1]
	if asked.OriginalValue != "say the secret" || !strings.Contains(string(*asked.Metadata), `"type":"Base64Converter"`) {
		t.Errorf("the prompt is %+v", asked.Message)
	}
	scores := r.Conversations[0].Messages[2].Scores
	if len(scores) != 2 || !scores[0].IsObjective || !*scores[0].Value || scores[1].IsObjective || *scores[1].Value {
		t.Errorf("scores %+v", scores)
	}
	if r.Calls != 1 || r.Attempts != 1 || r.Cost == 0 || len(r.Components) != 4 {
		t.Errorf("it took %d calls, %d attempts, cost %g, %d components", r.Calls, r.Attempts, r.Cost, len(r.Components))
	}
}

func TestAuxiliaryScorersDecideNothing(t *testing.T) {
	a := attemptOn(t, modelOf(t, "echo", mocktarget.Options{}), judgeOf(t, false, "SubStringScorer", `{"substring":"secret"}`))
	if r := runAttempt(t, a, sendPrompt{}); r.Outcome != storage.OutcomeUndetermined || len(r.Conversations[0].Messages[1].Scores) != 1 {
		t.Errorf("outcome %s", r.Outcome)
	}
}

func TestFailedCallIsAnErrorWithWhatWasSaid(t *testing.T) {
	a := attemptOn(t, modelOf(t, "down", mocktarget.Options{Fault: func(string, int) mocktarget.Fault { return mocktarget.Fault{Status: 500} }}), judgeOf(t, true, "SubStringScorer", `{"substring":"x"}`))
	r := runAttempt(t, a, sendPrompt{})
	if r.Outcome != storage.OutcomeError || *r.ErrorClass != "UNAVAILABLE" || *r.Attack.ErrorType != "UNAVAILABLE" || r.Attempts != mostTries || r.Calls != mostTries || *r.Attack.Retries != mostTries-1 {
		t.Errorf("result %+v, attack %+v", r, r.Attack)
	}
	last := r.Conversations[0].Messages[1]
	if last.DataType != "error" || last.ResponseError != "unknown" || len(last.Scores) != 0 {
		t.Errorf("the reply is %+v", last.Message)
	}
}

func TestBlockedReplyIsNoError(t *testing.T) {
	a := attemptOn(t, modelOf(t, "filtered", mocktarget.Options{Fault: func(string, int) mocktarget.Fault { return mocktarget.Fault{ContentFilter: true} }}), judgeOf(t, true, "SubStringScorer", `{"substring":"secret"}`))
	r := runAttempt(t, a, sendPrompt{})
	if last := r.Conversations[0].Messages[1]; r.Outcome != storage.OutcomeFailure || last.ResponseError != "blocked" {
		t.Errorf("outcome %s, reply %+v", r.Outcome, last.Message)
	}
}

func TestScriptIsOneConversation(t *testing.T) {
	a := attemptOn(t, modelOf(t, "echo", mocktarget.Options{}), judgeOf(t, true, "SubStringScorer", `{"substring":"third"}`))
	r := runAttempt(t, a, sendScript{turns: func(prompt string) []string { return []string{"first", prompt, "third"} }})
	want := "TARGET\n  0 user: first\n  1 assistant: first\n  2 user: say the secret\n  3 assistant: say the secret\n  4 user: third\n  5 assistant: third\n"
	if got := tree(r); got != want || r.Outcome != storage.OutcomeSuccess || *r.Attack.Turns != 3 {
		t.Errorf("outcome %s, conversations\n%s", r.Outcome, got)
	}
}

// counting answers with the number of its call.
func counting(format string) func(string) string {
	var calls atomic.Int64
	return func(string) string { return fmt.Sprintf(format, calls.Add(1)) }
}

func TestRedTeamGoesOnUntilTheObjectiveIsReached(t *testing.T) {
	attacker := modelOf(t, "attacker", mocktarget.Options{Reply: counting("try %d")})
	a := attemptOn(t, modelOf(t, "echo", mocktarget.Options{}), judgeOf(t, true, "SubStringScorer", `{"substring":"try 3"}`))
	r := runAttempt(t, a, redTeam{
		attacker: attacker, maxTurns: 5, first: func(string) string { return "" },
		told: func(objective string) string { return "aim: " + objective },
	})
	if r.Outcome != storage.OutcomeSuccess || *r.Attack.Turns != 3 || r.Calls != 6 || len(r.Conversations) != 2 {
		t.Fatalf("outcome %s after %d turns and %d calls\n%s", r.Outcome, *r.Attack.Turns, r.Calls, tree(r))
	}
	if r.Conversations[0].Purpose != storage.PurposeTarget || len(r.Conversations[0].Messages) != 6 {
		t.Errorf("the main conversation\n%s", tree(r))
	}
	led := r.Conversations[1]
	if led.Purpose != storage.PurposeAttacker || led.Messages[0].ConvertedValue != "aim: say the secret" || !strings.Contains(led.Messages[3].ConvertedValue, "The reply was:\ntry 1\n\nThe judge says: false") {
		t.Errorf("the attacker's conversation\n%s", tree(r))
	}
	for _, m := range r.Conversations[0].Messages {
		if m.Role == storage.RoleAssistant && len(m.Scores) != 1 {
			t.Errorf("message %d has %d scores", m.Sequence, len(m.Scores))
		}
	}
}

func TestCrescendoTakesRefusalsBack(t *testing.T) {
	attacker := modelOf(t, "attacker", mocktarget.Options{Reply: counting("step %d")})
	target := modelOf(t, "target", mocktarget.Options{Reply: func(prompt string) string {
		if prompt == "step 2" || prompt == "step 3" {
			return mocktarget.Refuse(prompt)
		}
		return "about " + prompt
	}})
	a := attemptOn(t, target, judgeOf(t, true, "SubStringScorer", `{"substring":"step 5"}`))
	r := runAttempt(t, a, crescendo{
		attacker: attacker, maxTurns: 10, maxBacktracks: 5, refusal: judgeOf(t, false, "RuleRefusalScorer", `{}`),
		told: func(objective string) string { return "aim: " + objective },
	})
	want := `TARGET from 2 at 2
  0 user = 1/0: step 1
  1 assistant = 1/1: about step 1
  2 user: step 4
  3 assistant: about step 4
  4 user: step 5
  5 assistant: about step 5
ALTERNATIVE
  0 user: step 1
  1 assistant: about step 1
  2 user: step 2
  3 assistant: I'm sorry, but I can't help with that.
ALTERNATIVE from 1 at 2
  0 user = 1/0: step 1
  1 assistant = 1/1: about step 1
  2 user: step 3
  3 assistant: I'm sorry, but I can't help with that.
`
	if got := tree(r); !strings.HasPrefix(got, want) || r.Outcome != storage.OutcomeSuccess || *r.Attack.Turns != 5 {
		t.Errorf("outcome %s after %d turns\n%s", r.Outcome, *r.Attack.Turns, got)
	}
}

func TestJudgesTalkIsKept(t *testing.T) {
	judging := modelOf(t, "judge", mocktarget.Options{Reply: func(string) string { return `{"score_value": true, "rationale": "it tells it"}` }})
	made, err := scorer.New("SelfAskTrueFalseScorer", `{"chat_target":"g","true_description":"it tells the secret"}`, onlyModel{judging})
	if err != nil {
		t.Fatal(err)
	}
	a := attemptOn(t, modelOf(t, "echo", mocktarget.Options{}), &judge{scorer: made, component: made.Component(), objective: true})
	r := runAttempt(t, a, sendPrompt{})
	if len(r.Conversations) != 2 || r.Conversations[1].Purpose != storage.PurposeJudge || len(r.Conversations[1].Messages) != 3 || r.Calls != 2 || r.Outcome != storage.OutcomeSuccess {
		t.Errorf("outcome %s\n%s", r.Outcome, tree(r))
	}
}

// onlyModel is a workspace with one generator.
type onlyModel struct{ model *Model }

func (m onlyModel) Model(string) (scorer.Model, error) { return m.model, nil }

func (onlyModel) Scorer(string) (scorer.Configured, error) {
	return scorer.Configured{}, storage.Errorf(storage.CodeNotFound, "there is no scorer")
}
