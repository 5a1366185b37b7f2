// Package template renders texts with places: {{ name }} is a place, and rendering puts
// a value there. Nothing else happens: no code runs, and a value is never looked at for
// places of its own.
//
// The rules are those of the part of Jinja 3.1 that PyRIT's templates use, so that a
// body that is taken here renders as PyRIT renders it: a name stands between {{ and }}
// with blanks or without; a quoted text there, such as {{ '{{' }}, is that text; what
// stands between {% raw %} and {% endraw %} is text as it is; every line ends in a line
// feed, and one at the very end is left out. Everything
// else that Jinja would run or drop (expressions, filters, statements, comments) is
// refused with its line and column.
package template

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds of a template, in bytes but for the number of places.
const (
	MaxBodyBytes   = 256 << 10
	MaxPlaces      = 1_000
	MaxNameBytes   = 64
	MaxOutputBytes = 1 << 20
)

// Error says what is wrong with a body, and where.
type Error struct {
	Line, Column int // from 1; the column counts characters
	Message      string
}

// Error is the message with its place.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// MissingError names the places for which there is no value, in their order.
type MissingError struct{ Names []string }

// Error lists the names.
func (e *MissingError) Error() string { return "no value for " + strings.Join(e.Names, ", ") }

// TooLongError is a rendered text longer than Most bytes.
type TooLongError struct{ Most int }

// Error says how long it may be.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("the rendered text is longer than %d bytes", e.Most)
}

// Template is a body that was read.
type Template struct {
	parts []part
	names []string
}

// part is a text or, with a name, a place: then text is how the place is written.
type part struct{ text, name string }

// Names are the names of the places, each once, in the order of their first.
func (t *Template) Names() []string { return slices.Clone(t.names) }

// Render puts the values in their places. Errors are *MissingError, where a place has
// no value, and *TooLongError. Values without a place are passed over.
func (t *Template) Render(values map[string]string) (string, error) {
	text, missing, err := t.Fill(values)
	if err == nil && len(missing) > 0 {
		err = &MissingError{missing}
	}
	if err != nil {
		return "", err
	}
	return text, nil
}

// Fill is Render that leaves places without a value as they are written, and names them.
func (t *Template) Fill(values map[string]string) (text string, missing []string, err error) {
	length := 0
	for _, p := range t.parts {
		if length += len(p.filled(values)); length > MaxOutputBytes {
			return "", nil, &TooLongError{MaxOutputBytes}
		}
	}
	var out strings.Builder
	out.Grow(length)
	for _, p := range t.parts {
		out.WriteString(p.filled(values))
	}
	for _, name := range t.names {
		if _, ok := values[name]; !ok {
			missing = append(missing, name)
		}
	}
	return out.String(), missing, nil
}

func (p part) filled(values map[string]string) string {
	if value, ok := values[p.name]; ok && p.name != "" {
		return value
	}
	return p.text
}

// Unused are the names of values that have no place, sorted.
func (t *Template) Unused(values map[string]string) []string {
	var unused []string
	for name := range values {
		if !slices.Contains(t.names, name) {
			unused = append(unused, name)
		}
	}
	slices.Sort(unused)
	return unused
}

// IsName tells whether a text can be the name of a place: letters, digits and
// underscores of ASCII, not beginning with a digit, and no word that Jinja knows.
func IsName(text string) bool {
	if text == "" || len(text) > MaxNameBytes || text[0] >= '0' && text[0] <= '9' || slices.Contains(words, text) {
		return false
	}
	return strings.IndexFunc(text, func(r rune) bool { return !isNameRune(r) }) < 0
}

