package resolvers

import (
	"context"
	"errors"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

const (
	// askAgain is how often a stream asks whether its viewer may still see it.
	askAgain = 5 * time.Second
	// stateEvery is how often the runs of a workspace are told of at most.
	stateEvery = 250 * time.Millisecond
)

func (r *Resolver) executionEvents(ctx context.Context, id string, after *string) (<-chan *schema.ExecutionEvent, error) {
	scope, parsed, err := directives.ReadingThing(ctx, "executionId", id, storage.KindExecution)
	if err != nil {
		return nil, err
	}
	seq, err := seqOf(after, parsed.Key)
	if err != nil {
		return nil, err
	}
	follower, err := r.tails.Follow(ctx, scope.Workspace.Key, parsed.Key, seq, wanted(ctx))
	if err != nil {
		return nil, err
	}
	var speed schema.Speed
	return stream(ctx, r, scope, follower.Leave, func(ctx context.Context) (*schema.ExecutionEvent, error) {
		frame, err := follower.Next(ctx)
		if err != nil {
			return nil, err
		}
		return eventOf(frame, parsed, &speed), nil
	})
}

// seqOf reads a cursor of a run's events; the empty one stands before all of them.
func seqOf(after *string, execution string) (*int64, error) {
	if after == nil {
		return nil, nil
	}
	if *after == "" {
		return new(int64), nil
	}
	cursor, err := storage.ParseCursor("after", *after, "events/"+execution)
	if err != nil {
		return nil, err
	}
	seq, err := strconv.ParseInt(cursor.Number, 10, 64)
	if err != nil {
		return nil, storage.BadInput("after", "this is no cursor of the execution: pass one that it gave, or none")
	}
	return &seq, nil
}

// wanted is what of a run's events the operation selects.
func wanted(ctx context.Context) execution.Wanted {
	var want execution.Wanted
	for _, field := range graphql.CollectFieldsCtx(ctx, nil) {
		switch field.Name {
		case "items":
			want.Items = true
		case "log":
			want.Lines = true
		}
	}
	return want
}

func eventOf(frame *execution.Frame, id storage.ID, speed *schema.Speed) *schema.ExecutionEvent {
	event := &schema.ExecutionEvent{
		Cursor:   storage.Cursor{List: "events/" + id.Key, Number: strconv.FormatInt(frame.Cursor, 10)}.String(),
		Snapshot: frame.Snapshot, Items: make([]*schema.ExecutionItemDone, len(frame.Items)), Log: frame.Lines,
	}
	if event.Log == nil {
		event.Log = []storage.LogLine{}
	}
	if s := frame.Status; s != nil {
		event.Status, event.Reason, event.Completed = &s.Status, s.Reason, s.Status.Over()
		if s.Error != "" {
			event.Message = &s.Error
		}
	}
	if frame.Progress != nil {
		event.Progress = speed.Of(*frame.Progress, time.Now())
	}
	for i, item := range frame.Items {
		event.Items[i] = &schema.ExecutionItemDone{ItemDone: item}
		if item.Attack != nil {
			attack := storage.ID{Kind: storage.KindAttack, Store: id.Store, Key: storage.NumberKey(*item.Attack)}.String()
			event.Items[i].AttackID = &attack
		}
	}
	return event
}

func (r *Resolver) workspaceExecutions(ctx context.Context, workspace *string) (<-chan []*schema.ExecutionState, error) {
	scope, err := directives.ReadingWorkspace(ctx, workspace)
	if err != nil {
		return nil, err
	}
	set, err := scope.Open(ctx)
	if err != nil {
		return nil, err
	}
	w := &watched{resolver: r, workspace: scope.Workspace.Key, store: set.Store.Key(), told: map[string]storage.ExecutionState{}, speeds: map[string]*schema.Speed{}}
	return stream(ctx, r, scope, func() error { return nil }, w.next)
}

// watched are the runs of a workspace as a stream told of them last.
type watched struct {
	resolver  *Resolver
	workspace string
	store     string // for ids
	begun     bool
	told      map[string]storage.ExecutionState // those that were not over
	speeds    map[string]*schema.Speed
}

// next waits until the runs are not as they were told.
func (w *watched) next(ctx context.Context) ([]*schema.ExecutionState, error) {
	for {
		news := w.resolver.tails.Events.Follow(events.Executions(w.workspace))
		changed, err := w.changed(ctx)
		if err != nil || len(changed) > 0 || !w.begun {
			w.begun = true
			return changed, err
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case <-time.After(stateEvery):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (w *watched) changed(ctx context.Context) ([]*schema.ExecutionState, error) {
	live, err := w.resolver.app.LiveExecutions(ctx, w.workspace)
	if err != nil {
		return nil, err
	}
	now := make(map[string]bool, len(live))
	changed := []*schema.ExecutionState{}
	for _, state := range live {
		now[state.Key] = true
		if told, known := w.told[state.Key]; !known || told.Status != state.Status || told.Progress != state.Progress {
			changed = append(changed, w.tell(state))
		}
	}
	var over []string
	for key := range w.told {
		if !now[key] {
			over = append(over, key)
		}
	}
	ended, err := w.resolver.app.ExecutionStates(ctx, over)
	for _, state := range ended {
		changed = append(changed, w.tell(state))
	}
	return changed, err
}

func (w *watched) tell(state *storage.ExecutionState) *schema.ExecutionState {
	if w.speeds[state.Key] == nil {
		w.speeds[state.Key] = &schema.Speed{}
	}
	made := &schema.ExecutionState{
		ExecutionState: state, ExecutionID: storage.ID{Kind: storage.KindExecution, Store: w.store, Key: state.Key}.String(),
		Progress: w.speeds[state.Key].Of(state.Progress, time.Now()),
	}
	w.told[state.Key] = *state
	if state.Status.Over() {
		delete(w.told, state.Key)
		delete(w.speeds, state.Key)
	}
	return made
}

// stream sends what next gives until it ends, the connection does, or the viewer may not
// see the workspace any more.
func stream[T any](ctx context.Context, r *Resolver, scope *directives.Scope, leave func() error, next func(ctx context.Context) (T, error)) (<-chan T, error) {
	user, err := directives.User(ctx)
	if err != nil {
		return nil, errors.Join(err, leave())
	}
	viewer := auth.ViewerFrom(ctx)
	out := make(chan T)
	ctx, stop := context.WithCancelCause(ctx)
	go func() {
		asking := time.NewTicker(askAgain)
		defer asking.Stop()
		for {
			select {
			case <-asking.C:
				if err := r.mayStillSee(ctx, viewer, user.Key, scope.Workspace.Key); err != nil {
					stop(err)
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		defer close(out)
		defer func() { _ = leave() }()
		defer stop(nil)
		for {
			value, err := next(ctx)
			if err != nil {
				endStream(ctx, err)
				return
			}
			select {
			case out <- value:
			case <-ctx.Done():
				endStream(ctx, ctx.Err())
				return
			}
		}
	}()
	return out, nil
}

// mayStillSee asks the app store for the membership, and the clock for the credential.
func (r *Resolver) mayStillSee(ctx context.Context, viewer *auth.Viewer, userKey, workspaceKey string) error {
	if !viewer.ExpiresAt.IsZero() && time.Now().After(viewer.ExpiresAt) {
		return storage.Errorf(storage.CodeUnauthenticated, "the credential has expired: sign in again, and go on behind the last cursor")
	}
	_, err := r.app.WorkspaceByKey(ctx, userKey, workspaceKey)
	return err
}

// ending is why a stream ended, told after its last value.
type ending struct {
	mu  sync.Mutex
	err error
}

type endingKey struct{}

// endStream notes why a stream ends before its end.
func endStream(ctx context.Context, err error) {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
		return
	}
	if end, ok := ctx.Value(endingKey{}).(*ending); ok {
		end.mu.Lock()
		end.err = err
		end.mu.Unlock()
	}
}

// take returns the error once.
func (e *ending) take() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	err := e.err
	e.err = nil
	return err
}
