package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// sharing is a team whose shared workspace red has a real store.
type sharing struct {
	*stores
	team *team
}

func newSharing(t *testing.T) *sharing {
	t.Helper()
	s := newStores(t, 1, 1)
	team := newTeamOn(t, s.server)
	s.fill(t, team.red, 1, 1)
	return &sharing{s, team}
}

// problem is the first userError of a mutation that must be refused.
func (s *sharing) problem(t *testing.T, viewer *auth.Viewer, field string, input map[string]any) string {
	t.Helper()
	a := s.team.mutate(t, viewer, field, input)
	a.keepsInside(t)
	if len(a.Codes) > 0 {
		return strings.Join(a.Codes, " ")
	}
	e, _ := at(a.Data, "m", "userErrors", 0).(map[string]any)
	if e == nil {
		t.Errorf("%s %v was not refused", field, input)
		return ""
	}
	path := []string{}
	for _, step := range e["field"].([]any) {
		path = append(path, step.(string))
	}
	return e["code"].(string) + " " + strings.Join(path, ".") + ": " + e["message"].(string)
}

func (s *sharing) wantProblem(t *testing.T, viewer *auth.Viewer, field string, input map[string]any, want string) {
	t.Helper()
	if got := s.problem(t, viewer, field, input); !strings.HasPrefix(got, want) {
		t.Errorf("%s %.200v: %s, want %s", field, input, got, want)
	}
}

// onRecord tells what the log says of the last act, which must hold no word of a user.
func (s *sharing) onRecord(t *testing.T, action, subject string) {
	t.Helper()
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, event.WorkspaceKey}, []any{action, subject, s.team.red.Key})
	if event.SubjectKey == "" || strings.Contains(strings.ToLower(string(event.Detail)), "secret") {
		t.Errorf("the log says %+v", event)
	}
}

