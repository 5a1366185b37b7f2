package schema

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// doors are the types whose fields are told one by one: everything is reached through
// them.
var doors = []string{"Query", "Mutation", "Viewer", "Admin"}

// WriteRoles writes who may ask for which field, as the schema's directives say: the
// committed page docs/roles.md.
func WriteRoles(w io.Writer) error {
	parsed, err := Load()
	if err != nil {
		return err
	}
	page := &strings.Builder{}
	page.WriteString(`<!-- Written by go generate ./graph from the directives of schema/*.graphqls. -->
# Who may ask for what

A field answers whom this page names; below it the same holds, unless a field says more. Fields that are not listed are for whoever reaches their type. A request with an API key needs the scope WRITE for a mutation and READ for everything that is read.
`)
	for _, door := range doors {
		fmt.Fprintf(page, "\n## %s\n\n| field | who |\n|---|---|\n", door)
		for _, field := range parsed.Types[door].Fields {
			if !strings.HasPrefix(field.Name, "__") {
				fmt.Fprintf(page, "| `%s` | %s |\n", field.Name, Access(door, field))
			}
		}
	}
	page.WriteString("\n## Other fields\n\n| field | who |\n|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(parsed.Types)) {
		if slices.Contains(doors, name) {
			continue
		}
		for _, field := range parsed.Types[name].Fields {
			if who := demands(field); len(who) > 0 {
				fmt.Fprintf(page, "| `%s.%s` | %s |\n", name, field.Name, strings.Join(who, "; "))
			}
		}
	}
	_, err = io.WriteString(w, page.String())
	return err
}

// Access tells who may ask for a field of a type that everything is reached through.
func Access(door string, field *ast.FieldDefinition) string {
	who := demands(field)
	switch {
	case len(who) > 0:
		return strings.Join(who, "; ")
	case door == "Query":
		return "everybody, without signing in"
	default:
		return "as `" + door + "`"
	}
}

// demands are what the directives of a field ask for.
func demands(field *ast.FieldDefinition) []string {
	var who []string
	for _, directive := range field.Directives {
		switch directive.Name {
		case "authenticated":
			who = append(who, "who is signed in")
		case "hasRole":
			role := "role " + value(directive, "role")
			if or := value(directive, "or"); or != "" {
				role += " or " + or
			}
			who = append(who, role)
		case "memberRole":
			who = append(who, value(directive, "role")+" of the workspace")
		case "userScoped":
			who = append(who, "members, of their workspaces")
		case "withoutKey":
			who = append(who, "not with an API key")
		}
	}
	return who
}

func value(directive *ast.Directive, argument string) string {
	if given := directive.Arguments.ForName(argument); given != nil {
		return given.Value.Raw
	}
	return ""
}
