package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// readAttack is one try to read what is not the viewer's. $red, $blue, $old, $mine,
// $key, $session and $alice are ids.
type readAttack struct {
	name   string
	viewer *auth.Viewer
	query  string
	want   string // the one code, or null: the last field is null without an error
}

func TestReadingWhatIsNotOnesOwnIsRefused(t *testing.T) {
	s := newTeam(t)
	readsNothing := s.makeKey("alice", nil, storage.ScopeWrite, storage.ScopeExecute)
	bound := s.makeKey("alice", []string{s.red.Key}, storage.ScopeRead)
	boundRoot := s.makeKey("alice", []string{s.red.Key}, storage.ScopeRead)
	boundRoot.Roles = []auth.Role{auth.RoleUser, auth.RoleAdmin, auth.RoleAuditor}
	whole := s.makeKey("alice", nil, storage.ScopeRead, storage.ScopeWrite)
	for _, attack := range []readAttack{
		{"nobody reads the viewer", nil, `{viewer{username}}`, "UNAUTHENTICATED"},
		{"nobody reads a node", nil, `{node(id:"$red"){id}}`, "UNAUTHENTICATED"},
		{"nobody reads nodes", nil, `{nodes(ids:["$red"]){id}}`, "UNAUTHENTICATED"},
		{"nobody reads the installation", nil, `{admin{users{totalCount}}}`, "UNAUTHENTICATED"},

		{"another's shared workspace by name", mallory, `{viewer{workspace(name:"red"){id}}}`, "NOT_FOUND"},
		{"another's personal workspace by name", mallory, `{viewer{workspace(name:"alice"){id}}}`, "NOT_FOUND"},
		{"a workspace by its id as its name", alice, `{viewer{workspace(name:"$red"){id}}}`, "NOT_FOUND"},
		{"a workspace by its key as its name", alice, `{viewer{workspace(name:"$redKey"){id}}}`, "NOT_FOUND"},
		{"an archived workspace by name", alice, `{viewer{workspace(name:"old"){id}}}`, "NOT_FOUND"},
		{"an archived workspace by id", alice, `{node(id:"$old"){id}}`, "null"},
		{"the contents of an archived workspace", alice, `{viewer{archivedWorkspaces{attacks{totalCount}}}}`, "CONFLICT"},
		{"another's workspace by id", mallory, `{node(id:"$red"){id}}`, "null"},
		{"another's workspace among nodes", mallory, `{nodes(ids:["$red","$blue"]){id}}`, "null"},
		{"another's workspace under an alias", mallory, `{node(id:"$blue"){id} x:node(id:"$red"){id}}`, "null"},
		{"another's workspace in a fragment", mallory, `query{...F} fragment F on Query{x:node(id:"$red"){...on Workspace{members{username}}}}`, "null"},
		{"another's API key", mallory, `{node(id:"$key"){id}}`, "null"},
		{"another's session", mallory, `{node(id:"$session"){id}}`, "null"},
		{"another user", mallory, `{node(id:"$alice"){id}}`, "null"},
		{"an owner reads a member as a user", alice, `{node(id:"$ed"){...on User{email}}}`, "null"},
		{"a setting", alice, `{node(id:"$setting"){id}}`, "null"},
		{"look-alike: Cyrillic", mallory, "{viewer{workspace(name:\"r\u0435d\"){id}}}", "NOT_FOUND"},
		{"look-alike: full width", mallory, "{viewer{workspace(name:\"\uff52\uff45\uff44\"){id}}}", "NOT_FOUND"},
		{"another case", alice, `{viewer{workspace(name:"RED"){id}}}`, "NOT_FOUND"},
		{"a wildcard", alice, `{viewer{workspace(name:"r%"){id}}}`, "NOT_FOUND"},
		{"a path", alice, `{viewer{workspace(name:"../red"){id}}}`, "NOT_FOUND"},
		{"a NUL", alice, `{viewer{workspace(name:"red\u0000"){id}}}`, "NOT_FOUND"},

		{"a user reads users", alice, `{admin{users{totalCount}}}`, "FORBIDDEN"},
		{"a user reads the log", alice, `{admin{auditEvents{totalCount}}}`, "FORBIDDEN"},
		{"an auditor reads users", auditor, `{admin{users{totalCount}}}`, "FORBIDDEN"},
		{"an auditor reads workspaces", auditor, `{admin{workspaces{totalCount}}}`, "FORBIDDEN"},
		{"an auditor reads settings", auditor, `{admin{settings{key}}}`, "FORBIDDEN"},
		{"an auditor reads health", auditor, `{admin{healthChecks{totalCount}}}`, "FORBIDDEN"},
		{"an auditor reads errors", auditor, `{admin{errorLogs{totalCount}}}`, "FORBIDDEN"},
		{"an auditor reads rate limits", auditor, `{admin{rateLimits{totalCount}}}`, "FORBIDDEN"},
		{"an auditor reads a user", auditor, `{node(id:"$alice"){id}}`, "null"},
		{"an auditor opens a workspace", auditor, `{viewer{workspace{id}}}`, "FORBIDDEN"},
		{"an auditor lists workspaces", auditor, `{viewer{workspaces{id}}}`, "FORBIDDEN"},
		{"an administrator opens a workspace", root, `{viewer{workspace{id}}}`, "FORBIDDEN"},
		{"an administrator opens a workspace by name", root, `{viewer{workspace(name:"red"){id}}}`, "FORBIDDEN"},
		{"an administrator lists workspaces", root, `{viewer{workspaces{id}}}`, "FORBIDDEN"},
		{"an administrator lists archived workspaces", root, `{viewer{archivedWorkspaces{id}}}`, "FORBIDDEN"},
		{"an administrator reads a workspace by id", root, `{node(id:"$red"){id}}`, "null"},
		{"an administrator reads an API key", root, `{node(id:"$key"){id}}`, "null"},
		{"an administrator reads a session", root, `{node(id:"$session"){id}}`, "null"},
		{"an administrator asks for a user's workspaces", root, `{admin{users{nodes{workspaces{id}}}}}`, "BAD_USER_INPUT"},
		{"an administrator asks for contents of workspaces", root, `{admin{workspaces{nodes{attacks{totalCount}}}}}`, "BAD_USER_INPUT"},
		{"a role in a fragment", alice, `query{...F} fragment F on Query{admin{...G}} fragment G on Admin{users{totalCount}}`, "FORBIDDEN"},
		{"a role under aliases", alice, `{a:admin{a:users{totalCount}}}`, "FORBIDDEN"},
		{"a directive of the client's", alice, `{admin @hasRole(role:ADMIN){users{totalCount}}}`, "BAD_USER_INPUT"},
		{"a directive of the client's that opens", mallory, `{node(id:"$red") @userScoped {id}}`, "BAD_USER_INPUT"},
		{"skipped and included", alice, `{admin @skip(if:false) @include(if:true){users{totalCount}}}`, "FORBIDDEN"},
		{"an inline fragment without type", alice, `{...{...{admin{settings{key}}}}}`, "FORBIDDEN"},

		{"a key without READ", readsNothing, `{viewer{username}}`, "FORBIDDEN"},
		{"a key without READ reads a node", readsNothing, `{node(id:"$red"){id}}`, "FORBIDDEN"},
		{"a key without READ reads what it writes", readsNothing, `mutation{createWorkspace(input:{name:"w"}){workspace{members{username}}}}`, "FORBIDDEN"},
		{"a bound key opens the personal workspace", bound, `{viewer{workspace{id}}}`, "FORBIDDEN"},
		{"a bound key opens it by name", bound, `{viewer{workspace(name:"alice"){id}}}`, "NOT_FOUND"},
		{"a bound key reads it by id", bound, `{node(id:"$mine"){id}}`, "null"},
		{"a bound key reads it among nodes", bound, `{nodes(ids:["$mine"]){id}}`, "null"},
		{"a bound key administers", boundRoot, `{admin{users{totalCount}}}`, "FORBIDDEN"},
		{"a bound key reads the log", boundRoot, `{admin{auditEvents{totalCount}}}`, "FORBIDDEN"},
		{"a bound key reads a user", boundRoot, `{node(id:"$alice"){id}}`, "null"},
		{"a key lists keys", whole, `{viewer{apiKeys{totalCount}}}`, "FORBIDDEN"},
		{"a key lists sessions", whole, `{viewer{sessions{totalCount}}}`, "FORBIDDEN"},
		{"a key reads a key", whole, `{node(id:"$key"){id}}`, "null"},
		{"a key reads a session", whole, `{node(id:"$session"){id}}`, "null"},
		{"a key writes without WRITE", bound, `mutation{renameWorkspace(input:{workspace:"$red",name:"x"}){userErrors{code}}}`, "FORBIDDEN"},

		{"a cursor of another list", root, `{admin{users(after:"$workspacesCursor"){totalCount}}}`, "BAD_USER_INPUT"},
		{"a cursor of another order", root, `{admin{users(after:"$usersCursor",orderBy:{field:LAST_SEEN}){totalCount}}}`, "BAD_USER_INPUT"},
		{"a cursor that is none", root, `{admin{users(after:"none"){totalCount}}}`, "BAD_USER_INPUT"},
		{"a cursor with a statement", root, `{admin{users(after:"$sqlCursor"){totalCount}}}`, "BAD_USER_INPUT"},
		{"an order that is none", root, `{admin{users(orderBy:{field:"username; DROP TABLE users"}){totalCount}}}`, "BAD_USER_INPUT"},
		{"too many rows", root, `{admin{users(first:1001){totalCount}}}`, "BAD_USER_INPUT"},
		{"less than no rows", auditor, `{admin{auditEvents(first:-1){totalCount}}}`, "BAD_USER_INPUT"},
		{"both ends", auditor, `{admin{auditEvents(first:1,last:1){totalCount}}}`, "BAD_USER_INPUT"},
		{"a checkpoint of one's own making", auditor, `{admin{verifyAuditCheckpoint(checkpoint:{count:0,sequence:0,mac:"",createdAt:"2026-01-01T00:00:00Z",signature:"00"}){complete}}}`, "BAD_USER_INPUT"},
		{"a mutation as a query", alice, `{createWorkspace(input:{name:"x"}){userErrors{code}}}`, "BAD_USER_INPUT"},
		{"two operations without a name", alice, `query A{viewer{username}} query B{viewer{username}}`, "BAD_USER_INPUT"},
		{"a fragment in itself", alice, `{...F} fragment F on Query{...F}`, "BAD_USER_INPUT"},
	} {
		t.Run(attack.name, func(t *testing.T) {
			query := s.named(attack.query)
			a := s.ask(t, attack.viewer, query, nil)
			if attack.want == "null" {
				if len(a.Codes) > 0 || !nullLast(a.Data) {
					t.Errorf("%s answers %s", query, a.body)
				}
			} else if got := a.refusal(); got != attack.want {
				t.Errorf("%s is refused with %q, want %s: %s", query, got, attack.want, a.body)
			}
			a.keepsInside(t)
		})
	}
}

