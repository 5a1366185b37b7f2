package scorer

import (
	"encoding/json"

	"github.com/violentutf/violentutf/storage"
)

// module stands where PyRIT's identifiers have the Python module of the class.
const module = "violentutf.execution.scorer"

// describe makes the component in the form of PyRIT 1.1's ComponentIdentifier: the
// parameters lie beside class_name and class_module, and what the scorer is made of
// under children (prompt_target, sub_scorers). Keys of the workspace's generators and
// scorers are left out, for what lies behind a key may change.
func (s *built) describe(of *storage.ConfiguredType, values storage.Values) error {
	parameters := map[string]any{}
	for name, value := range s.also {
		parameters[name] = value
	}
	for _, parameter := range of.Parameters {
		value, there := values[parameter.Name]
		if !there || parameter.Kind == storage.ParameterScorers || parameter.Kind == storage.ParameterGenerator {
			continue
		}
		if document, isJSON := value.(storage.JSON); isJSON {
			value = json.RawMessage(document)
		}
		parameters[parameter.Name] = value
	}
	identifier := map[string]any{"class_name": of.Name, "class_module": module}
	for name, value := range parameters {
		identifier[name] = value
	}
	known := storage.Component{ClassName: of.Name}
	text := module
	known.Module = &text
	children := map[string]any{}
	if described, ok := s.model.(DescribedModel); ok {
		if target := described.Component(); target != nil {
			children["prompt_target"] = json.RawMessage(target.Identifier)
			known.Model, known.Endpoint = target.Model, target.Endpoint
		}
	}
	if len(s.children) > 0 {
		var inside []json.RawMessage
		for _, child := range s.children {
			inside = append(inside, json.RawMessage(child.component.Identifier))
		}
		children["sub_scorers"] = inside
	}
	if len(children) > 0 {
		identifier["children"] = children
	}
	var err error
	if known.Parameters, err = storage.CanonicalJSON(parameters); err != nil {
		return err
	}
	s.component, err = storage.NewComponent(storage.ComponentScorer, identifier, known)
	return err
}
