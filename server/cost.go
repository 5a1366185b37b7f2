package server

import (
	"context"
	"fmt"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/violentutf/violentutf/storage"
)

// costLimit refuses an operation that asks for too much, before any of it is
// executed: COST_LIMIT_EXCEEDED. It walks the validated operation itself. gqlgen's
// Complexity functions would be one Go function for each of hundreds of fields, see
// neither input fields nor depth nor aliases, and expand a fragment as often as it
// is spread, so that a fragment bomb is as dear to count as it would be to run.
type costLimit struct {
	limits  Limits
	types   map[string]*ast.Definition
	weights map[*ast.FieldDefinition]int64
	sizes   map[*ast.FieldDefinition]int64 // of lists without pages
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = (*costLimit)(nil)

// ExtensionName names the extension, and its figure in the operation's statistics.
func (*costLimit) ExtensionName() string { return "cost" }

// Validate reads the weights and sizes that the schema declares with @cost.
func (c *costLimit) Validate(schema graphql.ExecutableSchema) error {
	c.types = schema.Schema().Types
	c.weights, c.sizes = map[*ast.FieldDefinition]int64{}, map[*ast.FieldDefinition]int64{}
	for _, def := range c.types {
		for _, field := range def.Fields {
			declared := field.Directives.ForName("cost")
			if declared == nil {
				continue
			}
			for argument, into := range map[string]map[*ast.FieldDefinition]int64{"weight": c.weights, "size": c.sizes} {
				given := declared.Arguments.ForName(argument)
				if given == nil {
					continue
				}
				number, err := strconv.ParseInt(given.Value.Raw, 10, 32)
				if err != nil {
					return fmt.Errorf("the %s of %s.%s: %w", argument, def.Name, field.Name, err)
				}
				into[field] = number
			}
		}
	}
	return nil
}

// MutateOperationContext notes the operation's cost and refuses it beyond a limit.
func (c *costLimit) MutateOperationContext(_ context.Context, operation *graphql.OperationContext) *gqlerror.Error {
	m := c.measure(operation)
	operation.Stats.SetExtension(c.ExtensionName(), m.cost())
	operation.Stats.SetExtension(rootFields, m.fields)
	for _, check := range []struct {
		what            string
		computed, limit int64
		message         string
	}{
		{
			"cost", m.cost(), int64(c.limits.Cost),
			"the operation costs %d and at most %d are allowed: ask for smaller pages (first, last), for fewer lists inside lists, or in several requests",
		},
		{
			"depth", m.depth, int64(c.limits.Depth),
			"the operation is %d fields deep and at most %d are allowed: begin further down, with node(id:)",
		},
		{
			"aliases", m.aliases, int64(c.limits.Aliases),
			"the operation has %d aliases, those of fragments counted wherever they are spread, and at most %d are allowed: use a list, nodes(ids:) or several requests",
		},
		{
			rootFields, m.fields, int64(c.limits.RootFields),
			"the operation has %d fields at its root and at most %d are allowed: send several requests",
		},
		{
			"directives", m.directives, int64(c.limits.Directives),
			"one place of the operation has %d directives and at most %d are allowed: leave some out",
		},
	} {
		if check.computed > check.limit {
			return &gqlerror.Error{
				Message: fmt.Sprintf(check.message, check.computed, check.limit),
				Extensions: map[string]any{
					"code":  storage.CodeCostLimit,
					"limit": map[string]any{"name": check.what, "computed": check.computed, "limit": check.limit},
				},
			}
		}
	}
	return nil
}

// rootFields names how many fields an operation has at its root.
const rootFields = "rootFields"

// rootFieldsOf is how many fields at its root an operation will execute.
func rootFieldsOf(operation *graphql.OperationContext) int64 {
	fields, _ := operation.Stats.GetExtension(rootFields).(int64)
	return fields
}

// costOf is what an operation was computed to cost, or nil where it was not.
func costOf(operation *graphql.OperationContext) any {
	return operation.Stats.GetExtension((*costLimit)(nil).ExtensionName())
}
