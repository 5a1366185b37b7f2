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

func TestALinkIsOneLink(t *testing.T) {
	for url, want := range map[string]string{
		"https://jira.example/browse/A_B-1?x=*y*&z=%20#(c)": "<https://jira.example/browse/A_B-1?x=*y*&z=%20#(c)>",
		"https://x/> <img src=x>`c`\r\n":                    "<https://x/%3E%20%3Cimg%20src=x%3E%60c%60%0D%0A>",
		"https://x/\u202egpj.é|\x7f":                        "<https://x/%E2%80%AEgpj.é%7C%7F>",
	} {
		if got := quote.Link(url); got != want {
			t.Errorf("%q became %q, want %q", url, got, want)
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
