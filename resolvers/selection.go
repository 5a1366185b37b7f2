package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/storage"
)

// selection is what the client selected below a field, fragments resolved and
// @skip and @include obeyed.
type selection struct {
	operation *graphql.OperationContext
	fields    []graphql.CollectedField
}

// listed is the selection on the rows of the list that is being resolved.
func listed(ctx context.Context, noun string) selection {
	of := selection{
		operation: graphql.GetOperationContext(ctx),
		fields:    graphql.CollectFieldsCtx(ctx, []string{noun + "Connection"}),
	}
	return of.rows(noun)
}

// rows is the selection on the rows of a connection, through edges and nodes.
func (s selection) rows(noun string) selection {
	rows := s.under("edges", noun+"Edge").under("node", noun, "Node")
	rows.fields = append(rows.fields, s.under("nodes", noun, "Node").fields...)
	return rows
}

// has says whether a field of one of these names is selected.
func (s selection) has(names ...string) bool {
	for _, field := range s.fields {
		for _, name := range names {
			if field.Name == name {
				return true
			}
		}
	}
	return false
}

// under is the selection below all fields of this name, on values of these types.
func (s selection) under(name string, types ...string) selection {
	below := selection{operation: s.operation}
	for _, field := range s.fields {
		if field.Name == name {
			below.fields = append(below.fields, graphql.CollectFields(s.operation, field.Selections, types)...)
		}
	}
	return below
}

// pages lists the pages of a nested list that are selected without a filter, each
// with the selection below. Arguments that are wrong are left to the resolver.
func (s selection) pages(name, noun string) map[storage.Page]selection {
	pages := map[storage.Page]selection{}
	for _, field := range s.fields {
		if field.Name != name {
			continue
		}
		page, ok := unfiltered(field.ArgumentMap(s.operation.Variables))
		if !ok {
			continue
		}
		below := pages[page]
		below.operation = s.operation
		below.fields = append(below.fields, graphql.CollectFields(s.operation, field.Selections, []string{noun + "Connection"})...)
		pages[page] = below
	}
	return pages
}

func unfiltered(arguments map[string]any) (storage.Page, bool) {
	if arguments["filter"] != nil {
		return storage.Page{}, false
	}
	first, ok1 := optionalInt(arguments["first"])
	last, ok2 := optionalInt(arguments["last"])
	after, ok3 := optionalText(arguments["after"])
	before, ok4 := optionalText(arguments["before"])
	page, err := storage.NewPage(first, after, last, before)
	return page, err == nil && ok1 && ok2 && ok3 && ok4
}

func optionalInt(value any) (*int, bool) {
	if value == nil {
		return nil, true
	}
	number, err := graphql.UnmarshalInt(value)
	return &number, err == nil
}

func optionalText(value any) (*string, bool) {
	if value == nil {
		return nil, true
	}
	text, err := graphql.UnmarshalString(value)
	return &text, err == nil
}
