package taxonomy

import (
	"strings"
	"testing"
)

func TestEveryTaxonomyIsWhole(t *testing.T) {
	entries := 0
	for _, of := range All() {
		if of.Key == "" || of.Name == "" || of.Version == "" || !strings.HasPrefix(*of.SourceURL, "https://") || *of.Licence == "" || len(of.Entries) == 0 || ByKey(of.Key) != of {
			t.Errorf("%+v lacks something", of)
		}
		for _, entry := range of.Entries {
			entries++
			if entry.Code == "" || entry.Title == "" || entry.Description == nil || Entry(entry.Code) != entry || Entry(entry.Tag) != entry {
				t.Errorf("%s: %+v lacks something", of.Key, entry)
			}
		}
	}
	if entries < 150 {
		t.Errorf("only %d entries", entries)
	}
}

func TestSpellingsOfAnEntryAreOne(t *testing.T) {
	for spelling, code := range map[string]string{
		"owasp:llm01": "LLM01:2023", "LLM01": "LLM01:2023", "llm01:2023": "LLM01:2023",
		"LLM01:2025": "LLM01:2025", "owasp:LLM01:2025": "LLM01:2025",
		"aml.t0051": "AML.T0051", "S0403": "S0403", "avid-effect:security:S0403": "S0403",
	} {
		entry := Entry(spelling)
		if entry == nil || entry.Code != code {
			t.Errorf("%s is %+v, want %s", spelling, entry, code)
			continue
		}
		if all := strings.Join(Spellings(spelling), " "); !strings.Contains(all, entry.Code) || !strings.Contains(all, spelling) {
			t.Errorf("%s is spelled %s", spelling, all)
		}
	}
	if Entry("free:mine") != nil || len(Spellings("free:mine")) != 1 {
		t.Error("a free tag has an entry")
	}
}

func TestOneSpellingOfTwoEntriesIsRefused(t *testing.T) {
	_, err := parse([]byte("- {key: a, name: A, entries: [{code: X, title: x}, {code: Y, also: [x], title: y}]}"))
	if err == nil || !strings.Contains(err.Error(), "two entries") {
		t.Errorf("%v", err)
	}
}
