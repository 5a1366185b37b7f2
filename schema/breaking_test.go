package schema_test

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// Clients of the last commit must still be served: the schema only grows. A thing
// that was deprecated there may go.
func TestNothingBreaksClientsOfTheLastCommit(t *testing.T) {
	last, err := exec.Command("git", "show", "HEAD:schema.graphql").Output()
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("git show HEAD:schema.graphql: %v", err)
		}
		t.Skipf("no committed schema to compare with: git show HEAD:schema.graphql: %v", err)
	}
	before, err := gqlparser.LoadSchema(&ast.Source{Name: "HEAD:schema.graphql", Input: string(last)})
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range breaks(before, load(t)) {
		t.Error(broken)
	}
}

func TestBreakingChangesAreSeen(t *testing.T) {
	const before = `
type Query { a: Int b(x: Int, y: Int): String! c(in: In): E! u: U g: Int @deprecated(reason: "old") }
input In { m: Int n: Int }
enum E { ONE TWO }
type Y { v: Int } type Z { v: Int } union U = Y | Z`
	const after = `
type Query { b(x: Int!, z: Int!): String c(in: In): E! d: Int u: U }
input In { m: Int! o: Int! }
enum E { ONE }
type Y { v: Int } type Z { v: Int } union U = Y`
	found := breaks(parse(t, before), parse(t, after))
	want := []string{
		"E.TWO is gone", "In.m became Int! from Int", "In.n is gone", "In.o is new and required",
		"Query.a is gone", "Query.b became String from String!", "Query.b(x:) became Int! from Int",
		"Query.b(y:) is gone", "Query.b(z:) is new and required", "U has no Z any more",
	}
	if slices.Sort(found); !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}

func parse(t *testing.T, text string) *ast.Schema {
	t.Helper()
	parsed, err := gqlparser.LoadSchema(&ast.Source{Input: text})
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// breaks lists what a client of before would miss in after.
func breaks(before, after *ast.Schema) []string {
	var found []string
	report := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	for name, old := range before.Types {
		if old.BuiltIn {
			continue
		}
		def := after.Types[name]
		if def == nil {
			report("type %s is gone", name)
			continue
		}
		if def.Kind != old.Kind {
			report("%s became %s from %s", name, def.Kind, old.Kind)
		}
		for _, value := range old.EnumValues {
			if def.EnumValues.ForName(value.Name) == nil {
				report("%s.%s is gone", name, value.Name)
			}
		}
		for _, other := range append(slices.Clone(old.Types), old.Interfaces...) {
			if !slices.Contains(def.Types, other) && !slices.Contains(def.Interfaces, other) {
				report("%s has no %s any more", name, other)
			}
		}
		fieldBreaks(report, old, def)
	}
	return found
}

func fieldBreaks(report func(string, ...any), old, def *ast.Definition) {
	for _, field := range old.Fields {
		now := def.Fields.ForName(field.Name)
		what := old.Name + "." + field.Name
		switch {
		case now == nil && field.Directives.ForName("deprecated") != nil:
		case now == nil:
			report("%s is gone", what)
		case old.Kind == ast.InputObject:
			inputBreak(report, what, field.Type, now.Type)
		default:
			if !fits(now.Type, field.Type) {
				report("%s became %s from %s", what, now.Type, field.Type)
			}
			argumentBreaks(report, what, field, now)
		}
	}
	if old.Kind != ast.InputObject {
		return
	}
	for _, field := range def.Fields {
		if old.Fields.ForName(field.Name) == nil && field.Type.NonNull && field.DefaultValue == nil {
			report("%s.%s is new and required", def.Name, field.Name)
		}
	}
}

func argumentBreaks(report func(string, ...any), what string, old, def *ast.FieldDefinition) {
	for _, arg := range old.Arguments {
		if now := def.Arguments.ForName(arg.Name); now == nil {
			report("%s(%s:) is gone", what, arg.Name)
		} else {
			inputBreak(report, what+"("+arg.Name+":)", arg.Type, now.Type)
		}
	}
	for _, arg := range def.Arguments {
		if old.Arguments.ForName(arg.Name) == nil && arg.Type.NonNull && arg.DefaultValue == nil {
			report("%s(%s:) is new and required", what, arg.Name)
		}
	}
}

// inputBreak reports an input that takes less than it did.
func inputBreak(report func(string, ...any), what string, old, now *ast.Type) {
	if !fits(old, now) {
		report("%s became %s from %s", what, now, old)
	}
}

// fits says whether every value of the narrow type is one of the wide type.
func fits(narrow, wide *ast.Type) bool {
	if wide.NonNull && !narrow.NonNull {
		return false
	}
	if (narrow.Elem == nil) != (wide.Elem == nil) {
		return false
	}
	if narrow.Elem != nil {
		return fits(narrow.Elem, wide.Elem)
	}
	return narrow.NamedType == wide.NamedType
}
