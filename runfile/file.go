// Package runfile is a run described in one YAML file, which can lie in a repository:
// generators, converters, scorers, datasets and an orchestrator by their names, and when
// the run is too bad. Credentials are not in it: it names environment variables.
package runfile

import (
	"fmt"

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
