package converter

import (
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/violentutf/violentutf/storage"
)

func wordTypes() []*kind {
	selection := func() *storage.Parameter { return strategyParameter("word_selection_strategy") }
	separator := func() *storage.Parameter {
		return parameter("word_split_separator", storage.ParameterText, "What parts words; null for any space.", " ")
	}
	return []*kind{
		describe("BinAsciiConverter", "Hexadecimal and mail encodings", "Encodes words in hexadecimal, quoted-printable or uuencode.", newBinASCII,
			choice("encoding_func", "Which encoding.", "hex", "hex", "quoted-printable", "UUencode"), selection(), separator()),
		describe("BinaryConverter", "Binary", "Writes the code points in binary.", newBinary,
			parameter("bits_per_char", storage.ParameterJSON, "8, 16 or 32 bits, also by PyRIT's name like BITS_16.", 16), selection()),
		describe("ROT13Converter", "ROT13", "Moves letters by half the alphabet.", wordByWord(func(word string) string { return caesarLetters(word, 13) }), selection(), separator()),
		describe("LeetspeakConverter", "Leetspeak", "Replaces letters by digits and signs that look like them.", newLeetspeak,
			parameter("deterministic", storage.ParameterBoolean, "Always take the first substitute, not one by chance.", true),
			parameter("custom_substitutions", storage.ParameterJSON, `Own substitutes, like {"a": ["4", "@"]}.`, nil), selection()),
		describe("SuperscriptConverter", "Superscript", "Writes letters and digits in superscript.", wordByWord(func(word string) string {
			return replaceRunes(word, superscript)
		}), selection(), separator()),
		describe("NatoConverter", "NATO alphabet", "Spells words in the NATO alphabet.", newNATO, selection(), separator()),
		describe("StringJoinConverter", "Joined characters", "Puts a text between the characters of words.", newStringJoin,
			parameter("join_value", storage.ParameterText, "The text between.", "-"), selection()),
		describe("UnicodeReplacementConverter", "Unicode escapes", "Writes characters as \\u escapes.", newUnicodeEscapes,
			parameter("encode_spaces", storage.ParameterBoolean, "Escape the spaces between words as well.", false), selection()),
		describe("FirstLetterConverter", "First letters", "Keeps the first letter or digit of each word.", newFirstLetter,
			parameter("letter_separator", storage.ParameterText, "What parts the letters.", " "), selection()),
	}
}

// words is a conversion word by word.
type words struct {
	separator string // empty for any space
	strategy  *strategy
	check     func(text string) error
	begin     func(c *call) func(word string) (string, error)
	join      func(words []string, all bool) (string, error)
}

// wordsOf reads the parameters that word converters share.
func wordsOf(s settings, standard string) (*words, error) {
	chosen, err := strategyOf(s, "word_selection_strategy", standard)
	if err != nil {
		return nil, err
	}
	if chosen.words == nil {
		return nil, bad("word_selection_strategy", "%s selects characters: pass one that selects words", chosen.name)
	}
	made := &words{separator: " ", strategy: chosen, join: joinedBy(" ")}
	if s.isNull("word_split_separator") {
		made.separator = ""
	} else if s.Has("word_split_separator") {
		if made.separator = s.Text("word_split_separator"); made.separator == "" {
			return nil, bad("word_split_separator", "pass one or more characters, or null for any space")
		}
	}
	return made, nil
}

func (w *words) convert(c *call, text string) (string, error) {
	if w.check != nil {
		if err := w.check(text); err != nil {
			return "", err
		}
	}
	parts := fields(text)
	if w.separator != "" {
		parts = strings.Split(text, w.separator)
	}
	places, err := w.strategy.words(c, parts)
	if err != nil {
		return "", err
	}
	convert, size := w.begin(c), 0
	for count, at := range places {
		if count&0xff == 0 && c.ctx.Err() != nil {
			return "", c.ctx.Err()
		}
		if parts[at], err = convert(parts[at]); err != nil {
			return "", err
		}
		if size += len(parts[at]); size > MaxOutput {
			return "", tooLong()
		}
	}
	return w.join(parts, w.strategy.name == allWords)
}

func joinedBy(separator string) func([]string, bool) (string, error) {
	return func(words []string, _ bool) (string, error) { return strings.Join(words, separator), nil }
}

func simply(convert func(string) string) func(*call) func(string) (string, error) {
	return func(*call) func(string) (string, error) {
		return func(word string) (string, error) { return convert(word), nil }
	}
}

func wordByWord(convert func(string) string) func(settings) (conversion, error) {
	return func(s settings) (conversion, error) {
		made, err := wordsOf(s, `"`+allWords+`"`)
		if err != nil {
			return nil, err
		}
		made.begin = simply(convert)
		return made.convert, nil
	}
}

