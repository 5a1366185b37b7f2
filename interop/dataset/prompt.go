package dataset

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/violentutf/violentutf/storage"
)

// maker makes prompts of rows.
type maker struct {
	fields  []Field // sorted, so that of several reasons it is always the same that is told
	mapping Mapping
	limit   int
}

func newMaker(mapping Mapping, limit int) maker {
	return maker{fields: slices.Sorted(maps.Keys(mapping)), mapping: mapping, limit: limit}
}

// prompt makes one, or tells why not. Errors of fill begin with a verb, as their
// subject is the field.
func (m *maker) prompt(rec *record) (*storage.Prompt, *Reject) {
	if rec.reject != nil {
		return nil, rec.reject
	}
	if rec.weight() > m.limit {
		return nil, tooLong(rec.line, rec.column, m.limit)
	}
	if column := m.mapping[FieldText].Column; rec.lone && column != "" {
		rec.cells[0].name = column
	}
	p := &storage.Prompt{SeedType: "prompt", DataType: "text", HarmCategories: []string{}}
	taken := make([]bool, len(rec.cells))
	for _, field := range m.fields {
		origin := m.mapping[field]
		var v any = origin.Constant
		i := -1
		if origin.Column != "" {
			if i = find(rec.cells, origin.Column); i >= 0 {
				v, taken[i] = rec.cells[i].value, true
			} else {
				v = nil
			}
		}
		err := error(nil)
		for _, name := range origin.Also {
			if at := find(rec.cells, name); at >= 0 && err == nil {
				taken[at] = true
				v, err = joined(v, rec.cells[at].value, origin.Separator)
			}
		}
		if (v == nil || v == "") && field != FieldText && err == nil {
			continue
		}
		switch {
		case err != nil:
		case hasNUL(v):
			err = errNUL
		default:
			err = fill[field](p, v, origin.Separator)
		}
		if err != nil {
			line, column := rec.at(i)
			return nil, &Reject{Line: line, Column: column, Field: string(field), Reason: err.Error()}
		}
	}
	var rest map[string]any
	for i, c := range rec.cells {
		if taken[i] || c.value == nil || c.value == "" {
			continue
		}
		if hasNUL(c.value) || strings.ContainsRune(c.name, 0) {
			line, column := rec.at(i)
			return nil, &Reject{Line: line, Column: column, Field: storage.Plain(c.name, 60), Reason: errNUL.Error()}
		}
		if rest == nil {
			rest = map[string]any{}
		}
		rest[c.name] = c.value
	}
	if rest != nil {
		if err := asJSON(&p.Attributes, rest); err != nil {
			return nil, &Reject{Line: rec.line, Column: rec.column, Reason: err.Error()}
		}
	}
	p.Hash = storage.TextHash(p.Text)
	return p, nil
}

var errNUL = errors.New("has the character U+0000, which no text may have: remove it")

func hasNUL(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.IndexByte(v, 0) >= 0
	case []any:
		return slices.ContainsFunc(v, hasNUL)
	case map[string]any:
		for name, member := range v {
			if strings.IndexByte(name, 0) >= 0 || hasNUL(member) {
				return true
			}
		}
	}
	return false
}

// The values that a prompt's fields may have: PyRIT's (PromptDataType and SeedType
// of 1.1), and storage's roles.
var (
	dataTypes = []string{
		"text", "image_path", "audio_path", "video_path", "binary_path", "url", "reasoning", "error",
		"function_call", "tool_call", "function_call_output",
	}
	seedTypes = []string{"prompt", "objective", "simulated_conversation"}
	roles     = []string{
		string(storage.RoleSystem), string(storage.RoleUser), string(storage.RoleAssistant),
		string(storage.RoleSimulatedAssistant), string(storage.RoleTool), string(storage.RoleDeveloper),
	}
)

