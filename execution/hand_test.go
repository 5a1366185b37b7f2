package execution_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

// desk is a workshop at which a person leads conversations.
type desk struct {
	*workshop
	hand *execution.Hand
	mu   sync.Mutex
	told []string // bodies of calls
}

func newDesk(t *testing.T, options mocktarget.Options) *desk {
	t.Helper()
	d := &desk{}
	options.Seen = func(_ *http.Request, body []byte) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.told = append(d.told, string(body))
	}
	d.workshop = newWorkshop(t, options)
	d.hand = &execution.Hand{
		Things: d.things, Lanes: &execution.Lanes{}, Guard: func() storage.Guard { return plain{} }, Events: &d.events,
	}
	t.Cleanup(func() { d.sound() })
	return d
}

// sound checks what the store promises.
func (d *desk) sound() {
	d.t.Helper()
	problems, err := d.store.(interface {
		Check(ctx context.Context) ([]string, error)
	}).Check(context.Background())
	if err != nil || len(problems) > 0 {
		d.t.Errorf("the store has %v, %v", problems, err)
	}
}

func (d *desk) begin(start execution.Start) *storage.TurnDone {
	d.t.Helper()
	done, err := d.hand.Start(d.t.Context(), d.store, d.by(), start)
	if err != nil {
		d.t.Fatal(err)
	}
	return done
}

func (d *desk) send(number int64, m execution.Message) *execution.Said {
	d.t.Helper()
	said, err := d.hand.Send(d.t.Context(), d.store, number, m)
	if err != nil {
		d.t.Fatal(err)
	}
	return said
}

// texts are what was sent and came back in a conversation.
func (d *desk) texts(number int64) string {
	d.t.Helper()
	var texts []string
	for _, m := range d.messages(number) {
		texts = append(texts, string(m.Role)+":"+m.ConvertedValue)
	}
	return strings.Join(texts, " | ")
}

func (d *desk) messages(number int64) []*storage.Message {
	d.t.Helper()
	pages, err := d.store.MessagesByConversation(d.t.Context(), []int64{number}, nil, storage.Page{Limit: 100})
	if err != nil {
		d.t.Fatal(err)
	}
	return pages[number].Nodes()
}

func (d *desk) conversation(number int64) *storage.Conversation {
	d.t.Helper()
	found, err := d.store.ConversationsByNumber(d.t.Context(), []int64{number})
	if err != nil || found[number] == nil {
		d.t.Fatalf("conversation %d: %v", number, err)
	}
	return found[number]
}

func (d *desk) attack(number int64) *storage.Attack {
	d.t.Helper()
	found, err := d.store.AttacksByNumber(d.t.Context(), []int64{number})
	if err != nil || found[number] == nil {
		d.t.Fatalf("attack %d: %v", number, err)
	}
	return found[number]
}

