package runfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// mostMistakes are told at once, and maxDepth is how deep values lie in each other.
const (
	mostMistakes = 20
	maxDepth     = 50
)

// node is a value with its place.
type node yaml.Node

func (n *node) isText() bool { return n.Kind == yaml.ScalarNode }

// members are what an object may have.
type members map[string]func(*node)

// reader reads a document, and goes on after a mistake.
type reader struct {
	path     string
	getenv   func(string) string
	mistakes []error
}

func (r *reader) wrong(n *node, format string, arguments ...any) {
	r.mistakes = append(r.mistakes, fmt.Errorf("%s:%d:%d: "+format, append([]any{r.path, n.Line, n.Column}, arguments...)...))
}

func (r *reader) error() error {
	if more := len(r.mistakes) - mostMistakes; more > 0 {
		r.mistakes = append(r.mistakes[:mostMistakes], fmt.Errorf("and %d more", more))
	}
	return errors.Join(r.mistakes...)
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// document is the value of the only document; nil when there is none.
func (r *reader) document(content []byte) *node {
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	var root, more yaml.Node
	err := decoder.Decode(&root)
	if err == nil {
		if err = decoder.Decode(&more); err == nil {
			r.wrong((*node)(&more), "a second document begins: there may be one")
			return nil
		}
	} else if errors.Is(err, io.EOF) {
		err = errors.New("the file is empty")
	}
	if !errors.Is(err, io.EOF) {
		at := &node{Line: 1, Column: 1}
		text := strings.TrimPrefix(err.Error(), "yaml: ")
		if found := yamlLine.FindStringSubmatch(text); found != nil {
			at.Line, _ = strconv.Atoi(found[1]) // its digits were matched
			text = found[2]
		}
		r.wrong(at, "this is not valid YAML: %s", text)
		return nil
	}
	return (*node)(root.Content[0])
}

// plain refuses what makes a value stand elsewhere than where it is written.
func (r *reader) plain(n *node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		r.wrong(n, "*%s is an alias: write the value out", n.Value)
	case n.Anchor != "":
		r.wrong(n, "&%s is an anchor: leave it out, and write the value where it is needed", n.Anchor)
	default:
		return true
	}
	return false
}

// pairs calls with the members of an object, each name once.
func (r *reader) pairs(n *node, member func(name string, key, value *node)) {
	if !r.plain(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "expected names and values")
		return
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := (*node)(n.Content[i]), (*node)(n.Content[i+1])
		switch {
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || n.Content[i].ShortTag() == "!!merge":
			r.wrong(key, "a name must be a text: write out what an alias or << would bring")
		case seen[key.Value]:
			r.wrong(key, "%q is there twice", key.Value)
		default:
			seen[key.Value] = true
			member(key.Value, key, value)
		}
	}
}

// object reads an object of known members, and tells in which lines these were given.
func (r *reader) object(n *node, known members) map[string]int {
	given := map[string]int{}
	r.pairs(n, func(name string, key, value *node) {
		read := known[name]
		if read == nil {
			r.wrong(key, "unknown key %q: expected one of %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
			return
		}
		given[name] = key.Line
		if r.plain(value) {
			read(value)
		}
	})
	return given
}

// each reads an object of any names; line is that of a name.
func (r *reader) each(n *node, read func(name string, line int, n *node)) {
	r.pairs(n, func(name string, key, value *node) {
		if strings.TrimSpace(name) == "" {
			r.wrong(key, "a name is missing")
			return
		}
		read(name, key.Line, value)
	})
}

func (r *reader) list(n *node, read func(*node)) {
	if !r.plain(n) {
		return
	}
	if n.Kind != yaml.SequenceNode {
		r.wrong(n, "expected a list")
		return
	}
	for _, child := range n.Content {
		if r.plain((*node)(child)) {
			read((*node)(child))
		}
	}
}

// text is a text that is there: also what looks like a number or a date.
func (r *reader) text(n *node) string {
	if !r.plain(n) {
		return ""
	}
	if n.Kind != yaml.ScalarNode || (*yaml.Node)(n).ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "" {
		r.wrong(n, "expected a text")
	}
	return n.Value
}

func (r *reader) maybe(n *node) *string {
	text := r.text(n)
	return &text
}

func (r *reader) texts(n *node) []string {
	texts := []string{}
	r.list(n, func(n *node) { texts = append(texts, r.text(n)) })
	return texts
}

func (r *reader) named(n *node) map[string]string {
	made := map[string]string{}
	r.each(n, func(name string, _ int, n *node) { made[name] = r.text(n) })
	return made
}

func (r *reader) integer(n *node) *int64 {
	var number int64
	if (*yaml.Node)(n).ShortTag() != "!!int" || (*yaml.Node)(n).Decode(&number) != nil {
		r.wrong(n, "expected a whole number")
		return nil
	}
	return &number
}

func (r *reader) number(n *node) *float64 {
	var number float64
	if tag := (*yaml.Node)(n).ShortTag(); tag != "!!int" && tag != "!!float" || (*yaml.Node)(n).Decode(&number) != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		r.wrong(n, "expected a number")
		return nil
	}
	return &number
}

