package server

import (
	"context"
	"sync"
	"time"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// Runs is a Runner that works on its runs itself, in a process that owns a data folder for
// as long. What else waits there is left to a server.
type Runs struct {
	Runner
	options Options
	working sync.WaitGroup
	stop    context.CancelFunc
	ctx     context.Context //nolint:containedctx // of the work: it ends with Close
}

// NewRuns makes a Runner of a folder that this process owns. The caller closes it.
func NewRuns(o Options) *Runs {
	waker := &events.Local{}
	things := &configured.Things{Keeper: o.House.Keeper, Types: configured.Types(), Calls: target.Options{Policy: o.Outbound}}
	r := &Runs{options: o}
	r.options.Events = waker
	r.Runner = Runner{
		House: o.House, Things: things, Tails: &execution.Tails{Store: o.House.StoreOf, Events: waker},
		Starter: &execution.Starter{App: o.House.App, Things: things, Events: waker},
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Start queues a run and begins to work on it.
func (r *Runs) Start(ctx context.Context, request RunRequest) (*StartedRun, error) {
	run, err := r.Runner.Start(ctx, request)
	if err != nil {
		return nil, err
	}
	engine := &execution.Engine{
		Name: "run " + run.Key, App: onlyOne{r.House.App, run.Key}, Store: r.House.StoreOf,
		Prepare: (&execution.Preparer{Things: r.Things, Lanes: &execution.Lanes{}}).Prepare,
		Guard:   func() storage.Guard { return cleanTemporarily{} }, Events: r.options.Events, Log: r.options.Log,
	}
	r.working.Go(func() { engine.Run(r.ctx) })
	return run, nil
}

// onlyOne lets an engine claim one run.
type onlyOne struct {
	storage.Executions
	key string
}

func (o onlyOne) ClaimExecution(ctx context.Context, engine string, lease time.Duration) (*storage.Lease, error) {
	return o.ClaimOne(ctx, o.key, engine, lease)
}

// Close stops the work, which another engine may go on with, and waits for its end.
func (r *Runs) Close() {
	r.stop()
	r.working.Wait()
}

type cleanTemporarily struct{}

func (cleanTemporarily) Seal(_, _, text string) (string, error) { return text, nil }
func (cleanTemporarily) Add(string)                              {}
func (cleanTemporarily) Clean(text string) (string, bool)        { return text, false }
