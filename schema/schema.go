// Package schema is the GraphQL contract: the *.graphqls files, one per noun, and
// the few Go types that they need beside those of storage.
package schema

import (
	"embed"
	"fmt"
	"io"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"

	"github.com/violentutf/violentutf/storage"
)

//go:embed *.graphqls
var files embed.FS

// Node is anything with an id of its own: a pointer to a type of storage.
type Node any

// Facets is Workspace.facets: the attacks whose dimensions are counted. Nothing is
// counted before a dimension is selected.
type Facets struct {
	Workspace *storage.Workspace
	Filter    *storage.AttackFilter
}

// ConversationFacets is Workspace.conversationFacets.
type ConversationFacets struct {
	Workspace *storage.Workspace
	Filter    *storage.ConversationFilter
}

// MessageFacets is Workspace.messageFacets.
type MessageFacets struct {
	Workspace *storage.Workspace
	Filter    *storage.MessageFilter
}

// ExecutionFacets is Workspace.executionFacets.
type ExecutionFacets struct {
	Workspace *storage.Workspace
	Filter    *storage.ExecutionFilter
}

// FindingFacets is Workspace.findingFacets.
type FindingFacets struct {
	Workspace *storage.Workspace
	Filter    *storage.FindingFilter
}

// ConfiguredFacets is Workspace.generatorFacets and the same of converters and scorers.
type ConfiguredFacets struct {
	Workspace *storage.Workspace
	Kind      storage.ConfiguredKind
	Filter    *storage.ConfiguredFilter
}

// Load parses the whole schema, with GraphQL's own types.
func Load() (*ast.Schema, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	sources := make([]*ast.Source, len(entries))
	for i, entry := range entries {
		text, err := files.ReadFile(entry.Name())
		if err != nil {
			return nil, fmt.Errorf("read the schema: %w", err)
		}
		sources[i] = &ast.Source{Name: entry.Name(), Input: string(text)}
	}
	parsed, err := gqlparser.LoadSchema(sources...)
	if err != nil {
		return nil, fmt.Errorf("parse the schema: %w", err)
	}
	return parsed, nil
}

// Write writes the whole schema as one document, types in alphabetical order: the
// committed snapshot schema.graphql.
func Write(w io.Writer) error {
	parsed, err := Load()
	if err != nil {
		return err
	}
	formatter.NewFormatter(w, formatter.WithIndent("  ")).FormatSchema(parsed)
	return nil
}
