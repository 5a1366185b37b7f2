// Package quote puts texts of attackers and models into documents in which they are only
// read: nothing of them becomes markup, a link or HTML, and no character of them is
// hidden. Every document of this program quotes through it.
package quote

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Block is a text as a fenced block of CommonMark, which it cannot close: the fence is one
// backtick longer than the longest run of them in the text. It ends with a line feed.
func Block(text string) string {
	text = Visible(text)
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return fence + "text\n" + text + fence + "\n"
}

// Span is a text as a code span of CommonMark in one line: its delimiter is no run of
// backticks in the text, and the spaces keep a backtick at an end from lengthening it.
func Span(text string) string {
	text = OneLine(text)
	ticks := strings.Repeat("`", longestRun(text)+1)
	if len(ticks) > 1 {
		text = " " + text + " "
	}
	if strings.TrimSpace(text) == "" {
		return "(blank)" // a code span of nothing is no code span
	}
	return ticks + text + ticks
}

// Inline is a text as one line of CommonMark without markup: a backslash before any ASCII
// punctuation is that character.
func Inline(text string) string {
	var line strings.Builder
	for _, r := range OneLine(text) {
		if r < utf8.RuneSelf && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			line.WriteByte('\\')
		}
		line.WriteRune(r)
	}
	return strings.TrimSpace(line.String())
}

// Link is a URL as an autolink of CommonMark: what could end it, or hide in it, is
// percent-encoded.
func Link(url string) string {
	var link strings.Builder
	link.WriteByte('<')
	for _, r := range url {
		if unicode.IsPrint(r) && !strings.ContainsRune(" <>`\"\\^{|}", r) {
			link.WriteRune(r)
			continue
		}
		for _, b := range []byte(string(r)) {
			fmt.Fprintf(&link, "%%%02X", b)
		}
	}
	link.WriteByte('>')
	return link.String()
}

// Visible writes control characters but tabs and line feeds, and characters that reorder
// or hide text, as escapes: a terminal obeys the ones, a reader is deceived by the others.
func Visible(text string) string {
	hidden := func(r rune) bool {
		return r != '\t' && r != '\n' && (unicode.IsControl(r) || !unicode.IsPrint(r) && !unicode.IsSpace(r))
	}
	if strings.IndexFunc(text, hidden) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		switch {
		case !hidden(r):
			out.WriteRune(r)
		case r <= 0xFFFF:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\U%08x`, r)
		}
	}
	return out.String()
}

// OneLine is a text that is visible and has no line breaks.
func OneLine(text string) string {
	return Visible(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, text))
}

func longestRun(text string) int {
	longest, run := 0, 0
	for _, r := range text {
		if r != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}
