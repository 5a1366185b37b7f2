package directives

import (
	"context"
	"sync"

	"github.com/violentutf/violentutf/storage"
)

// Request is what one operation has learned of its viewer. It asks the app store
// at most twice: for the user, and for the list of workspaces when another than
// the personal one is named.
type Request struct {
	gate *Gate

	mu     sync.Mutex
	user   *storage.User
	own    *Scope            // the personal workspace
	listed []*Scope          // all workspaces, nil before they were asked for
	byKey  map[string]*Scope // every scope so far: two aliases share loaders
}

type (
	requestKey struct{}
	scopesKey  struct{}
)

// WithRequest returns a context for one operation.
func (g *Gate) WithRequest(ctx context.Context) context.Context {
	return context.WithValue(ctx, requestKey{}, &Request{gate: g, byKey: map[string]*Scope{}})
}

func requestFrom(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// User returns the viewer's user, made on first use.
func User(ctx context.Context) (*storage.User, error) {
	r := requestFrom(ctx)
	if r == nil {
		return nil, storage.Errorf(storage.CodeInternal, "no request in the context")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ensureUser(ctx); err != nil {
		return nil, err
	}
	return r.user, nil
}

// personal returns the viewer's personal workspace.
func (r *Request) personal(ctx context.Context) (*Scope, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ensureUser(ctx); err != nil {
		return nil, err
	}
	return r.own, nil
}

// all returns every workspace of which the viewer is a member.
func (r *Request) all(ctx context.Context) ([]*Scope, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ensureUser(ctx); err != nil {
		return nil, err
	}
	if r.listed != nil {
		return r.listed, nil
	}
	workspaces, err := r.gate.App.Workspaces(ctx, r.user.Key)
	if err != nil {
		return nil, err
	}
	listed := make([]*Scope, len(workspaces))
	for i, workspace := range workspaces {
		listed[i] = r.scope(workspace)
	}
	r.listed = listed
	return listed, nil
}

func (r *Request) ensureUser(ctx context.Context) error {
	if r.user != nil {
		return nil
	}
	v, err := viewer(ctx)
	if err != nil {
		return err
	}
	user, workspace, err := r.gate.App.EnsureUser(ctx, v.Username, r.gate.PersonalFile(v.Username))
	if err != nil {
		return err
	}
	if user.Disabled {
		return storage.Errorf(storage.CodeForbidden, "this account is locked: ask an administrator")
	}
	r.user, r.own = user, r.scope(workspace)
	return nil
}

// scope returns the one scope of a workspace in this request.
func (r *Request) scope(workspace *storage.Workspace) *Scope {
	if known := r.byKey[workspace.Key]; known != nil {
		return known
	}
	scope := &Scope{Workspace: workspace, opener: r.gate.Opener}
	r.byKey[workspace.Key] = scope
	return scope
}
