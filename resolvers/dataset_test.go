package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// shown is what the tests select of a dataset.
const shown = `dataset{id name version promptCount author description tags prompts{nodes{id index text}}}`

func TestDatasetsAreMadeChangedAndCompared(t *testing.T) {
	s := newStores(t, 3, 1)
	input := map[string]any{"name": " seeds ", "tags": []any{"a"}, "clientMutationId": "d1", "prompts": []any{
		map[string]any{"text": "one", "harmCategories": []any{"hate"}}, map[string]any{"text": "two"}, map[string]any{"text": "Two "},
	}}
	made := s.change(t, "createDataset", shown, input)
	id := at(made, "dataset", "id")
	same(t, []any{at(made, "dataset", "name"), at(made, "dataset", "promptCount"), at(made, "dataset", "author")}, []any{"seeds", 3, "alice"})
	same(t, at(s.change(t, "createDataset", shown, input), "dataset", "id"), id)

	first, second := at(made, "dataset", "prompts", "nodes", 0, "id"), at(made, "dataset", "prompts", "nodes", 1, "id")
	changed := s.change(t, "changePrompts", shown, map[string]any{
		"id": id, "version": 1, "remove": []any{first}, "edit": []any{map[string]any{"id": second, "text": "2"}}, "add": []any{map[string]any{"text": "three"}},
	})
	same(t, at(changed, "dataset", "version"), 2)
	same(t, texts(at(changed, "dataset", "prompts", "nodes")), "[2 Two  three]")

	const versions = `query($id:ID!){node(id:$id){... on Dataset{
		versions{totalCount nodes{id number usedAt}} atVersion(number:1){number madeBy prompts{totalCount nodes{text}} dataset{name}
		diff(to:2){added removed changed moved unchanged changes{totalCount nodes{kind beforeIndex afterIndex before{text} after{text}}}}}}}}`
	read := at(s.ask(t, alice, versions, map[string]any{"id": id}).Data, "node")
	same(t, texts(at(read, "atVersion", "prompts", "nodes")), "[one two Two ]")
	same(t, []any{at(read, "versions", "totalCount"), at(read, "versions", "nodes", 0, "number"), at(read, "atVersion", "dataset", "name")}, []any{2, 2, "seeds"})
	diff := at(read, "atVersion", "diff")
	same(t, []any{at(diff, "added"), at(diff, "removed"), at(diff, "changed"), at(diff, "moved"), at(diff, "unchanged")}, []any{1, 1, 1, 0, 1})
	same(t, at(diff, "changes", "totalCount"), 3)

	old := at(read, "versions", "nodes", 1, "id")
	same(t, at(s.change(t, "deleteDatasetVersion", "deletedId", map[string]any{"id": old}), "deletedId"), old)
	same(t, at(s.change(t, "updateDataset", shown, map[string]any{"id": id, "name": "kept", "description": "d"}), "dataset", "name"), "kept")
	same(t, at(s.change(t, "updateDataset", `dataset{description}`, map[string]any{"id": id}), "dataset", "description"), "d")
	same(t, at(s.change(t, "updateDataset", `dataset{description}`, map[string]any{"id": id, "description": nil}), "dataset", "description"), nil)
	same(t, at(s.change(t, "deleteDataset", "deletedId", map[string]any{"id": id}), "deletedId"), id)
	same(t, at(s.ask(t, alice, `query($id:ID!){node(id:$id){id}}`, map[string]any{"id": id}).Data, "node"), nil)
}

