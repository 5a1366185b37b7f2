package house_test

import (
	"slices"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/taxonomy"
)

// garak's own tags name entries, and people's stay beside them when the report comes again.
func TestTagsOfGarakAreEntriesAndPeoplesStay(t *testing.T) {
	h, _ := open(t, t.TempDir())
	report := testfiles.Path(t, "garak/leaky.report.jsonl")
	take(t, h, "alice", report)
	take(t, h, "alice", testfiles.Path(t, "garak/buffed.report.jsonl"))
	store, err := h.OpenWorkspace(t.Context(), personal(t, h, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	tags := func() map[int64][]string {
		t.Helper()
		list, err := store.Attacks(t.Context(), nil, storage.AttackOrder{Field: storage.AttackOrderNumber}, storage.Page{Limit: storage.MaxPageSize})
		if err != nil {
			t.Fatal(err)
		}
		found := map[int64][]string{}
		for _, attack := range list.Nodes() {
			found[attack.Number] = attack.Tags
		}
		return found
	}
	families := map[string]bool{}
	for number, of := range tags() {
		for _, tag := range of {
			entry := taxonomy.Entry(tag)
			if entry == nil {
				t.Fatalf("attack %d has the tag %s, which names nothing", number, tag)
			}
			families[entry.Taxonomy.Key] = true
		}
	}
	if len(families) < 4 {
		t.Errorf("tags of %v", families)
	}
	all := storage.Chosen{Filter: &storage.AttackFilter{}}
	word := func(tag string) *storage.Tagging {
		return &storage.Tagging{On: all, Tags: []*storage.TagSpellings{{Tag: tag}}, Author: "alice", At: time.Now().UTC()}
	}
	if _, err := store.AddTags(t.Context(), word("AML.T0051")); err != nil {
		t.Fatal(err)
	}
	if _, err := store.RemoveTags(t.Context(), word("owasp:llm01")); err != nil {
		t.Fatal(err)
	}
	before := tags()
	take(t, h, "alice", report)
	for number, of := range tags() {
		if !slices.Equal(of, before[number]) || !slices.Contains(of, "AML.T0051") || slices.Contains(of, "owasp:llm01") {
			t.Fatalf("attack %d has %v, had %v", number, of, before[number])
		}
	}
}
