// Package directives is what the schema's directives do. UserScoped is the only
// code that opens a user store; a resolver outside it has no store to ask.
package directives

import (
	"context"

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
// UNAUTHENTICATED.
func (g *Gate) Authenticated(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if _, err := viewer(ctx); err != nil {
		return nil, err
	}
	return next(ctx)
}

// HasRole is @hasRole: the field of a viewer with the role, otherwise
// UNAUTHENTICATED or FORBIDDEN.
func (g *Gate) HasRole(ctx context.Context, _ any, next graphql.Resolver, role auth.Role) (any, error) {
	v, err := viewer(ctx)
	if err != nil {
		return nil, err
	}
	if !v.HasRole(role) {
		return nil, storage.Errorf(storage.CodeForbidden, "this needs the role %s", role)
	}
	return next(ctx)
}

func viewer(ctx context.Context) (*auth.Viewer, error) {
	if v := auth.ViewerFrom(ctx); v != nil {
		return v, nil
	}
	return nil, storage.Errorf(storage.CodeUnauthenticated, "sign in first: send a token in the Authorization header")
}
