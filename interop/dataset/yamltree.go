package dataset

import (
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/violentutf/violentutf/storage"
)

// yamlTree makes values of nodes, once it is known that the aliases among them do
// not make too much.
type yamlTree struct {
	sizes map[*yaml.Node]int64 // expanded, of anchors; -1 while one is counted
	limit int64
}

// refuseBomb counts what the document would be without aliases.
func (y *yamlTree) refuseBomb(root *yaml.Node) error {
	if y.size(root) > y.limit {
		return storage.BadInput("file", "the YAML's aliases make more than %d MiB of it, or refer to themselves: write the values out", y.limit>>20)
	}
	return nil
}

// size is in bytes of text, and a few for each node; above the limit it is not exact.
func (y *yamlTree) size(node *yaml.Node) int64 {
	if node.Kind == yaml.AliasNode {
		return y.size(node.Alias)
	}
	if known, ok := y.sizes[node]; ok {
		if known < 0 { // an alias to what it is within
			return y.limit + 1
		}
		return known
	}
	if node.Anchor != "" {
		y.sizes[node] = -1
	}
	total := int64(len(node.Value)) + 1
	for _, child := range node.Content {
		total = min(total+y.size(child), y.limit+1)
	}
	if node.Anchor != "" {
		y.sizes[node] = total
	}
	return total
}

func resolve(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// cells gives the members of an object with the nodes of their values. Of equal names
// the last counts; what << merges counts only where the object has no such name.
func (y *yamlTree) cells(object *yaml.Node) (cells []cell, nodes []*yaml.Node) {
	return y.members(object, y.value)
}

// outline is cells without the elements of lists that are too long to be a document's
// defaults.
func (y *yamlTree) outline(object *yaml.Node) (cells []cell, nodes []*yaml.Node) {
	return y.members(object, func(node *yaml.Node) any {
		if y.size(node) <= 64<<10 {
			return y.value(node)
		}
		if resolve(node).Kind == yaml.SequenceNode {
			return []any{}
		}
		return nil
	})
}

func (y *yamlTree) members(object *yaml.Node, decode func(*yaml.Node) any) (cells []cell, nodes []*yaml.Node) {
	var merged []*yaml.Node
	for i := 0; i+1 < len(object.Content); i += 2 {
		key, node := resolve(object.Content[i]), resolve(object.Content[i+1])
		if key.Tag == "!!merge" {
			if node.Kind == yaml.SequenceNode {
				merged = append(merged, node.Content...)
			} else {
				merged = append(merged, node)
			}
			continue
		}
		name := key.Value
		if key.Kind != yaml.ScalarNode {
			name = fmt.Sprint(y.value(key))
		}
		if known := find(cells, name); known >= 0 {
			cells[known].value, nodes[known] = decode(node), node
			continue
		}
		cells, nodes = append(cells, cell{name: name, value: decode(node)}), append(nodes, node)
		if len(cells) > maxColumns {
			return cells, nodes
		}
	}
	for _, node := range merged {
		if node = resolve(node); node.Kind != yaml.MappingNode {
			continue
		}
		inner, from := y.members(node, decode)
		for i, c := range inner {
			if find(cells, c.name) < 0 {
				cells, nodes = append(cells, c), append(nodes, from[i])
			}
		}
	}
	return cells, nodes
}

// value is a node as JSON would have it. A date, a base 8 number and the like stay
// the text that they are.
func (y *yamlTree) value(node *yaml.Node) any {
	node = resolve(node)
	switch node.Kind {
	case yaml.SequenceNode:
		list := make([]any, len(node.Content))
		for i, element := range node.Content {
			list[i] = y.value(element)
		}
		return list
	case yaml.MappingNode:
		object := map[string]any{}
		cells, _ := y.cells(node)
		for _, c := range cells {
			object[c.name] = c.value
		}
		return object
	}
	switch node.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		var said bool
		if node.Decode(&said) == nil {
			return said
		}
	case "!!int", "!!float":
		if json.Valid([]byte(node.Value)) {
			return json.Number(node.Value)
		}
	}
	return node.Value
}