// named fills the ids into a query.
func (s *team) named(query string) string {
	cursor := func(list, value string) string {
		return storage.Cursor{List: list, Value: value, Number: "' OR 1=1"}.String()
	}
	return strings.NewReplacer(
		"$redKey", s.red.Key, "$red", s.red.ID(), "$blue", s.blue.ID(), "$old", s.old.ID(), "$mine", s.personal("alice").ID(),
		"$key", s.key.ID(), "$session", s.session.ID(), "$alice", s.users["alice"].ID(), "$ed", s.users["ed"].ID(),
		"$setting", storage.ID{Kind: storage.KindSetting, Key: "session.idle_minutes"}.String(),
		"$usersCursor", cursor("users/USERNAME/asc", `"a"`), "$workspacesCursor", cursor("workspaces/CREATED_AT/asc", "1"),
		"$sqlCursor", cursor("users/USERNAME/asc", `' UNION 1`),
	).Replace(query)
}

// nullLast tells whether the field that an attack is about, the one that is null or a
// list with a null in it, is there and nothing else of it.
func nullLast(data map[string]any) bool {
	for name, value := range data {
		list, isList := value.([]any)
		if value == nil && name != "viewer" || isList && len(list) > 0 && list[0] == nil {
			return true
		}
	}
	return false
}

