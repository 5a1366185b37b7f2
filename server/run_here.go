package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/storage"
)

// Runs is a Runner that works on its runs itself, in a process that owns a data folder for
// as long. What else waits there is left to a server.
type Runs struct {
	Runner
	options execution.Options
	working sync.WaitGroup
	ctx     context.Context //nolint:containedctx // of the work: it ends with Close
	stop    context.CancelFunc
}

// NewRuns makes a Runner of a folder that this process owns. The caller closes it.
func NewRuns(h *house.House, policy outbound.Policy, log *slog.Logger) *Runs {
	r := &Runs{options: execution.Options{
		App: h.App, Store: h.StoreOf, Events: &events.Local{}, Log: log,
		Things: &configured.Things{Keeper: h.Keeper, Types: configured.Types(), Calls: target.Options{Policy: policy}},
	}}
	_, starter, _ := execution.New(r.options)
	r.Runner = Runner{House: h, Things: r.options.Things, Starter: starter, Tails: &execution.Tails{Store: h.StoreOf, Events: r.options.Events}}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// Start queues a run and begins to work on it.
func (r *Runs) Start(ctx context.Context, request RunRequest) (*StartedRun, error) {
	run, err := r.Runner.Start(ctx, request)
	if err != nil {
		return nil, err
	}
	options := r.options
	options.App = onlyOne{r.options.App, run.Key}
	engine, _, _ := execution.New(options)
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