// whatIsKept does of one noun what is the same of all: update, clone, delete, revisions,
// names, roles, ids of others, repetition.
func (s *sharing) whatIsKept(t *testing.T, noun, action string, create, change map[string]any, content ...string) {
	t.Helper()
	field := strings.ToLower(noun[:1]) + noun[1:]
	selection := field + "{id name description tags author revision} workspace{name}"
	create["workspace"], create["name"], create["clientMutationId"] = s.team.red.ID(), "Secret name", "1"
	made := s.team.change(t, ed, "create"+noun, selection, create)
	id := at(made, field, "id").(string)
	same(t, []any{at(made, field, "author"), at(made, field, "revision"), at(made, "workspace", "name")}, []any{"ed", 1, "red"})
	s.onRecord(t, action+"create", noun)
	again := s.team.change(t, ed, "create"+noun, selection, create)
	same(t, again, made)
	s.wantProblem(t, ed, "create"+noun, with(create, "clientMutationId", "2"), "CONFLICT input.name: there is one named")

	update := with(with(with(change, "id", id), "revision", 1), "clientMutationId", "3")
	for range 2 { // the second time it is not done
		changed := s.team.change(t, alice, "update"+noun, selection, update)
		same(t, []any{at(changed, field, "revision"), at(changed, field, "author"), at(changed, field, "name")}, []any{2, "ed", "Secret name"})
	}
	s.onRecord(t, action+"update", noun)
	s.wantProblem(t, alice, "update"+noun, with(update, "clientMutationId", "4"), "CONFLICT input.revision: it has the revision 2 by now")
	described := s.team.change(t, alice, "update"+noun, selection, map[string]any{"id": id, "revision": 2, "description": "secret", "tags": []any{"b", "a", "b"}})
	same(t, []any{at(described, field, "description"), at(described, field, "tags")}, []any{"secret", []any{"a", "b"}})
	bare := s.team.change(t, alice, "update"+noun, selection, map[string]any{"id": id, "revision": 3, "description": "", "tags": []any{}})
	same(t, []any{at(bare, field, "description"), at(bare, field, "tags")}, []any{nil, []any{}})
	// What was not selected stays as well.
	a := s.ask(t, ed, `query($id:ID!){node(id:$id){... on `+noun+`{`+content[0]+`}}}`, map[string]any{"id": id})
	same(t, at(a.Data, "node", content[0]), content[1])
	for name, want := range map[string]string{"": "BAD_USER_INPUT input.name: ", "a\nb": "BAD_USER_INPUT input.name: ", strings.Repeat("n", 201): "BAD_USER_INPUT input.name: "} {
		s.wantProblem(t, alice, "update"+noun, map[string]any{"id": id, "revision": 4, "name": name}, want)
		s.wantProblem(t, alice, "clone"+noun, map[string]any{"id": id, "name": name}, want)
	}

	clone := s.team.change(t, ed, "clone"+noun, selection, map[string]any{"id": id, "name": "other", "clientMutationId": "5"})
	other := at(clone, field, "id").(string)
	a = s.ask(t, ed, `query($id:ID!){node(id:$id){... on `+noun+`{`+content[0]+`}}}`, map[string]any{"id": other})
	same(t, at(a.Data, "node", content[0]), content[1])
	same(t, []any{other != id, at(clone, field, "revision"), at(clone, field, "name")}, []any{true, 1, "other"})
	s.onRecord(t, action+"clone", noun)
	s.wantProblem(t, ed, "clone"+noun, map[string]any{"id": id, "name": "other"}, "CONFLICT input.name: ")
	s.wantProblem(t, ed, "update"+noun, map[string]any{"id": id, "revision": 4, "name": "other"}, "CONFLICT input.name: ")

	// Another's is as what is not there.
	parsed, _ := storage.ParseID(id)
	none := storage.ID{Kind: parsed.Kind, Store: parsed.Store, Key: "01890000-0000-7000-8000-000000000000"}.String()
	for _, verb := range []string{"update", "clone", "delete"} {
		input := func(id string) map[string]any {
			switch verb {
			case "update":
				return map[string]any{"id": id, "revision": 4, "name": "x"}
			case "clone":
				return map[string]any{"id": id, "name": "x"}
			}
			return map[string]any{"id": id}
		}
		same(t, s.problem(t, mallory, verb+noun, input(id)), s.problem(t, alice, verb+noun, input(none)))
		s.wantProblem(t, mallory, verb+noun, input(id), "NOT_FOUND input.id: ")
		s.wantProblem(t, vi, verb+noun, input(id), "FORBIDDEN")
	}
	same(t, at(s.ask(t, vi, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": id}).Data, "node", "id"), id)
	same(t, at(s.ask(t, mallory, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": id}).Data, "node"), nil)

	for range 2 {
		same(t, at(s.team.change(t, ed, "delete"+noun, "deletedId", map[string]any{"id": other, "clientMutationId": "6"}), "deletedId"), other)
	}
	s.onRecord(t, action+"delete", noun)
	s.wantProblem(t, ed, "delete"+noun, map[string]any{"id": other}, "NOT_FOUND input.id: ")
	s.wantProblem(t, ed, "update"+noun, map[string]any{"id": other, "revision": 1}, "NOT_FOUND input.id: ")
}

func TestASavedQueryIsKept(t *testing.T) {
	s := newSharing(t)
	s.whatIsKept(t, "SavedQuery", "saved_query.", map[string]any{
		"document": "query Secret($n: Int!, $t: String) { viewer { workspace(name: $t) { attacks(first: $n) { totalCount } } } }", "variables": map[string]any{"n": 3},
	}, map[string]any{"variables": map[string]any{"t": "secret"}},
		"document", "query Secret($n: Int!, $t: String) { viewer { workspace(name: $t) { attacks(first: $n) { totalCount } } } }")
	create := map[string]any{"name": "n", "document": "{viewer{username}}"}
	for _, test := range []struct {
		field string
		value any
		want  string
	}{
		{"document", "{viewer{usernam}}", `BAD_USER_INPUT input.document: line 1, column 9: Cannot query field "usernam"`},
		{"document", "{viewer{username}", "BAD_USER_INPUT input.document: line 1, column 18: "},
		{"document", "mutation{leaveWorkspace(input:{workspace:\"x\"}){workspaceId}}", "BAD_USER_INPUT input.document: a saved query is one operation"},
		{"variables", map[string]any{"x": 1}, "BAD_USER_INPUT input.variables: the document declares no variable $x"},
		{"variables", []any{}, "BAD_USER_INPUT input.variables: "},
		{"tags", []any{" "}, "BAD_USER_INPUT input.tags: "},
		{"description", strings.Repeat("d", 4_001), "BAD_USER_INPUT input.description: "},
	} {
		s.wantProblem(t, alice, "createSavedQuery", with(create, test.field, test.value), test.want)
	}
	for name, pinned := range map[string]bool{"a": false, "b": true, "c": false} {
		s.change(t, "createSavedQuery", `savedQuery{document variables pinned}`, with(with(with(create, "name", name), "pinned", pinned), "tags", []any{"t", name}))
	}
	a := s.ask(t, alice, `{viewer{workspace{
		savedQueries(first:2){totalCount nodes{name pinned variables}} pinned:savedQueries(filter:{pinned:true,tag:{in:["t"]}}){nodes{name document}}
		savedQueryTags(limit:1){tag count} some:savedQueryTags(filter:{tag:{in:["b"]}}){tag count}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace", "savedQueries"), map[string]any{"totalCount": 3, "nodes": []any{
		map[string]any{"name": "b", "pinned": true, "variables": map[string]any{}}, map[string]any{"name": "a", "pinned": false, "variables": map[string]any{}},
	}})
	same(t, at(a.Data, "viewer", "workspace", "pinned", "nodes"), []any{map[string]any{"name": "b", "document": "{viewer{username}}"}})
	same(t, at(a.Data, "viewer", "workspace", "savedQueryTags"), []any{map[string]any{"tag": "t", "count": 3}})
	same(t, at(a.Data, "viewer", "workspace", "some"), []any{map[string]any{"tag": "b", "count": 1}, map[string]any{"tag": "t", "count": 1}})
}

// Of those who saw the same revision one is first, and the others are told.
func TestOneOfSeveralChangesOfARevisionIsMade(t *testing.T) {
	s := newSharing(t)
	id := at(s.change(t, "createTemplate", `template{id}`, map[string]any{"name": "n", "body": "x"}), "template", "id")
	var all sync.WaitGroup
	answers := make([]string, 4)
	for i := range answers {
		all.Go(func() {
			answers[i] = s.team.mutate(t, alice, "updateTemplate", map[string]any{"id": id, "revision": 1, "body": fmt.Sprint(i)}).refusal()
		})
	}
	all.Wait()
	slices.Sort(answers)
	same(t, answers, []string{"", "CONFLICT", "CONFLICT", "CONFLICT"})
	same(t, at(s.ask(t, alice, `query($id:ID!){node(id:$id){... on Template{revision}}}`, map[string]any{"id": id}).Data, "node", "revision"), 2)
}

func TestAParameterFileIsKept(t *testing.T) {
	s := newSharing(t)
	s.whatIsKept(t, "ParameterFile", "parameter_file.", map[string]any{"format": "YAML", "text": "note: the Secret\n"}, map[string]any{"text": "note: another Secret\n"}, "text", "note: another Secret\n")
	create := map[string]any{"name": "n", "format": "YAML", "text": "b: 1 # first\r\na: [x, 2.5]\n"}
	made := s.change(t, "createParameterFile", `parameterFile{id format text parameters}`, create)
	id := at(made, "parameterFile", "id")
	same(t, at(made, "parameterFile"), map[string]any{"id": id, "format": "YAML", "text": "b: 1 # first\r\na: [x, 2.5]\n", "parameters": map[string]any{"b": 1, "a": []any{"x", 2.5}}})
	s.wantProblem(t, alice, "updateParameterFile", map[string]any{"id": id, "revision": 1, "format": "JSON"}, "BAD_USER_INPUT input.text: with another format")
	changed := s.change(t, "updateParameterFile", `parameterFile{format parameters revision}`, map[string]any{"id": id, "revision": 1, "format": "JSON", "text": `{"c": null}`})
	same(t, at(changed, "parameterFile"), map[string]any{"format": "JSON", "parameters": map[string]any{"c": nil}, "revision": 2})
	key := "sk-" + strings.Repeat("a1B2", 8)
	for text, want := range map[string]string{
		"a: 1\na: 2\n":       `BAD_USER_INPUT input.text: line 2, column 1: "a" stands here a second time`,
		"a: &x 1\n":          "BAD_USER_INPUT input.text: line 1, column 4: &x is an anchor",
		"a: [\n":             "BAD_USER_INPUT input.text: line ",
		"x:\n  k: " + key:    "BAD_USER_INPUT input.text: line 2, column 6: /x/k looks like a credential",
		"- 1\n":              "BAD_USER_INPUT input.text: line 1, column 1: the document must be named values",
		"password: hunter22": "BAD_USER_INPUT input.text: line 1, column 11: /password looks like a credential",
	} {
		s.wantProblem(t, alice, "createParameterFile", with(with(create, "text", text), "name", "m"), want)
	}
	a := s.ask(t, alice, `{viewer{workspace{parameterFiles(filter:{format:JSON,name:{equals:"N"}}){nodes{name}} none:parameterFiles(filter:{format:YAML}){totalCount} parameterFileTags{tag}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace"), map[string]any{"parameterFiles": map[string]any{"nodes": []any{map[string]any{"name": "n"}}}, "none": map[string]any{"totalCount": 0}, "parameterFileTags": []any{}})
}

func TestATemplateIsKeptAndRendered(t *testing.T) {
	s := newSharing(t)
	s.whatIsKept(t, "Template", "template.", map[string]any{"body": "Secret {{ prompt }}"}, map[string]any{"body": "Secret {{ prompt }} {{ more }}"}, "body", "Secret {{ prompt }} {{ more }}")

	natives := at(s.ask(t, alice, `{viewer{nativeTemplates{name title parameters{name default}}}}`, nil).Data, "viewer", "nativeTemplates").([]any)
	same(t, len(natives), 10)
	made := s.change(t, "createTemplate", `template{id name native parameters{name default} tags}`, map[string]any{"native": "role_play", "name": "mine"})
	same(t, []any{at(made, "template", "name"), at(made, "template", "native"), at(made, "template", "parameters", 1, "name")}, []any{"mine", "role_play", "prompt"})
	id := at(made, "template", "id")

	document := map[string]any{"format": "YAML", "text": "name: Frame\nvalue: |\n  Say {{ prompt }} as {{ who }}\nparameters: [prompt, who]\nsource: https://frames.example\nauthors: [A, B]\nharm_categories: [x]\n"}
	read := s.change(t, "createTemplate", `template{id name body source harmCategories parameters{name description}}`, map[string]any{
		"document": document, "tags": []any{"new"}, "parameters": []any{map[string]any{"name": "prompt"}, map[string]any{"name": "who", "description": "D", "default": "a cat"}},
	})
	frame := at(read, "template", "id")
	same(t, at(read, "template"), map[string]any{
		"id": frame, "name": "Frame", "body": "Say {{ prompt }} as {{ who }}\n", "source": "https://frames.example by A, B", "harmCategories": []any{"x"},
		"parameters": []any{map[string]any{"name": "prompt", "description": nil}, map[string]any{"name": "who", "description": "D"}},
	})
	// What has a place keeps its description and default.
	changed := s.change(t, "updateTemplate", `template{parameters{name description default}}`, map[string]any{"id": frame, "revision": 1, "body": "{{ who }} {{ x }}", "source": "", "harmCategories": []any{}})
	same(t, at(changed, "template", "parameters"), []any{map[string]any{"name": "who", "description": "D", "default": "a cat"}, map[string]any{"name": "x", "description": nil, "default": nil}})

	for _, test := range []struct {
		input map[string]any
		want  string
	}{
		{map[string]any{"name": "n"}, "BAD_USER_INPUT input.body: a template needs one of"},
		{map[string]any{"name": "n", "body": "x", "native": "role_play"}, "BAD_USER_INPUT input.body: a template needs one of"},
		{map[string]any{"native": "role_play", "document": document}, "BAD_USER_INPUT input.body: a template needs one of"},
		{map[string]any{"native": "none"}, "BAD_USER_INPUT input.native: there is no template \"none\": choose one of "},
		{map[string]any{"body": "x"}, "BAD_USER_INPUT input.name: "},
		{map[string]any{"name": "n", "body": "a\n{{ 7*7 }}"}, "BAD_USER_INPUT input.body: line 2, column 1: between {{ and }}"},
		{map[string]any{"name": "n", "body": "{% for x in y %}"}, "BAD_USER_INPUT input.body: line 1, column 1: no statement is run"},
		{map[string]any{"name": "n", "body": "{{ a }}", "parameters": []any{map[string]any{"name": "b"}}}, "BAD_USER_INPUT input.parameters: "},
		{map[string]any{"document": with(document, "text", "name: n\nvalue: 1\n")}, "BAD_USER_INPUT input.document: line 2, column 8: value: must be a text"},
	} {
		s.wantProblem(t, alice, "createTemplate", test.input, test.want)
	}

	file := at(s.change(t, "createParameterFile", `parameterFile{id}`, map[string]any{"name": "n", "format": "JSON", "text": `{"who": "a dog", "x": 7, "rest": [1]}`}), "parameterFile", "id")
	preview := func(input map[string]any) any {
		t.Helper()
		p := s.change(t, "previewTemplate", `text missing unused`, input)
		return []any{p["text"], p["missing"], p["unused"]}
	}
	same(t, preview(map[string]any{"template": frame}), []any{"a cat {{ x }}", []any{"x"}, []any{}})
	same(t, preview(map[string]any{"template": frame, "parameterFile": file, "prompt": "Secret {{ who }}", "values": map[string]any{"who": "me"}}), []any{"me 7", []any{}, []any{"prompt"}})
	same(t, preview(map[string]any{"body": "{{ prompt }}\n", "prompt": "Secret {{ who }}"}), []any{"Secret {{ who }}", []any{}, []any{}})
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, strings.Contains(string(event.Detail), "Secret")}, []any{"template.preview", "Template", false})
	for _, test := range []struct {
		input map[string]any
		want  string
	}{
		{map[string]any{}, "BAD_USER_INPUT input.template: name a template, or give a body"},
		{map[string]any{"template": id, "body": "x"}, "BAD_USER_INPUT input.template: "},
		{map[string]any{"template": file}, "NOT_FOUND input.template: "},
		{map[string]any{"template": id, "parameterFile": id}, "NOT_FOUND input.parameterFile: "},
		{map[string]any{"body": "{{ a }}", "values": map[string]any{"a": []any{}}}, "BAD_USER_INPUT input.values: a is a list"},
		{map[string]any{"body": "{{ prompt }}{{ prompt }}", "prompt": strings.Repeat("x", 600_000)}, "BAD_USER_INPUT input.body: the rendered text would be longer"},
	} {
		s.wantProblem(t, alice, "previewTemplate", test.input, test.want)
	}
	// In another workspace it is not there.
	s.wantProblem(t, alice, "previewTemplate", map[string]any{"workspace": s.team.red.ID(), "template": id}, "NOT_FOUND input.template: ")
	a := s.ask(t, alice, `{viewer{workspace{templates(filter:{native:{in:["role_play"]}}){nodes{name}} templateTags{tag count}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace", "templates", "nodes"), []any{map[string]any{"name": "mine"}})
	same(t, at(a.Data, "viewer", "workspace", "templateTags"), []any{map[string]any{"tag": "frame", "count": 1}, map[string]any{"tag": "new", "count": 1}, map[string]any{"tag": "persona", "count": 1}})
}

func TestASavedSessionIsOfOnePersonInASharedWorkspace(t *testing.T) {
	s := newSharing(t)
	red := s.team.red.ID()
	const selection = "savedSession{key body revision imported expiresAt} workspace{name}"
	read := func(viewer *auth.Viewer) any {
		t.Helper()
		a := s.ask(t, viewer, `{viewer{workspace(name:"red"){savedSession(key:"secret screen"){body revision} savedSessions(filter:{imported:false}){totalCount}}}}`, nil)
		same(t, a.refusal(), "")
		return []any{at(a.Data, "viewer", "workspace", "savedSession", "body"), at(a.Data, "viewer", "workspace", "savedSessions", "totalCount")}
	}
	for i, viewer := range []*auth.Viewer{alice, ed, vi} { // whatever the role
		input := map[string]any{"workspace": red, "key": "secret screen", "body": map[string]any{"who": viewer.Username}, "revision": 0, "clientMutationId": "1"}
		for range 2 {
			made := s.team.change(t, viewer, "saveSession", selection, input)
			same(t, at(made, "savedSession"), map[string]any{"key": "secret screen", "body": map[string]any{"who": viewer.Username}, "revision": 1, "imported": false, "expiresAt": nil})
			same(t, at(made, "workspace", "name"), "red")
		}
		s.onRecord(t, "saved_session.save", "SavedSession")
		same(t, read(viewer), []any{map[string]any{"who": viewer.Username}, 1})
		s.wantProblem(t, viewer, "saveSession", with(input, "clientMutationId", nil), "CONFLICT input.revision: it has the revision 1 by now, not 0")
		if i == 0 {
			same(t, read(vi), []any{nil, 0})
		}
	}
	s.team.change(t, vi, "saveSession", selection, map[string]any{"workspace": red, "key": "secret screen", "body": []any{}, "expiresAt": "2999-01-01T00:00:00Z"})
	same(t, read(vi), []any{[]any{}, 1})
	same(t, read(ed), []any{map[string]any{"who": "ed"}, 1})
	for range 2 {
		same(t, at(s.team.change(t, ed, "deleteSavedSession", "deletedKey", map[string]any{"workspace": red, "key": "secret screen", "clientMutationId": "2"}), "deletedKey"), "secret screen")
	}
	s.onRecord(t, "saved_session.delete", "SavedSession")
	same(t, read(ed), []any{nil, 0})
	same(t, read(alice), []any{map[string]any{"who": "alice"}, 1})
	s.wantProblem(t, ed, "deleteSavedSession", map[string]any{"workspace": red, "key": "secret screen"}, "NOT_FOUND input.key: ")
	for input, want := range map[string]string{"key": "BAD_USER_INPUT input.key: ", "expiresAt": "BAD_USER_INPUT input.expiresAt: ", "body": "BAD_USER_INPUT input.body: "} {
		value := map[string]any{"key": "", "expiresAt": "2001-01-01T00:00:00Z", "body": strings.Repeat("x", 1<<20)}[input]
		s.wantProblem(t, vi, "saveSession", with(map[string]any{"workspace": red, "key": "k", "body": 1}, input, value), want)
	}
	s.wantProblem(t, mallory, "saveSession", map[string]any{"workspace": red, "key": "k", "body": 1}, "NOT_FOUND input.workspace: ")
	s.wantProblem(t, mallory, "deleteSavedSession", map[string]any{"workspace": red, "key": "secret screen"}, "NOT_FOUND input.workspace: ")
}

func TestSettingsOfTheViewer(t *testing.T) {
	s := newSharing(t)
	const selection = "setting{key type value default oneOf updatedAt}"
	theme := s.team.change(t, vi, "setUserSetting", selection, map[string]any{"key": "display.theme", "value": "dark", "clientMutationId": "1"})
	same(t, []any{at(theme, "setting", "value"), at(theme, "setting", "default"), at(theme, "setting", "oneOf")}, []any{"dark", "system", []any{"dark", "light", "system"}})
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, event.SubjectKey}, []any{"user_setting.set", "UserSetting", "display.theme"})
	of := func(viewer *auth.Viewer, key string) any {
		t.Helper()
		for _, setting := range at(s.ask(t, viewer, `{viewer{settings{key value}}}`, nil).Data, "viewer", "settings").([]any) {
			if at(setting, "key") == key {
				return at(setting, "value")
			}
		}
		return "none"
	}
	same(t, []any{of(vi, "display.theme"), of(ed, "display.theme"), of(auditor, "display.theme")}, []any{"dark", "system", "system"})
	s.team.change(t, vi, "resetUserSetting", selection, map[string]any{"key": "display.theme"})
	s.team.change(t, vi, "setUserSetting", selection, map[string]any{"key": "display.theme", "value": "dark", "clientMutationId": "1"}) // done before
	same(t, of(vi, "display.theme"), "system")

	zone := func() any { return at(s.ask(t, vi, `{viewer{timeZone}}`, nil).Data, "viewer", "timeZone") }
	same(t, zone(), nil)
	s.team.change(t, vi, "setUserSetting", selection, map[string]any{"key": "display.time_zone", "value": "Europe/Vienna"})
	same(t, zone(), "Europe/Vienna")
	s.team.change(t, vi, "resetUserSetting", selection, map[string]any{"key": "display.time_zone"})
	same(t, zone(), nil)

	s.team.change(t, vi, "setUserSetting", selection, map[string]any{"key": "workspace.default", "value": s.team.red.ID()})
	same(t, of(vi, "workspace.default"), s.team.red.ID())
	none := storage.ID{Kind: storage.KindWorkspace, Key: "01890000-0000-7000-8000-000000000000"}.String()
	theirs := s.problem(t, vi, "setUserSetting", map[string]any{"key": "workspace.default", "value": s.team.blue.ID()})
	same(t, theirs, s.problem(t, vi, "setUserSetting", map[string]any{"key": "workspace.default", "value": none}))
	for _, test := range []struct {
		key   string
		value any
		want  string
	}{
		{"workspace.default", s.team.blue.ID(), "NOT_FOUND input.value: "},
		{"workspace.default", "secret", "BAD_USER_INPUT input.value: the value of workspace.default must be the id of a workspace"},
		{"none", 1, `BAD_USER_INPUT input.key: there is no setting "none": it is one of content.blur, `},
		{"display.theme", "mauve", "BAD_USER_INPUT input.value: display.theme must be one of dark, light, system"},
		{"display.theme", 1, "BAD_USER_INPUT input.value: the value of display.theme must be one of the texts dark, light, system"},
		{"display.page_size", 0, "BAD_USER_INPUT input.value: display.page_size must be between 1 and 1000"},
		{"display.page_size", "20", "BAD_USER_INPUT input.value: the value of display.page_size must be a whole number between 1 and 1000"},
		{"display.time_zone", "Mars", "BAD_USER_INPUT input.value: the value of display.time_zone must be the name of a time zone"},
		{"content.blur", "yes", "BAD_USER_INPUT input.value: the value of content.blur must be true or false"},
	} {
		s.wantProblem(t, vi, "setUserSetting", map[string]any{"key": test.key, "value": test.value}, test.want)
	}
	s.wantProblem(t, vi, "resetUserSetting", map[string]any{"key": "none"}, "BAD_USER_INPUT input.key: there is no setting")
	key := s.team.makeKey("vi", nil, storage.ScopeRead, storage.ScopeWrite)
	same(t, s.ask(t, key, `{viewer{settings{key}}}`, nil).refusal(), "FORBIDDEN")
}
