package storagetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// The engine opens the store with an audit key.
var auditTests = map[string]func(t *testing.T, store storage.AppStore){
	"IntentComesBeforeTheActAndItsOutcomeAfter": intentComesBeforeTheActAndItsOutcomeAfter,
	"OutcomeFollowsTheError":                    outcomeFollowsTheError,
	"WithoutItsIntentNothingIsDone":             withoutItsIntentNothingIsDone,
	"OutcomeIsWrittenAfterTheContextEnded":      outcomeIsWrittenAfterTheContextEnded,
	"PanicIsOnRecord":                           panicIsOnRecord,
	"SpoiledDetailLosesNoOutcome":               spoiledDetailLosesNoOutcome,
	"UnfitActsAreRefused":                       unfitActsAreRefused,
	"TextsOfTheLogAreMadeFit":                   textsOfTheLogAreMadeFit,
	"AuditLogIsFilteredAndPaged":                auditLogIsFilteredAndPaged,
	"EightWritersMakeOneChain":                  eightWritersMakeOneChain,
	"CheckpointHoldsWhileTheLogGrows":           checkpointHoldsWhileTheLogGrows,
	"ForgedCheckpointIsRefused":                 forgedCheckpointIsRefused,
	"RowOfTheLogCostsTwoStatements":             rowOfTheLogCostsTwoStatements,
}

func act(action string) storage.AuditAct {
	return storage.AuditAct{
		ActorKey: "key of alice", Actor: "alice", Action: action, SubjectType: "Workspace", SubjectKey: "w1",
		WorkspaceKey: "w1", IP: "192.0.2.1", UserAgent: "Browser/1.0", RequestID: "r1", Detail: `{"name":"red"}`,
	}
}

// auditLog is the whole log, oldest first.
func auditLog(t *testing.T, store storage.AppStore) []*storage.AuditEvent {
	t.Helper()
	all, err := store.AuditEvents(t.Context(), nil, storage.AuditOrder{}, storage.Page{Limit: storage.MaxPageSize})
	if err != nil {
		t.Fatal(err)
	}
	return all.Nodes()
}

func wantIntact(t *testing.T, store storage.AppStore, rows int64) {
	t.Helper()
	report, err := store.AuditIntegrity(t.Context())
	if err != nil || report.Fault != nil || report.Rows != rows || report.Last != rows {
		t.Errorf("%+v, %+v, %v; want %d rows", report, report.Fault, err, rows)
	}
}

func intentComesBeforeTheActAndItsOutcomeAfter(t *testing.T, store storage.AppStore) {
	start := time.Now().Add(-time.Second)
	err := store.Audited(t.Context(), act("workspace.create"), func(_ context.Context, a *storage.AuditAct) error {
		if log := auditLog(t, store); len(log) != 1 || log[0].Kind != storage.AuditKindIntent || log[0].Outcome != "" {
			t.Errorf("before the act: %+v", log)
		}
		a.SubjectKey = "made"
		return nil
	})
	log := auditLog(t, store)
	if err != nil || len(log) != 2 {
		t.Fatalf("%v, %v", log, err)
	}
	intent, outcome := log[0], log[1]
	if intent.AuditAct != act("workspace.create") || intent.Seq != 1 || intent.OccurredAt.Before(start) {
		t.Errorf("intent %+v", intent)
	}
	if outcome.Kind != storage.AuditKindOutcome || outcome.Intent != intent.Key || outcome.Outcome != storage.AuditSucceeded ||
		outcome.SubjectKey != "made" || outcome.Seq != 2 || outcome.Previous != intent.MAC {
		t.Errorf("outcome %+v", outcome)
	}
	wantIntact(t, store, 2)
}

func outcomeFollowsTheError(t *testing.T, store storage.AppStore) {
	plain := errors.New("broken")
	for _, test := range []struct {
		err     error
		outcome storage.AuditOutcome
		code    storage.Code
	}{
		{storage.Errorf(storage.CodeForbidden, "no"), storage.AuditDenied, storage.CodeForbidden},
		{fmt.Errorf("wrapped: %w", storage.Errorf(storage.CodeUnauthenticated, "no")), storage.AuditDenied, storage.CodeUnauthenticated},
		{storage.BadInput("f", "no"), storage.AuditFailed, storage.CodeBadInput},
		{plain, storage.AuditFailed, storage.CodeInternal},
	} {
		err := store.Audited(t.Context(), act("a.b"), func(context.Context, *storage.AuditAct) error { return test.err })
		log := auditLog(t, store)
		last := log[len(log)-1]
		if !errors.Is(err, test.err) || last.Outcome != test.outcome || last.Code != test.code {
			t.Errorf("%v: %+v", err, last)
		}
		if strings.Contains(fmt.Sprintf("%+v", last), "broken") {
			t.Errorf("the log holds an error's text: %+v", last)
		}
	}
}