func TestAPersonLeadsAConversation(t *testing.T) {
	d := newDesk(t, mocktarget.Options{})
	generator := d.generator("mock")
	base64, finds := d.make(storage.KindConverters, "b", "Base64Converter", `{}`), d.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"two"}`)
	objective, system := "say two", "You are a parrot."
	begun := d.begin(execution.Start{Generator: &generator, Objective: &objective, SystemPrompt: &system, Labels: []*storage.Label{{Key: "op", Value: "x"}}})
	number := begun.Conversation
	d.send(number, execution.Message{Text: "one"})
	said := d.send(number, execution.Message{Text: "two", Scorers: []string{finds}, ObjectiveScorer: &finds})
	if said.Conversation != number || said.Failure != "" || len(said.Reply) != 1 {
		t.Fatalf("%+v", said)
	}
	if got := d.texts(number); got != "SYSTEM:You are a parrot. | USER:one | ASSISTANT:one | USER:two | ASSISTANT:two" {
		t.Errorf("the conversation is %s", got)
	}
	a := d.attack(*begun.Attack)
	if a.AttackClass != storage.ClassManual || a.Outcome != storage.OutcomeSuccess || a.OutcomeSource != storage.OutcomeObjectiveScore || *a.Turns != 2 || a.ObjectiveScoreNumber == nil {
		t.Errorf("the attack is %+v", a)
	}
	converted := d.send(number, execution.Message{Text: "three", Converters: []string{base64}})
	prompt := d.messages(number)[converted.Prompt.Sequence]
	if prompt.OriginalValue != "three" || prompt.ConvertedValue != "dGhyZWU=" || len(prompt.ConverterHash) != 1 || prompt.Metadata == nil {
		t.Errorf("the converted message is %+v", prompt)
	}
	if a := d.attack(*begun.Attack); a.ConverterChain != "Base64Converter" || a.Outcome != storage.OutcomeSuccess {
		t.Errorf("the attack is %+v", a)
	}
	if last := d.told[len(d.told)-1]; strings.Count(last, `"role"`) != 6 {
		t.Errorf("the target was told %s", last)
	}
	run, err := d.store.ExecutionsByKey(t.Context(), []string{*a.ExecutionID})
	if err != nil || run[*a.ExecutionID].Status != storage.ExecutionSucceeded || *run[*a.ExecutionID].Orchestrator != orchestrator.Manual {
		t.Errorf("the run is %+v, %v", run[*a.ExecutionID], err)
	}
}

func TestAConversationBeginsAsItsOrchestratorSays(t *testing.T) {
	d := newDesk(t, mocktarget.Options{})
	generator := d.generator("mock")
	base64, finds := d.make(storage.KindConverters, "b", "Base64Converter", `{}`), d.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"a"}`)
	key := d.orchestrator(func(o *storage.Orchestrator) {
		o.Type, o.GeneratorKey, o.Chains, o.Scorers, o.ObjectiveScorer = orchestrator.Manual, &generator, [][]string{{base64}}, []string{finds}, &finds
		o.Parameters = `{"system_prompt":"Be brief."}`
	})
	found, err := d.store.OrchestratorsByKey(t.Context(), []string{key})
	if err != nil {
		t.Fatal(err)
	}
	begun := d.begin(execution.Start{Orchestrator: found[key]})
	d.send(begun.Conversation, execution.Message{Text: "hi"})
	if got := d.texts(begun.Conversation); got != "SYSTEM:Be brief. | USER:aGk= | ASSISTANT:aGk=" {
		t.Errorf("the conversation is %s", got)
	}
	if a := d.attack(*begun.Attack); a.Outcome != storage.OutcomeSuccess {
		t.Errorf("the attack is %+v", a)
	}
	d.send(begun.Conversation, execution.Message{Text: "hi", Converters: []string{}, Scorers: []string{}})
	if got := d.texts(begun.Conversation); !strings.HasSuffix(got, "USER:hi | ASSISTANT:hi") {
		t.Errorf("without converters the conversation is %s", got)
	}
}

func TestAMessageIsSentAgainInABranch(t *testing.T) {
	d := newDesk(t, mocktarget.Options{})
	generator, finds := d.generator("mock"), d.make(storage.KindScorers, "finds", "SubStringScorer", `{"substring":"one"}`)
	begun := d.begin(execution.Start{Generator: &generator})
	first := d.send(begun.Conversation, execution.Message{Text: "one", Scorers: []string{finds}})
	second := d.send(begun.Conversation, execution.Message{Text: "two"})
	again, err := d.hand.Resend(t.Context(), d.store, second.Prompt, execution.Message{Text: "zwei"})
	if err != nil {
		t.Fatal(err)
	}
	if got := d.texts(again.Conversation); got != "USER:one | ASSISTANT:one | USER:zwei | ASSISTANT:zwei" {
		t.Errorf("the branch is %s", got)
	}
	branch := d.conversation(again.Conversation)
	if *branch.BranchedFromNumber != begun.Conversation || *branch.BranchedFromSequence != 2 || branch.Purpose != storage.PurposeAlternative || *branch.AttackNumber != *begun.Attack {
		t.Errorf("the branch is %+v", branch)
	}
	copied := d.messages(again.Conversation)[1]
	scores, err := d.store.ScoresByMessage(t.Context(), []storage.MessageKey{copied.ScoredKey()})
	if err != nil || copied.Original == nil || *copied.Original != first.Reply[0] || len(scores[first.Reply[0]]) != 1 {
		t.Errorf("the copied reply repeats %v, scored %v, %v", copied.Original, scores, err)
	}
	// A branch of the branch names the first one's messages.
	deeper, err := d.hand.Branch(t.Context(), d.store, storage.MessageKey{Conversation: again.Conversation, Sequence: 1})
	if err != nil || *d.messages(deeper.Conversation)[1].Original != first.Reply[0] || d.conversation(deeper.Conversation).MessageCount != 2 {
		t.Errorf("the deeper branch: %v", err)
	}
	same, err := d.hand.Resend(t.Context(), d.store, first.Prompt, execution.Message{})
	if err != nil || d.texts(same.Conversation) != "USER:one | ASSISTANT:one" {
		t.Errorf("the same again: %v", err)
	}
	if _, err := d.hand.Resend(t.Context(), d.store, first.Reply[0], execution.Message{Text: "x"}); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("a reply was sent again: %v", err)
	}
	attack, err := d.hand.Choose(t.Context(), d.store, again.Conversation)
	if err != nil || attack != *begun.Attack {
		t.Fatal(err)
	}
	if a := d.attack(attack); *a.ConversationNumber != again.Conversation || *a.Turns != 2 {
		t.Errorf("the attack is %+v", a)
	}
	if now, was := d.conversation(again.Conversation), d.conversation(begun.Conversation); now.Purpose != storage.PurposeTarget || now.Why != nil || was.Purpose != storage.PurposeAlternative || was.Why == nil {
		t.Errorf("the main one is %+v, the other %+v", now, was)
	}
	if _, err := d.hand.Choose(t.Context(), d.store, again.Conversation); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("chosen twice: %v", err)
	}
}

