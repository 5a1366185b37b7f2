package operations

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/schema"
)

// Doors are the types whose fields are operations: everything is reached through them.
var Doors = []string{"Query", "Viewer", "Workspace", "Admin", "Mutation"}

// Of are the fields of a door that are operations: those that take arguments or answer
// an object. The others are a text or a number of the object itself.
func Of(parsed *ast.Schema, door string) []*ast.FieldDefinition {
	var fields []*ast.FieldDefinition
	for _, field := range parsed.Types[door].Fields {
		if !strings.HasPrefix(field.Name, "__") && (len(field.Arguments) > 0 || parsed.Types[field.Type.Name()].IsCompositeType()) {
			fields = append(fields, field)
		}
	}
	return fields
}

// Write writes the page of all operations, docs/operations.md.
func Write(w io.Writer, examples map[string]*Example) error {
	parsed, err := schema.Load()
	if err != nil {
		return err
	}
	p := &page{schema: parsed, examples: examples}
	p.text.WriteString(preamble)
	nouns := p.nouns()
	p.contents(nouns)
	for _, noun := range nouns {
		fmt.Fprintf(&p.text, "\n## %s\n", noun.title)
		for _, operation := range noun.operations {
			p.operation(operation)
		}
	}
	if p.err != nil {
		return p.err
	}
	_, err = w.Write(p.text.Bytes())
	return err
}

const preamble = `<!-- Written by go generate ./graph from schema/*.graphqls and docs/operations. -->
# Operations

Every way into the data and every change, with an example that a test executes over the sample data (docs/operations holds them). Below an operation stand its signature, who may ask for it, its arguments, how a mutation may refuse its input (` + "`userErrors`" + `), and the example with its real answer, in which ids, times and figures of the machine are replaced. Types are described in [schema.graphql](../schema.graphql) and in GraphiQL; conventions in [graphql.md](graphql.md).

Left out below, because they are the same everywhere: ` + "`first`, `after`, `last` and `before`" + ` of lists, and the ` + "`clientMutationId`" + ` of a mutation's input. Every mutation can answer CONFLICT or BAD_USER_INPUT of ` + "`clientMutationId`" + `. Variables of an example are ids that another one answered.
`

type page struct {
	schema   *ast.Schema
	examples map[string]*Example
	text     bytes.Buffer
	err      error
}

// noun is a chapter: the operations of one file of the schema.
type noun struct {
	title      string
	operations []operation
}

// operation is a field of a door.
type operation struct {
	door  string
	field *ast.FieldDefinition
}

func (o operation) name() string { return o.door + "." + o.field.Name }

// title tells how the operation is reached. No two are the same, so that it is an
// anchor too.
func (o operation) title() string {
	switch o.door {
	case "Mutation", "Query":
		return o.field.Name
	default:
		return strings.ToLower(o.door) + "." + o.field.Name
	}
}

func (p *page) nouns() []noun {
	found := map[string]*noun{}
	for _, door := range Doors {
		for _, field := range Of(p.schema, door) {
			file := p.nounOf(door, field)
			if found[file] == nil {
				found[file] = &noun{title: strings.ToUpper(file[:1]) + file[1:]}
			}
			found[file].operations = append(found[file].operations, operation{door, field})
		}
	}
	var nouns []noun
	for _, one := range found {
		nouns = append(nouns, *one)
	}
	slices.SortFunc(nouns, func(a, b noun) int { return strings.Compare(a.title, b.title) })
	return nouns
}

// nounOf is the file of the schema in which an operation's answer is described: for a
// connection that of its noun, wherever the list hangs.
func (p *page) nounOf(door string, field *ast.FieldDefinition) string {
	position := field.Position
	if def := p.schema.Types[field.Type.Name()]; door != "Query" && def.IsCompositeType() && def.Name != "Workspace" && def.Position != nil {
		position = def.Position
	}
	return strings.TrimSuffix(position.Src.Name, ".graphqls")
}

func (p *page) contents(nouns []noun) {
	p.text.WriteString("\n")
	for _, noun := range nouns {
		links := make([]string, len(noun.operations))
		for i, operation := range noun.operations {
			title := operation.title()
			links[i] = fmt.Sprintf("[%s](#%s)", title, strings.ToLower(strings.ReplaceAll(title, ".", "")))
		}
		fmt.Fprintf(&p.text, "- **%s**: %s\n", noun.title, strings.Join(links, ", "))
	}
}

