package execution

import (
	"context"
	"errors"
	"log/slog"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/storage"
)

// Options is where runs are queued, and what they are worked on with.
type Options struct {
	App storage.Executions
	// Store opens the store of a workspace, which is closed again.
	Store  func(ctx context.Context, workspaceKey string) (storage.UserStore, error)
	Things *configured.Things
	Events events.Waker
	Alone  bool // Engine.Alone
	// Count is Starter.Count.
	Count func(ctx context.Context) error
	Log   *slog.Logger
}

// New makes an engine for runs of orchestrators, and what queues them for it.
func New(o Options) (*Engine, *Starter) {
	preparer := &Preparer{Things: o.Things, Lanes: &Lanes{}}
	engine := &Engine{
		Name: uuid.NewString(), App: o.App, Store: o.Store, Prepare: preparer.Prepare, Events: o.Events, Log: o.Log, Alone: o.Alone,
		Guard: func() storage.Guard { return clean{} },
	}
	return engine, &Starter{App: o.App, Things: o.Things, Events: o.Events, Wake: engine.Wake, Count: o.Count}
}

// clean is the guard of results: targets leave no credential in what they answer, and a
// result has none to seal.
type clean struct{}

func (clean) Seal(string, string, string) (string, error) {
	return "", errors.New("a result has no credential")
}
func (clean) Add(string)                       {}
func (clean) Clean(text string) (string, bool) { return text, false }
