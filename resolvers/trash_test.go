package resolvers_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

const trashOf = `{viewer{workspace{attacks{totalCount} conversations{totalCount} messages{totalCount} trash{totalCount nodes{id deletedBy deletedAt expiresAt chosen tables{name rows}}}}}}`

func TestWhatIsDeletedComesBackWithItsIds(t *testing.T) {
	s := newStores(t, 3, 2)
	ids := s.attackIDs(t)
	made := s.change(t, "createFinding", `finding{id}`, map[string]any{"title": "T", "attacks": ids[:1]})
	finding := at(made, "finding", "id").(string)
	input := map[string]any{"attacks": ids[:1], "attackFilter": map[string]any{"objective": map[string]any{"equals": "alice step 2"}}, "dryRun": true}
	counted := s.change(t, "moveToTrash", `trashEntry{id} tables{name rows} inTheWay{what count cascades} workspace{name}`, input)
	same(t, at(counted, "trashEntry"), nil)
	same(t, at(counted, "inTheWay"), []any{map[string]any{"what": "pieces of evidence of findings", "count": 1, "cascades": true}})
	same(t, at(counted, "tables", 0), map[string]any{"name": "attacks", "rows": 2})
	same(t, at(s.ask(t, alice, trashOf, nil).Data, "viewer", "workspace", "attacks", "totalCount"), 3)

	delete(input, "dryRun")
	s.refuse(t, "moveToTrash", input, storage.CodeConflict)
	input["cascade"], input["clientMutationId"] = true, "1"
	var entry string
	for i := range 2 { // the second time it is not done, and answers the same
		done := s.change(t, "moveToTrash", `trashEntry{id deletedBy chosen tables{name rows}} tables{name rows} inTheWay{count}`, input)
		same(t, at(done, "tables"), at(counted, "tables"))
		same(t, at(done, "trashEntry", "tables"), at(counted, "tables"))
		same(t, at(done, "trashEntry", "deletedBy"), "alice")
		same(t, at(done, "trashEntry", "chosen"), map[string]any{"attackFilter": map[string]any{"objective": map[string]any{"equals": "alice step 2"}}, "attacks": 1, "cascade": true})
		if id := at(done, "trashEntry", "id").(string); i == 0 {
			entry = id
		} else if id != entry {
			t.Errorf("%s the second time, %s the first", id, entry)
		}
	}
	event := s.lastAct(t)
	if event.Action != "trash.move" || event.SubjectType != "Workspace" || strings.Contains(string(event.Detail), "step") {
		t.Errorf("the log says %+v", event)
	}
	same(t, string(event.Detail), `{"dryRun":false,"fields":["attacks","attackFilter"],"rows":15}`)
	a := s.ask(t, alice, trashOf, nil)
	same(t, []any{at(a.Data, "viewer", "workspace", "attacks", "totalCount"), at(a.Data, "viewer", "workspace", "messages", "totalCount"), at(a.Data, "viewer", "workspace", "trash", "totalCount")}, []any{1, 2, 1})
	a = s.ask(t, alice, `query($ids:[ID!]!,$entry:ID!){nodes(ids:$ids){id} node(id:$entry){id ... on TrashEntry{deletedBy}}}`, map[string]any{"ids": ids[:2], "entry": entry})
	same(t, at(a.Data, "nodes"), []any{nil, nil})
	same(t, at(a.Data, "node", "deletedBy"), "alice")

	again := map[string]any{"id": entry, "clientMutationId": "2"}
	for range 2 {
		done := s.change(t, "restoreFromTrash", `tables{name rows} workspace{name}`, again)
		same(t, at(done, "tables"), at(counted, "tables"))
	}
	event = s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, string(event.Detail)}, []any{"trash.restore", "TrashEntry", `{"rows":15}`})
	s.refuse(t, "restoreFromTrash", map[string]any{"id": entry}, storage.CodeNotFound)
	a = s.ask(t, alice, `query($ids:[ID!]!,$f:ID!){nodes(ids:$ids){... on Attack{number conversation{messages{totalCount}}}} node(id:$f){... on Finding{attacks{totalCount}}}}`, map[string]any{"ids": ids[:2], "f": finding})
	same(t, []any{at(a.Data, "nodes", 0, "number"), at(a.Data, "nodes", 1, "conversation", "messages", "totalCount"), at(a.Data, "node", "attacks", "totalCount")}, []any{1, 2, 1})
}

