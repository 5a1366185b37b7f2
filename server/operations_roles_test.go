package server_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/schema/operations"
	"github.com/violentutf/violentutf/storage"
)

// mutations are the examples of mutations, with their fields of the schema, by name.
func mutations(t *testing.T, each func(t *testing.T, example *operations.Example, field *ast.FieldDefinition)) {
	t.Helper()
	parsed, examples := loadSchema(t), examplesOfOperations(t)
	for _, name := range slices.Sorted(maps.Keys(examples)) {
		if examples[name].Type == "Mutation" {
			t.Run(examples[name].Field, func(t *testing.T) {
				t.Parallel()
				each(t, examples[name], parsed.Mutation.Fields.ForName(examples[name].Field))
			})
		}
	}
}

// memberRole is the lowest role in a workspace that a mutation demands, "" for none.
func memberRole(field *ast.FieldDefinition) storage.MemberRole {
	if demanded := field.Directives.ForName("memberRole"); demanded != nil {
		return storage.MemberRole(demanded.Arguments.ForName("role").Value.Raw)
	}
	return ""
}

// roles are those of a workspace, falling, with who has them on the stage.
var roles = []struct {
	role storage.MemberRole
	who  string
}{{storage.MemberOwner, "alice"}, {storage.MemberEditor, "ed"}, {storage.MemberViewer, "vi"}}

// What an owner can do in a workspace, every role that is high enough can, and nobody
// else. (resolvers.TestEveryMutationRefusesWhoMayNotMakeIt attacks without any store, and
// so with more inputs; who succeeds can be seen here alone.)
func TestMutationsInAWorkspaceAreForItsRoles(t *testing.T) {
	mutations(t, func(t *testing.T, example *operations.Example, field *ast.FieldDefinition) {
		least := memberRole(field)
		if least == "" {
			t.Skip("it names no workspace")
		}
		s := newStage(t)
		variables := s.prepare(example.Step, "")
		outsiders := map[string]struct {
			token string
			want  storage.Code
		}{
			"nobody":                {"", storage.CodeUnauthenticated},
			"no member":             {s.tokenOf("mallory"), storage.CodeNotFound},
			"an administrator":      {s.tokenOf("root"), storage.CodeForbidden},
			"an auditor":            {s.tokenOf("auditor"), storage.CodeForbidden},
			"a key that reads":      {s.key(`scopes: [READ]`), storage.CodeForbidden},
			"a key bound elsewhere": {s.key(`scopes: [READ, WRITE], workspaces: ["` + s.own("alice") + `"]`), storage.CodeNotFound},
		}
		allowed := true
		var others []string // beside who the example is of
		for _, r := range roles {
			switch {
			case !allowed:
				outsiders[string(r.role)] = struct {
					token string
					want  storage.Code
				}{s.tokenOf(r.who), storage.CodeForbidden}
			case r.who != or(example.As, "alice"):
				others = append(others, r.who)
			}
			allowed = allowed && r.role != least
		}
		before := s.state()
		for name, outsider := range outsiders {
			a := s.ask(outsider.token, example.Document, s.ofPerson(example, variables, personOf(name)))
			if a.problem() != string(outsider.want) {
				t.Errorf("%s is answered %s, want %s", name, a.body, outsider.want)
			}
		}
		if changed := differences(before, s.state()); changed != "" {
			t.Errorf("somebody changed something:\n%s", changed)
		}
		for i, who := range others {
			if i > 0 {
				s = newStage(t)
				variables = s.prepare(example.Step, "")
			}
			if least == storage.MemberViewer { // of their own things
				variables = s.prepare(example.Step, who)
			}
			if example.Field == "leaveWorkspace" && who == "alice" {
				continue // the last owner: one of its refusals
			}
			if a := s.ask(s.tokenOf(who), example.Document, s.ofPerson(example, variables, who)); a.problem() != "" {
				t.Errorf("%s is answered %s", who, a.body)
			}
		}
	})
}

// personOf is whose personal workspace an outsider would name.
func personOf(outsider string) string {
	for _, r := range roles {
		if outsider == string(r.role) {
			return r.who
		}
	}
	if outsider == "no member" {
		return "mallory"
	}
	return "alice"
}

// ofPerson are variables in which the viewer's own workspace is that of a person.
func (s *stage) ofPerson(example *operations.Example, variables map[string]any, person string) map[string]any {
	s.t.Helper()
	theirs := maps.Clone(variables)
	for _, variable := range example.Variables {
		if variable.From == "Viewer.workspaces" {
			theirs[variable.Name] = s.own(person)
		}
	}
	return theirs
}

// own is the id of a person's personal workspace.
func (s *stage) own(person string) string {
	s.t.Helper()
	a := s.mustAsk(s.tokenOf(person), `{viewer{workspace{id}}}`, nil)
	return at(a.Data, "viewer", "workspace", "id").(string)
}

// key makes an API key of alice's and returns its secret.
func (s *stage) key(input string) string {
	s.t.Helper()
	a := s.mustAsk(s.tokenOf("alice"), `mutation{createApiKey(input:{name:"k",`+input+`}){secret userErrors{message}}}`, nil)
	secret, ok := at(a.Data, "createApiKey", "secret").(string)
	if !ok {
		s.t.Fatal(a.body)
	}
	return secret
}

// An id of another's is answered as one that nothing has, wherever it stands.
func TestMutationsTakeNoIDOfAnothers(t *testing.T) {
	mutations(t, func(t *testing.T, example *operations.Example, _ *ast.FieldDefinition) {
		s := newStage(t)
		mine, theirs := s.prepare(example.Step, ""), s.prepare(example.Step, "mallory")
		before := s.state()
		tried := 0
		for name, value := range theirs {
			if fmt.Sprint(value) == fmt.Sprint(mine[name]) || !strings.Contains(example.Document, "$"+name) {
				continue // of the installation, or only to prepare others and to be refused
			}
			for _, id := range idsOf(value) {
				tried++
				parsed, _ := storage.ParseID(id)
				nothing := storage.ID{Kind: parsed.Kind, Store: "nosuchid"[:len(parsed.Store)], Key: parsed.Key}
				if len(parsed.Store) == 0 {
					nothing.Key = "01890000-0000-7000-8000-000000000000"
				}
				with := func(id string) answer {
					variables := maps.Clone(mine)
					variables[name] = any(id)
					if list, is := mine[name].([]any); is {
						variables[name] = append(slices.Clone(list), id)
					}
					return s.ask(s.tokenOf(example.As), example.Document, variables)
				}
				a, b := with(id), with(nothing.String())
				if a.problem() != string(storage.CodeNotFound) {
					t.Errorf("$%s of another's is answered %s", name, a.body)
				}
				if one, other := fmt.Sprint(a.Data, a.Errors), fmt.Sprint(b.Data, b.Errors); one != other {
					t.Errorf("$%s of another's is answered %s, of nothing %s", name, one, other)
				}
			}
		}
		if changed := differences(before, s.state()); changed != "" {
			t.Errorf("it changed something:\n%s", changed)
		}
		if tried == 0 && len(example.Variables) > 0 && people[or(example.As, "alice")] == auth.RoleUser {
			t.Error("no id of another's was tried")
		}
	})
}

func idsOf(value any) []string {
	switch v := value.(type) {
	case string:
		if kindOf(v) != "" {
			return []string{v}
		}
	case []any:
		for _, one := range v {
			return idsOf(one)
		}
	}
	return nil
}
