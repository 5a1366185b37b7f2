package configured

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// Done says what became of a thing that was to be as described.
type Done string

// What becomes of such a thing.
const (
	DoneCreated   Done = "created"
	DoneUpdated   Done = "updated"
	DoneUnchanged Done = "unchanged" // it was so already: nothing is written
)

// KeyOf is the key of the thing of a kind with exactly that name, "" for none.
func KeyOf(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, name string) (string, error) {
	exact, page := true, storage.Page{Limit: 1}
	filter := &storage.ConfiguredFilter{Name: &storage.TextMatch{Equals: &name, CaseSensitive: &exact}}
	switch kind {
	case storage.KindGenerators:
		found, err := store.Generators(ctx, filter, storage.NameOrder{}, page)
		return keyOfFirst(found, err, func(one *storage.Generator) string { return one.Key })
	case storage.KindConverters:
		found, err := store.Converters(ctx, filter, storage.NameOrder{}, page)
		return keyOfFirst(found, err, func(one *storage.Converter) string { return one.Key })
	}
	found, err := store.Scorers(ctx, filter, storage.NameOrder{}, page)
	return keyOfFirst(found, err, func(one *storage.Scorer) string { return one.Key })
}

func keyOfFirst[T any](found *storage.Connection[T], err error, key func(*T) string) (string, error) {
	if err != nil || len(found.Edges) == 0 {
		return "", err
	}
	return key(found.Edges[0].Node), nil
}

// Put lets the workspace have a thing of that name as described: it is made, or the one
// that is there is changed where it differs. A credential at the top of its parameters that
// is left out stays what it is. Errors are Create's and Update's, and CodeConflict for one
// of another type.
func (t *Things) Put(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, wanted New) (key string, done Done, err error) {
	if wanted.Name, err = CheckName(wanted.Name); err != nil {
		return "", "", err
	}
	of, err := t.typeOf(kind, wanted.Type)
	if err != nil {
		return "", "", err
	}
	if key, err = KeyOf(ctx, store, kind, wanted.Name); err != nil {
		return "", "", err
	}
	if key == "" {
		key, err = t.Create(ctx, store, kind, wanted)
		return key, DoneCreated, err
	}
	thing, err := Read(ctx, store, kind, key)
	if err != nil {
		return "", "", err
	}
	if was, err := t.typeOf(kind, thing.Type); err != nil || was != of {
		return "", "", storage.Errorf(storage.CodeConflict, "the workspace has a %s of this name and of the type %s: give one of them another name", one(kind), thing.Type)
	}
	credentials, err := t.open(ctx, store, kind, thing)
	if err != nil {
		return "", "", err
	}
	given, err := withCredentials(wanted.Parameters, credentials)
	if err != nil {
		return "", "", err
	}
	if same, err := equal(store, of, thing, given, credentials); err != nil || same {
		return key, DoneUnchanged, err
	}
	return key, DoneUpdated, t.Update(ctx, store, kind, key, Change{Parameters: &given})
}

// withCredentials puts the marker of credentials where parameters leave them out.
func withCredentials(parameters storage.JSON, credentials map[string]string) (storage.JSON, error) {
	tree, err := object(parameters)
	if err != nil {
		return "", err
	}
	for path := range credentials {
		name := unescaped(path[1:])
		if _, given := tree[name]; !given && atTop(path) {
			tree[name] = secret.Marker
		}
	}
	return storage.CanonicalJSON(tree)
}

// equal says whether a thing has those parameters and credentials.
func equal(store storage.UserStore, of *storage.ConfiguredType, thing *storage.Configured, given storage.JSON, credentials map[string]string) (bool, error) {
	clean, found, err := split(store, of, given)
	if err != nil {
		return false, err
	}
	for path, value := range credentials {
		if _, changed := found[path]; !changed && leaf(clean, path) == secret.Marker {
			found[path] = value
		}
	}
	parameters, err := storage.CanonicalJSON(clean)
	if err != nil {
		return false, err
	}
	stored, err := object(thing.Parameters)
	if err != nil {
		return false, nil // an import may bring what is no object
	}
	was, err := storage.CanonicalJSON(stored)
	return parameters == was && maps.Equal(found, credentials), err
}

// PutOrchestrator lets the workspace have an orchestrator of that name as edit makes it,
// which must set everything, and returns its key. Errors are CreateOrchestrator's.
func (t *Things) PutOrchestrator(ctx context.Context, store storage.UserStore, author, name string, edit Edit) (key string, done Done, err error) {
	if name, err = CheckName(name); err != nil {
		return "", "", err
	}
	there, err := OrchestratorNamed(ctx, store, name)
	if err != nil {
		return "", "", err
	}
	whole := func(o *storage.Orchestrator) error {
		*o = storage.Orchestrator{
			ID: o.ID, Key: o.Key, Name: name, Author: o.Author, CreatedAt: o.CreatedAt, UpdatedAt: o.UpdatedAt,
			Concurrency: usualConcurrency, Parameters: "{}",
		}
		return edit(o)
	}
	if there == nil {
		key, err = t.CreateOrchestrator(ctx, store, author, whole)
		return key, DoneCreated, err
	}
	wanted := *there
	if _, err := edited(&wanted, store, whole); err != nil {
		return "", "", err
	}
	if asText(&wanted) == asText(there) {
		return there.Key, DoneUnchanged, nil
	}
	return there.Key, DoneUpdated, t.UpdateOrchestrator(ctx, store, there.Key, whole)
}

// OrchestratorNamed is the orchestrator with exactly that name, nil for none.
func OrchestratorNamed(ctx context.Context, store storage.UserStore, name string) (*storage.Orchestrator, error) {
	exact := true
	filter := &storage.OrchestratorFilter{Name: &storage.TextMatch{Equals: &name, CaseSensitive: &exact}}
	found, err := store.Orchestrators(ctx, filter, storage.NameOrder{}, storage.Page{Limit: 1})
	if err != nil || len(found.Edges) == 0 {
		return nil, err
	}
	return found.Edges[0].Node, nil
}

// asText is an orchestrator as a text by which it can be compared: an empty list is
// none, and the order of labels means nothing.
func asText(o *storage.Orchestrator) string {
	c := *o
	c.Prompts, c.Scorers, c.Tags = append([]string{}, o.Prompts...), append([]string{}, o.Scorers...), append([]string{}, o.Tags...)
	c.Chains = [][]string{}
	for _, chain := range o.Chains {
		c.Chains = append(c.Chains, append([]string{}, chain...))
	}
	c.Labels = append([]*storage.Label{}, o.Labels...)
	slices.SortFunc(c.Labels, func(a, b *storage.Label) int { return strings.Compare(a.Key, b.Key) })
	text, _ := json.Marshal(c) // texts, numbers and times are always JSON
	return string(text)
}
