package resolvers_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// change makes a mutation that must succeed, and returns its payload.
func (s *team) change(t *testing.T, viewer *auth.Viewer, field, selection string, input map[string]any) any {
	t.Helper()
	kind := strings.ToUpper(field[:1]) + field[1:] + "Input!"
	a := s.ask(t, viewer, `mutation($input:`+kind+`){`+field+`(input:$input){clientMutationId userErrors{code message field} `+selection+`}}`, map[string]any{"input": input})
	if a.refusal() != "" {
		t.Fatalf("%s %v: %s", field, input, a.body)
	}
	return at(a.Data, field)
}

func TestATeamIsMadeChangedAndLeft(t *testing.T) {
	s := newTeam(t)
	made := s.change(t, alice, "createWorkspace", "workspace{id name kind role members{username role}}", map[string]any{"name": " green "})
	id := at(made, "workspace", "id")
	same(t, at(made, "workspace"), map[string]any{"id": id, "name": "green", "kind": "SHARED", "role": "OWNER", "members": []any{map[string]any{"username": "alice", "role": "OWNER"}}})
	invited := s.change(t, alice, "inviteMember", "member{username role} workspace{name}", map[string]any{"workspace": id, "username": "mallory"})
	same(t, at(invited, "member"), map[string]any{"username": "mallory", "role": "VIEWER"})
	same(t, at(s.ask(t, mallory, `{viewer{workspace(name:"green"){id role}}}`, nil).Data, "viewer", "workspace"), map[string]any{"id": id, "role": "VIEWER"})
	s.change(t, alice, "setMemberRole", "member{role}", map[string]any{"workspace": id, "username": "mallory", "role": "EDITOR"})
	same(t, at(s.change(t, alice, "renameWorkspace", "workspace{name}", map[string]any{"workspace": id, "name": "lime"}), "workspace", "name"), "lime")
	same(t, at(s.change(t, alice, "transferWorkspace", "workspace{role}", map[string]any{"workspace": id, "username": "mallory"}), "workspace", "role"), "EDITOR")
	same(t, at(s.change(t, alice, "leaveWorkspace", "workspaceId", map[string]any{"workspace": id}), "workspaceId"), id)
	same(t, s.ask(t, alice, `{viewer{workspace(name:"lime"){id}}}`, nil).refusal(), "NOT_FOUND")

	// What is out of use shows who it is, not what it holds.
	archived := s.ask(t, mallory, `mutation($w:ID!){archiveWorkspace(input:{workspace:$w}){workspace{name archivedAt attacks{totalCount}}}}`, map[string]any{"w": s.blue.ID()})
	same(t, archived.Codes, []string{"CONFLICT"})
	same(t, at(archived.Data, "archiveWorkspace", "workspace", "name"), "blue")
	same(t, at(s.ask(t, mallory, `{viewer{archivedWorkspaces{name}}}`, nil).Data, "viewer", "archivedWorkspaces"), []any{map[string]any{"name": "blue"}})
	same(t, at(s.change(t, mallory, "unarchiveWorkspace", "workspace{name archivedAt}", map[string]any{"workspace": s.blue.ID()}), "workspace"), map[string]any{"name": "blue", "archivedAt": nil})
}

