package server

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/violentutf/violentutf/storage"
)

// mostComparisons bounds what validation may compare. A document of 1 000 fields of one
// name is validated in some 40 ms, one of 14 900 in 8 s, which no time limit stops.
const mostComparisons = 1_000_000

// A fragment that is spread costs validation as much as this many equal fields.
const spreadFields = 2

// nameLimit refuses, before it is validated, a document in which one name is selected so
// often that validation would take seconds: whether selections can be merged (GraphQL,
// section 5.3.2) is asked of each two fields of one name, and of each two fragments.
// Anybody can send a document, and costLimit sees those alone that are valid.
type nameLimit struct {
	cache  graphql.Cache[*ast.QueryDocument] // of valid ones
	tokens int
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
} = (*nameLimit)(nil)

// ExtensionName names the extension.
func (*nameLimit) ExtensionName() string { return "names" }

// Validate has nothing to look for in a schema.
func (*nameLimit) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters counts the names of a document that is not known to be valid.
// One that does not parse goes on, to be told why.
func (n *nameLimit) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	if _, known := n.cache.Get(ctx, request.Query); known {
		return nil
	}
	document, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: request.Query}, n.tokens)
	if err != nil {
		return nil
	}
	c := nameCount{fields: map[string]int{}}
	for _, operation := range document.Operations {
		c.add(operation.SelectionSet)
	}
	for _, fragment := range document.Fragments {
		c.add(fragment.SelectionSet)
	}
	comparisons := spreadFields * c.spreads * spreadFields * c.spreads
	often, times := "...", c.spreads
	for name, count := range c.fields {
		comparisons += count * count
		if count > times {
			often, times = name, count
		}
	}
	if comparisons <= mostComparisons {
		return nil
	}
	return &gqlerror.Error{
		Message: fmt.Sprintf("the document selects %s %d times, and equal names are compared with each other: leave repeated ones out, use aliases, a list or several requests", often, times),
		Extensions: map[string]any{
			"code":  storage.CodeCostLimit,
			"limit": map[string]any{"name": "comparisons", "computed": comparisons, "limit": mostComparisons},
		},
	}
}

// nameCount counts how often each name is selected anywhere in a document, which is never
// less than where validation compares it.
type nameCount struct {
	fields  map[string]int // by the name in the response
	spreads int
}

func (c *nameCount) add(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			c.fields[s.Alias]++
			c.add(s.SelectionSet)
		case *ast.InlineFragment:
			c.add(s.SelectionSet)
		case *ast.FragmentSpread:
			c.spreads++
		}
	}
}
