package directives

import (
	"context"
	"sync"

	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/storage"
)

// Request is what one operation has learned of its viewer. It asks the app store
// once for the user, unless the credential brought that along, once for each
// workspace that is named, and once for the list of workspaces.
type Request struct {
	gate *Gate
	app  *loaders.App

	mu     sync.Mutex
	user   *storage.User
	failed error             // why there is no user: asked once, answered everywhere
	own    *Scope            // the personal workspace
	listed []*Scope          // all workspaces, nil before they were asked for
	byKey  map[string]*Scope // every scope so far: two aliases share loaders
	named  map[string]*Scope // those that were named
}

type (
	requestKey struct{}
	scopesKey  struct{}
)

// WithRequest returns a context for one operation.
func (g *Gate) WithRequest(ctx context.Context) context.Context {
	return context.WithValue(ctx, requestKey{}, &Request{
		gate: g, app: loaders.NewApp(g.App), byKey: map[string]*Scope{}, named: map[string]*Scope{},
	})
}

func requestFrom(ctx context.Context) *Request {
	r, _ := ctx.Value(requestKey{}).(*Request)
	return r
}

// User returns the viewer's user, made on first use. CodeForbidden for a locked
// account and for a name that the identity may not have.
func User(ctx context.Context) (*storage.User, error) {
	r := requestFrom(ctx)
	if r == nil {
		return nil, storage.Errorf(storage.CodeInternal, "no request in the context")
	}
	return r.known(ctx)
}

// App returns the loaders of the bookkeeping. They check nothing: whoever asks has
// passed a directive that says who may see the answer.
func App(ctx context.Context) *loaders.App {
	r := requestFrom(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.app
}

// known returns the viewer's user.
func (r *Request) known(ctx context.Context) (*storage.User, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := r.ensureUser(ctx)
	return r.user, err
}

// personal returns the viewer's personal workspace, nil where the viewer's API key is
// bound to others.
func (r *Request) personal(ctx context.Context) (*Scope, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ensureUser(ctx); err != nil {
		return nil, err
	}
	if !Reaches(ctx, r.own.Workspace.Key) {
		return nil, nil
	}
	return r.own, nil
}

// all returns every workspace of which the viewer is a member and that the viewer's
// API key reaches.
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
	r.listed = r.scopes(ctx, workspaces)
	return r.listed, nil
}

// archived returns the workspaces of the viewer that are out of use.
func (r *Request) archived(ctx context.Context) ([]*Scope, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ensureUser(ctx); err != nil {
		return nil, err
	}
	workspaces, err := r.gate.App.ArchivedWorkspaces(ctx, r.user.Key)
	if err != nil {
		return nil, err
	}
	return r.scopes(ctx, workspaces), nil
}

// byName returns the workspace of that name, by one look-up.
func (r *Request) byName(ctx context.Context, name string) (*Scope, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.ensureUser(ctx); err != nil {
		return nil, err
	}
	if known := r.named[name]; known != nil {
		return known, nil
	}
	workspace, err := r.gate.App.WorkspaceByName(ctx, r.user.Key, name)
	if err == nil && !Reaches(ctx, workspace.Key) {
		// What a key does not reach does not exist for it.
		err = storage.Errorf(storage.CodeNotFound, "there is no workspace named %q that you are a member of", name)
	}
	if err != nil {
		return nil, err
	}
	r.named[name] = r.scope(workspace)
	return r.named[name], nil
}

// Forget drops what the request knows of workspaces: after a mutation the next one
// asks again who may do what.
func Forget(ctx context.Context) {
	r := requestFrom(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.app, r.listed = loaders.NewApp(r.gate.App), nil
	clear(r.named)
	clear(r.byKey)
	if r.own != nil {
		r.own = r.scope(r.own.Workspace) // whose loaders have not read what was changed
	}
}

func (r *Request) ensureUser(ctx context.Context) error {
	if r.user != nil || r.failed != nil {
		return r.failed
	}
	v, err := viewer(ctx)
	if err != nil {
		return err
	}
	user, personal := v.User, v.Personal
	if user == nil || personal == nil {
		if user, personal, err = r.gate.App.SignIn(ctx, v.Identity(), r.gate.PersonalFile(v.Username)); err != nil {
			if storage.CodeOf(err) == storage.CodeForbidden {
				act := actOf(ctx, v, nil, "sign_in")
				err = also(err, r.gate.App.RecordAudit(context.WithoutCancel(ctx), act, storage.AuditDenied, storage.CodeForbidden))
			}
			r.failed = err
			return err
		}
	}
	if user.Disabled {
		r.failed = storage.Errorf(storage.CodeForbidden, "this account is locked: ask an administrator")
		return r.failed
	}
	r.user, r.own = user, r.scope(personal)
	return nil
}

// scopes are the scopes of those workspaces that the viewer's API key reaches.
func (r *Request) scopes(ctx context.Context, workspaces []*storage.Workspace) []*Scope {
	scopes := make([]*Scope, 0, len(workspaces))
	for _, workspace := range workspaces {
		if Reaches(ctx, workspace.Key) {
			scopes = append(scopes, r.scope(workspace))
		}
	}
	return scopes
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