// What an orchestrator names stays, and a deleted dataset comes back with its versions.
func TestDatasetsOfOrchestratorsStayAndDeletedOnesComeBack(t *testing.T) {
	s := newStores(t, 1, 1)
	made := s.change(t, "createDataset", shown, map[string]any{"name": "seeds", "prompts": []any{map[string]any{"text": "one"}}})
	id := at(made, "dataset", "id")
	added := s.change(t, "changePrompts", `dataset{versions{nodes{id}}}`, map[string]any{"id": id, "version": 1, "add": []any{map[string]any{"text": "two"}}})
	old := at(added, "dataset", "versions", "nodes", 1, "id")
	for _, o := range []map[string]any{{"name": "sweep", "dataset": map[string]any{"id": id}}, {"name": "sweep of 1", "dataset": map[string]any{"id": id, "version": 1}}} {
		orchestrator := at(s.change(t, "createOrchestrator", `orchestrator{id}`, with(o, "type", "PROMPT_SENDING")), "orchestrator", "id")
		fields := map[string]any{"deleteDataset": id}
		if o["name"] == "sweep of 1" {
			fields["deleteDatasetVersion"] = old
		}
		for field, of := range fields {
			a := s.ask(t, alice, `mutation($id:ID!){m:`+field+`(input:{id:$id}){userErrors{code message field}}}`, map[string]any{"id": of})
			if a.refusal() != string(storage.CodeConflict) || !strings.Contains(a.body, o["name"].(string)) {
				t.Errorf("%s of %s: %s", field, o["name"], a.body)
			}
		}
		s.change(t, "deleteOrchestrator", `deletedId`, map[string]any{"id": orchestrator})
	}
	s.change(t, "deleteDataset", `deletedId`, map[string]any{"id": id})
	entry := at(s.ask(t, alice, trashOf, nil).Data, "viewer", "workspace", "trash", "nodes", 0)
	same(t, at(entry, "chosen"), map[string]any{"datasets": 1})
	s.change(t, "restoreFromTrash", `tables{name}`, map[string]any{"id": at(entry, "id")})
	a := s.ask(t, alice, `query($id:ID!){node(id:$id){... on Dataset{version versions{totalCount} prompts{nodes{text}}}}}`, map[string]any{"id": id})
	same(t, []any{at(a.Data, "node", "version"), at(a.Data, "node", "versions", "totalCount"), texts(at(a.Data, "node", "prompts", "nodes"))}, []any{2, 2, "[one two]"})
}

// An orchestrator is checked and estimated by the version that it names.
func TestOrchestratorsAreCheckedByTheirVersion(t *testing.T) {
	s := newStores(t, 1, 1)
	id := at(s.change(t, "createDataset", shown, map[string]any{"name": "seeds", "prompts": []any{map[string]any{"text": "one"}}}), "dataset", "id")
	for version := range 2 {
		s.change(t, "changePrompts", shown, map[string]any{"id": id, "version": version + 1, "add": []any{map[string]any{"text": "more"}}})
	}
	read := s.ask(t, alice, `query($id:ID!){node(id:$id){... on Dataset{atVersion(number:2){id}}}}`, map[string]any{"id": id})
	s.change(t, "deleteDatasetVersion", `deletedId`, map[string]any{"id": at(read.Data, "node", "atVersion", "id")})
	for version, want := range map[int]string{1: "WARNING 1", 2: "ERROR 0", 3: " 3", 4: "ERROR 0"} {
		made := s.change(t, "createOrchestrator", `orchestrator{id}`, map[string]any{
			"name": fmt.Sprint("sweep ", version), "type": "PROMPT_SENDING", "dataset": map[string]any{"id": id, "version": version},
		})
		found := at(s.change(t, "validateOrchestrator", `validation{problems{severity field} estimate{items}}`, map[string]any{"id": at(made, "orchestrator", "id")}), "validation")
		severity := ""
		for _, problem := range at(found, "problems").([]any) {
			if fmt.Sprint(at(problem, "field")) == "[dataset version]" {
				severity = at(problem, "severity").(string)
			}
		}
		same(t, fmt.Sprint(severity, " ", at(found, "estimate", "items")), want)
	}
}

