package kept

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/template"
)

// The longest texts of a parameter of a template, in bytes.
const (
	maxParameterDescription = 1_000
	maxParameterDefault     = 20_000
)

// CheckTemplate is BAD_USER_INPUT for what no template can be: a body that cannot be
// rendered, a place that is not declared, a parameter without a place. It puts names and
// tags in their form. Without any parameter each place declares one.
func CheckTemplate(t *storage.Template) error {
	if err := t.Check(); err != nil {
		return err
	}
	if t.Source != nil && strings.TrimSpace(*t.Source) == "" {
		t.Source = nil
	}
	err := storage.CheckText("source", t.Source, storage.MaxSourceBytes)
	if err == nil {
		t.HarmCategories, err = storage.TidyTags("harmCategories", t.HarmCategories)
	}
	if err == nil {
		err = storage.CheckText("body", &t.Body, template.MaxBodyBytes)
	}
	if err != nil {
		return err
	}
	if strings.TrimSpace(t.Body) == "" {
		return storage.BadInput("body", "a template needs a body")
	}
	names, err := Places(t.Body)
	if err != nil {
		return err
	}
	if len(t.Parameters) == 0 {
		FitParameters(t, names)
	}
	return checkParameters(t.Parameters, names)
}

// Places are the names of the places of a body. Errors are BAD_USER_INPUT of body.
func Places(body string) ([]string, error) {
	parsed, err := parse("body", body)
	if err != nil {
		return nil, err
	}
	return parsed.Names(), nil
}

func parse(field, body string) (*template.Template, error) {
	parsed, err := template.Parse(body)
	if err != nil {
		return nil, storage.BadInput(field, "%s", err)
	}
	return parsed, nil
}

// FitParameters leaves the parameters that have one of the places, and declares one for
// every other place.
func FitParameters(t *storage.Template, names []string) {
	t.Parameters = slices.DeleteFunc(slices.Clone(t.Parameters), func(p *storage.TemplateParameter) bool { return !slices.Contains(names, p.Name) })
	for _, name := range names {
		if !slices.ContainsFunc(t.Parameters, func(p *storage.TemplateParameter) bool { return p.Name == name }) {
			t.Parameters = append(t.Parameters, &storage.TemplateParameter{Name: name})
		}
	}
}

func checkParameters(parameters []*storage.TemplateParameter, places []string) error {
	declared := map[string]bool{}
	for _, p := range parameters {
		switch {
		case !template.IsName(p.Name):
			return storage.BadInput("parameters", "%.100q is no name of a parameter: it has letters, digits and _, at most %d, and is no word of Jinja", p.Name, template.MaxNameBytes)
		case declared[p.Name]:
			return storage.BadInput("parameters", "%s is declared twice", p.Name)
		case !slices.Contains(places, p.Name):
			return storage.BadInput("parameters", "%s has no place in the body: write {{ %s }} there, or leave the parameter out", p.Name, p.Name)
		}
		declared[p.Name] = true
		if err := errors.Join(storage.CheckText("description", p.Description, maxParameterDescription), storage.CheckText("default", p.Default, maxParameterDefault)); err != nil {
			return storage.BadInput("parameters", "%s: %s", p.Name, err)
		}
	}
	for _, name := range places {
		if !declared[name] {
			return storage.BadInput("parameters", "the body has a place for %s, which is not declared: add it to parameters", name)
		}
	}
	return nil
}

// ReadTemplate reads a template that is written as PyRIT writes them (name, description,
// parameters, value, source, authors, harm_categories), in YAML or JSON, with tags, and
// parameters that may have a description and a default. Errors are BAD_USER_INPUT of
// document.
func ReadTemplate(format storage.DocumentFormat, text string) (*storage.Template, error) {
	d, err := read("document", format, text)
	if err != nil {
		return nil, err
	}
	m := members{values: d.values, places: d.places}
	t := &storage.Template{
		Kept: storage.Kept{Name: m.text("name"), Description: m.maybe("description"), Tags: m.texts("tags")},
		Body: m.text("value"), Source: m.maybe("source"), HarmCategories: m.texts("harm_categories"), Parameters: m.parameters(),
	}
	if authors := m.texts("authors"); len(authors) > 0 {
		by := "by " + strings.Join(authors, ", ")
		if t.Source != nil {
			by = *t.Source + " " + by
		}
		t.Source = &by
	}
	if kind := m.maybe("data_type"); kind != nil && *kind != "text" {
		m.fail("data_type", "a template is a text")
	}
	for name := range d.values {
		if !slices.Contains(templateMembers, name) {
			m.fail(name, "is no member of a template: there are "+strings.Join(templateMembers, ", "))
		}
	}
	if m.wrong != nil {
		return nil, storage.BadInput("document", "%s", m.wrong)
	}
	return t, nil
}

// templateMembers are what PyRIT 1.1.0 writes, and tags. Those that say nothing of the
// text (groups, is_general_technique, metadata, dataset_name) are passed over.
var templateMembers = []string{
	"name", "description", "parameters", "value", "source", "authors", "harm_categories", "tags", "data_type",
	"groups", "is_general_technique", "metadata", "dataset_name",
}

// members takes values out of an object and remembers the first that does not fit.
type members struct {
	values map[string]any
	places map[string][2]int
	wrong  *mistake
}

// fail keeps what is wrong and stands first in the text.
func (m *members) fail(name, message string) {
	place := m.places[pointer("", name)]
	wrong := &mistake{max(place[0], 1), max(place[1], 1), fmt.Sprintf("%.100s: %s", name, message)}
	if m.wrong == nil || wrong.line < m.wrong.line || wrong.line == m.wrong.line && wrong.column < m.wrong.column {
		m.wrong = wrong
	}
}

func (m *members) maybe(name string) *string {
	switch value := m.values[name].(type) {
	case nil:
		return nil
	case string:
		return &value
	}
	m.fail(name, "must be a text")
	return nil
}

func (m *members) text(name string) string {
	text := m.maybe(name)
	if text == nil {
		if m.wrong == nil {
			m.fail(name, "is missing, and must be a text")
		}
		return ""
	}
	return *text
}

func (m *members) list(name string) []any {
	switch list := m.values[name].(type) {
	case nil:
		return nil
	case []any:
		return list
	}
	m.fail(name, "must be a list")
	return nil
}

func (m *members) texts(name string) []string {
	texts := []string{}
	for _, element := range m.list(name) {
		text, ok := element.(string)
		if !ok {
			m.fail(name, "must be a list of texts")
			break
		}
		texts = append(texts, text)
	}
	return texts
}

// parameters are names, or objects of name, description and default.
func (m *members) parameters() []*storage.TemplateParameter {
	var parameters []*storage.TemplateParameter
	for _, element := range m.list("parameters") {
		switch value := element.(type) {
		case string:
			parameters = append(parameters, &storage.TemplateParameter{Name: value})
			continue
		case map[string]any:
			inner := members{values: value}
			p := &storage.TemplateParameter{Name: inner.text("name"), Description: inner.maybe("description"), Default: inner.maybe("default")}
			for name := range value {
				if name != "name" && name != "description" && name != "default" {
					inner.fail(name, "is not known")
				}
			}
			if inner.wrong == nil {
				parameters = append(parameters, p)
				continue
			}
		}
		m.fail("parameters", "must be a list of names, or of name, description and default, all texts")
		break
	}
	return parameters
}