func TestAnAPIKeyIsShownOnceAndEndsAtOnce(t *testing.T) {
	s := newTeam(t)
	input := map[string]any{"name": "ci", "scopes": []any{"READ"}, "workspaces": []any{s.red.ID()}, "clientMutationId": "key-1"}
	const selection = "secret apiKey{id name prefix scopes expiresAt revokedAt workspaces{name}}"
	made := s.change(t, alice, "createApiKey", selection, input)
	secret, _ := at(made, "secret").(string)
	hash, err := auth.HashAPIKey(secret)
	s.must(err)
	key, _, _, err := s.app.APIKeyBySecret(t.Context(), hash)
	s.must(err)
	same(t, at(made, "apiKey", "workspaces"), []any{map[string]any{"name": "red"}})
	same(t, at(made, "apiKey", "prefix"), secret[:len(key.Prefix)])
	if key.ExpiresAt == nil || key.ExpiresAt.After(time.Now().AddDate(0, 0, 366)) {
		t.Errorf("the key ends at %v", key.ExpiresAt)
	}
	again := s.change(t, alice, "createApiKey", selection, input)
	if at(again, "secret") != nil || at(again, "apiKey", "id") != at(made, "apiKey", "id") {
		t.Errorf("repeated: %v", again)
	}
	same(t, s.mutate(t, alice, "createApiKey", with(input, "name", "other")).refusal(), "CONFLICT")
	longLived := map[string]any{"name": "ci", "scopes": []any{"READ"}, "expiresAt": time.Now().AddDate(2, 0, 0).Format(time.RFC3339)}
	same(t, s.mutate(t, alice, "createApiKey", longLived).refusal(), "BAD_USER_INPUT")

	id := at(made, "apiKey", "id")
	same(t, at(s.ask(t, alice, `query($id:ID!){node(id:$id){id ... on ApiKey{name}}}`, map[string]any{"id": id}).Data, "node", "name"), "ci")
	if at(s.change(t, alice, "revokeApiKey", "apiKey{revokedAt}", map[string]any{"apiKey": id}), "apiKey", "revokedAt") == nil {
		t.Error("the key is not revoked")
	}
	if _, _, _, err := s.app.APIKeyBySecret(t.Context(), hash); storage.CodeOf(err) != storage.CodeUnauthenticated {
		t.Errorf("a revoked key: %v", err)
	}
	same(t, at(s.ask(t, alice, `{viewer{apiKeys(first:1){totalCount nodes{name}}}}`, nil).Data, "viewer", "apiKeys", "nodes"), []any{map[string]any{"name": "ci"}})
}