func TestARemovedMemberIsOutAtOnce(t *testing.T) {
	s := newTeam(t)
	const query = `{viewer{workspace(name:"red"){id} workspaces{name}}}`
	same(t, at(s.ask(t, vi, query, nil).Data, "viewer", "workspace", "id"), s.red.ID())
	bound := s.makeKey("vi", []string{s.red.Key}, storage.ScopeRead)
	same(t, s.ask(t, bound, `{viewer{workspace(name:"red"){id}}}`, nil).refusal(), "")
	s.change(t, alice, "removeMember", "workspace{members{username}}", map[string]any{"workspace": s.red.ID(), "username": "vi"})
	for _, viewer := range []*auth.Viewer{vi, bound} {
		same(t, s.ask(t, viewer, `{viewer{workspace(name:"red"){id}}}`, nil).refusal(), "NOT_FOUND")
		same(t, at(s.ask(t, viewer, s.named(`{node(id:"$red"){id}}`), nil).Data, "node"), nil)
	}
	// In one document too: each mutation asks anew.
	a := s.ask(t, alice, s.named(`mutation{a:transferWorkspace(input:{workspace:"$red",username:"ed"}){workspace{role}} b:renameWorkspace(input:{workspace:"$red",name:"x"}){userErrors{code}}
		c:leaveWorkspace(input:{workspace:"$red"}){workspaceId} d:renameWorkspace(input:{workspace:"$red",name:"x"}){userErrors{code}}}`), nil)
	same(t, []any{a.Codes, a.Problems}, []any{[]string{"FORBIDDEN"}, []string{"NOT_FOUND"}})
	// The list of a key shows only what its owner still has.
	same(t, at(s.ask(t, vi, `{viewer{apiKeys{nodes{workspaces{name}}}}}`, nil).Data, "viewer", "apiKeys", "nodes", 0, "workspaces"), []any{})
}

