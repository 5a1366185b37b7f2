// Package runfile is a run described in one YAML file, which can lie in a repository:
// generators, converters, scorers, datasets and an orchestrator by their names, and when
// the run is too bad. Credentials are not in it: it names environment variables.
package runfile

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/gate"
	"github.com/violentutf/violentutf/native"
	"github.com/violentutf/violentutf/storage"
)

// File is a description that was read, with the values of the environment variables that
// it names. It is JSON between a command and the owner of a data folder.
type File struct {
	Path      string `json:"path"` // as it was named
	Line      int    `json:"line"` // of the orchestrator
	Name      string `json:"name,omitempty"`
	Workspace string `json:"workspace,omitempty"`

	Things       map[storage.ConfiguredKind]map[string]*Thing `json:"things"`
	Datasets     map[string]*Dataset                          `json:"datasets"`
	Orchestrator Orchestrator                                 `json:"orchestrator"`

	FailIf     []string                    `json:"failIf,omitempty"`
	Severities map[string]storage.Severity `json:"severities,omitempty"` // by harm category or class of attack
}

// Thing is a generator, converter or scorer. Parameters name other things.
type Thing struct {
	Line       int            `json:"line"`
	Type       string         `json:"type"`
	Parameters map[string]any `json:"parameters"` // with credentials
}

// Dataset is where its prompts come from: one of the three.
type Dataset struct {
	Line        int               `json:"line"`
	Description *string           `json:"description,omitempty"`
	Tags        []string          `json:"tags,omitempty"`
	Prompts     []Prompt          `json:"prompts,omitempty"`
	Native      string            `json:"native,omitempty"`
	File        string            `json:"file,omitempty"`   // an absolute path
	Format      string            `json:"format,omitempty"` // told by the file without it
	Mapping     map[string]string `json:"mapping,omitempty"`
}

// Prompt is a prompt that stands in the description.
type Prompt struct {
	Text           string   `json:"text"`
	Name           *string  `json:"name,omitempty"`
	HarmCategories []string `json:"harmCategories,omitempty"`
}

