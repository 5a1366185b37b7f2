package resolvers_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// attackIDs are the ids of alice's attacks, by number.
func (s *stores) attackIDs(t *testing.T) []string {
	t.Helper()
	a := s.ask(t, alice, `{viewer{workspace{attacks(orderBy:{field:NUMBER,direction:ASC}){nodes{id}}}}}`, nil)
	nodes := at(a.Data, "viewer", "workspace", "attacks", "nodes").([]any)
	ids := make([]string, len(nodes))
	for i, node := range nodes {
		ids[i] = at(node.(map[string]any), "id").(string)
	}
	return ids
}

// change makes a mutation that must be done and returns its payload.
func (s *stores) change(t *testing.T, field, selection string, input map[string]any) map[string]any {
	t.Helper()
	a := s.ask(t, alice, `mutation($input:`+strings.ToUpper(field[:1])+field[1:]+`Input!){m:`+field+`(input:$input){`+selection+` userErrors{code message field}}}`, map[string]any{"input": input})
	if a.refusal() != "" {
		t.Fatalf("%s: %s", field, a.body)
	}
	return at(a.Data, "m").(map[string]any)
}

// refuse makes a mutation that must be refused with a code.
func (s *stores) refuse(t *testing.T, field string, input map[string]any, want storage.Code) {
	t.Helper()
	a := s.ask(t, alice, `mutation($input:`+strings.ToUpper(field[:1])+field[1:]+`Input!){m:`+field+`(input:$input){userErrors{code message field}}}`, map[string]any{"input": input})
	if a.refusal() != string(want) {
		t.Errorf("%s of %v gave %q, want %s: %s", field, input, a.refusal(), want, a.body)
	}
	a.keepsInside(t)
}

