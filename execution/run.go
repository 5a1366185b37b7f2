package execution

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/storage"
)

const (
	batchSize = 512                   // results of one transaction
	batchWait = 50 * time.Millisecond // how long the first result of a batch waits for others
	patience  = 10 * time.Second      // for what is under way when a run is paused
)

// errLost is that another engine works on the run.
var errLost = errors.New("the lease was lost")

// run is the work of one engine on one run.
type run struct {
	engine   *Engine
	lease    *storage.Lease
	key      string
	store    storage.UserStore
	recorder storage.Recorder
	work     Work
	progress atomic.Pointer[storage.ExecutionProgress]
	lines    []storage.LogLine // to go with the next results
}

// verdict is why a run stops: nil for its end.
type verdict struct {
	state *storage.ExecutionState // a command, or nil
	stop  *Stop
	err   error // errLost, a store's failure, or the engine's context
	now   bool  // do not wait for what is under way
}

func (r *run) do(ctx context.Context) (err error) {
	if r.store, err = r.engine.Store(ctx, r.lease.Execution.WorkspaceKey); err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer func() { err = errors.Join(err, r.store.Close()) }()
	// The recorder waits for whoever writes: a plan that is being changed is read then.
	r.recorder, err = r.store.NewRecorder(ctx, r.engine.Guard(), r.key, r.lease.Epoch)
	if err == nil {
		defer func() { err = errors.Join(err, r.recorder.Close()) }()
	}
	plan, missing := r.store.ExecutionPlan(ctx, r.key)
	switch {
	case storage.CodeOf(missing) == storage.CodeNotFound:
		return r.engine.App.DropExecution(ctx, r.key) // nobody was told of it: its plan could not be stored
	case err != nil:
		return lost(err)
	case missing != nil:
		return missing
	}
	r.keepProgress(r.recorder.Progress())
	if err := r.tell(ctx, storage.StatusEvent{Status: storage.ExecutionRunning}); err != nil {
		return err
	}
	if r.work, err = r.engine.Prepare(ctx, r.store, plan); err != nil {
		if ctx.Err() != nil {
			return r.release()
		}
		return r.end(storage.ExecutionFailed, &Stop{Reason: storage.ReasonBadPlan, Message: forPeople(err)})
	}
	defer func() { err = errors.Join(err, r.work.Close()) }()
	r.work.Resume(r.recorder.Progress())
	done, err := r.recorder.Done(ctx)
	if err != nil {
		return err
	}
	left := plan.Items - r.recorder.Progress().Done
	r.lines = []storage.LogLine{{Level: "INFO", Text: fmt.Sprintf("%d of %d items are left", left, plan.Items), Time: time.Now()}}
	return r.finish(ctx, r.items(ctx, plan.Items, done))
}

// finish puts on record how the work came to its end.
func (r *run) finish(ctx context.Context, v *verdict) error {
	switch {
	case v == nil:
		return r.end(storage.ExecutionSucceeded, nil)
	case v.stop != nil && v.stop.Reason == storage.ReasonBadPlan:
		return r.end(storage.ExecutionFailed, v.stop)
	case v.stop != nil:
		return r.end(storage.ExecutionPaused, v.stop)
	case v.state != nil:
		return r.obey(v.state)
	case ctx.Err() != nil:
		return r.release()
	}
	return v.err
}

// end ends or pauses the run, in the app store first: it decides.
func (r *run) end(status storage.ExecutionStatus, stop *Stop) error {
	ctx, cancel := r.after()
	defer cancel()
	event := storage.StatusEvent{Status: status}
	if stop != nil {
		event.Reason, event.Error = &stop.Reason, stop.Message
	}
	if err := r.engine.App.EndExecution(ctx, r.lease, status, event.Reason, *r.progress.Load()); err != nil {
		if storage.CodeOf(err) != storage.CodeConflict {
			return err
		}
		states, stateErr := r.engine.App.ExecutionStates(ctx, []string{r.key})
		if stateErr != nil || states[r.key] == nil || states[r.key].Status == storage.ExecutionRunning {
			return errLost
		}
		return r.obey(states[r.key]) // somebody paused or cancelled it meanwhile
	}
	return r.tell(ctx, event)
}

// obey notes a command, and lets the next engine have the run at once if it goes on.
func (r *run) obey(state *storage.ExecutionState) error {
	ctx, cancel := r.after()
	defer cancel()
	if err := r.engine.App.ReleaseLease(ctx, r.lease, *r.progress.Load()); err != nil {
		return lost(err)
	}
	return r.tell(ctx, storage.StatusEvent{Status: state.Status, Reason: state.Reason})
}

func (r *run) release() error {
	ctx, cancel := r.after()
	defer cancel()
	return lost(r.engine.App.ReleaseLease(ctx, r.lease, *r.progress.Load()))
}

// after is the time that an end may take, whatever ended the work.
func (r *run) after() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), patience)
}

// tell notes the state in the workspace's store and wakes who follows the run.
func (r *run) tell(ctx context.Context, event storage.StatusEvent) error {
	told, decide := nowOf(r.engine.App, r.key, event)
	if err := r.recorder.DecideStatus(ctx, time.Now(), decide); err != nil {
		return lost(err)
	}
	r.wake()
	_, err := r.engine.App.ToldExecution(ctx, r.key, *told)
	return err
}

func (r *run) wake() {
	r.engine.Events.Wake(events.Execution(r.key))
	r.engine.Events.Wake(events.Executions(r.lease.Execution.WorkspaceKey))
}

func (r *run) keepProgress(p storage.ExecutionProgress) { r.progress.Store(&p) }

