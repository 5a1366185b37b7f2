package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/violentutf/violentutf/storage"
)

// executionTests hold for the state machine of runs.
var executionTests = map[string]func(t *testing.T, store storage.AppStore){
	"RunIsClaimedOnce":                runIsClaimedOnce,
	"NamedRunIsClaimedAlone":          namedRunIsClaimedAlone,
	"RunOfTheLessBusyUserComesFirst":  runOfTheLessBusyUserComesFirst,
	"ExpiredLeaseIsTakenOver":         expiredLeaseIsTakenOver,
	"LostLeaseWritesNothing":          lostLeaseWritesNothing,
	"ReleasedRunIsClaimedAtOnce":      releasedRunIsClaimedAtOnce,
	"CommandStopsARun":                commandStopsARun,
	"RunThatIsOverStaysSo":            runThatIsOverStaysSo,
	"RunOfARemovedMemberIsPaused":     runOfARemovedMemberIsPaused,
	"RunOfAnotherWorkspaceIsNotFound": runOfAnotherWorkspaceIsNotFound,
	"NoCommandReachesAnIllegalState":  noCommandReachesAnIllegalState,
	"LiveRunsAreThoseThatAreNotOver":  liveRunsAreThoseThatAreNotOver,
	"EndedRunKeepsWhoWasFaster":       endedRunKeepsWhoWasFaster,
	"RunWaitsForItsPlan":              runWaitsForItsPlan,
	"DecisionIsToldOnce":              decisionIsToldOnce,
	"LeasesOfTheDeadExpireAtOnce":     leasesOfTheDeadExpireAtOnce,
}

func queued(t *testing.T, store storage.AppStore, user *storage.User, workspace *storage.Workspace) string {
	t.Helper()
	state := &storage.ExecutionState{
		Key: uuid.Must(uuid.NewV7()).String(), WorkspaceKey: workspace.Key, UserKey: user.Key,
		Progress: storage.ExecutionProgress{Total: 100},
	}
	if err := store.QueueExecution(t.Context(), state, 0); err != nil {
		t.Fatal(err)
	}
	return state.Key
}

func claim(t *testing.T, store storage.AppStore, engine string, lease time.Duration) *storage.Lease {
	t.Helper()
	claimed, err := store.ClaimExecution(t.Context(), engine, lease)
	if err != nil {
		t.Fatal(err)
	}
	return claimed
}

func statusOf(t *testing.T, store storage.AppStore, key string) storage.ExecutionStatus {
	t.Helper()
	states, err := store.ExecutionStates(t.Context(), []string{key})
	if err != nil || states[key] == nil {
		t.Fatalf("states of %s: %v, %v", key, states, err)
	}
	return states[key].Status
}

func runIsClaimedOnce(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	key := queued(t, store, user, workspace)
	first := claim(t, store, "a", time.Hour)
	if first == nil || first.Execution.Key != key || first.Epoch != 1 || first.Execution.Status != storage.ExecutionRunning || first.Execution.StartedAt == nil {
		t.Fatalf("claimed %+v", first)
	}
	if second := claim(t, store, "b", time.Hour); second != nil {
		t.Errorf("a second engine claimed %+v", second)
	}
}

