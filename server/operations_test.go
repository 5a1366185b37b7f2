package server_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/schema/operations"
	"github.com/violentutf/violentutf/storage"
)

// update writes the answers beside the examples, for the page: go test ./server -run
// TestExamplesOfOperations -update.
var update = flag.Bool("update", false, "write the answers of docs/operations anew")

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	parsed, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// Whoever adds an operation adds a file, and whoever takes one away takes it along.
func TestEveryOperationHasAnExample(t *testing.T) {
	parsed, examples := loadSchema(t), examplesOfOperations(t)
	known := map[string]bool{}
	for _, door := range operations.Doors {
		for _, field := range operations.Of(parsed, door) {
			name := door + "." + field.Name
			known[name] = true
			if examples[name] == nil {
				t.Errorf("%s has no example: add docs/operations/%s/%s.graphql (CONTRIBUTING.md)", name, door, field.Name)
			}
		}
	}
	for name := range examples {
		if !known[name] {
			t.Errorf("docs/operations has an example of %s, which is no operation", name)
		}
	}
}

// What can be wrong with an input has a case for each code, or says why there is none.
func TestEveryMutationHasACaseOfEachUserError(t *testing.T) {
	for name, example := range examplesOfOperations(t) {
		if example.Type != "Mutation" {
			continue
		}
		for _, code := range []storage.Code{storage.CodeBadInput, storage.CodeNotFound, storage.CodeConflict} {
			has := slices.ContainsFunc(example.Refusals, func(r operations.Refusal) bool { return r.Code == code })
			if none := example.None[code] != ""; has == none {
				t.Errorf("%s: %s must have a case, or a line # no %s: why", name, code, code)
			}
		}
	}
}

func TestPageOfOperationsIsFresh(t *testing.T) {
	committed, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var fresh bytes.Buffer
	if err := operations.Write(&fresh, examplesOfOperations(t)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(committed, fresh.Bytes()) {
		t.Error("docs/operations.md is stale: run go generate ./...")
	}
}

// Each example uses its operation, answers what the page shows, and, if it is a mutation,
// answers the same when it is sent again.
func TestExamplesOfOperations(t *testing.T) {
	parsed, examples := loadSchema(t), examplesOfOperations(t)
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		t.Run(name, func(t *testing.T) {
			example := examples[name]
			document, problems := gqlparser.LoadQueryWithRules(parsed, example.Document, rules.NewDefaultRules())
			if problems != nil {
				t.Fatal(problems)
			}
			if !uses(document, example) {
				t.Fatalf("the example does not select %s", name)
			}
			s := newStage(t)
			token, variables := s.tokenOf(example.As), s.prepare(example.Step, "")
			query := example.Document
			if example.Type == "Mutation" {
				query = named(t, parsed, example, "once")
			}
			a := s.mustAsk(token, query, variables)
			if a.problem() != "" {
				t.Fatal(a.body)
			}
			if example.Type == "Mutation" {
				again := s.mustAsk(token, query, variables)
				if one, other := withoutSecret(a.Data), withoutSecret(again.Data); one != other {
					t.Errorf("sent again it answers %s\ninstead of %s", other, one)
				}
			}
			s.compare(example, a)
		})
	}
}

// uses tells whether a document selects the field that the example is of.
func uses(document *ast.QueryDocument, example *operations.Example) bool {
	found := false
	var walk func(set ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, selection := range set {
			switch s := selection.(type) {
			case *ast.Field:
				found = found || s.Name == example.Field && s.ObjectDefinition.Name == example.Type
				walk(s.SelectionSet)
			case *ast.InlineFragment:
				walk(s.SelectionSet)
			}
		}
	}
	for _, operation := range document.Operations {
		walk(operation.SelectionSet)
	}
	return found
}

// named is the document of a mutation with a clientMutationId.
func named(t *testing.T, parsed *ast.Schema, example *operations.Example, id string) string {
	t.Helper()
	before, after, found := strings.Cut(example.Document, example.Field+"(input: {")
	if !found {
		t.Fatalf("%s must have its input as %s(input: {...})", example.Name(), example.Field)
	}
	comma := ", "
	if strings.HasPrefix(after, "}") {
		comma = ""
	}
	return before + example.Field + `(input: {clientMutationId: "` + id + `"` + comma + after
}

