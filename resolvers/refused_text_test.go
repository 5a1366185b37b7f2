package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// hostile are texts that an argument must bear: each is a value and nothing else. A
// type of input that was met before gets the first one only.
var hostile = []string{
	`x' OR '1'='1"; DROP TABLE users; -- ") UNION ALL VALUES (1) /* %_\ ../../../etc/passwd`,
	"a\x00b",
	strings.Repeat("9", 5000),
}

// Every text, id and enum of every argument of every field that can be reached is sent
// each hostile text: nothing is a fault of the server, nothing of the inside comes out,
// and everything is there afterwards.
func TestEveryTextOfEveryArgumentIsOnlyAText(t *testing.T) {
	parsed, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	stores := newStores(t, 2, 2)
	s := newTeamOn(t, stores.server)
	everything := *alice
	everything.Roles = []auth.Role{auth.RoleUser, auth.RoleAdmin, auth.RoleAuditor}
	const whole = `{viewer{workspace{attacks{totalCount} messages{totalCount} storage{tables{name rows}}}}}`
	before := s.ask(t, &everything, whole, nil)

	w := &walk{schema: parsed, seen: map[string]bool{}}
	w.into(parsed.Query, nil)
	for _, field := range parsed.Mutation.Fields {
		if !strings.HasPrefix(field.Name, "__") {
			w.arguments([]*ast.FieldDefinition{field}, "mutation")
		}
	}
	if len(w.attacks) < 200 {
		t.Fatalf("the walk found only %d places", len(w.attacks))
	}
	done, ran := 0, 0
	met := map[string]bool{}
	for _, attack := range w.attacks {
		texts := hostile
		if met[attack.kind] {
			texts = hostile[:1]
		}
		met[attack.kind] = true
		for _, text := range texts {
			done++
			a := s.ask(t, &everything, attack.document, attack.variables(text))
			if a.refusal() == "" {
				ran++
			}
			for _, code := range append(a.Codes, a.Problems...) {
				if code != "BAD_USER_INPUT" && code != "NOT_FOUND" && code != "CONFLICT" && code != "FORBIDDEN" {
					t.Errorf("%s with %.40q is %s: %.300s", attack.what, text, code, a.body)
				}
			}
			before := t.Failed()
			a.keepsInside(t, text)
			if t.Failed() && !before {
				t.Logf("at %s with %.40q", attack.what, text)
			}
		}
	}
	// Most texts are taken for what they are, and find nothing.
	if t.Logf("%d attacks on %d places, %d ran", done, len(w.attacks), ran); ran < done/3 {
		t.Error("the attacks do not get past the door")
	}
	// Filters that hold for everything moved it to the trash: it comes back.
	const trash = `{viewer{workspace{trash(first:1000){nodes{id}}}}}`
	for _, entry := range at(s.ask(t, &everything, trash, nil).Data, "viewer", "workspace", "trash", "nodes").([]any) {
		same(t, s.mutate(t, &everything, "restoreFromTrash", map[string]any{"id": at(entry, "id")}).refusal(), "")
	}
	// A finding may have any title: those that were made go again.
	made := s.ask(t, &everything, `{viewer{workspace{findings(first:1000){nodes{id}}}}}`, nil)
	for _, finding := range at(made.Data, "viewer", "workspace", "findings", "nodes").([]any) {
		same(t, s.mutate(t, &everything, "deleteFinding", map[string]any{"id": at(finding, "id")}).refusal(), "")
	}
	// So may the key of a saved session be.
	made = s.ask(t, &everything, `{viewer{workspace{savedSessions(first:1000){nodes{key}}}}}`, nil)
	for _, saved := range at(made.Data, "viewer", "workspace", "savedSessions", "nodes").([]any) {
		same(t, s.mutate(t, &everything, "deleteSavedSession", map[string]any{"key": at(saved, "key")}).refusal(), "")
	}
	own := s.ask(t, &everything, `{viewer{workspace{taxonomies{id}}}}`, nil)
	for _, taxonomy := range at(own.Data, "viewer", "workspace", "taxonomies").([]any) {
		if id := at(taxonomy, "id"); id != nil {
			same(t, s.mutate(t, &everything, "deleteTaxonomy", map[string]any{"id": id}).refusal(), "")
		}
	}
	// So may a dataset.
	made = s.ask(t, &everything, `{viewer{workspace{datasets(first:1000,filter:{author:{isNull:false}}){nodes{id}}}}}`, nil)
	for _, dataset := range at(made.Data, "viewer", "workspace", "datasets", "nodes").([]any) {
		same(t, s.mutate(t, &everything, "deleteDataset", map[string]any{"id": at(dataset, "id"), "cascade": true}).refusal(), "")
	}
	same(t, s.mutate(t, &everything, "purgeTrash", map[string]any{"all": true}).refusal(), "")
	after := s.ask(t, &everything, whole, nil)
	same(t, after.Data, before.Data)
	report, err := s.app.AuditIntegrity(t.Context())
	s.must(err)
	same(t, report.Fault, nil)
}

