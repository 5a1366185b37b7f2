package configured

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/execution/scorer"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// StatusFailing is the status of a generator whose last test failed.
const StatusFailing = "failing"

// Types are the types that this program can run, by kind.
func Types() map[storage.ConfiguredKind][]*storage.ConfiguredType {
	return map[storage.ConfiguredKind][]*storage.ConfiguredType{
		storage.KindGenerators: target.Types(),
		storage.KindConverters: converter.Types(),
		storage.KindScorers:    scorer.Types(),
	}
}

// Part is a converter or scorer of the workspace by its key, or one that is not stored.
type Part struct {
	Key        string
	Type       string
	Parameters storage.JSON
}

// Verdict is what a scorer says of a reply.
type Verdict = scorer.Verdict

// Subject is a reply to score, with what led to it.
type Subject = scorer.Subject

// Target opens a generator. The caller closes it.
func (t *Things) Target(ctx context.Context, store storage.UserStore, key string) (*target.Target, error) {
	thing, err := t.Usable(ctx, store, storage.KindGenerators, key)
	if err != nil {
		return nil, err
	}
	credentials, err := t.credentialsOf(ctx, store, storage.KindGenerators, key)
	if err != nil {
		return nil, err
	}
	parameters, err := withoutMarkers(thing.Parameters, credentials)
	if err != nil {
		return nil, err
	}
	return target.New(thing.Type, parameters, credentials, t.Calls)
}

// ExchangeCleaner is what takes credentials out of requests to a generator and out of its
// responses: its own, and what looks like one. Safe for concurrent use.
func (t *Things) ExchangeCleaner(ctx context.Context, store storage.UserStore, key string) (func(text string) string, error) {
	credentials, err := t.credentialsOf(ctx, store, storage.KindGenerators, key)
	if err != nil {
		return nil, err
	}
	known := secret.NewScrubber()
	known.Add(slices.Collect(maps.Values(credentials))...)
	return func(text string) string { return secret.CleanExchange(text, known) }, nil
}

// Models lists the models that a generator's provider offers.
func (t *Things) Models(ctx context.Context, store storage.UserStore, key string) ([]string, error) {
	model, err := t.Target(ctx, store, key)
	if err != nil {
		return nil, err
	}
	defer model.Close()
	if err := t.counted(ctx, model); err != nil {
		return nil, err
	}
	models, err := model.Models(ctx)
	return models, callable(err)
}

// Convert shows what a chain of converters makes of a text, step by step.
func (t *Things) Convert(ctx context.Context, store storage.UserStore, parts []Part, text string, seed uint64) ([]converter.Step, error) {
	steps, closed, err := t.Chain(ctx, store, parts)
	if err != nil {
		return nil, err
	}
	defer closed()
	return steps(ctx, text, seed)
}

// Chain opens converters that work one after another, and what closes them.
func (t *Things) Chain(ctx context.Context, store storage.UserStore, parts []Part) (steps func(ctx context.Context, text string, seed uint64) ([]converter.Step, error), closed func(), err error) {
	models := t.models(store)
	chain := make(converter.Chain, 0, len(parts))
	for _, part := range parts {
		made, _, err := models.converter(ctx, part)
		if err != nil {
			models.close()
			return nil, nil, err
		}
		chain = append(chain, made)
	}
	return func(ctx context.Context, text string, seed uint64) ([]converter.Step, error) {
		made, err := chain.Steps(ctx, text, seed)
		return made, callable(err)
	}, models.close, nil
}

// Score shows what a scorer says of a reply.
func (t *Things) Score(ctx context.Context, store storage.UserStore, part Part, subject Subject) (*scorer.Verdict, error) {
	models := t.models(store)
	defer models.close()
	made, _, err := models.scorer(ctx, part)
	if err != nil {
		return nil, err
	}
	verdict, err := made.Score(ctx, subject)
	if stopped := models.stopped(); stopped != nil {
		return nil, stopped
	}
	return &verdict, err
}

// stored is a part with the type and parameters that it has in the store, or would have.
func (t *Things) stored(ctx context.Context, store storage.UserStore, kind storage.ConfiguredKind, part Part) (Part, error) {
	if part.Key == "" {
		of, err := t.typeOf(kind, part.Type)
		if err != nil {
			return part, err
		}
		tree, err := object(part.Parameters)
		if err != nil {
			return part, err
		}
		withKeys(of, tree, store)
		part.Parameters, err = storage.CanonicalJSON(tree)
		return part, err
	}
	thing, err := t.Usable(ctx, store, kind, part.Key)
	if err != nil {
		return part, err
	}
	return Part{Key: part.Key, Type: thing.Type, Parameters: thing.Parameters}, nil
}

