package quote_test

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/quote"
)

func TestNoTextLeavesItsBlock(t *testing.T) {
	for _, text := range []string{"", "```", "a\n````text\n# x", strings.Repeat("`", 50), "x\r```\r", "\u2028```\u2028", "`"} {
		block := quote.Block(text)
		fence := block[:len(block)-len(strings.TrimLeft(block, "`"))]
		if len(fence) < 3 || !strings.HasSuffix(block, "\n"+fence+"\n") || strings.Contains(strings.TrimSuffix(block, fence+"\n")[len(fence):], fence) || strings.Contains(block, "\r") {
			t.Errorf("%q became %q", text, block)
		}
	}
}

func TestALineHasNoMarkup(t *testing.T) {
	for text, want := range map[string]string{
		"[x](http://y) <b> `c`": `\[x\]\(http\:\/\/y\) \<b\> \` + "`c\\`",
		"a\nb\tc":               "a b c",
		"user\u202etxt":         `user\\u202etxt`,
		"plain é":               "plain é",
	} {
		if got := quote.Inline(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{"a`b": "`` a`b ``", "": "(blank)", "`": "`` ` ``", "\x1b[31m": "`\\u001b[31m`"} {
		if got := quote.Span(text); got != want {
			t.Errorf("the span of %q is %q, want %q", text, got, want)
		}
	}
}
