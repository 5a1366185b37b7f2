package converter

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

func selections() []*kind {
	return []*kind{
		describe("SelectiveTextConverter", "Part of the text", "Converts the selected part of a text by another converter.", newSelective,
			required("sub_converter", storage.ParameterJSON, `The other converter, like {"type": "Base64Converter", "parameters": {}}.`),
			required("selection_strategy", storage.ParameterJSON, `Which part, like {"type": "KeywordSelectionStrategy", "keyword": "lock"}.`),
			parameter("preserve_tokens", storage.ParameterBoolean, "Enclose what was converted in the tokens.", false),
			parameter("start_token", storage.ParameterText, "The token before a part.", "⟪"),
			parameter("end_token", storage.ParameterText, "The token after a part.", "⟫"),
			parameter("word_separator", storage.ParameterText, "What parts words.", " ")),
	}
}

// selective is SelectiveTextConverter with its parameters.
type selective struct {
	inner               *configured
	strategy            *strategy
	start, end, between string
	keep                bool
}

func newSelective(s settings) (conversion, error) {
	if s.depth >= maxNesting {
		return nil, bad("sub_converter", "at most %d converters within each other", maxNesting)
	}
	var described struct {
		Type       string
		Parameters json.RawMessage
	}
	if json.Unmarshal([]byte(s.JSON("sub_converter")), &described) != nil {
		return nil, bad("sub_converter", `pass a converter, like {"type": "Base64Converter", "parameters": {}}`)
	}
	inner, err := configure(described.Type, storage.JSON(described.Parameters), s.models, s.depth+1)
	if err != nil {
		return nil, bad("sub_converter", "%s", err.Error())
	}
	chosen, err := strategyOf(s, "selection_strategy", "")
	if err != nil {
		return nil, err
	}
	// Words are handed over one by one, so that a selection within them means nothing.
	if selects := inner.settings.Has("word_selection_strategy") || described.Type == "CharSwapConverter"; chosen.words != nil && selects {
		own, err := strategyOf(inner.settings, "word_selection_strategy", `"WordProportionSelectionStrategy"`)
		if err != nil || own.name != allWords {
			return nil, bad("sub_converter", "it selects words itself: leave out its word_selection_strategy, or select characters")
		}
	}
	made := &selective{inner, chosen, s.Text("start_token"), s.Text("end_token"), s.Text("word_separator"), s.Boolean("preserve_tokens")}
	for name, value := range map[string]string{"start_token": made.start, "end_token": made.end, "word_separator": made.between} {
		if value == "" {
			return nil, bad(name, "pass one or more characters")
		}
	}
	switch {
	case chosen.name == tokensOnly:
		return made.tokens, nil
	case chosen.words != nil:
		return made.words, nil
	}
	return made.characters, nil
}

func (v *selective) mark(text string) string {
	if v.keep {
		return v.start + text + v.end
	}
	return text
}

func (v *selective) words(c *call, text string) (string, error) {
	parts := strings.Split(text, v.between)
	places, err := v.strategy.words(c, parts)
	if err != nil {
		return "", err
	}
	for _, at := range places {
		converted, err := v.inner.apply(c, parts[at])
		if err != nil {
			return "", err
		}
		parts[at] = v.mark(converted)
	}
	return joinBounded(parts, v.between)
}

func joinBounded(parts []string, separator string) (string, error) {
	var out output
	for at, part := range parts {
		if at > 0 {
			out.add(separator)
		}
		out.add(part)
	}
	return out.result()
}

func (v *selective) characters(c *call, text string) (string, error) {
	chars := []rune(text)
	start, end, err := v.strategy.span(c, chars)
	if err != nil || start == end {
		return text, err
	}
	converted, err := v.inner.apply(c, string(chars[start:max(start, end)]))
	if err != nil {
		return "", err
	}
	return joinBounded([]string{string(chars[:start]), v.mark(converted), string(chars[end:])}, "")
}

// maxParts bounds the parts between tokens: each is put in by a pass over the text, as
// PyRIT does, which finds its place also where a converted part looks like a later one.
const maxParts = 10_000

// tokens converts what stands between the tokens, or all where there are none.
func (v *selective) tokens(c *call, text string) (string, error) {
	pattern := regexp.MustCompile(regexp.QuoteMeta(v.start) + "(.*?)" + regexp.QuoteMeta(v.end))
	found := pattern.FindAllStringSubmatch(text, maxParts+1)
	if len(found) > maxParts {
		return "", storage.BadInput("text", "the text has more than %d parts between %s and %s: pass it in pieces", maxParts, v.start, v.end)
	}
	if len(found) > 0 && strings.Count(text, v.start) != strings.Count(text, v.end) {
		return "", storage.BadInput("text", "the text has more of one token than of the other: close each %s with a %s", v.start, v.end)
	}
	var err error
	if len(found) == 0 {
		text, err = v.inner.apply(c, text)
	}
	for _, match := range found {
		if c.ctx.Err() != nil {
			return "", c.ctx.Err()
		}
		converted, failure := v.inner.apply(c, match[1])
		if failure != nil {
			return "", failure
		}
		text = strings.Replace(text, match[0], converted, 1)
		if len(text) > MaxOutput {
			return "", tooLong()
		}
	}
	if err == nil && !strings.Contains(text, v.start) {
		text = v.mark(text)
	}
	return text, err
}
