package execution_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

// severed is the app store of an engine that cannot reach it any more: the engine does not
// know that others work on its run, until its lease is over.
type severed struct {
	storage.Executions
	gone *atomic.Bool
}

var errSevered = errors.New("the app store cannot be reached")

func (s severed) ClaimExecution(ctx context.Context, engine string, lease time.Duration) (*storage.Lease, error) {
	if s.gone.Load() {
		return nil, errSevered
	}
	return s.Executions.ClaimExecution(ctx, engine, lease)
}

func (s severed) RenewLease(ctx context.Context, lease *storage.Lease, until time.Duration, p storage.ExecutionProgress) (*storage.ExecutionState, error) {
	if s.gone.Load() {
		return nil, errSevered
	}
	return s.Executions.RenewLease(ctx, lease, until, p)
}

func (s severed) ReleaseLease(ctx context.Context, lease *storage.Lease, p storage.ExecutionProgress) error {
	if s.gone.Load() {
		return errSevered
	}
	return s.Executions.ReleaseLease(ctx, lease, p)
}

func (s severed) EndExecution(ctx context.Context, lease *storage.Lease, status storage.ExecutionStatus, reason *storage.ExecutionReason, p storage.ExecutionProgress) error {
	if s.gone.Load() {
		return errSevered
	}
	return s.Executions.EndExecution(ctx, lease, status, reason, p)
}

// Whatever is commanded, and whichever engines are lost, stalled or stopped: each state
// follows from the one before, and in the end each item is recorded once.
func TestNoCommandAndNoCrashLeadsToAnIllegalState(t *testing.T) {
	w := newWorkshop(t, mocktarget.Options{})
	rapid.Check(t, func(r *rapid.T) {
		items := rapid.Int64Range(1, 60).Draw(r, "items")
		key := w.queue(items)
		engines := 0
		slow := work{4, func(ctx context.Context, item int64) (*storage.ItemResult, error) {
			select {
			case <-time.After(time.Millisecond):
				return answered(item), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}}
		begin := func() (stop func(), gone *atomic.Bool) {
			engines++
			gone = &atomic.Bool{}
			stop = w.place.engine(fmt.Sprintf("%s %d", key, engines), slow, func(e *execution.Engine) {
				e.App, e.Lease, e.Beat = severed{w.app, gone}, 100*time.Millisecond, 10*time.Millisecond
			})
			return stop, gone
		}
		var stops []func()
		for i := range rapid.IntRange(1, 8).Draw(r, "steps") {
			var err error
			switch step := rapid.SampledFrom([]string{"engine", "sever", "stop", "pause", "resume", "cancel", "wait"}).Draw(r, fmt.Sprintf("step %d", i)); step {
			case "engine":
				stop, _ := begin()
				stops = append(stops, stop)
			case "sever":
				stop, gone := begin()
				stops = append(stops, stop)
				time.Sleep(5 * time.Millisecond)
				gone.Store(true)
			case "stop":
				if len(stops) > 0 {
					stops[0]()
					stops = stops[1:]
				}
			case "wait":
				time.Sleep(10 * time.Millisecond)
			default:
				to := map[string]storage.ExecutionStatus{"pause": storage.ExecutionPaused, "resume": storage.ExecutionQueued, "cancel": storage.ExecutionCancelled}[step]
				err = w.starter.Command(t.Context(), w.store, w.workspace.Key, key, to)
			}
			if err != nil && storage.CodeOf(err) != storage.CodeConflict {
				r.Fatal(err)
			}
		}
		last, _ := begin()
		defer func() {
			last()
			for _, stop := range stops {
				stop()
			}
		}()
		end := w.ends(r, key)
		told := w.statuses(key)
		for i := 1; i < len(told); i++ {
			if told[i-1] != told[i] && told[i-1].To(told[i]) != nil && !between(told[i-1], told[i]) {
				r.Fatalf("the events tell %v", told)
			}
		}
		if told[len(told)-1] != end.Status {
			r.Fatalf("it is %s, and its events tell %v", end.Status, told)
		}
		page, err := w.store.ItemsByExecution(t.Context(), []string{key}, nil, storage.Page{Limit: 100})
		if err != nil {
			r.Fatal(err)
		}
		var numbers []int64
		for _, item := range page[key].Nodes() {
			numbers = append(numbers, item.Item)
		}
		if int64(len(numbers)) != w.attacks(key) || len(slices.Compact(slices.Clone(numbers))) != len(numbers) {
			r.Fatalf("items %v, %d attacks", numbers, w.attacks(key))
		}
		if end.Status == storage.ExecutionSucceeded && int64(len(numbers)) != items {
			r.Fatalf("it succeeded with %d of %d items", len(numbers), items)
		}
	})
}

// between tells whether a state that nobody told of lies between two: a command that the
// next one overtook.
func between(from, to storage.ExecutionStatus) bool {
	return slices.ContainsFunc([]storage.ExecutionStatus{storage.ExecutionQueued, storage.ExecutionRunning, storage.ExecutionPaused}, func(s storage.ExecutionStatus) bool {
		return from.To(s) == nil && s.To(to) == nil
	})
}

// ends lets the run go on until it is over.
func (w *workshop) ends(r *rapid.T, key string) *storage.ExecutionState {
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		state := w.state(key)
		if state.Status.Over() {
			return state
		}
		if state.Status == storage.ExecutionPaused {
			if err := w.starter.Command(context.Background(), w.store, w.workspace.Key, key, storage.ExecutionQueued); err != nil && storage.CodeOf(err) != storage.CodeConflict {
				r.Fatal(err)
			}
		}
		if time.Now().After(until) {
			r.Fatalf("it does not end: %+v", state)
		}
	}
}
