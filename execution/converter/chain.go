package converter

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// module tells a native converter from PyRIT's of the same class name.
const module = "violentutf.execution.converter"

// Chain is converters that work one after the other.
type Chain []Converter

// Step is what one converter of a chain made of the step before it.
type Step struct {
	Type   string
	Output string
}

// Steps converts a text and keeps what each converter made; the last one's Output is
// the prompt. Each step has its own stream of the seed, the first the seed itself.
func (chain Chain) Steps(ctx context.Context, text string, seed uint64) ([]Step, error) {
	steps := make([]Step, 0, len(chain))
	for at, converter := range chain {
		converted, err := converter.Convert(ctx, text, seed+uint64(at)*0x9e3779b97f4a7c15)
		if err != nil {
			return nil, fmt.Errorf("convert step %d by %s: %w", at+1, converter.Type(), err)
		}
		steps = append(steps, Step{Type: converter.Type(), Output: converted})
		text = converted
	}
	return steps, nil
}

// Text is how an attack names its chain (storage.Attack.ConverterChain): class names
// joined by " > ".
func (chain Chain) Text() string {
	names := make([]string, len(chain))
	for at, converter := range chain {
		names[at] = converter.Type()
	}
	return strings.Join(names, " > ")
}

// Components are the converters' descriptions, in order.
func (chain Chain) Components() ([]*storage.Component, error) {
	components := make([]*storage.Component, len(chain))
	for at, converter := range chain {
		made, err := converter.Component()
		if err != nil {
			return nil, err
		}
		components[at] = made
	}
	return components, nil
}

// Component has the form of an imported one: class_name, class_module and the
// parameters side by side, with what was not passed at its default.
func (c *configured) Component() (*storage.Component, error) {
	parameters := map[string]any{"supported_input_types": []string{"text"}, "supported_output_types": []string{"text"}}
	identifier := map[string]any{"class_name": c.kind.Name, "class_module": module}
	for _, known := range c.kind.Parameters {
		switch value, there := c.settings.Values[known.Name]; {
		case c.settings.isNull(known.Name) && known.Name == "word_split_separator":
			parameters[known.Name] = nil
		case there:
			parameters[known.Name] = value
			if document, isJSON := value.(storage.JSON); isJSON {
				parameters[known.Name] = rawJSON(document)
			}
		}
	}
	record(c.kind.Name, parameters, c.settings)
	for name, value := range parameters {
		identifier[name] = value
	}
	canonical, err := storage.CanonicalJSON(parameters)
	if err != nil {
		return nil, fmt.Errorf("describe parameters of %s: %w", c.kind.Name, err)
	}
	from := module
	return storage.NewComponent(storage.ComponentConverter, identifier, storage.Component{
		ClassName: c.kind.Name, Module: &from, Parameters: canonical,
	})
}

// record renames and completes parameters as PyRIT 1.1.0 records them (_build_identifier
// of each class). A strategy that was passed stays whole, so that a run can be repeated,
// where PyRIT keeps its class name alone.
func record(kind string, parameters map[string]any, s settings) {
	switch kind {
	case "BinaryConverter", "BinAsciiConverter", "ROT13Converter", "NatoConverter", "SuperscriptConverter", "UnicodeReplacementConverter", "FirstLetterConverter", "EmojiConverter":
		if !s.Has("word_selection_strategy") {
			parameters["word_selection_strategy"] = allWords
		}
		if kind == "BinaryConverter" || kind == "UnicodeReplacementConverter" {
			parameters["word_split_separator"] = " "
		}
	case "SearchReplaceConverter":
		list := s.JSON("replace")
		if !strings.HasPrefix(string(list), "[") {
			list = "[" + list + "]"
		}
		delete(parameters, "replace")
		parameters["replace_list"] = rawJSON(list)
		if s.Integer("regex_flags") == 0 {
			delete(parameters, "regex_flags")
		}
	case "SneakyBitsSmugglerConverter":
		for from, to := range map[string]string{"zero_char": "zero_char_codepoint", "one_char": "one_char_codepoint"} {
			if chars := []rune(s.Text(from)); len(chars) == 1 {
				delete(parameters, from)
				parameters[to] = fmt.Sprintf("%#x", chars[0])
			}
		}
	case "VariationSelectorSmugglerConverter":
		delete(parameters, "base_char_utf8")
		parameters["base_char"] = s.Text("base_char_utf8")
	case "DiacriticConverter":
		chars := strings.Split(s.Text("target_chars"), "")
		slices.Sort(chars)
		parameters["target_chars"] = slices.Compact(chars)
	case "RepeatTokenConverter":
		parameters["token_to_repeat"] = trimSpace(s.Text("token_to_repeat"))
	}
}

// rawJSON is a document that encoding/json writes as it is, not as a text.
type rawJSON string

// MarshalJSON writes the document.
func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }
