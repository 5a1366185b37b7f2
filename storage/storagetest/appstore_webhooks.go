package storagetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// webhookTests hold for webhooks and their outbox.
var webhookTests = map[string]func(t *testing.T, store storage.AppStore){
	"WebhookIsReadAsItWasMade":             webhookIsReadAsItWasMade,
	"WebhooksAreForEditors":                webhooksAreForEditors,
	"WebhookNamesDiffer":                   webhookNamesDiffer,
	"WebhooksAreBounded":                   webhooksAreBounded,
	"RunsTellTheWebhooksOfTheirWorkspace":  runsTellTheWebhooksOfTheirWorkspace,
	"RefusedChangesOfARunTellNothing":      refusedChangesOfARunTellNothing,
	"RunIsToldWhenItIsReady":               runIsToldWhenItIsReady,
	"RunOfARemovedMemberTellsThatItPauses": runOfARemovedMemberTellsThatItPauses,
	"DeliveryIsClaimedOnce":                deliveryIsClaimedOnce,
	"AbandonedDeliveryIsTakenOver":         abandonedDeliveryIsTakenOver,
	"ReleasedDeliveryCountsNoAttempt":      releasedDeliveryCountsNoAttempt,
	"WebhooksAreSentOneAtATime":            webhooksAreSentOneAtATime,
	"AWorkspaceHasFewDeliveriesUnderWay":   aWorkspaceHasFewDeliveriesUnderWay,
	"DeliveryIsTriedAgainWhenItIsDue":      deliveryIsTriedAgainWhenItIsDue,
	"InactiveWebhookSendsNothing":          inactiveWebhookSendsNothing,
	"GoneReceiverStopsItsWebhook":          goneReceiverStopsItsWebhook,
	"ArchivedWorkspaceSendsNothing":        archivedWorkspaceSendsNothing,
	"DeletedWebhookIsForgotten":            deletedWebhookIsForgotten,
	"RedeliveryIsTheSameMessage":           redeliveryIsTheSameMessage,
	"PingIsOfItsSender":                    pingIsOfItsSender,
	"DeliveriesArePaged":                   deliveriesArePaged,
	"SealedWebhooksAreListedAndReplaced":   sealedWebhooksAreListedAndReplaced,
	"PreviousSecretSignsForAWhile":         previousSecretSignsForAWhile,
}

var allEvents = []storage.WebhookEvent{
	storage.EventExecutionCancelled, storage.EventExecutionFailed, storage.EventExecutionPaused, storage.EventExecutionQueued,
	storage.EventExecutionResumed, storage.EventExecutionStarted, storage.EventExecutionSucceeded,
}

func hook(t *testing.T, store storage.AppStore, actor *storage.User, w *storage.Workspace, name string, events ...storage.WebhookEvent) string {
	t.Helper()
	made := &storage.NewWebhook{
		Key: uuid.Must(uuid.NewV7()).String(), WorkspaceKey: w.Key, Name: name, URL: "https://ci.example/" + name, Events: events, Active: true,
		Secret: storage.NewCredential{Sealed: "sealed " + name, LastFour: "1234"},
	}
	if err := store.CreateWebhook(t.Context(), actor.Key, made); err != nil {
		t.Fatal(err)
	}
	return made.Key
}

func claimDelivery(t *testing.T, store storage.AppStore, sender string, lease time.Duration) *storage.Sending {
	t.Helper()
	sending, err := store.ClaimDelivery(t.Context(), sender, lease)
	if err != nil {
		t.Fatal(err)
	}
	return sending
}

