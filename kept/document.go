// Package kept reads what users keep (documents of parameters, templates) strictly
// before it is stored, and holds templates of our own.
package kept

import (
	"fmt"
	"strings"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// The bounds of a document.
const (
	maxDocumentBytes = 256 << 10
	maxDepth         = 20
	maxNodes         = 10_000
)

// mistake is what is wrong with a document, and where: line and column count from 1, in
// characters. A column of 0 is not known.
type mistake struct {
	line, column int
	message      string
}

func (m *mistake) Error() string {
	if m.column == 0 {
		return fmt.Sprintf("line %d: %s", m.line, m.message)
	}
	return fmt.Sprintf("line %d, column %d: %s", m.line, m.column, m.message)
}

// document is what a text of named values says.
type document struct {
	json   string            // an object, its members in the order of the text
	values map[string]any    // the same
	places map[string][2]int // line and column of each value, by its JSON pointer
}

// read reads a text. Errors are BAD_USER_INPUT of the field, with the place in the text.
func read(field string, format storage.DocumentFormat, text string) (*document, error) {
	if err := storage.CheckText(field, &text, maxDocumentBytes); err != nil {
		return nil, err
	}
	var d *document
	var wrong *mistake
	if format == storage.FormatJSON {
		d, wrong = readJSON(text)
	} else {
		d, wrong = readYAML(text)
	}
	if wrong != nil {
		return nil, storage.BadInput(field, "%s", wrong)
	}
	return d, nil
}

// Parameters reads a parameter file and gives its parameters as a JSON object. Errors are
// BAD_USER_INPUT of text: what cannot be read, and a credential, each with its place.
func Parameters(format storage.DocumentFormat, text string) (storage.JSON, error) {
	d, err := read("text", format, text)
	if err != nil {
		return "", err
	}
	if _, found := secret.Extract(d.values); len(found) > 0 {
		place := d.places[found[0].Path]
		return "", storage.BadInput("text", "line %d, column %d: %s looks like a credential; keep it in a generator, where it is sealed, and leave it out here",
			place[0], place[1], found[0].Path)
	}
	// What stands in comments is kept as well.
	if _, found := secret.CleanPatterns(text); len(found) > 0 {
		before, _, _ := strings.Cut(text, found[0])
		return "", storage.BadInput("text", "line %d: there is what looks like a credential; keep it in a generator, where it is sealed, and leave it out here",
			1+strings.Count(before, "\n"))
	}
	return storage.JSON(d.json), nil
}

// walk counts what a document has.
type walk struct {
	nodes  int
	places map[string][2]int
}

// enter notes a value at a path, depth levels down.
func (w *walk) enter(path string, depth, line, column int) *mistake {
	switch w.nodes++; {
	case w.nodes > maxNodes:
		return &mistake{line, column, fmt.Sprintf("a document has at most %d values", maxNodes)}
	case depth > maxDepth:
		return &mistake{line, column, fmt.Sprintf("values stand at most %d levels deep", maxDepth)}
	}
	w.places[path] = [2]int{line, column}
	return nil
}

// pointer is the JSON pointer (RFC 6901) of a member.
func pointer(path, step string) string {
	return path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
}

func twice(line, column int, name string) *mistake {
	return &mistake{line, column, fmt.Sprintf("%.100q stands here a second time: a name stands once", name)}
}

func noObject(line, column int) *mistake {
	return &mistake{line, column, "the document must be named values: NAME: VALUE in YAML, {\"NAME\": VALUE} in JSON"}
}