// textAttack is a document with one place for a hostile text.
type textAttack struct {
	what     string
	kind     string // of the argument, with the place in it
	document string
	place    []string // in the argument, field by field; "[]" is a list of one
	rest     func(leaf any, place []string) any
}

func (a textAttack) variables(text string) map[string]any {
	return map[string]any{"x": a.rest(text, a.place)}
}

// walk finds the places.
type walk struct {
	schema  *ast.Schema
	seen    map[string]bool
	attacks []textAttack
}

// into walks the fields of a type that path leads to, each once.
func (w *walk) into(def *ast.Definition, path []*ast.FieldDefinition) {
	if w.seen[def.Name] {
		return
	}
	w.seen[def.Name] = true
	for _, field := range def.Fields {
		if strings.HasPrefix(field.Name, "__") {
			continue
		}
		below := append(append([]*ast.FieldDefinition{}, path...), field)
		w.arguments(below, "query")
		if required(field) {
			continue
		}
		if next := w.schema.Types[field.Type.Name()]; next.Kind == ast.Object {
			w.into(next, below)
		}
	}
}

func required(field *ast.FieldDefinition) bool {
	for _, argument := range field.Arguments {
		if argument.Type.NonNull && argument.DefaultValue == nil {
			return true
		}
	}
	return false
}

// arguments adds an attack for every text in the arguments of the last field of a path.
func (w *walk) arguments(path []*ast.FieldDefinition, operation string) {
	field := path[len(path)-1]
	for _, argument := range field.Arguments {
		w.places(argument.Type, nil, 0, func(place []string) {
			names := make([]string, len(path))
			for i, step := range path {
				names[i] = step.Name
			}
			document := names[len(names)-1] + "(" + argument.Name + ":$x)"
			if w.schema.Types[field.Type.Name()].IsCompositeType() {
				document += "{__typename"
				if strings.HasSuffix(field.Type.Name(), "Payload") {
					document += " userErrors{code message}"
				}
				if strings.HasSuffix(field.Type.Name(), "Connection") {
					document += " totalCount"
				}
				document += "}"
			}
			for i := len(names) - 2; i >= 0; i-- {
				document = names[i] + "{" + document + "}"
			}
			w.attacks = append(w.attacks, textAttack{
				what:     fmt.Sprint(strings.Join(names, "."), "(", argument.Name, ":).", strings.Join(place, ".")),
				kind:     fmt.Sprint(argument.Name, argument.Type, place),
				document: fmt.Sprintf("%s($x:%s){%s}", operation, argument.Type, document),
				place:    place,
				rest: func(leaf any, place []string) any {
					return w.value(argument.Type, leaf, place)
				},
			})
		})
	}
}

// places lists the texts in a type, four inputs deep.
func (w *walk) places(kind *ast.Type, place []string, depth int, found func([]string)) {
	if kind.Elem != nil {
		w.places(kind.Elem, append(append([]string{}, place...), "[]"), depth, found)
		return
	}
	switch def := w.schema.Types[kind.NamedType]; {
	case def.Name == "String" || def.Name == "ID" || def.Name == "JSON" || def.Name == "DateTime" || def.Name == "Long" || def.Kind == ast.Enum:
		found(place)
	case def.Kind == ast.InputObject && depth < 4:
		for _, field := range def.Fields {
			if field.Name != "and" && field.Name != "or" && (field.Name != "not" || depth == 0) {
				w.places(field.Type, append(append([]string{}, place...), field.Name), depth+1, found)
			}
		}
	}
}

// value builds an argument with leaf at the place and something that passes elsewhere.
func (w *walk) value(kind *ast.Type, leaf any, place []string) any {
	if kind.Elem != nil {
		return []any{w.value(kind.Elem, leaf, place[1:])}
	}
	def := w.schema.Types[kind.NamedType]
	if def.Kind != ast.InputObject {
		return leaf
	}
	built := map[string]any{}
	for _, field := range def.Fields {
		switch {
		case field.Name == place[0]:
			built[field.Name] = w.value(field.Type, leaf, place[1:])
		case field.Type.NonNull && field.DefaultValue == nil:
			built[field.Name] = w.harmless(field.Type)
		}
	}
	return built
}

func (w *walk) harmless(kind *ast.Type) any {
	if kind.Elem != nil {
		return []any{w.harmless(kind.Elem)}
	}
	switch def := w.schema.Types[kind.NamedType]; {
	case def.Kind == ast.Enum:
		return def.EnumValues[0].Name
	case def.Name == "Long" || def.Name == "Int":
		return 0
	case def.Name == "Boolean":
		return false
	case def.Name == "DateTime":
		return "2026-01-01T00:00:00Z"
	default:
		return storage.ID{Kind: storage.KindWorkspace, Key: "01890000-0000-7000-8000-000000000000"}.String()
	}
}