func withoutSecret(data map[string]any) string {
	text, err := json.Marshal(data)
	if err != nil {
		return err.Error()
	}
	return secretField.ReplaceAllString(string(text), `"secret":null`)
}

// compare compares an answer with the committed one, or writes that.
func (s *stage) compare(example *operations.Example, a answer) {
	s.t.Helper()
	data, err := json.Marshal(stable(a.Data, ""))
	if err != nil {
		s.t.Fatal(err)
	}
	got := operations.Answer{Cost: int(a.Extensions.Stats.Cost), Data: data}
	if *update {
		text, err := json.MarshalIndent(got, "", " ")
		if err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("..", "docs", "operations", example.AnswerFile()), append(text, '\n'), 0o644); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	if example.Answer == nil {
		s.t.Fatalf("there is no answer for the page: go test ./server -run TestExamplesOfOperations -update")
	}
	var want bytes.Buffer
	if err := json.Compact(&want, example.Answer.Data); err != nil {
		s.t.Fatal(err)
	}
	if got.Cost != example.Answer.Cost || string(got.Data) != want.String() {
		s.t.Errorf("answers (cost %d)\n%s\nand the page shows (cost %d)\n%s", got.Cost, got.Data, example.Answer.Cost, want.String())
	}
}

// Each way to be refused is refused as the example says, and changes nothing.
func TestMutationsRefuseAsTheirExamplesSay(t *testing.T) {
	mutations(t, func(t *testing.T, example *operations.Example, _ *ast.FieldDefinition) {
		shared := newStage(t) // of all that need no more than the example
		for _, refusal := range example.Refusals {
			t.Run(string(refusal.Code)+" "+refusal.When, func(t *testing.T) {
				if reflect.DeepEqual(refusal.Step, example.Step) {
					shared.refuses(t, example, refusal)
					return
				}
				newStage(t).refuses(t, example, refusal)
			})
		}
	})
}

func (s *stage) refuses(t *testing.T, example *operations.Example, refusal operations.Refusal) {
	t.Helper()
	variables := s.prepare(refusal.Step, "")
	uploads := maps.Clone(variables)
	maps.DeleteFunc(uploads, func(_ string, value any) bool { _, is := value.(part); return !is })
	declared := ""
	for name := range uploads {
		if strings.Contains(refusal.Input, "$"+name) {
			declared += "$" + name + ": Upload! "
			delete(variables, name)
		} else {
			delete(uploads, name)
		}
	}
	if declared != "" {
		declared = "(" + declared + ")"
	}
	document := `mutation ` + declared + ` { m: ` + example.Field + `(input: ` + filled(t, refusal.Input, variables) + `) { userErrors { code message field } } }`
	before := s.state()
	a := s.mustAsk(s.tokenOf(refusal.As), document, uploads)
	problems, _ := at(a.Data, "m", "userErrors").([]any)
	if len(problems) != 1 {
		t.Fatalf("%s answers %s, want one userError", document, a.body)
	}
	field := []any{}
	if refusal.Field != "" {
		field = []any{"input", refusal.Field}
	}
	if at(problems[0], "code") != string(refusal.Code) || !reflect.DeepEqual(at(problems[0], "field"), any(field)) || at(problems[0], "message") == "" {
		t.Errorf("%s answers %v, want %s of %v", document, problems[0], refusal.Code, field)
	}
	if changed := differences(before, s.state()); changed != "" {
		t.Errorf("it changed something:\n%s", changed)
	}
}

// filled is a GraphQL text in which the variables have their values.
func filled(t *testing.T, text string, variables map[string]any) string {
	t.Helper()
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(variables))) { // the longer of two first
		value, err := json.Marshal(variables[name])
		if err != nil {
			t.Fatal(err)
		}
		text = strings.ReplaceAll(text, "$"+name, string(value))
	}
	return text
}