// fill sets a field from a value that is there.
var fill = map[Field]func(p *storage.Prompt, v any, separator string) error{
	FieldText: func(p *storage.Prompt, v any, _ string) (err error) {
		if p.Text, err = scalar(v); err == nil && strings.TrimSpace(p.Text) == "" {
			return errors.New("is empty: give the row a text or remove it")
		}
		return err
	},
	FieldSeedType: func(p *storage.Prompt, v any, _ string) (err error) {
		p.SeedType, err = oneOf(v, strings.ToLower, seedTypes)
		return err
	},
	FieldDataType: func(p *storage.Prompt, v any, _ string) (err error) {
		p.DataType, err = oneOf(v, strings.ToLower, dataTypes)
		return err
	},
	FieldRole: func(p *storage.Prompt, v any, _ string) error {
		role, err := oneOf(v, strings.ToUpper, roles)
		p.Role = &role
		return err
	},
	FieldName: func(p *storage.Prompt, v any, _ string) error {
		name, err := scalar(v)
		p.Name = &name
		return err
	},
	FieldGroup: func(p *storage.Prompt, v any, _ string) error {
		group, err := scalar(v)
		p.GroupID = &group
		return err
	},
	FieldSequence: func(p *storage.Prompt, v any, _ string) error {
		said, err := scalar(v)
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(said), ".0"), 10, 32) // pandas writes 1.0 beside gaps
		if err != nil || n < 0 {
			return errors.New("is not a whole number from 0: correct it")
		}
		p.Sequence = &n
		return nil
	},
	FieldHarmCategories: func(p *storage.Prompt, v any, separator string) (err error) {
		p.HarmCategories, err = list(v, separator)
		return err
	},
	FieldParameters: func(p *storage.Prompt, v any, separator string) error {
		if object, ok := object(v); ok {
			return asJSON(&p.Parameters, object)
		}
		names, err := list(v, separator)
		if err != nil {
			return err
		}
		return asJSON(&p.Parameters, names)
	},
	FieldMetadata: func(p *storage.Prompt, v any, _ string) error {
		object, ok := object(v)
		if !ok {
			return errors.New(`is not an object: write it as JSON, like {"source": "..."}, or leave the column unmapped`)
		}
		return asJSON(&p.Metadata, object)
	},
}

// scalar is a value as text, as it was written.
func scalar(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	case []any:
		return "", errors.New("is a list and not a text: map another column")
	}
	return "", errors.New("is an object and not a text: map another column")
}

func oneOf(v any, as func(string) string, known []string) (string, error) {
	said, err := scalar(v)
	if err != nil {
		return "", err
	}
	if made := as(strings.TrimSpace(said)); slices.Contains(known, made) {
		return made, nil
	}
	return "", fmt.Errorf("is %q and not one of %s", storage.Plain(said, 40), strings.Join(known, ", "))
}

// maxList bounds the texts that are read as a list: Python's, which pandas writes
// into CSV, is YAML's.
const maxList = 16 << 10

func list(v any, separator string) ([]string, error) {
	if flags, ok := v.(map[string]any); ok {
		return flagged(flags)
	}
	if s, ok := v.(string); ok {
		s = strings.TrimSpace(s)
		var parsed []string
		switch {
		case strings.HasPrefix(s, "[") && len(s) <= maxList && (json.Unmarshal([]byte(s), &parsed) == nil || yaml.Unmarshal([]byte(s), &parsed) == nil):
			if slices.ContainsFunc(parsed, func(s string) bool { return hasNUL(s) }) { // by an escape
				return nil, errNUL
			}
			return tidy(parsed), nil
		case separator != "":
			return tidy(strings.Split(s, separator)), nil
		}
		return tidy([]string{s}), nil
	}
	elements, ok := v.([]any)
	if !ok {
		elements = []any{v}
	}
	texts := make([]string, len(elements))
	for i, element := range elements {
		var err error
		if texts[i], err = scalar(element); err != nil {
			return nil, errors.New("has more than texts in its list: flatten it")
		}
	}
	return tidy(texts), nil
}

// flagged are the names that are true, as some datasets write what holds of a row.
func flagged(flags map[string]any) ([]string, error) {
	var names []string
	for name, value := range flags {
		holds, ok := value.(bool)
		if !ok {
			return nil, errors.New("is an object with more than true and false in it: write a list of texts")
		}
		if holds {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return tidy(names), nil
}

// joined is a list of all that two columns have.
func joined(first, second any, separator string) (any, error) {
	all := []any{}
	for _, v := range []any{first, second} {
		if v == nil || v == "" {
			continue
		}
		texts, err := list(v, separator)
		if err != nil {
			return nil, err
		}
		for _, text := range texts {
			all = append(all, text)
		}
	}
	return all, nil
}

// tidy drops space around elements, and elements that are nothing else or there
// already.
func tidy(texts []string) []string {
	out, seen := []string{}, map[string]bool{}
	for _, s := range texts {
		if s = strings.TrimSpace(s); s != "" && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func object(v any) (map[string]any, bool) {
	if s, ok := v.(string); ok {
		decoder := json.NewDecoder(strings.NewReader(s))
		decoder.UseNumber()
		var decoded map[string]any
		if decoder.Decode(&decoded) != nil || decoder.More() || hasNUL(decoded) {
			return nil, false
		}
		return decoded, decoded != nil
	}
	object, ok := v.(map[string]any)
	return object, ok
}

// asJSON writes what storage.CanonicalJSON would, in one go: the values are those of
// a cell, so that names are sorted and numbers stay as they were written.
func asJSON(into **storage.JSON, v any) error {
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return errors.New("has values that are no JSON: correct them")
	}
	made := storage.JSON(strings.TrimSuffix(out.String(), "\n"))
	*into = &made
	return nil
}
