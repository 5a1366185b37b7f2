package runfile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/storage"
)

// Change says what became of one thing of a file.
type Change struct {
	Kind string          `json:"kind"` // generators, converters, scorers, datasets, orchestrators
	Name string          `json:"name"`
	Done configured.Done `json:"done"`
}

// Applied is a file whose things the workspace has.
type Applied struct {
	Orchestrator string   `json:"orchestrator"` // key
	Changes      []Change `json:"changes"`
}

// Apply lets a workspace have what the file describes: what is not there by its name is
// made, what differs is changed, and the rest stays as it is. Each thing is one change of
// its own: after an error those before it stay, and applying again goes on. Errors name the
// place in the file. allowed is asked in changes of datasets, which may take long.
func (f *File) Apply(ctx context.Context, things *configured.Things, store storage.UserStore, author string, allowed storage.Allowed) (*Applied, error) {
	a := &applying{file: f, things: things, store: store, author: author, allowed: allowed, keys: map[named]string{}, done: &Applied{}}
	for _, kind := range []storage.ConfiguredKind{storage.KindGenerators, storage.KindConverters, storage.KindScorers} {
		for _, name := range slices.Sorted(maps.Keys(f.Things[kind])) {
			if _, err := a.thing(ctx, kind, name); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(f.Datasets)) {
		key, done, err := a.dataset(ctx, name, f.Datasets[name])
		if err != nil {
			return nil, f.at(f.Datasets[name].Line, "dataset", name, err)
		}
		a.add(storage.NamedDatasets, name, key, done)
	}
	if err := a.orchestrator(ctx); err != nil {
		return nil, f.at(f.Line, "orchestrator", f.Orchestrator.Name, err)
	}
	return a.done, nil
}

// at puts an error at its place in the file, and keeps its code.
func (f *File) at(line int, what, name string, err error) error {
	code := storage.CodeOf(err)
	if code == storage.CodeInternal {
		return fmt.Errorf("%s:%d: %s %q: %w", f.Path, line, what, name, err)
	}
	return &storage.Error{Code: code, Message: fmt.Sprintf("%s:%d: %s %q: %v", f.Path, line, what, name, err)}
}

type named struct {
	kind storage.ConfiguredKind
	name string
}

type applying struct {
	file    *File
	things  *configured.Things
	store   storage.UserStore
	author  string
	allowed storage.Allowed
	keys    map[named]string // of what is there by now; empty of what is being made
	done    *Applied
}

func (a *applying) add(kind storage.ConfiguredKind, name, key string, done configured.Done) {
	a.keys[named{kind, name}] = key
	a.done.Changes = append(a.done.Changes, Change{string(kind), name, done})
}

// thing is the key of a thing of that name: as described, or one that the workspace has.
func (a *applying) thing(ctx context.Context, kind storage.ConfiguredKind, name string) (string, error) {
	if key, known := a.keys[named{kind, name}]; known {
		if key == "" {
			return "", storage.Errorf(storage.CodeConflict, "%q is made of itself", name)
		}
		return key, nil
	}
	described := a.file.Things[kind][name]
	if described == nil {
		key, err := configured.KeyOf(ctx, a.store, kind, name)
		if err == nil && key == "" {
			err = storage.Errorf(storage.CodeNotFound, "neither the file nor the workspace has %s of the name %q", kind, name)
		}
		return key, err
	}
	a.keys[named{kind, name}] = ""
	key, done, err := a.put(ctx, kind, name, described)
	if err != nil {
		return "", a.file.at(described.Line, string(kind), name, err)
	}
	a.add(kind, name, key, done)
	return key, nil
}

func (a *applying) put(ctx context.Context, kind storage.ConfiguredKind, name string, described *Thing) (string, configured.Done, error) {
	var parameters []*storage.Parameter
	for _, of := range a.things.Types[kind] {
		if of.Name == described.Type {
			parameters = of.Parameters
		}
	}
	text, err := a.withKeys(ctx, parameters, described.Parameters)
	if err != nil {
		return "", "", err
	}
	return a.things.Put(ctx, a.store, kind, configured.New{Name: name, Type: described.Type, Parameters: text})
}

// withKeys puts keys in place of the names of things, and writes parameters.
func (a *applying) withKeys(ctx context.Context, parameters []*storage.Parameter, given map[string]any) (storage.JSON, error) {
	values := maps.Clone(given)
	for _, parameter := range parameters {
		kind := map[storage.ParameterKind]storage.ConfiguredKind{
			storage.ParameterGenerator: storage.KindGenerators, storage.ParameterConverter: storage.KindConverters, storage.ParameterScorers: storage.KindScorers,
		}[parameter.Kind]
		if kind == "" {
			continue
		}
		switch value := values[parameter.Name].(type) {
		case string:
			key, err := a.thing(ctx, kind, value)
			if err != nil {
				return "", err
			}
			values[parameter.Name] = key
		case []any:
			keys := make([]any, len(value))
			for i, name := range value {
				text, _ := name.(string)
				key, err := a.thing(ctx, kind, text)
				if err != nil {
					return "", err
				}
				keys[i] = key
			}
			values[parameter.Name] = keys
		}
	}
	if values == nil {
		return "{}", nil
	}
	text, err := json.Marshal(values)
	return storage.JSON(text), err
}

func (a *applying) all(ctx context.Context, kind storage.ConfiguredKind, names []string) ([]string, error) {
	keys := make([]string, len(names))
	for i, name := range names {
		var err error
		if keys[i], err = a.thing(ctx, kind, name); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// orchestrator finds or makes the orchestrator of the file.
func (a *applying) orchestrator(ctx context.Context) error {
	o := &a.file.Orchestrator
	if o.Type == "" {
		there, err := configured.OrchestratorNamed(ctx, a.store, o.Name)
		if err == nil && there == nil {
			err = storage.Errorf(storage.CodeNotFound, "the workspace has no orchestrator of this name")
		}
		if err == nil {
			a.done.Orchestrator = there.Key
		}
		return err
	}
	made, err := a.described(ctx, o)
	if err != nil {
		return err
	}
	key, done, err := a.things.PutOrchestrator(ctx, a.store, a.author, o.Name, func(o *storage.Orchestrator) error {
		made.ID, made.Key, made.Name, made.Author, made.CreatedAt, made.UpdatedAt = o.ID, o.Key, o.Name, o.Author, o.CreatedAt, o.UpdatedAt
		if made.Concurrency == 0 {
			made.Concurrency = o.Concurrency
		}
		*o = made
		return nil
	})
	if err != nil {
		return err
	}
	a.add("orchestrators", o.Name, key, done)
	a.done.Orchestrator = key
	return nil
}

// described is the orchestrator with the keys of its parts.
func (a *applying) described(ctx context.Context, o *Orchestrator) (made storage.Orchestrator, err error) {
	made = storage.Orchestrator{
		Type: o.Type, DatasetVersion: o.DatasetVersion, Prompts: o.Prompts, Tags: slices.Clone(o.Tags), Budget: o.Budget,
		CallTimeoutSeconds: o.CallTimeout, RunTimeoutSeconds: o.RunTimeout,
	}
	if o.Concurrency != nil {
		if made.Concurrency = *o.Concurrency; made.Concurrency == 0 {
			return made, storage.BadInput("concurrency", "concurrency must be 1 or more")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(o.Labels)) {
		made.Labels = append(made.Labels, &storage.Label{Key: key, Value: o.Labels[key]})
	}
	if o.Generator != "" {
		key, err := a.thing(ctx, storage.KindGenerators, o.Generator)
		if err != nil {
			return made, err
		}
		made.GeneratorKey = &key
	}
	if o.Dataset != "" {
		key, err := a.datasetKey(ctx, o.Dataset)
		if err != nil {
			return made, err
		}
		made.DatasetKey = &key
	}
	for _, chain := range o.Chains {
		keys, err := a.all(ctx, storage.KindConverters, chain)
		if err != nil {
			return made, err
		}
		made.Chains = append(made.Chains, keys)
	}
	if made.Scorers, err = a.all(ctx, storage.KindScorers, o.Scorers); err != nil {
		return made, err
	}
	if o.ObjectiveScorer != "" {
		key, err := a.thing(ctx, storage.KindScorers, o.ObjectiveScorer)
		if err != nil {
			return made, err
		}
		made.ObjectiveScorer = &key
	}
	for _, of := range configured.OrchestratorTypes() {
		if of.Name == o.Type {
			made.Parameters, err = a.withKeys(ctx, of.Parameters, o.Parameters)
		}
	}
	return made, err
}
