package resolvers_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// oneOfEach makes one thing of each kind that has a list of its own in moveToTrash, and
// gives their ids by the argument.
func (s *stores) oneOfEach(t *testing.T, workspace any) map[string]any {
	t.Helper()
	in := func(input map[string]any) map[string]any { return with(input, "workspace", workspace) }
	dataset := at(s.change(t, "createDataset", `dataset{id}`, in(map[string]any{"name": "seeds", "prompts": []any{map[string]any{"text": "one"}}})), "dataset", "id")
	changed := s.change(t, "changePrompts", `dataset{versions{nodes{id}}}`, map[string]any{"id": dataset, "version": 1, "add": []any{map[string]any{"text": "two"}}})
	return map[string]any{
		"datasetVersions": at(changed, "dataset", "versions", "nodes", 1, "id"),
		"files":           at(s.change(t, "uploadFile", `file{id}`, in(map[string]any{"file": s.upload(t, "a.txt", "a")})), "file", "id"),
		"prices":          at(s.change(t, "setPrice", `price{id}`, in(map[string]any{"model": "gpt*", "currency": "EUR", "inputPrice": 1, "outputPrice": 2})), "price", "id"),
		"savedQueries":    at(s.change(t, "createSavedQuery", `savedQuery{id}`, in(map[string]any{"name": "who", "document": "{viewer{username}}"})), "savedQuery", "id"),
		"parameterFiles":  at(s.change(t, "createParameterFile", `parameterFile{id}`, in(map[string]any{"name": "run", "format": "YAML", "text": "a: 1"})), "parameterFile", "id"),
		"templates":       at(s.change(t, "createTemplate", `template{id}`, in(map[string]any{"name": "frame", "body": "{{ prompt }}"})), "template", "id"),
		"taxonomies":      at(s.change(t, "createTaxonomy", `taxonomy{id}`, in(map[string]any{"name": "house", "version": "1", "entries": []any{map[string]any{"code": "house:a", "title": "A"}}})), "taxonomy", "id"),
	}
}

// deleting is the mutation that deletes one thing of a list.
var deleting = map[string]string{
	"datasetVersions": "deleteDatasetVersion", "files": "deleteFile", "prices": "removePrice", "savedQueries": "deleteSavedQuery",
	"parameterFiles": "deleteParameterFile", "templates": "deleteTemplate", "taxonomies": "deleteTaxonomy",
}

func TestEachKindGoesToTheTrashAndBack(t *testing.T) {
	s := newStores(t, 1, 1)
	ids := s.oneOfEach(t, nil)
	// One by one.
	for argument, id := range ids {
		same(t, at(s.change(t, deleting[argument], `deletedId`, map[string]any{"id": id}), "deletedId"), id)
		s.refuse(t, deleting[argument], map[string]any{"id": id}, storage.CodeNotFound)
		entry := at(s.ask(t, alice, trashOf, nil).Data, "viewer", "workspace", "trash", "nodes", 0)
		s.change(t, "restoreFromTrash", `tables{name}`, map[string]any{"id": at(entry, "id")})
	}
	// All at once.
	input := map[string]any{"dryRun": true}
	for argument, id := range ids {
		input[argument] = []any{id}
	}
	counted := s.change(t, "moveToTrash", `tables{name rows} inTheWay{count}`, input)
	same(t, at(counted, "inTheWay"), []any{})
	delete(input, "dryRun")
	done := s.change(t, "moveToTrash", `trashEntry{id} tables{name rows}`, input)
	same(t, at(done, "tables"), at(counted, "tables"))
	same(t, string(s.lastAct(t).Detail), `{"dryRun":false,"fields":["datasetVersions","files","prices","savedQueries","parameterFiles","templates","taxonomies"],"rows":10}`)
	s.change(t, "restoreFromTrash", `tables{name}`, map[string]any{"id": at(done, "trashEntry", "id")})
	again := s.change(t, "moveToTrash", `trashEntry{id} tables{name rows}`, input)
	same(t, at(again, "tables"), at(counted, "tables"))
	// Onto names that were taken meanwhile.
	s.change(t, "createTemplate", `template{id}`, map[string]any{"name": "frame", "body": "{{ prompt }}"})
	s.refuse(t, "restoreFromTrash", map[string]any{"id": at(again, "trashEntry", "id")}, storage.CodeConflict)
}

func TestAFilterChoosesOfEachKindForTheTrash(t *testing.T) {
	s := newStores(t, 1, 1)
	s.oneOfEach(t, nil)
	s.change(t, "createFinding", `finding{id}`, map[string]any{"title": "T"})
	s.change(t, "createGenerator", `generator{id}`, map[string]any{"name": "mine", "type": "ECHO"})
	for _, argument := range []string{
		"executionFilter", "datasetFilter", "generatorFilter", "converterFilter", "scorerFilter", "orchestratorFilter", "findingFilter", "fileFilter",
		"savedQueryFilter", "parameterFileFilter", "templateFilter",
	} {
		a := s.ask(t, alice, `mutation($input:MoveToTrashInput!){m:moveToTrash(input:$input){userErrors{code field}}}`, map[string]any{"input": map[string]any{argument: map[string]any{}}})
		same(t, at(a.Data, "m", "userErrors"), []any{map[string]any{"code": "BAD_USER_INPUT", "field": []any{"input", argument}}})
		s.change(t, "moveToTrash", `tables{name rows}`, map[string]any{argument: map[string]any{}, "all": true, "dryRun": true})
	}
	done := s.change(t, "moveToTrash", `trashEntry{chosen} tables{name rows}`, map[string]any{
		"generatorFilter": map[string]any{"name": map[string]any{"equals": "mine"}}, "templateFilter": map[string]any{"name": map[string]any{"contains": "fr"}},
		"fileFilter": map[string]any{"inUse": false, "name": map[string]any{"equals": "none"}},
	})
	same(t, at(done, "tables"), []any{map[string]any{"name": "generators", "rows": 1}, map[string]any{"name": "templates", "rows": 1}})
	event := s.lastAct(t)
	same(t, []any{event.SubjectType, string(event.Detail)}, []any{"Workspace", `{"dryRun":false,"fields":["fileFilter","generatorFilter","templateFilter"],"rows":2}`})
}

// Ids of another's things are ids of nothing, in every list.
func TestAnothersThingsAreNoneInEveryList(t *testing.T) {
	s := newStores(t, 1, 1)
	team := newTeamOn(t, s.server)
	ids := s.oneOfEach(t, nil)
	for _, argument := range slices.Sorted(maps.Keys(ids)) {
		for _, viewer := range []*auth.Viewer{mallory, ed, vi} {
			for _, id := range []any{ids[argument], "nothing"} {
				a := team.mutate(t, viewer, "moveToTrash", map[string]any{argument: []any{id}})
				if a.refusal() != string(storage.CodeNotFound) {
					t.Errorf("%s of another's by %s gave %q", argument, viewer.Username, a.refusal())
				}
			}
		}
	}
	// Beside one's own they are refused too, and nothing goes.
	own := s.attackIDs(t)
	s.refuse(t, "moveToTrash", map[string]any{"attacks": own, "files": []any{"nothing"}}, storage.CodeNotFound)
	same(t, at(s.ask(t, alice, trashOf, nil).Data, "viewer", "workspace", "trash", "totalCount"), 0)
}
