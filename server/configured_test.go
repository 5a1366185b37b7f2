package server_test

import (
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

const thingFields = `{id name type parameters status credential{isSet lastFour}}`

func TestAConverterIsMadeChangedClonedAndDeleted(t *testing.T) {
	s := newSite(t)
	alice := s.token("alice", auth.RoleUser)
	make := `mutation($in:CreateConverterInput!){m:createConverter(input:$in){converter` + thingFields + ` clientMutationId userErrors{code field message}}}`
	input := map[string]any{"name": " shift ", "type": "CaesarConverter", "parameters": map[string]any{"caesar_offset": 3}, "clientMutationId": "one"}
	var id any
	for range 2 { // the second time it is the same one
		made := s.mustAsk(alice, make, map[string]any{"in": input})
		if at(made.Data, "m", "converter", "name") != "shift" || at(made.Data, "m", "converter", "status") != "ready" || id != nil && id != at(made.Data, "m", "converter", "id") {
			t.Fatalf("%v", made.Data)
		}
		id = at(made.Data, "m", "converter", "id")
	}
	for what, wrong := range map[string]struct {
		name, typeName string
		parameters     any
		code, field    string
	}{
		"a name that is taken":      {"shift", "Base64Converter", nil, "CONFLICT", "name"},
		"no name":                   {" ", "Base64Converter", nil, "BAD_USER_INPUT", "name"},
		"no type":                   {"x", "NoConverter", nil, "BAD_USER_INPUT", "type"},
		"no object":                 {"x", "Base64Converter", []any{}, "BAD_USER_INPUT", "parameters"},
		"a parameter that is none":  {"x", "Base64Converter", map[string]any{"y": 1}, "BAD_USER_INPUT", "parameters.y"},
		"a parameter of other type": {"x", "CaesarConverter", map[string]any{"caesar_offset": "a"}, "BAD_USER_INPUT", "parameters.caesar_offset"},
		"a parameter that is asked": {"x", "CaesarConverter", nil, "BAD_USER_INPUT", "parameters.caesar_offset"},
	} {
		a := s.mustAsk(alice, make, map[string]any{"in": map[string]any{"name": wrong.name, "type": wrong.typeName, "parameters": wrong.parameters}})
		if at(a.Data, "m", "userErrors", 0, "code") != wrong.code || at(a.Data, "m", "userErrors", 0, "field", 1) != wrong.field || at(a.Data, "m", "converter") != nil {
			t.Errorf("%s: %v", what, a.Data)
		}
	}
	changed := s.mustAsk(alice, `mutation($id:ID!){m:updateConverter(input:{id:$id,name:"turn",parameters:{caesar_offset:-7}}){converter`+thingFields+` userErrors{code}}}`, map[string]any{"id": id})
	if at(changed.Data, "m", "converter", "name") != "turn" || at(changed.Data, "m", "converter", "parameters", "caesar_offset") != float64(-7) {
		t.Errorf("changed: %v", changed.Data)
	}
	cloned := s.mustAsk(alice, `mutation($id:ID!){m:cloneConverter(input:{id:$id,name:"again"}){converter`+thingFields+` userErrors{code}}}`, map[string]any{"id": id})
	if at(cloned.Data, "m", "converter", "parameters", "caesar_offset") != float64(-7) || at(cloned.Data, "m", "converter", "id") == id {
		t.Errorf("cloned: %v", cloned.Data)
	}
	for _, want := range []any{nil, "NOT_FOUND"} {
		gone := s.mustAsk(alice, `mutation($id:ID!){m:deleteConverter(input:{id:$id}){deletedId userErrors{code}}}`, map[string]any{"id": id})
		if at(gone.Data, "m", "userErrors", 0, "code") != want {
			t.Errorf("deleted: %v, want %v", gone.Data, want)
		}
	}
	list := s.mustAsk(alice, `{viewer{converterTypes{name parameters{name kind required choices}} scorerTypes{name} workspace{converters{totalCount nodes{name}}}}}`, nil)
	if at(list.Data, "viewer", "workspace", "converters", "totalCount") != float64(1) || at(list.Data, "viewer", "workspace", "converters", "nodes", 0, "name") != "again" {
		t.Errorf("left: %v", list.Data)
	}
}

func TestWhatAnotherThingIsMadeOfIsNotDeleted(t *testing.T) {
	s := newSite(t)
	alice := s.token("alice", auth.RoleUser)
	made := s.mustAsk(alice, `mutation{m:createScorer(input:{name:"has sure",type:"SubStringScorer",parameters:{substring:"sure"}}){scorer{id} userErrors{message}}}`, nil)
	id, _ := at(made.Data, "m", "scorer", "id").(string)
	if id == "" {
		t.Fatal(made.Data)
	}
	inverse := s.mustAsk(alice, `mutation($in:CreateScorerInput!){m:createScorer(input:$in){scorer{id} userErrors{code message field}}}`, map[string]any{
		"in": map[string]any{"name": "has not", "type": "TrueFalseInverterScorer", "parameters": map[string]any{"scorer": []any{keyOf(t, id)}}},
	})
	if at(inverse.Data, "m", "scorer", "id") == nil {
		t.Fatal(inverse.Data)
	}
	refused := s.mustAsk(alice, `mutation($id:ID!){m:deleteScorer(input:{id:$id}){deletedId userErrors{code message}}}`, map[string]any{"id": id})
	if at(refused.Data, "m", "userErrors", 0, "code") != "CONFLICT" {
		t.Errorf("deleted: %v", refused.Data)
	}
}

// keyOf is the key in an id, as parameters name things.
func keyOf(t *testing.T, id string) string {
	t.Helper()
	parsed, ok := storage.ParseID(id)
	if !ok {
		t.Fatalf("%q is no id", id)
	}
	return parsed.Key
}
