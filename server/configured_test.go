package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/server"
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

// A generator's credential is sealed, is used in calls, stays when the parameters come
// back as they were shown, and is in no answer.
func TestAGeneratorIsTestedWithACredentialThatNobodyReads(t *testing.T) {
	const key = "sk-test-4f9a8b7c6d5e4f3a2b1c0d9e"
	var authorizations []string
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorizations = append(authorizations, r.Header.Get("Authorization")+" "+r.Header.Get("X-Team-Token"))
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/v1/models" {
			_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"small"},{"id":"large"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"model":"small","choices":[{"message":{"role":"assistant","content":"ready `+key+`"},"finish_reason":"stop"}]}`)
	}))
	t.Cleanup(model.Close)
	s := newSiteWith(t, func(options *server.Options) {
		options.Outbound.Private = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	alice := s.token("alice", auth.RoleUser)
	made := s.mustAsk(alice, `mutation($in:CreateGeneratorInput!){m:createGenerator(input:$in){generator`+thingFields+` userErrors{code message field}}}`, map[string]any{
		"in": map[string]any{"name": "mine", "type": "OPENAI_COMPATIBLE", "parameters": map[string]any{
			"endpoint": model.URL + "/v1", "model": "small", "api_key": key, "headers": map[string]any{"X-Team-Token": "tok-0123456789abcdef"},
		}},
	})
	id, shown := at(made.Data, "m", "generator", "id"), at(made.Data, "m", "generator", "parameters")
	if id == nil || at(made.Data, "m", "generator", "credential", "isSet") != true {
		t.Fatalf("%v", made.Data)
	}
	// As it was shown, with another temperature.
	parameters, _ := shown.(map[string]any)
	parameters["temperature"] = 0.5
	s.mustAsk(alice, `mutation($id:ID!,$p:JSON){m:updateGenerator(input:{id:$id,parameters:$p}){generator`+thingFields+` userErrors{code message}}}`, map[string]any{"id": id, "p": parameters})
	tested := s.mustAsk(alice, `mutation($id:ID!){m:testGenerator(input:{id:$id}){generator{status lastTest parameters credential{isSet}} userErrors{code message}}}`, map[string]any{"id": id})
	if at(tested.Data, "m", "generator", "status") != "ready" || at(tested.Data, "m", "generator", "lastTest", "ok") != true || at(tested.Data, "m", "generator", "credential", "isSet") != true {
		t.Errorf("tested: %v", tested.Data)
	}
	models := s.mustAsk(alice, `mutation($id:ID!){m:listGeneratorModels(input:{id:$id}){models userErrors{code message}}}`, map[string]any{"id": id})
	if at(models.Data, "m", "models", 1) != "large" {
		t.Errorf("models: %v", models.Data)
	}
	for _, got := range authorizations {
		if got != "Bearer "+key+" tok-0123456789abcdef" {
			t.Errorf("called with %q", got)
		}
	}
	for _, answer := range []any{made.Data, tested.Data, models.Data} {
		if text := fmt.Sprint(answer); strings.Contains(text, key) || strings.Contains(text, "tok-0123456789abcdef") {
			t.Errorf("the credential is in an answer: %s", text)
		}
	}
	model.Close()
	failed := s.mustAsk(alice, `mutation($id:ID!){m:testGenerator(input:{id:$id}){generator{status lastTest} userErrors{code}}}`, map[string]any{"id": id})
	if at(failed.Data, "m", "generator", "status") != "failing" || at(failed.Data, "m", "generator", "lastTest", "errorClass") != "UNAVAILABLE" {
		t.Errorf("without an endpoint: %v", failed.Data)
	}
}

func TestConvertersAndScorersArePreviewed(t *testing.T) {
	s := newSite(t)
	alice := s.token("alice", auth.RoleUser)
	steps := s.mustAsk(alice, `mutation{m:previewConverters(input:{text:"Hello",converters:[{inline:{type:"ROT13Converter"}},{inline:{type:"Base64Converter"}}]}){steps{type output} userErrors{code message}}}`, nil)
	if at(steps.Data, "m", "steps", 0, "output") != "Uryyb" || at(steps.Data, "m", "steps", 1, "output") != "VXJ5eWI=" {
		t.Errorf("%v", steps.Data)
	}
	verdict := s.mustAsk(alice, `mutation{m:previewScorer(input:{reply:"Sure, here it is",scorer:{inline:{type:"SubStringScorer",parameters:{substring:"sure"}}}}){verdict{type isTrue status rationale} userErrors{code message}}}`, nil)
	if at(verdict.Data, "m", "verdict", "isTrue") != true || at(verdict.Data, "m", "verdict", "status") != "COMPLETE" {
		t.Errorf("%v", verdict.Data)
	}
	for _, wrong := range []string{
		`m:previewConverters(input:{text:"x",converters:[]}){userErrors{code}}`,
		`m:previewConverters(input:{text:"x",converters:[{inline:{type:"None"}}]}){userErrors{code}}`,
		`m:previewConverters(input:{text:"x",converters:[{inline:{type:"ToneConverter",parameters:{tone:"upset",converter_target:"nosuch"}}}]}){userErrors{code}}`,
	} {
		a := s.mustAsk(alice, "mutation{"+wrong+"}", nil)
		if code := at(a.Data, "m", "userErrors", 0, "code"); code != "BAD_USER_INPUT" && code != "NOT_FOUND" {
			t.Errorf("%s: %v", wrong, a.Data)
		}
	}
}

// Whoever may change a generator cannot have its credential sent to another address.
func TestACredentialIsNotKeptForAnotherAddress(t *testing.T) {
	s := newSite(t)
	alice := s.token("alice", auth.RoleUser)
	make := `mutation($in:CreateGeneratorInput!){m:createGenerator(input:$in){generator` + thingFields + ` userErrors{code message}}}`
	update := `mutation($id:ID!,$p:JSON){m:updateGenerator(input:{id:$id,parameters:$p}){generator` + thingFields + ` userErrors{code field message}}}`
	made := s.mustAsk(alice, make, map[string]any{"in": map[string]any{"name": "mine", "type": "OPENAI_COMPATIBLE", "parameters": map[string]any{
		"endpoint": "https://model.example/v1", "model": "small", "api_key": "sk-test-4f9a8b7c6d5e4f3a2b1c0d9e",
	}}})
	id := at(made.Data, "m", "generator", "id")
	for endpoint, kept := range map[any]bool{
		"https://model.example:443/v2": true, "https://MODEL.example/v3": true,
		"https://elsewhere.example/v1": false, "http://model.example/v1": false, "https://model.example:8443/v1": false,
		nil: false, // the provider's own address
	} {
		a := s.mustAsk(alice, update, map[string]any{"id": id, "p": map[string]any{"endpoint": endpoint, "model": "small", "api_key": "[sealed]"}})
		switch {
		case kept && at(a.Data, "m", "generator", "credential", "isSet") != true:
			t.Errorf("%v: %v", endpoint, a.Data)
		case !kept && (at(a.Data, "m", "userErrors", 0, "code") != "BAD_USER_INPUT" || at(a.Data, "m", "userErrors", 0, "field", 1) != "parameters.api_key"):
			t.Errorf("%v: %v", endpoint, a.Data)
		}
	}
	again := s.mustAsk(alice, update, map[string]any{"id": id, "p": map[string]any{"endpoint": "https://elsewhere.example/v1", "model": "small", "api_key": "sk-test-000a8b7c6d5e4f3a2b1c0d9e"}})
	if at(again.Data, "m", "generator", "credential", "isSet") != true {
		t.Errorf("given again: %v", again.Data)
	}
	bare := s.mustAsk(alice, update, map[string]any{"id": id, "p": map[string]any{"endpoint": "https://model.example/v1", "model": "small"}})
	if at(bare.Data, "m", "generator", "credential", "isSet") != false {
		t.Errorf("a credential that is not named stays: %v", bare.Data)
	}
	made = s.mustAsk(alice, make, map[string]any{"in": map[string]any{"name": "rest", "type": "HTTP_REST", "parameters": map[string]any{
		"url": "https://model.example/ask", "headers": map[string]any{"Authorization": "Bearer tok-0123456789abcdef"},
	}}})
	a := s.mustAsk(alice, update, map[string]any{"id": at(made.Data, "m", "generator", "id"), "p": map[string]any{
		"url": "https://elsewhere.example/ask", "headers": at(made.Data, "m", "generator", "parameters", "headers"),
	}})
	if at(a.Data, "m", "userErrors", 0, "field", 1) != "parameters.headers.Authorization" {
		t.Errorf("a header: %v", a.Data)
	}
}

// An inline part names things by id, as what is stored does.
func TestAnInlinePartNamesThingsById(t *testing.T) {
	s := newSite(t)
	alice := s.token("alice", auth.RoleUser)
	made := s.mustAsk(alice, `mutation{
		echo:createGenerator(input:{name:"echo",type:"ECHO"}){generator{id}}
		sure:createScorer(input:{name:"has sure",type:"SubStringScorer",parameters:{substring:"sure"}}){scorer{id}}
	}`, nil)
	a := s.mustAsk(alice, `mutation($p:JSON!,$c:JSON!){
		verdict:previewScorer(input:{reply:"Sure",scorer:{inline:{type:"TrueFalseInverterScorer",parameters:$p}}}){verdict{isTrue} userErrors{message}}
		steps:previewConverters(input:{text:"Hello",converters:[{inline:{type:"ToneConverter",parameters:$c}}]}){steps{output} userErrors{message}}
		scorer:validateConfiguration(input:{kind:SCORER,part:{inline:{type:"TrueFalseInverterScorer",parameters:$p}}}){problems{message} userErrors{message}}
		converter:validateConfiguration(input:{kind:CONVERTER,part:{inline:{type:"ToneConverter",parameters:$c}}}){problems{message} userErrors{message}}
	}`, map[string]any{
		"p": map[string]any{"scorer": []any{at(made.Data, "sure", "scorer", "id")}},
		"c": map[string]any{"tone": "upset", "converter_target": at(made.Data, "echo", "generator", "id")},
	})
	if at(a.Data, "verdict", "verdict", "isTrue") != false || at(a.Data, "steps", "steps", 0, "output") == nil ||
		fmt.Sprint(at(a.Data, "scorer", "problems"), at(a.Data, "converter", "problems")) != "[] []" {
		t.Errorf("%v", a.Data)
	}
}

func TestWhatIsNotThereIsNotNamed(t *testing.T) {
	s := newSite(t)
	alice, bob := s.token("alice", auth.RoleUser), s.token("bob", auth.RoleUser)
	others := s.mustAsk(bob, `mutation{
		g:createGenerator(input:{name:"echo",type:"ECHO"}){generator{id}}
		s:createScorer(input:{name:"has sure",type:"SubStringScorer",parameters:{substring:"sure"}}){scorer{id}}
	}`, nil)
	theirs, sure := at(others.Data, "g", "generator", "id"), at(others.Data, "s", "scorer", "id")
	made := s.mustAsk(alice, `mutation{
		echo:createGenerator(input:{name:"echo",type:"ECHO"}){generator{id}}
		sure:createScorer(input:{name:"has sure",type:"SubStringScorer",parameters:{substring:"sure"}}){scorer{id}}
	}`, nil)
	mine := at(made.Data, "sure", "scorer", "id")
	converter := s.mustAsk(alice, `mutation($in:CreateConverterInput!){m:createConverter(input:$in){converter{id}}}`, map[string]any{"in": map[string]any{
		"name": "tone", "type": "ToneConverter", "parameters": map[string]any{"tone": "upset", "converter_target": at(made.Data, "echo", "generator", "id")},
	}})
	for _, wrong := range []any{"nosuch", theirs} {
		p := map[string]any{"tone": "upset", "converter_target": wrong}
		a := s.mustAsk(alice, `mutation($p:JSON!,$id:ID!){
			m:createConverter(input:{name:"x",type:"ToneConverter",parameters:$p}){converter{id} userErrors{code field message}}
			u:updateConverter(input:{id:$id,parameters:$p}){converter{id} userErrors{code field message}}
		}`, map[string]any{"p": p, "id": at(converter.Data, "m", "converter", "id")})
		for _, field := range []string{"m", "u"} {
			if at(a.Data, field, "userErrors", 0, "code") != "NOT_FOUND" || at(a.Data, field, "userErrors", 0, "field", 1) != "parameters.converter_target" {
				t.Errorf("%v: %v", wrong, a.Data)
			}
		}
	}
	for _, wrong := range []any{"nosuch", sure} {
		a := s.mustAsk(alice, `mutation($p:JSON!){m:createScorer(input:{name:"x",type:"TrueFalseCompositeScorer",parameters:$p}){scorer{id} userErrors{code field message}}}`,
			map[string]any{"p": map[string]any{"aggregator": "AND", "scorers": []any{mine, wrong}}})
		if at(a.Data, "m", "userErrors", 0, "code") != "NOT_FOUND" || at(a.Data, "m", "userErrors", 0, "field", 1) != "parameters.scorers" {
			t.Errorf("%v: %v", wrong, a.Data)
		}
	}
	// What a validation misses it names.
	v := s.mustAsk(alice, `mutation{m:validateConfiguration(input:{kind:CONVERTER,part:{inline:{type:"ToneConverter",parameters:{tone:"upset",converter_target:"nosuch"}}}}){problems{message} userErrors{message}}}`, nil)
	if at(v.Data, "m", "problems", 0, "message") != `generator "nosuch" that parameter converter_target names does not exist: pass an id of one` {
		t.Errorf("%v", v.Data)
	}
	v = s.mustAsk(alice, `mutation{m:validateConfiguration(input:{kind:SCORER,part:{inline:{type:"SelfAskRefusalScorer",parameters:{chat_target:"nosuch"}}}}){problems{message} userErrors{message}}}`, nil)
	if at(v.Data, "m", "problems", 0, "message") != `generator "nosuch" that parameter chat_target names does not exist: pass an id of one` || at(v.Data, "m", "problems", 1) != nil {
		t.Errorf("%v", v.Data)
	}
}
