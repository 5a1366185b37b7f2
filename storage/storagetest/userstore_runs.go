package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// runTests hold for what the engine of executions writes.
var runTests = map[string]func(t *testing.T, store storage.UserStore){
	"ResultsAreReadBack":                   resultsAreReadBack,
	"ItemIsRecordedOnce":                   itemIsRecordedOnce,
	"FencedEngineWritesNothing":            fencedEngineWritesNothing,
	"FailedBatchLeavesNothing":             failedBatchLeavesNothing,
	"NextRecorderGoesOnWhereOneStopped":    nextRecorderGoesOnWhereOneStopped,
	"EventsAreReadBehindACursor":           eventsAreReadBehindACursor,
	"StateIsToldOnce":                      stateIsToldOnce,
	"BranchesAndRepeatedMessagesAreKept":   branchesAndRepeatedMessagesAreKept,
	"RunIsCountedByItsItems":               runIsCountedByItsItems,
	"DecisionOfARefusedCommandIsNone":      decisionOfARefusedCommandIsNone,
	"ExchangesAreRecordedWithTheirResults": exchangesAreRecordedWithTheirResults,
	"RunsAreFacetedAndFilteredAlike":       runsAreFacetedAndFilteredAlike,
	"QueuedRunsStandWithThoseThatBegan":    queuedRunsStandWithThoseThatBegan,
}

func plan(t *testing.T, store storage.UserStore, items int64) string {
	t.Helper()
	key := uuid.Must(uuid.NewV7()).String()
	if err := store.AddExecution(t.Context(), &storage.ExecutionPlan{
		Key: key, Name: "nightly", Orchestrator: "PROMPT_SENDING", Configuration: `{"a":1}`, Items: items, StartedBy: "alice", QueuedAt: runTime,
	}); err != nil {
		t.Fatal(err)
	}
	return key
}

