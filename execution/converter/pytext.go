package converter

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// How Python's str sees characters, where Go's unicode package differs
// (https://docs.python.org/3.11/library/stdtypes.html#text-sequence-type-str).

// isSpace is str.isspace of one character: also the separators U+001C to U+001F.
func isSpace(char rune) bool {
	return 0x1c <= char && char <= 0x1f || unicode.IsSpace(char)
}

// isAlnum is str.isalnum of one character: letters and all kinds of numbers.
func isAlnum(char rune) bool { return unicode.IsLetter(char) || unicode.Is(unicode.N, char) }

// isWord is \w of Python's re.
func isWord(char rune) bool { return char == '_' || isAlnum(char) }

// isDigit is str.isdigit of one character: decimal digits, and those of Numeric_Type
// Digit in Unicode's DerivedNumericType.txt (superscripts, circled and the like).
func isDigit(char rune) bool { return unicode.IsDigit(char) || unicode.Is(otherDigits, char) }

var otherDigits = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0xb2, 0xb3, 1},
		{0xb9, 0xb9, 1},
		{0x1369, 0x1371, 1},
		{0x19da, 0x19da, 1},
		{0x2070, 0x2070, 1},
		{0x2074, 0x2079, 1},
		{0x2080, 0x2089, 1},
		{0x2460, 0x2468, 1},
		{0x2474, 0x247c, 1},
		{0x2488, 0x2490, 1},
		{0x24ea, 0x24ea, 1},
		{0x24f5, 0x24fd, 1},
		{0x24ff, 0x24ff, 1},
		{0x2776, 0x277e, 1},
		{0x2780, 0x2788, 1},
		{0x278a, 0x2792, 1},
	},
	R32: []unicode.Range32{
		{0x10a40, 0x10a43, 1}, {0x10e60, 0x10e68, 1}, {0x11052, 0x1105a, 1}, {0x1f100, 0x1f10a, 1},
	},
	LatinOffset: 2,
}

// isLower and isUpper are str.islower and str.isupper of one character: the derived
// properties, which hold more than the letters of categories Ll and Lu.
func isLower(char rune) bool { return unicode.In(char, unicode.Ll, unicode.Other_Lowercase) }
func isUpper(char rune) bool { return unicode.In(char, unicode.Lu, unicode.Other_Uppercase) }

// lower and upper map as Unicode's SpecialCasing.txt says: ß becomes SS. A Caser has
// state, so each use has its own.
func lower(text string) string { return cases.Lower(language.Und).String(text) }
func upper(text string) string { return cases.Upper(language.Und).String(text) }

func trimSpace(text string) string { return strings.TrimFunc(text, isSpace) }

// fields is str.split() without a separator.
func fields(text string) []string { return strings.FieldsFunc(text, isSpace) }

// splitLines is str.splitlines: more ends of lines than CR and LF, and no empty line
// after the last one.
func splitLines(text string) []string {
	var lines []string
	for text != "" {
		end := strings.IndexFunc(text, isLineEnd)
		if end < 0 {
			return append(lines, text)
		}
		lines = append(lines, text[:end])
		text = text[end:]
		if strings.HasPrefix(text, "\r\n") {
			text = text[2:]
			continue
		}
		_, text = splitRune(text)
	}
	return lines
}

func isLineEnd(char rune) bool {
	switch char {
	case '\n', '\r', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		return true
	}
	return false
}

func splitRune(text string) (first, rest string) {
	for at := range text {
		if at > 0 {
			return text[:at], text[at:]
		}
	}
	return text, ""
}

// runs cuts a text into the longest runs of characters that class puts together;
// a class below zero is dropped.
func runs(text string, class func(rune) int) []string {
	var parts []string
	start, current := 0, -1
	for at, char := range text {
		next := class(char)
		if at > 0 && next == current {
			continue
		}
		if at > 0 && current >= 0 {
			parts = append(parts, text[start:at])
		}
		start, current = at, next
	}
	if current >= 0 {
		parts = append(parts, text[start:])
	}
	return parts
}