func TestSessionsEndButTheCurrentOne(t *testing.T) {
	s := newTeam(t)
	here := *alice
	here.User, here.Personal, here.Session = s.users["alice"], s.personal("alice"), s.session
	for i := range 3 {
		_, err := s.app.CreateSession(t.Context(), storage.Session{
			Key: strings.Repeat(fmt.Sprintf("%02x", i), 32), UserKey: here.User.Key, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Hour,
		})
		s.must(err)
	}
	list := at(s.ask(t, &here, `{viewer{sessions{totalCount nodes{id current}}}}`, nil).Data, "viewer", "sessions", "nodes").([]any)
	for _, one := range list {
		same(t, at(one, "current"), at(one, "id") == s.session.ID())
		same(t, at(s.ask(t, &here, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": at(one, "id")}).Data, "node", "id"), at(one, "id"))
		same(t, at(s.ask(t, mallory, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": at(one, "id")}).Data, "node"), nil)
	}
	same(t, len(list), 4)
	other := storage.ID{Kind: storage.KindSession, Key: strings.Repeat("01", 32)}.String()
	same(t, at(s.change(t, &here, "endSession", "sessionId", map[string]any{"session": other}), "sessionId"), other)
	same(t, at(s.change(t, &here, "endOtherSessions", "ended", map[string]any{}), "ended"), 2.0)
	same(t, at(s.ask(t, &here, `{viewer{sessions{totalCount}}}`, nil).Data, "viewer", "sessions", "totalCount"), 1.0)
}

func TestAdministratorsLockOutReleaseAndSet(t *testing.T) {
	s := newTeam(t)
	id := s.users["alice"].ID()
	same(t, at(s.change(t, root, "setUserDisabled", "user{username disabled}", map[string]any{"user": id, "disabled": true}), "user"), map[string]any{"username": "alice", "disabled": true})
	same(t, s.ask(t, alice, `{viewer{username}}`, nil).refusal(), "FORBIDDEN")
	if _, _, _, err := s.app.SessionByKey(t.Context(), s.session.Key); storage.CodeOf(err) != storage.CodeUnauthenticated {
		t.Errorf("the session of a locked account: %v", err)
	}
	s.change(t, root, "setUserDisabled", "user{disabled}", map[string]any{"user": id, "disabled": false})
	same(t, s.ask(t, alice, `{viewer{username}}`, nil).refusal(), "")
	same(t, s.mutate(t, root, "setUserDisabled", map[string]any{"user": s.users["root"].ID(), "disabled": true}).refusal(), "BAD_USER_INPUT")
	_, _, err := s.app.EnsureUser(t.Context(), "made", "made.db")
	s.must(err)
	same(t, at(s.change(t, root, "allowUserBinding", "user{bindingAllowed}", map[string]any{"username": "made"}), "user", "bindingAllowed"), true)

	input := map[string]any{"key": "rate.query.per_minute.user", "value": 7, "version": 0}
	same(t, at(s.change(t, root, "setSetting", "setting{value version updatedBy}", input), "setting"), map[string]any{"value": 7.0, "version": 1.0, "updatedBy": "root"})
	same(t, s.mutate(t, root, "setSetting", input).refusal(), "CONFLICT")
	same(t, s.mutate(t, root, "setSetting", with(with(input, "version", 1), "value", "seven")).refusal(), "BAD_USER_INPUT")
	same(t, s.mutate(t, root, "setSetting", with(input, "key", "nothing")).refusal(), "NOT_FOUND")
}

// A name that a command made is free for the development mode.
func TestAnImportForAUserIsThatUsersInDevelopmentMode(t *testing.T) {
	s := newTeam(t)
	_, made, err := s.app.EnsureUser(t.Context(), "carol", "carol.db")
	s.must(err)
	same(t, at(s.ask(t, signedIn("carol", auth.RoleUser), `{viewer{workspace{id}}}`, nil).Data, "viewer", "workspace", "id"), made.ID())
	// An identity of a provider needs the permission, and its refusal is on record.
	real := &auth.Viewer{Issuer: "https://idp.example", Subject: "1", Username: "alice", Roles: []auth.Role{auth.RoleUser}}
	_, _, err = s.app.EnsureUser(t.Context(), "dora", "dora.db")
	s.must(err)
	real.Username = "dora"
	same(t, s.ask(t, real, `{viewer{workspace{id}}}`, nil).refusal(), "FORBIDDEN")
	same(t, s.lastAct(t).Action+" "+string(s.lastAct(t).Outcome)+" "+s.lastAct(t).Actor, "sign_in DENIED dora")
}

func TestAMutationIsOnRecordBeforeAndAfter(t *testing.T) {
	s := newTeam(t)
	ctx := storage.WithCaller(auth.WithViewer(t.Context(), alice), storage.Caller{IP: "192.0.2.7", UserAgent: "test", RequestID: "r-1"})
	document := `mutation($w:ID!){inviteMember(input:{workspace:$w,username:"mallory",role:EDITOR}){userErrors{code}} again:inviteMember(input:{workspace:$w,username:"mallory"}){userErrors{code}}}`
	a := s.askIn(t, graphqlContext(ctx), document, map[string]any{"w": s.red.ID()})
	same(t, a.Problems, []string{"CONFLICT"})
	same(t, s.mutate(t, ed, "renameWorkspace", map[string]any{"workspace": s.red.ID(), "name": "x"}).refusal(), "FORBIDDEN")
	same(t, s.mutate(t, ed, "setSetting", mutations["setSetting"](s)).refusal(), "FORBIDDEN")
	events, err := s.app.AuditEvents(t.Context(), nil, storage.AuditOrder{Direction: storage.Ascending}, storage.Page{Limit: 100})
	s.must(err)
	var rows []string
	for _, e := range events.Nodes() {
		rows = append(rows, fmt.Sprint(e.Kind, " ", e.Actor, " ", e.Action, " ", e.Outcome, " ", e.Code, " ", e.Detail))
	}
	want := []string{
		`INTENT alice workspace.invite   {"fields":["username","role"]}`,
		`OUTCOME alice workspace.invite SUCCEEDED  {"role":"EDITOR","username":"mallory"}`,
		`INTENT alice workspace.invite   {"fields":["username","role"]}`,
		`OUTCOME alice workspace.invite FAILED CONFLICT {"fields":["username","role"]}`,
		`INTENT ed workspace.rename   {"fields":["name"]}`,
		`OUTCOME ed workspace.rename DENIED FORBIDDEN {"fields":["name"]}`,
		`EVENT ed Mutation.setSetting DENIED FORBIDDEN `,
	}
	if !slices.Equal(rows, want) {
		t.Errorf("the log has\n%s\nwant\n%s", strings.Join(rows, "\n"), strings.Join(want, "\n"))
	}
	first := events.Nodes()[0]
	same(t, []string{first.IP, first.UserAgent, first.RequestID, first.SubjectType, first.SubjectKey, first.WorkspaceKey, first.ActorKey},
		[]string{"192.0.2.7", "test", "r-1", "Workspace", s.red.Key, s.red.Key, s.users["alice"].Key})
}

// A later mutation of a document answers what it made, not what an earlier one read.
func TestEachMutationOfADocumentAnswersWhatIsThereByThen(t *testing.T) {
	s := newTeam(t)
	a := s.ask(t, alice, s.named(`mutation{
		a:inviteMember(input:{workspace:"$red",username:"mallory",role:EDITOR}){member{role}}
		b:setMemberRole(input:{workspace:"$red",username:"mallory",role:VIEWER}){member{role}}
		c:removeMember(input:{workspace:"$red",username:"mallory"}){workspace{members{username}}}}`), nil)
	same(t, a.refusal(), "")
	same(t, []any{at(a.Data, "a", "member", "role"), at(a.Data, "b", "member", "role"), len(at(a.Data, "c", "workspace", "members").([]any))},
		[]any{"EDITOR", "VIEWER", 3})
}

// An id can hold any text. The log holds keys, so what is none is refused before it.
func TestTheLogKeepsNoTextOfAClientsChoiceAsASubject(t *testing.T) {
	s := newTeam(t)
	for _, key := range []string{"how to build a bomb", "../../red", strings.Repeat("a", 65), "a\x00b"} {
		id := storage.ID{Kind: storage.KindWorkspace, Key: key}.String()
		same(t, s.mutate(t, alice, "renameWorkspace", map[string]any{"workspace": id, "name": "x"}).refusal(), "NOT_FOUND")
	}
	events, err := s.app.AuditEvents(t.Context(), nil, storage.AuditOrder{}, storage.Page{Limit: 10})
	s.must(err)
	same(t, len(events.Edges), 0)
}

// The audit log is not to be had: then nothing is done.
func TestWithoutARecordNothingIsDone(t *testing.T) {
	s := newTeam(t)
	silent := newTeamOn(t, newServerWith(t))
	a := silent.mutate(t, alice, "renameWorkspace", map[string]any{"workspace": silent.red.ID(), "name": "x", "clientMutationId": "1"})
	same(t, a.refusal(), "INTERNAL")
	same(t, silent.ask(t, alice, `{viewer{workspace(name:"red"){name}}}`, nil).refusal(), "")
	same(t, s.mutate(t, alice, "renameWorkspace", map[string]any{"workspace": s.red.ID(), "name": "x"}).refusal(), "")
}

func TestARepeatedMutationIsDoneOnce(t *testing.T) {
	s := newTeam(t)
	input := map[string]any{"name": "green", "clientMutationId": "once"}
	var all sync.WaitGroup
	answers := make([]answer, 8)
	for i := range answers {
		all.Go(func() { answers[i] = s.mutate(t, alice, "createWorkspace", input) })
	}
	all.Wait()
	for _, a := range answers {
		if got := a.refusal(); got != "" && got != "CONFLICT" { // CONFLICT: the first one still ran
			t.Errorf("%s", a.body)
		}
	}
	first := s.change(t, alice, "createWorkspace", "workspace{id name}", input)
	s.change(t, alice, "renameWorkspace", "workspace{name}", map[string]any{"workspace": at(first, "workspace", "id"), "name": "lime"})
	same(t, at(s.change(t, alice, "createWorkspace", "workspace{id name}", input), "workspace", "name"), "lime")
	same(t, at(s.change(t, mallory, "createWorkspace", "workspace{name}", input), "workspace", "name"), "green")
	// A refused one may be sent again under its id.
	taken := map[string]any{"workspace": s.red.ID(), "name": "lime", "clientMutationId": "twice"}
	same(t, s.mutate(t, alice, "renameWorkspace", taken).refusal(), "CONFLICT")
	same(t, s.mutate(t, alice, "renameWorkspace", with(taken, "name", "pink")).refusal(), "")
	for _, id := range []string{"", strings.Repeat("x", 300), "a\x00b"} {
		same(t, s.mutate(t, alice, "createWorkspace", map[string]any{"name": "n", "clientMutationId": id}).refusal(), "BAD_USER_INPUT")
	}
}

func (s *team) lastAct(t *testing.T) *storage.AuditEvent {
	t.Helper()
	events, err := s.app.AuditEvents(t.Context(), nil, storage.AuditOrder{Direction: storage.Descending}, storage.Page{Limit: 1})
	s.must(err)
	return events.Nodes()[0]
}

func same(t *testing.T, got, want any) {
	t.Helper()
	one, _ := json.Marshal(got)
	other, _ := json.Marshal(want)
	if string(one) != string(other) {
		t.Errorf("got %s, want %s", one, other)
	}
}