var runTime = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func recorderOf(t *testing.T, store storage.UserStore, key string, epoch int64) storage.Recorder {
	t.Helper()
	r, err := store.NewRecorder(t.Context(), &marker{}, key, epoch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// result is an item that asked one thing and got one answer, with a score.
func result(t *testing.T, item int64, outcome storage.Outcome) *storage.ItemResult {
	t.Helper()
	target, err := storage.NewComponent(storage.ComponentTarget, map[string]string{"class": "EchoTarget"}, storage.Component{ClassName: "EchoTarget"})
	if err != nil {
		t.Fatal(err)
	}
	judge, err := storage.NewComponent(storage.ComponentScorer, map[string]string{"class": "SubStringScorer"}, storage.Component{ClassName: "SubStringScorer"})
	if err != nil {
		t.Fatal(err)
	}
	objective, truth := "say yes", outcome == storage.OutcomeSuccess
	return &storage.ItemResult{
		Item: item, Outcome: outcome, Attempts: 1, Calls: 1, InputTokens: 3, OutputTokens: 2, Latency: 40 * time.Millisecond, FinishedAt: runTime,
		Components: []*storage.Component{target, judge}, Labels: []*storage.Label{{Key: "op", Value: "plain"}},
		Attack: &storage.Attack{
			AttackClass: "PromptSendingAttack", Objective: &objective, ObjectiveHash: ptr(storage.TextHash(objective)), TargetHash: &target.Hash,
			Outcome: outcome, OutcomeSource: storage.OutcomeObjectiveScore, StartedAt: runTime, FinishedAt: &runTime, Turns: ptr(int64(1)),
		},
		Conversations: []*storage.ResultConversation{{
			Conversation: storage.Conversation{Purpose: storage.PurposeTarget, TargetHash: &target.Hash},
			Messages: []*storage.ResultMessage{
				{Message: storage.Message{Role: storage.RoleUser, OriginalValue: "say yes", ConvertedValue: "c2F5IHllcw==", OriginalDataType: "text", DataType: "text", ResponseError: "none", CreatedAt: runTime}},
				{Message: storage.Message{
					MessageKey: storage.MessageKey{Sequence: 1}, Role: storage.RoleAssistant, OriginalValue: "yes", ConvertedValue: "yes",
					OriginalDataType: "text", DataType: "text", ResponseError: "none", LatencyMs: ptr(int64(40)), CreatedAt: runTime.Add(time.Second),
				}, Scores: []*storage.Score{{
					ScorerHash: judge.Hash, Type: storage.ScoreTrueFalse, Value: &truth, Status: storage.ScoreComplete, IsObjective: true, CreatedAt: runTime,
				}}},
			},
		}},
	}
}

func record(t *testing.T, r storage.Recorder, results ...*storage.ItemResult) *storage.Recorded {
	t.Helper()
	recorded, err := r.Record(t.Context(), results, nil)
	if err != nil {
		t.Fatal(err)
	}
	return recorded
}

func attacksOf(t *testing.T, store storage.UserStore, key string) []*storage.Attack {
	t.Helper()
	found := must(store.AttacksOf(t.Context(), storage.AttacksOfExecution, []string{key}, nil, storage.AttackOrder{Field: storage.AttackOrderNumber}, storage.Page{Limit: 100}))(t)
	if found[key] == nil {
		return nil
	}
	return found[key].Nodes()
}

func resultsAreReadBack(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 2)
	before := must(store.Revision(t.Context()))(t)
	recorded := record(t, recorderOf(t, store, key, 1), result(t, 0, storage.OutcomeSuccess), result(t, 1, storage.OutcomeFailure))
	want := storage.ExecutionProgress{Total: 2, Done: 2, Successes: 1, Failures: 1, Calls: 2, InputTokens: 6, OutputTokens: 4}
	if recorded.Progress != want || !slices.Equal(recorded.Items, []int64{0, 1}) || recorded.Seq != 2 {
		t.Errorf("recorded %+v", recorded)
	}
	if after := must(store.Revision(t.Context()))(t); after <= before {
		t.Errorf("the revision stayed %d", after)
	}
	attacks := attacksOf(t, store, key)
	if len(attacks) != 2 || attacks[0].Number != 1 || attacks[0].Outcome != storage.OutcomeSuccess || *attacks[0].Objective != "say yes" || *attacks[0].ConversationNumber != 1 || *attacks[1].ConversationNumber != 2 {
		t.Fatalf("attacks %+v", attacks)
	}
	messages := must(store.MessagesByConversation(t.Context(), []int64{1}, nil, storage.Page{Limit: 5}))(t)[1].Nodes()
	if len(messages) != 2 || messages[0].ConvertedValue != "c2F5IHllcw==" || messages[1].ConvertedValue != "yes" || *messages[1].LatencyMs != 40 {
		t.Fatalf("messages %+v", messages)
	}
	scores := must(store.ScoresByMessage(t.Context(), []storage.MessageKey{messages[1].MessageKey}))(t)[messages[1].MessageKey]
	if len(scores) != 1 || !*scores[0].Value || scores[0].Number != *attacks[0].ObjectiveScoreNumber || scores[0].ScorerName != "SubStringScorer" {
		t.Errorf("scores %+v", scores)
	}
	if labels := must(store.LabelsByAttack(t.Context(), []int64{2}))(t)[2]; len(labels) != 1 || labels[0].Value != "plain" {
		t.Errorf("labels %+v", labels)
	}
	if target := must(store.ComponentsByHash(t.Context(), []string{*attacks[0].TargetHash}))(t)[*attacks[0].TargetHash]; target == nil || target.ClassName != "EchoTarget" {
		t.Errorf("target %+v", target)
	}
}

func itemIsRecordedOnce(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 3)
	r := recorderOf(t, store, key, 1)
	record(t, r, result(t, 0, storage.OutcomeSuccess))
	recorded := record(t, r, result(t, 0, storage.OutcomeFailure), result(t, 1, storage.OutcomeFailure))
	if !slices.Equal(recorded.Items, []int64{1}) || recorded.Progress.Done != 2 || recorded.Progress.Successes != 1 {
		t.Errorf("recorded %+v", recorded)
	}
	if attacks := attacksOf(t, store, key); len(attacks) != 2 || attacks[0].Outcome != storage.OutcomeSuccess {
		t.Errorf("attacks %+v", attacks)
	}
}

