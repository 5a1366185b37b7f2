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
	stored, err := store.ExecutionPlan(ctx, key)
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
	plan, err := ReadPlan(stored.Configuration)
	if err != nil {
		return "", err
	}
	failed, err := store.FailedItems(ctx, key)
	if err != nil {
		return "", err
	}
	if len(failed) == 0 {
		return "", storage.Errorf(storage.CodeConflict, "no item of the run ended in an error")
	}
	for i, item := range failed {
		_, _, failed[i] = plan.place(item) // in the numbers of the first run
	}
	slices.Sort(failed)
	plan.Only = failed
	return s.queue(ctx, store, by, plan, int64(len(failed)), &stored.Name, &key)
}

// queue stores a plan, and then queues it: what fails in between leaves a plan that has
// failed, and never a run without one.
func (s *Starter) queue(ctx context.Context, store storage.UserStore, by By, plan *Plan, items int64, name, retryOf *string) (string, error) {
	o := plan.Orchestrator
	if classes[o.Type] == "" {
		return "", storage.Errorf(storage.CodeConflict, "orchestrators of the type %s are not run by the engine yet", o.Type)
	}
	if items == 0 {
		return "", storage.Errorf(storage.CodeConflict, "the run would have no item: its dataset is empty")
	}
	if s.Count != nil {
		if err := s.Count(ctx); err != nil {
			return "", err
		}
	}
	configuration, err := plan.JSON()
	if err != nil {
		return "", err
	}
	key := uuid.Must(uuid.NewV7()).String()
	now := time.Now().UTC().Truncate(time.Microsecond)
	stored := &storage.ExecutionPlan{
		Key: key, Name: o.Name, Orchestrator: o.Type, OrchestratorKey: &o.Key, Configuration: configuration, Items: items,
		StartedBy: by.Username, RetryOf: retryOf, QueuedAt: now,
	}
	if name != nil {
		stored.Name = *name
	}
	if o.DatasetKey != nil {
		version := storage.VersionKey{Dataset: *o.DatasetKey, Number: *o.DatasetVersion}
		if err := store.UseDatasetVersion(ctx, version, "execution "+key, now); err != nil {
			return "", err
		}
	}
	if err := store.AddExecution(ctx, stored); err != nil {
		return "", err
	}
	err = s.App.QueueExecution(ctx, &storage.ExecutionState{
		Key: key, WorkspaceKey: by.WorkspaceKey, UserKey: by.UserKey, RetryOf: retryOf, Progress: storage.ExecutionProgress{Total: items},
	})
	if err != nil {
		event := storage.StatusEvent{Status: storage.ExecutionFailed, Error: "it could not be queued: start it again"}
		return "", errors.Join(fmt.Errorf("queue a run: %w", err), store.SetExecutionStatus(context.WithoutCancel(ctx), key, event, now))
	}
	s.Events.Wake(events.Executions(by.WorkspaceKey))
	s.wake()
	return key, nil
}

// Command pauses (PAUSED), resumes (QUEUED) or cancels (CANCELLED) a run. CodeNotFound for
// none, CodeConflict for a state that may not follow.
func (s *Starter) Command(ctx context.Context, store storage.UserStore, workspaceKey, key string, status storage.ExecutionStatus) error {
	state, err := s.App.CommandExecution(ctx, workspaceKey, key, status)
	if err != nil {
		return err
	}
	// The app store has decided; whatever ends this now, the engine notes it too.
	err = store.SetExecutionStatus(context.WithoutCancel(ctx), key, storage.StatusEvent{Status: state.Status, Reason: state.Reason}, time.Now())
	s.Events.Wake(events.Command(key))
	s.Events.Wake(events.Execution(key))
	s.Events.Wake(events.Executions(workspaceKey))
	s.wake()
	return err
}

func (s *Starter) wake() {
	if s.Wake != nil {
		s.Wake()
	}
}
