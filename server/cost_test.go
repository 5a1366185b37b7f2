package server_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/introspection"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/web"
)

// richPage is question 1 of the contract with everything that a frontend shows.
const richPage = `query Page($first: Int!, $messages: Int = 20) {
  viewer { username workspace {
    attacks(first: $first) {
      totalCount pageInfo { hasNextPage endCursor }
      edges { cursor node {
        id number outcome target { name model } labels { key value } objectiveScore { id scorerName }
        conversation { id messages(first: $messages) { edges { node {
          id sequence role originalValue convertedValue
          scores { id scorerName categories ... on TrueFalseScore { isTrue } ... on FloatScaleScore { scale } }
        } } } }
      } }
    }
  } }
}`

func TestCostOfAnOperation(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	for _, test := range []struct {
		name, query string
		variables   map[string]any
		cost        float64
	}{
		{"a text costs nothing", `{ server { version features } }`, nil, 1},
		{"an object is a row", `{ viewer { username workspace { id } } }`, nil, 2},
		{"a page is its rows", `{ viewer { workspace { attacks(first: 7) { nodes { id } } } } }`, nil, 2 + 7},
		{"twenty rows unless asked", `{ viewer { workspace { attacks { nodes { id } } } } }`, nil, 2 + 20},
		{"from the end", `{ viewer { workspace { attacks(last: 9) { nodes { id } } } } }`, nil, 2 + 9},
		{"a null is no size", `{ viewer { workspace { attacks(first: null, last: 9) { nodes { id } } } } }`, nil, 2 + 9},
		{"edges with their nodes are one row", `{ viewer { workspace { attacks(first: 7) { edges { cursor node { id } } } } } }`, nil, 2 + 7},
		{"rows that are not shown", `{ viewer { workspace { attacks(first: 7) { pageInfo { hasNextPage } } } } }`, nil, 2 + 7},
		{"edges and nodes of the same rows", `{ viewer { workspace { attacks(first: 7) { edges { node { id } } nodes { id target { name } } } } } }`, nil, 2 + 7*2},
		{"counting", `{ viewer { workspace { attacks(first: 7) { totalCount } } } }`, nil, 2 + 7 + 10},
		{"lists in lists multiply", `{ viewer { workspace { attacks(first: 5) { nodes { conversation { messages(first: 3) { nodes { id } } } } } } } }`, nil, 2 + 5*(1+1+3)},
		{"counting in a list", `{ viewer { workspace { conversations(first: 5) { nodes { messages(first: 3) { totalCount } } } } } }`, nil, 2 + 5*(1+3+10)},
		{"a list that nothing limits", `{ viewer { workspace { attacks(first: 5) { nodes { labels { key } } } } } }`, nil, 2 + 5*(1+4)},
		{"texts in a list", `{ viewer { workspace { attacks(first: 5) { nodes { tags } } } } }`, nil, 2 + 5},
		{"a variable", `query($n: Int) { viewer { workspace { attacks(first: $n) { nodes { id } } } } }`, map[string]any{"n": 11}, 2 + 11},
		{"a variable's default", `query($n: Int = 13) { viewer { workspace { attacks(first: $n) { nodes { id } } } } }`, nil, 2 + 13},
		{"an unset variable", `query($n: Int) { viewer { workspace { attacks(first: $n) { nodes { id } } } } }`, nil, 2 + 20},
		{"ids", `query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, map[string]any{"ids": []string{"a", "b", "c"}}, 3},
		{"one id for a list", `{ nodes(ids: "a") { id } }`, nil, 1},
		{"a fragment of a page in two pages", `{ viewer { workspace { a: attacks(first: 2) { ...Rows } b: attacks(first: 3) { ...Rows } } } } fragment Rows on AttackConnection { totalCount nodes { id } }`, nil, 2 + 2 + 10 + 3 + 10},
		{"a fragment counts wherever it is spread", `{ viewer { workspace { attacks(first: 2) { nodes { ...T ...T } } } } } fragment T on Attack { target { id } }`, nil, 2 + 2*3},
		{"what is skipped is free", `query($no: Boolean = false) { viewer { workspace { attacks(first: 7) @include(if: $no) { nodes { id } } members @skip(if: true) { username } } } }`, nil, 2},
		{"a search costs once", `{ viewer { workspace { attacks(first: 2, filter: {text: {contains: "x"}}) { nodes { id } } } } }`, nil, 2 + 2 + 1000},
		{"a search in a list costs once", `{ viewer { workspace { conversations(first: 2) { nodes { messages(first: 3, filter: {text: {contains: "x"}}) { nodes { id } } } } } } }`, nil, 2 + 2*(1+3) + 1000},
		{"searches in a variable", `query($f: AttackFilter) { viewer { workspace { attacks(first: 2, filter: $f) { nodes { id } } } } }`, map[string]any{"f": map[string]any{"or": []any{map[string]any{"text": map[string]any{"contains": "x"}}, map[string]any{"text": map[string]any{"contains": "y"}}}}}, 2 + 2 + 2000},
		{"a search by a variable in a filter", `query($f: TextMatch) { viewer { workspace { attacks(first: 2, filter: {and: [{text: $f}]}) { nodes { id } } } } }`, map[string]any{"f": map[string]any{"contains": "x"}}, 2 + 2 + 1000},
		{"a dimension is a scan and its values", `{ viewer { workspace { facets { outcome(limit: 6) { value count } } } } }`, nil, 3 + 100 + 6},
		{"storage", `{ viewer { workspace { storage { bytes tables { name } } } } }`, nil, 2 + 100 + 1 + 4},
		{"question 1", richPage, map[string]any{"first": 50}, 2 + 10 + 50*(1+1+4+1+1+20*(1+4))},
		{"the first example of docs/graphql.md", firstExample(t), nil, 6162},
		{"the schema", `{ __schema { types { fields { name } } } __typename }`, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if cost := s.mustAsk(token, test.query, test.variables).Extensions.Stats.Cost; cost != test.cost {
				t.Errorf("it costs %v, want %v", cost, test.cost)
			}
		})
	}
}

func TestWhatAClientNeedsPassesTheLimits(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	s.mustAsk(token, richPage, map[string]any{"first": 500})
	examples, err := web.Examples()
	if err != nil {
		t.Fatal(err)
	}
	for _, example := range examples {
		s.mustAsk(token, example.Query, nil)
	}
	schema := s.mustAsk(token, introspection.Query, nil)
	if types, _ := at(schema.Data, "__schema", "types").([]any); len(types) < 50 {
		t.Errorf("the schema has %d types", len(types))
	}
	limits := s.mustAsk("", `{ server { limits { cost depth aliases rootFields directives tokens } } }`, nil)
	for _, name := range []string{"cost", "depth", "aliases", "rootFields", "directives", "tokens"} {
		if n, _ := at(limits.Data, "server", "limits", name).(float64); n <= 0 {
			t.Errorf("the limit %s is %v", name, n)
		}
	}
}

func TestAnOperationBeyondALimitIsRefused(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	for _, test := range []struct {
		name, query string
		variables   map[string]any
		limit, says string
	}{
		{"a thousand times a thousand", richPage, map[string]any{"first": 1000, "messages": 1000}, "cost", "smaller pages"},
		{"a fragment bomb", bomb(40), nil, "cost", "smaller pages"},
		{"deep nesting", nested(25), nil, "depth", "node(id:)"},
		{"many aliases", "{" + many(101, func(i int) string { return fmt.Sprintf("a%d: server { version }", i) }) + "}", nil, "aliases", "nodes(ids:)"},
		{"aliases in fragments", `{ viewer { ...A ...A ...A } } fragment A on Viewer {` + many(40, func(i int) string { return fmt.Sprintf("a%d: username", i) }) + "}", nil, "aliases", "nodes(ids:)"},
		{"many root fields", "{" + many(51, func(int) string { return "server { version }" }) + "}", nil, "rootFields", "several requests"},
		{"deep introspection", `{ __schema { queryType { ` + strings.Repeat("ofType { ", 25) + "name" + strings.Repeat(" }", 25) + " } } }", nil, "depth", "node(id:)"},
		{"a search in every branch", `query($f: AttackFilter!) { viewer { workspace { attacks(filter: {or: [` + strings.Repeat("$f ", 100) + `]}) { nodes { id } } } } }`, map[string]any{"f": map[string]any{"or": []any{map[string]any{"text": map[string]any{"contains": "x"}}, map[string]any{"text": map[string]any{"contains": "y"}}}}}, "cost", "smaller pages"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := s.ask(token, test.query, test.variables)
			if len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != string(storage.CodeCostLimit) || a.Data != nil {
				t.Fatalf("%.300s", a.body)
			}
			e := a.Errors[0]
			if at(e.Extensions["limit"], "name") != test.limit || !strings.Contains(e.Message, test.says) {
				t.Errorf("%+v", e)
			}
			if at(e.Extensions["limit"], "computed").(float64) <= at(e.Extensions["limit"], "limit").(float64) {
				t.Errorf("%+v", e.Extensions)
			}
			if a.Extensions.Stats.UserStatements+a.Extensions.Stats.AppStatements > 0 {
				t.Error("something of it was executed")
			}
		})
	}
}

// firstExample is the first query of the documentation.
func firstExample(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../docs/graphql.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "```graphql\n")
	query, _, _ := strings.Cut(after, "```")
	return query
}

// bomb is a document of n fragments, each of which spreads the next one twice: as it
// expands it has 2^n conversations.
func bomb(n int) string {
	return "{ node(id: \"x\") { ...F0 } }" + many(n, func(i int) string {
		return fmt.Sprintf("fragment F%d on Conversation { ...F%d ...F%d }\n", i, i+1, i+1)
	}) + fmt.Sprintf("fragment F%d on Conversation { branchedFrom { id } }", n)
}

// nested is a document whose fields lie n deep in each other.
func nested(n int) string {
	return "{ node(id: \"x\") { ... on Conversation { " + strings.Repeat("branchedFrom { ", n) + "id" + strings.Repeat(" }", n) + " } } }"
}

func many(n int, text func(int) string) string {
	var all strings.Builder
	for i := range n {
		all.WriteString(text(i) + " ")
	}
	return all.String()
}
