// Package execution runs attacks. An Engine claims runs from the app store under leases,
// works on their items, and records results in the workspace's store in transactions that
// an engine with a later claim refuses. What is recorded is the checkpoint: after a crash
// any engine goes on with the items that have no result.
package execution

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/storage"
)

// Work is what a run does, ready to be done.
type Work interface {
	// Do works on one item, and may be called for many items at the same time. An error
	// ends the run: a *Stop says how, the context's is no result. What went wrong with the
	// item alone is a result with OutcomeError.
	Do(ctx context.Context, item int64) (*storage.ItemResult, error)
	// Resume tells, before the first item, what earlier engines did and took.
	Resume(progress storage.ExecutionProgress)
	// Concurrency is how many items the run works on at once.
	Concurrency() int
	Close() error
}

// Stop ends or pauses a run from within.
type Stop struct {
	Reason  storage.ExecutionReason
	Message string // for people
}

func (s *Stop) Error() string { return string(s.Reason) + ": " + s.Message }

// Engine works on runs. Fields are set before Run and not changed.
type Engine struct {
	Name string // unique among the engines of an app store
	App  storage.Executions
	// Store opens the store of a workspace, which the engine closes.
	Store func(ctx context.Context, workspaceKey string) (storage.UserStore, error)
	// Prepare makes a run ready. An error is a bad plan: it ends the run.
	Prepare func(ctx context.Context, store storage.UserStore, plan *storage.ExecutionPlan) (Work, error)
	Guard   func() storage.Guard
	Events  events.Waker
	Log     *slog.Logger

	// Alone says that no other engine works on the app store: what one had leased that is
	// gone is taken over at once.
	Alone bool

	Runs   int // at once; 8 if 0
	Places int // items at once, over all runs; 256 if 0
	// Lease is how long a run is its engine's without a sign of life; 15 s if 0.
	Lease time.Duration
	// Beat is how often an engine gives one, and looks for commands; 1 s if 0.
	Beat time.Duration

	share *share
	wake  chan struct{}
	once  sync.Once
}

func (e *Engine) begin() {
	e.once.Do(func() {
		e.Runs, e.Places = orElse(e.Runs, 8), orElse(e.Places, 256)
		e.Lease, e.Beat = orElse(e.Lease, 15*time.Second), orElse(e.Beat, time.Second)
		e.share, e.wake = newShare(e.Places), make(chan struct{}, 1)
	})
}

func orElse[N int | time.Duration](value, otherwise N) N {
	if value <= 0 {
		return otherwise
	}
	return value
}

// Wake makes the engine look for runs now.
func (e *Engine) Wake() {
	e.begin()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends; then it stops the calls that are under way, records what came
// back, gives its leases back and returns.
func (e *Engine) Run(ctx context.Context) {
	e.begin()
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { e.tellAll(ctx) })
	if e.Alone {
		if err := e.App.ExpireLeases(ctx); err != nil && ctx.Err() == nil {
			e.Log.ErrorContext(ctx, "expire leases", "error", err) // they end by themselves
		}
	}
	places := make(chan struct{}, e.Runs)
	tick := time.NewTicker(e.Beat)
	defer tick.Stop()
	for {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return
		}
		lease, err := e.App.ClaimExecution(ctx, e.Name, e.Lease)
		if err != nil && ctx.Err() == nil {
			e.Log.ErrorContext(ctx, "claim an execution", "error", err)
		}
		if lease != nil {
			working.Go(func() {
				defer func() { <-places }()
				e.work(ctx, lease)
			})
			continue
		}
		<-places
		select {
		case <-tick.C:
		case <-e.wake:
		case <-ctx.Done():
			return
		}
	}
}

// work works on one run and puts an end to it, or gives it back.
func (e *Engine) work(ctx context.Context, lease *storage.Lease) {
	r := &run{engine: e, lease: lease, key: lease.Execution.Key}
	err := r.do(ctx)
	if err == nil || errors.Is(err, errLost) {
		return
	}
	e.Log.ErrorContext(ctx, "work on an execution", "execution", r.key, "error", err)
	// The store could not be read or written: another try may do better. The run is
	// claimed again when its lease is over, not at once, so that it does not spin.
}

// untoldAtOnce is how many runs are told of in one go.
const untoldAtOnce = 100

// tellAll tells the workspaces' stores, now and then, what whoever decided it could not.
func (e *Engine) tellAll(ctx context.Context) {
	tick := time.NewTicker(5 * e.Beat)
	defer tick.Stop()
	for {
		untold, err := e.App.UntoldExecutions(ctx, untoldAtOnce)
		for _, state := range untold {
			err = errors.Join(err, e.tellOne(ctx, state))
		}
		if err != nil && ctx.Err() == nil {
			e.Log.ErrorContext(ctx, "tell the state of an execution", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (e *Engine) tellOne(ctx context.Context, state *storage.ExecutionState) (err error) {
	store, err := e.Store(ctx, state.WorkspaceKey)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := tell(ctx, e.App, store, state.Key); err != nil {
		return err
	}
	e.Events.Wake(events.Execution(state.Key))
	return nil
}
