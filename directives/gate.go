// Package directives is what the schema's directives do. UserScoped is the only
// code that opens a user store; a resolver outside it has no store to ask.
package directives

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// Opener opens the user store of a workspace and keeps it open until the request
// of ctx has ended; closing it is the opener's business.
type Opener interface {
	OpenWorkspace(ctx context.Context, workspace *storage.Workspace) (storage.UserStore, error)
}

// Gate decides what a viewer may see. One serves the whole process.
type Gate struct {
	App    storage.AppStore
	Opener Opener
	// PersonalFile names the personal store of a user, below the data folder.
	PersonalFile func(username string) string
}

// Authenticated is @authenticated: the field of a signed-in viewer, otherwise
// UNAUTHENTICATED; FORBIDDEN for a locked account, and for an API key without the
// scope that the operation needs.
func (g *Gate) Authenticated(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if _, err := g.admit(ctx); err != nil {
		return nil, err
	}
	return next(ctx)
}

// HasRole is @hasRole: the field of a viewer with the role, or with the other one
// where there is one; otherwise as Authenticated, or FORBIDDEN.
func (g *Gate) HasRole(ctx context.Context, _ any, next graphql.Resolver, role auth.Role, or *auth.Role) (any, error) {
	v, err := g.admit(ctx)
	if err != nil {
		return nil, err
	}
	if Has(ctx, role) || or != nil && Has(ctx, *or) {
		return next(ctx)
	}
	needed := string(role)
	if or != nil {
		needed += " or " + string(*or)
	}
	return nil, g.refuse(ctx, v, storage.Errorf(storage.CodeForbidden, "this needs the role %s", needed))
}

// WithoutKey is @withoutKey: FORBIDDEN for a request with an API key. Who finds a key
// must be able neither to make another nor to lock its owner out.
func (g *Gate) WithoutKey(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	v, err := g.admit(ctx)
	if err != nil {
		return nil, err
	}
	if v.Key != nil {
		return nil, g.refuse(ctx, v, storage.Errorf(storage.CodeForbidden, "an API key may not do this: sign in yourself"))
	}
	return next(ctx)
}

// Has says whether the viewer has the role in this request. A key that is bound to
// workspaces is good for those alone, whatever its owner may do elsewhere.
func Has(ctx context.Context, role auth.Role) bool {
	v := auth.ViewerFrom(ctx)
	bound := v != nil && v.Key != nil && len(v.Key.Workspaces) > 0
	return v.HasRole(role) && (role == auth.RoleUser || !bound)
}

// Reaches says whether the request may touch the workspace as far as its credential
// goes: an API key may be bound to others. Membership is for the store to say.
func Reaches(ctx context.Context, workspaceKey string) bool {
	v := auth.ViewerFrom(ctx)
	return v != nil && (v.Key == nil || v.Key.Reaches(workspaceKey))
}

// admit returns the viewer, who is known, not locked out, and whose API key, if
// that is the credential, has the scope that the field needs.
func (g *Gate) admit(ctx context.Context) (*auth.Viewer, error) {
	v, err := viewer(ctx)
	if err != nil {
		return nil, err
	}
	request := requestFrom(ctx)
	if request == nil {
		return nil, fmt.Errorf("no request in the context of a guarded field")
	}
	if _, err := request.known(ctx); err != nil {
		return nil, err
	}
	if scope := needed(ctx); !v.MayUse(scope) {
		return nil, g.refuse(ctx, v, storage.Errorf(storage.CodeForbidden, "this API key lacks the scope %s: use another, or make one", scope))
	}
	return v, nil
}

// needed is WRITE for a mutation itself, and READ for everything that is read, below
// a mutation too.
func needed(ctx context.Context) storage.APIScope {
	if field := graphql.GetFieldContext(ctx); field != nil && field.Object == "Mutation" {
		return storage.ScopeWrite
	}
	return storage.ScopeRead
}

// refuse puts a mutation that the viewer may not make on record, and returns the
// refusal.
func (g *Gate) refuse(ctx context.Context, v *auth.Viewer, refusal error) error {
	field := graphql.GetFieldContext(ctx)
	if field == nil || field.Object != "Mutation" {
		return refusal
	}
	act := Act(ctx, v, "Mutation."+field.Field.Name)
	return also(refusal, g.App.RecordAudit(context.WithoutCancel(ctx), act, storage.AuditDenied, storage.CodeOf(refusal)))
}

func viewer(ctx context.Context) (*auth.Viewer, error) {
	if v := auth.ViewerFrom(ctx); v != nil {
		return v, nil
	}
	return nil, storage.Errorf(storage.CodeUnauthenticated, "sign in first: send a token in the Authorization header")
}
