package scorer

import (
	"fmt"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

const (
	exactMatching       = "ExactTextMatching"
	approximateMatching = "ApproximateTextMatching"
)

// matcherParameters choose between PyRIT's two text matchers (analytics/text_matching.py).
func matcherParameters() []*storage.Parameter {
	return []*storage.Parameter{
		{
			Name: "text_matcher", Kind: storage.ParameterChoice, Choices: []string{exactMatching, approximateMatching}, Default: given(`"` + exactMatching + `"`),
			Description: "Whether the whole text must be there, or a share of its character trigrams.",
		},
		{Name: "case_sensitive", Kind: storage.ParameterBoolean, Default: given(`false`), Description: "Whether upper and lower case differ."},
		{Name: "ignore_whitespace", Kind: storage.ParameterBoolean, Default: given(`true`), Description: "Whether white space around the text is left out of an exact comparison."},
		{Name: "threshold", Kind: storage.ParameterNumber, Minimum: number(0.01), Maximum: number(1), Default: given(`0.5`), Description: "The share of trigrams that an approximate comparison needs."},
	}
}

// matcher tells whether a text contains a wanted one, and why it says so.
func matcher(values storage.Values) func(wanted, text string) (bool, string) {
	fold := func(text string) string {
		if !values.Boolean("case_sensitive") {
			text = strings.ToLower(text)
		}
		return text
	}
	if values.Text("text_matcher") == approximateMatching {
		threshold := values.Number("threshold")
		return func(wanted, text string) (bool, string) {
			share := trigrams(fold(wanted), fold(text))
			return share >= threshold, fmt.Sprintf("%.0f %% of the trigrams are in the reply.", 100*share)
		}
	}
	return func(wanted, text string) (bool, string) {
		wanted, text = fold(wanted), fold(text)
		if values.Boolean("ignore_whitespace") {
			// A text of white space alone would be in every reply: keep it as it is.
			if bare := strings.TrimSpace(wanted); bare != "" {
				wanted = bare
			}
		}
		if strings.Contains(text, wanted) {
			return true, "The text is in the reply."
		}
		return false, "The text is not in the reply."
	}
}

// trigrams is the share of the wanted text's distinct trigrams that text contains, 0 for
// a wanted text shorter than three characters: too little to go by.
func trigrams(wanted, text string) float64 {
	of := func(text string, each func([3]rune)) {
		var last [3]rune
		count := 0
		for _, r := range text {
			last[0], last[1], last[2] = last[1], last[2], r
			if count++; count >= 3 {
				each(last)
			}
		}
	}
	missing := map[[3]rune]bool{}
	of(wanted, func(gram [3]rune) { missing[gram] = true })
	all := len(missing)
	if all == 0 {
		return 0
	}
	of(text, func(gram [3]rune) { delete(missing, gram) })
	return float64(all-len(missing)) / float64(all)
}
