package memory

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Version is the PyRIT version whose memories this package writes.
const Version = "1.1.0"

// Identifier is PyRIT's description of a component: {"class_name", "class_module",
// "hash", "pyrit_version", parameters..., "children": {...}}.
type Identifier struct {
	Class, Module string
	Hash          string // SHA-256 of what follows, hexadecimal
	JSON          string
	parameters    map[string]any
	children      []Child
}

// Parameter is one parameter of a component: a string, a bool, a number or []string.
type Parameter struct {
	Name  string
	Value any
}

// Child is what a component is made of, under the name of its part.
type Child struct {
	Name string
	List bool // written as a list even for one
	Of   []*Identifier
}

// NewIdentifier describes a component. Equal components have equal hashes.
func NewIdentifier(class, module string, parameters []Parameter, children ...Child) *Identifier {
	id := &Identifier{Class: class, Module: module, parameters: map[string]any{}, children: children}
	var tail strings.Builder
	for _, p := range parameters {
		id.parameters[p.Name] = p.Value
		tail.WriteString(", " + quote(p.Name) + ": " + value(p.Value))
	}
	if len(children) > 0 {
		parts := make([]string, len(children))
		for i, c := range children {
			parts[i] = quote(c.Name) + ": " + c.json()
		}
		tail.WriteString(`, "children": {` + strings.Join(parts, ", ") + "}")
	}
	id.Hash = SHA256(class + "\n" + module + tail.String())
	id.JSON = `{"class_name": ` + quote(class) + `, "class_module": ` + quote(module) +
		`, "hash": "` + id.Hash + `", "pyrit_version": "` + Version + `"` + tail.String() + "}"
	return id
}

// Target describes an OpenAIChatTarget.
func Target(endpoint, model string) *Identifier {
	return NewIdentifier("OpenAIChatTarget", "pyrit.prompt_target.openai.openai_chat_target", []Parameter{
		{"endpoint", endpoint}, {"model_name", model}, {"underlying_model_name", ""},
	})
}

// Converter describes a text converter; module is the last part of its module.
func Converter(class, module string, parameters ...Parameter) *Identifier {
	text := []string{"text"}
	return NewIdentifier(class, "pyrit.converter."+module, append(parameters,
		Parameter{"supported_input_types", text}, Parameter{"supported_output_types", text}))
}

// Scorer describes a scorer of the type true_false or float_scale; judge, the model
// that it asks, may be nil.
func Scorer(class, module, kind string, judge *Identifier, parameters ...Parameter) *Identifier {
	parameters = append(parameters, Parameter{"scorer_type", kind})
	if kind == "true_false" {
		parameters = append(parameters, Parameter{"score_aggregator", "OR_"})
	}
	var children []Child
	if judge != nil {
		children = append(children, Child{Name: "prompt_target", Of: []*Identifier{judge}})
	}
	return NewIdentifier(class, "pyrit.score."+kind+"."+module, parameters, children...)
}

// Attack describes an attack: on whom, judged by whom, with what converters.
// Adversary, the model that writes the prompts, may be nil.
func Attack(class, module string, target, adversary, scorer *Identifier, converters []*Identifier, parameters ...Parameter) *Identifier {
	children := []Child{{Name: "objective_target", Of: []*Identifier{target}}}
	if adversary != nil {
		children = append(children, Child{Name: "adversarial_chat", Of: []*Identifier{adversary}})
	}
	children = append(children, Child{Name: "objective_scorer", Of: []*Identifier{scorer}})
	if len(converters) > 0 {
		children = append(children, Child{Name: "request_converters", List: true, Of: converters})
	}
	return NewIdentifier(class, "pyrit.executor.attack."+module, parameters, children...)
}

// Atomic describes an attack as a result refers to it: the attack within its technique.
func Atomic(attack *Identifier) *Identifier {
	technique := NewIdentifier("AttackTechnique", "pyrit.scenario.core.attack_technique", nil,
		Child{Name: "attack", Of: []*Identifier{attack}})
	return NewIdentifier("AtomicAttack", "pyrit.scenario.core.atomic_attack", nil,
		Child{Name: "attack_technique", Of: []*Identifier{technique}}, Child{Name: "seed_identifiers", List: true})
}

// child returns the only component of a part; nil if there is none.
func (id *Identifier) child(name string) *Identifier {
	if all := id.all(name); len(all) > 0 {
		return all[0]
	}
	return nil
}

func (id *Identifier) all(name string) []*Identifier {
	for _, c := range id.children {
		if c.Name == name {
			return c.Of
		}
	}
	return nil
}

func (c Child) json() string {
	parts := make([]string, len(c.Of))
	for i, id := range c.Of {
		parts[i] = id.JSON
	}
	if !c.List && len(parts) == 1 {
		return parts[0]
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// List is the JSON list of identifiers, as a message names its converters.
func List(identifiers []*Identifier) string {
	return Child{List: true, Of: identifiers}.json()
}

// Strings is a JSON list of strings with PyRIT's spacing; null for none.
func Strings(list []string) string {
	if len(list) == 0 {
		return "null"
	}
	return value(list)
}

// SHA256 is the hexadecimal SHA-256 of a text.
func SHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func value(v any) string {
	if list, isList := v.([]string); isList {
		parts := make([]string, len(list))
		for i, text := range list {
			parts[i] = quote(text)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // a parameter that is none of what Parameter allows
	}
	return string(text)
}

func quote(text string) string { return value(text) }
