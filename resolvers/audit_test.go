package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// 50 rows of the log with who did it and what it was done to: the page, the users and
// the workspaces, beside one look at the viewer.
func TestAuditEventsWithActorAndSubjectAreThreeStatements(t *testing.T) {
	s := newTeam(t)
	for i := range 25 {
		viewer, w := alice, s.red
		if i%2 == 1 {
			viewer, w = mallory, s.blue
		}
		same(t, s.mutate(t, viewer, "renameWorkspace", map[string]any{"workspace": w.ID(), "name": fmt.Sprint("n", i)}).refusal(), "")
	}
	meter := &storage.Meter{}
	ctx := storage.WithMeter(auth.WithViewer(t.Context(), auditor), meter)
	a := s.askIn(t, graphqlContext(ctx), `{admin{auditEvents(first:50){nodes{sequence action actor actorUser{username}
		subject{... on WorkspaceReference{name} ... on UserReference{username}} workspace{name kind}}}}}`, nil)
	same(t, a.refusal(), "")
	if n := meter.AppStatements.Load(); n != 1+3 {
		t.Errorf("%d statements of the app store, want the viewer's and 3: %.300s", n, a.body)
	}
	rows := at(a.Data, "admin", "auditEvents", "nodes").([]any)
	same(t, len(rows), 50)
	for _, row := range rows {
		want := map[string]string{"alice": "n24", "mallory": "n23"}[at(row, "actor").(string)]
		same(t, []any{at(row, "actorUser", "username"), at(row, "subject", "name"), at(row, "workspace", "name")}, []any{at(row, "actor"), want, want})
	}
}

func TestTheLogIsFilteredCheckedAndSigned(t *testing.T) {
	s := newTeam(t)
	same(t, s.mutate(t, alice, "renameWorkspace", map[string]any{"workspace": s.red.ID(), "name": "pink"}).refusal(), "")
	same(t, s.mutate(t, alice, "createApiKey", mutations["createApiKey"](s)).refusal(), "")
	same(t, s.mutate(t, root, "setUserDisabled", map[string]any{"user": s.users["vi"].ID(), "disabled": true}).refusal(), "")
	const query = `query($f:AuditEventFilter){admin{auditEvents(filter:$f,orderBy:{direction:ASC}){totalCount nodes{id kind action outcome intent{action}
		subject{__typename ... on ApiKeyReference{name} ... on UserReference{username}}}}}}`
	for _, test := range []struct {
		filter map[string]any
		want   float64
	}{
		{nil, 6},
		{map[string]any{"actorId": s.users["alice"].ID()}, 4},
		{map[string]any{"actorId": s.red.ID()}, 0},
		{map[string]any{"actionPrefix": "workspace."}, 2},
		{map[string]any{"subjectId": s.users["vi"].ID()}, 2},
		{map[string]any{"workspaceId": s.red.ID(), "kind": "OUTCOME"}, 1},
		{map[string]any{"subjectType": "ApiKey", "outcome": "SUCCEEDED"}, 1},
		{map[string]any{"outcome": "DENIED"}, 0},
	} {
		a := s.ask(t, auditor, query, map[string]any{"f": test.filter})
		if got := at(a.Data, "admin", "auditEvents", "totalCount"); got != test.want {
			t.Errorf("%v: %v rows, want %v: %s", test.filter, got, test.want, a.body)
		}
	}
	a := s.ask(t, auditor, query, map[string]any{"f": map[string]any{"kind": "OUTCOME"}})
	last := at(a.Data, "admin", "auditEvents", "nodes", 2)
	same(t, []any{at(last, "intent", "action"), at(last, "subject")}, []any{"user.set_disabled", map[string]any{"__typename": "UserReference", "username": "vi"}})
	same(t, at(a.Data, "admin", "auditEvents", "nodes", 1, "subject", "name"), "mine")
	id := at(last, "id")
	same(t, at(s.ask(t, auditor, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": id}).Data, "node", "id"), id)
	same(t, at(s.ask(t, alice, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": id}).Data, "node"), nil)

	checked := s.ask(t, auditor, `{admin{auditIntegrity{rows last fault{kind}} auditCheckpoint{count sequence mac createdAt signature}}}`, nil)
	same(t, at(checked.Data, "admin", "auditIntegrity"), map[string]any{"rows": 6, "last": 6, "fault": nil})
	checkpoint := at(checked.Data, "admin", "auditCheckpoint").(map[string]any)
	const verify = `query($c:AuditCheckpointInput!){admin{verifyAuditCheckpoint(checkpoint:$c){complete fault{sequence kind}}}}`
	same(t, at(s.ask(t, auditor, verify, map[string]any{"c": checkpoint}).Data, "admin", "verifyAuditCheckpoint"), map[string]any{"complete": true, "fault": nil})
	same(t, s.ask(t, auditor, verify, map[string]any{"c": with(checkpoint, "count", 5)}).refusal(), "BAD_USER_INPUT")
}

func TestAdministratorsSeeTheInstallation(t *testing.T) {
	s := newTeam(t)
	s.must(s.app.RecordHealth(t.Context(), []storage.HealthCheck{{Component: "app store", Status: storage.HealthUp, Latency: 1500000}}))
	s.must(s.app.RecordError(t.Context(), storage.Failure{Fingerprint: "f1", Where: "Query.viewer", Kind: "x", Message: "broken"}))
	s.must(s.app.SaveRateLimits(t.Context(), []*storage.RateLimit{{Principal: "a", Bucket: "q", Level: 2}, {Principal: "b", Bucket: "q", Level: 1}, {Principal: "b", Bucket: "r", Level: 3}}))
	a := s.ask(t, root, `{admin{
		healthChecks{totalCount nodes{component status latencyMs}} errorLogs{totalCount nodes{id message count}}
		rateLimits(first:2){totalCount pageInfo{hasNextPage endCursor} nodes{principal bucket level}}
		settings{key version} users(filter:{usernameContains:"AL"},orderBy:{field:LAST_SEEN,direction:DESC}){nodes{id username}}
		workspaces(filter:{archived:true}){nodes{name owner}}}}`, nil)
	same(t, a.refusal(), "")
	same(t, at(a.Data, "admin", "healthChecks", "nodes"), []any{map[string]any{"component": "app store", "status": "UP", "latencyMs": 1.5}})
	same(t, at(a.Data, "admin", "rateLimits", "totalCount"), 3)
	next := s.ask(t, root, `query($c:String){admin{rateLimits(after:$c){nodes{principal bucket}} back:rateLimits(last:1,before:$c){nodes{principal bucket}}}}`,
		map[string]any{"c": at(a.Data, "admin", "rateLimits", "pageInfo", "endCursor")})
	same(t, at(next.Data, "admin", "rateLimits", "nodes"), []any{map[string]any{"principal": "b", "bucket": "r"}})
	same(t, at(next.Data, "admin", "back", "nodes"), []any{map[string]any{"principal": "a", "bucket": "q"}})
	same(t, at(a.Data, "admin", "workspaces", "nodes"), []any{map[string]any{"name": "old", "owner": "alice"}})
	for _, id := range []any{at(a.Data, "admin", "errorLogs", "nodes", 0, "id"), at(a.Data, "admin", "users", "nodes", 0, "id")} {
		query := `query($id:ID!){node(id:$id){id}}`
		same(t, at(s.ask(t, root, query, map[string]any{"id": id}).Data, "node", "id"), id)
		same(t, at(s.ask(t, alice, query, map[string]any{"id": id}).Data, "node"), nil)
		same(t, at(s.ask(t, auditor, query, map[string]any{"id": id}).Data, "node"), nil)
	}
}