func isNameRune(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// words mean something to Jinja where a name could stand.
var words = []string{
	"and", "else", "false", "False", "if", "in", "is", "none", "None", "not", "or", "true", "True",
	"self", "loop", "range", "dict", "lipsum", "cycler", "joiner", "namespace",
}

// Parse reads a body. Errors are *Error.
func Parse(body string) (*Template, error) {
	if len(body) > MaxBodyBytes {
		return nil, &Error{1, 1, fmt.Sprintf("a template has at most %d bytes, not %d", MaxBodyBytes, len(body))}
	}
	if !utf8.ValidString(body) {
		return nil, &Error{1, 1, "a template is a text of UTF-8"}
	}
	r := reader{body: strings.TrimSuffix(newlines.Replace(body), "\n")}
	for r.at < len(r.body) {
		if err := r.next(); err != nil {
			return nil, err
		}
	}
	return &r.made, nil
}

var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// reader is a body that is being read.
type reader struct {
	body   string
	at     int
	places int
	made   Template
}

// next reads a text, a place or a raw text.
func (r *reader) next() error {
	rest := r.body[r.at:]
	switch {
	case strings.HasPrefix(rest, "{{"):
		return r.place(rest)
	case strings.HasPrefix(rest, "{%"):
		return r.raw(rest)
	case strings.HasPrefix(rest, "{#"):
		return r.fail("{# begins a comment, which is not kept: write {{ '{#' }} for the two characters")
	}
	end := len(rest)
	for from := 1; from < len(rest); {
		brace := strings.IndexByte(rest[from:], '{')
		if brace < 0 {
			break
		}
		if from += brace; from+1 < len(rest) && strings.IndexByte("{%#", rest[from+1]) >= 0 {
			end = from
			break
		}
		from++
	}
	r.text(rest[:end])
	r.at += end
	return nil
}

func (r *reader) text(text string) { r.made.parts = append(r.made.parts, part{text: text}) }

// place reads a name, or a quoted text.
func (r *reader) place(rest string) error {
	inside := strings.TrimLeft(rest[2:], blanks)
	if inside != "" && (inside[0] == '\'' || inside[0] == '"') {
		return r.quoted(rest, inside[1:], inside[:1])
	}
	end := strings.Index(rest, "}}")
	if end < 0 {
		return r.fail("{{ has no }}: " + howToWrite)
	}
	name := strings.Trim(rest[2:end], blanks)
	if !IsName(name) {
		return r.fail("between {{ and }} stands the name of a parameter and nothing else: letters, digits and _, at most %d, no word of Jinja; "+howToWrite, MaxNameBytes)
	}
	if r.places++; r.places > MaxPlaces {
		return r.fail("a template has at most %d places", MaxPlaces)
	}
	if !slices.Contains(r.made.names, name) {
		r.made.names = append(r.made.names, name)
	}
	r.made.parts = append(r.made.parts, part{rest[:end+2], name})
	r.at += end + 2
	return nil
}

const (
	blanks     = " \t\n"
	howToWrite = "write {{ '{{' }} for the two characters"
)

// quoted reads what stands between quotes, which has no escapes.
func (r *reader) quoted(rest, inside, quote string) error {
	text, behind, closed := strings.Cut(inside, quote)
	behind, ends := strings.CutPrefix(strings.TrimLeft(behind, blanks), "}}")
	if !closed || !ends || strings.Contains(text, `\`) {
		return r.fail("a quoted text between {{ and }} stands alone and has no \\ in it; " + howToWrite)
	}
	r.text(text)
	r.at += len(rest) - len(behind)
	return nil
}

func (r *reader) raw(rest string) error {
	inside, found := tag(rest, "raw")
	if !found {
		return r.fail("no statement is run: of {%% only {%% raw %%} is known")
	}
	for from := inside; ; {
		open := strings.Index(rest[from:], "{%")
		if open < 0 {
			return r.fail("{%% raw %%} has no {%% endraw %%}")
		}
		from += open
		if length, found := tag(rest[from:], "endraw"); found {
			r.text(rest[inside:from])
			r.at += from + length
			return nil
		}
		from += len("{%")
	}
}

// tag is the length of a statement of that word at the beginning of the text.
func tag(text, word string) (int, bool) {
	rest := strings.TrimLeft(text[len("{%"):], blanks)
	rest, found := strings.CutPrefix(rest, word)
	if !found {
		return 0, false
	}
	rest, found = strings.CutPrefix(strings.TrimLeft(rest, blanks), "%}")
	return len(text) - len(rest), found
}

func (r *reader) fail(format string, args ...any) error {
	before := r.body[:r.at]
	line := strings.LastIndexByte(before, '\n') + 1
	return &Error{1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[line:]), fmt.Sprintf(format, args...)}
}
