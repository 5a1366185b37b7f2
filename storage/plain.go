package storage

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes a text from outside (a user agent, an address) fit for a row and a
// terminal: valid UTF-8, without control and format characters, not longer than
// limit bytes.
func Plain(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text[:min(len(text), 4*limit)], ""))
	for len(text) > limit {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
