package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// keepOneOfEach adds a saved query, parameter file, template, own taxonomy and price.
func keepOneOfEach(t *testing.T, store storage.UserStore, suffix string, minute int) {
	t.Helper()
	_, err := store.SetPrice(t.Context(), &storage.Price{Key: "p" + suffix, Model: "gpt*", Currency: "EUR", Input: 1, Output: 2, UpdatedAt: at(minute)})
	for _, err := range []error{
		err,
		store.AddSavedQuery(t.Context(), &storage.SavedQuery{Kept: keptPart("q"+suffix, "open", minute, "tag"), Document: "{a}", Variables: "{}", Pinned: true}),
		store.AddParameterFile(t.Context(), &storage.ParameterFile{Kept: keptPart("f"+suffix, "run", minute), Format: storage.FormatYAML, Text: "a: 1", Parameters: `{"a":1}`}),
		store.AddTemplate(t.Context(), &storage.Template{Kept: keptPart("t"+suffix, "frame", minute), Body: "{{ prompt }}", HarmCategories: []string{"x"}}),
		store.AddTaxonomy(t.Context(), &storage.Taxonomy{
			Key: "x" + suffix, Name: "house", Version: "1", CreatedAt: new(at(minute)),
			Entries: []*storage.TaxonomyEntry{{Code: "house:a", Title: "A"}, {Code: "house:b", Title: "B"}},
		}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// kept is all that keepOneOfEach adds, as it is read.
func keptNow(t *testing.T, store storage.UserStore, suffix string) []any {
	t.Helper()
	return []any{
		must(store.PricesByKey(t.Context(), []string{"p" + suffix}))(t), must(store.SavedQueriesByKey(t.Context(), []string{"q" + suffix}))(t),
		must(store.ParameterFilesByKey(t.Context(), []string{"f" + suffix}))(t), must(store.TemplatesByKey(t.Context(), []string{"t" + suffix}))(t),
		must(store.OwnEntries(t.Context(), []string{"house:a", "house:b"}))(t),
	}
}

// keptKeys are the keys of keepOneOfEach by their table.
func keptKeys(suffix string) map[string][]string {
	return map[string][]string{
		"prices": {"p" + suffix}, "saved_queries": {"q" + suffix}, "parameter_files": {"f" + suffix}, "templates": {"t" + suffix}, "taxonomies": {"x" + suffix},
	}
}

func whatPeopleKeepComesBack(t *testing.T, store storage.UserStore) {
	keepOneOfEach(t, store, "1", 1)
	rows, before := counts(t, store), keptNow(t, store, "1")
	d := deletion("t1", 10, "")
	d.Keyed = keptKeys("1")
	done := must(store.MoveToTrash(t.Context(), d))(t)
	equal(t, "deleted", usedTables(done.Tables), map[string]int64{
		"prices": 1, "saved_queries": 1, "parameter_files": 1, "templates": 1, "taxonomies": 1, "taxonomy_entries": 2,
	})
	equal(t, "left", counts(t, store), map[string]int64{"trash": 1})
	restored(t, store, "t1")
	equal(t, "rows", counts(t, store), rows)
	equal(t, "what came back", keptNow(t, store, "1"), before)
	must(store.MoveToTrash(t.Context(), d))(t)
	done2 := must(store.PurgeTrash(t.Context(), storage.Purge{All: true}))(t)
	equal(t, "purged", done2.Tables, done.Tables)
	equal(t, "left of a purge", counts(t, store), map[string]int64{})
}

func namesThatWereTakenMeanwhileAreInTheWay(t *testing.T, store storage.UserStore) {
	keepOneOfEach(t, store, "1", 1)
	for table, keys := range keptKeys("1") {
		must(store.MoveToTrash(t.Context(), deletion(table, 10, table, keys...)))(t)
	}
	keepOneOfEach(t, store, "2", 5) // whatever the clock says
	for table, name := range map[string]string{"prices": "gpt*", "saved_queries": "open", "parameter_files": "run", "templates": "frame", "taxonomies": "house"} {
		_, err := store.RestoreFromTrash(t.Context(), table)
		refusedAs(t, err, storage.CodeConflict, "id")
		if !strings.Contains(err.Error(), `"`+name+`"`) {
			t.Errorf("%s: what is in the way is not named: %v", table, err)
		}
	}
	// Another name, and the same code.
	if err := store.ChangeTaxonomy(t.Context(), "x2", storage.TaxonomyChange{Name: new("other")}, at(11)); err != nil {
		t.Fatal(err)
	}
	_, err := store.RestoreFromTrash(t.Context(), "taxonomies")
	refusedAs(t, err, storage.CodeConflict, "id")
	if !strings.Contains(err.Error(), `"house:a"`) {
		t.Errorf("the code in the way is not named: %v", err)
	}
	for table, keys := range keptKeys("2") {
		must(store.MoveToTrash(t.Context(), deletion("again "+table, 12, table, keys...)))(t)
		restored(t, store, table)
	}
}

func aRestorationKeepsTheBounds(t *testing.T, store storage.UserStore) {
	fill := func(from, until int) {
		t.Helper()
		for i := from; i < until; i++ {
			if err := store.AddTaxonomy(t.Context(), &storage.Taxonomy{Key: fmt.Sprint("x", i), Name: fmt.Sprint("n", i), Version: "1", CreatedAt: new(at(1))}); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill(0, storage.MaxTaxonomies)
	must(store.MoveToTrash(t.Context(), deletion("t1", 10, "taxonomies", "x0", "x1")))(t)
	fill(storage.MaxTaxonomies, storage.MaxTaxonomies+1)
	_, err := store.RestoreFromTrash(t.Context(), "t1")
	refusedAs(t, err, storage.CodeConflict, "id")
	must(store.MoveToTrash(t.Context(), deletion("t2", 11, "taxonomies", "x2")))(t)
	restored(t, store, "t1")
}

func theTrashKeepsSoManyScreensOfAPerson(t *testing.T, store storage.UserStore) {
	screen := func(user, name string) string {
		saved := must(store.SavedSessionsByName(t.Context(), user, at(9), []string{name}))(t)[name]
		if saved == nil {
			return ""
		}
		return string(saved.Body)
	}
	must(save(t, store, "alice", "a", `"alice's"`, 1, nil, nil))(t)
	must(save(t, store, "bob", "a", `"bob's"`, 1, nil, nil))(t)
	must(store.DeleteSavedSession(t.Context(), "alice", "a", deletion("t1", 2, "")))(t)
	restored(t, store, "t1")
	equal(t, "restored", []string{screen("alice", "a"), screen("bob", "a")}, []string{`"alice's"`, `"bob's"`})

	must(store.DeleteSavedSession(t.Context(), "alice", "a", deletion("t1", 3, "")))(t)
	must(save(t, store, "alice", "a", `"again"`, 4, nil, nil))(t)
	_, err := store.RestoreFromTrash(t.Context(), "t1")
	refusedAs(t, err, storage.CodeConflict, "id")
	if strings.Contains(err.Error(), `"a"`) {
		t.Errorf("a key of a person is told to whoever restores: %v", err)
	}
	// Another's thing is none's to delete by its key, and neither is what was imported.
	_, err = store.MoveToTrash(t.Context(), deletion("t2", 5, "user_sessions", "imported"))
	refusedAs(t, err, storage.CodeNotFound, "key")

	// Beside the one that lies there, as many as there is room for without it.
	var keys []string
	for i := range storage.MaxSavedSessions - 1 {
		keys = append(keys, must(save(t, store, "alice", fmt.Sprint("more", i), "1", 6, nil, nil))(t))
	}
	must(store.MoveToTrash(t.Context(), deletion("more", 7, "user_sessions", keys...)))(t)
	must(save(t, store, "alice", "one more", "1", 8, nil, nil))(t)
	must(store.DeleteSavedSession(t.Context(), "bob", "a", deletion("bob's", 8, "")))(t)
	if rows := counts(t, store); rows["trash"] != 3 {
		t.Errorf("another's deletion left %v", rows)
	}
	must(store.DeleteSavedSession(t.Context(), "alice", "one more", deletion("last", 9, "")))(t)
	if rows := counts(t, store); rows["trash"] != 3 {
		t.Errorf("a deletion too many left %v", rows)
	}
	_, err = store.RestoreFromTrash(t.Context(), "t1") // the oldest
	refusedAs(t, err, storage.CodeNotFound, "id")
	restored(t, store, "last")
	equal(t, "restored", screen("alice", "one more"), "1")
}

// versioned is a dataset of four versions: "a b", "A b", "A b c", "A".
func versioned(t *testing.T, store storage.UserStore) {
	t.Helper()
	dataset(t, store, "d1", texts("a", "b")...)
	must(store.ChangePrompts(t.Context(), "d1", 1, by("a", "EDIT"), storage.PromptChange{Edit: []*storage.Prompt{{Text: "A", Replaces: 1}}}, nil))(t)
	must(store.ChangePrompts(t.Context(), "d1", 2, by("a", "EDIT"), storage.PromptChange{Add: texts("c")}, nil))(t)
	must(store.ChangePrompts(t.Context(), "d1", 3, by("a", "EDIT"), storage.PromptChange{Remove: []int64{2, 4}}, nil))(t)
}

func versionTexts(t *testing.T, store storage.UserStore) string {
	t.Helper()
	all := make([]string, 4)
	for i := range all {
		all[i] = textsOf(promptsOf(t, store, "d1", int64(i+1)))
	}
	return strings.Join(all, "|")
}

func versionsComeBackInAnyOrder(t *testing.T, store storage.UserStore) {
	versioned(t, store)
	if err := store.SplitDataset(t.Context(), storage.VersionKey{Dataset: "d1", Number: 3}, &storage.SplitPlan{
		Parts: []storage.SplitPart{{Name: "one", Fraction: new(0.5)}, {Name: "two", Fraction: new(0.5)}}, Author: "alice", At: at(21),
	}); err != nil {
		t.Fatal(err)
	}
	rows := counts(t, store)
	equal(t, "before", versionTexts(t, store), "a b|A b|A b c|A")
	for _, gone := range [][]int{{1, 2, 3}, {3, 2, 1}, {2, 3, 1}} {
		for _, back := range [][]int{{1, 2, 3}, {3, 2, 1}} {
			for i, number := range gone {
				must(store.MoveToTrash(t.Context(), deletion(fmt.Sprint("v", number), 30+i, "dataset_versions", fmt.Sprint("d1-", number))))(t)
			}
			if left := counts(t, store); left["dataset_versions"] != 1 || left["dataset_prompts"] != 1 || left["dataset_splits"] != 0 || left["dataset_split_members"] != 0 {
				t.Fatalf("%v: left %v", gone, left)
			}
			for _, number := range back {
				restored(t, store, fmt.Sprint("v", number))
			}
			equal(t, fmt.Sprint("versions deleted ", gone, " and restored ", back), versionTexts(t, store), "a b|A b|A b c|A")
			equal(t, "rows", counts(t, store), rows)
		}
	}
	// What another entry needs outlives the purge of the entry that has it.
	for _, number := range []int{1, 2, 3} {
		must(store.MoveToTrash(t.Context(), deletion(fmt.Sprint("v", number), 30, "dataset_versions", fmt.Sprint("d1-", number))))(t)
	}
	must(store.PurgeTrash(t.Context(), storage.Purge{Key: "v3"}))(t)
	must(store.PurgeTrash(t.Context(), storage.Purge{Key: "v2"}))(t)
	restored(t, store, "v1")
	equal(t, "after a purge", versionTexts(t, store), "a b|||A")
	if left := counts(t, store); left["dataset_prompts"] != 3 {
		t.Errorf("left %v", left)
	}
}

func whatVersionsNeedIsInTheWay(t *testing.T, store storage.UserStore) {
	versioned(t, store)
	// Two versions at once, and with their dataset.
	for _, keyed := range []map[string][]string{{"dataset_versions": {"d1-1", "d1-3"}}, {"dataset_versions": {"d1-1"}, "datasets": {"d1"}}} {
		d := deletion("both", 30, "")
		d.Keyed = keyed
		must(store.MoveToTrash(t.Context(), d))(t)
		restored(t, store, "both")
		equal(t, "restored", versionTexts(t, store), "a b|A b|A b c|A")
	}
	for key, code := range map[string]storage.Code{"d1-4": storage.CodeConflict, "d1-9": storage.CodeNotFound, "d1-0": storage.CodeNotFound, "d1-01": storage.CodeNotFound} {
		_, err := store.MoveToTrash(t.Context(), cascading(deletion("t1", 30, "dataset_versions", key)))
		refusedAs(t, err, code, "datasetVersions")
	}
	must(store.MoveToTrash(t.Context(), deletion("v1", 31, "dataset_versions", "d1-1")))(t)
	must(store.MoveToTrash(t.Context(), deletion("d", 32, "datasets", "d1")))(t)
	_, err := store.RestoreFromTrash(t.Context(), "v1")
	refusedAs(t, err, storage.CodeConflict, "id")
	restored(t, store, "d")
	restored(t, store, "v1")
	equal(t, "restored", versionTexts(t, store), "a b|A b|A b c|A")

	must(store.MoveToTrash(t.Context(), deletion("v1", 33, "dataset_versions", "d1-1")))(t)
	must(store.MoveToTrash(t.Context(), deletion("d", 34, "datasets", "d1")))(t)
	must(store.PurgeTrash(t.Context(), storage.Purge{Key: "d"}))(t)
	_, err = store.RestoreFromTrash(t.Context(), "v1")
	refusedAs(t, err, storage.CodeConflict, "id")
	must(store.PurgeTrash(t.Context(), storage.Purge{All: true}))(t)
	equal(t, "left", counts(t, store), map[string]int64{})
}

// Attacks lose the prompts of a version that goes, and find them again with whichever
// entry brings them back.
func aVersionIsPartedFromAttacks(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	before := must(store.AttacksByNumber(t.Context(), []int64{1}))(t)
	tried := *before[1].PromptNumber
	first := must(store.DatasetsByKey(t.Context(), []string{"d1"}))(t)["d1"].Version
	must(store.ChangePrompts(t.Context(), "d1", first, by("a", "EDIT"), storage.PromptChange{Add: texts("more")}, nil))(t)
	must(store.ChangePrompts(t.Context(), "d1", first+1, by("a", "EDIT"), storage.PromptChange{Remove: []int64{tried}}, nil))(t)
	rows := counts(t, store)
	one, two := storage.VersionKey{Dataset: "d1", Number: first}.String(), storage.VersionKey{Dataset: "d1", Number: first + 1}.String()

	must(store.MoveToTrash(t.Context(), deletion("one", 40, "dataset_versions", one)))(t)
	_, err := store.MoveToTrash(t.Context(), deletion("two", 41, "dataset_versions", two))
	refusedAs(t, err, storage.CodeConflict, "cascade")
	for _, back := range [][]string{{"one", "two"}, {"two", "one"}} {
		must(store.MoveToTrash(t.Context(), cascading(deletion("two", 41, "dataset_versions", two))))(t)
		if a := must(store.AttacksByNumber(t.Context(), []int64{1}))(t)[1]; a.PromptNumber != nil {
			t.Error("the attack still has its prompt")
		}
		restored(t, store, back[0])
		equal(t, "attack", must(store.AttacksByNumber(t.Context(), []int64{1}))(t), before)
		restored(t, store, back[1])
		equal(t, "rows", counts(t, store), rows)
		must(store.MoveToTrash(t.Context(), deletion("one", 42, "dataset_versions", one)))(t)
	}
	// The entry that had the prompt is purged: the other one has it then.
	must(store.MoveToTrash(t.Context(), cascading(deletion("two", 43, "dataset_versions", two))))(t)
	must(store.PurgeTrash(t.Context(), storage.Purge{Key: "two"}))(t)
	restored(t, store, "one")
	equal(t, "attack after a purge", must(store.AttacksByNumber(t.Context(), []int64{1}))(t), before)
}

func filtersChooseOfEachKind(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	keepOneOfEach(t, store, "1", 1)
	handOver(t, store, "a", "alice", 1, storage.FileChange{Tags: []string{"x"}})
	finding(t, store, "f1", storage.SeverityHigh, 30, storage.Chosen{})
	o, names := orchestrator("o1")
	o.DatasetKey, o.DatasetVersion = nil, nil
	names = slices.DeleteFunc(names, func(n storage.Named) bool { return n.Table == "datasets" })
	if err := store.AddOrchestrator(t.Context(), o, names); err != nil {
		t.Fatal(err)
	}
	rows := counts(t, store)
	some, none := &storage.TextMatch{Contains: new("")}, &storage.TextMatch{Contains: new("no such text")}
	for argument, of := range map[string]struct {
		table   string
		filters func(text *storage.TextMatch) storage.DeletionFilters
	}{
		"executionFilter": {"execution_plans", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{ExecutionFilter: &storage.ExecutionFilter{Name: text}}
		}},
		"datasetFilter": {"datasets", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{DatasetFilter: &storage.DatasetFilter{Name: text}}
		}},
		"generatorFilter": {"generators", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{GeneratorFilter: &storage.ConfiguredFilter{Name: text}}
		}},
		"converterFilter": {"converters", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{ConverterFilter: &storage.ConfiguredFilter{Name: text}}
		}},
		"scorerFilter": {"scorers", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{ScorerFilter: &storage.ConfiguredFilter{Name: text}}
		}},
		"orchestratorFilter": {"orchestrators", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{OrchestratorFilter: &storage.OrchestratorFilter{Name: text}}
		}},
		"findingFilter": {"findings", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{FindingFilter: &storage.FindingFilter{Title: text}}
		}},
		"fileFilter": {"files", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{FileFilter: &storage.FileFilter{Name: text}}
		}},
		"savedQueryFilter": {"saved_queries", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{SavedQueryFilter: &storage.SavedQueryFilter{KeptFilter: storage.KeptFilter{Name: text}}}
		}},
		"parameterFileFilter": {"parameter_files", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{ParameterFileFilter: &storage.ParameterFileFilter{KeptFilter: storage.KeptFilter{Name: text}}}
		}},
		"templateFilter": {"templates", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{TemplateFilter: &storage.TemplateFilter{KeptFilter: storage.KeptFilter{Name: text}}}
		}},
		"attackFilter": {"attacks", func(text *storage.TextMatch) storage.DeletionFilters {
			return storage.DeletionFilters{AttackFilter: &storage.AttackFilter{Objective: text}}
		}},
	} {
		d := cascading(deletion("t1", 40, ""))
		d.DeletionFilters = of.filters(none)
		if done := must(store.MoveToTrash(t.Context(), d))(t); len(done.Tables) > 0 {
			t.Errorf("%s that holds for nothing took %v", argument, usedTables(done.Tables))
		}
		d.DeletionFilters = of.filters(nil)
		_, err := store.MoveToTrash(t.Context(), d)
		refusedAs(t, err, storage.CodeBadInput, argument)
		d.DeletionFilters = of.filters(&storage.TextMatch{Matches: new("(")})
		_, err = store.MoveToTrash(t.Context(), d)
		refusedAs(t, err, storage.CodeBadInput, argument)
		for _, all := range []bool{false, true} {
			if d.DeletionFilters = of.filters(some); all {
				d.All, d.DeletionFilters = true, of.filters(nil)
			}
			done := must(store.MoveToTrash(t.Context(), d))(t)
			if gone := usedTables(done.Tables); gone[of.table] != rows[of.table] || rows[of.table] == 0 {
				t.Errorf("%s: took %v of %v", argument, gone, rows)
			}
			restored(t, store, "t1")
			equal(t, argument+": rows", counts(t, store), rows)
		}
	}
}