// parameters are those of a thing, with the values of environment variables. A credential
// of a generator that stands in the file itself is refused.
func (r *reader) parameters(n *node, ofGenerator bool) map[string]any {
	if n.Kind != yaml.MappingNode {
		r.wrong(n, "expected names and values")
		return nil
	}
	if ofGenerator {
		written, _ := (&reader{path: r.path}).value(n, 0).(map[string]any) // without variables
		if _, found := secret.Extract(written); len(found) > 0 {
			r.wrong(n, "a credential stands in the file, at %s: put it into an environment variable, and write {env: NAME} in its place", strings.ReplaceAll(found[0].Path[1:], "/", "."))
		}
	}
	values, _ := r.value(n, 0).(map[string]any)
	return values
}

// credential is the only credential that a type has as a parameter of its own.
func (r *reader) credential(thing *Thing, n *node) {
	name := environment(n)
	if name == "" {
		r.wrong(n, "a credential never stands in the file: write credential: {env: NAME}")
		return
	}
	for _, of := range configured.Types()[storage.KindGenerators] {
		if of.Name != thing.Type {
			continue
		}
		for _, parameter := range of.Parameters {
			if parameter.Kind != storage.ParameterSecret {
				continue
			}
			if thing.Parameters == nil {
				thing.Parameters = map[string]any{}
			}
			if _, twice := thing.Parameters[parameter.Name]; twice {
				r.wrong(n, "the credential is given twice: here and as parameters.%s", parameter.Name)
			}
			thing.Parameters[parameter.Name] = r.variable(n, name)
			return
		}
		r.wrong(n, "%s has no parameter that is its credential: write {env: %s} where it belongs, in its headers", of.Name, name)
	}
}

// variable is what names of environment variables are made of (POSIX, section 8.1).
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// environment is the variable that a value names: {env: NAME}.
func environment(n *node) string {
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 || n.Content[0].Value != "env" || !variable.MatchString(n.Content[1].Value) {
		return ""
	}
	return n.Content[1].Value
}

func (r *reader) variable(n *node, name string) any {
	if r.getenv == nil {
		return nil
	}
	value := r.getenv(name)
	if value == "" {
		r.wrong(n, "the environment variable %s is not set", name)
	}
	return value
}

// value is any value as JSON has it. Numbers keep their digits, and dates are texts.
func (r *reader) value(n *node, depth int) any {
	if depth > maxDepth {
		r.wrong(n, "values lie more than %d deep in each other", maxDepth)
		return nil
	}
	if !r.plain(n) {
		return nil
	}
	if name := environment(n); name != "" {
		return r.variable(n, name)
	}
	switch n.Kind {
	case yaml.MappingNode:
		made := map[string]any{}
		r.each(n, func(name string, _ int, n *node) { made[name] = r.value(n, depth+1) })
		return made
	case yaml.SequenceNode:
		made := []any{}
		for _, child := range n.Content {
			made = append(made, r.value((*node)(child), depth+1))
		}
		return made
	}
	var value any
	switch (*yaml.Node)(n).ShortTag() {
	case "!!str", "!!timestamp":
		return n.Value
	case "!!int", "!!float", "!!bool", "!!null":
		if err := (*yaml.Node)(n).Decode(&value); err != nil {
			r.wrong(n, "%.100q is not what its type says", n.Value)
		}
		if number, ok := value.(float64); ok && (math.IsNaN(number) || math.IsInf(number, 0)) {
			r.wrong(n, "a number must be finite")
			return nil
		}
		return value
	}
	r.wrong(n, "%.100s is no type that is known here: leave it out", n.Tag)
	return nil
}