// deliveriesOf lists a webhook's deliveries, oldest first.
func deliveriesOf(t *testing.T, store storage.AppStore, webhook string) []*storage.WebhookDelivery {
	t.Helper()
	pages, err := store.DeliveriesByWebhook(t.Context(), []string{webhook}, nil, storage.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	found := pages[webhook].Nodes()
	slices.Reverse(found)
	return found
}

func told(t *testing.T, store storage.AppStore, webhook string) string {
	t.Helper()
	var events []string
	for _, d := range deliveriesOf(t, store, webhook) {
		events = append(events, d.Event.Type())
	}
	return strings.Join(events, " ")
}

func webhookIsReadAsItWasMade(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	if err := store.SetWorkspaceUse(t.Context(), workspace.Key, storeKey(7), 0, 0); err != nil {
		t.Fatal(err)
	}
	key := hook(t, store, alice, workspace, "ci", storage.EventExecutionFailed, storage.EventExecutionSucceeded)
	page, err := store.WebhooksOf(t.Context(), workspace.Key, storage.Page{Limit: 10})
	if err != nil || len(page.Nodes()) != 1 {
		t.Fatalf("%v, %v", page, err)
	}
	w := page.Nodes()[0]
	if w.Key != key || w.Name != "ci" || w.URL != "https://ci.example/ci" || !w.Active || w.InactiveReason != nil || w.CreatedBy != "alice" ||
		len(w.StoreKey) != storage.StoreKeyBytes || *w.Secret.LastFour != "1234" || !w.Secret.IsSet || len(w.Events) != 2 {
		t.Errorf("%+v", w)
	}
	name, url, off := "other", "https://other.example/", false
	change := storage.WebhookChange{Name: &name, URL: &url, Events: allEvents, Active: &off}
	if err := store.ChangeWebhook(t.Context(), alice.Key, workspace.Key, key, change); err != nil {
		t.Fatal(err)
	}
	found, err := store.WebhooksByKey(t.Context(), []string{key})
	if err != nil {
		t.Fatal(err)
	}
	if w := found[key]; w.Name != name || w.URL != url || w.Active || *w.InactiveReason != storage.WebhookStopped || len(w.Events) != len(allEvents) || w.UpdatedAt.Equal(w.CreatedAt) {
		t.Errorf("changed: %+v", w)
	}
}

func webhooksAreForEditors(t *testing.T, store storage.AppStore) {
	team := newTeam(t, store)
	key := hook(t, store, team.users["edith"], team.workspace, "eds", allEvents...)
	name := "mine"
	for who, want := range map[string]storage.Code{"vic": storage.CodeForbidden, "sam": storage.CodeNotFound} {
		actor := team.users[who].Key
		for what, do := range map[string]func() error{
			"create": func() error {
				return store.CreateWebhook(t.Context(), actor, &storage.NewWebhook{Key: "k", WorkspaceKey: team.workspace.Key, Name: "n"})
			},
			"change": func() error {
				return store.ChangeWebhook(t.Context(), actor, team.workspace.Key, key, storage.WebhookChange{Name: &name})
			},
			"delete": func() error { return store.DeleteWebhook(t.Context(), actor, team.workspace.Key, key) },
			"ping": func() error {
				_, err := store.BeginPing(t.Context(), actor, team.workspace.Key, key, "s", time.Minute)
				return err
			},
			"redeliver": func() error {
				_, err := store.Redeliver(t.Context(), actor, team.workspace.Key, "d")
				return err
			},
		} {
			if err := do(); storage.CodeOf(err) != want {
				t.Errorf("%s by %s: %v, want %s", what, who, err, want)
			}
		}
	}
	// A webhook of another workspace, named in one's own, is none.
	mallory, own := ensure(t, store, "mallory")
	for what, err := range map[string]error{
		"change": store.ChangeWebhook(t.Context(), mallory.Key, own.Key, key, storage.WebhookChange{Name: &name}),
		"delete": store.DeleteWebhook(t.Context(), mallory.Key, own.Key, key),
		"ping":   second(store.BeginPing(t.Context(), mallory.Key, own.Key, key, "s", time.Minute)),
	} {
		if storage.CodeOf(err) != storage.CodeNotFound {
			t.Errorf("%s: %v", what, err)
		}
	}
	if page, err := store.WebhooksOf(t.Context(), team.workspace.Key, storage.Page{Limit: 10}); err != nil || len(page.Nodes()) != 1 || page.Nodes()[0].Name != "eds" {
		t.Errorf("%+v, %v", page.Nodes(), err)
	}
}

func second[T any](_ T, err error) error { return err }

func webhookNamesDiffer(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	hook(t, store, alice, workspace, "ci", allEvents...)
	other := hook(t, store, alice, workspace, "chat", allEvents...)
	err := store.CreateWebhook(t.Context(), alice.Key, &storage.NewWebhook{Key: "k", WorkspaceKey: workspace.Key, Name: "ci"})
	wantCode(t, err, storage.CodeConflict, "a second one")
	name := "ci"
	err = store.ChangeWebhook(t.Context(), alice.Key, workspace.Key, other, storage.WebhookChange{Name: &name})
	wantCode(t, err, storage.CodeConflict, "a second one")
	bob, his := ensure(t, store, "bob")
	hook(t, store, bob, his, "ci", allEvents...)
}

func webhooksAreBounded(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	for i := range storage.MostWebhooks {
		hook(t, store, alice, workspace, fmt.Sprint(i), allEvents...)
	}
	err := store.CreateWebhook(t.Context(), alice.Key, &storage.NewWebhook{Key: "k", WorkspaceKey: workspace.Key, Name: "one too many"})
	wantCode(t, err, storage.CodeConflict, "one too many")
}

func runsTellTheWebhooksOfTheirWorkspace(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	all := hook(t, store, alice, workspace, "all", allEvents...)
	failures := hook(t, store, alice, workspace, "failures", storage.EventExecutionFailed)
	bob, his := ensure(t, store, "bob")
	others := hook(t, store, bob, his, "others", allEvents...)

	first := queued(t, store, alice, workspace)
	claim(t, store, "a", -time.Second)
	claim(t, store, "b", time.Hour) // a takeover is no news
	_, err := store.CommandExecution(t.Context(), workspace.Key, first, storage.ExecutionPaused)
	if err == nil {
		_, err = store.CommandExecution(t.Context(), workspace.Key, first, storage.ExecutionQueued)
	}
	if err != nil {
		t.Fatal(err)
	}
	lease := claim(t, store, "a", time.Hour)
	progress := storage.ExecutionProgress{Done: 100, Successes: 60, Failures: 40}
	if err := store.EndExecution(t.Context(), lease, storage.ExecutionSucceeded, nil, progress); err != nil {
		t.Fatal(err)
	}
	if got, want := told(t, store, all), "execution.queued execution.started execution.paused execution.resumed execution.succeeded"; got != want {
		t.Errorf("told %s\nwant %s", got, want)
	}
	deliveries := deliveriesOf(t, store, all)
	last := deliveries[len(deliveries)-1]
	if last.ExecutionKey != first || last.Status != storage.DeliveryPending || last.WorkspaceKey != workspace.Key || last.Attempts != 0 || last.NextAttemptAt == nil {
		t.Errorf("%+v", last)
	}
	if facts := string(last.Facts); !strings.Contains(facts, `"status":"SUCCEEDED"`) || !strings.Contains(facts, `"successes":60`) {
		t.Errorf("facts %s", facts)
	}

	reason := storage.ReasonBadPlan
	queued(t, store, alice, workspace)
	if err := store.EndExecution(t.Context(), claim(t, store, "a", time.Hour), storage.ExecutionFailed, &reason, progress); err != nil {
		t.Fatal(err)
	}
	third := queued(t, store, alice, workspace)
	if _, err := store.CommandExecution(t.Context(), workspace.Key, third, storage.ExecutionCancelled); err != nil {
		t.Fatal(err)
	}
	if got := told(t, store, failures); got != "execution.failed" {
		t.Errorf("who waits for failures is told %s", got)
	}
	if got := told(t, store, all); !strings.HasSuffix(got, "execution.failed execution.queued execution.cancelled") {
		t.Errorf("told %s", got)
	}
	if got := told(t, store, others); got != "" {
		t.Errorf("another workspace is told %s", got)
	}
}

func refusedChangesOfARunTellNothing(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	key := queued(t, store, alice, workspace)
	stalled := claim(t, store, "a", -time.Second)
	claim(t, store, "b", time.Hour)
	all := hook(t, store, alice, workspace, "all", allEvents...)
	wantCode(t, store.EndExecution(t.Context(), stalled, storage.ExecutionSucceeded, nil, storage.ExecutionProgress{}), storage.CodeConflict, "a lost lease")
	_, err := store.CommandExecution(t.Context(), workspace.Key, key, storage.ExecutionQueued)
	wantCode(t, err, storage.CodeConflict, "a run that is RUNNING")
	bob, his := ensure(t, store, "bob")
	theirs := hook(t, store, bob, his, "theirs", allEvents...)
	_, err = store.CommandExecution(t.Context(), his.Key, key, storage.ExecutionCancelled)
	wantCode(t, err, storage.CodeNotFound, "another's run")
	if got := told(t, store, all) + told(t, store, theirs); got != "" {
		t.Errorf("told %s", got)
	}
}

func runIsToldWhenItIsReady(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	all := hook(t, store, alice, workspace, "all", allEvents...)
	for _, key := range []string{"ready", "dropped"} {
		state := &storage.ExecutionState{Key: key, WorkspaceKey: workspace.Key, UserKey: alice.Key}
		if err := store.QueueExecution(t.Context(), state, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	if s := claimDelivery(t, store, "a", time.Minute); s != nil {
		t.Errorf("told of a run without a plan: %+v", s)
	}
	if err := store.DropExecution(t.Context(), "dropped"); err != nil {
		t.Fatal(err)
	}
	if err := store.ReadyExecution(t.Context(), "ready"); err != nil {
		t.Fatal(err)
	}
	if s := claimDelivery(t, store, "a", time.Minute); s == nil || s.ExecutionKey != "ready" {
		t.Errorf("claimed %+v", s)
	}
	if got := told(t, store, all); got != "execution.queued" {
		t.Errorf("told %s", got)
	}
}

func runOfARemovedMemberTellsThatItPauses(t *testing.T, store storage.AppStore) {
	team := newTeam(t, store)
	all := hook(t, store, team.users["olga"], team.workspace, "all", storage.EventExecutionPaused)
	queued(t, store, team.users["edith"], team.workspace)
	lease := claim(t, store, "a", time.Hour)
	if err := store.RemoveMember(t.Context(), team.users["olga"].Key, team.workspace.Key, "edith"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := store.RenewLease(t.Context(), lease, time.Hour, storage.ExecutionProgress{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := told(t, store, all); got != "execution.paused" {
		t.Errorf("told %q", got)
	}
}

// one makes a webhook of alice's with one delivery that is due, and returns both keys.
func one(t *testing.T, store storage.AppStore) (webhook, delivery string) {
	t.Helper()
	alice, workspace := ensure(t, store, "alice")
	webhook = hook(t, store, alice, workspace, "ci", storage.EventExecutionQueued)
	queued(t, store, alice, workspace)
	return webhook, deliveriesOf(t, store, webhook)[0].Key
}

func delivery(t *testing.T, store storage.AppStore, key string) *storage.WebhookDelivery {
	t.Helper()
	found, err := store.DeliveriesByKey(t.Context(), []string{key})
	if err != nil || found[key] == nil {
		t.Fatalf("%v, %v", found, err)
	}
	return found[key]
}

func deliveryIsClaimedOnce(t *testing.T, store storage.AppStore) {
	_, key := one(t, store)
	sending := claimDelivery(t, store, "a", time.Minute)
	if sending == nil || sending.Key != key || sending.Attempts != 1 || sending.URL != "https://ci.example/ci" || sending.Secret != "sealed ci" ||
		sending.Previous != "" || sending.WebhookName != "ci" || sending.WorkspaceName != "alice" {
		t.Fatalf("claimed %+v", sending)
	}
	if other := claimDelivery(t, store, "b", time.Minute); other != nil {
		t.Errorf("claimed again: %+v", other)
	}
	status := int64(204)
	if err := store.EndDelivery(t.Context(), sending, storage.DeliveryResult{Status: storage.DeliveryDelivered, ResponseStatus: &status, Duration: 12 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	d := delivery(t, store, key)
	if d.Status != storage.DeliveryDelivered || *d.ResponseStatus != 204 || *d.DurationMs != 12 || d.NextAttemptAt != nil || d.DeliveredAt == nil || d.Error != nil {
		t.Errorf("%+v", d)
	}
	if again := claimDelivery(t, store, "a", time.Minute); again != nil {
		t.Errorf("claimed what is over: %+v", again)
	}
}

func abandonedDeliveryIsTakenOver(t *testing.T, store storage.AppStore) {
	_, key := one(t, store)
	stalled := claimDelivery(t, store, "a", -time.Second)
	next := claimDelivery(t, store, "b", time.Minute)
	if next == nil || next.Attempts != 2 {
		t.Fatalf("claimed %+v", next)
	}
	if err := store.EndDelivery(t.Context(), stalled, storage.DeliveryResult{Status: storage.DeliveryDelivered}); err != nil {
		t.Fatal(err)
	}
	if err := store.ReleaseDelivery(t.Context(), stalled); err != nil {
		t.Fatal(err)
	}
	if d := delivery(t, store, key); d.Status != storage.DeliveryPending || d.Attempts != 2 {
		t.Errorf("the stalled sender wrote %+v", d)
	}
}

func releasedDeliveryCountsNoAttempt(t *testing.T, store storage.AppStore) {
	one(t, store)
	if err := store.ReleaseDelivery(t.Context(), claimDelivery(t, store, "a", time.Minute)); err != nil {
		t.Fatal(err)
	}
	if next := claimDelivery(t, store, "b", time.Minute); next == nil || next.Attempts != 1 {
		t.Errorf("claimed %+v", next)
	}
}

func webhooksAreSentOneAtATime(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	slow := hook(t, store, alice, workspace, "slow", storage.EventExecutionQueued)
	quick := hook(t, store, alice, workspace, "quick", storage.EventExecutionQueued)
	queued(t, store, alice, workspace)
	queued(t, store, alice, workspace)
	a, b := claimDelivery(t, store, "s", time.Minute), claimDelivery(t, store, "s", time.Minute)
	if a == nil || b == nil || a.WebhookKey == b.WebhookKey || a.Message != b.Message {
		t.Fatalf("claimed %+v and %+v", a, b)
	}
	if third := claimDelivery(t, store, "s", time.Minute); third != nil {
		t.Errorf("claimed %+v beside another one of its webhook", third)
	}
	ended := a
	if b.WebhookKey == quick {
		ended = b
	}
	if err := store.EndDelivery(t.Context(), ended, storage.DeliveryResult{Status: storage.DeliveryDelivered}); err != nil {
		t.Fatal(err)
	}
	if next := claimDelivery(t, store, "s", time.Minute); next == nil || next.WebhookKey != quick {
		t.Errorf("claimed %+v while %s is slow", next, slow)
	}
}

func aWorkspaceHasFewDeliveriesUnderWay(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	for i := range 8 {
		hook(t, store, alice, workspace, fmt.Sprint(i), storage.EventExecutionQueued)
	}
	queued(t, store, alice, workspace)
	bob, his := ensure(t, store, "bob")
	hook(t, store, bob, his, "bobs", storage.EventExecutionQueued)
	queued(t, store, bob, his)
	claimed := map[string]int{}
	for s := claimDelivery(t, store, "s", time.Minute); s != nil; s = claimDelivery(t, store, "s", time.Minute) {
		claimed[s.WorkspaceKey]++
	}
	if claimed[workspace.Key] != 4 || claimed[his.Key] != 1 {
		t.Errorf("under way are %v", claimed)
	}
}

func deliveryIsTriedAgainWhenItIsDue(t *testing.T, store storage.AppStore) {
	_, key := one(t, store)
	status, failure := int64(500), storage.DeliveryStatusCode
	later := storage.DeliveryResult{Status: storage.DeliveryPending, ResponseStatus: &status, Error: &failure, Next: time.Now().Add(time.Hour)}
	if err := store.EndDelivery(t.Context(), claimDelivery(t, store, "a", time.Minute), later); err != nil {
		t.Fatal(err)
	}
	if d := delivery(t, store, key); d.Status != storage.DeliveryPending || *d.Error != failure || *d.ResponseStatus != 500 || !d.NextAttemptAt.After(time.Now().Add(50*time.Minute)) {
		t.Errorf("%+v", d)
	}
	if early := claimDelivery(t, store, "a", time.Minute); early != nil {
		t.Fatalf("claimed an hour early: %+v", early)
	}
	_, other := one2(t, store)
	now := later
	now.Next = time.Now().Add(-time.Second)
	if err := store.EndDelivery(t.Context(), claimDelivery(t, store, "a", time.Minute), now); err != nil {
		t.Fatal(err)
	}
	if due := claimDelivery(t, store, "a", time.Minute); due == nil || due.Key != other || due.Attempts != 2 {
		t.Errorf("claimed %+v", due)
	}
}

// one2 is one of bob's.
func one2(t *testing.T, store storage.AppStore) (webhook, delivery string) {
	t.Helper()
	bob, his := ensure(t, store, "bob")
	webhook = hook(t, store, bob, his, "ci", storage.EventExecutionQueued)
	queued(t, store, bob, his)
	return webhook, deliveriesOf(t, store, webhook)[0].Key
}

func inactiveWebhookSendsNothing(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	webhook, key := one(t, store)
	off, on := false, true
	queued(t, store, alice, workspace)
	underWay := claimDelivery(t, store, "a", time.Minute)
	if err := store.ChangeWebhook(t.Context(), alice.Key, workspace.Key, webhook, storage.WebhookChange{Active: &off}); err != nil {
		t.Fatal(err)
	}
	queued(t, store, alice, workspace)
	failure := storage.DeliveryStatusCode
	if err := store.EndDelivery(t.Context(), underWay, storage.DeliveryResult{Status: storage.DeliveryPending, Error: &failure, Next: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if err := store.ChangeWebhook(t.Context(), alice.Key, workspace.Key, webhook, storage.WebhookChange{Active: &on}); err != nil {
		t.Fatal(err)
	}
	found := deliveriesOf(t, store, webhook)
	if len(found) != 2 || found[0].Key != key {
		t.Fatalf("%d deliveries: it was told while it was inactive", len(found))
	}
	for _, d := range found {
		if d.Status != storage.DeliveryFailed || *d.Error != storage.DeliveryInactive || d.NextAttemptAt != nil {
			t.Errorf("%+v", d)
		}
	}
	if s := claimDelivery(t, store, "a", time.Minute); s != nil {
		t.Errorf("claimed %+v", s)
	}
}

func goneReceiverStopsItsWebhook(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	webhook, key := one(t, store)
	queued(t, store, alice, workspace)
	status, failure := int64(410), storage.DeliveryGone
	if err := store.EndDelivery(t.Context(), claimDelivery(t, store, "a", time.Minute), storage.DeliveryResult{Status: storage.DeliveryFailed, ResponseStatus: &status, Error: &failure}); err != nil {
		t.Fatal(err)
	}
	found, err := store.WebhooksByKey(t.Context(), []string{webhook})
	if err != nil || found[webhook].Active || *found[webhook].InactiveReason != storage.WebhookGone {
		t.Errorf("%+v, %v", found[webhook], err)
	}
	for _, d := range deliveriesOf(t, store, webhook) {
		want := storage.DeliveryInactive
		if d.Key == key {
			want = storage.DeliveryGone
		}
		if d.Status != storage.DeliveryFailed || *d.Error != want {
			t.Errorf("%+v", d)
		}
	}
}

func archivedWorkspaceSendsNothing(t *testing.T, store storage.AppStore) {
	team := newTeam(t, store)
	alice := team.users["olga"]
	hook(t, store, alice, team.workspace, "ci", storage.EventExecutionQueued)
	queued(t, store, alice, team.workspace)
	if _, err := store.ArchiveWorkspace(t.Context(), alice.Key, team.workspace.Key); err != nil {
		t.Fatal(err)
	}
	if s := claimDelivery(t, store, "a", time.Minute); s != nil {
		t.Errorf("claimed %+v", s)
	}
	err := store.CreateWebhook(t.Context(), alice.Key, &storage.NewWebhook{Key: "k", WorkspaceKey: team.workspace.Key, Name: "n"})
	wantCode(t, err, storage.CodeConflict, "an archived workspace")
	if _, err := store.UnarchiveWorkspace(t.Context(), alice.Key, team.workspace.Key); err != nil {
		t.Fatal(err)
	}
	if s := claimDelivery(t, store, "a", time.Minute); s == nil {
		t.Error("what waited is not sent")
	}
}

func deletedWebhookIsForgotten(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	webhook, key := one(t, store)
	sending := claimDelivery(t, store, "a", time.Minute)
	if err := store.DeleteWebhook(t.Context(), alice.Key, workspace.Key, webhook); err != nil {
		t.Fatal(err)
	}
	if err := store.EndDelivery(t.Context(), sending, storage.DeliveryResult{Status: storage.DeliveryDelivered}); err != nil {
		t.Error(err)
	}
	if found, err := store.DeliveriesByKey(t.Context(), []string{key}); err != nil || len(found) != 0 {
		t.Errorf("%v, %v", found, err)
	}
	wantCode(t, store.DeleteWebhook(t.Context(), alice.Key, workspace.Key, webhook), storage.CodeNotFound, "what is gone")
}

func redeliveryIsTheSameMessage(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	webhook, key := one(t, store)
	_, err := store.Redeliver(t.Context(), alice.Key, workspace.Key, key)
	wantCode(t, err, storage.CodeConflict, "one that is on its way")
	if err := store.EndDelivery(t.Context(), claimDelivery(t, store, "a", time.Minute), storage.DeliveryResult{Status: storage.DeliveryDelivered}); err != nil {
		t.Fatal(err)
	}
	made, err := store.Redeliver(t.Context(), alice.Key, workspace.Key, key)
	if err != nil {
		t.Fatal(err)
	}
	was, is := delivery(t, store, key), delivery(t, store, made)
	if is.Message != was.Message || is.Facts != was.Facts || !is.OccurredAt.Equal(was.OccurredAt) || *is.RedeliveryOf != key || is.Status != storage.DeliveryPending || is.Attempts != 0 {
		t.Errorf("%+v of %+v", is, was)
	}
	if s := claimDelivery(t, store, "a", time.Minute); s == nil || s.Key != made {
		t.Errorf("claimed %+v", s)
	}
	bob, his := ensure(t, store, "bob")
	_, err = store.Redeliver(t.Context(), bob.Key, his.Key, key)
	wantCode(t, err, storage.CodeNotFound, "another's")
	off := false
	if err := store.ChangeWebhook(t.Context(), alice.Key, workspace.Key, webhook, storage.WebhookChange{Active: &off}); err != nil {
		t.Fatal(err)
	}
	_, err = store.Redeliver(t.Context(), alice.Key, workspace.Key, key)
	wantCode(t, err, storage.CodeConflict, "an inactive webhook")
}

func pingIsOfItsSender(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	webhook := hook(t, store, alice, workspace, "ci", storage.EventExecutionFailed)
	ping, err := store.BeginPing(t.Context(), alice.Key, workspace.Key, webhook, "a", time.Minute)
	if err != nil || ping.Event != storage.EventPing || ping.Attempts != 1 || ping.ExecutionKey != "" || ping.Secret != "sealed ci" {
		t.Fatalf("%+v, %v", ping, err)
	}
	if s := claimDelivery(t, store, "b", time.Minute); s != nil {
		t.Errorf("claimed %+v", s)
	}
	if err := store.EndDelivery(t.Context(), ping, storage.DeliveryResult{Status: storage.DeliveryDelivered}); err != nil {
		t.Fatal(err)
	}
	last, err := store.LastDeliveries(t.Context(), []string{webhook, "none"})
	if err != nil || len(last) != 1 || last[webhook].Key != ping.Key || last[webhook].Status != storage.DeliveryDelivered {
		t.Errorf("%+v, %v", last, err)
	}
}

func deliveriesArePaged(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	a := hook(t, store, alice, workspace, "a", storage.EventExecutionQueued, storage.EventExecutionCancelled)
	b := hook(t, store, alice, workspace, "b", storage.EventExecutionQueued)
	for range 5 {
		key := queued(t, store, alice, workspace)
		if _, err := store.CommandExecution(t.Context(), workspace.Key, key, storage.ExecutionCancelled); err != nil {
			t.Fatal(err)
		}
	}
	filter := &storage.WebhookDeliveryFilter{Event: &storage.WebhookEventIn{In: []storage.WebhookEvent{storage.EventExecutionQueued}}}
	both, err := store.DeliveriesByWebhook(t.Context(), []string{a, b}, filter, storage.Page{Limit: 2})
	if err != nil || len(both[a].Nodes()) != 2 || len(both[b].Nodes()) != 2 || !both[a].PageInfo.HasNextPage {
		t.Fatalf("%+v, %v", both, err)
	}
	if n := statements(t, func(ctx context.Context) error {
		_, err := store.DeliveriesByWebhook(ctx, []string{a, b}, filter, storage.Page{Limit: 2})
		return err
	}); n != 1 {
		t.Errorf("%d statements", n)
	}
	var seen []string
	page := storage.Page{Limit: 2}
	for {
		pages, err := store.DeliveriesByWebhook(t.Context(), []string{a}, filter, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range pages[a].Nodes() {
			seen = append(seen, d.Key)
		}
		if count, err := pages[a].TotalCount(t.Context()); err != nil || count != 5 {
			t.Errorf("%d, %v", count, err)
		}
		if !pages[a].PageInfo.HasNextPage {
			break
		}
		page.After = *pages[a].PageInfo.EndCursor
	}
	if len(seen) != 5 || !slices.IsSortedFunc(seen, func(x, y string) int { return strings.Compare(y, x) }) {
		t.Errorf("%v", seen)
	}
	_, err = store.DeliveriesByWebhook(t.Context(), []string{b}, filter, page)
	wantCode(t, err, storage.CodeBadInput, "a cursor of another list")
	none := &storage.WebhookDeliveryFilter{Status: &storage.DeliveryStatusIn{NotIn: []storage.DeliveryStatus{storage.DeliveryPending}}}
	if pages, err := store.DeliveriesByWebhook(t.Context(), []string{a}, none, storage.Page{Limit: 2}); err != nil || len(pages[a].Nodes()) != 0 {
		t.Errorf("%+v, %v", pages[a].Nodes(), err)
	}
}

func sealedWebhooksAreListedAndReplaced(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	first := hook(t, store, alice, workspace, "a", allEvents...)
	hook(t, store, alice, workspace, "b", allEvents...)
	next := storage.WebhookChange{Secret: &storage.NewCredential{Sealed: "sealed next", LastFour: "5678"}, PreviousUntil: time.Now().Add(time.Hour)}
	if err := store.ChangeWebhook(t.Context(), alice.Key, workspace.Key, first, next); err != nil {
		t.Fatal(err)
	}
	var after storage.SealedWebhook
	var changes []*storage.ResealedWebhook
	for {
		page, err := store.SealedWebhooks(t.Context(), after, 2)
		if err != nil || len(page) > 2 {
			t.Fatalf("%d secrets, %v", len(page), err)
		}
		if len(page) == 0 {
			break
		}
		for _, one := range page {
			if one.Workspace != workspace.Key {
				t.Errorf("%+v", one)
			}
			changes = append(changes, &storage.ResealedWebhook{SealedWebhook: *one, New: "new " + one.Sealed})
		}
		after = *page[len(page)-1]
	}
	if len(changes) != 3 {
		t.Errorf("%d secrets of two webhooks, one with another one before", len(changes))
	}
	changes[0].Sealed = "what was replaced meanwhile" // a previous_secret
	if err := store.ReplaceWebhookSecrets(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	queued(t, store, alice, workspace)
	s := claimDelivery(t, store, "s", time.Minute)
	if s.Secret != "new sealed next" || s.Previous != "sealed a" {
		t.Errorf("%q, %q", s.Secret, s.Previous)
	}
	bad := []*storage.ResealedWebhook{{SealedWebhook: storage.SealedWebhook{Webhook: first, Field: "name", Sealed: "a"}, New: "x"}}
	if err := store.ReplaceWebhookSecrets(t.Context(), bad); err == nil {
		t.Error("a field that holds no secret was replaced")
	}
}

func previousSecretSignsForAWhile(t *testing.T, store storage.AppStore) {
	alice, workspace := ensure(t, store, "alice")
	webhook, _ := one(t, store)
	over := storage.WebhookChange{Secret: &storage.NewCredential{Sealed: "sealed next", LastFour: "5678"}, PreviousUntil: time.Now().Add(-time.Second)}
	if err := store.ChangeWebhook(t.Context(), alice.Key, workspace.Key, webhook, over); err != nil {
		t.Fatal(err)
	}
	if s := claimDelivery(t, store, "s", time.Minute); s.Secret != "sealed next" || s.Previous != "" {
		t.Errorf("%q, %q", s.Secret, s.Previous)
	}
	found, err := store.WebhooksByKey(t.Context(), []string{webhook})
	if err != nil || *found[webhook].Secret.LastFour != "5678" || found[webhook].Secret.UpdatedAt.Before(found[webhook].CreatedAt) {
		t.Errorf("%+v, %v", found[webhook].Secret, err)
	}
}
