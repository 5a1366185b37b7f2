// Package resolvers answers the fields of the schema: one file per schema file.
// A resolver checks nothing and formats nothing; it asks one loader or one store.
package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/storage"
)

// Resolver is what all resolvers share.
type Resolver struct {
	app    storage.AppStore
	server *graph.ServerInfo
}

// NewSchema makes the executable schema. Each operation that it executes gets its
// own request: its own look at the viewer, stores and loaders.
func NewSchema(gate *directives.Gate, server *graph.ServerInfo) graphql.ExecutableSchema {
	return &requestSchema{
		ExecutableSchema: graph.NewExecutableSchema(graph.Config{
			Resolvers: &Resolver{app: gate.App, server: server},
			Directives: graph.DirectiveRoot{
				Authenticated: gate.Authenticated,
				HasRole:       gate.HasRole,
				UserScoped:    gate.UserScoped,
			},
		}),
		gate: gate,
	}
}

// requestSchema begins a request for each response of an operation. (A
// subscription's event is a response of its own: it must see fresh rows.)
type requestSchema struct {
	graphql.ExecutableSchema
	gate *directives.Gate
}

// Exec executes the operation of ctx.
func (s *requestSchema) Exec(ctx context.Context) graphql.ResponseHandler {
	next := s.ExecutableSchema.Exec(ctx)
	return func(ctx context.Context) *graphql.Response {
		return next(s.gate.WithRequest(ctx))
	}
}
