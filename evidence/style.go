package evidence

import "strings"

// markdown writes CommonMark in which all that comes from data is a code span or a
// fenced block: no HTML, link or image of it is rendered.
type markdown struct{}

func (markdown) title(text string) string   { return "# " + text + "\n\n" }
func (markdown) heading(text string) string { return "\n## " + text + "\n\n" }

func (markdown) fact(name, value string) string { return "**" + name + ":** " + span(value) + "\n\n" }

func (markdown) block(name, text string) string {
	if name != "" {
		name += ":\n\n"
	}
	text = visible(text)
	fence := strings.Repeat("`", max(3, longestRun(text)+1))
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return name + fence + "text\n" + text + fence + "\n\n"
}

// span is a code span: its delimiter is no run of backticks in the text, and the spaces
// keep a backtick at an end from lengthening it.
func span(text string) string {
	text = oneLine(text)
	ticks := strings.Repeat("`", longestRun(text)+1)
	if len(ticks) > 1 {
		text = " " + text + " "
	}
	if strings.TrimSpace(text) == "" {
		return "(blank)" // a code span of nothing is no code span
	}
	return ticks + text + ticks
}

// longestRun is the length of the longest run of backticks.
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

// plain writes text in which every line that comes from data begins with a bar, so that
// no message can look like the beginning of another.
type plain struct{}

func (plain) title(text string) string   { return text + "\n" }
func (plain) heading(text string) string { return "\n" + text + "\n" }

func (plain) fact(name, value string) string { return "  " + name + ": " + oneLine(value) + "\n" }

func (plain) block(name, text string) string {
	if name != "" {
		name = "  " + name + ":\n"
	}
	lines := strings.Split(strings.NewReplacer("\u2028", "\n", "\u2029", "\n").Replace(visible(text)), "\n")
	return name + "  | " + strings.Join(lines, "\n  | ") + "\n"
}
