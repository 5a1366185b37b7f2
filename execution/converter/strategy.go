package converter

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode"

	"github.com/violentutf/violentutf/storage"
)

// strategy selects words, or a range of characters, for a converter to work on.
// It is written {"type": PyRIT's class name, its constructor's parameters...}, or as
// the class name alone.
type strategy struct {
	name  string
	words func(c *call, words []string) ([]int, error)           // nil where it selects characters
	span  func(c *call, text []rune) (start, end int, err error) // nil where it selects words
}

const (
	allWords   = "AllWordsSelectionStrategy"
	tokensOnly = "TokenSelectionStrategy"
)

func strategyParameter(name string) *storage.Parameter {
	return parameter(name, storage.ParameterJSON, `Which words to convert, like {"type": "WordIndexSelectionStrategy", "indices": [0, 2]}; all without it.`, nil)
}

// strategyOf reads the strategy of a parameter, standard without one.
func strategyOf(s settings, name, standard string) (*strategy, error) {
	document := s.JSON(name)
	if document == "" {
		document = storage.JSON(standard)
	}
	var class string
	if json.Unmarshal([]byte(document), &class) != nil {
		fields := members(document)
		_ = json.Unmarshal(fields["type"], &class) // what is no text is no known strategy
		delete(fields, "type")
		rest, _ := json.Marshal(fields)
		document = storage.JSON(rest)
	} else {
		document = ""
	}
	known := strategies[class]
	if known == nil {
		return nil, bad(name, `there is no selection strategy %q: pass {"type": "WordIndexSelectionStrategy", "indices": [0]} or another of PyRIT's`, class)
	}
	values, err := known.Read(document)
	if err != nil {
		return nil, bad(name, "%s", err.Error())
	}
	made, err := known.make(settings{Values: values})
	if err != nil {
		return nil, bad(name, "%s", err.Error())
	}
	made.name = class
	return made, nil
}

type strategyKind struct {
	storage.ConfiguredType
	make func(settings) (*strategy, error)
}

var strategies = map[string]*strategyKind{
	allWords: strategyType(allWords, func(settings) (*strategy, error) {
		return selecting(func(int, string) bool { return true }), nil
	}),
	"WordIndexSelectionStrategy": strategyType("WordIndexSelectionStrategy", selectIndices,
		required("indices", storage.ParameterJSON, "Places of words, from 0.")),
	"WordKeywordSelectionStrategy": strategyType("WordKeywordSelectionStrategy", selectKeywords,
		required("keywords", storage.ParameterTexts, "The words."),
		parameter("case_sensitive", storage.ParameterBoolean, "Whether case counts.", true)),
	"WordProportionSelectionStrategy": strategyType("WordProportionSelectionStrategy", selectProportion,
		between(required("proportion", storage.ParameterNumber, "Which part of the words, by chance."), 0, 1), seedParameter()),
	"WordRegexSelectionStrategy": strategyType("WordRegexSelectionStrategy", selectMatching,
		required("pattern", storage.ParameterText, "A regular expression that the word contains.")),
	"WordPositionSelectionStrategy": strategyType("WordPositionSelectionStrategy", selectPositions, proportions(true)...),
	"ContentWordSelectionStrategy":  strategyType("ContentWordSelectionStrategy", selectContent, contentParameters()...),
	tokensOnly: strategyType(tokensOnly, func(settings) (*strategy, error) {
		return spanning(func(*call, []rune) (int, int) { return 0, 0 }), nil
	}),
	"IndexSelectionStrategy": strategyType("IndexSelectionStrategy", spanIndices,
		parameter("start", storage.ParameterInteger, "The first character.", 0),
		parameter("end", storage.ParameterInteger, "The character after the last.", nil)),
	"RegexSelectionStrategy": strategyType("RegexSelectionStrategy", spanMatch,
		required("pattern", storage.ParameterText, "A regular expression whose first match is converted.")),
	"KeywordSelectionStrategy": strategyType("KeywordSelectionStrategy", spanKeyword,
		required("keyword", storage.ParameterText, "The text to look for."),
		parameter("context_before", storage.ParameterInteger, "Characters before it.", 0),
		parameter("context_after", storage.ParameterInteger, "Characters after it.", 0),
		parameter("case_sensitive", storage.ParameterBoolean, "Whether case counts.", true)),
	"PositionSelectionStrategy": strategyType("PositionSelectionStrategy", spanRange, proportions(true)...),
	"RangeSelectionStrategy":    strategyType("RangeSelectionStrategy", spanRange, proportions(false)...),
	"ProportionSelectionStrategy": strategyType("ProportionSelectionStrategy", spanProportion,
		between(required("proportion", storage.ParameterNumber, "Which part of the text."), 0, 1),
		choice("anchor", "Where it lies.", "start", "start", "end", "middle", "random"), seedParameter()),
}

func strategyType(name string, make func(settings) (*strategy, error), parameters ...*storage.Parameter) *strategyKind {
	return &strategyKind{storage.ConfiguredType{Name: name, Parameters: parameters}, make}
}

