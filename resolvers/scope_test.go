package resolvers_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/resolvers"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/appstore"
	"github.com/violentutf/violentutf/storage/sqlite"
)

func TestViewerOpensNoStore(t *testing.T) {
	s := newServer(t)
	s.want(t, alice, `{viewer{username roles timeZone workspace{name kind role} workspaces{name}}}`,
		`{"viewer":{"username":"alice","roles":["USER"],"timeZone":null,"workspace":{"name":"alice","kind":"PERSONAL","role":"OWNER"},"workspaces":[{"name":"alice"}]}}`)
}

func TestAnonymousViewerSeesTheServerOnly(t *testing.T) {
	s := newServer(t)
	s.want(t, nil, `{server{version limits{maxPageSize}} viewer{username} admin{users{nodes{username}}} node(id:"x"){id}}`,
		`{"server":{"version":"test","limits":{"maxPageSize":1000}},"viewer":null,"admin":null,"node":null}`,
		storage.CodeUnauthenticated, storage.CodeUnauthenticated, storage.CodeUnauthenticated)
}

func TestAdminNeedsTheRole(t *testing.T) {
	s := newServer(t)
	s.want(t, alice, `{admin{users{nodes{username}}}}`, `{"admin":null}`, storage.CodeForbidden)
	root := signedIn("root", auth.RoleAdmin)
	s.want(t, alice, `{viewer{workspace{name}}}`, `{"viewer":{"workspace":{"name":"alice"}}}`)
	s.want(t, root, `{admin{users{totalCount nodes{username roles}} workspaces(filter:{kind:PERSONAL}){nodes{name kind owner bytes}}}}`,
		`{"admin":{"users":{"totalCount":2,"nodes":[{"username":"alice","roles":["USER"]},{"username":"root","roles":["ADMIN"]}]},`+
			`"workspaces":{"nodes":[{"name":"alice","kind":"PERSONAL","owner":"alice","bytes":0},{"name":"root","kind":"PERSONAL","owner":"root","bytes":0}]}}}`)
}

// What is another's, what is malformed and what does not exist look the same.
func TestNothingOfAnotherCanBeNamed(t *testing.T) {
	s := newServer(t)
	_, ofBob, err := s.app.EnsureUser(t.Context(), "bob", "bob.db")
	if err != nil {
		t.Fatal(err)
	}
	const bobsStore = "0123456789abcdef"
	if err := s.app.SetWorkspaceUse(t.Context(), ofBob.Key, bobsStore, 1, 1); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{
		directives.WorkspaceID(ofBob),
		storage.ID{Kind: storage.KindAttack, Store: "\x01\x23\x45\x67\x89\xab\xcd\xef", Key: storage.NumberKey(1)}.String(),
		storage.ID{Kind: storage.KindAttack, Store: "nosuchid", Key: storage.NumberKey(1)}.String(),
		storage.ID{Kind: storage.KindWorkspace, Key: "no such workspace"}.String(),
		"", "?", "malformed",
	} {
		quoted, _ := json.Marshal(id)
		s.want(t, alice, `{node(id:`+string(quoted)+`){id} nodes(ids:[`+string(quoted)+`]){id}}`, `{"node":null,"nodes":[null]}`)
	}
	s.want(t, alice, `{viewer{workspace(name:"bob"){name}}}`, `{"viewer":{"workspace":null}}`, storage.CodeNotFound)
	s.want(t, alice, `{viewer{workspace(name:"nobody"){name}}}`, `{"viewer":{"workspace":null}}`, storage.CodeNotFound)
}

func TestNodeFindsTheViewersWorkspace(t *testing.T) {
	s := newServer(t)
	_, own, err := s.app.EnsureUser(t.Context(), "alice", "alice.db")
	if err != nil {
		t.Fatal(err)
	}
	id := directives.WorkspaceID(own)
	s.want(t, alice, `{node(id:"`+id+`"){__typename ... on Workspace{id name}} nodes(ids:["nothing","`+id+`"]){id}}`,
		`{"node":{"__typename":"Workspace","id":"`+id+`","name":"alice"},"nodes":[null,{"id":"`+id+`"}]}`)
}

