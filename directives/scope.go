package directives

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/storage"
)

// Scope is the capability to read one workspace in one request: its store, opened
// when the first field needs it, and the loaders over it.
type Scope struct {
	Workspace *storage.Workspace
	opener    Opener

	mu  sync.Mutex
	set *loaders.Set
	err error
}

// Workspaces lists the workspaces in scope, in the order in which they were named.
func Workspaces(ctx context.Context) []*storage.Workspace {
	scopes := scopesFrom(ctx)
	workspaces := make([]*storage.Workspace, len(scopes))
	for i, scope := range scopes {
		workspaces[i] = scope.Workspace
	}
	return workspaces
}

// In returns the loaders of the workspace in scope that holds the thing with this
// id. The things of several workspaces can be in one answer (nodes), so the id
// decides, not the field. Without such a workspace it is NOT_FOUND.
func In(ctx context.Context, id string) (*loaders.Set, error) {
	scopes := scopesFrom(ctx)
	if len(scopes) == 1 {
		// Everything below this field came from this store.
		return scopes[0].open(ctx)
	}
	if parsed, ok := storage.ParseID(id); ok {
		if scope := holder(scopes, parsed); scope != nil {
			return scope.open(ctx)
		}
	}
	return nil, storage.Errorf(storage.CodeNotFound, "there is no such thing")
}

// Holding returns the workspace in scope that a client's id names, and the id
// decoded. It reports false where nothing of the viewer can have this id.
func Holding(ctx context.Context, id string) (*Scope, storage.ID, bool) {
	parsed, ok := storage.ParseID(id)
	if !ok {
		return nil, parsed, false
	}
	scope := holder(scopesFrom(ctx), parsed)
	return scope, parsed, scope != nil
}

// Open returns the loaders of the workspace.
func (s *Scope) Open(ctx context.Context) (*loaders.Set, error) { return s.open(ctx) }

// WorkspaceID is the GraphQL id of a workspace.
func WorkspaceID(workspace *storage.Workspace) string { return workspace.ID() }

func scopesFrom(ctx context.Context) []*Scope {
	scopes, _ := ctx.Value(scopesKey{}).([]*Scope)
	return scopes
}

func (s *Scope) open(ctx context.Context) (*loaders.Set, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set != nil || s.err != nil {
		return s.set, s.err
	}
	if s.Workspace.ArchivedAt != nil {
		s.err = storage.Errorf(storage.CodeConflict, "the workspace %q is archived: unarchive it first", s.Workspace.Name)
		return nil, s.err
	}
	store, err := s.opener.OpenWorkspace(ctx, s.Workspace)
	if err != nil {
		s.err = err
		return nil, err
	}
	if store.Owner() != s.Workspace.Key {
		// The last wall: a store of another workspace under this file name.
		s.err = fmt.Errorf("the store of workspace %s belongs to %s", s.Workspace.Key, store.Owner())
		return nil, s.err
	}
	s.set = loaders.NewSet(store.Reading(selected(ctx)))
	return s.set, nil
}

// selected lists every field that the operation of ctx names anywhere; nil, which
// stands for all, outside an operation.
func selected(ctx context.Context) storage.Fields {
	if !graphql.HasOperationContext(ctx) {
		return nil
	}
	fields := storage.Fields{}
	var collect func(ast.SelectionSet)
	collect = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch selection := selection.(type) {
			case *ast.Field:
				fields[selection.Name] = true
				collect(selection.SelectionSet)
			case *ast.InlineFragment:
				collect(selection.SelectionSet)
			}
		}
	}
	operation := graphql.GetOperationContext(ctx)
	collect(operation.Operation.SelectionSet)
	for _, fragment := range operation.Doc.Fragments {
		collect(fragment.SelectionSet)
	}
	return fields
}

// holds tells whether an id is of this workspace or of something in its store.
func (s *Scope) holds(id storage.ID) bool {
	if id.Kind == storage.KindWorkspace {
		return id.Key == s.Workspace.Key
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set != nil {
		return s.set.Store.Key() == id.Store
	}
	return s.Workspace.StoreKey != "" && s.Workspace.StoreKey == hex.EncodeToString([]byte(id.Store))
}