func TestNamesThatLookTheSameAreOneName(t *testing.T) {
	s := newTeam(t)
	for _, viewer := range []*auth.Viewer{signedIn("ALICE", auth.RoleUser), signedIn("\uff41lice", auth.RoleUser), signedIn("Alice", auth.RoleUser)} {
		same(t, s.ask(t, viewer, `{viewer{workspace{id}}}`, nil).refusal(), "FORBIDDEN")
		same(t, s.lastAct(t).Action, "sign_in")
	}
	for name, want := range map[string]string{
		"red": "CONFLICT", " red\t": "CONFLICT", "  red ": "CONFLICT", "re\u200bd": "BAD_USER_INPUT", "\u202ered": "BAD_USER_INPUT", "": "BAD_USER_INPUT",
		"a\x00b": "BAD_USER_INPUT", strings.Repeat("x", 65): "BAD_USER_INPUT", strings.Repeat("x", 1<<20): "BAD_USER_INPUT", "\u00a0": "BAD_USER_INPUT",
	} {
		a := s.mutate(t, alice, "createWorkspace", map[string]any{"name": name})
		if got := a.refusal(); got != want {
			t.Errorf("the name %.20q gives %q, want %s: %.200s", name, got, want, a.body)
		}
		a.keepsInside(t)
	}
	// One name for two shared workspaces is asked about, not guessed.
	same(t, s.mutate(t, mallory, "renameWorkspace", map[string]any{"workspace": s.blue.ID(), "name": "red"}).refusal(), "")
	same(t, s.mutate(t, mallory, "inviteMember", map[string]any{"workspace": s.blue.ID(), "username": "alice"}).refusal(), "")
	same(t, s.ask(t, alice, `{viewer{workspace(name:"red"){id}}}`, nil).refusal(), "CONFLICT")
	// A name may look like a path or a statement; it is a name.
	for _, name := range []string{"../../etc", "'; DROP TABLE users", "<script>alert(1)</script>"} {
		same(t, at(s.change(t, alice, "createWorkspace", "workspace{name}", map[string]any{"name": name}), "workspace", "name"), name)
	}
}

