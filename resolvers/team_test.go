package resolvers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// The people of the tests: alice owns the shared workspace red, ed edits it, vi views
// it; mallory is a member of nothing of theirs.
var (
	ed      = signedIn("ed", auth.RoleUser)
	vi      = signedIn("vi", auth.RoleUser)
	mallory = signedIn("mallory", auth.RoleUser)
	root    = signedIn("root", auth.RoleAdmin)
	auditor = signedIn("auditor", auth.RoleAuditor)
)

// team is a server with those people and what they have.
type team struct {
	*server
	t         *testing.T
	users     map[string]*storage.User
	red, blue *storage.Workspace // blue is mallory's
	old       *storage.Workspace // archived, of the members of red
	key       *storage.APIKey    // of alice, as session
	session   *storage.Session
}

func newTeam(t *testing.T) *team {
	t.Helper()
	return newTeamOn(t, newServer(t))
}

func newTeamOn(t *testing.T, s *server) *team {
	t.Helper()
	team := &team{server: s, t: t, users: map[string]*storage.User{}}
	for _, v := range []*auth.Viewer{alice, ed, vi, mallory, root, auditor} {
		user, _, err := s.app.SignIn(t.Context(), storage.Identity{
			Issuer: v.Issuer, Subject: v.Subject, Username: v.Username, Roles: []string{string(v.Roles[0])}, Dev: true,
		}, v.Username+".db")
		team.must(err)
		team.users[v.Username] = user
	}
	team.red, team.old, team.blue = team.workspace("alice", "red"), team.workspace("alice", "old"), team.workspace("mallory", "blue")
	owner := team.users["alice"].Key
	for name, role := range map[string]storage.MemberRole{"ed": storage.MemberEditor, "vi": storage.MemberViewer} {
		for _, workspace := range []*storage.Workspace{team.red, team.old} {
			_, err := s.app.AddMember(t.Context(), owner, workspace.Key, name, role)
			team.must(err)
		}
	}
	_, err := s.app.ArchiveWorkspace(t.Context(), owner, team.old.Key)
	team.must(err)
	team.key = team.makeKey("alice", nil, storage.ScopeRead, storage.ScopeWrite).Key
	team.session, err = s.app.CreateSession(t.Context(), storage.Session{
		Key: strings.Repeat("ab", 32), UserKey: team.users["alice"].Key, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Hour,
	})
	team.must(err)
	return team
}

func (s *team) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *team) workspace(owner, name string) *storage.Workspace {
	s.t.Helper()
	made, err := s.app.CreateWorkspace(s.t.Context(), s.users[owner].Key, name, func(key string) string { return key + ".db" })
	s.must(err)
	return made
}

// makeKey is a viewer who comes with an API key of the user.
func (s *team) makeKey(owner string, workspaces []string, scopes ...storage.APIScope) *auth.Viewer {
	s.t.Helper()
	_, hash, prefix := auth.NewAPIKey()
	_, err := s.app.CreateAPIKey(s.t.Context(), storage.NewAPIKey{
		UserKey: s.users[owner].Key, Name: "a key", Prefix: prefix, SecretHash: hash, Scopes: scopes, Workspaces: workspaces,
	})
	s.must(err)
	key, user, personal, err := s.app.APIKeyBySecret(s.t.Context(), hash)
	s.must(err)
	roles := make([]auth.Role, len(user.Roles))
	for i, role := range user.Roles {
		roles[i] = auth.Role(role)
	}
	return &auth.Viewer{Username: owner, Roles: roles, User: user, Personal: personal, Key: key}
}

// answer is what a client sees.
type answer struct {
	Data map[string]any
	// Codes are those of the errors, Problems those of all userErrors.
	Codes, Problems []string
	body            string
}

// ask executes a document; one that does not pass validation is BAD_USER_INPUT, as the
// server says it.
func (s *server) ask(t *testing.T, viewer *auth.Viewer, query string, variables map[string]any) answer {
	t.Helper()
	ctx := t.Context()
	if viewer != nil {
		ctx = auth.WithViewer(ctx, viewer)
	}
	return s.askIn(t, graphqlContext(ctx), query, variables)
}

