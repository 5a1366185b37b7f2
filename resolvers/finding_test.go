package resolvers_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func TestLabelsAreSetAndRemovedInBulk(t *testing.T) {
	s := newStores(t, 3, 1)
	ids := s.attackIDs(t)
	done := s.change(t, "setLabels", `matched changed workspace{name}`, map[string]any{"attacks": ids[:2], "key": "secret key", "value": "secret value"})
	same(t, []any{at(done, "matched"), at(done, "changed"), at(done, "workspace", "name")}, []any{2, 2, "alice"})
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, string(event.Detail)}, []any{"label.set", "Workspace", `{"changed":2,"fields":["attacks","labels"],"matched":2}`})
	filter := map[string]any{"label": map[string]any{"key": "secret key", "value": "secret value"}}
	again := map[string]any{"attackFilter": filter, "key": "secret key", "clientMutationId": "1"}
	for range 2 { // the second time it is not done, and answers the same
		done = s.change(t, "removeLabels", `matched changed`, again)
		same(t, []any{at(done, "matched"), at(done, "changed")}, []any{2, 2})
	}
	done = s.change(t, "removeLabels", `matched changed`, map[string]any{"attackFilter": map[string]any{}, "key": "secret key"})
	same(t, []any{at(done, "matched"), at(done, "changed")}, []any{3, 0})
	s.refuse(t, "setLabels", map[string]any{"key": "k", "value": "v"}, storage.CodeBadInput)
	s.refuse(t, "setLabels", map[string]any{"attacks": ids[:1], "key": "", "value": "v"}, storage.CodeBadInput)
}

func TestAFindingIsFollowedUp(t *testing.T) {
	s := newStores(t, 3, 2)
	ids := s.attackIDs(t)
	a := s.ask(t, alice, `{viewer{workspace{messages(first:1){nodes{id}}}}}`, nil)
	message := at(a.Data, "viewer", "workspace", "messages", "nodes", 0, "id")
	made := s.change(t, "createFinding", `finding{id title severity status nextStatuses author firstExecution{id} lastExecution{id} attacks{totalCount} messages{originalValue}}`, map[string]any{
		"title": "Secret title", "severity": "HIGH", "attacks": ids[:1], "messages": []any{message},
	})
	id := at(made, "finding", "id").(string)
	same(t, at(made, "finding", "nextStatuses"), []any{"CONFIRMED", "FALSE_POSITIVE"})
	same(t, []any{at(made, "finding", "attacks", "totalCount"), at(made, "finding", "messages", 0, "originalValue"), at(made, "finding", "author")}, []any{1, "alice 1 0", "alice"})
	event := s.lastAct(t)
	if event.SubjectType != "Finding" || event.SubjectKey == "" || strings.Contains(string(event.Detail), "Secret") {
		t.Errorf("the log says %+v", event)
	}

	s.refuse(t, "updateFinding", map[string]any{"id": id, "status": "FIXED"}, storage.CodeConflict)
	changed := s.change(t, "updateFinding", `finding{status assignee}`, map[string]any{"id": id, "status": "CONFIRMED", "assignee": "bob"})
	same(t, at(changed, "finding"), map[string]any{"assignee": "bob", "status": "CONFIRMED"})
	const shown = `finding{description assignee ticketUrl}`
	filled := map[string]any{"description": "d", "assignee": "bob", "ticketUrl": "https://t.example/1"}
	same(t, at(s.change(t, "updateFinding", shown, map[string]any{"id": id, "description": "d", "assignee": "bob", "ticketUrl": "https://t.example/1"}), "finding"), filled)
	same(t, at(s.change(t, "updateFinding", shown, map[string]any{"id": id}), "finding"), filled)
	same(t, at(s.change(t, "updateFinding", shown, map[string]any{"id": id, "description": nil, "assignee": nil, "ticketUrl": nil}), "finding"),
		map[string]any{"description": nil, "assignee": nil, "ticketUrl": nil})
	added := s.change(t, "addEvidence", `count finding{attacks{totalCount}}`, map[string]any{"id": id, "attacks": ids})
	same(t, []any{at(added, "count"), at(added, "finding", "attacks", "totalCount")}, []any{2, 3})
	removed := s.change(t, "removeEvidence", `count finding{attacks{totalCount}}`, map[string]any{"id": id, "attacks": ids[2:]})
	same(t, []any{at(removed, "count"), at(removed, "finding", "attacks", "totalCount")}, []any{1, 2})
	s.refuse(t, "addEvidence", map[string]any{"id": id, "attacks": []any{id}}, storage.CodeNotFound)
	s.refuse(t, "addEvidence", map[string]any{"id": id}, storage.CodeBadInput)

	a = s.ask(t, alice, `{node(id:"`+id+`"){... on Finding{title markdown(evidence:1)}}
		viewer{workspace{findings(filter:{status:{in:[CONFIRMED]}}){totalCount nodes{title}} attacks(filter:{hasFinding:true}){nodes{number findings{title}}}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace", "findings", "totalCount"), 1)
	same(t, at(a.Data, "viewer", "workspace", "attacks", "nodes", 1, "findings"), []any{map[string]any{"title": "Secret title"}})
	// The page names texts that the request selects nowhere else.
	for _, want := range []string{"# Secret title", "alice step 1\n", "alice 1 0\n", "more evidence"} {
		if page := at(a.Data, "node", "markdown").(string); !strings.Contains(page, want) || strings.Contains(page, "alice step 2") {
			t.Errorf("no %q, or too much, in\n%s", want, page)
		}
	}
	same(t, at(s.change(t, "deleteFinding", `deletedId`, map[string]any{"id": id}), "deletedId"), id)
	s.refuse(t, "deleteFinding", map[string]any{"id": id}, storage.CodeNotFound)
}

// One document sees in each mutation what those before it changed.
func TestEachMutationOfAFindingReadsItAnew(t *testing.T) {
	s := newStores(t, 1, 1)
	id := at(s.change(t, "createFinding", `finding{id}`, map[string]any{"title": "T"}), "finding", "id").(string)
	a := s.ask(t, alice, `mutation{
		a:updateFinding(input:{id:"`+id+`",status:CONFIRMED}){finding{status}}
		b:updateFinding(input:{id:"`+id+`",status:FIXED}){finding{status}}}`, nil)
	same(t, []any{at(a.Data, "a", "finding", "status"), at(a.Data, "b", "finding", "status")}, []any{"CONFIRMED", "FIXED"})
}
