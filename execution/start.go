package execution

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/storage"
)

// Starter queues runs and commands them, for whoever may.
type Starter struct {
	App    storage.Executions
	Things *configured.Things
	Events events.Waker
	// Wake lets an engine of this process look for runs; nil leaves it to its timer.
	Wake func()
	// Count counts a run that the user of ctx is about to start; CodeRateLimited when it
	// may not be started. nil counts nothing.
	Count func(ctx context.Context) error
}

// By is who starts a run, and in which workspace.
type By struct{ WorkspaceKey, UserKey, Username string }

// Start queues a run of an orchestrator and returns its key. Errors are NewPlan's and
// Count's.
func (s *Starter) Start(ctx context.Context, store storage.UserStore, by By, orchestratorKey string, name *string) (string, error) {
	plan, items, err := NewPlan(ctx, s.Things, store, orchestratorKey)
	if err != nil {
		return "", err
	}
	return s.queue(ctx, store, by, plan, items, name, nil)
}

// Retry queues a run of the items of another one that ended in an error. CodeConflict for
// one without any, and for one that is not over.
func (s *Starter) Retry(ctx context.Context, store storage.UserStore, by By, key string) (string, error) {
	stored, plan, err := s.planOf(ctx, store, key)
	if err != nil {
		return "", err
	}
	states, err := s.App.ExecutionStates(ctx, []string{key})
	if err != nil {
		return "", err
	}
	if state := states[key]; state != nil && !state.Status.Over() {
		return "", storage.Errorf(storage.CodeConflict, "the run is %s: wait for its end, or cancel it", state.Status)
	}
	failed, err := store.FailedItems(ctx, key)
	if err != nil {
		return "", err
	}
	if len(failed) == 0 {
		return "", storage.Errorf(storage.CodeConflict, "no item of the run ended in an error")
	}
	if plan.Orchestrator.Type == orchestrator.Scoring {
		plan.Attacks, plan.scored = int64(len(failed)), &storage.ScoredAttacks{Again: &key, Items: failed}
		return s.queue(ctx, store, by, plan, plan.Attacks, &stored.Name, &key)
	}
	for i, item := range failed {
		failed[i] = plan.index(item)
	}
	slices.Sort(failed)
	plan.Only = failed
	return s.queue(ctx, store, by, plan, int64(len(failed)), &stored.Name, &key)
}

// Repeat queues a run with the plan of another one, its seed included.
func (s *Starter) Repeat(ctx context.Context, store storage.UserStore, by By, key string, name *string) (string, error) {
	stored, plan, err := s.planOf(ctx, store, key)
	if err != nil {
		return "", err
	}
	if name == nil {
		name = &stored.Name
	}
	if plan.Orchestrator.Type == orchestrator.Scoring {
		plan.scored = &storage.ScoredAttacks{Again: &key}
	}
	return s.queue(ctx, store, by, plan, stored.Items, name, nil)
}