func withoutItsIntentNothingIsDone(t *testing.T, store storage.AppStore) {
	done := false
	do := func(context.Context, *storage.AuditAct) error {
		done = true
		return nil
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.Audited(ended, act("a.b"), do); err == nil {
		t.Error("no error")
	}
	long := act("a.b")
	long.Detail = storage.JSON(`{"a":"` + strings.Repeat("x", storage.MaxAuditDetail) + `"}`)
	wantCode(t, store.Audited(t.Context(), long, do), storage.CodeBadInput, "a long detail")
	if done || len(auditLog(t, store)) != 0 {
		t.Errorf("done: %v", done)
	}
}

func outcomeIsWrittenAfterTheContextEnded(t *testing.T, store storage.AppStore) {
	ctx, cancel := context.WithCancel(t.Context())
	if err := store.Audited(ctx, act("a.b"), func(context.Context, *storage.AuditAct) error {
		cancel()
		return nil
	}); err != nil {
		t.Error(err)
	}
	if log := auditLog(t, store); len(log) != 2 || log[1].Outcome != storage.AuditSucceeded {
		t.Errorf("%+v", log)
	}
}

func panicIsOnRecord(t *testing.T, store storage.AppStore) {
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic did not go on")
			}
		}()
		_ = store.Audited(t.Context(), act("a.b"), func(context.Context, *storage.AuditAct) error { panic("boom") })
	}()
	if log := auditLog(t, store); len(log) != 2 || log[1].Outcome != storage.AuditFailed || log[1].Code != storage.CodeInternal {
		t.Errorf("%+v", log)
	}
}

func spoiledDetailLosesNoOutcome(t *testing.T, store storage.AppStore) {
	if err := store.Audited(t.Context(), act("a.b"), func(_ context.Context, a *storage.AuditAct) error {
		a.Detail = storage.JSON(strings.Repeat("x", 5000))
		return nil
	}); err != nil {
		t.Error(err)
	}
	if log := auditLog(t, store); len(log) != 2 || log[1].Outcome != storage.AuditSucceeded || len(log[1].Detail) > 100 {
		t.Errorf("%+v", log)
	}
}

func unfitActsAreRefused(t *testing.T, store storage.AppStore) {
	for what, spoil := range map[string]func(a *storage.AuditAct){
		"no actor":         func(a *storage.AuditAct) { a.Actor = "" },
		"no action":        func(a *storage.AuditAct) { a.Action = "" },
		"a sentence":       func(a *storage.AuditAct) { a.Action = "did something" },
		"a list as detail": func(a *storage.AuditAct) { a.Detail = `["a"]` },
		"null as detail":   func(a *storage.AuditAct) { a.Detail = `null` },
		"no JSON":          func(a *storage.AuditAct) { a.Detail = `{a}` },
		"bytes":            func(a *storage.AuditAct) { a.Detail = "{\"a\":\"\xff\"}" },
	} {
		a := act("a.b")
		spoil(&a)
		wantCode(t, store.RecordAudit(t.Context(), a, storage.AuditSucceeded, ""), storage.CodeBadInput, what)
	}
	if log := auditLog(t, store); len(log) != 0 {
		t.Errorf("%+v", log)
	}
}

func textsOfTheLogAreMadeFit(t *testing.T, store storage.AppStore) {
	a := act("signin.failed")
	a.Actor, a.UserAgent, a.RequestID = "ali\nce\x00", strings.Repeat("é\x1b", 400), "r\xff1"
	if err := store.RecordAudit(t.Context(), a, storage.AuditDenied, storage.CodeUnauthenticated); err != nil {
		t.Fatal(err)
	}
	e := auditLog(t, store)[0]
	if e.Actor != "alice" || e.UserAgent != strings.Repeat("é", 128) || e.RequestID != "r1" || e.Kind != storage.AuditKindEvent {
		t.Errorf("%+v", e)
	}
	wantIntact(t, store, 1)
}

