package dataset

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// Field is a field of a prompt that a file can fill.
type Field string

// The fields. A list is a JSON or YAML list, or a text that the origin's separator
// divides.
const (
	FieldText           Field = "text"           // needed
	FieldSeedType       Field = "seedType"       // prompt, objective, simulated_conversation; prompt without it
	FieldRole           Field = "role"           // as a message's: user, assistant, ...
	FieldName           Field = "name"           //
	FieldDataType       Field = "dataType"       // text without it
	FieldHarmCategories Field = "harmCategories" // a list
	FieldParameters     Field = "parameters"     // a list of names, or an object
	FieldMetadata       Field = "metadata"       // an object
	FieldGroup          Field = "groupId"        // what prompts that are sent together share
	FieldSequence       Field = "sequence"       // a whole number from 0: their order
)

// Origin says where a field comes from: a column of the file, or the same for all
// rows. Exactly one of Column and Constant is set.
type Origin struct {
	Column   string `json:"column,omitempty"`
	Constant string `json:"constant,omitempty"`
	// Separator divides a text into a list; without it such a text is one element.
	Separator string `json:"separator,omitempty"`
	// Also are further columns whose values follow in the list: of harmCategories only.
	Also []string `json:"also,omitempty"`
	// Or are other names of the column, for files that are known under several.
	Or []string `json:"-"`
	// Optional leaves the field out where the file has no such column.
	Optional bool `json:"-"`
}

// Mapping says where each field comes from. Columns that no field takes are kept in
// the prompt's attributes.
type Mapping map[Field]Origin

// wellKnown are the columns that public prompt datasets and tools give each field,
// the surest first, in lower case and without what is between the words.
var wellKnown = map[Field][]string{
	FieldText: {
		"prompt", "prompttext", "text", "value", "goal", "question", "behavior", "objective", "instruction", "instructions",
		"query", "input", "userprompt", "jailbreakquery", "forbiddenprompt", "adversarialprompt", "request", "message", "content",
	},
	FieldSeedType: {"seedtype"},
	FieldRole:     {"role"},
	FieldName:     {"name", "title"},
	FieldDataType: {"datatype", "promptdatatype"},
	FieldHarmCategories: {
		"harmcategories", "harmcategory", "category", "categories", "semanticcategory", "harm", "harmtype", "topic", "policy",
	},
	FieldParameters: {"parameters"},
	FieldMetadata:   {"metadata", "promptmetadata"},
	FieldGroup:      {"promptgroupid", "promptgroupalias", "groupid"},
	FieldSequence:   {"sequence"},
}

// propose maps well-known columns, whose values rows may show.
func propose(columns []string, rows []*record) Mapping {
	mapping := Mapping{}
	for field, names := range wellKnown {
		for _, name := range names {
			i := slices.IndexFunc(columns, func(column string) bool { return plain(column) == name })
			if i < 0 {
				continue
			}
			origin := Origin{Column: columns[i]}
			if field == FieldHarmCategories || field == FieldParameters {
				origin.Separator = dividedBy(columns[i], rows)
			}
			mapping[field] = origin
			break
		}
	}
	if _, ok := mapping[FieldText]; !ok && len(columns) == 1 {
		mapping[FieldText] = Origin{Column: columns[0]}
	}
	return mapping
}

// known chooses the names of columns that the file has.
func (m Mapping) known(seen map[string]bool) Mapping {
	chosen := Mapping{}
	for field, origin := range m {
		i := slices.IndexFunc(origin.Or, func(name string) bool { return seen[name] })
		if origin.Column != "" && !seen[origin.Column] && i >= 0 {
			origin.Column = origin.Or[i]
		}
		if origin.Optional && !seen[origin.Column] {
			continue
		}
		origin.Or, origin.Optional = nil, false
		chosen[field] = origin
	}
	return chosen
}

func plain(column string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(column))
}

// dividedBy finds what divides the lists in a column. A comma is one only where the
// column's name is a plural: "fraud, scams" may be a single category.
func dividedBy(column string, rows []*record) string {
	for _, separator := range []string{";", "|", ","} {
		if separator == "," && !strings.HasSuffix(plain(column), "s") {
			break
		}
		for _, row := range rows {
			if s, _ := value(row.cells, column).(string); strings.Contains(s, separator) && !strings.HasPrefix(s, "[") {
				return separator
			}
		}
	}
	return ""
}

// check tells what is wrong with a mapping; columns is nil where no header declares
// them.
func (m Mapping) check(columns []string) error {
	for _, field := range slices.Sorted(maps.Keys(m)) {
		origin, name := m[field], "mapping."+string(field)
		known := slices.Sorted(maps.Keys(wellKnown))
		switch {
		case wellKnown[field] == nil:
			return storage.BadInput("mapping", "a prompt has no field %q that a file can fill: map one of %s", string(field), quoted(known))
		case (origin.Column == "") == (origin.Constant == ""):
			return storage.BadInput(name, "%s needs a column or a constant, and not both", field)
		case field == FieldText && origin.Constant != "":
			return storage.BadInput(name, "text cannot be the same for all rows: name its column")
		case len(origin.Also) > 0 && (field != FieldHarmCategories || origin.Column == ""):
			return storage.BadInput(name, "%s cannot be made of several columns: only a list of harm categories can", field)
		}
		for _, column := range append([]string{origin.Column}, origin.Also...) {
			if column != "" && columns != nil && !slices.Contains(columns, column) {
				return storage.BadInput(name, "the file has no column %q: map %s to one of %s", column, field, quoted(columns))
			}
		}
		if origin.Constant == "" {
			continue
		}
		if err := fill[field](&storage.Prompt{}, origin.Constant, origin.Separator); err != nil {
			return storage.BadInput(name, "the constant of %s %v", field, err)
		}
	}
	return nil
}

// quoted lists names for an error, not more than a few.
func quoted[T ~string](names []T) string {
	const few = 20
	var out []string
	for i, name := range names {
		if i == few {
			out = append(out, "...")
			break
		}
		out = append(out, fmt.Sprintf("%q", storage.Plain(string(name), 60)))
	}
	if len(out) == 0 {
		return "its columns (it has none)"
	}
	return strings.Join(out, ", ")
}