// items works on all that is not done, and returns why it stopped before the end.
func (r *run) items(ctx context.Context, total int64, done [][2]int64) *verdict {
	handing, stopHanding := context.WithCancel(ctx) // of items
	calling, stopCalls := context.WithCancel(ctx)   // what is under way
	defer stopCalls()
	defer stopHanding()
	var once sync.Once
	var why *verdict
	stop := func(v *verdict) {
		once.Do(func() { why = v })
		stopHanding()
		if v.now {
			stopCalls()
		} else {
			time.AfterFunc(patience, stopCalls)
		}
	}
	pending := make(chan int64)
	results := make(chan *storage.ItemResult, batchSize)
	var workers, watching sync.WaitGroup
	for range max(1, r.work.Concurrency()) {
		workers.Go(func() { r.worker(handing, calling, pending, results, stop) })
	}
	watching.Go(func() { r.watch(calling, stop) })
	go func() { // ends with the items, or with handing
		defer close(pending)
		hand(handing, total, done, pending)
	}()
	recorded := make(chan struct{})
	go func() { // ends with the results
		defer close(recorded)
		r.record(results, stop)
	}()
	workers.Wait()
	close(results)
	<-recorded
	stopCalls()
	watching.Wait()
	if why == nil && ctx.Err() != nil {
		why = &verdict{err: ctx.Err()}
	}
	return why
}

// hand gives out the items that are not done, in order.
func hand(ctx context.Context, total int64, done [][2]int64, pending chan<- int64) {
	for item := int64(0); item < total; item++ {
		if len(done) > 0 && item >= done[0][0] {
			item, done = done[0][1]-1, done[1:]
			continue
		}
		select {
		case pending <- item:
		case <-ctx.Done():
			return
		}
	}
}

func (r *run) worker(handing, calling context.Context, pending <-chan int64, results chan<- *storage.ItemResult, stop func(*verdict)) {
	user := r.lease.Execution.UserKey
	for item := range pending {
		if r.engine.share.take(handing, user) != nil {
			return
		}
		result, err := r.work.Do(calling, item)
		r.engine.share.give(user)
		switch halt := (*Stop)(nil); {
		case err == nil:
			results <- result
			continue
		case calling.Err() != nil:
		case errors.As(err, &halt):
			stop(&verdict{stop: halt})
		default:
			stop(&verdict{err: fmt.Errorf("item %d: %w", item, err), now: true})
		}
		return
	}
}

// watch gives signs of life and looks for commands.
func (r *run) watch(ctx context.Context, stop func(*verdict)) {
	beat := time.NewTicker(r.engine.Beat)
	defer beat.Stop()
	for {
		commanded := r.engine.Events.Follow(events.Command(r.key))
		state, err := r.engine.App.RenewLease(ctx, r.lease, r.engine.Lease, *r.progress.Load())
		switch {
		case ctx.Err() != nil:
			return
		case storage.CodeOf(err) == storage.CodeConflict:
			stop(&verdict{err: errLost, now: true})
			return
		case err != nil && time.Now().After(r.lease.Until):
			stop(&verdict{err: err, now: true})
			return
		case err == nil && state.Status != storage.ExecutionRunning:
			stop(&verdict{state: state, now: state.Status == storage.ExecutionCancelled})
			return
		}
		select {
		case <-beat.C:
		case <-commanded:
		case <-ctx.Done():
			return
		}
	}
}

// record stores results in batches, until there are no more to come.
func (r *run) record(results <-chan *storage.ItemResult, stop func(*verdict)) {
	failed := false
	for first := range results {
		batch := gather(first, results)
		if failed {
			continue // the workers must not wait for a recorder that gave up
		}
		recorded, err := r.recorder.Record(context.Background(), batch, append(r.lines, linesOf(batch)...))
		if err != nil {
			failed = true
			stop(&verdict{err: lost(err), now: true})
			continue
		}
		r.lines = nil
		r.keepProgress(recorded.Progress)
		r.wake()
	}
}

// mostLines is how many items of a batch the log tells of.
const mostLines = 10

// linesOf tells of items that went wrong.
func linesOf(batch []*storage.ItemResult) (lines []storage.LogLine) {
	wrong := 0
	for _, result := range batch {
		if result.ErrorClass == nil {
			continue
		}
		if wrong++; wrong > mostLines {
			continue
		}
		text := fmt.Sprintf("item %d: %s", result.Item, *result.ErrorClass)
		if result.Attack != nil && result.Attack.ErrorMessage != nil {
			text += ": " + *result.Attack.ErrorMessage
		}
		lines = append(lines, storage.LogLine{Level: "WARNING", Text: text, Time: result.FinishedAt})
	}
	if wrong > mostLines {
		lines = append(lines, storage.LogLine{Level: "WARNING", Text: fmt.Sprintf("and %d more items went wrong", wrong-mostLines), Time: time.Now()})
	}
	return lines
}

// gather waits a moment for what comes with a result.
func gather(first *storage.ItemResult, results <-chan *storage.ItemResult) []*storage.ItemResult {
	batch := []*storage.ItemResult{first}
	full := time.NewTimer(batchWait)
	defer full.Stop()
	for len(batch) < batchSize {
		select {
		case next, more := <-results:
			if !more {
				return batch
			}
			batch = append(batch, next)
		case <-full.C:
			return batch
		}
	}
	return batch
}

// lost turns the refusal of a fence or lease into errLost.
func lost(err error) error {
	if storage.CodeOf(err) == storage.CodeConflict {
		return errLost
	}
	return err
}

// forPeople is the message of an error that somebody can mend, and no more of any other.
func forPeople(err error) string {
	if known, ok := errors.AsType[*storage.Error](err); ok {
		return known.Message
	}
	return "the run could not be prepared: see the server's log"
}
