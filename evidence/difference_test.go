package evidence_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/violentutf/violentutf/evidence"
	"github.com/violentutf/violentutf/storage"
)

func TestADifferenceIsOfWords(t *testing.T) {
	for _, test := range []struct{ from, to, want string }{
		{"", "", ""},
		{"the same", "the same", "=the same"},
		{"", "new", "+new"},
		{"old", "", "-old"},
		{"tell me how to fly", "tell me how to swim", "=tell me how to |-fly|+swim"},
		{"I can't do that.", "I can do that!", "=I |-can't|+can|= do that|-.|+!"},
		{"猫が好き", "犬が好き", "-猫|+犬|=が好き"},
	} {
		difference, err := evidence.Difference(test.from, test.to)
		if err != nil {
			t.Fatal(err)
		}
		var hunks []string
		for _, hunk := range difference.Hunks {
			hunks = append(hunks, map[storage.DifferenceKind]string{"EQUAL": "=", "INSERT": "+", "DELETE": "-"}[hunk.Kind]+hunk.Text)
		}
		if got := strings.Join(hunks, "|"); got != test.want || difference.Identical != (test.from == test.to) {
			t.Errorf("from %q to %q: %q (identical: %t), want %q", test.from, test.to, got, difference.Identical, test.want)
		}
	}
}

// whole puts both texts together again.
func whole(t *testing.T, from, to string) {
	t.Helper()
	difference, err := evidence.Difference(from, to)
	if err != nil {
		t.Fatal(err)
	}
	var a, b strings.Builder
	for _, hunk := range difference.Hunks {
		if hunk.Kind != storage.DifferenceInsert {
			a.WriteString(hunk.Text)
		}
		if hunk.Kind != storage.DifferenceDelete {
			b.WriteString(hunk.Text)
		}
	}
	if a.String() != from || b.String() != to {
		t.Errorf("the hunks of %.100q and %.100q do not make them again", from, to)
	}
}

func FuzzHunksMakeBothTexts(f *testing.F) {
	for i, content := range hostile {
		f.Add(content, hostile[len(hostile)-1-i])
	}
	f.Fuzz(func(t *testing.T, from, to string) {
		if utf8.ValidString(from) && utf8.ValidString(to) {
			whole(t, from, to)
		}
	})
}

// More words than there are runes below the surrogates, no two alike: the worst case of
// the search, and of the words' numbering.
func TestTextsWithoutACommonWordAreComparedInTime(t *testing.T) {
	var from, to strings.Builder
	random := rand.New(rand.NewPCG(1, 2))
	const half = evidence.MaxCompared / 2
	for from.Len() < half || to.Len() < half {
		fmt.Fprintf(&from, "%x ", random.Uint32()%1_000_000)
		fmt.Fprintf(&to, "%x ", random.Uint32()%1_000_000)
	}
	began := time.Now()
	a, b := from.String()[:half], to.String()[:half]
	whole(t, a, b)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if _, err := evidence.Difference(a, b+"x"); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("beyond the limit: %v", err)
	}
}
