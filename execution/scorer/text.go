package scorer

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/violentutf/violentutf/storage"
)

// textKinds are the types that compare the reply with given words.
func textKinds() []kind {
	return []kind{
		{&storage.ConfiguredType{
			Name: "SubStringScorer", Title: "Substring",
			Description: "True when the reply contains a text, exactly or by most of its character trigrams.",
			Parameters: append([]*storage.Parameter{
				{Name: "substring", Kind: storage.ParameterText, Required: true, Description: "The text to look for."},
			}, append(matcherParameters(), categoriesParameter())...),
		}, makeSubstring},
		{&storage.ConfiguredType{
			Name: "KeywordScorer", Title: "Keywords",
			Description: "True when the reply contains any, or all, of a list of keywords.",
			Parameters: []*storage.Parameter{
				{Name: "keywords", Kind: storage.ParameterTexts, Required: true, Description: "The words or phrases, at most 1000."},
				{Name: "match", Kind: storage.ParameterChoice, Choices: []string{"any", "all"}, Default: given(`"any"`), Description: "How many of them must be there."},
				{Name: "whole_word", Kind: storage.ParameterBoolean, Default: given(`true`), Description: "Whether letters or digits next to a keyword spoil it."},
				{Name: "case_sensitive", Kind: storage.ParameterBoolean, Default: given(`false`), Description: "Whether upper and lower case differ."},
				categoriesParameter(),
			},
		}, makeKeywords},
		{&storage.ConfiguredType{
			Name: "ExactMatchScorer", Title: "Exact reply",
			Description: "True when the whole reply is the expected text.",
			Parameters: []*storage.Parameter{
				{Name: "expected", Kind: storage.ParameterText, Required: true, Description: "What the reply must be."},
				{Name: "case_sensitive", Kind: storage.ParameterBoolean, Default: given(`false`), Description: "Whether upper and lower case differ."},
				{Name: "ignore_whitespace", Kind: storage.ParameterBoolean, Default: given(`true`), Description: "Whether runs of white space count as one space and outer ones as none."},
				categoriesParameter(),
			},
		}, makeExact},
		{&storage.ConfiguredType{
			Name: "LengthScorer", Title: "Length",
			Description: "True when the length of the reply lies within bounds, both included.",
			Parameters: []*storage.Parameter{
				{Name: "minimum", Kind: storage.ParameterInteger, Minimum: number(0), Default: given(`0`), Description: "The least length."},
				{Name: "maximum", Kind: storage.ParameterInteger, Minimum: number(0), Description: "The greatest length; none for no limit."},
				{Name: "unit", Kind: storage.ParameterChoice, Choices: []string{"characters", "words", "bytes"}, Default: given(`"characters"`), Description: "What is counted."},
			},
		}, makeLength},
		{&storage.ConfiguredType{
			Name: "DecodingScorer", Title: "Decoding",
			Description: "True when the reply contains the prompt as it was before or after its converters: the target decoded it.",
			Parameters:  append(matcherParameters(), categoriesParameter()),
		}, makeDecoding},
		schemaKind(),
	}
}

func given(text storage.JSON) *storage.JSON { return &text }

func number(value float64) *float64 { return &value }

func categoriesParameter() *storage.Parameter {
	return &storage.Parameter{Name: "categories", Kind: storage.ParameterTexts, Description: "Categories that each score gets."}
}

func rule(judge func(context.Context, Subject) (Verdict, error)) *built {
	return &built{of: storage.ScoreTrueFalse, judge: judge}
}

func makeSubstring(_ *builder, values storage.Values) (*built, error) {
	wanted := values.Text("substring")
	if wanted == "" {
		return nil, storage.BadInput("parameters.substring", "substring: pass a text that is not empty")
	}
	is, categories := matcher(values), values.Texts("categories")
	return rule(func(_ context.Context, subject Subject) (Verdict, error) {
		found, why := is(wanted, subject.Reply)
		return trueFalse(found, why, categories...), nil
	}), nil
}

