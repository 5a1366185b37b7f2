package server

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

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
	comparisons, often, times := schema.Comparisons(document)
	if comparisons <= schema.MostComparisons {
		return nil
	}
	refusal := &gqlerror.Error{
		Message: fmt.Sprintf("the document selects %s %d times, and equal names are compared with each other: leave repeated ones out, give different ones different aliases, or use a list or several requests", often, times),
		Extensions: map[string]any{
			"code":  storage.CodeCostLimit,
			"limit": map[string]any{"name": "comparisons", "computed": comparisons, "limit": schema.MostComparisons},
		},
	}
	schema.CutMessage(refusal)
	return refusal
}
