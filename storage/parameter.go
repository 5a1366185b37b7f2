package storage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// ParameterKind says what a parameter of a configured thing takes, so that a frontend
// can draw its field of a form.
type ParameterKind string

// The kinds of parameters.
const (
	ParameterText      ParameterKind = "TEXT"
	ParameterTexts     ParameterKind = "TEXTS" // a list of texts
	ParameterInteger   ParameterKind = "INTEGER"
	ParameterNumber    ParameterKind = "NUMBER"
	ParameterBoolean   ParameterKind = "BOOLEAN"
	ParameterChoice    ParameterKind = "CHOICE"    // one of Choices
	ParameterJSON      ParameterKind = "JSON"      // any document
	ParameterSecret    ParameterKind = "SECRET"    // a credential, of which the marker is stored
	ParameterGenerator ParameterKind = "GENERATOR" // the key of a generator of the workspace
	ParameterConverter ParameterKind = "CONVERTER" // the key of a converter of the workspace
	ParameterScorers   ParameterKind = "SCORERS"   // keys of scorers of the workspace
)

// Parameter is one parameter that a type takes.
type Parameter struct {
	Name        string
	Kind        ParameterKind
	Description string
	Required    bool
	Default     *JSON // what an absent one is, nil for nothing
	Choices     []string
	Minimum     *float64 // of an integer or number, both ends included
	Maximum     *float64
}

// ConfiguredType is a type of generator, converter or scorer, with what it takes.
type ConfiguredType struct {
	Name        string
	Title       string // for people
	Description string
	Parameters  []*Parameter
}

// Values are parameters that were checked: every value has the Go type of its kind
// (string, []string, int64, float64, bool, JSON), and what has a default is there.
type Values map[string]any

// Read checks the parameters given, a JSON object or nothing. A *Error of CodeBadInput
// names the first one that does not fit (parameters.NAME) and what would.
func (t *ConfiguredType) Read(given JSON) (Values, error) {
	values, problems := t.Check(given)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return values, nil
}

// Check is Read with everything that does not fit: values are those that do.
func (t *ConfiguredType) Check(given JSON) (Values, []error) {
	raw := map[string]json.RawMessage{}
	values := Values{}
	if text := strings.TrimSpace(string(given)); text != "" && text != "null" {
		if err := json.Unmarshal([]byte(text), &raw); err != nil {
			return values, []error{BadInput("parameters", "parameters must be a JSON object, like %s", t.example())}
		}
	}
	var problems []error
	for _, parameter := range t.Parameters {
		text, there := raw[parameter.Name]
		delete(raw, parameter.Name)
		if !there || string(text) == "null" {
			if parameter.Default == nil {
				if parameter.Required {
					problems = append(problems, parameter.bad("it is needed for %s", t.Name))
				}
				continue
			}
			text = json.RawMessage(*parameter.Default)
		}
		value, err := parameter.read(text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		values[parameter.Name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		problems = append(problems, BadInput("parameters."+name, "%s has no parameter %q: it takes %s", t.Name, name, t.names()))
	}
	return values, problems
}

func (t *ConfiguredType) names() string {
	if len(t.Parameters) == 0 {
		return "none"
	}
	names := make([]string, 0, len(t.Parameters))
	for _, parameter := range t.Parameters {
		names = append(names, parameter.Name)
	}
	return strings.Join(names, ", ")
}

func (t *ConfiguredType) example() string {
	if len(t.Parameters) == 0 {
		return "{}"
	}
	return fmt.Sprintf("{%q: ...}", t.Parameters[0].Name)
}

func (p *Parameter) bad(format string, arguments ...any) error {
	return BadInput("parameters."+p.Name, "%s: "+format, append([]any{p.Name}, arguments...)...)
}

func (p *Parameter) read(text json.RawMessage) (any, error) {
	switch p.Kind {
	case ParameterTexts, ParameterScorers:
		var list []string
		if json.Unmarshal(text, &list) != nil {
			return nil, p.bad("pass a list of texts")
		}
		return list, nil
	case ParameterInteger:
		number, err := p.number(text)
		if err == nil && (number != math.Trunc(number) || math.Abs(number) > 1<<53) {
			err = p.bad("pass a whole number")
		}
		return int64(number), err
	case ParameterNumber:
		return p.number(text)
	case ParameterBoolean:
		var yes bool
		if json.Unmarshal(text, &yes) != nil {
			return nil, p.bad("pass true or false")
		}
		return yes, nil
	case ParameterJSON:
		var compact bytes.Buffer
		if json.Compact(&compact, text) != nil {
			return nil, p.bad("pass a JSON value")
		}
		return JSON(compact.String()), nil
	case ParameterChoice:
		var choice string
		if json.Unmarshal(text, &choice) != nil || !slices.Contains(p.Choices, choice) {
			return nil, p.bad("pass one of %s", strings.Join(p.Choices, ", "))
		}
		return choice, nil
	default:
		var words string
		if json.Unmarshal(text, &words) != nil {
			return nil, p.bad("pass a text")
		}
		return words, nil
	}
}

func (p *Parameter) number(text json.RawMessage) (float64, error) {
	var number float64
	if json.Unmarshal(text, &number) != nil {
		return 0, p.bad("pass a number")
	}
	if p.Minimum != nil && number < *p.Minimum {
		return 0, p.bad("pass at least %v", *p.Minimum)
	}
	if p.Maximum != nil && number > *p.Maximum {
		return 0, p.bad("pass at most %v", *p.Maximum)
	}
	return number, nil
}

// Text is a text, "" for none.
func (v Values) Text(name string) string { text, _ := v[name].(string); return text }

// Texts are texts, nil for none.
func (v Values) Texts(name string) []string { texts, _ := v[name].([]string); return texts }

// Integer is a whole number, 0 for none.
func (v Values) Integer(name string) int64 { number, _ := v[name].(int64); return number }

// Number is a number, 0 for none.
func (v Values) Number(name string) float64 { number, _ := v[name].(float64); return number }

// Boolean is true or false, false for none.
func (v Values) Boolean(name string) bool { yes, _ := v[name].(bool); return yes }

// JSON is a document, "" for none.
func (v Values) JSON(name string) JSON { document, _ := v[name].(JSON); return document }

// Has tells whether there is a value.
func (v Values) Has(name string) bool { _, there := v[name]; return there }