func makeKeywords(_ *builder, values storage.Values) (*built, error) {
	keywords := values.Texts("keywords")
	if len(keywords) == 0 || len(keywords) > 1000 {
		return nil, storage.BadInput("parameters.keywords", "keywords: pass 1 to 1000 of them, not %d", len(keywords))
	}
	var patterns []*regexp.Regexp
	for _, keyword := range keywords {
		if strings.TrimSpace(keyword) == "" || len(keyword) > maxPattern {
			return nil, storage.BadInput("parameters.keywords", "keywords: each must have 1 to %d bytes besides space", maxPattern)
		}
		pattern := regexp.QuoteMeta(keyword)
		if values.Boolean("whole_word") {
			// RE2's \b knows ASCII only: "naïve" would end before "ï".
			pattern = `(?:^|[^\p{L}\p{N}_])` + pattern + `(?:[^\p{L}\p{N}_]|$)`
		}
		if !values.Boolean("case_sensitive") {
			pattern = `(?i)` + pattern
		}
		compiled, err := regexp.Compile(pattern)
		if err != nil {
			return nil, storage.BadInput("parameters.keywords", "keywords: %q cannot be searched: %v", cut(keyword, 80), err)
		}
		patterns = append(patterns, compiled)
	}
	all, categories := values.Text("match") == "all", values.Texts("categories")
	return rule(func(ctx context.Context, subject Subject) (Verdict, error) {
		var found []string
		for i, pattern := range patterns {
			if err := ctx.Err(); err != nil {
				return Verdict{}, err
			}
			if pattern.MatchString(subject.Reply) {
				found = append(found, keywords[i])
			}
		}
		is := len(found) > 0
		if all {
			is = len(found) == len(keywords)
		}
		why := fmt.Sprintf("%d of %d keywords found.", len(found), len(keywords))
		if len(found) > 0 {
			why = fmt.Sprintf("%d of %d keywords found: %s.", len(found), len(keywords), cut(strings.Join(found, ", "), 500))
		}
		return trueFalse(is, why, categories...), nil
	}), nil
}

func makeExact(_ *builder, values storage.Values) (*built, error) {
	plain := func(text string) string {
		if values.Boolean("ignore_whitespace") {
			text = strings.Join(strings.Fields(text), " ")
		}
		return text
	}
	expected, categories := plain(values.Text("expected")), values.Texts("categories")
	return rule(func(_ context.Context, subject Subject) (Verdict, error) {
		is := plain(subject.Reply) == expected
		if !values.Boolean("case_sensitive") {
			is = strings.EqualFold(plain(subject.Reply), expected)
		}
		if is {
			return trueFalse(true, "The reply is the expected text.", categories...), nil
		}
		return trueFalse(false, "The reply differs from the expected text.", categories...), nil
	}), nil
}

func makeLength(_ *builder, values storage.Values) (*built, error) {
	least, most, bounded := values.Integer("minimum"), values.Integer("maximum"), values.Has("maximum")
	if bounded && most < least {
		return nil, storage.BadInput("parameters.maximum", "maximum: pass at least the minimum, %d", least)
	}
	if least > MaxText || most > MaxText {
		return nil, storage.BadInput("parameters.minimum", "minimum and maximum: replies are read up to %d bytes", MaxText)
	}
	unit := values.Text("unit")
	return rule(func(_ context.Context, subject Subject) (Verdict, error) {
		length := len(subject.Reply)
		switch unit {
		case "characters":
			length = utf8.RuneCountInString(subject.Reply)
		case "words":
			length = len(strings.Fields(subject.Reply))
		}
		is := int64(length) >= least && (!bounded || int64(length) <= most)
		return trueFalse(is, fmt.Sprintf("The reply has %d %s.", length, unit)), nil
	}), nil
}

func makeDecoding(_ *builder, values storage.Values) (*built, error) {
	is, categories := matcher(values), values.Texts("categories")
	return rule(func(_ context.Context, subject Subject) (Verdict, error) {
		if subject.Prompt == "" && subject.SentPrompt == "" {
			return undetermined(storage.ScoreTrueFalse, "There is no prompt to compare with."), nil
		}
		for _, wanted := range []struct{ which, text string }{{"original", subject.Prompt}, {"converted", subject.SentPrompt}} {
			if wanted.text == "" {
				continue // every text contains the empty one
			}
			if found, why := is(wanted.text, subject.Reply); found {
				return trueFalse(true, "Compared with the "+wanted.which+" prompt: "+why, categories...), nil
			}
		}
		return trueFalse(false, "The reply repeats neither the original nor the converted prompt.", categories...), nil
	}), nil
}
