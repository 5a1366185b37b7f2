package resolvers_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func TestTagsAreAddedAndRemovedInBulk(t *testing.T) {
	s := newStores(t, 3, 1)
	ids := s.attackIDs(t)
	input := map[string]any{"attacks": ids[:2], "tags": []any{"LLM01", "owasp:llm01", "aml.t0054", "free:secret word"}, "clientMutationId": "1"}
	for range 2 { // the second time it is not done, and answers the same
		done := s.change(t, "addTags", `matched changed workspace{name}`, input)
		same(t, []any{at(done, "matched"), at(done, "changed"), at(done, "workspace", "name")}, []any{2, 2, "alice"})
	}
	event := s.lastAct(t)
	same(t, []any{event.Action, event.SubjectType, string(event.Detail)}, []any{"tag.add", "Workspace", `{"changed":2,"fields":["attacks","tags"],"matched":2}`})
	a := s.ask(t, alice, `{viewer{workspace{
		attacks(filter:{tag:{in:["LLM01:2023"]}},orderBy:{field:NUMBER,direction:ASC}){totalCount nodes{tags taxonomyTags{tag code title taxonomy version taxonomyKey description}}}
		byTaxonomy:attacks(filter:{taxonomy:{in:["mitre-atlas"]}}){totalCount} none:attacks(filter:{taxonomy:{isNull:true}}){totalCount}
		facets{tag{value count} taxonomy{value count} owasp:taxonomyEntry(taxonomy:"owasp-llm-2023"){value count}}}}}`, nil)
	of := at(a.Data, "viewer", "workspace")
	same(t, at(of, "attacks", "totalCount"), 2)
	same(t, at(of, "attacks", "nodes", 0, "tags"), []any{"AML.T0054", "free:secret word", "owasp:llm01"})
	same(t, at(of, "attacks", "nodes", 0, "taxonomyTags", 0, "code"), "AML.T0054")
	same(t, at(of, "attacks", "nodes", 0, "taxonomyTags", 1), map[string]any{
		"tag": "owasp:llm01", "code": "LLM01:2023", "title": "Prompt Injection", "taxonomy": "OWASP Top 10 for LLM Applications",
		"version": "2023 (1.1)", "taxonomyKey": "owasp-llm-2023", "description": "Input makes the model disregard its instructions.",
	})
	same(t, []any{at(of, "byTaxonomy", "totalCount"), at(of, "none", "totalCount")}, []any{2, 1})
	same(t, at(of, "facets", "taxonomy"), []any{
		map[string]any{"value": "mitre-atlas", "count": 2}, map[string]any{"value": "owasp-llm-2023", "count": 2}, map[string]any{"value": nil, "count": 1},
	})
	same(t, at(of, "facets", "owasp"), []any{map[string]any{"value": "LLM01:2023", "count": 2}, map[string]any{"value": nil, "count": 1}})

	done := s.change(t, "removeTags", `matched changed`, map[string]any{"attackFilter": map[string]any{}, "tags": []any{"LLM01:2023", "never there"}})
	same(t, []any{at(done, "matched"), at(done, "changed")}, []any{3, 2})
	a = s.ask(t, alice, `{viewer{workspace{attacks(orderBy:{field:NUMBER,direction:ASC}){nodes{tags}}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace", "attacks", "nodes", 0, "tags"), []any{"AML.T0054", "free:secret word"})

	for name, wrong := range map[string]map[string]any{
		"a code of nothing": {"attacks": ids[:1], "tags": []any{"LLM99:2025"}}, "no word": {"attacks": ids[:1], "tags": []any{"free: "}},
		"no tag": {"attacks": ids[:1], "tags": []any{}}, "nothing chosen": {"tags": []any{"free:x"}},
		"a wrong filter": {"attackFilter": map[string]any{"objective": map[string]any{"matches": "("}}, "tags": []any{"free:x"}},
		"too many":       {"attacks": ids[:1], "tags": make([]string, 101)},
	} {
		t.Run(name, func(t *testing.T) { s.refuse(t, "addTags", wrong, storage.CodeBadInput) })
	}
	other := storage.ID{Kind: storage.KindAttack, Store: "nosuchid", Key: storage.NumberKey(1)}.String()
	for _, field := range []string{"addTags", "removeTags"} {
		s.refuse(t, field, map[string]any{"attacks": []any{ids[0], other}, "tags": []any{"free:x"}}, storage.CodeNotFound)
	}
	s.refuse(t, "removeTags", map[string]any{"attacks": ids[:1], "tags": []any{}}, storage.CodeBadInput)
}

func TestAWorkspaceHasTaxonomiesOfItsOwn(t *testing.T) {
	s := newStores(t, 2, 1)
	ids := s.attackIDs(t)
	input := map[string]any{
		"name": "Secret house rules", "entries": []any{map[string]any{"code": "HR-1", "title": "No insults"}, map[string]any{"code": "HR-2", "title": "No advice", "description": "of any kind"}},
		"clientMutationId": "1",
	}
	made := s.change(t, "createTaxonomy", `taxonomy{id key name version own entries{code title tag description spellings}} workspace{name}`, input)
	id := at(made, "taxonomy", "id").(string)
	same(t, []any{at(made, "taxonomy", "own"), at(made, "taxonomy", "version"), at(made, "taxonomy", "entries", 1)}, []any{
		true, "1", map[string]any{"code": "HR-2", "title": "No advice", "tag": "HR-2", "description": "of any kind", "spellings": []any{"HR-2"}},
	})
	same(t, at(s.change(t, "createTaxonomy", `taxonomy{id}`, input), "taxonomy", "id"), id)
	event := s.lastAct(t)
	if event.Action != "taxonomy.create" || event.SubjectType != "Taxonomy" || strings.Contains(string(event.Detail), "Secret") {
		t.Errorf("the log says %+v", event)
	}
	s.change(t, "addTags", `changed`, map[string]any{"attacks": ids[:1], "tags": []any{"HR-1"}})
	a := s.ask(t, alice, `{viewer{taxonomies{key id own} workspace{taxonomies{name own}
		attacks(filter:{taxonomy:{in:["Secret house rules"]}}){nodes{taxonomyTags{code title taxonomy}}} byId:attacks(filter:{taxonomy:{in:["`+id+`"]}}){totalCount}
		facets{taxonomy{value count} taxonomyEntry(taxonomy:"Secret house rules"){value count}}}}}`, nil)
	of := at(a.Data, "viewer", "workspace")
	same(t, at(of, "attacks", "nodes"), []any{map[string]any{"taxonomyTags": []any{map[string]any{"code": "HR-1", "title": "No insults", "taxonomy": "Secret house rules"}}}})
	same(t, at(of, "byId", "totalCount"), 1)
	same(t, at(of, "facets", "taxonomyEntry", 0), map[string]any{"value": "HR-1", "count": 1})
	// What comes with the program is there for everybody, and nothing else.
	shared, all := at(a.Data, "viewer", "taxonomies").([]any), at(of, "taxonomies").([]any)
	if len(shared) < 9 || len(all) != len(shared)+1 || at(shared[0], "id") != nil || at(all[len(all)-1], "name") != "Secret house rules" {
		t.Errorf("%d and %d taxonomies", len(shared), len(all))
	}

	s.refuse(t, "createTaxonomy", map[string]any{"name": "Secret house rules"}, storage.CodeConflict)
	s.refuse(t, "createTaxonomy", map[string]any{"name": "other", "entries": []any{map[string]any{"code": "HR-1", "title": "t"}}}, storage.CodeConflict)
	s.refuse(t, "createTaxonomy", map[string]any{"name": "other", "entries": []any{map[string]any{"code": "llm01", "title": "t"}}}, storage.CodeConflict)
	s.refuse(t, "createTaxonomy", map[string]any{"name": "other", "entries": []any{map[string]any{"code": "free:x", "title": "t"}}}, storage.CodeBadInput)
	s.refuse(t, "createTaxonomy", map[string]any{"name": "MITRE-atlas"}, storage.CodeConflict)
	s.refuse(t, "updateTaxonomy", map[string]any{"id": id, "name": "mitre-atlas"}, storage.CodeConflict)
	s.refuse(t, "createTaxonomy", map[string]any{"name": " "}, storage.CodeBadInput)
	s.refuse(t, "createTaxonomy", map[string]any{"name": "other", "sourceUrl": "javascript:1"}, storage.CodeBadInput)
	s.refuse(t, "updateTaxonomy", map[string]any{"id": id, "entries": []any{map[string]any{"code": "HR-3", "title": " "}}}, storage.CodeBadInput)
	s.refuse(t, "updateTaxonomy", map[string]any{"id": ids[0], "name": "x"}, storage.CodeNotFound)
	changed := s.change(t, "updateTaxonomy", `taxonomy{name entries{code title}}`, map[string]any{
		"id": id, "name": "Rules", "entries": []any{map[string]any{"code": "HR-1", "title": "Be kind"}}, "removeEntries": []any{"HR-2"},
	})
	same(t, at(changed, "taxonomy"), map[string]any{"name": "Rules", "entries": []any{map[string]any{"code": "HR-1", "title": "Be kind"}}})
	same(t, at(s.change(t, "deleteTaxonomy", `deletedId`, map[string]any{"id": id}), "deletedId"), id)
	s.refuse(t, "deleteTaxonomy", map[string]any{"id": id}, storage.CodeNotFound)
	s.refuse(t, "updateTaxonomy", map[string]any{"id": id, "name": "x"}, storage.CodeNotFound)
	a = s.ask(t, alice, `{viewer{workspace{attacks(filter:{tag:{in:["HR-1"]}}){nodes{tags taxonomyTags{code}}}}}}`, nil)
	same(t, at(a.Data, "viewer", "workspace", "attacks", "nodes"), []any{map[string]any{"tags": []any{"HR-1"}, "taxonomyTags": []any{}}})
}

// The names of tags cost one statement for all attacks, none where the program knows them.
func TestTaxonomyTagsOfALevelAreOneStatement(t *testing.T) {
	s := newStores(t, 30, 1)
	s.change(t, "createTaxonomy", `taxonomy{id}`, map[string]any{"name": "own", "entries": []any{map[string]any{"code": "HR-1", "title": "t"}}})
	for tag, want := range map[string]int64{"S0403": 1, "HR-1": 2} {
		s.change(t, "addTags", `changed`, map[string]any{"attackFilter": map[string]any{}, "tags": []any{tag}})
		if tag == "HR-1" {
			s.change(t, "removeTags", `changed`, map[string]any{"attackFilter": map[string]any{}, "tags": []any{"S0403"}})
		}
		meter := &storage.Meter{}
		response := s.executeWith(t, meter, `{viewer{workspace{attacks(first:30){nodes{taxonomyTags{code title taxonomy}}}}}}`)
		if n := meter.UserStatements.Load(); len(response.Errors) > 0 || n > want+1 || !strings.Contains(string(response.Data), `"title"`) {
			t.Errorf("%s: %d statements, %v", tag, n, response.Errors)
		}
	}
}