// What changes nothing makes no version, and a conflict names its argument.
func TestEditsThatChangeNothingAreNone(t *testing.T) {
	s := newStores(t, 1, 1)
	made := s.change(t, "createDataset", shown, map[string]any{"name": "seeds", "prompts": []any{
		map[string]any{"text": "one", "metadata": map[string]any{"a": 1, "b": 2}, "harmCategories": []any{"hate"}}, map[string]any{"text": "two"},
	}})
	id, first, second := at(made, "dataset", "id"), at(made, "dataset", "prompts", "nodes", 0, "id"), at(made, "dataset", "prompts", "nodes", 1, "id")
	equal := map[string]any{"id": first, "text": "one", "metadata": map[string]any{"b": 2, "a": 1}, "harmCategories": []any{"hate"}, "seedType": "prompt"}
	s.refuse(t, "changePrompts", map[string]any{"id": id, "version": 1, "edit": []any{equal}}, storage.CodeBadInput)
	s.refuse(t, "changePrompts", map[string]any{"id": id, "version": 1, "edit": []any{equal}, "remove": []any{first}}, storage.CodeBadInput)
	changed := s.change(t, "changePrompts", shown, map[string]any{"id": id, "version": 1, "edit": []any{equal, map[string]any{"id": second, "text": "2"}}})
	same(t, []any{at(changed, "dataset", "version"), at(changed, "dataset", "prompts", "nodes", 0, "id")}, []any{2, first})
	if at(changed, "dataset", "prompts", "nodes", 1, "id") == second {
		t.Error("an edited prompt is the same")
	}

	newest := at(s.ask(t, alice, `query($id:ID!){node(id:$id){... on Dataset{atVersion(number:2){id}}}}`, map[string]any{"id": id}).Data, "node", "atVersion", "id")
	for field, c := range map[string]struct {
		input map[string]any
		of    string
	}{
		"changePrompts":        {map[string]any{"id": id, "version": 1, "add": []any{map[string]any{"text": "x"}}}, "version"},
		"deleteDatasetVersion": {map[string]any{"id": newest}, "id"},
		"transformDataset":     {map[string]any{"sources": []any{map[string]any{"dataset": id}}, "into": map[string]any{"dataset": id, "version": 1}}, "into"},
	} {
		a := s.ask(t, alice, `mutation($input:`+strings.ToUpper(field[:1])+field[1:]+`Input!){m:`+field+`(input:$input){userErrors{code field}}}`, map[string]any{"input": c.input})
		same(t, at(a.Data, "m", "userErrors"), []any{map[string]any{"code": "CONFLICT", "field": []any{"input", c.of}}})
	}
}

func TestDatasetsAreTransformedAndSplit(t *testing.T) {
	s := newStores(t, 3, 1)
	prompts := []any{}
	for i := range 10 {
		prompts = append(prompts, map[string]any{"text": fmt.Sprint("Prompt  ", i/2)}, map[string]any{"text": fmt.Sprint("prompt ", i/2)})
	}
	id := at(s.change(t, "createDataset", shown, map[string]any{"name": "a", "prompts": prompts}), "dataset", "id")
	source := []any{map[string]any{"dataset": id}}
	for name, c := range map[string]struct {
		more map[string]any
		want int
	}{
		"exact": {map[string]any{"distinct": "EXACT"}, 10}, "normalized": {map[string]any{"distinct": "NORMALIZED"}, 5},
		"sampled":  {map[string]any{"sample": map[string]any{"count": 7, "seed": 1}}, 7},
		"filtered": {map[string]any{"filter": map[string]any{"text": map[string]any{"contains": "Prompt  1"}}}, 2},
		"merged":   {map[string]any{"sources": []any{source[0], source[0]}}, 40},
	} {
		input := with(c.more, "name", name)
		if input["sources"] == nil {
			input["sources"] = source
		}
		same(t, at(s.change(t, "transformDataset", shown, input), "dataset", "promptCount"), c.want)
	}
	parts := []any{map[string]any{"name": "train", "fraction": 0.8}, map[string]any{"name": "test", "fraction": 0.2}}
	split := s.change(t, "splitDataset", `dataset{splits{name promptCount author} prompts(split:"test"){totalCount}}`, map[string]any{"id": id, "parts": parts})
	same(t, []any{at(split, "dataset", "splits", 0, "promptCount"), at(split, "dataset", "prompts", "totalCount")}, []any{16, 4})
	same(t, at(s.change(t, "cloneDataset", shown, map[string]any{"id": id, "split": "test", "name": "test set"}), "dataset", "promptCount"), 4)
	same(t, at(s.change(t, "removeSplit", "dataset{splits{name}}", map[string]any{"id": id, "name": "test"}), "dataset", "splits"), []any{map[string]any{"name": "train"}})
	same(t, at(s.change(t, "createDataset", shown, map[string]any{"name": "from attacks", "fromAttacks": map[string]any{}}), "dataset", "version"), 1)
	facet := `{viewer{workspace{datasetFacet(facet:SOURCE_TYPE){value count} datasets(filter:{sourceType:{in:["transformation"]}}){totalCount}}}}`
	same(t, at(s.ask(t, alice, facet, nil).Data, "viewer", "workspace", "datasets", "totalCount"), 6)
}

