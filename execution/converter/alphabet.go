package converter

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/violentutf/violentutf/storage"
)

func alphabets() []*kind {
	return []*kind{
		describe("BrailleConverter", "Braille", "Writes the text in English braille cells.", always(plain(encodeBraille))),
		describe("DiacriticConverter", "Diacritics", "Puts an accent on the chosen letters.", newDiacritic,
			parameter("target_chars", storage.ParameterText, "The letters.", "aeiou"),
			choice("accent", "The accent.", "acute", "acute", "grave", "tilde", "umlaut")),
		describe("UnicodeSubstitutionConverter", "Shifted code points", "Moves every character by a number of code points, by default into Unicode's tags.", newShift,
			parameter("start_value", storage.ParameterInteger, "What is added to each code point.", 0xe0000)),
		describe("ArabiziConverter", "Arabizi", "Writes Arabic letters in Latin letters and digits.", always(mapped(arabizi))),
		describe("ArabicPresentationFormConverter", "Isolated Arabic forms", "Replaces Arabic letters by their isolated presentation forms.", always(mapped(arabicIsolated))),
		describe("TatweelConverter", "Tatweel", "Stretches Arabic words by the elongation sign.", newTatweel,
			atLeast(parameter("tatweel_count", storage.ParameterInteger, "Signs between two letters.", 1), 1)),
	}
}

const (
	brailleNumber  = "⠼"
	brailleCapital = "⠠"
)

func encodeBraille(text string) string {
	var out strings.Builder
	number := false
	for _, char := range text {
		// Cells are of ASCII, and of the two others that lower to it: U+0130 does not.
		small := []rune(lower(string(char)))
		switch cell, there := braille[char]; {
		case there:
			if isDigit(char) && !number {
				number = true
				out.WriteString(brailleNumber)
			}
			out.WriteString(cell)
		case isUpper(char) && len(small) == 1 && braille[small[0]] != "":
			out.WriteString(brailleCapital + braille[small[0]])
		default:
			out.WriteRune(char)
		}
		if number && !isDigit(char) && !strings.ContainsRune(".,-/$", char) {
			number = false
		}
	}
	return out.String()
}

var accents = map[string]string{"acute": "\u0301", "grave": "\u0300", "tilde": "\u0303", "umlaut": "\u0308"}

func newDiacritic(s settings) (conversion, error) {
	targets := s.Text("target_chars")
	if targets == "" {
		return nil, bad("target_chars", "pass one or more characters")
	}
	mark := accents[s.Text("accent")]
	return eachRune(func(char rune) string {
		if !strings.ContainsRune(targets, char) {
			return string(char)
		}
		return norm.NFC.String(string(char) + mark)
	}), nil
}

func newShift(s settings) (conversion, error) {
	start := s.Integer("start_value")
	return func(_ *call, text string) (string, error) {
		var out output
		for _, char := range text {
			moved := start + int64(char)
			if moved < 0 || moved > unicode.MaxRune || 0xd800 <= moved && moved < 0xe000 {
				return "", storage.BadInput("text", "U+%04X moved by %d is no character of Unicode: choose another start_value", char, start)
			}
			out.add(string(rune(moved)))
		}
		return out.result()
	}, nil
}

func newTatweel(s settings) (conversion, error) {
	count := s.Integer("tatweel_count")
	if count > MaxOutput/2 {
		return nil, bad("tatweel_count", "pass at most %d", MaxOutput/2)
	}
	padding := strings.Repeat("\u0640", int(count))
	return func(_ *call, text string) (string, error) {
		var out output
		before := false
		for _, char := range text {
			letter := unicode.Is(unicode.Lo, char) && 0x600 <= char && char <= 0x6ff
			if before && letter {
				out.add(padding)
			}
			out.add(string(char))
			before = letter
		}
		return out.result()
	}, nil
}