func fencedEngineWritesNothing(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 3)
	stalled := recorderOf(t, store, key, 1)
	record(t, stalled, result(t, 0, storage.OutcomeSuccess))
	next := recorderOf(t, store, key, 2)
	_, err := stalled.Record(t.Context(), []*storage.ItemResult{result(t, 1, storage.OutcomeSuccess)}, []storage.LogLine{{Level: "INFO", Text: "late"}})
	wantCode(t, err, storage.CodeConflict, "a result under an old epoch")
	if _, err := store.NewRecorder(t.Context(), &marker{}, key, 1); storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("a recorder of an old epoch: %v", err)
	}
	if events := must(store.ExecutionEvents(t.Context(), key, 0, 100))(t); len(events) != 2 {
		t.Errorf("events %v", events)
	}
	record(t, next, result(t, 1, storage.OutcomeFailure))
	if attacks := attacksOf(t, store, key); len(attacks) != 2 || attacks[1].Outcome != storage.OutcomeFailure {
		t.Errorf("attacks %+v", attacks)
	}
}

func failedBatchLeavesNothing(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 3)
	r := recorderOf(t, store, key, 1)
	if _, err := r.Record(t.Context(), []*storage.ItemResult{result(t, 0, storage.OutcomeSuccess), result(t, 0, storage.OutcomeSuccess)}, nil); err == nil {
		t.Fatal("an item was recorded twice in one batch")
	}
	if attacks := attacksOf(t, store, key); len(attacks) != 0 {
		t.Errorf("attacks %+v", attacks)
	}
	if recorded := record(t, r, result(t, 0, storage.OutcomeSuccess)); recorded.Seq != 2 || recorded.Progress.Done != 1 {
		t.Errorf("recorded %+v", recorded)
	}
	if attacks := attacksOf(t, store, key); len(attacks) != 1 {
		t.Errorf("attacks %+v", attacks)
	}
}

func nextRecorderGoesOnWhereOneStopped(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 9)
	first := recorderOf(t, store, key, 1)
	record(t, first, result(t, 0, storage.OutcomeSuccess), result(t, 1, storage.OutcomeError), result(t, 2, storage.OutcomeUndetermined), result(t, 5, storage.OutcomeFailure))
	second := recorderOf(t, store, key, 2)
	if progress := second.Progress(); progress != (storage.ExecutionProgress{Total: 9, Done: 4, Successes: 1, Failures: 1, Undetermined: 1, Errors: 1, Calls: 4, InputTokens: 12, OutputTokens: 8}) {
		t.Errorf("progress %+v", progress)
	}
	if done := must(second.Done(t.Context()))(t); !slices.Equal(done, [][2]int64{{0, 3}, {5, 6}}) {
		t.Errorf("done %v", done)
	}
}