// models are the generators that converters and scorers ask, each opened once.
type models struct {
	things *Things
	store  storage.UserStore
	opened map[string]*target.Target

	mutex   sync.Mutex
	refused error // the first call that may not be made
}

func (t *Things) models(store storage.UserStore) *models {
	return &models{things: t, store: store, opened: map[string]*target.Target{}}
}

func (m *models) open(ctx context.Context, key string) (counting, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if known := m.opened[key]; known != nil {
		return counting{known, m}, nil
	}
	opened, err := m.things.Target(ctx, m.store, key)
	if err != nil {
		return counting{}, fmt.Errorf("open the generator that it asks: %w", err)
	}
	m.opened[key] = opened
	return counting{opened, m}, nil
}

func (m *models) close() {
	for _, opened := range m.opened {
		opened.Close()
	}
}

// stopped is why a call was not made: a judge that cannot be asked is no error to a
// scorer, but who asks too often is to be told.
func (m *models) stopped() error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.refused
}

// counting is a generator each of whose calls is counted.
type counting struct {
	target *target.Target
	models *models
}

// Reply calls the generator, unless its user has called too often.
func (c counting) Reply(ctx context.Context, system, user string) (string, error) {
	if err := c.models.things.counted(ctx, c.target); err != nil {
		c.models.mutex.Lock()
		defer c.models.mutex.Unlock()
		if c.models.refused == nil {
			c.models.refused = err
		}
		return "", err
	}
	return c.target.Reply(ctx, system, user)
}

// counted counts a call before it is made.
func (t *Things) counted(ctx context.Context, of *target.Target) error {
	if t.Count == nil || !of.Calls() {
		return nil
	}
	return t.Count(ctx)
}

// converter makes a converter, and says what it is.
func (m *models) converter(ctx context.Context, part Part) (converter.Converter, Part, error) {
	part, err := m.things.stored(ctx, m.store, storage.KindConverters, part)
	if err != nil {
		return nil, part, err
	}
	made, err := converter.New(part.Type, part.Parameters, func(ctx context.Context, key string) (converter.Model, error) { return m.open(ctx, key) })
	return made, part, err
}

// scorer makes a scorer, and tells what it is made of.
func (m *models) scorer(ctx context.Context, part Part) (scorer.Scorer, *parts, error) {
	part, err := m.things.stored(ctx, m.store, storage.KindScorers, part)
	if err != nil {
		return nil, nil, err
	}
	parts := &parts{ctx: ctx, models: m, characters: utf8.RuneCountInString(string(part.Parameters))}
	made, err := scorer.New(part.Type, part.Parameters, parts)
	return made, parts, err
}

// parts finds what a scorer is made of, in the context in which it is made.
type parts struct {
	ctx    context.Context //nolint:containedctx // it lives as long as scorer.New
	models *models
	asked  []string // generators, for each verdict
	// characters are those of its parameters, and of those of the scorers inside.
	characters int
}

func (p *parts) Model(key string) (scorer.Model, error) {
	p.asked = append(p.asked, key)
	model, err := p.models.open(p.ctx, key)
	if storage.CodeOf(err) == storage.CodeNotFound {
		return nil, missing(storage.KindGenerators, key, "chat_target")
	}
	return model, err
}

func (p *parts) Scorer(key string) (scorer.Configured, error) {
	part, err := p.models.things.stored(p.ctx, p.models.store, storage.KindScorers, Part{Key: key})
	p.characters += utf8.RuneCountInString(string(part.Parameters))
	return scorer.Configured{TypeName: part.Type, Parameters: part.Parameters}, err
}

// callable turns the failure of a call into an error that the caller can mend: it is the
// provider's, whose words are scrubbed.
func callable(err error) error {
	if failure, ok := errors.AsType[*target.Error](err); ok {
		return storage.Errorf(storage.CodeConflict, "the generator answered %s: %s", failure.Class, failure.Message)
	}
	return err
}

// withoutMarkers leaves out what stands at the top of parameters for a credential.
func withoutMarkers(parameters storage.JSON, credentials map[string]string) (storage.JSON, error) {
	if !slices.ContainsFunc(slices.Collect(maps.Keys(credentials)), atTop) {
		return parameters, nil
	}
	tree := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(parameters), &tree); err != nil {
		return "", storage.Errorf(storage.CodeConflict, "its parameters are no JSON object: update it")
	}
	for path := range credentials {
		if atTop(path) {
			delete(tree, unescaped(path[1:]))
		}
	}
	text, err := json.Marshal(tree)
	return storage.JSON(text), err
}

func atTop(path string) bool { return strings.Count(path, "/") == 1 }

// unescaped is a name as a JSON pointer writes it (RFC 6901 section 4).
func unescaped(part string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(part) }
