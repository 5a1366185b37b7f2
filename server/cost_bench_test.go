package server

import (
	"strconv"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"

	"github.com/violentutf/violentutf/resolvers"
)

// BenchmarkCost counts documents of about 15 000 tokens, the longest that are parsed.
func BenchmarkCost(b *testing.B) {
	var wide, chain strings.Builder
	wide.WriteString("query($f: AttackFilter) { viewer { workspace {")
	for i := range 600 {
		wide.WriteString(" a" + strconv.Itoa(i) + ": attacks(first: 5, filter: $f) { nodes { id target { name } conversation { messages(first: 3) { nodes { id } } } } }")
	}
	wide.WriteString(" } } }")
	chain.WriteString("{ node(id: \"x\") { ...F0 } }")
	for i := range 1000 {
		next := " ...F" + strconv.Itoa(i+1)
		chain.WriteString(" fragment F" + strconv.Itoa(i) + " on Conversation { id" + next + next + " }")
	}
	chain.WriteString(" fragment F1000 on Conversation { id }")
	schema := resolvers.NewSchema(resolvers.Options{})
	for name, text := range map[string]string{"wide": wide.String(), "fragments": chain.String()} {
		b.Run(name, func(b *testing.B) {
			limit := &costLimit{}
			if err := limit.Validate(schema); err != nil {
				b.Fatal(err)
			}
			document, errs := gqlparser.LoadQueryWithRules(schema.Schema(), text, nil)
			if errs != nil {
				b.Fatal(errs)
			}
			operation := &graphql.OperationContext{Doc: document, Operation: document.Operations[0], Variables: map[string]any{
				"f": map[string]any{"text": map[string]any{"contains": "x"}},
			}}
			for b.Loop() {
				limit.measure(operation)
			}
		})
	}
}
