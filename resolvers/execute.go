package resolvers

import (
	"context"
	"errors"
	"time"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// executions is the noun of inStore, which uses no table of it.
var executions = noun{name: "Execution", action: "execution.", kind: storage.KindExecution}

func (r *Resolver) startExecution(ctx context.Context, input graph.StartExecutionInput) (*schema.ExecutionPayload, error) {
	return r.queueExecution(ctx, orchestrators, change{
		field: "startExecution", id: input.ClientMutationID, input: input, action: executions.action + "start",
	}, "orchestrator", input.Orchestrator, func(ctx context.Context, store storage.UserStore, by execution.By, key string) (string, error) {
		return r.starter.Start(ctx, store, by, key, input.Name)
	})
}

func (r *Resolver) retryExecution(ctx context.Context, input graph.RetryExecutionInput) (*schema.ExecutionPayload, error) {
	return r.queueExecution(ctx, executions, change{
		field: "retryExecution", id: input.ClientMutationID, input: input, action: executions.action + "retry",
	}, "id", input.ID, r.starter.Retry)
}

func (r *Resolver) repeatExecution(ctx context.Context, input graph.RepeatExecutionInput) (*schema.ExecutionPayload, error) {
	return r.queueExecution(ctx, executions, change{
		field: "repeatExecution", id: input.ClientMutationID, input: input, action: executions.action + "repeat",
	}, "id", input.ID, func(ctx context.Context, store storage.UserStore, by execution.By, key string) (string, error) {
		return r.starter.Repeat(ctx, store, by, key, input.Name)
	})
}

// queueExecution makes a run of the thing with that id.
func (r *Resolver) queueExecution(ctx context.Context, of noun, c change, argument, id string, queue func(ctx context.Context, store storage.UserStore, by execution.By, key string) (string, error)) (*schema.ExecutionPayload, error) {
	return r.changeExecution(ctx, r.inStoreOf(of, c, argument, id, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		by, err := startedBy(ctx, set)
		if err != nil {
			return "", err
		}
		made, err := queue(ctx, set.Store, by, key)
		return made, inConflict(argument, err)
	}))
}

func (r *Resolver) pauseExecution(ctx context.Context, input graph.PauseExecutionInput) (*schema.ExecutionPayload, error) {
	return r.commandExecution(ctx, change{field: "pauseExecution", id: input.ClientMutationID, input: input, action: executions.action + "pause"}, input.ID, storage.ExecutionPaused)
}

func (r *Resolver) resumeExecution(ctx context.Context, input graph.ResumeExecutionInput) (*schema.ExecutionPayload, error) {
	c := change{field: "resumeExecution", id: input.ClientMutationID, input: input, action: executions.action + "resume"}
	if input.Budget == nil {
		return r.commandExecution(ctx, c, input.ID, storage.ExecutionQueued)
	}
	c.fields = []string{"budget"}
	return r.steerExecution(ctx, c, input.ID, func(ctx context.Context, set *loaders.Set, key string) error {
		return r.starter.Resume(ctx, set.Store, set.Store.Owner(), key, *input.Budget)
	})
}

func (r *Resolver) cancelExecution(ctx context.Context, input graph.CancelExecutionInput) (*schema.ExecutionPayload, error) {
	return r.commandExecution(ctx, change{field: "cancelExecution", id: input.ClientMutationID, input: input, action: executions.action + "cancel"}, input.ID, storage.ExecutionCancelled)
}

func (r *Resolver) commandExecution(ctx context.Context, c change, id string, status storage.ExecutionStatus) (*schema.ExecutionPayload, error) {
	return r.steerExecution(ctx, c, id, func(ctx context.Context, set *loaders.Set, key string) error {
		return r.starter.Command(ctx, set.Store, set.Store.Owner(), key, status)
	})
}

func (r *Resolver) steerExecution(ctx context.Context, c change, id string, steer func(ctx context.Context, set *loaders.Set, key string) error) (*schema.ExecutionPayload, error) {
	return r.changeExecution(ctx, r.inStore(executions, c, id, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		err := steer(ctx, set, key)
		if errors.Is(err, execution.ErrUntold) {
			err = partly{err}
		}
		return key, inConflict("id", err)
	}))
}

// inConflict names the argument that a state is in the way of.
func inConflict(argument string, err error) error {
	if e := mendable(err); e != nil && e.Code == storage.CodeConflict && len(e.Field) == 0 {
		return &storage.Error{Code: e.Code, Field: argument, Message: e.Message}
	}
	return err
}

// changeExecution makes a change and reads the run.
func (r *Resolver) changeExecution(ctx context.Context, c change) (*schema.ExecutionPayload, error) {
	done, workspace, err := r.changeConfigured(ctx, c)
	answer := &schema.ExecutionPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Execution, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.Execution] { return set.Execution })
	}
	return answer, err
}

func startedBy(ctx context.Context, set *loaders.Set) (execution.By, error) {
	user, err := directives.User(ctx)
	if err != nil {
		return execution.By{}, err
	}
	return execution.By{WorkspaceKey: set.Store.Owner(), UserKey: user.Key, Username: user.Username}, nil
}

// nativeState is how a native run stands by the app store, nil for an import.
func nativeState(ctx context.Context, e *storage.Execution) (*storage.ExecutionState, error) {
	if e.Origin != storage.OriginNative {
		return nil, nil
	}
	return directives.App(ctx).Execution.Load(ctx, e.Key)
}

func progressOf(ctx context.Context, e *storage.Execution) (*schema.ExecutionProgress, error) {
	if e.Origin != storage.OriginNative {
		return nil, nil
	}
	set, err := directives.In(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	tally, err := set.ExecutionTally.Load(ctx, e.Key)
	if err != nil {
		return nil, err
	}
	return schema.ProgressOf(e, tally, time.Now()), nil
}

// eventsOf is a page of a run's events as a subscription would tell them.
func eventsOf(ctx context.Context, e *storage.Execution, kinds []storage.ExecutionEventKind, first *int, after *string, last *int, before *string) (*schema.ExecutionEventConnection, error) {
	filter := &storage.ExecutionEventFilter{Kind: kinds}
	page, err := pageOf(ctx, e.ID, e.Key, filter, first, after, last, before, func(set *loaders.Set) *loaders.Pages[string, storage.ExecutionEventFilter, storage.ExecutionEvent] {
		return set.EventsOfExecution
	})
	if err != nil {
		return nil, err
	}
	id, _ := storage.ParseID(e.ID)
	told := &schema.ExecutionEventConnection{PageInfo: page.PageInfo, Count: page.Count}
	for _, edge := range page.Edges {
		frame, err := execution.FrameOf(edge.Node)
		if err != nil {
			return nil, err
		}
		event := eventOf(frame, id, &schema.Speed{})
		event.CreatedAt = &edge.Node.CreatedAt
		told.Edges = append(told.Edges, &schema.ExecutionEventRow{Cursor: edge.Cursor, Node: event})
	}
	return told, nil
}