func TestADeletionThatIsNoneIsRefused(t *testing.T) {
	s := newStores(t, 2, 1)
	ids := s.attackIDs(t)
	a := s.ask(t, alice, `{viewer{workspace{id conversations{nodes{id}}} workspaces{name id attacks{nodes{id}}}}}`, nil)
	conversation := at(a.Data, "viewer", "workspace", "conversations", "nodes", 0, "id")
	var others any
	for _, w := range at(a.Data, "viewer", "workspaces").([]any) {
		if at(w, "name") == "team" {
			others = at(w, "attacks", "nodes", 0, "id")
		}
	}
	note := at(s.change(t, "annotate", `annotations{id}`, map[string]any{"attacks": ids[:1], "verdict": "FAILURE", "reason": "it did not"}), "annotations", 0, "id")
	before := s.ask(t, alice, trashOf, nil).Data
	for name, test := range map[string]struct {
		input map[string]any
		want  storage.Code
	}{
		"nothing":                          {map[string]any{}, storage.CodeBadInput},
		"an empty filter":                  {map[string]any{"attackFilter": map[string]any{}}, storage.CodeBadInput},
		"an empty filter of conversations": {map[string]any{"conversationFilter": map[string]any{}}, storage.CodeBadInput},
		"a pattern that is none":           {map[string]any{"attackFilter": map[string]any{"objective": map[string]any{"matches": "("}}}, storage.CodeBadInput},
		"another kind":                     {map[string]any{"attacks": []any{conversation}}, storage.CodeNotFound},
		"two workspaces":                   {map[string]any{"attacks": []any{ids[0], others}}, storage.CodeNotFound},
		"an id beside one of nothing":      {map[string]any{"attacks": []any{ids[0], "no id"}}, storage.CodeNotFound},
		"a main conversation":              {map[string]any{"conversations": []any{conversation}, "cascade": true}, storage.CodeConflict},
		"a verdict that stands":            {map[string]any{"annotations": []any{note}, "cascade": true}, storage.CodeConflict},
	} {
		t.Log(name)
		s.refuse(t, "moveToTrash", test.input, test.want)
	}
	same(t, s.ask(t, alice, trashOf, nil).Data, before)
	s.refuse(t, "purgeTrash", map[string]any{}, storage.CodeBadInput)
	nothing := s.change(t, "moveToTrash", `trashEntry{id} tables{name}`, map[string]any{"attackFilter": map[string]any{"objective": map[string]any{"equals": "none"}}})
	same(t, []any{at(nothing, "trashEntry"), at(nothing, "tables")}, []any{nil, []any{}})
}

