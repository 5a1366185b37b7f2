package server

import (
	"encoding/json"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/storage"
)

// beyond is more than any limit. Figures stop there: a document of a thousand
// fragments would overflow any number.
const beyond = int64(1) << 40

func plus(a, b int64) int64 { return min(a+b, beyond) }

// times takes a factor of at most storage.MaxPageSize, so that it cannot overflow.
func times(a, b int64) int64 { return min(a*b, beyond) }

// assumedList is how many elements a list is taken to have that no argument limits:
// the labels of an attack, the scores of a message.
const assumedList = 4

// measure is what a selection comes to. The cost of one inside a page depends on the
// page's size, which the fields around it know: a fragment is counted once whatever
// page it is spread in.
type measure struct {
	once       int64 // whatever the lists around: one statement answers a level
	each       int64 // for each value of the selection's parent
	row        int64 // for each row of the page that the parent is
	depth      int64
	aliases    int64
	fields     int64 // of the selection itself
	directives int64 // the most at one place
}

func (m *measure) cost() int64 { return plus(m.once, plus(m.each, m.row)) }

func (m *measure) add(o measure) {
	m.once, m.each, m.row = plus(m.once, o.once), plus(m.each, o.each), plus(m.row, o.row)
	m.depth, m.directives = max(m.depth, o.depth), max(m.directives, o.directives)
	m.aliases, m.fields = plus(m.aliases, o.aliases), plus(m.fields, o.fields)
}

// walk is the way through one operation. Fragments and variables are counted once,
// so the work grows with the request's length alone.
type walk struct {
	*costLimit
	given     map[string]any // the variables
	fragments map[string]measure
	variables map[string]int64 // what conditions in them cost
}

func (c *costLimit) measure(operation *graphql.OperationContext) measure {
	w := &walk{costLimit: c, given: operation.Variables, fragments: map[string]measure{}, variables: map[string]int64{}}
	m := w.selection(operation.Operation.SelectionSet)
	m.directives = max(m.directives, int64(len(operation.Operation.Directives)))
	for _, variable := range operation.Operation.VariableDefinitions {
		m.directives = max(m.directives, int64(len(variable.Directives)))
	}
	return m
}

// selection counts fields that are merged because they are equal each for itself:
// that is never too little.
func (w *walk) selection(set ast.SelectionSet) (m measure) {
	for _, selection := range set {
		var part measure
		var directives ast.DirectiveList
		switch s := selection.(type) {
		case *ast.Field:
			directives = s.Directives
			if w.included(directives) {
				part = w.field(s)
			}
		case *ast.InlineFragment:
			directives = s.Directives
			if w.included(directives) {
				part = w.selection(s.SelectionSet)
			}
		case *ast.FragmentSpread:
			directives = s.Directives
			if w.included(directives) {
				part = w.fragment(s.Definition)
			}
		}
		part.directives = max(part.directives, int64(len(directives)))
		m.add(part)
	}
	return m
}

func (w *walk) fragment(fragment *ast.FragmentDefinition) measure {
	if known, ok := w.fragments[fragment.Name]; ok {
		return known
	}
	m := w.selection(fragment.SelectionSet)
	m.directives = max(m.directives, int64(len(fragment.Directives)))
	w.fragments[fragment.Name] = m
	return m
}

func (w *walk) field(field *ast.Field) measure {
	below := w.selection(field.SelectionSet)
	m := measure{once: below.once, depth: below.depth + 1, aliases: below.aliases, fields: 1, directives: below.directives}
	if field.Alias != field.Name {
		m.aliases = plus(m.aliases, 1)
	}
	parent := field.ObjectDefinition.Name
	if strings.HasPrefix(field.Name, "__") || strings.HasPrefix(parent, "__") {
		// The schema is small and in memory, and gqlparser's own rule refuses lists
		// inside lists inside lists of it.
		return m
	}
	for _, argument := range field.Arguments {
		m.once = plus(m.once, w.conditions(argument.Value))
	}
	switch kind, object := field.Definition.Type, len(field.SelectionSet) > 0; {
	case strings.HasSuffix(kind.Name(), "Connection"):
		// The rows are read whatever is selected of them.
		m.each = plus(below.each, times(plus(1, below.row), w.pageSize(field)))
	case strings.HasSuffix(parent, "Connection") && object && kind.Elem != nil:
		m.row = below.each
	case strings.HasSuffix(parent, "Edge"), kind.Name() == "PageInfo":
		m.each = below.each // the row is counted already, or nothing is read
	case object && kind.Elem != nil:
		m.each = times(plus(1, below.each), w.listSize(field))
	case object:
		m.each = plus(1, below.each)
	}
	m.each = plus(m.each, w.weights[field.Definition])
	return m
}

