package runfile

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/gate"
	"github.com/violentutf/violentutf/native"
	"github.com/violentutf/violentutf/storage"
)

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
