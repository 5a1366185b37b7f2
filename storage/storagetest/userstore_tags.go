package storagetest

import (
	"context"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// tagging puts or takes tags, each with its spellings after it.
func tagging(on storage.Chosen, minute int, tags ...[]string) *storage.Tagging {
	t := &storage.Tagging{On: on, Author: "alice", At: at(minute)}
	for _, tag := range tags {
		t.Tags = append(t.Tags, &storage.TagSpellings{Tag: tag[0], Also: tag[1:]})
	}
	return t
}

// tagsAre checks the tags of the attacks.
func tagsAre(t *testing.T, what string, store storage.UserStore, want map[int64][]string) {
	t.Helper()
	got := map[int64][]string{}
	for number, a := range must(store.AttacksByNumber(t.Context(), []int64{1, 2}))(t) {
		got[number] = a.Tags
	}
	equal(t, what, got, want)
}

// taggedSample is the sample with tags of the source.
func taggedSample() *file {
	f := sample()
	f.attacks[1].Tags, f.attacks[0].Tags = []string{"owasp:llm01", "quality:x"}, []string{}
	return f
}

func tagsOfPeopleStay(t *testing.T, store storage.UserStore) {
	taggedSample().load(t, store)
	tagsAre(t, "imported", store, map[int64][]string{1: {"owasp:llm01", "quality:x"}, 2: {}})
	all := storage.Chosen{Filter: &storage.AttackFilter{}}
	revision := must(store.Revision(t.Context()))(t)
	// The first attack has another spelling of it.
	one := tagging(all, 30, []string{"LLM01:2023", "owasp:llm01"}, []string{"free:b"}, []string{"free:a"})
	equal(t, "added", must(store.AddTags(t.Context(), one))(t), storage.Labelled{Matched: 2, Changed: 2})
	added := map[int64][]string{1: {"owasp:llm01", "quality:x", "free:a", "free:b"}, 2: {"LLM01:2023", "free:a", "free:b"}}
	tagsAre(t, "added", store, added)
	if now := must(store.Revision(t.Context()))(t); now <= revision {
		t.Errorf("revision %d after %d", now, revision)
	}
	equal(t, "added again", must(store.AddTags(t.Context(), one))(t), storage.Labelled{Matched: 2})

	// The same file changes nothing, another one what is the source's.
	imp := taggedSample().load(t, store)
	for _, table := range imp.Tables {
		if table.Inserted+table.Updated > 0 {
			t.Errorf("imported again: %+v", *table)
		}
	}
	tagsAre(t, "imported again", store, added)
	equal(t, "removed", must(store.RemoveTags(t.Context(), tagging(all, 31, []string{"owasp:llm01", "LLM01:2023"}, []string{"free:b"})))(t), storage.Labelled{Matched: 2, Changed: 2})
	left := map[int64][]string{1: {"quality:x", "free:a"}, 2: {"free:a"}}
	tagsAre(t, "removed", store, left)
	equal(t, "removed again", must(store.RemoveTags(t.Context(), tagging(all, 31, []string{"free:b"})))(t), storage.Labelled{Matched: 2})
	changed := taggedSample()
	changed.attacks[1].Tags = []string{"quality:y", "owasp:llm01", "LLM01:2023"}
	changed.load(t, store)
	tagsAre(t, "changed", store, map[int64][]string{1: {"quality:y", "free:a"}, 2: {"free:a"}})
	must(store.RemoveTags(t.Context(), tagging(all, 32, []string{"quality:y"}, []string{"free:a"})))(t)
	tagsAre(t, "none", store, map[int64][]string{1: {}, 2: {}})
	changed.load(t, store)
	tagsAre(t, "none after the file", store, map[int64][]string{1: {}, 2: {}})
	must(store.AddTags(t.Context(), tagging(storage.Chosen{Attacks: []int64{1, 1}}, 33, []string{"quality:y"})))(t)
	tagsAre(t, "back", store, map[int64][]string{1: {"quality:y"}, 2: {}})

	words := must(store.TagWordsByAttack(t.Context(), []int64{2}))(t)[2]
	if len(words) != 4 || words[0].Tag != "LLM01:2023" || words[0].Present || words[0].Author != "alice" {
		t.Errorf("words %+v", words)
	}
	if _, err := store.AddTags(t.Context(), tagging(storage.Chosen{Attacks: []int64{1, 9}}, 40, []string{"x"})); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("an attack that is not there: %v", err)
	}
	for name, wrong := range map[string]*storage.Tagging{
		"nothing chosen": tagging(storage.Chosen{}, 40, []string{"x"}), "no tag": tagging(all, 40), "two lines": tagging(all, 40, []string{"a\nb"}),
		"blank": tagging(all, 40, []string{" "}), "long": tagging(all, 40, []string{strings.Repeat("x", 201)}),
	} {
		if _, err := store.AddTags(t.Context(), wrong); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := store.Delete(t.Context(), storage.Selection{Attacks: []int64{1, 2}}, must(store.Revision(t.Context()))(t), func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if rows := counts(t, store)["attack_tags"]; rows != 0 {
		t.Errorf("%d words about deleted attacks are left", rows)
	}
}

func ownTaxonomiesAreKept(t *testing.T, store storage.UserStore) {
	made := at(30)
	entry := func(code string) *storage.TaxonomyEntry {
		return &storage.TaxonomyEntry{Code: code, Title: "title of " + code, Description: new("about " + code)}
	}
	add := func(key, name string, codes ...string) error {
		of := &storage.Taxonomy{Key: key, Name: name, Version: "1", SourceURL: new("https://x.example/t"), Licence: new("ours"), CreatedAt: &made}
		for _, code := range codes {
			of.Entries = append(of.Entries, entry(code))
		}
		return store.AddTaxonomy(t.Context(), of)
	}
	for _, err := range []error{add("t1", "B", "y", "x"), add("t2", "A")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	all := must(store.OwnTaxonomies(t.Context()))(t)
	if len(all) != 2 || all[0].Name != "A" || len(all[0].Entries) != 0 || all[1].Entries[0].Code != "x" || !all[1].Own || *all[1].Licence != "ours" || !all[1].UpdatedAt.Equal(made) {
		t.Fatalf("taxonomies %+v", all)
	}
	if id, ok := storage.ParseID(*all[1].ID); !ok || id.Kind != storage.KindTaxonomy || id.Key != "t1" {
		t.Errorf("id %s", *all[1].ID)
	}
	found := must(store.OwnEntries(t.Context(), []string{"x", "none"}))(t)
	if len(found) != 1 || found["x"].Title != "title of x" || found["x"].Taxonomy.Name != "B" {
		t.Errorf("entries %+v", found)
	}
	for name, want := range map[string]error{"a code of another": add("t3", "C", "x"), "a name of another": add("t3", "A")} {
		if storage.CodeOf(want) != storage.CodeConflict {
			t.Errorf("%s: %v", name, want)
		}
	}
	for name, wrong := range map[string]storage.TaxonomyChange{
		"no name": {Name: new(" ")}, "a script": {SourceURL: new("javascript:1")}, "a code twice": {Set: []*storage.TaxonomyEntry{entry("z"), entry("z")}},
		"set and removed": {Set: []*storage.TaxonomyEntry{entry("z")}, Remove: []string{"z"}}, "no title": {Set: []*storage.TaxonomyEntry{{Code: "z"}}},
	} {
		if err := store.ChangeTaxonomy(t.Context(), "t1", wrong, at(31)); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%s: %v", name, err)
		}
	}
	change := storage.TaxonomyChange{Name: new("Z"), Licence: new(""), Set: []*storage.TaxonomyEntry{{Code: "x", Title: "other"}, entry("z")}, Remove: []string{"y"}}
	if err := store.ChangeTaxonomy(t.Context(), "t1", change, at(31)); err != nil {
		t.Fatal(err)
	}
	now := must(store.OwnTaxonomies(t.Context()))(t)[1]
	if now.Name != "Z" || now.Licence != nil || len(now.Entries) != 2 || now.Entries[0].Title != "other" || now.Entries[0].Description != nil || now.Entries[1].Code != "z" || !now.UpdatedAt.Equal(at(31)) {
		t.Errorf("changed %+v", now)
	}
	if err := store.ChangeTaxonomy(t.Context(), "none", change, at(31)); storage.CodeOf(err) != storage.CodeNotFound && storage.CodeOf(err) != storage.CodeConflict {
		t.Errorf("changed nothing: %v", err)
	}
	must(store.MoveToTrash(t.Context(), deletion("e1", 40, "taxonomies", "t1")))(t)
	_, err := store.MoveToTrash(t.Context(), deletion("e2", 41, "taxonomies", "t1"))
	refusedAs(t, err, storage.CodeNotFound, "taxonomies")
	if rows := counts(t, store); rows["taxonomies"] != 1 || rows["taxonomy_entries"] != 0 {
		t.Errorf("left %v", rows)
	}
}

func rawExchangesAreKeptWithoutCredentials(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	clean := func(text string) string { return strings.ReplaceAll(text, "sk-secret", "[sealed]") }
	place := storage.MessagePlace{Conversation: 1, Sequence: 1}
	exchange := func(place storage.MessagePlace, request string, status int64) *storage.RawExchange {
		return &storage.RawExchange{MessagePlace: place, Request: request, Response: "{}", ContentType: new("application/json"), Status: &status, KeptAt: at(30)}
	}
	first, second := exchange(place, "old", 500), exchange(place, "Authorization: sk-secret\x00"+strings.Repeat("é", 1<<20), 200)
	bare := &storage.RawExchange{MessagePlace: storage.MessagePlace{Conversation: 2}, KeptAt: at(31)}
	for _, list := range [][]*storage.RawExchange{{first}, {first, second, bare}} { // the last one counts
		if err := store.AddRawExchanges(t.Context(), clean, list); err != nil {
			t.Fatal(err)
		}
	}
	found := must(store.RawExchanges(t.Context(), []storage.MessagePlace{place, {Conversation: 2}, {Conversation: 9}}))(t)
	got := found[place]
	if len(found) != 2 || got == nil || !strings.HasPrefix(got.Request, "Authorization: [sealed]\u2400") || !strings.HasSuffix(got.Request, "é\n[cut]") || *got.Status != 200 || *got.ContentType != "application/json" || !got.KeptAt.Equal(at(30)) {
		t.Fatalf("exchanges %+v", got)
	}
	if other := found[bare.MessagePlace]; other.Status != nil || other.ContentType != nil || other.Request != "" {
		t.Errorf("bare exchange %+v", other)
	}
	if err := store.AddRawExchanges(t.Context(), clean, []*storage.RawExchange{exchange(storage.MessagePlace{Conversation: 9}, "", 1)}); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("of nothing: %v", err)
	}
	if err := store.AddRawExchanges(t.Context(), nil, []*storage.RawExchange{first}); err == nil {
		t.Error("kept without a cleaner")
	}
	if rows := counts(t, store)["raw_exchanges"]; rows != 2 {
		t.Errorf("%d exchanges", rows)
	}
	if err := store.Delete(t.Context(), storage.Selection{Attacks: []int64{2}}, must(store.Revision(t.Context()))(t), func(context.Context) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if rows := counts(t, store)["raw_exchanges"]; rows != 1 {
		t.Errorf("%d exchanges are left", rows)
	}
}
