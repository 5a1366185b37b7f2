package directives

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/storage"
)

// UserScoped is @userScoped: it finds which of the viewer's own workspaces a field
// means and hands them to the field and everything below it. An id of another
// store, a malformed and an unknown one name no workspace, so the field below
// finds nothing: all three look the same.
func (g *Gate) UserScoped(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	if _, err := viewer(ctx); err != nil {
		return nil, err
	}
	request := requestFrom(ctx)
	if request == nil {
		return nil, fmt.Errorf("no request in the context of a scoped field")
	}
	meant, err := request.meant(ctx, graphql.GetFieldContext(ctx))
	if err != nil {
		return nil, err
	}
	return next(context.WithValue(ctx, scopesKey{}, meant))
}

// meant lists the workspaces that a field names by its arguments.
func (r *Request) meant(ctx context.Context, field *graphql.FieldContext) ([]*Scope, error) {
	switch name := field.Object + "." + field.Field.Name; name {
	case "Viewer.workspace":
		wanted, _ := field.Args["name"].(*string)
		scope, err := r.byName(ctx, wanted)
		return []*Scope{scope}, err
	case "Viewer.workspaces":
		return r.all(ctx)
	case "Query.node":
		id, _ := field.Args["id"].(string)
		return r.byIDs(ctx, []string{id})
	case "Query.nodes":
		ids, _ := field.Args["ids"].([]string)
		if len(ids) > storage.MaxPageSize {
			return nil, storage.BadInput("ids", "ask for at most %d ids at once, not %d", storage.MaxPageSize, len(ids))
		}
		return r.byIDs(ctx, ids)
	default:
		return nil, fmt.Errorf("@userScoped does not know how %s names a workspace", name)
	}
}

func (r *Request) byName(ctx context.Context, name *string) (*Scope, error) {
	personal, err := r.personal(ctx)
	if err != nil {
		return nil, err
	}
	if name == nil || *name == "" || *name == personal.Workspace.Name {
		return personal, nil
	}
	scopes, err := r.all(ctx)
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		if scope.Workspace.Name == *name {
			return scope, nil
		}
	}
	return nil, storage.Errorf(storage.CodeNotFound, "you have no workspace named %q", *name)
}

// byIDs lists the workspaces of the viewer that hold these ids, each once.
func (r *Request) byIDs(ctx context.Context, ids []string) ([]*Scope, error) {
	var scopes []*Scope
	for _, text := range ids {
		id, ok := storage.ParseID(text)
		if !ok || holder(scopes, id) != nil {
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
	if err != nil || personal.holds(id) {
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