func proportions(needed bool) []*storage.Parameter {
	start := between(parameter("start_proportion", storage.ParameterNumber, "Where to begin, 0 to 1.", 0), 0, 1)
	end := between(parameter("end_proportion", storage.ParameterNumber, "Where to end, 0 to 1.", 1), 0, 1)
	if needed {
		start.Required, start.Default, end.Required, end.Default = true, nil, true, nil
	}
	return []*storage.Parameter{start, end}
}

func contentParameters() []*storage.Parameter {
	return []*storage.Parameter{
		atLeast(parameter("max_words", storage.ParameterInteger, "How many words at most.", 2), 1),
		atLeast(parameter("skip_first", storage.ParameterInteger, "How many such words to leave first.", 1), 0),
		atLeast(parameter("min_word_length", storage.ParameterInteger, "Characters of a word at least.", 3), 0),
		parameter("stopwords", storage.ParameterTexts, "Words to leave alone, instead of the usual English ones.", nil),
		parameter("candidate_words", storage.ParameterTexts, "The only words to take.", nil),
	}
}

func selecting(chosen func(at int, word string) bool) *strategy {
	return &strategy{words: func(_ *call, words []string) ([]int, error) {
		var places []int
		for at, word := range words {
			if chosen(at, word) {
				places = append(places, at)
			}
		}
		return places, nil
	}}
}

func selectIndices(s settings) (*strategy, error) {
	var indices []int
	if json.Unmarshal([]byte(s.JSON("indices")), &indices) != nil {
		return nil, bad("indices", "pass a list of whole numbers")
	}
	return &strategy{words: func(_ *call, words []string) ([]int, error) {
		for _, index := range indices {
			if len(words) > 0 && (index < 0 || index >= len(words)) {
				return nil, storage.BadInput("text", "there is no word %d in a text of %d words, counted from 0", index, len(words))
			}
		}
		if len(words) == 0 {
			return nil, nil
		}
		return indices, nil
	}}, nil
}

func selectKeywords(s settings) (*strategy, error) {
	fold := func(word string) string { return word }
	if !s.Boolean("case_sensitive") {
		fold = lower
	}
	keywords := map[string]bool{}
	for _, word := range s.Texts("keywords") {
		keywords[fold(word)] = true
	}
	return selecting(func(_ int, word string) bool { return keywords[fold(word)] }), nil
}

func selectProportion(s settings) (*strategy, error) {
	return &strategy{words: func(c *call, words []string) ([]int, error) {
		return sample(s.generator(c), len(words), int(float64(len(words))*s.Number("proportion"))), nil
	}}, nil
}

func selectMatching(s settings) (*strategy, error) {
	pattern, err := compile(s.Text("pattern"), 0)
	if err != nil {
		return nil, err
	}
	return &strategy{words: func(c *call, words []string) ([]int, error) {
		var places []int
		for at, word := range words {
			start, _, err := pattern.first(c, []rune(word))
			if err != nil {
				return nil, err
			}
			if start >= 0 {
				places = append(places, at)
			}
		}
		return places, nil
	}}, nil
}

func selectPositions(s settings) (*strategy, error) {
	from, to, err := ordered(s)
	return &strategy{words: func(_ *call, words []string) ([]int, error) {
		var places []int
		for at := int(float64(len(words)) * from); at < int(float64(len(words))*to); at++ {
			places = append(places, at)
		}
		return places, nil
	}}, err
}

func ordered(s settings) (from, to float64, err error) {
	from, to = s.Number("start_proportion"), s.Number("end_proportion")
	if from >= to {
		return 0, 0, bad("start_proportion", "pass less than end_proportion")
	}
	return from, to, nil
}

// selectContent takes words that carry content: long enough, with a letter, and no
// stopword.
func selectContent(s settings) (*strategy, error) {
	stop, candidates := stopwords, map[string]bool(nil)
	if s.Has("stopwords") {
		stop = map[string]bool{}
		for _, word := range s.Texts("stopwords") {
			stop[lower(word)] = true
		}
	}
	if s.Has("candidate_words") {
		candidates = map[string]bool{}
		for _, word := range s.Texts("candidate_words") {
			candidates[bare(word)] = true
		}
	}
	return &strategy{words: func(_ *call, words []string) ([]int, error) {
		var places []int
		for at, word := range words {
			word = bare(word)
			if strings.ContainsFunc(word, unicode.IsLetter) && int64(len([]rune(word))) >= s.Integer("min_word_length") &&
				!stop[word] && (candidates == nil || candidates[word]) {
				places = append(places, at)
			}
		}
		skip := min(s.Integer("skip_first"), int64(len(places)))
		return slices.Clip(places[skip:min(skip+min(s.Integer("max_words"), int64(len(places))), int64(len(places)))]), nil
	}}, nil
}

// punctuation is Python's string.punctuation.
const punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

func bare(word string) string { return lower(strings.Trim(word, punctuation)) }
