package dataset

import (
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// seeds gives the rows of a document what it says of all of them, as PyRIT does
// (SeedDataset of 1.1).
type seeds struct {
	rows source
	doc  document
}

// document is what a file says beside its list of rows.
type document struct {
	pyrit bool   // the list is prompts or seeds
	cells []cell // those that the rows inherit
}

func (s *seeds) columns() []string { return s.rows.columns() }

func (s *seeds) next() (*record, error) {
	rec, err := s.rows.next()
	if err == nil && rec.reject == nil {
		s.doc.apply(rec)
	}
	return rec, err
}

// inherited are the members of a document that its rows take over; description and
// the like, which would be the same in each row, are the dataset's.
var inherited = []string{
	"name", "dataset_name", "source", "data_type", "seed_type", "role", "harm_categories", "authors", "groups", "parameters",
}

// seedMembers are those of a seed that a prompt has fields for.
var seedMembers = []string{
	"value", "seed_type", "role", "name", "data_type", "harm_categories", "parameters", "metadata", "prompt_group_alias", "sequence",
}

// promptOnly are those that only a prompt has (PROMPT_ONLY_SEED_KEYS).
var promptOnly = []string{"data_type", "role", "sequence", "parameters"}

// seedDocument finds the list of rows among a document's members: the one named
// prompts or seeds, another well-known name, or the only one; -1 where the document
// is a prompt itself.
func seedDocument(cells []cell) (doc document, list int, err error) {
	list = -1
	for _, name := range []string{"seeds", "prompts", "data", "rows", "examples", "items"} {
		if i := find(cells, name); i >= 0 && isList(cells[i].value) {
			list, doc.pyrit = i, name == "seeds" || name == "prompts"
			break
		}
	}
	if list < 0 {
		var names []string
		for i, c := range cells {
			if isList(c.value) && !slices.Contains(inherited, c.name) {
				names, list = append(names, c.name), i
			}
		}
		if len(names) > 1 {
			return doc, 0, storage.BadInput("file", "the file has several lists (%s): call the one with the prompts prompts", quoted(names))
		}
	}
	if list < 0 {
		if find(cells, "value") < 0 && find(cells, "prompt") < 0 && find(cells, "text") < 0 {
			return doc, 0, storage.BadInput("file", "the file has no list of prompts: put them under prompts")
		}
		return doc, -1, nil
	}
	for _, c := range cells {
		if doc.pyrit && slices.Contains(inherited, c.name) && c.value != nil {
			doc.cells = append(doc.cells, c)
		}
	}
	return doc, list, nil
}

func isList(value any) bool { _, ok := value.([]any); return ok }

// find is the place of a cell, -1 without.
func find(cells []cell, name string) int {
	return slices.IndexFunc(cells, func(c cell) bool { return c.name == name })
}

// apply completes a row; a lone text is the value.
func (d *document) apply(rec *record) {
	if !d.pyrit {
		return
	}
	if len(rec.cells) == 1 && rec.cells[0].name == textColumn {
		rec.cells[0].name, rec.lone = "value", false
	}
	kind, _ := value(rec.cells, "seed_type").(string)
	if kind == "" {
		if kind, _ = value(d.cells, "seed_type").(string); kind == "" {
			kind = "prompt"
		}
		if said, _ := value(rec.cells, "is_objective").(bool); said { // 0.10
			kind = "objective"
		}
		rec.set("seed_type", kind)
	}
	for _, c := range d.cells {
		i := find(rec.cells, c.name)
		switch {
		case c.name == "harm_categories" || c.name == "authors" || c.name == "groups":
			var own any
			if i >= 0 {
				own = rec.cells[i].value
			}
			rec.set(c.name, union(c.value, own))
		case kind != "prompt" && slices.Contains(promptOnly, c.name):
		case i < 0 || rec.cells[i].value == nil:
			rec.set(c.name, c.value)
		}
	}
	if kind == "prompt" && value(rec.cells, "role") == nil {
		rec.set("role", "user")
	}
	if kind == "simulated_conversation" && value(rec.cells, "value") == nil {
		rec.set("value", configuration(rec.cells))
	}
}

// configuration is the value of a simulated conversation, which PyRIT makes of what
// says how to hold it.
func configuration(cells []cell) any {
	said := map[string]any{}
	for _, c := range cells {
		if c.name == "num_turns" || c.name == "sequence" || strings.HasSuffix(c.name, "_path") {
			said[c.name] = c.value
		}
	}
	made, err := storage.CanonicalJSON(said)
	if err != nil || len(said) == 0 {
		return nil
	}
	return string(made)
}

func value(cells []cell, name string) any {
	if i := find(cells, name); i >= 0 {
		return cells[i].value
	}
	return nil
}

// set gives the row a cell that lies where the row does.
func (rec *record) set(name string, v any) {
	if i := find(rec.cells, name); i >= 0 {
		rec.cells[i].value = v
		return
	}
	own, place := len(rec.cells), rec.place
	rec.cells = append(rec.cells, cell{name: name, value: v})
	if place != nil {
		rec.place = func(i int) (int64, int64) {
			if i >= own {
				return rec.line, rec.column
			}
			return place(i)
		}
	}
}

// union joins two lists, or texts for lists of one, each element once.
func union(values ...any) []any {
	joined, seen := []any{}, map[string]bool{}
	for _, v := range values {
		list, ok := v.([]any)
		if s, isText := v.(string); !ok && isText && s != "" {
			list = []any{s}
		}
		for _, element := range list {
			if s, isText := element.(string); isText {
				if seen[s] {
					continue
				}
				seen[s] = true
			}
			joined = append(joined, element)
		}
	}
	return joined
}