func caesarLetters(word string, offset int) string {
	return strings.Map(func(char rune) rune {
		if char > 0x7f || !isLetter(byte(char)) {
			return char
		}
		base := char&0x20 | 'A'
		return base + turn(char-base, offset, 26)
	}, word)
}

func replaceRunes(word string, by map[rune]string) string {
	var out strings.Builder
	for _, char := range word {
		if text, there := by[char]; there {
			out.WriteString(text)
		} else {
			out.WriteRune(char)
		}
	}
	return out.String()
}

func newBinary(s settings) (conversion, error) {
	made, err := wordsOf(s, `"`+allWords+`"`)
	if err != nil {
		return nil, err
	}
	bits := map[storage.JSON]int{"8": 8, "16": 16, "32": 32, `"BITS_8"`: 8, `"BITS_16"`: 16, `"BITS_32"`: 32}[s.JSON("bits_per_char")]
	if bits == 0 {
		return nil, bad("bits_per_char", "pass 8, 16 or 32")
	}
	made.check = func(text string) error {
		for _, char := range text {
			if bitLength(char) > bits {
				return storage.BadInput("text", "U+%04X does not fit into %d bits: choose a larger bits_per_char", char, bits)
			}
		}
		return nil
	}
	made.begin = func(*call) func(string) (string, error) {
		return func(word string) (string, error) {
			var out output
			for at, char := range word {
				if at > 0 {
					out.add(" ")
				}
				out.add(binary(char, bits))
			}
			return out.result()
		}
	}
	made.join = joinedBy(" " + binary(' ', bits) + " ")
	return made.convert, nil
}

func binary(char rune, bits int) string {
	digits := make([]byte, bits)
	for i := range digits {
		digits[bits-1-i] = '0' + byte(char>>i&1)
	}
	return string(digits)
}

func newNATO(s settings) (conversion, error) {
	made, err := wordsOf(s, `"`+allWords+`"`)
	if err != nil {
		return nil, err
	}
	made.begin = simply(func(word string) string {
		var names []string
		for _, char := range word {
			name := nato[char&^0x20]
			if char >= utf8.RuneSelf || name == "" {
				name = string(char)
			}
			names = append(names, name)
		}
		return strings.Join(names, " ")
	})
	made.join = func(words []string, _ bool) (string, error) {
		var parts []string
		for at, word := range words {
			if at > 0 {
				parts = append(parts, "<space>")
			}
			if word != "" {
				parts = append(parts, word)
			}
		}
		return strings.Join(parts, " "), nil
	}
	return made.convert, nil
}

func newStringJoin(s settings) (conversion, error) {
	made, err := wordsOf(s, `"`+allWords+`"`)
	if err != nil {
		return nil, err
	}
	made.begin = func(*call) func(string) (string, error) {
		return func(word string) (string, error) { return joinRunes(word, s.Text("join_value")) }
	}
	return made.convert, nil
}

func newUnicodeEscapes(s settings) (conversion, error) {
	made, err := wordsOf(s, `"`+allWords+`"`)
	if err != nil {
		return nil, err
	}
	made.begin = simply(func(word string) string {
		var out strings.Builder
		for _, char := range word {
			out.WriteString(unicodeEscape(char))
		}
		return out.String()
	})
	if s.Boolean("encode_spaces") {
		made.join = joinedBy(`\u0020`)
	}
	return made.convert, nil
}

func newFirstLetter(s settings) (conversion, error) {
	made, err := wordsOf(s, `"`+allWords+`"`)
	if err != nil {
		return nil, err
	}
	made.separator = ""
	made.begin = simply(func(word string) string {
		at := strings.IndexFunc(word, isAlnum)
		if at < 0 {
			return ""
		}
		first, _ := splitRune(word[at:])
		return first
	})
	made.join = func(words []string, _ bool) (string, error) {
		var out output
		for _, word := range words {
			if word != "" && out.Len() > 0 {
				out.add(s.Text("letter_separator"))
			}
			out.add(word)
		}
		return out.result()
	}
	return made.convert, nil
}

// substitutions reads {"text": ["substitute", ...]}; nil for none.
func substitutions(s settings, name string) (map[string][]string, error) {
	if !s.Has(name) {
		return nil, nil
	}
	var read map[string][]string
	if json.Unmarshal([]byte(s.JSON(name)), &read) != nil {
		return nil, bad(name, `pass substitutes by text, like {"a": ["4", "@"]}`)
	}
	for text, substitutes := range read {
		if len(substitutes) == 0 {
			return nil, bad(name, "%q has no substitute: pass one or more", text)
		}
	}
	return read, nil
}
