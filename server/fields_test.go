package server_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/auth"
)

// neverFilled are the fields that the files below leave empty.
var neverFilled = []string{"Message.latencyMs", "Message.finishReason", "Message.repeats", "Message.raw"}

// A store reads the columns of the fields that a request names. A field whose column
// was left out would be empty when it is asked for alone.
func TestAFieldAskedAloneIsWhatItIsAmongAll(t *testing.T) {
	s := newSite(t)
	for _, file := range []string{"pyrit/seeded-1.1.0.sqlite", "pyrit/memory-0.14.0.sqlite", "garak/buffed.report.jsonl"} {
		s.take("alice", file)
	}
	s.takeMedia("alice")
	token := s.token("alice", auth.RoleUser)
	for list, noun := range map[string]string{"attacks": "Attack", "conversations": "Conversation", "messages": "Message"} {
		fields := s.fieldsOf(token, noun)
		if len(fields) < 10 {
			t.Fatalf("%s has the fields %v", noun, fields)
		}
		ask := func(selection string) []any {
			found := s.mustAsk(token, `{viewer{workspace{list:`+list+`(last:400){nodes{`+selection+`}}}}}`, nil)
			return at(found.Data, "viewer", "workspace", "list", "nodes").([]any)
		}
		all := ask(strings.Join(slices.Collect(maps.Values(fields)), " "))
		for name, selection := range fields {
			shown := func(row any) bool { return row.(map[string]any)[name] != nil }
			if field := noun + "." + name; slices.ContainsFunc(all, shown) == slices.Contains(neverFilled, field) {
				t.Errorf("%s: whether the files fill it has changed", field)
			}
			for i, alone := range ask(selection) {
				got, want := alone.(map[string]any)[name], all[i].(map[string]any)[name]
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s.%s alone is %.100v, among all fields %.100v", noun, name, got, want)
					break
				}
			}
		}
	}
}

// fieldsOf gives, for each field of an object type, a selection that shows it.
func (s *site) fieldsOf(token, noun string) map[string]string {
	s.t.Helper()
	found := s.mustAsk(token, `
		fragment Kind on __Type { kind fields { name args { name } type { kind ofType { kind ofType { kind ofType { kind } } } } } }
		{ __type(name: "`+noun+`") { fields { name type { ...Kind ofType { ...Kind ofType { ...Kind ofType { ...Kind } } } } } } }`, nil)
	selections := map[string]string{}
	for _, one := range at(found.Data, "__type", "fields").([]any) {
		field := one.(map[string]any)
		name, parts := field["name"].(string), []string{}
		for kind := field["type"]; kind != nil; kind = at(kind, "ofType") {
			below, _ := at(kind, "fields").([]any)
			for _, part := range below {
				// A link to a file holds the time.
				if len(at(part, "args").([]any)) == 0 && isLeaf(at(part, "type")) && at(part, "name") != "url" {
					parts = append(parts, at(part, "name").(string))
				}
			}
			if at(kind, "ofType") == nil && at(kind, "kind") == "INTERFACE" {
				parts = append(parts, "__typename")
			}
		}
		if len(parts) > 0 {
			name += "{" + strings.Join(parts, " ") + "}"
		}
		selections[field["name"].(string)] = name
	}
	return selections
}

func isLeaf(kind any) bool {
	for at(kind, "ofType") != nil {
		kind = at(kind, "ofType")
	}
	return at(kind, "kind") == "SCALAR" || at(kind, "kind") == "ENUM"
}
