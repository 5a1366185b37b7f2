package evidence

import (
	"strings"

	"github.com/violentutf/violentutf/quote"
)

// markdown writes CommonMark in which all that comes from data is a code span or a
// fenced block: no HTML, link or image of it is rendered.
type markdown struct{}

func (markdown) title(text string) string   { return "# " + text + "\n\n" }
func (markdown) heading(text string) string { return "\n## " + text + "\n\n" }

func (markdown) fact(name, value string) string {
	return "**" + name + ":** " + quote.Span(value) + "\n\n"
}

func (markdown) block(name, text string) string {
	if name != "" {
		name += ":\n\n"
	}
	return name + quote.Block(text) + "\n"
}

// plain writes text in which every line that comes from data begins with a bar, so that
// no message can look like the beginning of another.
type plain struct{}

func (plain) title(text string) string   { return text + "\n" }
func (plain) heading(text string) string { return "\n" + text + "\n" }

func (plain) fact(name, value string) string { return "  " + name + ": " + quote.OneLine(value) + "\n" }

func (plain) block(name, text string) string {
	if name != "" {
		name = "  " + name + ":\n"
	}
	lines := strings.Split(strings.NewReplacer("\u2028", "\n", "\u2029", "\n").Replace(quote.Visible(text)), "\n")
	return name + "  | " + strings.Join(lines, "\n  | ") + "\n"
}
