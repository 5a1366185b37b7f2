package scorer

import (
	"strings"
	"testing"
	"time"
)

// TestHostileLongRepliesStayFast feeds each rule scorer an eighth of the longest text that it reads,
// made of the beginnings of its forms: ten seconds allow for a slow machine under -race.
func TestHostileLongRepliesStayFast(t *testing.T) {
	for _, of := range []string{"CredentialLeakScorer", "MarkdownInjectionScorer", "XSSOutputScorer", "SQLInjectionOutputScorer", "ShellCommandOutputScorer", "PathTraversalOutputScorer", "RuleRefusalScorer"} {
		for _, unit := range []string{"<svg ", "![", "../", "password=a1B", "rm -r ", "' or '", "\"", "{\"a\":"} {
			began := time.Now()
			score(t, of, `{}`, Subject{Reply: strings.Repeat(unit, MaxText/8/len(unit))})
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("%s took %v on %q", of, took, unit)
			}
		}
	}
}