func (p *page) operation(o operation) {
	example := p.examples[o.name()]
	if example == nil || example.Answer == nil {
		if p.err == nil {
			p.err = fmt.Errorf("%s has no example with its answer: CONTRIBUTING.md says how to add one", o.name())
		}
		return
	}
	fmt.Fprintf(&p.text, "\n### %s\n\n%s\n\n`%s`\n\n", o.title(), o.field.Description, signature(o.field))
	fmt.Fprintf(&p.text, "For: %s. The example costs %d.\n", schema.Access(o.door, o.field), example.Answer.Cost)
	p.arguments(o.field)
	p.refusals(example)
	about := example.About
	if about == "" {
		about = "Example"
	}
	fmt.Fprintf(&p.text, "\n<details><summary>%s</summary>\n\n```graphql\n%s\n```\n\n", about, example.Document)
	for _, variable := range example.Variables {
		if variable.File != "" {
			fmt.Fprintf(&p.text, "`$%s` is an upload, `%s`: %q.\n\n", variable.Name, variable.File, variable.Content)
			continue
		}
		from := "the example of " + variable.From
		if variable.From == "" {
			from = "`" + variable.Document + "`"
		}
		fmt.Fprintf(&p.text, "`$%s` is `%s` of %s.\n\n", variable.Name, strings.Join(variable.Path, "."), from)
	}
	fmt.Fprintf(&p.text, "```json\n%s\n```\n\n</details>\n", p.short(example))
}

// short is the answer with a line for each value of the upper levels.
func (p *page) short(example *Example) string {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(example.Answer.Data))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil && p.err == nil {
		p.err = fmt.Errorf("read the answer of %s: %w", example.Name(), err)
	}
	return inLines(value, "")
}

// widest is how long a line of JSON may be before its parts get lines of their own.
const widest = 110

func inLines(value any, indent string) string {
	whole := inOneLine(value)
	if len(indent)+len(whole) <= widest {
		return whole
	}
	below := indent + "  "
	switch v := value.(type) {
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Sprintf("%s%q: %s", below, key, inLines(v[key], below)))
		}
		return "{\n" + strings.Join(parts, ",\n") + "\n" + indent + "}"
	case []any:
		parts := make([]string, len(v))
		for i, one := range v {
			parts[i] = below + inLines(one, below)
		}
		return "[\n" + strings.Join(parts, ",\n") + "\n" + indent + "]"
	}
	return whole
}

func inOneLine(value any) string {
	var parts []string
	switch v := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, fmt.Sprintf("%q: %s", key, inOneLine(v[key])))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		for _, one := range v {
			parts = append(parts, inOneLine(one))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err.Error() // cannot be: it was decoded
	}
	return strings.TrimSpace(text.String())
}

// everywhere are the arguments that the preamble describes.
var everywhere = []string{"first", "after", "last", "before", "clientMutationId"}

// arguments lists those of a field, or the fields of its one input.
func (p *page) arguments(field *ast.FieldDefinition) {
	var rows []string
	row := func(name string, of *ast.Type, description string) {
		if !slices.Contains(everywhere, name) {
			rows = append(rows, fmt.Sprintf("| `%s` | `%s` | %s |", name, of, inCell(description)))
		}
	}
	for _, argument := range field.Arguments {
		if input := p.schema.Types[argument.Type.Name()]; argument.Name == "input" && input.Kind == ast.InputObject {
			for _, one := range input.Fields {
				row(one.Name, one.Type, one.Description)
			}
			continue
		}
		row(argument.Name, argument.Type, argument.Description)
	}
	if len(rows) > 0 {
		fmt.Fprintf(&p.text, "\n| argument | type | |\n|---|---|---|\n%s\n", strings.Join(rows, "\n"))
	}
}

func inCell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", `\|`), "\n", " ")
}

func (p *page) refusals(example *Example) {
	if len(example.Refusals) == 0 {
		return
	}
	p.text.WriteString("\n")
	for _, refusal := range example.Refusals {
		field := ""
		if refusal.Field != "" {
			field = " `" + refusal.Field + "`"
		}
		fmt.Fprintf(&p.text, "- `%s`%s: %s\n", refusal.Code, field, refusal.When)
	}
}

// signature is a field as the schema declares it, without what every list takes.
func signature(field *ast.FieldDefinition) string {
	var arguments []string
	for _, argument := range field.Arguments {
		if slices.Contains(everywhere, argument.Name) {
			continue
		}
		text := argument.Name + ": " + argument.Type.String()
		if argument.DefaultValue != nil {
			text += " = " + argument.DefaultValue.String()
		}
		arguments = append(arguments, text)
	}
	if len(arguments) == 0 {
		return field.Name + ": " + field.Type.String()
	}
	return field.Name + "(" + strings.Join(arguments, ", ") + "): " + field.Type.String()
}