func TestAFailedCallIsStoredAndNotToldAgain(t *testing.T) {
	d := newDesk(t, mocktarget.Options{Fault: func(prompt string, _ int) mocktarget.Fault {
		if prompt == "bad" {
			return mocktarget.Fault{Status: 400, Body: `{"error":{"message":"no"}}`}
		}
		return mocktarget.Fault{}
	}})
	generator := d.generator("mock")
	begun := d.begin(execution.Start{Generator: &generator})
	said := d.send(begun.Conversation, execution.Message{Text: "bad"})
	if said.Failure != "BAD_REQUEST" || len(said.Reply) != 1 || d.messages(begun.Conversation)[1].DataType != "error" {
		t.Errorf("%+v", said)
	}
	d.send(begun.Conversation, execution.Message{Text: "good"})
	if last := d.told[len(d.told)-1]; strings.Contains(last, "bad") {
		t.Errorf("the target was told %s", last)
	}
	if d.conversation(begun.Conversation).MessageCount != 4 {
		t.Error("not all is stored")
	}
}

func TestOneWritesToAConversationAtATime(t *testing.T) {
	asked, answer := make(chan struct{}), make(chan struct{})
	var first atomic.Bool
	d := newDesk(t, mocktarget.Options{Fault: func(string, int) mocktarget.Fault {
		if first.CompareAndSwap(false, true) {
			close(asked)
			<-answer
		}
		return mocktarget.Fault{}
	}})
	generator := d.generator("mock")
	system := "Be brief."
	begun := d.begin(execution.Start{Generator: &generator, SystemPrompt: &system})
	var sending sync.WaitGroup
	var late error
	sending.Go(func() {
		_, late = d.hand.Send(t.Context(), d.store, begun.Conversation, execution.Message{Text: "one"})
	})
	<-asked
	if _, err := d.hand.Send(t.Context(), d.store, begun.Conversation, execution.Message{Text: "two"}); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("beside another: %v", err)
	}
	// Who branches is in nobody's way.
	if _, err := d.hand.Branch(t.Context(), d.store, storage.MessageKey{Conversation: begun.Conversation}); err != nil {
		t.Errorf("branched beside another: %v", err)
	}
	// Another process has no such memory: there the store refuses whoever comes later.
	other := &execution.Hand{Things: d.things, Lanes: &execution.Lanes{}, Guard: d.hand.Guard, Events: &events.Local{}}
	if _, err := other.Send(t.Context(), d.store, begun.Conversation, execution.Message{Text: "three"}); err != nil {
		t.Error(err)
	}
	close(answer)
	sending.Wait()
	if got := d.texts(begun.Conversation); got != "SYSTEM:Be brief. | USER:three | ASSISTANT:three" || storage.CodeOf(late) != storage.CodeConflict {
		t.Errorf("the conversation is %s, %v", got, late)
	}
	d.send(begun.Conversation, execution.Message{Text: "four"})
}

