package storagetest

import (
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// turnTests hold for what people write who lead conversations, and for who follows those.
var turnTests = map[string]func(t *testing.T, store storage.UserStore){
	"TurnIsStoredWholeOrNotAtAll":       turnIsStoredWholeOrNotAtAll,
	"BranchRepeatsItsPast":              branchRepeatsItsPast,
	"OnlyAThreadWithTheTargetIsMain":    onlyAThreadWithTheTargetIsMain,
	"NewsAreReadBehindAPlace":           newsAreReadBehindAPlace,
	"ScoresOfARunDecideInTheirOrder":    scoresOfARunDecideInTheirOrder,
	"AttacksToScoreAreFixedWhenQueued":  attacksToScoreAreFixedWhenQueued,
	"ScoresOfWhatIsGoneAreNotWritten":   scoresOfWhatIsGoneAreNotWritten,
	"MessagesOfABranchAreThoseOfAStore": messagesOfABranchAreThoseOfAStore,
}

// spoken is a piece that a person's turn adds.
func spoken(sequence int64, role storage.Role, text string, scores ...*storage.Score) *storage.ResultMessage {
	return &storage.ResultMessage{Message: storage.Message{
		MessageKey: storage.MessageKey{Sequence: sequence}, Role: role, OriginalValue: text, ConvertedValue: text, OriginalDataType: "text",
		DataType: "text", ConverterHash: []string{}, ResponseError: "none", CreatedAt: runTime.Add(time.Duration(sequence) * time.Second),
	}, Scores: scores}
}

// begun is a conversation of a person in which one turn is taken.
func begun(t *testing.T, store storage.UserStore, name string) *storage.TurnDone {
	t.Helper()
	return must(store.RecordTurn(t.Context(), &marker{}, &storage.Turn{
		Begins: &storage.NewAttack{
			Execution: &storage.ExecutionPlan{Key: name, Name: name, Orchestrator: "MANUAL", Configuration: `{}`, StartedBy: "alice", QueuedAt: runTime},
			Attack: &storage.Attack{
				AttackClass: storage.ClassManual, HarmCategories: []string{}, Tags: []string{}, ConverterHash: []string{}, Turns: ptr(int64(1)),
				Outcome: storage.OutcomeUndetermined, OutcomeSource: storage.OutcomeRule, StartedAt: runTime,
			},
			Labels: []*storage.Label{{Key: "op", Value: name}},
		},
		Messages: []*storage.ResultMessage{spoken(0, storage.RoleUser, "one"), spoken(1, storage.RoleAssistant, "eins")},
	}))(t)
}

// verdictOf is a score of the objective.
func verdictOf(t *testing.T, truth bool) (*storage.Component, *storage.Score) {
	t.Helper()
	judge := result(t, 0, storage.OutcomeSuccess).Components[1]
	return judge, &storage.Score{ScorerHash: judge.Hash, Type: storage.ScoreTrueFalse, Value: &truth, Status: storage.ScoreComplete, IsObjective: true, CreatedAt: runTime}
}

func attackNumbered(t *testing.T, store storage.UserStore, number int64) *storage.Attack {
	t.Helper()
	return must(store.AttacksByNumber(t.Context(), []int64{number}))(t)[number]
}

func conversationNumbered(t *testing.T, store storage.UserStore, number int64) *storage.Conversation {
	t.Helper()
	return must(store.ConversationsByNumber(t.Context(), []int64{number}))(t)[number]
}

func turnIsStoredWholeOrNotAtAll(t *testing.T, store storage.UserStore) {
	done := begun(t, store, "run")
	judge, score := verdictOf(t, true)
	turn := &storage.Turn{
		In: done.Conversation, Count: 1, Components: []*storage.Component{judge}, Decision: &storage.Decision{Outcome: storage.OutcomeSuccess},
		Messages:       []*storage.ResultMessage{spoken(2, storage.RoleUser, "two"), spoken(3, storage.RoleAssistant, "zwei", score)},
		Helpers:        []*storage.ResultConversation{{Conversation: storage.Conversation{Purpose: storage.PurposeJudge}, Messages: []*storage.ResultMessage{spoken(0, storage.RoleUser, "judge it")}}},
		ConverterChain: "ROT13Converter", ConverterHash: []string{"h"},
	}
	before := must(store.Revision(t.Context()))(t)
	if _, err := store.RecordTurn(t.Context(), &marker{}, turn); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("others wrote meanwhile: %v", err)
	}
	if now := must(store.Revision(t.Context()))(t); now != before {
		t.Error("the store was written to")
	}
	turn.Count = 2
	if again := must(store.RecordTurn(t.Context(), &marker{}, turn))(t); again.Conversation != done.Conversation || *again.Attack != *done.Attack {
		t.Errorf("%+v", again)
	}
	c := conversationNumbered(t, store, done.Conversation)
	if c.MessageCount != 4 || !c.LastMessageAt.Equal(runTime.Add(3*time.Second)) {
		t.Errorf("%+v", c)
	}
	a := attackNumbered(t, store, *done.Attack)
	if a.Outcome != storage.OutcomeSuccess || a.ObjectiveScoreNumber == nil || *a.Turns != 2 || a.ConverterChain != "ROT13Converter" {
		t.Errorf("%+v", a)
	}
	helpers := must(store.ConversationsByAttack(t.Context(), []int64{*done.Attack}, nil, storage.Page{Limit: 10}))(t)[*done.Attack].Nodes()
	if len(helpers) != 2 || helpers[1].Purpose != storage.PurposeJudge {
		t.Errorf("%d conversations", len(helpers))
	}
	turn.In = 1 << 40
	if _, err := store.RecordTurn(t.Context(), &marker{}, turn); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("no conversation: %v", err)
	}
}

