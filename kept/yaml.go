package kept

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// readYAML reads one YAML document without anchors, aliases and types of its own: each
// value stands where it is.
func readYAML(text string) (*document, *mistake) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var root, more yaml.Node
	if err := decoder.Decode(&root); err != nil {
		return nil, badYAML(err)
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, badYAML(err)
		}
		return nil, &mistake{more.Line, more.Column, "a second document begins: there may be one"}
	}
	top := root.Content[0]
	if top.Kind != yaml.MappingNode {
		return nil, noObject(top.Line, top.Column)
	}
	y := yamlReader{walk: walk{places: map[string][2]int{}}}
	values, wrong := y.value("", top, 0)
	if wrong != nil {
		return nil, wrong
	}
	object, _ := values.(map[string]any)
	return &document{json: y.json.String(), values: object, places: y.places}, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

// badYAML tells the line, and of the words of the library those that quote no text.
func badYAML(err error) *mistake {
	if errors.Is(err, io.EOF) {
		return noObject(1, 1)
	}
	if found := yamlLine.FindStringSubmatch(err.Error()); found != nil {
		line, _ := strconv.Atoi(found[1]) // its digits were matched
		return &mistake{line, 0, "this is not valid YAML: " + found[2]}
	}
	return &mistake{1, 0, "this is not valid YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
}

type yamlReader struct {
	walk
	json strings.Builder
}

// value gives the value of a node, and writes it as JSON.
func (y *yamlReader) value(path string, node *yaml.Node, depth int) (any, *mistake) {
	if wrong := y.enter(path, depth, node.Line, node.Column); wrong != nil {
		return nil, wrong
	}
	switch {
	case node.Kind == yaml.AliasNode:
		return nil, &mistake{node.Line, node.Column, "*" + node.Value + " is an alias: write the value out"}
	case node.Anchor != "":
		return nil, &mistake{node.Line, node.Column, "&" + node.Anchor + " is an anchor: leave it out, and write the value where it is needed"}
	case node.Kind == yaml.MappingNode:
		return y.object(path, node, depth)
	case node.Kind == yaml.SequenceNode:
		list := []any{}
		y.json.WriteByte('[')
		for i, child := range node.Content {
			if i > 0 {
				y.json.WriteByte(',')
			}
			element, wrong := y.value(pointer(path, strconv.Itoa(i)), child, depth+1)
			if wrong != nil {
				return nil, wrong
			}
			list = append(list, element)
		}
		y.json.WriteByte(']')
		return list, plainTag(node, "!!seq")
	}
	return y.scalar(node)
}

func (y *yamlReader) object(path string, node *yaml.Node, depth int) (any, *mistake) {
	object := map[string]any{}
	y.json.WriteByte('{')
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || key.ShortTag() != "!!str":
			return nil, &mistake{key.Line, key.Column, "a name must be a text: put it in quotes, and write out what an alias or << would bring"}
		case y.places[pointer(path, key.Value)] != [2]int{}:
			return nil, twice(key.Line, key.Column, key.Value)
		}
		if i > 0 {
			y.json.WriteByte(',')
		}
		y.write(key.Value)
		y.json.WriteByte(':')
		value, wrong := y.value(pointer(path, key.Value), node.Content[i+1], depth+1)
		if wrong != nil {
			return nil, wrong
		}
		object[key.Value] = value
	}
	y.json.WriteByte('}')
	return object, plainTag(node, "!!map")
}

func plainTag(node *yaml.Node, tag string) *mistake {
	if node.ShortTag() != tag {
		return &mistake{node.Line, node.Column, fmt.Sprintf("%.100s is no type that is known here: leave it out", node.Tag)}
	}
	return nil
}

// scalar is a text, number, boolean or null; a date stays the text that it is.
func (y *yamlReader) scalar(node *yaml.Node) (any, *mistake) {
	var value any
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		value = node.Value
	case "!!int", "!!float", "!!bool", "!!null":
		if err := node.Decode(&value); err != nil {
			return nil, &mistake{node.Line, node.Column, fmt.Sprintf("%.100q is not what its type says", node.Value)}
		}
		if number, ok := value.(float64); ok && (math.IsNaN(number) || math.IsInf(number, 0)) {
			return nil, &mistake{node.Line, node.Column, "a number must be finite"}
		}
	default:
		return nil, plainTag(node, "!!str")
	}
	y.write(value)
	return value, nil
}

func (y *yamlReader) write(value any) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // texts, finite numbers, booleans and null are always JSON
	y.json.WriteString(strings.TrimSuffix(text.String(), "\n"))
}
