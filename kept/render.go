package kept

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/template"
)

// PromptParameter is the place that the text of a prompt takes, as in PyRIT.
const PromptParameter = "prompt"

// Rendering is what a template becomes.
type Rendering struct {
	Text    string   // a place without a value stays as it is written
	Missing []string // places without a value, in their order; never null
	Unused  []string // names of values without a place, sorted; never null
}

// Values are what stands in the places: of one name those of Given come first, then
// Prompt, then those of the parameter file File, then the defaults of the parameters.
type Values struct {
	Given  storage.JSON // an object of texts, numbers and booleans, or nothing
	Prompt *string
	File   storage.JSON // an object, or nothing; lists and objects in it fill no place
}

// Render renders a body. Errors are BAD_USER_INPUT of body or values.
func Render(body string, parameters []*storage.TemplateParameter, values Values) (*Rendering, error) {
	parsed, err := parse("body", body)
	if err != nil {
		return nil, err
	}
	given, err := scalars(values.Given, true)
	if err != nil {
		return nil, err
	}
	file, err := scalars(values.File, false)
	if err != nil {
		return nil, err
	}
	all := map[string]string{}
	for name, value := range file {
		all[name] = value
	}
	if values.Prompt != nil {
		all[PromptParameter] = *values.Prompt
	}
	for name, value := range given {
		all[name] = value
	}
	unused := parsed.Unused(all)
	for _, p := range parameters {
		if _, known := all[p.Name]; !known && p.Default != nil {
			all[p.Name] = *p.Default
		}
	}
	text, missing, err := parsed.Fill(all)
	if long, ok := errors.AsType[*template.TooLongError](err); ok {
		return nil, storage.BadInput("body", "the rendered text would be longer than %d bytes: give shorter values", long.Most)
	}
	if err != nil {
		return nil, err
	}
	return &Rendering{Text: text, Missing: append([]string{}, missing...), Unused: append([]string{}, unused...)}, nil
}

// scalars are the members of an object as they are written in a text. null is no value.
func scalars(object storage.JSON, strict bool) (map[string]string, error) {
	texts := map[string]string{}
	if object == "" {
		return texts, nil
	}
	var values map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(object)))
	decoder.UseNumber()
	if err := decoder.Decode(&values); err != nil {
		return nil, storage.BadInput("values", "values must be an object of names and values")
	}
	var nested []string
	for name, value := range values {
		switch v := value.(type) {
		case nil:
		case string:
			texts[name] = v
		case json.Number:
			texts[name] = v.String()
		case bool:
			texts[name] = map[bool]string{true: "true", false: "false"}[v]
		default:
			nested = append(nested, name)
		}
	}
	if strict && len(nested) > 0 {
		return nil, storage.BadInput("values", "%s is a list or an object: a place takes a text, a number or a boolean", slices.Min(nested))
	}
	return texts, nil
}