func branchRepeatsItsPast(t *testing.T, store storage.UserStore) {
	done := begun(t, store, "run")
	branch := must(store.RecordTurn(t.Context(), &marker{}, &storage.Turn{
		In: done.Conversation, Count: 2, Branch: &storage.TurnBranch{Before: 1, Why: "by hand"},
		Messages: []*storage.ResultMessage{spoken(1, storage.RoleAssistant, "uno")},
	}))(t)
	c := conversationNumbered(t, store, branch.Conversation)
	if *c.BranchedFromNumber != done.Conversation || *c.BranchedFromSequence != 1 || c.Purpose != storage.PurposeAlternative || *c.Why != "by hand" || c.MessageCount != 2 || *c.AttackNumber != *done.Attack {
		t.Errorf("%+v", c)
	}
	messages := must(store.MessagesByConversation(t.Context(), []int64{branch.Conversation}, nil, storage.Page{Limit: 10}))(t)[branch.Conversation].Nodes()
	if messages[0].OriginalValue != "one" || messages[0].Original == nil || messages[0].Original.Conversation != done.Conversation || messages[1].Original != nil || messages[1].OriginalValue != "uno" {
		t.Errorf("%+v, %+v", messages[0], messages[1])
	}
	if was := conversationNumbered(t, store, done.Conversation); was.MessageCount != 2 {
		t.Errorf("the first one is %+v", was)
	}
}

func onlyAThreadWithTheTargetIsMain(t *testing.T, store storage.UserStore) {
	done := begun(t, store, "run")
	must(store.RecordTurn(t.Context(), &marker{}, &storage.Turn{
		In: done.Conversation, Count: 2, Helpers: []*storage.ResultConversation{{Conversation: storage.Conversation{Purpose: storage.PurposeJudge}}},
	}))(t)
	for number, code := range map[int64]storage.Code{done.Conversation: storage.CodeConflict, done.Conversation + 1: storage.CodeBadInput, 1 << 40: storage.CodeNotFound} {
		if _, err := store.ChooseMainConversation(t.Context(), number); storage.CodeOf(err) != code {
			t.Errorf("conversation %d: %v, want %s", number, err, code)
		}
	}
}

func newsAreReadBehindAPlace(t *testing.T, store storage.UserStore) {
	done := begun(t, store, "run")
	judge, score := verdictOf(t, true)
	must(store.RecordTurn(t.Context(), &marker{}, &storage.Turn{
		In: done.Conversation, Count: 2, Components: []*storage.Component{judge},
		Messages: []*storage.ResultMessage{spoken(2, storage.RoleUser, "two"), spoken(3, storage.RoleAssistant, "zwei", score)},
	}))(t)
	first := must(store.ConversationNews(t.Context(), done.Conversation, storage.ConversationPlace{}, 3))(t)
	if len(first.Messages) != 3 || len(first.Scores) != 0 || !first.More {
		t.Fatalf("%+v", first)
	}
	second := must(store.ConversationNews(t.Context(), done.Conversation, first.Place, 3))(t)
	if len(second.Messages) != 1 || len(second.Scores) != 1 || second.More {
		t.Fatalf("%+v", second)
	}
	branch := must(store.RecordTurn(t.Context(), &marker{}, &storage.Turn{In: done.Conversation, Count: 4, Branch: &storage.TurnBranch{Before: 4}}))(t)
	third := must(store.ConversationNews(t.Context(), done.Conversation, second.Place, 3))(t)
	if len(third.Messages)+len(third.Scores) != 0 || len(third.Branches) != 1 || third.Branches[0].Number != branch.Conversation {
		t.Errorf("%+v", third)
	}
	if last := must(store.ConversationNews(t.Context(), done.Conversation, third.Place, 3))(t); last.Place != third.Place {
		t.Errorf("%+v", last)
	}
	// A branch is told of the scores on what it repeats.
	if told := must(store.ConversationNews(t.Context(), branch.Conversation, storage.ConversationPlace{}, 10))(t); len(told.Messages) != 4 || len(told.Scores) != 1 {
		t.Errorf("%+v", told)
	}
	if _, err := store.ConversationNews(t.Context(), 1<<40, storage.ConversationPlace{}, 3); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("%v", err)
	}
}