func (s *Starter) planOf(ctx context.Context, store storage.UserStore, key string) (*storage.ExecutionPlan, *Plan, error) {
	stored, err := store.ExecutionPlan(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	plan, err := ReadPlan(stored.Configuration)
	return stored, plan, err
}

// planPatience is how long a run waits for its plan, before an engine that claims it and
// finds none forgets it.
const planPatience = time.Minute

// queue stores a run's state, which no engine claims yet, and then its plan: what fails in
// between leaves nothing that anybody sees.
func (s *Starter) queue(ctx context.Context, store storage.UserStore, by By, plan *Plan, items int64, name, retryOf *string) (string, error) {
	o := plan.Orchestrator
	if err := runs(o.Type); err != nil {
		return "", err
	}
	if items == 0 {
		return "", storage.Errorf(storage.CodeConflict, "the run would have no item: its dataset is empty, or its filter holds for no attack")
	}
	configuration, err := plan.JSON()
	if err != nil {
		return "", err
	}
	key := uuid.Must(uuid.NewV7()).String()
	now := time.Now().UTC().Truncate(time.Microsecond)
	stored := &storage.ExecutionPlan{
		Key: key, Name: o.Name, Orchestrator: o.Type, OrchestratorKey: &o.Key, Configuration: configuration, Items: items,
		StartedBy: by.Username, RetryOf: retryOf, QueuedAt: now, Scores: plan.scored,
	}
	if name != nil {
		if stored.Name, err = configured.CheckName(*name); err != nil {
			return "", err
		}
	}
	if o.DatasetKey != nil {
		stored.Version = &storage.VersionKey{Dataset: *o.DatasetKey, Number: *o.DatasetVersion}
	}
	if s.Count != nil {
		if err := s.Count(ctx); err != nil {
			return "", err
		}
	}
	err = s.App.QueueExecution(ctx, &storage.ExecutionState{
		Key: key, WorkspaceKey: by.WorkspaceKey, UserKey: by.UserKey, RetryOf: retryOf, Progress: storage.ExecutionProgress{Total: items},
	}, planPatience)
	if err != nil {
		return "", err
	}
	after := context.WithoutCancel(ctx)
	if err := store.AddExecution(ctx, stored); err != nil {
		if errors.Is(err, storage.ErrCommit) {
			return "", err // it may be there: whichever engine claims it will see
		}
		return "", errors.Join(err, s.App.DropExecution(after, key))
	}
	// Without this it is claimed a little later.
	_ = s.App.ReadyExecution(after, key)
	s.Events.Wake(events.Executions(by.WorkspaceKey))
	s.wake()
	return key, nil
}

// ErrUntold is in the chain of an error after which a command was given, and the workspace's
// store does not know it yet: an engine tells it.
var ErrUntold = errors.New("the command was given, and is noted later")

// Command pauses (PAUSED), resumes (QUEUED) or cancels (CANCELLED) a run, which may be so
// already. CodeNotFound for none, CodeConflict for a state that may not follow.
func (s *Starter) Command(ctx context.Context, store storage.UserStore, workspaceKey, key string, status storage.ExecutionStatus) error {
	return s.given(ctx, workspaceKey, key, status, func(decide decision) error {
		return store.DecideExecutionStatus(ctx, key, time.Now(), decide)
	})
}

// Resume lets a run go on under another budget, of which is used up what it took. Errors
// are Command's, and CodeBadInput for a budget that cannot be.
func (s *Starter) Resume(ctx context.Context, store storage.UserStore, workspaceKey, key string, budget storage.Budget) error {
	_, plan, err := s.planOf(ctx, store, key)
	if err != nil {
		return err
	}
	if err := configured.CheckBudget(&budget); err != nil {
		return err
	}
	plan.Orchestrator.Budget = budget
	configuration, err := plan.JSON()
	if err != nil {
		return err
	}
	return s.given(ctx, workspaceKey, key, storage.ExecutionQueued, func(decide decision) error {
		return store.ChangeExecutionPlan(ctx, key, configuration, time.Now(), decide)
	})
}

// decision is what the app store comes to when it is another store's turn to write.
type decision = func(ctx context.Context) (storage.StatusEvent, error)

// given commands a run in the turn of its store, and wakes whom that concerns.
func (s *Starter) given(ctx context.Context, workspaceKey, key string, status storage.ExecutionStatus, inTurn func(decide decision) error) error {
	var state *storage.ExecutionState
	err := inTurn(func(ctx context.Context) (storage.StatusEvent, error) {
		given, err := s.command(ctx, workspaceKey, key, status)
		if err != nil {
			return storage.StatusEvent{}, err
		}
		state = given
		return storage.StatusEvent{Status: given.Status, Reason: given.Reason}, nil
	})
	if state == nil {
		return err
	}
	s.Events.Wake(events.Command(key))
	s.Events.Wake(events.Execution(key))
	s.Events.Wake(events.Executions(workspaceKey))
	s.wake()
	if err == nil {
		_, err = s.App.ToldExecution(context.WithoutCancel(ctx), key, state.Status)
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrUntold, err)
	}
	return err
}

func (s *Starter) command(ctx context.Context, workspaceKey, key string, status storage.ExecutionStatus) (*storage.ExecutionState, error) {
	state, err := s.App.CommandExecution(ctx, workspaceKey, key, status)
	if storage.CodeOf(err) != storage.CodeConflict {
		return state, err
	}
	states, failed := s.App.ExecutionStates(ctx, []string{key})
	if failed == nil && states[key] != nil && states[key].Status == status {
		return states[key], nil // it was sent twice
	}
	return nil, err
}

func (s *Starter) wake() {
	if s.Wake != nil {
		s.Wake()
	}
}

// tell notes in the workspace's store how the app store says that a run stands.
func tell(ctx context.Context, app storage.Executions, store storage.UserStore, key string) error {
	told, decide := nowOf(app, key, storage.StatusEvent{})
	if err := store.DecideExecutionStatus(ctx, key, time.Now(), decide); err != nil {
		return err
	}
	_, err := app.ToldExecution(ctx, key, *told)
	return err
}

// nowOf is how a run stands when it is its store's turn to write: what was to be told, or
// what somebody decided meanwhile. So no state is noted after the one that followed it.
func nowOf(app storage.Executions, key string, event storage.StatusEvent) (*storage.ExecutionStatus, func(ctx context.Context) (storage.StatusEvent, error)) {
	told := new(storage.ExecutionStatus)
	return told, func(ctx context.Context) (storage.StatusEvent, error) {
		states, err := app.ExecutionStates(ctx, []string{key})
		if err != nil {
			return event, err
		}
		state := states[key]
		if state == nil {
			return event, storage.Errorf(storage.CodeConflict, "the run is not there any more")
		}
		*told = state.Status
		if state.Status != event.Status {
			event = storage.StatusEvent{Status: state.Status, Reason: state.Reason}
		}
		return event, nil
	}
}