// Orchestrator is an orchestrator by the names of its parts. Without a type it is the one
// that the workspace has.
type Orchestrator struct {
	Name            string            `json:"name"`
	Type            string            `json:"type,omitempty"`
	Generator       string            `json:"generator,omitempty"`
	Dataset         string            `json:"dataset,omitempty"`
	DatasetVersion  *int64            `json:"datasetVersion,omitempty"`
	Prompts         []string          `json:"prompts,omitempty"`
	Chains          [][]string        `json:"chains,omitempty"`
	Scorers         []string          `json:"scorers,omitempty"`
	ObjectiveScorer string            `json:"objectiveScorer,omitempty"`
	Parameters      map[string]any    `json:"parameters,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Tags            []string          `json:"tags,omitempty"`
	Budget          storage.Budget    `json:"budget"`
	Concurrency     *int64            `json:"concurrency,omitempty"`
	CallTimeout     *int64            `json:"callTimeoutSeconds,omitempty"`
	RunTimeout      *int64            `json:"runTimeoutSeconds,omitempty"`
}

// Format is the version of the form of files.
const Format = 1

// MaxBytes is how large a file may be. Prompts beyond that belong into a file of a dataset.
const MaxBytes = 4 << 20

// mostNameBytes is how long the name of a dataset may be, as where one is uploaded.
const mostNameBytes = 300

// SeverityOf is how bad it is that attacks of a harm category, or of a class, succeed: HIGH
// unless the file says otherwise.
func (f *File) SeverityOf(rule string) storage.Severity {
	if severity, stated := f.Severities[rule]; stated {
		return severity
	}
	return storage.SeverityHigh
}

// Read reads a file of that path, whose datasets' files lie beside it. getenv gives the
// values of environment variables. An error lists all that is wrong, a line for each, with
// its place.
func Read(path string, content []byte, getenv func(string) string) (*File, error) {
	if len(content) > MaxBytes {
		return nil, fmt.Errorf("%s is larger than %d MiB: put prompts into a file of their own, and name it as a dataset's file", path, MaxBytes>>20)
	}
	r := &reader{path: path, getenv: getenv}
	root := r.document(content)
	file := &File{Path: path, Things: map[storage.ConfiguredKind]map[string]*Thing{}, Datasets: map[string]*Dataset{}}
	if root != nil {
		r.file(file, root)
	}
	return file, r.error()
}

func (r *reader) file(file *File, root *node) {
	given := r.object(root, members{
		"version": func(n *node) {
			if version := r.integer(n); version != nil && *version != Format {
				r.wrong(n, "this program reads version %d of this form, not %d", Format, *version)
			}
		},
		"name":      func(n *node) { file.Name = r.text(n) },
		"workspace": func(n *node) { file.Workspace = r.text(n) },
		"generators": func(n *node) {
			file.Things[storage.KindGenerators] = r.things(n, storage.KindGenerators)
		},
		"converters": func(n *node) {
			file.Things[storage.KindConverters] = r.things(n, storage.KindConverters)
		},
		"scorers": func(n *node) {
			file.Things[storage.KindScorers] = r.things(n, storage.KindScorers)
		},
		"datasets": func(n *node) {
			r.each(n, func(name string, line int, n *node) {
				if name != storage.Plain(name, mostNameBytes) {
					r.wrong(n, "a dataset needs a name of at most %d bytes on one line", mostNameBytes)
				}
				file.Datasets[name] = r.dataset(line, n)
			})
		},
		"orchestrator": func(n *node) { file.Orchestrator = r.orchestrator(n) },
		"failIf":       func(n *node) { file.FailIf = r.conditions(n) },
		"severities":   func(n *node) { file.Severities = r.severities(n) },
	})
	file.Line = given["orchestrator"]
	if given["version"] == 0 {
		r.wrong(root, "say which form this is: version: %d", Format)
	}
	if file.Line == 0 {
		r.wrong(root, "an orchestrator is missing: describe one, or name one of the workspace")
	}
}

func (r *reader) things(n *node, kind storage.ConfiguredKind) map[string]*Thing {
	made := map[string]*Thing{}
	r.each(n, func(name string, line int, n *node) {
		thing := &Thing{Line: line, Parameters: map[string]any{}}
		members := members{
			"type":       func(n *node) { thing.Type = r.text(n) },
			"parameters": func(n *node) { thing.Parameters = r.parameters(n, kind == storage.KindGenerators) },
		}
		var credential *node
		if kind == storage.KindGenerators {
			members["credential"] = func(n *node) { credential = n }
		}
		if given := r.object(n, members); given["type"] == 0 {
			r.wrong(n, "%q has no type", name)
		}
		if credential != nil {
			r.credential(thing, credential)
		}
		made[name] = thing
	})
	return made
}

func (r *reader) dataset(line int, n *node) *Dataset {
	d := &Dataset{Line: line}
	given := r.object(n, members{
		"description": func(n *node) {
			d.Description = r.maybe(n)
			if err := storage.CheckText("description", d.Description, storage.MaxNoteBytes); err != nil {
				r.wrong(n, "%v", err)
			}
		},
		"tags": func(n *node) {
			d.Tags = r.texts(n)
			if len(d.Tags) > storage.MaxFileTags || slices.ContainsFunc(d.Tags, func(tag string) bool { return tag != storage.Plain(tag, storage.MaxFileTagBytes) }) {
				r.wrong(n, "a dataset has at most %d tags, of at most %d bytes on one line each", storage.MaxFileTags, storage.MaxFileTagBytes)
			}
		},
		"prompts": func(n *node) {
			r.list(n, func(n *node) { d.Prompts = append(d.Prompts, r.prompt(n)) })
			if len(d.Prompts) == 0 {
				r.wrong(n, "a dataset needs a prompt")
			}
		},
		"native": func(n *node) {
			if d.Native = r.text(n); native.ByName(d.Native) == nil || !native.ByName(d.Native).Available() {
				r.wrong(n, "there is no list %q: use one of %s", d.Native, strings.Join(lists(), ", "))
			}
		},
		"file": func(n *node) {
			d.File = r.text(n)
			if !filepath.IsAbs(d.File) {
				d.File = filepath.Join(filepath.Dir(r.path), filepath.FromSlash(d.File))
			}
			absolute, err := filepath.Abs(d.File)
			if err != nil {
				r.wrong(n, "%v", err)
			}
			d.File = absolute
		},
		"format":  func(n *node) { d.Format = r.text(n) },
		"mapping": func(n *node) { d.Mapping = r.named(n) },
	})
	sources := 0
	for _, source := range []string{"prompts", "native", "file"} {
		if given[source] > 0 {
			sources++
		}
	}
	if sources != 1 {
		r.wrong(n, "give one of prompts, native and file")
	}
	if given["file"] == 0 && given["format"]+given["mapping"] > 0 {
		r.wrong(n, "format and mapping belong to a file")
	}
	return d
}

func lists() []string {
	var names []string
	for _, list := range native.Lists() {
		if list.Available() {
			names = append(names, list.Name)
		}
	}
	return names
}

func (r *reader) prompt(n *node) (p Prompt) {
	if n.isText() {
		p.Text = r.text(n)
		return p
	}
	r.object(n, members{
		"text":           func(n *node) { p.Text = r.text(n) },
		"name":           func(n *node) { p.Name = r.maybe(n) },
		"harmCategories": func(n *node) { p.HarmCategories = r.texts(n) },
	})
	if strings.TrimSpace(p.Text) == "" {
		r.wrong(n, "a prompt needs a text")
	}
	return p
}

func (r *reader) orchestrator(n *node) (o Orchestrator) {
	if n.isText() {
		o.Name = r.text(n)
		return o
	}
	given := r.object(n, members{
		"name": func(n *node) { o.Name = r.text(n) },
		"type": func(n *node) {
			if o.Type = r.text(n); orchestrator.Named(o.Type) == nil {
				r.wrong(n, "%q is no type of orchestrators: use one of %s", o.Type, strings.Join(orchestratorTypes(), ", "))
			}
		},
		"generator": func(n *node) { o.Generator = r.text(n) },
		"dataset": func(n *node) {
			if n.isText() {
				o.Dataset = r.text(n)
				return
			}
			r.object(n, members{
				"name":    func(n *node) { o.Dataset = r.text(n) },
				"version": func(n *node) { o.DatasetVersion = r.integer(n) },
			})
		},
		"prompts":            func(n *node) { o.Prompts = r.texts(n) },
		"chains":             func(n *node) { r.list(n, func(n *node) { o.Chains = append(o.Chains, r.texts(n)) }) },
		"scorers":            func(n *node) { o.Scorers = r.texts(n) },
		"objectiveScorer":    func(n *node) { o.ObjectiveScorer = r.text(n) },
		"parameters":         func(n *node) { o.Parameters = r.parameters(n, false) },
		"labels":             func(n *node) { o.Labels = r.named(n) },
		"tags":               func(n *node) { o.Tags = r.texts(n) },
		"budget":             func(n *node) { o.Budget = r.budget(n) },
		"concurrency":        func(n *node) { o.Concurrency = r.integer(n) },
		"callTimeoutSeconds": func(n *node) { o.CallTimeout = r.integer(n) },
		"runTimeoutSeconds":  func(n *node) { o.RunTimeout = r.integer(n) },
	})
	if given["name"] == 0 || given["type"] == 0 {
		r.wrong(n, "an orchestrator needs a name and a type; the name alone, as a text, is one that the workspace has")
	}
	return o
}

func orchestratorTypes() []string {
	var names []string
	for _, of := range orchestrator.Types() {
		names = append(names, of.Name)
	}
	return names
}

func (r *reader) budget(n *node) (b storage.Budget) {
	r.object(n, members{
		"calls":    func(n *node) { b.Calls = r.integer(n) },
		"tokens":   func(n *node) { b.Tokens = r.integer(n) },
		"money":    func(n *node) { b.Money = r.number(n) },
		"currency": func(n *node) { b.Currency = r.maybe(n) },
	})
	return b
}

func (r *reader) conditions(n *node) (conditions []string) {
	read := func(n *node) {
		condition := r.text(n)
		if _, err := gate.Parse(condition); err != nil {
			r.wrong(n, "%v", err)
		}
		conditions = append(conditions, condition)
	}
	if n.isText() {
		read(n)
	} else {
		r.list(n, read)
	}
	return conditions
}

func (r *reader) severities(n *node) map[string]storage.Severity {
	known := []storage.Severity{storage.SeverityInfo, storage.SeverityLow, storage.SeverityMedium, storage.SeverityHigh, storage.SeverityCritical}
	made := map[string]storage.Severity{}
	r.each(n, func(rule string, _ int, n *node) {
		if made[rule] = storage.Severity(r.text(n)); !slices.Contains(known, made[rule]) {
			r.wrong(n, "a severity is INFO, LOW, MEDIUM, HIGH or CRITICAL, not %q", string(made[rule]))
		}
	})
	return made
}

// variable is what names of environment variables are made of (POSIX, section 8.1).
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
