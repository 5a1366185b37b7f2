package target

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/violentutf/violentutf/storage"
)

// classes are PyRIT's names where it has such a target (pyrit.prompt_target, 0.9 to
// 1.1), so that imported and native runs of a model are found together.
var classes = map[string]string{
	TypeOpenAI:    "OpenAIChatTarget",
	TypeGateway:   "OpenAIChatTarget",
	TypeAnthropic: "AnthropicChatTarget",
	TypeHTTPREST:  "HTTPTarget",
	TypeEcho:      "TextTarget",
}

// module tells native components from PyRIT's of the same class.
const module = "violentutf.execution.target"

// Component describes the target as it is used, without credentials. name is that of
// the generator.
func (t *Target) Component(name string) (*storage.Component, error) {
	rest := map[string]any{"generator_type": t.kind}
	for _, key := range slices.Sorted(maps.Keys(t.plain)) {
		switch value := t.plain[key].(type) {
		case storage.JSON:
			rest[key] = json.RawMessage(value)
		default:
			rest[key] = value
		}
	}
	known := storage.Component{Name: name, ClassName: classes[t.kind]}
	identifier := map[string]any{"class_name": known.ClassName, "class_module": module}
	of := module
	known.Module = &of
	if model := t.plain.Text("model"); model != "" {
		known.Model, identifier["model_name"] = &model, model
	}
	endpoint := t.plain.Text("endpoint") + t.plain.Text("url") // no type has both
	if endpoint != "" {
		known.Endpoint, identifier["endpoint"] = &endpoint, endpoint
	}
	for _, column := range []string{"model", "endpoint", "url", RequestsPerMinute, TokensPerMinute, Concurrency, TimeoutSeconds, Streamed} {
		delete(rest, column)
	}
	maps.Copy(identifier, rest)
	var err error
	if known.Parameters, err = storage.CanonicalJSON(rest); err != nil {
		return nil, err
	}
	return storage.NewComponent(storage.ComponentTarget, identifier, known)
}
