// Package native holds the lists of prompts that come with the program: harmless ones,
// written by this project under its own licence, and slots for lists of other projects
// whose files users have to get themselves.
package native

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/violentutf/violentutf/storage"
)

// License is that of the lists that come with the program: the project's own.
const License = "Apache-2.0, as the program itself"

// List is a list of prompts, or a slot for one.
type List struct {
	Name           string   `yaml:"name"` // by which clients ask for it
	Title          string   `yaml:"title"`
	Description    string   `yaml:"description"`
	Version        int64    `yaml:"version"` // 0 of a slot
	License        string   `yaml:"license"`
	HarmCategories []string `yaml:"harm_categories"`
	Parameters     []string `yaml:"parameters"` // that its prompts leave open
	Texts          []string `yaml:"prompts"`    // none in a slot

	// Of a slot: where a user gets the file, its format and columns, and what they are.
	Source  string            `yaml:"source"`
	Format  string            `yaml:"format"`
	Columns []string          `yaml:"columns"`
	Mapping map[string]Origin `yaml:"mapping"`
}

// Origin is where a field of a prompt comes from: a column, or the same for all.
type Origin struct {
	Column   string   `yaml:"column"`
	Constant string   `yaml:"constant"`
	Also     []string `yaml:"also"`     // further columns whose values follow in a list
	Or       []string `yaml:"or"`       // the column in other editions of the file
	Optional bool     `yaml:"optional"` // not every edition has it
}

// Available says whether the program has the list.
func (l *List) Available() bool { return len(l.Texts) > 0 }

// Prompts gives a list's prompts, one after another, and then io.EOF.
func (l *List) Prompts() func() (*storage.Prompt, error) {
	at := 0
	return func() (*storage.Prompt, error) {
		if at == len(l.Texts) {
			return nil, io.EOF
		}
		p := &storage.Prompt{Text: l.Texts[at], SeedType: "prompt", DataType: "text", HarmCategories: slices.Clone(l.HarmCategories)}
		if len(l.Parameters) > 0 {
			names := storage.JSON(`["` + strings.Join(l.Parameters, `","`) + `"]`)
			p.Parameters = &names
		}
		at++
		return p, nil
	}
}

//go:embed lists/*.yaml slots.yaml
var embedded embed.FS

// all are read once: a file that cannot be read is a fault of the program.
var all = read()

// Lists returns the program's own lists, by name, and then the slots in their order.
func Lists() []*List { return all }

// ByName finds a list or slot; nil for none.
func ByName(name string) *List {
	for _, list := range all {
		if list.Name == name {
			return list
		}
	}
	return nil
}

func read() []*List {
	var lists []*List
	names, err := fs.Glob(embedded, "lists/*.yaml")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		list := &List{License: License}
		decode(name, list)
		lists = append(lists, list)
	}
	slices.SortFunc(lists, func(a, b *List) int { return strings.Compare(a.Name, b.Name) })
	var slots []*List
	decode("slots.yaml", &slots)
	return append(lists, slots...)
}

func decode(name string, into any) {
	text, err := embedded.ReadFile(name)
	if err == nil {
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		decoder.KnownFields(true)
		err = decoder.Decode(into)
	}
	if err != nil {
		panic(fmt.Sprintf("the list %s of this program: %v", name, err))
	}
}
