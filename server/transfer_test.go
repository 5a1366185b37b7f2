package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

func TestATeamGetsAttacksByCopyAndByMove(t *testing.T) {
	s := newSite(t)
	s.take("alice", "pyrit/seeded-1.1.0.sqlite")
	alice, bob := s.token("alice", auth.RoleUser), s.token("bob", auth.RoleUser)
	s.mustAsk(bob, `{viewer{workspace{name}}}`, nil) // invited is who signed in once
	made := s.mustAsk(alice, `mutation{createWorkspace(input:{name:"red team"}){workspace{id} userErrors{message}}}`, nil)
	team := at(made.Data, "createWorkspace", "workspace", "id")
	s.mustAsk(alice, `mutation($w:ID!){inviteMember(input:{workspace:$w,username:"bob",role:VIEWER}){userErrors{message}}}`, map[string]any{"w": team})
	own := s.mustAsk(alice, `{viewer{workspace{id attacks(first:3,orderBy:{field:NUMBER,direction:ASC}){nodes{id sourceId objective}}}}}`, nil)
	ids := []any{at(own.Data, "viewer", "workspace", "attacks", "nodes", 0, "id"), at(own.Data, "viewer", "workspace", "attacks", "nodes", 1, "id")}

	const transfer = `(input:$in){workspace{name attacks(first:5,orderBy:{field:NUMBER,direction:ASC}){totalCount nodes{sourceId objective conversation{messages{totalCount}} labels{key value} execution{name}}}} tables{table inserted unchanged} userErrors{code field message} clientMutationId}}`
	input := map[string]any{"from": at(own.Data, "viewer", "workspace", "id"), "to": team, "attacks": ids, "clientMutationId": "first"}
	var first answer
	for range 2 { // the second time answers as the first
		first = s.mustAsk(alice, `mutation($in:CopyToWorkspaceInput!){t:copyToWorkspace`+transfer, map[string]any{"in": input})
		if n := at(first.Data, "t", "workspace", "attacks", "totalCount"); n != float64(2) || at(first.Data, "t", "tables", 0, "inserted") == float64(0) {
			t.Fatalf("copied: %v", first.Data)
		}
	}
	if got, want := at(first.Data, "t", "workspace", "attacks", "nodes", 0, "objective"), at(own.Data, "viewer", "workspace", "attacks", "nodes", 0, "objective"); got != want || got == nil {
		t.Errorf("the copy's objective is %v, want %v", got, want)
	}
	seen := s.mustAsk(bob, `{viewer{workspace(name:"red team"){attacks{totalCount}}}}`, nil)
	if n := at(seen.Data, "viewer", "workspace", "attacks", "totalCount"); n != float64(2) {
		t.Errorf("bob sees %v attacks", n)
	}
	// bob reads the team's workspace, and so can take nothing out of it.
	mine := s.mustAsk(bob, `{viewer{workspace{id}}}`, nil)
	refused := s.ask(bob, `mutation($in:MoveToWorkspaceInput!){t:moveToWorkspace`+transfer, map[string]any{"in": map[string]any{
		"from": team, "to": at(mine.Data, "viewer", "workspace", "id"), "attackFilter": map[string]any{},
	}})
	if len(refused.Errors) != 1 || refused.Errors[0].Extensions["code"] != string(storage.CodeForbidden) {
		t.Errorf("a viewer moved: %+v", refused)
	}

	delete(input, "clientMutationId")
	delete(input, "attacks")
	input["attackFilter"] = map[string]any{}
	moved := s.mustAsk(alice, `mutation($in:MoveToWorkspaceInput!){t:moveToWorkspace`+transfer, map[string]any{"in": input})
	if n := at(moved.Data, "t", "workspace", "attacks", "totalCount"); n != float64(30) {
		t.Errorf("moved: %v", moved.Data)
	}
	left := s.mustAsk(alice, `{viewer{workspace{attacks{totalCount} conversations(filter:{purpose:{in:[TARGET]}}){totalCount}}}}`, nil)
	if at(left.Data, "viewer", "workspace", "attacks", "totalCount") != float64(0) || at(left.Data, "viewer", "workspace", "conversations", "totalCount") != float64(0) {
		t.Errorf("left: %v", left.Data)
	}
	prefix := "workspace."
	list, err := s.house.App.AuditEvents(context.Background(), &storage.AuditFilter{ActionPrefix: &prefix}, storage.AuditOrder{}, storage.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]int{}
	for _, event := range list.Nodes() {
		outcomes[event.Action+" "+string(event.Outcome)]++
	}
	for _, want := range []string{"workspace.copy SUCCEEDED", "workspace.move SUCCEEDED", "workspace.move DENIED"} {
		if outcomes[want] != 1 {
			t.Errorf("%s stands %d times in the audit log: %v", want, outcomes[want], outcomes)
		}
	}
}

