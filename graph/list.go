package graph

import (
	"bytes"
	"context"
	"io"
	"reflect"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// marshalList stands in generated code where gqlgen has MarshalSliceConcurrently (see
// lists/main.go). That starts a goroutine for each element, half of what a page costs
// beside its statements. Only elements below which a resolver is selected need it: one
// after the other, each would ask its loader alone.
func marshalList(ctx context.Context, selected ast.SelectionSet, length int, element func(ctx context.Context, i int) graphql.Marshaler) graphql.Array {
	if length < 2 || resolves(selected) {
		return graphql.MarshalSliceConcurrently(ctx, length, 0, false, element)
	}
	list := make(graphql.Array, length)
	texts := &bytes.Buffer{}
	for i := range list {
		made := marshalElement(graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &i}), i, element)
		if _, one := made.(*graphql.FieldSet); one {
			from := texts.Len()
			made.MarshalGQL(texts)
			made = &written{texts, from, texts.Len()}
		}
		list[i] = made
	}
	return list
}

// written is an element as it is sent. What it was made of takes ten times its memory, and
// is not needed until the whole list is.
type written struct {
	texts    *bytes.Buffer
	from, to int
}

// MarshalGQL writes the element.
func (w *written) MarshalGQL(to io.Writer) { _, _ = to.Write(w.texts.Bytes()[w.from:w.to]) }

// marshalElement makes a panic null and an error, as gqlgen does.
func marshalElement(ctx context.Context, i int, element func(ctx context.Context, i int) graphql.Marshaler) (result graphql.Marshaler) {
	defer func() {
		if p := recover(); p != nil {
			graphql.AddError(ctx, graphql.Recover(ctx, p))
			result = graphql.Null
		}
	}()
	return element(ctx, i)
}

// resolves says whether a resolver answers any field of the selection.
func resolves(selected ast.SelectionSet) bool {
	for _, selection := range selected {
		switch selection := selection.(type) {
		case *ast.Field:
			if resolved[fieldName(selection.ObjectDefinition.Name, selection.Name)] || resolves(selection.SelectionSet) {
				return true
			}
		case *ast.InlineFragment:
			if resolves(selection.SelectionSet) {
				return true
			}
		case *ast.FragmentSpread:
			if resolves(selection.Definition.SelectionSet) {
				return true
			}
		}
	}
	return false
}

// resolved are the fields that resolvers answer, on their types and on the interfaces
// through which they can be selected.
var resolved = func() map[string]bool {
	fields := map[string]bool{}
	root := reflect.TypeFor[ResolverRoot]()
	for t := range root.NumMethod() {
		of := root.Method(t)
		for f := range of.Type.Out(0).NumMethod() {
			field := of.Type.Out(0).Method(f).Name
			fields[fieldName(of.Name, field)] = true
			for _, parent := range parsedSchema.Implements[of.Name] {
				fields[fieldName(parent.Name, field)] = true
			}
		}
	}
	return fields
}()

// fieldName is the same for a field and for the Go method that resolves it.
func fieldName(object, field string) string { return object + "." + strings.ToLower(field) }