func TestOnlyAnOwnerPurges(t *testing.T) {
	s := newStores(t, 3, 1)
	ids := s.attackIDs(t)
	first := at(s.change(t, "moveToTrash", `trashEntry{id}`, map[string]any{"attacks": ids[:1]}), "trashEntry", "id")
	s.change(t, "moveToTrash", `trashEntry{id}`, map[string]any{"attacks": ids[1:]})
	done := s.change(t, "purgeTrash", `entries tables{name rows} workspace{name}`, map[string]any{"id": first})
	same(t, []any{at(done, "entries"), at(done, "tables", 0)}, []any{1, map[string]any{"name": "attacks", "rows": 1}})
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, string(event.Detail)}, []any{"trash.purge", "TrashEntry", `{"rows":5}`})
	s.refuse(t, "purgeTrash", map[string]any{"id": first}, storage.CodeNotFound)
	s.refuse(t, "purgeTrash", map[string]any{"id": first, "all": true}, storage.CodeBadInput)
	all := map[string]any{"all": true, "clientMutationId": "all"}
	for range 2 {
		same(t, at(s.change(t, "purgeTrash", `entries`, all), "entries"), 1)
	}
	same(t, at(s.change(t, "purgeTrash", `entries tables{name}`, map[string]any{"all": true}), "entries"), 0)

	// Alice is an editor of the team: she deletes and restores there, no more.
	team := at(s.ask(t, alice, `{viewer{workspace(name:"team"){attacks{nodes{id}}}}}`, nil).Data, "viewer", "workspace", "attacks", "nodes", 0, "id")
	moved := s.change(t, "moveToTrash", `trashEntry{id} workspace{name}`, map[string]any{"attacks": []any{team}})
	entry := at(moved, "trashEntry", "id")
	same(t, at(moved, "workspace", "name"), "team")
	s.refuse(t, "purgeTrash", map[string]any{"id": entry}, storage.CodeForbidden)
	s.change(t, "restoreFromTrash", `workspace{name}`, map[string]any{"id": entry})
}

// Another's thing looks like none, whoever asks.
func TestAnothersTrashIsNone(t *testing.T) {
	s := newStores(t, 1, 1)
	team := newTeamOn(t, s.server)
	ids := s.attackIDs(t)
	entry := at(s.change(t, "moveToTrash", `trashEntry{id}`, map[string]any{"attacks": ids}), "trashEntry", "id")
	for field, input := range map[string]map[string]any{
		"moveToTrash": {"attacks": ids}, "restoreFromTrash": {"id": entry}, "purgeTrash": {"id": entry},
	} {
		for _, viewer := range []*auth.Viewer{mallory, ed, vi} {
			if a := team.mutate(t, viewer, field, input); a.refusal() != string(storage.CodeNotFound) {
				t.Errorf("%s by %s gave %q", field, viewer.Username, a.refusal())
			}
		}
	}
	a := s.ask(t, mallory, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": entry})
	same(t, at(a.Data, "node"), nil)
}

func TestADeletedFindingAndGeneratorCanBeRestored(t *testing.T) {
	s := newStores(t, 1, 1)
	finding := at(s.change(t, "createFinding", `finding{id}`, map[string]any{"title": "T", "attacks": s.attackIDs(t)}), "finding", "id")
	generator := at(s.change(t, "createGenerator", `generator{id}`, map[string]any{"name": "mine", "type": "ECHO"}), "generator", "id")
	s.change(t, "deleteFinding", `deletedId`, map[string]any{"id": finding})
	s.change(t, "deleteGenerator", `deletedId`, map[string]any{"id": generator})
	a := s.ask(t, alice, trashOf, nil)
	entries := at(a.Data, "viewer", "workspace", "trash", "nodes").([]any)
	same(t, []any{len(entries), at(entries[0], "chosen"), at(entries[1], "chosen")}, []any{2, map[string]any{"generators": 1}, map[string]any{"findings": 1}})
	second := at(s.change(t, "createGenerator", `generator{id}`, map[string]any{"name": "mine", "type": "ECHO"}), "generator", "id")
	s.refuse(t, "restoreFromTrash", map[string]any{"id": at(entries[0], "id")}, storage.CodeConflict)
	s.change(t, "deleteGenerator", `deletedId`, map[string]any{"id": second})
	for _, entry := range entries {
		s.change(t, "restoreFromTrash", `tables{name}`, map[string]any{"id": at(entry, "id")})
	}
	a = s.ask(t, alice, `query($f:ID!,$g:ID!){f:node(id:$f){... on Finding{attacks{totalCount}}} g:node(id:$g){... on Generator{name}}}`, map[string]any{"f": finding, "g": generator})
	same(t, a.Data, map[string]any{"f": map[string]any{"attacks": map[string]any{"totalCount": 1}}, "g": map[string]any{"name": "mine"}})
}
