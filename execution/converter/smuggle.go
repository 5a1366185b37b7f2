package converter

import (
	"strings"

	"github.com/violentutf/violentutf/storage"
)

func smugglers() []*kind {
	action := func() *storage.Parameter {
		return choice("action", "Whether to hide a text or to read a hidden one.", "encode", "encode", "decode")
	}
	return []*kind{
		describe("AsciiSmugglerConverter", "ASCII smuggling", "Hides printable ASCII in Unicode's invisible tags; other characters are dropped.", newTags, action(),
			parameter("unicode_tags", storage.ParameterBoolean, "Enclose it in the begin and cancel tags.", false)),
		describe("SneakyBitsSmugglerConverter", "Sneaky bits", "Hides the bits of the text in two invisible characters.", newBits, action(),
			parameter("zero_char", storage.ParameterText, "The character of a bit that is not set.", "\u2062"),
			parameter("one_char", storage.ParameterText, "The character of a bit that is set.", "\u2064")),
		describe("VariationSelectorSmugglerConverter", "Variation selectors", "Hides the bytes of the text in variation selectors behind a visible character.", newSelectors, action(),
			parameter("base_char_utf8", storage.ParameterText, "The visible character.", "😊"),
			parameter("embed_in_base", storage.ParameterBoolean, "Put them right behind the character, not after a space.", true)),
		describe("ZeroWidthConverter", "Zero-width spaces", "Puts a zero-width space between all characters.", always(func(_ *call, text string) (string, error) {
			return joinRunes(text, "\u200b")
		})),
		describe("BidiConverter", "Bidirectional control", "Encloses the text in characters that turn its direction.", newBidi,
			choice("scheme", "Which pair of characters.", "override", "override", "embedding", "isolate")),
	}
}

func joinRunes(text, separator string) (string, error) {
	var out output
	for at, char := range text {
		if at > 0 {
			out.add(separator)
		}
		out.add(string(char))
	}
	return out.result()
}

const (
	tagBase   = 0xe0000
	tagBegin  = "\U000e0001"
	tagCancel = "\U000e007f"
)

func newTags(s settings) (conversion, error) {
	if s.Text("action") == "decode" {
		return plain(readTags), nil
	}
	return plain(func(text string) string {
		hidden := strings.Map(func(char rune) rune {
			if char < ' ' || char > '~' {
				return -1
			}
			return tagBase + char
		}, text)
		if s.Boolean("unicode_tags") {
			return tagBegin + hidden + tagCancel
		}
		return hidden
	}), nil
}

func readTags(text string) string {
	return strings.Map(func(char rune) rune {
		if char -= tagBase; ' ' <= char && char <= '~' {
			return char
		}
		return -1
	}, text)
}

func newBits(s settings) (conversion, error) {
	zero, one := s.Text("zero_char"), s.Text("one_char")
	if s.Text("action") == "decode" {
		return plain(func(text string) string { return readBits(text, zero, one) }), nil
	}
	return func(_ *call, text string) (string, error) {
		var out output
		for _, octet := range []byte(text) {
			for bit := 7; bit >= 0; bit-- {
				if octet>>bit&1 == 0 {
					out.add(zero)
				} else {
					out.add(one)
				}
			}
		}
		return out.result()
	}, nil
}

// readBits leaves out other characters and an incomplete last byte.
func readBits(text, zero, one string) string {
	var octets []byte
	var octet byte
	bits := 0
	for _, char := range text {
		switch string(char) {
		case one:
			octet = octet<<1 | 1
		case zero:
			octet <<= 1
		default:
			continue
		}
		if bits++; bits%8 == 0 {
			octets = append(octets, octet)
		}
	}
	return decodeUTF8(octets)
}

// decodeUTF8 replaces what is not valid as Python does, and as Unicode recommends:
// one U+FFFD for each maximal part of a character (the standard, section 3.9).
func decodeUTF8(octets []byte) string {
	var out strings.Builder
	for len(octets) > 0 {
		size, whole := maximalPart(octets)
		if whole {
			out.Write(octets[:size])
		} else {
			out.WriteRune('\ufffd')
		}
		octets = octets[size:]
	}
	return out.String()
}

// maximalPart is the length of the character at the start, or of as much as could
// have become one.
func maximalPart(octets []byte) (size int, whole bool) {
	first := octets[0]
	need, low, high := 0, byte(0x80), byte(0xbf)
	switch {
	case first < 0x80:
		return 1, true
	case 0xc2 <= first && first <= 0xdf:
		need = 1
	case 0xe0 <= first && first <= 0xef:
		need = 2
	case 0xf0 <= first && first <= 0xf4:
		need = 3
	default:
		return 1, false
	}
	switch first {
	case 0xe0:
		low = 0xa0
	case 0xed:
		high = 0x9f
	case 0xf0:
		low = 0x90
	case 0xf4:
		high = 0x8f
	}
	for size = 1; size <= need; size++ {
		if size == len(octets) || octets[size] < low || octets[size] > high {
			return size, false
		}
		low, high = 0x80, 0xbf
	}
	return size, true
}

func newSelectors(s settings) (conversion, error) {
	base, embed := s.Text("base_char_utf8"), s.Boolean("embed_in_base")
	if s.Text("action") == "decode" {
		return plain(func(text string) string {
			if !embed {
				text = strings.ReplaceAll(text, " ", "")
			}
			return readSelectors(text)
		}), nil
	}
	// PyRIT takes the code point of it, so that more or less than one fails.
	if len([]rune(base)) != 1 {
		return nil, bad("base_char_utf8", "pass one character")
	}
	if !embed {
		base += " "
	}
	return func(_ *call, text string) (string, error) {
		var out output
		out.add(base)
		for _, octet := range []byte(text) {
			out.add(string(selector(octet)))
		}
		return out.result()
	}, nil
}

// selector is one of the 16 variation selectors and the 240 supplementary ones.
func selector(octet byte) rune {
	if octet < 16 {
		return 0xfe00 + rune(octet)
	}
	return 0xe0100 + rune(octet) - 16
}

// readSelectors reads the first run of selectors.
func readSelectors(text string) string {
	var octets []byte
	for _, char := range text {
		switch {
		case 0xfe00 <= char && char <= 0xfe0f:
			octets = append(octets, byte(char-0xfe00))
		case 0xe0100 <= char && char <= 0xe01ef:
			octets = append(octets, byte(char-0xe0100+16))
		case len(octets) > 0:
			return decodeUTF8(octets)
		}
	}
	return decodeUTF8(octets)
}

var directions = map[string][2]string{
	"override":  {"\u202e", "\u202c"},
	"embedding": {"\u202b", "\u202c"},
	"isolate":   {"\u2067", "\u2069"},
}

func newBidi(s settings) (conversion, error) {
	pair := directions[s.Text("scheme")]
	return plain(func(text string) string {
		if text == "" {
			return ""
		}
		return pair[0] + text + pair[1]
	}), nil
}
