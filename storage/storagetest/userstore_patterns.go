package storagetest

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// patternIsFoundOrRefusedNeverAFault: an engine whose syntax is narrower than the one that
// patterns are judged by must not fail at the time of the query.
func patternIsFoundOrRefusedNeverAFault(t *testing.T, store storage.UserStore) {
	sample().load(t, store)
	for pattern, found := range map[string]int{
		"of a1$": 1, "OF A1": 1, "(?<which>a1)": 1, "(?P<which>a1)": 1, `\p{Letter}bjective`: 2, `^\p{Lowercase_Letter}+ of a1`: 1,
		`\P{ASCII}`: 0, `o\p{greek}`: 0, `(?s:.)(?<n>a)(?-i:1)$`: 1, `.^(?<n>of)`: 0, strings.Repeat(`\p{L}`, 150) + "|a1": 1, "a\x00b": 0,
	} {
		filter := &storage.AttackFilter{Objective: &storage.TextMatch{Matches: &pattern}}
		list, err := store.Attacks(t.Context(), filter, storage.AttackOrder{}, storage.Page{Limit: 5})
		if err != nil || len(list.Edges) != found {
			t.Errorf("%.40q: %v, want %d attacks", pattern, err, found)
		}
	}
	for _, pattern := range []string{`(\p{L}{100}){10}`, `(\p{Letter}{100}){10}`, `a**`, `(`, `\p{Klingon}`, strings.Repeat("a", 1001)} {
		filter := &storage.AttackFilter{Objective: &storage.TextMatch{Matches: &pattern}}
		if _, err := store.Attacks(t.Context(), filter, storage.AttackOrder{}, storage.Page{Limit: 5}); storage.CodeOf(err) != storage.CodeBadInput {
			t.Errorf("%.40q: %v", pattern, err)
		}
	}
}
