package converter

import (
	"encoding/json"

	"github.com/violentutf/violentutf/storage"
)

// kinds are the types by name, filled once and never changed.
var kinds map[string]*kind

// A converter may hold another, which is made from kinds: a variable's initial value
// could not refer to itself.
func init() {
	kinds = register(encodings, ciphers, alphabets, smugglers, wordTypes, textTypes,
		templates, randoms, searches, selections, bijections, rewrites)
}

func register(families ...func() []*kind) map[string]*kind {
	all := map[string]*kind{}
	for _, family := range families {
		for _, kind := range family() {
			all[kind.Name] = kind
		}
	}
	return all
}

func describe(name, title, description string, make func(settings) (conversion, error), parameters ...*storage.Parameter) *kind {
	return &kind{storage.ConfiguredType{Name: name, Title: title, Description: description, Parameters: parameters}, make}
}

func parameter(name string, kind storage.ParameterKind, description string, standard any) *storage.Parameter {
	made := &storage.Parameter{Name: name, Kind: kind, Description: description}
	if standard != nil {
		made.Default = asJSON(standard)
	}
	return made
}

func required(name string, kind storage.ParameterKind, description string) *storage.Parameter {
	return &storage.Parameter{Name: name, Kind: kind, Description: description, Required: true}
}

func choice(name, description, standard string, choices ...string) *storage.Parameter {
	made := parameter(name, storage.ParameterChoice, description, standard)
	made.Choices = choices
	return made
}

func someOf(name, description string, choices ...string) *storage.Parameter {
	made := parameter(name, storage.ParameterChoice, description, nil)
	made.Choices = choices
	return made
}

func oneOf(name, description string, choices ...string) *storage.Parameter {
	made := someOf(name, description, choices...)
	made.Required = true
	return made
}

func between(made *storage.Parameter, least, most float64) *storage.Parameter {
	made.Minimum, made.Maximum = &least, &most
	return made
}

func atLeast(made *storage.Parameter, least float64) *storage.Parameter {
	made.Minimum = &least
	return made
}

func seedParameter() *storage.Parameter {
	return parameter("seed", storage.ParameterInteger, "A fixed seed, instead of the seed of the message.", nil)
}

func asJSON(value any) *storage.JSON {
	text, _ := json.Marshal(value) // of texts, numbers and truth values
	document := storage.JSON(text)
	return &document
}

func bad(name, format string, arguments ...any) error {
	return storage.BadInput("parameters."+name, name+": "+format, arguments...)
}