// pageSize is how many rows a connection may return.
func (w *walk) pageSize(field *ast.Field) int64 {
	first, last := w.argument(field, "first"), w.argument(field, "last")
	if first == nil && last == nil {
		return storage.DefaultPageSize
	}
	return max(number(first), number(last))
}

// listSize is how many elements a list may have.
func (w *walk) listSize(field *ast.Field) int64 {
	if limit := w.argument(field, "limit"); limit != nil {
		return number(limit)
	}
	if size, declared := w.sizes[field.Definition]; declared {
		return size
	}
	switch ids := w.argument(field, "ids").(type) {
	case []any:
		return bounded(int64(len(ids)))
	case nil:
		return assumedList
	default: // one value stands for a list of it
		return 1
	}
}

// argument is the value of an argument, or its default; nil where there is neither.
func (w *walk) argument(field *ast.Field, name string) any {
	value := (*ast.Value)(nil)
	if defined := field.Definition.Arguments.ForName(name); defined != nil {
		value = defined.DefaultValue
	}
	if given := field.Arguments.ForName(name); given != nil {
		value = given.Value
	}
	got, err := value.Value(w.given)
	if err != nil { // a number that no resolver takes
		return storage.MaxPageSize
	}
	return got
}

// number reads a whole number, as documents and variables have it.
func number(value any) int64 {
	switch n := value.(type) {
	case int:
		return bounded(int64(n))
	case int64:
		return bounded(n)
	case float64:
		return bounded(int64(n))
	case json.Number:
		whole, err := n.Int64()
		if err != nil {
			return storage.MaxPageSize
		}
		return bounded(whole)
	}
	return 0
}

// bounded is a size that a resolver takes: it refuses the others.
func bounded(size int64) int64 { return min(max(size, 0), storage.MaxPageSize) }

// conditions adds the weights of the input fields in an argument.
func (w *walk) conditions(value *ast.Value) (cost int64) {
	if value.Kind == ast.Variable {
		known, ok := w.variables[value.Raw]
		if !ok {
			known = w.conditionsIn(value.Definition, w.given[value.Raw])
			w.variables[value.Raw] = known
		}
		return known
	}
	for _, child := range value.Children {
		if value.Kind == ast.ObjectValue && value.Definition != nil {
			cost = plus(cost, w.weights[value.Definition.Fields.ForName(child.Name)])
		}
		cost = plus(cost, w.conditions(child.Value))
	}
	return cost
}

// conditionsIn does the same in the value of a variable.
func (w *walk) conditionsIn(def *ast.Definition, value any) (cost int64) {
	switch v := value.(type) {
	case []any:
		for _, element := range v {
			cost = plus(cost, w.conditionsIn(def, element))
		}
	case map[string]any:
		for name, element := range v {
			if def == nil {
				return 0
			}
			if field := def.Fields.ForName(name); field != nil {
				cost = plus(cost, plus(w.weights[field], w.conditionsIn(w.types[field.Type.Name()], element)))
			}
		}
	}
	return cost
}

// included tells whether @skip and @include leave a selection in.
func (w *walk) included(directives ast.DirectiveList) bool {
	return !w.holds(directives.ForName("skip"), false) && w.holds(directives.ForName("include"), true)
}

// holds is the condition of a directive, otherwise where there is none.
func (w *walk) holds(directive *ast.Directive, otherwise bool) bool {
	if directive == nil {
		return otherwise
	}
	condition := directive.Arguments.ForName("if")
	if condition == nil {
		return otherwise
	}
	value, err := condition.Value.Value(w.given)
	if holds, ok := value.(bool); ok && err == nil {
		return holds
	}
	return otherwise
}
