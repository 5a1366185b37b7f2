package converter

import (
	"encoding/json"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

func searches() []*kind {
	return []*kind{
		describe("SearchReplaceConverter", "Search and replace", "Replaces what a regular expression of Python finds.", newSearchReplace,
			required("pattern", storage.ParameterText, "The regular expression, in Python's syntax."),
			required("replace", storage.ParameterJSON, "What replaces it, with \\1 and \\g<name> for groups; of a list, one by chance."),
			parameter("regex_flags", storage.ParameterInteger, "Flags of Python's re, added up: 2 ignore case, 8 multiline, 16 dot matches all, 64 verbose, 256 ASCII.", 0)),
		describe("ColloquialWordswapConverter", "Colloquial words", "Replaces words by colloquial ones.", newWordswap,
			parameter("deterministic", storage.ParameterBoolean, "Always take the first substitute, not one by chance.", false),
			parameter("custom_substitutions", storage.ParameterJSON, `Own substitutes, like {"father": ["papa"]}.`, nil),
			someOf("wordswap_path", "Which of PyRIT's lists, singaporean.yaml without it.", "filipino.yaml", "indian.yaml", "multicultural_london.yaml", "singaporean.yaml", "southern_american.yaml")),
	}
}

func newSearchReplace(s settings) (conversion, error) {
	var replacements []string
	document := []byte(s.JSON("replace"))
	if json.Unmarshal(document, &replacements) != nil {
		var one string
		if json.Unmarshal(document, &one) != nil {
			return nil, bad("replace", "pass a text or a list of texts")
		}
		replacements = []string{one}
	}
	if len(replacements) == 0 {
		return nil, bad("replace", "pass one or more texts")
	}
	pattern, err := compile(s.Text("pattern"), s.Integer("regex_flags"))
	if err != nil {
		return nil, err
	}
	prepared := make([]replacement, len(replacements))
	for i, text := range replacements {
		if prepared[i], err = pattern.replacement(text); err != nil {
			return nil, bad("replace", "%s", err.Error())
		}
	}
	return func(c *call, text string) (string, error) {
		chosen := prepared[0]
		if len(prepared) > 1 {
			chosen = prepared[c.random.IntN(len(prepared))]
		}
		return pattern.replace(c, text, chosen)
	}, nil
}

func newWordswap(s settings) (conversion, error) {
	if s.Has("custom_substitutions") && s.Has("wordswap_path") {
		return nil, bad("wordswap_path", "pass either it or custom_substitutions")
	}
	swaps, err := substitutions(s, "custom_substitutions")
	if err != nil {
		return nil, err
	}
	if len(swaps) == 0 {
		path := s.Text("wordswap_path")
		if path == "" {
			path = "singaporean.yaml"
		}
		swaps = wordswaps[path]
	}
	return func(c *call, text string) (string, error) {
		var out output
		for at, word := range colloquialWords(text) {
			if at > 0 {
				out.add(" ")
			}
			substitutes := swaps[lower(word)]
			switch {
			case len(substitutes) == 0:
				out.add(word)
			case s.Boolean("deterministic"):
				out.add(substitutes[0])
			default:
				out.add(substitutes[c.random.IntN(len(substitutes))])
			}
		}
		joined, err := out.result()
		return trimSpace(closeUp(joined)), err
	}, nil
}

// colloquialWords are runs of letters and digits, and runs of non-spaces that begin
// with anything else.
func colloquialWords(text string) []string {
	var words []string
	for text != "" {
		first := []rune(text[:min(len(text), 4)])[0]
		var end int
		switch {
		case isSpace(first):
			text = strings.TrimLeftFunc(text, isSpace)
			continue
		case isWord(first):
			end = strings.IndexFunc(text, func(char rune) bool { return !isWord(char) })
		default:
			end = strings.IndexFunc(text, isSpace)
		}
		if end < 0 {
			end = len(text)
		}
		words, text = append(words, text[:end]), text[end:]
	}
	return words
}

// closeUp drops the space before punctuation.
func closeUp(text string) string {
	chars := []rune(text)
	kept := chars[:0]
	for at, char := range chars {
		if isSpace(char) && at+1 < len(chars) && strings.ContainsRune(`?.!,'"`, chars[at+1]) {
			continue
		}
		kept = append(kept, char)
	}
	return string(kept)
}