// Whoever selects data asks the opener, and its failure is that field's alone.
func TestDataOpensTheStoreOnce(t *testing.T) {
	s := newServer(t)
	s.opener.err = storage.Errorf(storage.CodeConflict, "the store is in use")
	s.want(t, alice, `{viewer{workspace{name messages{totalCount} attacks{totalCount}} again:workspace{conversations{totalCount}}}}`,
		`{"viewer":{"workspace":{"name":"alice","messages":null,"attacks":null},"again":{"conversations":null}}}`,
		storage.CodeConflict, storage.CodeConflict, storage.CodeConflict)
	if len(s.opener.opened) != 1 || s.opener.opened[0] != "alice" {
		t.Errorf("opened %q, want alice's store once", s.opener.opened)
	}
}

func TestPagingArgumentsAreChecked(t *testing.T) {
	s := newServer(t)
	for _, arguments := range []string{"first:1001", "first:-1", "first:1,last:1"} {
		s.want(t, alice, `{viewer{workspace{attacks(`+arguments+`){totalCount}}}}`,
			`{"viewer":{"workspace":{"attacks":null}}}`, storage.CodeBadInput)
	}
}

var alice = signedIn("alice", auth.RoleUser)

// signedIn is a viewer as the issuer of the development mode names them.
func signedIn(username string, roles ...auth.Role) *auth.Viewer {
	return &auth.Viewer{Issuer: auth.DevIssuerName, Subject: "dev:" + username, Username: username, Roles: roles, Dev: true}
}

type server struct {
	app    *appstore.Store
	opener *noStores
	exec   *executor.Executor
}

// noStores opens nothing: it notes whose store was asked for.
type noStores struct {
	opened []string
	err    error
}

func (o *noStores) OpenWorkspace(_ context.Context, w *storage.Workspace) (storage.UserStore, error) {
	o.opened = append(o.opened, w.Name)
	if o.err == nil {
		return nil, errors.New("no store should be opened for " + w.Name)
	}
	return nil, o.err
}

func newServer(t *testing.T) *server {
	t.Helper()
	return newServerWith(t, audited)
}

func newServerWith(t *testing.T, options ...sqlite.Option) *server {
	t.Helper()
	app, err := sqlite.OpenAppStore(t.Context(), filepath.Join(t.TempDir(), "app.db"), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	opener := &noStores{}
	return &server{app: app, opener: opener, exec: executor.New(resolvers.NewSchema(resolvers.Options{
		App: app, Opener: opener, Version: "test", Things: &configured.Things{},
		PersonalFile: func(username string) string { return username + ".db" },
		SharedFile:   func(workspaceKey string) string { return workspaceKey + ".db" },
	}))}
}

// audited lets an app store write its audit log.
var audited = sqlite.WithStore(appstore.WithAuditKey(make([]byte, 32)))

// want executes a query and compares its data and the codes of its errors.
func (s *server) want(t *testing.T, viewer *auth.Viewer, query, data string, codes ...storage.Code) {
	t.Helper()
	response := s.execute(t, viewer, query)
	if string(response.Data) != data {
		t.Errorf("%s\n gave %s\nwant  %s", query, response.Data, data)
	}
	if len(response.Errors) != len(codes) {
		t.Errorf("%s\ngave errors %v, want %v", query, response.Errors, codes)
		return
	}
	for i, code := range codes {
		if got := storage.CodeOf(response.Errors[i]); got != code {
			t.Errorf("%s\ngave error %v of code %s, want %s", query, response.Errors[i], got, code)
		}
	}
}

func (s *server) executeWith(t *testing.T, meter *storage.Meter, query string) *graphql.Response {
	t.Helper()
	return s.executeIn(t, storage.WithMeter(t.Context(), meter), alice, query)
}

func (s *server) execute(t *testing.T, viewer *auth.Viewer, query string) *graphql.Response {
	t.Helper()
	return s.executeIn(t, t.Context(), viewer, query)
}

func (s *server) executeIn(t *testing.T, ctx context.Context, viewer *auth.Viewer, query string) *graphql.Response {
	t.Helper()
	ctx = graphql.StartOperationTrace(ctx)
	if viewer != nil {
		ctx = auth.WithViewer(ctx, viewer)
	}
	operation, problems := s.exec.CreateOperationContext(ctx, &graphql.RawParams{Query: strings.TrimSpace(query)})
	if len(problems) > 0 {
		t.Fatalf("%s: %v", query, gqlerror.List(problems))
	}
	responses, ctx := s.exec.DispatchOperation(ctx, operation)
	return responses(ctx)
}