func eventsAreReadBehindACursor(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 3)
	r := recorderOf(t, store, key, 1)
	record(t, r, result(t, 0, storage.OutcomeSuccess))
	if _, err := r.Record(t.Context(), []*storage.ItemResult{result(t, 1, storage.OutcomeError)}, []storage.LogLine{{Level: "WARNING", Text: "slow\x00", Time: runTime}}); err != nil {
		t.Fatal(err)
	}
	events := must(store.ExecutionEvents(t.Context(), key, 1, 100))(t)
	if len(events) != 3 || events[0].Seq != 2 || events[2].Kind != storage.EventLog {
		t.Fatalf("events %+v", events)
	}
	var items storage.ItemsEvent
	if err := json.Unmarshal([]byte(events[1].Body), &items); err != nil || items.Items[0].Item != 1 || *items.Items[0].Attack != 2 || items.Items[0].Outcome != storage.OutcomeError || items.Progress.Done != 2 {
		t.Errorf("items %+v, %v", items, err)
	}
	var lines []storage.LogLine
	if err := json.Unmarshal([]byte(events[2].Body), &lines); err != nil || lines[0].Text != "slow\u2400" {
		t.Errorf("lines %+v, %v", lines, err)
	}
	if rest := must(store.ExecutionEvents(t.Context(), key, 2, 1))(t); len(rest) != 1 || rest[0].Seq != 3 {
		t.Errorf("behind 2 come %+v", rest)
	}
}

// noteStatus notes a state that was decided before.
func noteStatus(t *testing.T, store storage.UserStore, key string, event storage.StatusEvent, now time.Time) {
	t.Helper()
	if err := store.DecideExecutionStatus(t.Context(), key, now, func(context.Context) (storage.StatusEvent, error) { return event, nil }); err != nil {
		t.Fatal(err)
	}
}

func stateIsToldOnce(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 3)
	for range 2 {
		noteStatus(t, store, key, storage.StatusEvent{Status: storage.ExecutionRunning}, runTime)
	}
	noteStatus(t, store, key, storage.StatusEvent{Status: storage.ExecutionFailed, Reason: ptr(storage.ReasonBadPlan), Error: "no generator"}, runTime.Add(time.Minute))
	if events := must(store.ExecutionEvents(t.Context(), key, 0, 100))(t); len(events) != 3 || events[2].Seq != 3 {
		t.Errorf("events %+v", events)
	}
	e := must(store.ExecutionsByKey(t.Context(), []string{key}))(t)[key]
	if e.Status != storage.ExecutionFailed || *e.Error != "no generator" || !e.StartedAt.Equal(runTime) || !e.FinishedAt.Equal(runTime.Add(time.Minute)) {
		t.Errorf("execution %+v", e)
	}
}

func branchesAndRepeatedMessagesAreKept(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 1)
	r := result(t, 0, storage.OutcomeSuccess)
	branch := &storage.ResultConversation{
		Conversation: storage.Conversation{Purpose: storage.PurposeAlternative, Why: ptr("backtracked"), BranchedFromSequence: ptr(int64(1))},
		BranchedFrom: ptr(0),
		Messages: []*storage.ResultMessage{{Message: storage.Message{
			Original: &storage.MessageKey{}, Role: storage.RoleUser, OriginalValue: "say yes", ConvertedValue: "say yes", OriginalDataType: "text",
			DataType: "text", ResponseError: "none", CreatedAt: runTime,
		}}},
	}
	r.Conversations = append(r.Conversations, branch)
	record(t, recorderOf(t, store, key, 1), r)
	found := must(store.ConversationsByNumber(t.Context(), []int64{2}))(t)[2]
	if found == nil || *found.BranchedFromNumber != 1 || *found.BranchedFromSequence != 1 || *found.Why != "backtracked" || *found.AttackNumber != 1 {
		t.Fatalf("branch %+v", found)
	}
	message := must(store.MessagesByKey(t.Context(), []storage.MessageKey{{Conversation: 2}}))(t)[storage.MessageKey{Conversation: 2}]
	if message == nil || message.Original == nil || message.Original.Conversation != 1 {
		t.Errorf("repeated message %+v", message)
	}
}