func (s *stores) lastAct(t *testing.T) *storage.AuditEvent {
	t.Helper()
	events, err := s.app.AuditEvents(t.Context(), nil, storage.AuditOrder{Direction: storage.Descending}, storage.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	return events.Nodes()[0]
}

func TestAVerdictIsTheOutcomeUntilItIsRetracted(t *testing.T) {
	s := newStores(t, 3, 2)
	ids := s.attackIDs(t)
	const shown = `attack{outcome outcomeSource outcomeReason} author verdict note reason retractedAt retractedBy`
	made := s.change(t, "annotate", `count annotations{id `+shown+`} workspace{name}`, map[string]any{
		"attacks": ids[:1], "verdict": "FAILURE", "reason": "it only pretended", "note": "secret note", "clientMutationId": "1",
	})
	id := at(made, "annotations", 0, "id")
	same(t, at(made, "annotations", 0, "attack"), map[string]any{"outcome": "FAILURE", "outcomeSource": "HUMAN", "outcomeReason": "it only pretended"})
	same(t, []any{at(made, "count"), at(made, "annotations", 0, "author"), at(made, "workspace", "name")}, []any{1, "alice", "alice"})
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, event.SubjectKey, event.WorkspaceKey != ""}, []any{"annotation.create", "Attack", "1", true})
	if text := string(event.Detail); strings.Contains(text, "secret") || strings.Contains(text, "pretended") || !strings.Contains(text, `"count":1`) {
		t.Errorf("the log says %s", text)
	}

	a := s.ask(t, alice, `{viewer{workspace{attacks(filter:{hasAnnotation:true}){totalCount nodes{number annotations{note} conversation{annotations{note} messages{nodes{annotations{note}}}}}}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace", "attacks"), json.RawMessage(`{"nodes":[{"annotations":[{"note":"secret note"}],"conversation":{"annotations":[],"messages":{"nodes":[{"annotations":[]},{"annotations":[]}]}},"number":1}],"totalCount":1}`))

	gone := s.change(t, "retractAnnotation", `count annotation{`+shown+`}`, map[string]any{"id": id, "reason": "I was wrong"})
	same(t, at(gone, "annotation", "attack"), map[string]any{"outcome": "SUCCESS", "outcomeSource": "STATED", "outcomeReason": nil})
	same(t, []any{at(gone, "count"), at(gone, "annotation", "retractedBy"), at(gone, "annotation", "retractedAt") != nil}, []any{1, "alice", true})
	same(t, s.lastAct(t).SubjectType, "Annotation")
	s.refuse(t, "retractAnnotation", map[string]any{"id": id}, storage.CodeConflict)
}

func TestAnnotationsInBulk(t *testing.T) {
	s := newStores(t, 3, 2)
	ids := s.attackIDs(t)
	made := s.change(t, "annotate", `count annotations{id}`, map[string]any{"attackFilter": map[string]any{"objective": map[string]any{"contains": "step"}}, "verdict": "UNDETERMINED", "reason": "who knows"})
	same(t, at(made, "count"), 3)
	same(t, s.lastAct(t).SubjectType, "Workspace")
	a := s.ask(t, alice, `{viewer{workspace{attacks(filter:{outcomeSource:{in:[HUMAN]}}){totalCount}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace", "attacks", "totalCount"), 3)
	same(t, at(s.change(t, "retractAnnotation", `count`, map[string]any{"id": at(made, "annotations", 1, "id"), "batch": true}), "count"), 3)

	other := storage.ID{Kind: storage.KindAttack, Store: "nosuchid", Key: storage.NumberKey(1)}.String()
	s.refuse(t, "annotate", map[string]any{"attacks": []any{ids[0], other}, "note": "x"}, storage.CodeNotFound)
	s.refuse(t, "annotate", map[string]any{"attacks": []any{other}, "note": "x"}, storage.CodeNotFound)
	s.refuse(t, "annotate", map[string]any{"conversations": []any{ids[0]}, "note": "x"}, storage.CodeNotFound)
	s.refuse(t, "annotate", map[string]any{"attacks": ids[:1]}, storage.CodeBadInput)
	s.refuse(t, "annotate", map[string]any{"note": "x"}, storage.CodeBadInput)
	unreasoned := s.ask(t, alice, `mutation($x:AnnotateInput!){annotate(input:$x){count userErrors{code field}}}`, map[string]any{"x": map[string]any{"attacks": ids[:1], "verdict": "FAILURE"}})
	same(t, at(unreasoned.Data, "annotate"), map[string]any{"count": 0, "userErrors": []any{map[string]any{"code": "BAD_USER_INPUT", "field": []any{"input", "reason"}}}})
	s.refuse(t, "annotate", map[string]any{"attacks": make([]string, 1001), "note": "x"}, storage.CodeNotFound)
	s.refuse(t, "annotate", map[string]any{"attackFilter": map[string]any{"objective": map[string]any{"matches": "("}}, "note": "x"}, storage.CodeBadInput)
	many := make([]string, 1001)
	for i := range many {
		many[i] = ids[0]
	}
	s.refuse(t, "annotate", map[string]any{"attacks": many, "note": "x"}, storage.CodeBadInput)
}

// A level of annotations is one statement, however many things it is on.
func TestAnnotationsOfALevelAreOneStatement(t *testing.T) {
	s := newStores(t, 30, 3)
	s.change(t, "annotate", `count`, map[string]any{"attackFilter": map[string]any{}, "note": "x"})
	for _, first := range []string{"2", "30"} {
		meter := &storage.Meter{}
		response := s.executeWith(t, meter, `{viewer{workspace{attacks(first:`+first+`){nodes{annotations{note attack{number}} conversation{annotations{note} messages{nodes{annotations{note}}}}}}}}}`)
		if len(response.Errors) > 0 {
			t.Fatal(response.Errors)
		}
		// Attacks, their annotations and the attacks of those, conversations, their
		// annotations, messages, their annotations.
		if n := meter.UserStatements.Load(); n > 7 {
			t.Errorf("%s attacks cost %d statements, want 7", first, n)
		}
	}
}