func auditLogIsFilteredAndPaged(t *testing.T, store storage.AppStore) {
	record := func(actor, action, subject, request string, outcome storage.AuditOutcome) {
		a := act(action)
		a.Actor, a.ActorKey, a.SubjectKey, a.WorkspaceKey, a.RequestID = actor, "key of "+actor, subject, "of "+subject, request
		if err := store.RecordAudit(t.Context(), a, outcome, ""); err != nil {
			t.Fatal(err)
		}
	}
	record("alice", "workspace.invite", "w1", "r1", storage.AuditSucceeded) // 1
	record("bob", "workspace.rename", "w2", "r2", storage.AuditDenied)      // 2
	record("alice", "workspaces.other", "w1", "r3", storage.AuditFailed)    // 3
	record("command", "user.bind", "u1", "", storage.AuditSucceeded)        // 4
	record("alice", "workspace.archive", "w1", "r1", storage.AuditFailed)   // 5
	third := auditLog(t, store)[2]
	for _, test := range []struct {
		what   string
		filter *storage.AuditFilter
		order  storage.AuditOrder
		want   string
	}{
		{"all", nil, storage.AuditOrder{}, "1 2 3 4 5"},
		{"newest first", nil, storage.AuditOrder{Direction: storage.Descending}, "5 4 3 2 1"},
		{"actor", &storage.AuditFilter{Actor: ptr("alice")}, storage.AuditOrder{}, "1 3 5"},
		{"actor's key", &storage.AuditFilter{ActorKey: ptr("key of bob")}, storage.AuditOrder{}, "2"},
		{"prefix", &storage.AuditFilter{ActionPrefix: ptr("workspace.")}, storage.AuditOrder{}, "1 2 5"},
		{"outcome", &storage.AuditFilter{Outcome: ptr(storage.AuditFailed)}, storage.AuditOrder{}, "3 5"},
		{"kind", &storage.AuditFilter{Kind: ptr(storage.AuditKindIntent)}, storage.AuditOrder{}, ""},
		{"subject", &storage.AuditFilter{SubjectType: ptr("Workspace"), SubjectKey: ptr("u1")}, storage.AuditOrder{}, "4"},
		{"workspace", &storage.AuditFilter{WorkspaceKey: ptr("of w2")}, storage.AuditOrder{}, "2"},
		{"request", &storage.AuditFilter{RequestID: ptr("r1")}, storage.AuditOrder{}, "1 5"},
		{"since", &storage.AuditFilter{OccurredAt: &storage.TimeRange{From: &third.OccurredAt}}, storage.AuditOrder{}, "3 4 5"},
		{"until", &storage.AuditFilter{OccurredAt: &storage.TimeRange{To: &third.OccurredAt}}, storage.AuditOrder{}, "1 2"},
	} {
		got := paged(t, func(page storage.Page) (*storage.Connection[storage.AuditEvent], error) {
			return store.AuditEvents(t.Context(), test.filter, test.order, page)
		}, func(e *storage.AuditEvent) string { return fmt.Sprint(e.Seq) })
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.what, got, test.want)
		}
	}
	found, err := store.AuditEventsByKey(t.Context(), []string{third.Key, "unknown"})
	if err != nil || len(found) != 1 || *found[third.Key] != *third {
		t.Errorf("%v, %v", found, err)
	}
}

func eightWritersMakeOneChain(t *testing.T, store storage.AppStore) {
	var wait sync.WaitGroup
	for writer := range 8 {
		wait.Go(func() {
			for i := range 10 {
				if err := store.Audited(t.Context(), act(fmt.Sprintf("writer%d.act%d", writer, i)),
					func(context.Context, *storage.AuditAct) error { return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	wantIntact(t, store, 160)
}

func checkpointHoldsWhileTheLogGrows(t *testing.T, store storage.AppStore) {
	for range 3 {
		checkpoint, err := store.AuditCheckpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := store.RecordAudit(t.Context(), act("a.b"), storage.AuditSucceeded, ""); err != nil {
			t.Fatal(err)
		}
		if fault, err := store.VerifyCheckpoint(t.Context(), *checkpoint); fault != nil || err != nil {
			t.Errorf("%+v: %+v, %v", checkpoint, fault, err)
		}
	}
	if last, err := store.AuditCheckpoint(t.Context()); err != nil || last.Count != 3 || last.Seq != 3 || last.MAC != auditLog(t, store)[2].MAC {
		t.Errorf("%+v, %v", last, err)
	}
}

func forgedCheckpointIsRefused(t *testing.T, store storage.AppStore) {
	if err := store.RecordAudit(t.Context(), act("a.b"), storage.AuditSucceeded, ""); err != nil {
		t.Fatal(err)
	}
	genuine, err := store.AuditCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for what, forge := range map[string]func(c *storage.AuditCheckpoint){
		"count":        func(c *storage.AuditCheckpoint) { c.Count = 0 },
		"seq":          func(c *storage.AuditCheckpoint) { c.Seq = 0 },
		"MAC":          func(c *storage.AuditCheckpoint) { c.MAC = strings.Repeat("1", 64) },
		"time":         func(c *storage.AuditCheckpoint) { c.At = c.At.Add(time.Second) },
		"signature":    func(c *storage.AuditCheckpoint) { c.Signature = "" },
		"a row's MAC":  func(c *storage.AuditCheckpoint) { c.Signature = c.MAC },
		"all together": func(c *storage.AuditCheckpoint) { *c = storage.AuditCheckpoint{} },
	} {
		forged := *genuine
		forge(&forged)
		_, err := store.VerifyCheckpoint(t.Context(), forged)
		wantCode(t, err, storage.CodeBadInput, what)
	}
}

func rowOfTheLogCostsTwoStatements(t *testing.T, store storage.AppStore) {
	if n := statements(t, func(ctx context.Context) error {
		return store.RecordAudit(ctx, act("a.b"), storage.AuditSucceeded, "")
	}); n != 2 {
		t.Errorf("%d statements", n)
	}
}