func TestTwoFirstSignInsMakeOneUser(t *testing.T) {
	s := newTeam(t)
	var all sync.WaitGroup
	ids := make([]any, 16)
	for i := range ids {
		all.Go(func() {
			a := s.ask(t, signedIn("newcomer", auth.RoleUser), `{viewer{workspace{id}}}`, nil)
			ids[i] = at(a.Data, "viewer", "workspace", "id")
		})
	}
	all.Wait()
	for _, id := range ids {
		if id == nil || id != ids[0] {
			t.Errorf("the workspaces are %v", ids)
		}
	}
	users, err := s.app.ListUsers(t.Context(), &storage.UserFilter{UsernameContains: &[]string{"newcomer"}[0]}, storage.UserOrder{}, storage.Page{Limit: 10})
	s.must(err)
	same(t, len(users.Edges), 1)
}

// Everybody writes and reads the shared workspace at once: nothing is lost.
func TestTwoPeopleWorkInOneWorkspaceAtOnce(t *testing.T) {
	s := newTeam(t)
	same(t, s.mutate(t, alice, "setMemberRole", map[string]any{"workspace": s.red.ID(), "username": "ed", "role": "OWNER"}).refusal(), "")
	const each = 10
	for i := range 2 * each {
		_, _, err := s.app.SignIn(t.Context(), storage.Identity{Issuer: "i", Subject: fmt.Sprint(i), Username: fmt.Sprint("guest", i)}, fmt.Sprint(i, ".db"))
		s.must(err)
	}
	var all sync.WaitGroup
	for who, viewer := range []*auth.Viewer{alice, ed} {
		all.Go(func() {
			for i := range each {
				name := fmt.Sprint("guest", who*each+i)
				a := s.mutate(t, viewer, "inviteMember", map[string]any{"workspace": s.red.ID(), "username": name, "role": "EDITOR"})
				b := s.mutate(t, viewer, "setMemberRole", map[string]any{"workspace": s.red.ID(), "username": name, "role": "VIEWER"})
				c := s.mutate(t, viewer, "renameWorkspace", map[string]any{"workspace": s.red.ID(), "name": fmt.Sprint("red ", name)})
				key := s.mutate(t, viewer, "createApiKey", map[string]any{"name": name, "scopes": []any{"READ"}, "workspaces": []any{s.red.ID()}})
				seen := s.ask(t, viewer, s.named(`{node(id:"$red"){...on Workspace{members{username role}}}}`), nil)
				for _, one := range []answer{a, b, c, key, seen} {
					if one.refusal() != "" {
						t.Errorf("%s", one.body)
					}
				}
				if text, _ := json.Marshal(seen.Data); !strings.Contains(string(text), `{"role":"VIEWER","username":"`+name+`"}`) {
					t.Errorf("%s does not see what they wrote: %s", viewer.Username, text)
				}
			}
		})
	}
	all.Wait()
	var views []any
	for _, viewer := range []*auth.Viewer{alice, ed} {
		a := s.ask(t, viewer, s.named(`{node(id:"$red"){...on Workspace{name members{username role}}}}`), nil)
		same(t, len(at(a.Data, "node", "members").([]any)), 3+2*each)
		same(t, at(s.ask(t, viewer, `{viewer{apiKeys(first:100){nodes{name}}}}`, nil).Data, "viewer", "apiKeys", "nodes", each-1) != nil, true)
		views = append(views, a.Data)
	}
	same(t, views[0], views[1])
	report, err := s.app.AuditIntegrity(t.Context())
	s.must(err)
	// Two rows for each of four mutations, and for the role that ed got.
	same(t, []any{report.Rows, report.Fault}, []any{2*each*4*2 + 2, nil})
}