func runIsCountedByItsItems(t *testing.T, store storage.UserStore) {
	key, other := plan(t, store, 10), plan(t, store, 3)
	r := recorderOf(t, store, key, 1)
	results := make([]*storage.ItemResult, 6)
	for i := range results {
		results[i] = result(t, int64(i), storage.OutcomeSuccess)
		results[i].Cost, results[i].FinishedAt = 0.25, runTime.Add(time.Duration(i)*time.Second)
	}
	for i, class := range []string{"TIMEOUT", "TIMEOUT", "RATE_LIMITED"} {
		results[i].Outcome, results[i].Attack.Outcome, results[i].ErrorClass, results[i].Attack.ErrorType = storage.OutcomeError, storage.OutcomeError, &class, &class
	}
	if _, err := r.Record(t.Context(), results, []storage.LogLine{{Level: "INFO", Text: "half of it", Time: runTime}}); err != nil {
		t.Fatal(err)
	}
	tallies, err := store.ExecutionTallies(t.Context(), []string{key, other}, runTime.Add(storage.TallyOver+2500*time.Millisecond))
	if err != nil || tallies[other] != nil || tallies[key] == nil {
		t.Fatalf("%v, %v", tallies, err)
	}
	if got, want := *tallies[key], (storage.ExecutionTally{
		ExecutionProgress: storage.ExecutionProgress{Done: 6, Successes: 3, Errors: 3, Calls: 6, InputTokens: 18, OutputTokens: 12, Cost: 1.5}, Recent: 3,
	}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	classes, err := store.ErrorClasses(t.Context(), []string{key, other})
	if err != nil || len(classes) != 1 || len(classes[key]) != 2 || *classes[key][0] != (storage.ErrorClassCount{Class: "TIMEOUT", Count: 2}) || *classes[key][1] != (storage.ErrorClassCount{Class: "RATE_LIMITED", Count: 1}) {
		t.Errorf("errors %v, %v", classes, err)
	}
	timeouts := &storage.ExecutionItemFilter{Outcome: &storage.OutcomeIn{In: []storage.Outcome{storage.OutcomeError}}, ErrorClass: &storage.TextIn{In: []string{"TIMEOUT"}}}
	items, err := store.ItemsByExecution(t.Context(), []string{key, other}, timeouts, storage.Page{Limit: 1})
	if err != nil || len(items[key].Nodes()) != 1 || items[key].Nodes()[0].Item != 0 || items[key].Nodes()[0].AttackNumber == nil || !items[key].PageInfo.HasNextPage {
		t.Fatalf("items %v, %v", items, err)
	}
	next, err := store.ItemsByExecution(t.Context(), []string{key}, timeouts, storage.Page{Limit: 5, After: *items[key].PageInfo.EndCursor})
	if err != nil || len(next[key].Nodes()) != 1 || next[key].Nodes()[0].Item != 1 {
		t.Errorf("items behind it %v, %v", next, err)
	}
	events, err := store.EventsByExecution(t.Context(), []string{key}, &storage.ExecutionEventFilter{Kind: []storage.ExecutionEventKind{storage.EventStatus, storage.EventLog}}, storage.Page{Limit: 10})
	if err != nil || len(events[key].Nodes()) != 2 || events[key].Nodes()[1].Kind != storage.EventLog {
		t.Errorf("events %v, %v", events, err)
	}
	runs, err := store.ExecutionsByKey(t.Context(), []string{key})
	if run := runs[key]; err != nil || run.StartedBy == nil || *run.StartedBy != "alice" || *run.Items != 10 || !run.QueuedAt.Equal(runTime) || run.RetryOf != nil {
		t.Errorf("the run is %+v, %v", runs[key], err)
	}
}

func decisionOfARefusedCommandIsNone(t *testing.T, store storage.UserStore) {
	key := plan(t, store, 1)
	refused := storage.Errorf(storage.CodeConflict, "no")
	err := store.DecideExecutionStatus(t.Context(), key, runTime, func(context.Context) (storage.StatusEvent, error) {
		return storage.StatusEvent{Status: storage.ExecutionPaused}, refused
	})
	if !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	runs, err := store.ExecutionsByKey(t.Context(), []string{key})
	if err != nil || runs[key].Status != storage.ExecutionQueued {
		t.Errorf("%v, %v", runs[key], err)
	}
}