func TestPromptsAreMadeOfPrompts(t *testing.T) {
	s := newStores(t, 3, 1)
	id := at(s.change(t, "createDataset", shown, map[string]any{"name": "a", "prompts": []any{map[string]any{"text": "one"}, map[string]any{"text": "two"}}}), "dataset", "id")
	around := map[string]any{"body": "{{ who }}: {{ prompt }}", "values": map[string]any{"who": []any{"you", "all"}}}
	input := map[string]any{
		"sources": []any{map[string]any{"dataset": id}}, "template": around,
		"converters": []any{map[string]any{"inline": map[string]any{"type": "ROT13Converter"}}}, "seed": 3,
	}
	preview := s.change(t, "previewTransformation", `prompts{text metadata} count`, with(input, "first", 3))
	same(t, []any{texts(at(preview, "prompts")), at(preview, "count")}, []any{"[lbh: bar nyy: bar lbh: gjb]", 4})
	same(t, at(preview, "prompts", 1, "metadata", "templateValues", "who"), "all")
	same(t, at(s.ask(t, alice, `{viewer{workspace{datasets{totalCount}}}}`, nil).Data, "viewer", "workspace", "datasets", "totalCount"), 1)
	made := at(s.change(t, "transformDataset", `dataset{promptCount sourceType prompts{nodes{text}} versions{nodes{madeBy}}}`, with(input, "name", "b")), "dataset")
	same(t, []any{at(made, "promptCount"), texts(at(made, "prompts", "nodes")), at(made, "versions", "nodes", 0, "madeBy", "operation")}, []any{4, "[lbh: bar nyy: bar lbh: gjb nyy: gjb]", "CONVERT"})

	// The next version of the same: what stays is the same prompt, what is made replaces one.
	of := func(version int) any {
		a := s.ask(t, alice, `query($id:ID!,$n:Int!){node(id:$id){... on Dataset{atVersion(number:$n){prompts{nodes{id text}}}}}}`, map[string]any{"id": id, "n": version})
		return at(a.Data, "node", "atVersion", "prompts", "nodes")
	}
	first := of(1)
	into := map[string]any{"sources": []any{map[string]any{"dataset": id}}, "into": map[string]any{"dataset": id, "version": 1}}
	same(t, at(s.change(t, "transformDataset", shown, with(into, "filter", map[string]any{"text": map[string]any{"contains": "w"}})), "dataset", "version"), 2)
	same(t, at(of(2), 0, "id"), at(first, 1, "id"))
	by := at(s.ask(t, alice, `query($id:ID!){node(id:$id){... on Dataset{atVersion(number:2){madeBy}}}}`, map[string]any{"id": id}).Data, "node", "atVersion", "madeBy")
	same(t, []any{at(by, "parents", 0, "dataset"), at(by, "parameters", "filter")}, []any{id, map[string]any{"text": map[string]any{"contains": "w"}}})
	into["into"] = map[string]any{"dataset": id, "version": 2}
	s.change(t, "transformDataset", shown, with(into, "template", map[string]any{"body": "say {{ prompt }}"}))
	same(t, texts(of(3)), "[say two]")
	same(t, texts(first), "[one two]")
	changed := s.ask(t, alice, `query($id:ID!){node(id:$id){... on Dataset{atVersion(number:2){diff{added removed changed}}}}}`, map[string]any{"id": id})
	same(t, at(changed.Data, "node", "atVersion", "diff"), map[string]any{"added": 0, "removed": 0, "changed": 1})

	team := newTeamOn(t, s.server)
	for name, c := range map[string]struct {
		more map[string]any
		want string
	}{
		"neither name nor into":   {map[string]any{}, "BAD_USER_INPUT"},
		"both":                    {map[string]any{"name": "c", "into": map[string]any{"dataset": id, "version": 3}}, "BAD_USER_INPUT"},
		"an old base":             {map[string]any{"into": map[string]any{"dataset": id, "version": 1}}, "CONFLICT"},
		"a template without":      {map[string]any{"name": "c", "template": map[string]any{"body": "x"}}, "BAD_USER_INPUT"},
		"no template":             {map[string]any{"name": "c", "template": map[string]any{}}, "BAD_USER_INPUT"},
		"a value of another kind": {map[string]any{"name": "c", "template": map[string]any{"body": "{{ a }}{{ prompt }}", "values": map[string]any{"a": 1}}}, "BAD_USER_INPUT"},
		"no converter":            {map[string]any{"name": "c", "converters": []any{map[string]any{"inline": map[string]any{"type": "NONE"}}}}, "BAD_USER_INPUT"},
		"another's converter":     {map[string]any{"name": "c", "converters": []any{map[string]any{"id": "none"}}}, "NOT_FOUND"},
	} {
		input := with(c.more, "sources", []any{map[string]any{"dataset": id}})
		if got := team.mutate(t, alice, "transformDataset", input).refusal(); got != c.want {
			t.Errorf("%s: %q instead of %s", name, got, c.want)
		}
	}
	if got := team.mutate(t, alice, "previewTransformation", map[string]any{"sources": []any{map[string]any{"dataset": id}}, "first": 101}).refusal(); got != "BAD_USER_INPUT" {
		t.Errorf("101 prompts to look at: %q", got)
	}
}