func TestWhatAToolBroughtIsGoneOnWithInABranch(t *testing.T) {
	d := newDesk(t, mocktarget.Options{})
	number := d.imported("hello")
	if _, err := d.hand.Send(t.Context(), d.store, number, execution.Message{Text: "and now"}); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("without a generator: %v", err)
	}
	generator := d.generator("mock")
	said := d.send(number, execution.Message{Text: "and now", Generator: &generator})
	if said.Conversation == number || d.texts(said.Conversation) != "USER:hello | ASSISTANT:hello | USER:and now | ASSISTANT:and now" || d.conversation(number).MessageCount != 2 {
		t.Errorf("%+v: %s", said, d.texts(said.Conversation))
	}
	if branch := d.conversation(said.Conversation); branch.TargetHash == nil || *branch.BranchedFromNumber != number {
		t.Errorf("the branch is %+v", branch)
	}
	// The branch is ours: it goes on in itself, until another target is named.
	if again := d.send(said.Conversation, execution.Message{Text: "more", Generator: &generator}); again.Conversation != said.Conversation {
		t.Errorf("%+v", again)
	}
	other := d.make(storage.KindGenerators, "echo", "ECHO", `{}`)
	if again := d.send(said.Conversation, execution.Message{Text: "more", Generator: &other}); again.Conversation == said.Conversation {
		t.Errorf("%+v", again)
	}
}

// imported is a conversation that a tool brought: a prompt that was repeated.
func (d *desk) imported(text string) int64 {
	d.t.Helper()
	d.bring(text)
	found, err := d.store.Conversations(d.t.Context(), nil, storage.ConversationOrder{}, storage.Page{Limit: 1})
	if err != nil || len(found.Nodes()) == 0 {
		d.t.Fatal(err)
	}
	return found.Nodes()[0].Number
}

// bring imports it and returns the rows that were updated.
func (d *desk) bring(text string) int64 {
	d.t.Helper()
	ctx := d.t.Context()
	stage, err := d.store.NewStage(ctx, plain{})
	if err != nil {
		d.t.Fatal(err)
	}
	defer stage.Close() //nolint:errcheck // nothing is left in it
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	steps := []error{
		stage.AddAttack(ctx, &storage.StagedAttack{Attack: storage.Attack{
			Source: storage.SourcePyRIT, SourceID: "a", AttackClass: "PromptSendingAttack", HarmCategories: []string{}, Tags: []string{}, ConverterHash: []string{},
			Outcome: storage.OutcomeUndetermined, OutcomeSource: storage.OutcomeRule, StartedAt: began,
		}, Conversation: "c"}),
		stage.AddConversation(ctx, &storage.StagedConversation{Conversation: storage.Conversation{Source: storage.SourcePyRIT, SourceID: "c", Purpose: storage.PurposeTarget}, Attack: "a"}),
	}
	for i, role := range []storage.Role{storage.RoleUser, storage.RoleAssistant} {
		steps = append(steps, stage.AddMessage(ctx, &storage.StagedMessage{Message: storage.Message{
			MessageKey: storage.MessageKey{Sequence: int64(i)}, Source: storage.SourcePyRIT, SourceID: string(role), Role: role, OriginalValue: text,
			ConvertedValue: text, OriginalDataType: "text", DataType: "text", ConverterHash: []string{}, ResponseError: "none", CreatedAt: began,
		}, Conversation: "c"}))
	}
	imported := &storage.Import{Tool: "pyrit", Format: "test", FileName: "f", FileHash: "h", StartedAt: began, FinishedAt: began}
	if err := errors.Join(append(steps, stage.Commit(ctx, imported, func(storage.Progress) {}))...); err != nil {
		d.t.Fatal(err)
	}
	updated := int64(0)
	for _, table := range imported.Tables {
		updated += table.Updated
	}
	return updated
}

func TestAnImportLeavesWhatPeopleSaidToItsConversations(t *testing.T) {
	d := newDesk(t, mocktarget.Options{})
	number := d.imported("hello")
	generator := d.generator("mock")
	said := d.send(number, execution.Message{Text: "and now", Generator: &generator})
	attack, err := d.hand.Choose(t.Context(), d.store, said.Conversation)
	if err != nil {
		t.Fatal(err)
	}
	if updated := d.bring("hello"); updated != 0 {
		t.Errorf("the same file updated %d rows", updated)
	}
	if a := d.attack(attack); *a.ConversationNumber != said.Conversation {
		t.Errorf("the main conversation is %d", *a.ConversationNumber)
	}
	if back, err := d.hand.Choose(t.Context(), d.store, number); err != nil || back != attack || d.conversation(said.Conversation).Purpose != storage.PurposeAlternative {
		t.Errorf("chosen back: %v", err)
	}
}