func namedRunIsClaimedAlone(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	queued(t, store, user, workspace)
	key := queued(t, store, user, workspace)
	one := func() *storage.Lease {
		t.Helper()
		lease, err := store.ClaimOne(t.Context(), key, "a", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return lease
	}
	if first := one(); first == nil || first.Execution.Key != key || first.Epoch != 1 {
		t.Fatalf("claimed %+v", first)
	}
	if second := one(); second != nil {
		t.Errorf("claimed again, or another one: %+v", second)
	}
	if other := claim(t, store, "b", time.Hour); other == nil || other.Execution.Key == key {
		t.Errorf("the other one is not left: %+v", other)
	}
}

func runOfTheLessBusyUserComesFirst(t *testing.T, store storage.AppStore) {
	alice, hers := ensure(t, store, "alice")
	for range 3 {
		queued(t, store, alice, hers)
	}
	bob, his := ensure(t, store, "bob")
	queued(t, store, bob, his)
	var order []string
	for range 4 {
		order = append(order, claim(t, store, "a", time.Hour).Execution.UserKey)
	}
	if want := []string{alice.Key, bob.Key, alice.Key, alice.Key}; !slices.Equal(order, want) {
		t.Errorf("claimed for %v, want %v", order, want)
	}
}

func expiredLeaseIsTakenOver(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	key := queued(t, store, user, workspace)
	claim(t, store, "a", -time.Second)
	second := claim(t, store, "b", time.Hour)
	if second == nil || second.Execution.Key != key || second.Epoch != 2 {
		t.Fatalf("claimed %+v", second)
	}
}

func lostLeaseWritesNothing(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	key := queued(t, store, user, workspace)
	stalled := claim(t, store, "a", -time.Second)
	claim(t, store, "b", time.Hour)
	progress := storage.ExecutionProgress{Done: 7, Successes: 7}
	_, err := store.RenewLease(t.Context(), stalled, time.Hour, progress)
	wantCode(t, err, storage.CodeConflict, "the command")
	wantCode(t, store.ReleaseLease(t.Context(), stalled, progress), storage.CodeConflict, "the command")
	wantCode(t, store.EndExecution(t.Context(), stalled, storage.ExecutionSucceeded, nil, progress), storage.CodeConflict, "the command")
	states, err := store.ExecutionStates(t.Context(), []string{key})
	if err != nil || states[key].Progress.Done != 0 || states[key].Status != storage.ExecutionRunning {
		t.Errorf("the stalled engine wrote: %+v, %v", states[key], err)
	}
}

func releasedRunIsClaimedAtOnce(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	queued(t, store, user, workspace)
	lease := claim(t, store, "a", time.Hour)
	if err := store.ReleaseLease(t.Context(), lease, storage.ExecutionProgress{Done: 3, Failures: 3}); err != nil {
		t.Fatal(err)
	}
	next := claim(t, store, "b", time.Hour)
	if next == nil || next.Epoch != 2 || next.Execution.Progress.Done != 3 {
		t.Errorf("claimed %+v", next)
	}
}

func commandStopsARun(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	key := queued(t, store, user, workspace)
	lease := claim(t, store, "a", time.Hour)
	state, err := store.CommandExecution(t.Context(), workspace.Key, key, storage.ExecutionPaused)
	if err != nil || state.Status != storage.ExecutionPaused || *state.Reason != storage.ReasonUser {
		t.Fatalf("paused %+v, %v", state, err)
	}
	seen, err := store.RenewLease(t.Context(), lease, time.Hour, storage.ExecutionProgress{Done: 5})
	if err != nil || seen.Status != storage.ExecutionPaused || seen.Progress.Done != 5 {
		t.Errorf("its engine saw %+v, %v", seen, err)
	}
	if claimed := claim(t, store, "b", time.Hour); claimed != nil {
		t.Errorf("a paused run was claimed: %+v", claimed)
	}
	if _, err := store.CommandExecution(t.Context(), workspace.Key, key, storage.ExecutionQueued); err != nil {
		t.Fatal(err)
	}
	if resumed := claim(t, store, "b", time.Hour); resumed == nil || resumed.Epoch != 2 {
		t.Errorf("a resumed run gave %+v", resumed)
	}
}

func runThatIsOverStaysSo(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	key := queued(t, store, user, workspace)
	lease := claim(t, store, "a", time.Hour)
	if err := store.EndExecution(t.Context(), lease, storage.ExecutionSucceeded, nil, storage.ExecutionProgress{Done: 100}); err != nil {
		t.Fatal(err)
	}
	for _, status := range []storage.ExecutionStatus{storage.ExecutionQueued, storage.ExecutionPaused, storage.ExecutionCancelled} {
		_, err := store.CommandExecution(t.Context(), workspace.Key, key, status)
		wantCode(t, err, storage.CodeConflict, "the command")
	}
	states, err := store.ExecutionStates(t.Context(), []string{key})
	if err != nil || states[key].Status != storage.ExecutionSucceeded || states[key].FinishedAt == nil {
		t.Errorf("%+v, %v", states[key], err)
	}
}

func runOfARemovedMemberIsPaused(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	bob, _ := ensure(t, store, "bob")
	team, err := store.CreateWorkspace(t.Context(), alice.Key, "team", fileOf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.AddMember(t.Context(), alice.Key, team.Key, "bob", storage.MemberEditor); err != nil {
		t.Fatal(err)
	}
	running, waiting := queued(t, store, bob, team), queued(t, store, bob, team)
	lease := claim(t, store, "a", time.Hour)
	if _, err := store.SetMemberRole(t.Context(), alice.Key, team.Key, "bob", storage.MemberViewer); err != nil {
		t.Fatal(err)
	}
	state, err := store.RenewLease(t.Context(), lease, time.Hour, storage.ExecutionProgress{})
	if err != nil || state.Key != running || state.Status != storage.ExecutionPaused || *state.Reason != storage.ReasonForbidden {
		t.Errorf("the run of a viewer is %+v, %v", state, err)
	}
	if claimed := claim(t, store, "b", time.Hour); claimed != nil {
		t.Errorf("a viewer's run was claimed: %+v (%s waits)", claimed, waiting)
	}
}

func runOfAnotherWorkspaceIsNotFound(t *testing.T, store storage.AppStore) {
	alice, hers := ensure(t, store, "alice")
	_, his := ensure(t, store, "bob")
	key := queued(t, store, alice, hers)
	_, err := store.CommandExecution(t.Context(), his.Key, key, storage.ExecutionCancelled)
	wantCode(t, err, storage.CodeNotFound, "the command")
	_, missing := store.CommandExecution(t.Context(), his.Key, uuid.NewString(), storage.ExecutionCancelled)
	if err.Error() != missing.Error() {
		t.Errorf("another's run says %q, none says %q", err, missing)
	}
	if status := statusOf(t, store, key); status != storage.ExecutionQueued {
		t.Errorf("the run is %s", status)
	}
}

func liveRunsAreThoseThatAreNotOver(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	ended, waiting := queued(t, store, user, workspace), queued(t, store, user, workspace)
	if _, err := store.CommandExecution(t.Context(), workspace.Key, ended, storage.ExecutionCancelled); err != nil {
		t.Fatal(err)
	}
	live, err := store.LiveExecutions(t.Context(), workspace.Key)
	if err != nil || len(live) != 1 || live[0].Key != waiting {
		t.Errorf("live are %v, %v", live, err)
	}
}

func endedRunKeepsWhoWasFaster(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	key := queued(t, store, user, workspace)
	lease := claim(t, store, "a", time.Hour)
	if _, err := store.CommandExecution(t.Context(), workspace.Key, key, storage.ExecutionCancelled); err != nil {
		t.Fatal(err)
	}
	wantCode(t, store.EndExecution(t.Context(), lease, storage.ExecutionSucceeded, nil, storage.ExecutionProgress{}), storage.CodeConflict, "the command")
	if status := statusOf(t, store, key); status != storage.ExecutionCancelled {
		t.Errorf("the run is %s", status)
	}
}

// noCommandReachesAnIllegalState gives random commands of people and engines, whose leases
// are lost at random, and checks each step against the table of transitions.
func noCommandReachesAnIllegalState(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	rapid.Check(t, func(r *rapid.T) {
		key := queued(t, store, user, workspace)
		held := map[string]*storage.Lease{}
		before, epoch := storage.ExecutionQueued, int64(0)
		for i := range rapid.IntRange(1, 25).Draw(r, "steps") {
			engine := rapid.SampledFrom([]string{"a", "b"}).Draw(r, fmt.Sprintf("engine %d", i))
			step := rapid.SampledFrom([]string{"claim", "claim and stall", "renew", "release", "succeed", "fail", "pause itself", "pause", "resume", "cancel"}).Draw(r, fmt.Sprintf("step %d", i))
			var err error
			lease := held[engine]
			switch step {
			case "claim", "claim and stall":
				duration := time.Hour
				if step != "claim" {
					duration = -time.Second
				}
				var claimed *storage.Lease
				if claimed, err = store.ClaimExecution(t.Context(), engine, duration); claimed != nil {
					if claimed.Execution.Key != key || claimed.Epoch != epoch+1 {
						r.Fatalf("claimed %+v after epoch %d of %s", claimed, epoch, key)
					}
					held[engine], epoch = claimed, claimed.Epoch
				}
			case "pause", "resume", "cancel":
				to := map[string]storage.ExecutionStatus{"pause": storage.ExecutionPaused, "resume": storage.ExecutionQueued, "cancel": storage.ExecutionCancelled}[step]
				_, err = store.CommandExecution(t.Context(), workspace.Key, key, to)
				if legal := before.To(to) == nil; legal != (err == nil) {
					r.Fatalf("%s of a run that is %s: %v", step, before, err)
				}
			default:
				if lease == nil {
					continue
				}
				switch step {
				case "renew":
					_, err = store.RenewLease(t.Context(), lease, time.Hour, storage.ExecutionProgress{})
				case "release":
					err = store.ReleaseLease(t.Context(), lease, storage.ExecutionProgress{})
				default:
					to := map[string]storage.ExecutionStatus{"succeed": storage.ExecutionSucceeded, "fail": storage.ExecutionFailed, "pause itself": storage.ExecutionPaused}[step]
					err = store.EndExecution(t.Context(), lease, to, nil, storage.ExecutionProgress{})
				}
				if lease.Epoch < epoch && err == nil {
					r.Fatalf("%s wrote under epoch %d after %d", step, lease.Epoch, epoch)
				}
			}
			if err != nil && storage.CodeOf(err) != storage.CodeConflict {
				r.Fatalf("%s: %v", step, err)
			}
			now := statusOf(t, store, key)
			if now != before && before.To(now) != nil {
				r.Fatalf("%s led from %s to %s", step, before, now)
			}
			before = now
		}
		// The next run must be the only one that can be claimed.
		if _, err := store.CommandExecution(t.Context(), workspace.Key, key, storage.ExecutionCancelled); err != nil && !strings.Contains(err.Error(), "cannot become") {
			r.Fatal(err)
		}
	})
}

func runWaitsForItsPlan(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	add := func(after time.Duration) string {
		state := &storage.ExecutionState{Key: uuid.Must(uuid.NewV7()).String(), WorkspaceKey: workspace.Key, UserKey: user.Key}
		if err := store.QueueExecution(t.Context(), state, after); err != nil {
			t.Fatal(err)
		}
		return state.Key
	}
	waiting := add(time.Hour)
	if claimed := claim(t, store, "a", time.Hour); claimed != nil {
		t.Errorf("claimed a run without a plan: %+v", claimed)
	}
	if live, err := store.LiveExecutions(t.Context(), workspace.Key); err != nil || len(live) != 0 {
		t.Errorf("a run without a plan is live: %v, %v", live, err)
	}
	if err := store.ReadyExecution(t.Context(), waiting); err != nil {
		t.Fatal(err)
	}
	if claimed := claim(t, store, "a", time.Hour); claimed == nil || claimed.Execution.Key != waiting {
		t.Errorf("claimed %+v", claimed)
	}
	forgotten := add(-time.Second)
	if claimed := claim(t, store, "a", time.Hour); claimed == nil || claimed.Execution.Key != forgotten {
		t.Errorf("nobody claims a run whose plan does not come: %+v", claimed)
	}
	if err := store.DropExecution(t.Context(), forgotten); err != nil {
		t.Fatal(err)
	}
	if states, err := store.ExecutionStates(t.Context(), []string{forgotten}); err != nil || len(states) != 0 {
		t.Errorf("it is still there: %v, %v", states, err)
	}
}

func decisionIsToldOnce(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	key := queued(t, store, user, workspace)
	untold := func() []storage.ExecutionStatus {
		t.Helper()
		found, err := store.UntoldExecutions(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		var all []storage.ExecutionStatus
		for _, state := range found {
			all = append(all, state.Status)
		}
		return all
	}
	if got := untold(); len(got) != 0 {
		t.Errorf("untold %v", got)
	}
	if _, err := store.CommandExecution(t.Context(), workspace.Key, key, storage.ExecutionPaused); err != nil {
		t.Fatal(err)
	}
	if same, err := store.ToldExecution(t.Context(), key, storage.ExecutionQueued); err != nil || same {
		t.Errorf("told a state that is not: %v, %v", same, err)
	}
	if got := untold(); !slices.Equal(got, []storage.ExecutionStatus{storage.ExecutionPaused}) {
		t.Errorf("untold %v", got)
	}
	if same, err := store.ToldExecution(t.Context(), key, storage.ExecutionPaused); err != nil || !same {
		t.Errorf("%v, %v", same, err)
	}
	if got := untold(); len(got) != 0 {
		t.Errorf("untold %v", got)
	}
}

func leasesOfTheDeadExpireAtOnce(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	key := queued(t, store, user, workspace)
	claim(t, store, "dead", time.Hour)
	if err := store.ExpireLeases(t.Context()); err != nil {
		t.Fatal(err)
	}
	if claimed := claim(t, store, "a", time.Hour); claimed == nil || claimed.Execution.Key != key || claimed.Epoch != 2 {
		t.Errorf("claimed %+v", claimed)
	}
}