func TestDatasetsRefuseWhatDoesNotFit(t *testing.T) {
	s := newStores(t, 3, 1)
	id := at(s.change(t, "createDataset", shown, map[string]any{"name": "a", "prompts": []any{map[string]any{"text": "x"}}}), "dataset", "id")
	none := storage.ID{Kind: storage.KindDataset, Store: "nosuchid", Key: "01890000-0000-7000-8000-000000000000"}.String()
	team := newTeamOn(t, s.server)
	for name, c := range map[string]struct {
		field string
		input map[string]any
		want  string
	}{
		"a name that is taken": {"createDataset", map[string]any{"name": "a", "prompts": []any{map[string]any{"text": "x"}}}, "CONFLICT"},
		"no name":              {"createDataset", map[string]any{"name": " ", "prompts": []any{map[string]any{"text": "x"}}}, "BAD_USER_INPUT"},
		"no prompts":           {"createDataset", map[string]any{"name": "b", "prompts": []any{}}, "BAD_USER_INPUT"},
		"no attacks":           {"createDataset", map[string]any{"name": "b", "fromAttacks": map[string]any{"filter": map[string]any{"objective": map[string]any{"equals": "none such"}}}}, "BAD_USER_INPUT"},
		"neither nor":          {"createDataset", map[string]any{"name": "b"}, "BAD_USER_INPUT"},
		"an empty prompt":      {"createDataset", map[string]any{"name": "b", "prompts": []any{map[string]any{"text": ""}}}, "BAD_USER_INPUT"},
		"an old base":          {"changePrompts", map[string]any{"id": id, "version": 7, "add": []any{map[string]any{"text": "y"}}}, "CONFLICT"},
		"no change":            {"changePrompts", map[string]any{"id": id, "version": 1}, "BAD_USER_INPUT"},
		"another's prompt":     {"changePrompts", map[string]any{"id": id, "version": 1, "remove": []any{none}}, "NOT_FOUND"},
		"another's source":     {"transformDataset", map[string]any{"name": "b", "sources": []any{map[string]any{"dataset": none}}}, "NOT_FOUND"},
		"no such split":        {"transformDataset", map[string]any{"name": "b", "sources": []any{map[string]any{"dataset": id, "split": "s"}}}, "NOT_FOUND"},
		"one part":             {"splitDataset", map[string]any{"id": id, "parts": []any{map[string]any{"name": "a", "fraction": 1}}}, "BAD_USER_INPUT"},
		"no split to remove":   {"removeSplit", map[string]any{"id": id, "name": "s"}, "NOT_FOUND"},
		"no version to clone":  {"cloneDataset", map[string]any{"id": id, "version": 3, "name": "c"}, "NOT_FOUND"},
		"another's dataset":    {"updateDataset", map[string]any{"id": none, "name": "c"}, "NOT_FOUND"},
		"a tag of nothing":     {"updateDataset", map[string]any{"id": id, "tags": []any{""}}, "BAD_USER_INPUT"},
	} {
		if got := team.mutate(t, alice, c.field, c.input).refusal(); got != c.want {
			t.Errorf("%s: %q instead of %s", name, got, c.want)
		}
	}
}

func texts(nodes any) string {
	var all []any
	for _, node := range nodes.([]any) {
		all = append(all, at(node, "text"))
	}
	return fmt.Sprint(all)
}
