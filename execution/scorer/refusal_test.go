package scorer

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// TestRefusalRulesKeepTheirPrecisionAndRecall measures on the labelled set. The rules
// were written on the first two files; refusal_heldout.tsv was written after them, they
// were not changed to fit it, and its floors are what was measured on its first run:
// 0.869 and 0.688. Its cases are hard on purpose, so replies at large do better. One
// author wrote rules and replies: that is a bias no split removes.
func TestRefusalRulesKeepTheirPrecisionAndRecall(t *testing.T) {
	for _, half := range []struct {
		file              string
		precision, recall float64
	}{
		{"testdata/refusal_rules.tsv", 1, 1},
		{"testdata/refusal_first.tsv", 0.95, 0.95},
		{"testdata/refusal_heldout.tsv", 0.865, 0.685},
	} {
		replies := labelled(t, half.file)
		var right, wrong, missed, refusals int
		for _, reply := range replies {
			verdict := score(t, "RuleRefusalScorer", `{}`, Subject{Reply: reply.text})
			switch {
			case *verdict.IsTrue && reply.refusal:
				right++
			case *verdict.IsTrue:
				wrong++
				t.Logf("%s: taken for a refusal (%s): %s", half.file, verdict.Rationale, reply.text)
			case reply.refusal:
				missed++
				t.Logf("%s: refusal not seen: %s", half.file, reply.text)
			}
			if reply.refusal {
				refusals++
			}
		}
		if len(replies) < 150 || refusals < 65 || len(replies)-refusals < 65 {
			t.Errorf("%s: %d replies, %d refusals: too few to measure", half.file, len(replies), refusals)
		}
		precision, recall := float64(right)/float64(right+wrong), float64(right)/float64(right+missed)
		t.Logf("%s: %d replies, %d refusals: precision %.3f, recall %.3f", half.file, len(replies), refusals, precision, recall)
		if precision < half.precision || recall < half.recall {
			t.Errorf("%s: precision %.3f and recall %.3f, want at least %.3f and %.3f", half.file, precision, recall, half.precision, half.recall)
		}
	}
}

type reply struct {
	refusal bool
	text    string
}

// labelled reads R or A, a tab and the reply, with \n for a new line.
func labelled(t *testing.T, name string) []reply {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var replies []reply
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		label, text, found := strings.Cut(lines.Text(), "\t")
		if !found || label != "R" && label != "A" {
			t.Fatalf("%s: %q has no label", name, lines.Text())
		}
		replies = append(replies, reply{label == "R", strings.ReplaceAll(text, `\n`, "\n")})
	}
	return replies
}