// Each copies attacks of their own into the workspace that they share, one by one, while
// the other does.
func TestTwoBrowsersWriteIntoOneWorkspaceAtOnce(t *testing.T) {
	r := newRealm(t, nil)
	signIn := func(person string) *browser {
		r.provider.Set(func() {
			r.provider.Person = person
			r.provider.Claims["preferred_username"] = person
		})
		b := r.browser()
		b.signIn()
		return b
	}
	browsers := map[string]*browser{"alice": signIn("alice"), "bob": signIn("bob")}
	r.take("alice", "pyrit/seeded-1.1.0.sqlite")
	r.take("bob", "pyrit/memory-1.1.0.sqlite")
	made := browsers["alice"].must(`mutation{createWorkspace(input:{name:"red team"}){workspace{id}}}`, nil)
	team := at(made, "createWorkspace", "workspace", "id")
	browsers["alice"].must(`mutation($w:ID!){inviteMember(input:{workspace:$w,username:"bob",role:EDITOR}){member{role} userErrors{message}}}`, map[string]any{"w": team})

	const each = 12
	var writing sync.WaitGroup
	for name, b := range browsers {
		own := b.must(`{viewer{username workspace{id attacks(first:12,orderBy:{field:NUMBER,direction:ASC}){nodes{id}}}}}`, nil)
		if at(own, "viewer", "username") != name {
			t.Fatalf("%s is signed in as %v", name, own)
		}
		writing.Go(func() {
			for i := range each {
				answer := b.must(`mutation($in:CopyToWorkspaceInput!){copyToWorkspace(input:$in){workspace{attacks{totalCount}} userErrors{message}}}`, map[string]any{"in": map[string]any{
					"from": at(own, "viewer", "workspace", "id"), "to": team, "attacks": []any{at(own, "viewer", "workspace", "attacks", "nodes", i, "id")},
				}})
				if at(answer, "copyToWorkspace", "workspace", "attacks", "totalCount") == nil {
					t.Errorf("%s, attack %d: %v", name, i, answer)
				}
			}
		})
	}
	writing.Wait()
	var seen []string
	for _, b := range browsers {
		answer := b.must(`{viewer{workspace(name:"red team"){attacks(first:100,orderBy:{field:NUMBER,direction:ASC}){totalCount nodes{sourceId conversation{messageCount}}}}}}`, nil)
		if n := at(answer, "viewer", "workspace", "attacks", "totalCount"); n != float64(2*each) {
			t.Errorf("%v attacks of %d", n, 2*each)
		}
		seen = append(seen, fmt.Sprint(answer))
	}
	if seen[0] != seen[1] {
		t.Errorf("one sees %s, the other %s", seen[0], seen[1])
	}
}

// must asks as a page does and wants no error.
func (b *browser) must(query string, variables map[string]any) map[string]any {
	b.t.Helper()
	reply := b.post("/graphql", map[string]any{"query": query, "variables": variables}, nil)
	var read answer
	if err := json.Unmarshal([]byte(reply.body), &read); err != nil || reply.status != http.StatusOK || len(read.Errors) > 0 {
		b.t.Errorf("%s: %d %s", query, reply.status, reply.body)
	}
	return read.Data
}
