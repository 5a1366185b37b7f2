package schema

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// MostComparisons bounds what validation may compare. A document of 700 fields of one
// name is validated in some 20 ms, one of 14 900 in 8 s, which no time limit stops.
const MostComparisons = 500_000

// A comparison that finds a conflict writes a message of both names: it takes as long as
// this many that find none, and as much again for every nameLength bytes of a name.
const (
	conflictWeight = 16
	nameLength     = 64
)

// A fragment that is spread costs validation as much as this many equal fields.
const spreadFields = 2

// Comparisons is no less than what validation compares in a document, with the name that is
// selected most often. Names of different selections are compared once, but those within
// a fragment again for each operation and fragment from which it can be reached: 200
// operations that share one of 900 equal fields took 9 s.
func Comparisons(document *ast.QueryDocument) (comparisons int, often string, times int) {
	whole := nameCount{fields: map[string]*selected{}}
	for _, operation := range document.Operations {
		whole.add(operation.SelectionSet)
	}
	walks := len(document.Operations) + len(document.Fragments)
	for _, fragment := range document.Fragments {
		own := nameCount{fields: map[string]*selected{}}
		own.add(fragment.SelectionSet)
		comparisons += walks * own.comparisons()
		whole.add(fragment.SelectionSet)
	}
	often, times = "...", whole.spreads
	for name, field := range whole.fields {
		if field.times > times {
			often, times = name, field.times
		}
	}
	return comparisons + whole.comparisons(), often, times
}

// selected is how often a name is selected, and how often as the same.
type selected struct {
	times   int
	as      map[string]int // by field and arguments
	longest int            // bytes of the name or a field
}

func (s *selected) comparisons() int {
	pairs := s.times * s.times
	differing := pairs
	for _, times := range s.as {
		differing -= times * times
	}
	return (pairs + conflictWeight*differing) * (1 + s.longest/nameLength)
}

// nameCount counts how often each name is selected in a part of a document, at any depth.
type nameCount struct {
	fields  map[string]*selected // by the name in the response
	spreads int
	values  int // and directives: looked at once in each walk, compared with none
}

func (c *nameCount) comparisons() int {
	sum := c.values + spreadFields*c.spreads*spreadFields*c.spreads
	for _, field := range c.fields {
		sum += field.comparisons()
	}
	return sum
}

func (c *nameCount) add(set ast.SelectionSet) {
	for _, selection := range set {
		switch s := selection.(type) {
		case *ast.Field:
			c.addField(s)
			c.addArguments(s.Arguments)
			c.addDirectives(s.Directives)
			c.add(s.SelectionSet)
		case *ast.InlineFragment:
			c.addDirectives(s.Directives)
			c.add(s.SelectionSet)
		case *ast.FragmentSpread:
			c.addDirectives(s.Directives)
			c.spreads++
		}
	}
}

func (c *nameCount) addField(field *ast.Field) {
	known := c.fields[field.Alias]
	if known == nil {
		known = &selected{as: map[string]int{}}
		c.fields[field.Alias] = known
	}
	as := []string{field.Name}
	for _, argument := range field.Arguments {
		as = append(as, argument.Name+":"+argument.Value.String())
	}
	slices.Sort(as[1:]) // their order makes no difference
	known.times++
	known.as[strings.Join(as, " ")]++
	known.longest = max(known.longest, len(field.Alias), len(field.Name))
}

func (c *nameCount) addDirectives(directives ast.DirectiveList) {
	for _, directive := range directives {
		c.values++
		c.addArguments(directive.Arguments)
	}
}

func (c *nameCount) addArguments(arguments ast.ArgumentList) {
	for _, argument := range arguments {
		c.addValue(argument.Value)
	}
}

func (c *nameCount) addValue(value *ast.Value) {
	c.values++
	for _, child := range value.Children {
		c.addValue(child.Value)
	}
}

// mostErrors is how many mistakes of a document are told. Each two fields of one name that
// cannot be merged are a mistake: 990 fields, in 8 KB, were 245 520 errors and 1.1 GB.
const mostErrors = 100

// longestError is how many bytes of a mistake are told: names in it are the client's.
const longestError = 1000

// FewErrors are the rules of GraphQL, which stop telling after mostErrors.
func FewErrors() *rules.Rules {
	few, told := rules.NewDefaultRules(), 0
	for name, check := range few.GetInner() {
		few.ReplaceRule(name, func(observers *validator.Events, tell validator.AddErrFunc) {
			check(observers, func(options ...validator.ErrorOption) {
				if told++; told <= mostErrors {
					tell(append(options, CutMessage)...)
				}
			})
		})
	}
	return few
}

// CutMessage leaves of the message of a mistake what is told.
func CutMessage(mistake *gqlerror.Error) {
	if len(mistake.Message) > longestError {
		mistake.Message = strings.ToValidUTF8(mistake.Message[:longestError], "") + "..."
	}
}
