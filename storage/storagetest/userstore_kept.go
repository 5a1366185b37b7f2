package storagetest

import (
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

func keptPart(key, name string, minute int, tags ...string) storage.Kept {
	return storage.Kept{Key: key, Name: name, Tags: append([]string{}, tags...), Author: "alice", CreatedAt: at(minute)}
}

func keptThingsAreReadBack(t *testing.T, store storage.UserStore) {
	query := &storage.SavedQuery{Kept: keptPart("q1", "open", 1, "a"), Document: "{viewer{username}}", Variables: `{"a": 1}`, Pinned: true}
	file := &storage.ParameterFile{Kept: keptPart("p1", "run", 2, "a", "b"), Format: storage.FormatYAML, Text: "a: 1 # ☃\r\n", Parameters: `{"a":1}`}
	template := &storage.Template{
		Kept: keptPart("t1", "frame", 3), Body: "{{ prompt }}\n", Source: new("ours"), HarmCategories: []string{"x"}, Native: new("role_play"),
		Parameters: []*storage.TemplateParameter{{Name: "prompt", Description: new("what is asked"), Default: new("")}},
	}
	query.Description = new("what is open")
	for _, err := range []error{store.AddSavedQuery(t.Context(), query), store.AddParameterFile(t.Context(), file), store.AddTemplate(t.Context(), template)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for kind, part := range map[storage.Kind]*storage.Kept{storage.KindSavedQuery: &query.Kept, storage.KindParameterFile: &file.Kept, storage.KindTemplate: &template.Kept} {
		part.ID = storage.ID{Kind: kind, Store: store.Key(), Key: part.Key}.String()
		part.Revision, part.UpdatedAt = 1, part.CreatedAt
	}
	equal(t, "query", must(store.SavedQueriesByKey(t.Context(), []string{"q1", "none"}))(t), map[string]*storage.SavedQuery{"q1": query})
	equal(t, "file", must(store.ParameterFilesByKey(t.Context(), []string{"p1"}))(t), map[string]*storage.ParameterFile{"p1": file})
	equal(t, "template", must(store.TemplatesByKey(t.Context(), []string{"t1"}))(t), map[string]*storage.Template{"t1": template})

	few := must(store.Reading(storage.Fields{"name": true}).TemplatesByKey(t.Context(), []string{"t1"}))(t)["t1"]
	if few.Body != "" || few.Parameters != nil || few.Name != "frame" || few.Revision != 1 {
		t.Errorf("of the name alone %+v", few)
	}

	// A reader that began before sees what was there then.
	before := must(store.Snapshot(t.Context()))(t)
	for i := range 3 {
		changed := *template
		changed.Kept = storage.Kept{Key: "t1", Name: "frame " + string(rune('a'+i)), Tags: []string{"new"}, Revision: int64(1 + i), UpdatedAt: at(10 + i)}
		changed.HarmCategories, changed.Source, changed.Parameters = []string{}, nil, nil
		if err := store.ReplaceTemplate(t.Context(), &changed); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "template before", must(before.TemplatesByKey(t.Context(), []string{"t1"}))(t), map[string]*storage.Template{"t1": template})
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	now := must(store.TemplatesByKey(t.Context(), []string{"t1"}))(t)["t1"]
	if now.Name != "frame c" || now.Revision != 4 || now.Author != "alice" || !now.CreatedAt.Equal(at(3)) || !now.UpdatedAt.Equal(at(12)) ||
		now.Source != nil || now.Description != nil || len(now.Parameters) != 0 || len(now.HarmCategories) != 0 || len(now.Tags) != 1 {
		t.Errorf("template now %+v", now)
	}
	must(store.MoveToTrash(t.Context(), deletion("t1", 20, "parameter_files", "p1")))(t)
	if left := must(store.ParameterFilesByKey(t.Context(), []string{"p1"}))(t); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func keptThingsOfAnotherRevisionOrNameConflict(t *testing.T, store storage.UserStore) {
	query := storage.SavedQuery{Kept: keptPart("q1", "open", 1), Document: "{a}", Variables: "{}"}
	other := query
	other.Kept = keptPart("q2", "other", 1)
	for _, q := range []*storage.SavedQuery{&query, &other} {
		if err := store.AddSavedQuery(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	again := query
	again.Key = "q3"
	wantCode(t, store.AddSavedQuery(t.Context(), &again), storage.CodeConflict, "a name that is taken")
	change := query
	change.Revision, change.Name = 1, "other"
	wantCode(t, store.ReplaceSavedQuery(t.Context(), &change), storage.CodeConflict, "another's name")
	change.Revision, change.Name = 2, "open"
	wantCode(t, store.ReplaceSavedQuery(t.Context(), &change), storage.CodeConflict, "a later revision")
	change.Revision = 1
	wantCode(t, store.ReplaceSavedQuery(t.Context(), &change), "", "the revision that is there")
	wantCode(t, store.ReplaceSavedQuery(t.Context(), &change), storage.CodeConflict, "the revision that was there")
	change.Key = "none"
	wantCode(t, store.ReplaceSavedQuery(t.Context(), &change), storage.CodeNotFound, "nothing")
	_, err := store.MoveToTrash(t.Context(), deletion("t1", 20, "saved_queries", "none"))
	refusedAs(t, err, storage.CodeNotFound, "savedQueries")
	// The same name is free in another table.
	wantCode(t, store.AddParameterFile(t.Context(), &storage.ParameterFile{Kept: keptPart("p", "open", 1), Format: storage.FormatJSON, Text: "{}", Parameters: "{}"}), "", "another kind")
}

func keptThingsAreListedFilteredAndCounted(t *testing.T, store storage.UserStore) {
	for i, name := range []string{"d", "b", "a", "c", "e"} {
		q := &storage.SavedQuery{Kept: keptPart("q"+name, name, 10-i, "all", name), Document: "{a}", Variables: "{}", Pinned: name == "c" || name == "d"}
		if err := store.AddSavedQuery(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for by, want := range map[storage.SavedQueryOrder]string{
		{Field: storage.SavedQueryOrderPinned, Direction: storage.Ascending}: "cdabe",
		{Field: "NAME", Direction: storage.Descending}:                       "edcba",
		{Field: "CREATED_AT", Direction: storage.Ascending}:                  "ecabd",
		{Field: "UPDATED_AT", Direction: storage.Descending}:                 "dbace",
	} {
		got, page := "", storage.Page{Limit: 2}
		for {
			list := must(store.SavedQueries(t.Context(), nil, by, page))(t)
			for _, q := range list.Nodes() {
				got += q.Name
			}
			if !list.PageInfo.HasNextPage {
				break
			}
			page.After = *list.PageInfo.EndCursor
		}
		if got != want {
			t.Errorf("%v gives %s, want %s", by, got, want)
		}
	}
	filter := &storage.SavedQueryFilter{KeptFilter: storage.KeptFilter{Tag: &storage.TextIn{In: []string{"a", "c"}}, CreatedAt: &storage.TimeRange{To: new(at(9))}}, Pinned: new(false)}
	if list := must(store.SavedQueries(t.Context(), filter, storage.SavedQueryOrder{}, storage.Page{Limit: 9}))(t).Nodes(); len(list) != 1 || list[0].Name != "a" {
		t.Errorf("filtered %v", list)
	}
	equal(t, "tags", must(store.SavedQueryTags(t.Context(), nil, 2))(t), []*storage.TagCount{{Tag: "all", Count: 5}, {Tag: "a", Count: 1}})
	equal(t, "tags of some", must(store.SavedQueryTags(t.Context(), filter, 9))(t), []*storage.TagCount{{Tag: "a", Count: 1}, {Tag: "all", Count: 1}})
	for i, format := range []storage.DocumentFormat{storage.FormatJSON, storage.FormatYAML} {
		f := &storage.ParameterFile{Kept: keptPart(string(format), string(format), i), Format: format, Text: "{}", Parameters: "{}"}
		x := &storage.Template{Kept: keptPart(string(format), string(format), i), Body: "body of " + string(format), HarmCategories: []string{string(format)}}
		if err := store.AddParameterFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if err := store.AddTemplate(t.Context(), x); err != nil {
			t.Fatal(err)
		}
	}
	if list := must(store.ParameterFiles(t.Context(), &storage.ParameterFileFilter{Format: new(storage.FormatJSON)}, storage.KeptOrder{}, storage.Page{Limit: 9}))(t).Nodes(); len(list) != 1 || list[0].Key != "JSON" {
		t.Errorf("files %v", list)
	}
	harm := &storage.TemplateFilter{HarmCategory: &storage.TextIn{In: []string{"YAML"}}, Body: &storage.TextMatch{Contains: new("OF Y")}, Native: &storage.TextIn{IsNull: new(true)}}
	if list := must(store.Templates(t.Context(), harm, storage.KeptOrder{}, storage.Page{Limit: 9}))(t).Nodes(); len(list) != 1 || list[0].Key != "YAML" {
		t.Errorf("templates %v", list)
	}
	if tags := must(store.TemplateTags(t.Context(), harm, 9))(t); len(tags) != 0 {
		t.Errorf("tags %v", tags)
	}
	if tags := must(store.ParameterFileTags(t.Context(), nil, 9))(t); len(tags) != 0 {
		t.Errorf("tags %v", tags)
	}
}

// save saves a screen of a user in a minute.
func save(t *testing.T, store storage.UserStore, user, name, body string, minute int, expires *time.Time, revision *int64) (string, error) {
	t.Helper()
	return store.SaveSession(t.Context(), user, &storage.SavedSession{Name: name, Body: storage.JSON(body), UpdatedAt: at(minute), ExpiresAt: expires}, revision)
}

func savedSessionsAreOfOnePerson(t *testing.T, store storage.UserStore) {
	sample().load(t, store) // with one of the original's, under the key ui
	first := must(save(t, store, "alice", "filters", `{"a":1}`, 1, nil, nil))(t)
	if again := must(save(t, store, "alice", "filters", `{"a":2}`, 2, nil, new(int64(1))))(t); again != first {
		t.Errorf("saved again as %s, not %s", again, first)
	}
	must(save(t, store, "bob", "filters", `{"b":1}`, 3, nil, new(int64(0))))(t)
	must(save(t, store, "alice", "short", `1`, 4, new(at(10)), nil))(t)
	for revision, want := range map[int64]storage.Code{0: storage.CodeConflict, 1: storage.CodeConflict, 3: storage.CodeConflict} {
		_, err := save(t, store, "alice", "filters", `{}`, 5, nil, &revision)
		wantCode(t, err, want, "another revision")
	}
	mine := func(minute int) map[string]string {
		list := must(store.SavedSessions(t.Context(), "alice", at(minute), nil, storage.SavedSessionOrder{}, storage.Page{Limit: 9}))(t)
		bodies := map[string]string{}
		for _, saved := range list.Nodes() {
			if !saved.Imported {
				bodies[saved.Name] = string(saved.Body)
			}
		}
		return bodies
	}
	equal(t, "alice's", mine(9), map[string]string{"filters": `{"a":2}`, "short": "1"})
	equal(t, "alice's later", mine(10), map[string]string{"filters": `{"a":2}`})
	found := must(store.SavedSessionsByName(t.Context(), "alice", at(9), []string{"filters", "none"}))(t)
	if s := found["filters"]; len(found) != 1 || s.Key != first || s.Revision != 2 || !s.CreatedAt.Equal(at(1)) || !s.UpdatedAt.Equal(at(2)) {
		t.Errorf("found %+v", found)
	}

	imported := must(store.SavedSessions(t.Context(), "carol", at(9), &storage.SavedSessionFilter{Imported: new(true)}, storage.SavedSessionOrder{Field: storage.SavedSessionOrderUpdatedAt}, storage.Page{Limit: 9}))(t).Nodes()
	if len(imported) != 1 || !imported[0].Imported || imported[0].Revision != 0 {
		t.Fatalf("imported %+v", imported)
	}
	// One's own wins over what was imported, for oneself alone.
	must(save(t, store, "alice", imported[0].Name, `"mine"`, 9, nil, new(int64(0))))(t)
	for user, want := range map[string]storage.JSON{"alice": `"mine"`, "carol": imported[0].Body} {
		if got := must(store.SavedSessionsByName(t.Context(), user, at(9), []string{imported[0].Name}))(t)[imported[0].Name]; got.Body != want {
			t.Errorf("%s reads %s", user, got.Body)
		}
	}
	if deleted := must(store.DeleteSavedSession(t.Context(), "alice", "filters", deletion("t1", 10, "")))(t); deleted != first {
		t.Errorf("deleted %s", deleted)
	}
	for _, user := range []string{"alice", "carol"} {
		_, err := store.DeleteSavedSession(t.Context(), user, "filters", deletion("t2", 11, ""))
		wantCode(t, err, storage.CodeNotFound, "nothing of one's own")
	}
	if _, err := store.DeleteSavedSession(t.Context(), "carol", imported[0].Name, deletion("t2", 11, "")); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("deleted what was imported: %v", err)
	}
	if left := must(store.SavedSessionsByName(t.Context(), "bob", at(9), []string{"filters"}))(t); string(left["filters"].Body) != `{"b":1}` {
		t.Errorf("left of bob's: %v", left)
	}
}

func unfitSavedSessionsAreRefused(t *testing.T, store storage.UserStore) {
	for name, wrong := range map[string]*storage.SavedSession{
		"no key":      {Body: "1"},
		"two lines":   {Name: "a\nb", Body: "1"},
		"a NUL":       {Name: "a\x00", Body: "1"},
		"long key":    {Name: strings.Repeat("k", storage.MaxSessionKeyBytes+1), Body: "1"},
		"no JSON":     {Name: "a", Body: "{"},
		"long body":   {Name: "a", Body: storage.JSON(`"` + strings.Repeat("x", storage.MaxSessionBodyBytes) + `"`)},
		"expired now": {Name: "a", Body: "1", ExpiresAt: new(at(1))},
	} {
		wrong.UpdatedAt = at(1)
		_, err := store.SaveSession(t.Context(), "alice", wrong, nil)
		wantCode(t, err, storage.CodeBadInput, name)
	}
	for i := range storage.MaxSavedSessions {
		must(save(t, store, "alice", "k"+string(rune('A'+i)), "1", 1, new(at(5)), nil))(t)
	}
	_, err := save(t, store, "alice", "one more", "1", 2, nil, nil)
	wantCode(t, err, storage.CodeBadInput, "one more than may be")
	must(save(t, store, "alice", "kA", "2", 2, nil, nil))(t) // in the place of another
	must(save(t, store, "bob", "one more", "1", 2, nil, nil))(t)
	must(save(t, store, "alice", "one more", "1", 6, nil, nil))(t) // what expired makes room
	if list := must(store.SavedSessions(t.Context(), "alice", at(2), nil, storage.SavedSessionOrder{}, storage.Page{Limit: 900}))(t).Nodes(); len(list) != 2 {
		t.Errorf("%d are left", len(list))
	}
}
