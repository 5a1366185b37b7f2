// Package resolvers answers the fields of the schema: one file per schema file.
// A resolver checks nothing and formats nothing; it asks one loader or one store.
package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/uploads"
	"github.com/violentutf/violentutf/webhooks"
)

// Resolver is what all resolvers share.
type Resolver struct {
	app        storage.AppStore
	server     *graph.ServerInfo
	fileLink   func(owner, hash, name string) (string, error)
	sharedFile func(workspaceKey string) string
	copy, move Transfer
	forget     func(ctx context.Context, workspace *storage.Workspace)
	things     *configured.Things
	shelf      *uploads.Shelf
	tails      *execution.Tails
	hooks      *webhooks.Hooks
	starter    *execution.Starter
	schema     *ast.Schema // against which documents are checked that are kept
}

// Transfer copies or moves things between two workspaces that the caller may change.
// An Import beside an error is a copy that was made before the rest was refused.
type Transfer func(ctx context.Context, transfer storage.Transfer) (*storage.Import, error)

// Options is what a schema is made of.
type Options struct {
	App    storage.AppStore
	Opener directives.Opener
	// PersonalFile names the personal store of a user, below the data folder.
	PersonalFile func(username string) string
	// SharedFile names the store of a shared workspace, below the data folder.
	SharedFile func(workspaceKey string) string
	// Copy and Move are behind the mutations of these names.
	Copy, Move Transfer
	// ForgetFiles removes the contents of media that a purge left without a row.
	ForgetFiles func(ctx context.Context, workspace *storage.Workspace)
	// Things keeps generators, converters and scorers.
	Things *configured.Things
	// Shelf keeps files that users hand over.
	Shelf *uploads.Shelf
	// Tails is the way to follow runs.
	Tails *execution.Tails
	// Hooks tell others of what happens in workspaces.
	Hooks *webhooks.Hooks
	// Starter queues runs and commands them.
	Starter *execution.Starter
	// FileLink makes a path under which a file can be fetched for a while.
	FileLink func(owner, hash, name string) (string, error)

	Version  string
	Features []string
	// Limits is what Query.server says of the server's limits; the page sizes are
	// filled in.
	Limits graph.ServerLimits
}

// NewSchema makes the executable schema. Each response that it makes has its own
// request: its own look at the viewer, its own stores and loaders.
func NewSchema(options Options) graphql.ExecutableSchema {
	gate := &directives.Gate{App: options.App, Opener: options.Opener, PersonalFile: options.PersonalFile}
	limits := options.Limits
	limits.DefaultPageSize, limits.MaxPageSize = storage.DefaultPageSize, storage.MaxPageSize
	features := append([]string{}, options.Features...) // never null
	server := &graph.ServerInfo{Version: options.Version, Features: features, Limits: &limits}
	resolver := &Resolver{app: options.App, server: server, fileLink: options.FileLink, sharedFile: options.SharedFile, copy: options.Copy, move: options.Move, forget: options.ForgetFiles, things: options.Things, tails: options.Tails, hooks: options.Hooks, starter: options.Starter, shelf: options.Shelf}
	executable := graph.NewExecutableSchema(graph.Config{
		Resolvers: resolver,
		Directives: graph.DirectiveRoot{
			Authenticated: gate.Authenticated,
			HasRole:       gate.HasRole,
			UserScoped:    gate.UserScoped,
			WithoutKey:    gate.WithoutKey,
		},
	})
	resolver.schema = executable.Schema()
	return &requestSchema{ExecutableSchema: executable, gate: gate}
}

// requestSchema begins a request for each response of an operation. (A
// subscription's event is a response of its own: it must see fresh rows.)
type requestSchema struct {
	graphql.ExecutableSchema
	gate *directives.Gate
}

// Exec executes the operation of ctx.
func (s *requestSchema) Exec(ctx context.Context) graphql.ResponseHandler {
	end := &ending{}
	// A subscription's field is resolved here, in a request of its own.
	next := s.ExecutableSchema.Exec(context.WithValue(s.gate.WithRequest(ctx), endingKey{}, end))
	return func(ctx context.Context) *graphql.Response {
		response := next(s.gate.WithRequest(ctx))
		if response == nil {
			if err := end.take(); err != nil {
				graphql.AddError(ctx, err)
				return &graphql.Response{Data: []byte("null")}
			}
		}
		return response
	}
}