// rescored queues a run that scores what a filter holds for and records a verdict on each.
func rescored(t *testing.T, store storage.UserStore, key string, filter *storage.AttackFilter, truth bool) []*storage.ScoredItem {
	t.Helper()
	items := must(store.CountToScore(t.Context(), filter))(t)
	if err := store.AddExecution(t.Context(), &storage.ExecutionPlan{
		Key: key, Name: key, Orchestrator: "SCORING", Configuration: `{}`, Items: items, StartedBy: "alice", QueuedAt: runTime, Scores: &storage.ScoredAttacks{Filter: filter},
	}); err != nil {
		t.Fatal(err)
	}
	found := must(store.ScoredItems(t.Context(), key, 0, 100, false))(t)
	record(t, recorderOf(t, store, key, 1), verdictsOn(t, found, truth)...)
	return found
}

func verdictsOn(t *testing.T, items []*storage.ScoredItem, truth bool) []*storage.ItemResult {
	t.Helper()
	results := make([]*storage.ItemResult, len(items))
	outcome := storage.OutcomeFailure
	if truth {
		outcome = storage.OutcomeSuccess
	}
	for i, item := range items {
		judge, score := verdictOf(t, truth)
		on := item.Replies[len(item.Replies)-1].Pieces[0].ScoredKey()
		score.Message = &on
		results[i] = &storage.ItemResult{
			Item: item.Item, Scored: &item.Attack, Scores: []*storage.Score{score}, Components: []*storage.Component{judge}, Outcome: outcome, Attempts: 1,
			Decision: &storage.Decision{Attack: item.Attack, Outcome: outcome}, FinishedAt: runTime,
			Conversations: []*storage.ResultConversation{{Conversation: storage.Conversation{Purpose: storage.PurposeJudge}}},
		}
	}
	return results
}

func scoresOfARunDecideInTheirOrder(t *testing.T, store storage.UserStore) {
	by := map[storage.OutcomeSource]int64{}
	for _, source := range []storage.OutcomeSource{storage.OutcomeRule, storage.OutcomeObjectiveScore, storage.OutcomeStated} {
		key := plan(t, store, 1)
		one := result(t, 0, storage.OutcomeFailure)
		one.Attack.OutcomeSource = source
		record(t, recorderOf(t, store, key, 1), one)
		by[source] = attacksOf(t, store, key)[0].Number
	}
	people := begun(t, store, "person")
	verdict, reason := storage.VerdictFailure, "no"
	must(store.Annotate(t.Context(), &storage.NewAnnotation{Batch: "0", On: storage.Chosen{Attacks: []int64{*people.Attack}}, Verdict: &verdict, Reason: &reason, Author: "alice", At: runTime}))(t)
	by[storage.OutcomeHuman] = *people.Attack
	items := rescored(t, store, "again", nil, true)
	if len(items) != 4 || items[0].Objective == nil || items[0].Replies[0].Prompt == nil || items[0].Replies[0].Prompt.OriginalValue != "say yes" {
		t.Fatalf("%d items", len(items))
	}
	for source, want := range map[storage.OutcomeSource]storage.Outcome{
		storage.OutcomeRule: storage.OutcomeSuccess, storage.OutcomeObjectiveScore: storage.OutcomeSuccess, storage.OutcomeStated: storage.OutcomeFailure, storage.OutcomeHuman: storage.OutcomeFailure,
	} {
		if a := attackNumbered(t, store, by[source]); a.Outcome != want {
			t.Errorf("decided by %s before: %+v", source, a)
		}
	}
	// What was recorded is not recorded again.
	scored := must(store.ScoresByMessage(t.Context(), []storage.MessageKey{items[0].Replies[0].Pieces[0].ScoredKey()}))(t)
	again := record(t, recorderOf(t, store, "again", 2), verdictsOn(t, items, false)...)
	after := must(store.ScoresByMessage(t.Context(), []storage.MessageKey{items[0].Replies[0].Pieces[0].ScoredKey()}))(t)
	if len(again.Items) != 0 || len(after[items[0].Replies[0].Pieces[0].ScoredKey()]) != len(scored[items[0].Replies[0].Pieces[0].ScoredKey()]) {
		t.Errorf("%v was recorded twice", again.Items)
	}
	if a := attackNumbered(t, store, by[storage.OutcomeRule]); a.Outcome != storage.OutcomeSuccess {
		t.Errorf("%+v", a)
	}
}