func graphqlContext(ctx context.Context) context.Context { return graphql.StartOperationTrace(ctx) }

func (s *server) askIn(t *testing.T, ctx context.Context, query string, variables map[string]any) answer {
	t.Helper()
	variables = asSent(t, variables)
	operation, problems := s.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: variables})
	if len(problems) > 0 {
		return answer{Codes: []string{string(storage.CodeBadInput)}, body: problems.Error()}
	}
	responses, ctx := s.exec.DispatchOperation(ctx, operation)
	response := responses(ctx)
	a := answer{body: string(response.Data)}
	if err := json.Unmarshal(response.Data, &a.Data); err != nil {
		t.Fatal(err)
	}
	for _, e := range response.Errors {
		code := string(storage.CodeOf(e))
		if e.Unwrap() == nil { // gqlgen's own words about the request
			code = string(storage.CodeBadInput)
		}
		a.Codes = append(a.Codes, code)
		a.body += "\n" + e.Message
	}
	a.Problems = problemsIn(a.Data)
	return a
}

// asSent are the variables as the server reads them. The transport of files puts an
// upload where the input has null.
func asSent(t *testing.T, variables map[string]any) map[string]any {
	t.Helper()
	if input, _ := variables["input"].(map[string]any); input != nil {
		if upload, ok := input["file"].(storage.Upload); ok {
			variables = asSent(t, map[string]any{"input": with(input, "file", nil)})
			variables["input"].(map[string]any)["file"] = upload
			return variables
		}
	}
	text, err := json.Marshal(variables)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var sent map[string]any
	if err := decoder.Decode(&sent); err != nil {
		t.Fatal(err)
	}
	return sent
}

// refusal is the one code with which something was refused, empty where it was not.
func (a answer) refusal() string {
	all := append(append([]string{}, a.Codes...), a.Problems...)
	for _, code := range all {
		if code != all[0] {
			return fmt.Sprint(all)
		}
	}
	return strings.Join(all[:min(1, len(all))], "")
}

func problemsIn(value any) []string {
	var codes []string
	switch v := value.(type) {
	case map[string]any:
		list, _ := v["userErrors"].([]any)
		for _, one := range list {
			if code, ok := one.(map[string]any)["code"].(string); ok {
				codes = append(codes, code)
			}
		}
		for name, below := range v {
			if name != "userErrors" {
				codes = append(codes, problemsIn(below)...)
			}
		}
	case []any:
		for _, below := range v {
			codes = append(codes, problemsIn(below)...)
		}
	}
	return codes
}

// inside is what no client may see: statements, tables, files, stacks and the names of
// what the server is made of.
var inside = regexp.MustCompile(`(?i)select .*from|insert into|update .* set|delete from|workspace_members|audit_logs|prompt_request_responses` +
	`|\.go:\d+|goroutine|runtime error|panic|sqlite|duckdb|catalog|binder error|parser error|constraint|` + regexp.QuoteMeta(filepath.Clean("/tmp/")) + `|\.db\b`)

// keepsInside checks that an answer tells nothing of the inside, and that no attack
// was a fault of the server. What the client sent comes back in some messages.
func (a answer) keepsInside(t *testing.T, sent ...string) {
	t.Helper()
	body := a.body
	for _, text := range sent {
		body = strings.ReplaceAll(body, text, "")
		body = strings.ReplaceAll(body, strings.Trim(fmt.Sprintf("%q", text), `"`), "")
	}
	if found := inside.FindString(body); found != "" {
		t.Errorf("the answer shows %q: %.500s", found, body)
	}
	if strings.Contains(strings.Join(a.Codes, " "), string(storage.CodeInternal)) {
		t.Errorf("the attack is a fault of the server: %.500s", a.body)
	}
}

// at walks into decoded JSON by keys and list places.
func at(value any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[s]
		case int:
			list, _ := value.([]any)
			if s >= len(list) {
				return nil
			}
			value = list[s]
		}
	}
	return value
}
