package directives

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// UserScoped is @userScoped: it finds which of the viewer's own workspaces a field
// means and hands them to the field and everything below it. An id of another
// store, a malformed and an unknown one name no workspace, so the field below
// finds nothing: all three look the same.
func (g *Gate) UserScoped(ctx context.Context, parent any, next graphql.Resolver) (any, error) {
	if _, err := g.admit(ctx); err != nil {
		return nil, err
	}
	meant, err := requestFrom(ctx).meant(ctx, parent, graphql.GetFieldContext(ctx))
	if err != nil {
		return nil, err
	}
	return next(context.WithValue(ctx, scopesKey{}, meant))
}

// Changed is the payload of a mutation that changed a workspace: nil when it did not.
// The store has just said that the viewer is a member.
type Changed interface{ ChangedWorkspace() *storage.Workspace }

// meant lists the workspaces that a field names by its arguments, or by its parent.
func (r *Request) meant(ctx context.Context, parent any, field *graphql.FieldContext) ([]*Scope, error) {
	switch name := field.Object + "." + field.Field.Name; name {
	case "Query.node":
		id, _ := field.Args["id"].(string)
		return r.byIDs(ctx, []string{id})
	case "Query.nodes":
		ids, _ := field.Args["ids"].([]string)
		if len(ids) > storage.MaxPageSize {
			return nil, storage.BadInput("ids", "ask for at most %d ids at once, not %d", storage.MaxPageSize, len(ids))
		}
		return r.byIDs(ctx, ids)
	}
	// An administrator or auditor who is no user has no workspace.
	if !Has(ctx, auth.RoleUser) {
		return nil, storage.Errorf(storage.CodeForbidden, "this needs the role %s", auth.RoleUser)
	}
	switch name := field.Object + "." + field.Field.Name; name {
	case "Viewer.workspace":
		wanted, _ := field.Args["name"].(*string)
		scope, err := r.wanted(ctx, wanted)
		return []*Scope{scope}, err
	case "Viewer.workspaces":
		return r.all(ctx)
	case "Viewer.archivedWorkspaces":
		return r.archived(ctx)
	case "ApiKey.workspaces":
		key, _ := parent.(*storage.APIKey)
		return r.ofKey(ctx, key)
	default:
		changed, ok := parent.(Changed)
		if !ok {
			return nil, fmt.Errorf("@userScoped does not know how %s names a workspace", name)
		}
		return r.ofChange(ctx, changed.ChangedWorkspace()), nil
	}
}

// wanted returns the workspace of that name, the personal one without it.
func (r *Request) wanted(ctx context.Context, name *string) (*Scope, error) {
	personal, err := r.personal(ctx)
	switch {
	case err != nil:
		return nil, err
	case name != nil && *name != "" && (personal == nil || *name != personal.Workspace.Name):
		return r.byName(ctx, *name)
	case personal == nil:
		return nil, storage.Errorf(storage.CodeForbidden, "this API key is bound to other workspaces than the personal one: name one of them")
	}
	return personal, nil
}

// ofKey lists the workspaces to which a key is bound and that its owner still has.
func (r *Request) ofKey(ctx context.Context, key *storage.APIKey) ([]*Scope, error) {
	if key == nil || len(key.Workspaces) == 0 {
		return nil, nil
	}
	all, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	bound := make([]*Scope, 0, len(key.Workspaces))
	for _, scope := range all {
		if key.Reaches(scope.Workspace.Key) {
			bound = append(bound, scope)
		}
	}
	return bound, nil
}

func (r *Request) ofChange(ctx context.Context, workspace *storage.Workspace) []*Scope {
	if workspace == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.scopes(ctx, []*storage.Workspace{workspace})
}

// byIDs lists the workspaces of the viewer that hold these ids, each once.
func (r *Request) byIDs(ctx context.Context, ids []string) ([]*Scope, error) {
	if !Has(ctx, auth.RoleUser) {
		return nil, nil
	}
	var scopes []*Scope
	for _, text := range ids {
		id, ok := storage.ParseID(text)
		if !ok || !id.Kind.InWorkspace() || holder(scopes, id) != nil {
			continue
		}
		scope, err := r.byID(ctx, id)
		if err != nil {
			return nil, err
		}
		if scope != nil {
			scopes = append(scopes, scope)
		}
	}
	return scopes, nil
}

func (r *Request) byID(ctx context.Context, id storage.ID) (*Scope, error) {
	personal, err := r.personal(ctx)
	if err != nil || personal != nil && personal.holds(id) {
		return personal, err
	}
	all, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	return holder(all, id), nil
}

func holder(scopes []*Scope, id storage.ID) *Scope {
	for _, scope := range scopes {
		if scope.holds(id) {
			return scope
		}
	}
	return nil
}
