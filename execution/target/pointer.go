package target

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// pointer is a JSON pointer, RFC 6901, in its parts.
type pointer []string

func parsePointer(text string) (pointer, error) {
	if text == "" {
		return nil, nil
	}
	if text[0] != '/' {
		return nil, fmt.Errorf("a JSON pointer begins with /, not %.20q", text)
	}
	parts := strings.Split(text[1:], "/")
	for i, part := range parts {
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

// find is what the pointer names in a decoded document.
func (p pointer) find(tree any) (any, bool) {
	for _, part := range p {
		switch at := tree.(type) {
		case map[string]any:
			next, there := at[part]
			if !there {
				return nil, false
			}
			tree = next
		case []any:
			index, ok := indexOf(part, len(at))
			if !ok {
				return nil, false
			}
			tree = at[index]
		default:
			return nil, false
		}
	}
	return tree, true
}

func indexOf(part string, length int) (int, bool) {
	index, err := strconv.Atoi(part)
	return index, err == nil && index >= 0 && index < length && strconv.Itoa(index) == part
}

// put sets what the pointer names, and makes the objects above it that are missing:
// whoever sealed a credential took its field out.
func (p pointer) put(tree any, value string) (any, error) {
	if len(p) == 0 {
		return value, nil
	}
	switch at := tree.(type) {
	case nil:
		inner, err := p[1:].put(nil, value)
		return map[string]any{p[0]: inner}, err
	case map[string]any:
		inner, err := p[1:].put(at[p[0]], value)
		at[p[0]] = inner
		return at, err
	case []any:
		index, ok := indexOf(p[0], len(at))
		if !ok {
			return tree, fmt.Errorf("there is no item %.20q", p[0])
		}
		inner, err := p[1:].put(at[index], value)
		at[index] = inner
		return at, err
	}
	return tree, fmt.Errorf("%.40q is neither in an object nor in a list", p[0])
}

// withCredentials puts credentials where their pointers say.
func withCredentials(parameters storage.JSON, credentials map[string]string) (storage.JSON, error) {
	if len(credentials) == 0 {
		return parameters, nil
	}
	var tree any
	if strings.TrimSpace(string(parameters)) != "" {
		decoder := json.NewDecoder(strings.NewReader(string(parameters)))
		decoder.UseNumber()
		if err := decoder.Decode(&tree); err != nil {
			return "", storage.BadInput("parameters", "parameters must be a JSON object")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(credentials)) {
		at, err := parsePointer(name)
		if err == nil && len(at) == 0 {
			err = fmt.Errorf("it must name a parameter, as /api_key")
		}
		if err == nil {
			tree, err = at.put(tree, credentials[name])
		}
		if err != nil {
			return "", storage.BadInput("credentials", "credential %.60q: %s", name, err)
		}
	}
	made, err := json.Marshal(tree)
	return storage.JSON(made), err
}

var placeholder = regexp.MustCompile(`\{\{\s*prompt\s*\}\}`)

// fill puts a prompt, escaped, into a template. What the prompt itself holds is no
// template: it is not read again.
func fill(template, prompt string, escape func(string) string) string {
	return placeholder.ReplaceAllLiteralString(template, escape(prompt))
}

// insideJSON escapes for the inside of a JSON string.
func insideJSON(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted[1 : len(quoted)-1])
}