func attacksToScoreAreFixedWhenQueued(t *testing.T, store storage.UserStore) {
	first := begun(t, store, "first")
	undetermined := &storage.AttackFilter{Outcome: &storage.OutcomeIn{In: []storage.Outcome{storage.OutcomeUndetermined}}}
	rescored(t, store, "again", undetermined, true)
	begun(t, store, "second")
	if replies := must(store.CountReplies(t.Context(), nil))(t); replies != 2 {
		t.Errorf("%d replies", replies)
	}
	items := must(store.ScoredItems(t.Context(), "again", 0, 100, true))(t)
	if len(items) != 1 || items[0].Attack != *first.Attack || items[0].Gone {
		t.Errorf("%d items", len(items))
	}
	again := "again"
	if err := store.AddExecution(t.Context(), &storage.ExecutionPlan{
		Key: "retry", Name: "retry", Orchestrator: "SCORING", Configuration: `{}`, Items: 1, StartedBy: "alice", QueuedAt: runTime,
		Scores: &storage.ScoredAttacks{Again: &again, Items: []int64{0}},
	}); err != nil {
		t.Fatal(err)
	}
	if items := must(store.ScoredItems(t.Context(), "retry", 0, 100, false))(t); len(items) != 1 || items[0].Attack != *first.Attack {
		t.Errorf("%d items", len(items))
	}
	err := store.AddExecution(t.Context(), &storage.ExecutionPlan{
		Key: "other", Name: "other", Orchestrator: "SCORING", Configuration: `{}`, Items: 7, StartedBy: "alice", QueuedAt: runTime, Scores: &storage.ScoredAttacks{},
	})
	if storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("attacks came meanwhile: %v", err)
	}
}

func scoresOfWhatIsGoneAreNotWritten(t *testing.T, store storage.UserStore) {
	done := begun(t, store, "run")
	filter := &storage.AttackFilter{}
	if err := store.AddExecution(t.Context(), &storage.ExecutionPlan{
		Key: "again", Name: "again", Orchestrator: "SCORING", Configuration: `{}`, Items: 1, StartedBy: "alice", QueuedAt: runTime, Scores: &storage.ScoredAttacks{Filter: filter},
	}); err != nil {
		t.Fatal(err)
	}
	items := must(store.ScoredItems(t.Context(), "again", 0, 100, false))(t)
	must(store.MoveToTrash(t.Context(), &storage.Deletion{
		Key: "entry", By: "alice", At: runTime, Until: runTime.Add(time.Hour), Numbered: map[string][]int64{"attacks": {*done.Attack}},
	}))(t)
	if recorded := record(t, recorderOf(t, store, "again", 1), verdictsOn(t, items, true)...); len(recorded.Items) != 1 {
		t.Errorf("%+v", recorded)
	}
	if now := must(store.ScoredItems(t.Context(), "again", 0, 100, false))(t); len(now) != 1 || !now[0].Gone {
		t.Errorf("%d items", len(now))
	}
}

// A branch is as any other conversation: it goes to the trash with its attack and back.
func messagesOfABranchAreThoseOfAStore(t *testing.T, store storage.UserStore) {
	done := begun(t, store, "run")
	branch := must(store.RecordTurn(t.Context(), &marker{}, &storage.Turn{In: done.Conversation, Count: 2, Branch: &storage.TurnBranch{Before: 2, Why: "w"}}))(t)
	must(store.MoveToTrash(t.Context(), &storage.Deletion{
		Key: "entry", By: "alice", At: runTime, Until: runTime.Add(time.Hour), Numbered: map[string][]int64{"attacks": {*done.Attack}},
	}))(t)
	if conversationNumbered(t, store, branch.Conversation) != nil {
		t.Error("the branch stayed")
	}
}
