package configured

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// OrchestratorTypes are the types that this program knows.
func OrchestratorTypes() []*storage.OrchestratorType { return orchestrator.Types() }

// Edit makes an orchestrator as its user wants it.
type Edit func(*storage.Orchestrator) error

// What an orchestrator has that nobody chose, and its longest times.
const (
	usualConcurrency = 4
	longestCall      = 60 * 60           // seconds
	longestRun       = 30 * 24 * 60 * 60 // seconds
	mostLabels       = 50
	mostTagBytes     = 200
)

// CreateOrchestrator makes an orchestrator, which need not be whole, and returns its key.
// CodeBadInput names what cannot be stored, CodeNotFound what is named and not there,
// CodeConflict a name that is taken.
func (t *Things) CreateOrchestrator(ctx context.Context, store storage.UserStore, author string, edit Edit) (string, error) {
	key, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	o := &storage.Orchestrator{Key: key.String(), Concurrency: usualConcurrency, Parameters: "{}", Author: author, CreatedAt: now, UpdatedAt: now}
	names, err := edited(o, store, edit)
	if err != nil {
		return "", err
	}
	return o.Key, store.AddOrchestrator(ctx, o, names)
}

// UpdateOrchestrator changes an orchestrator. Errors are CreateOrchestrator's, and
// CodeNotFound.
func (t *Things) UpdateOrchestrator(ctx context.Context, store storage.UserStore, key string, edit Edit) error {
	return store.ChangeOrchestrator(ctx, key, func(o *storage.Orchestrator) ([]storage.Named, error) {
		o.UpdatedAt = time.Now().UTC().Truncate(time.Microsecond)
		return edited(o, store, edit)
	})
}

// CloneOrchestrator makes an orchestrator like another one and returns its key.
func (t *Things) CloneOrchestrator(ctx context.Context, store storage.UserStore, key, name, author string) (string, error) {
	found, err := store.OrchestratorsByKey(ctx, []string{key})
	if err != nil {
		return "", err
	}
	like := found[key]
	if like == nil {
		return "", storage.Errorf(storage.CodeNotFound, "orchestrator %q does not exist: pass an id of one", storage.Plain(key, 80))
	}
	return t.CreateOrchestrator(ctx, store, author, func(o *storage.Orchestrator) error {
		made := *like
		made.Key, made.Name, made.Author, made.CreatedAt, made.UpdatedAt = o.Key, name, o.Author, o.CreatedAt, o.UpdatedAt
		*o = made
		return nil
	})
}

// edited edits an orchestrator, brings it into the form in which it is stored, and lists
// what it names.
func edited(o *storage.Orchestrator, store storage.UserStore, edit Edit) ([]storage.Named, error) {
	if err := edit(o); err != nil {
		return nil, err
	}
	var err error
	if o.Name, err = CheckName(o.Name); err != nil {
		return nil, err
	}
	of := orchestrator.Named(o.Type)
	if of == nil {
		return nil, storage.BadInput("type", "%q is no type of orchestrators: use one of viewer.orchestratorTypes", storage.Plain(o.Type, 80))
	}
	if o.Parameters, err = plainParameters(of, o.Parameters, store); err != nil {
		return nil, err
	}
	for _, check := range []func(*storage.Orchestrator) error{checkPrompts, checkParts, checkWords, checkBounds} {
		if err := check(o); err != nil {
			return nil, err
		}
	}
	return append(named(o), orchestrator.References(o)...), nil
}

// plainParameters are parameters as they are stored: with keys where ids stood, and
// without credentials, which have no place here.
func plainParameters(of *storage.OrchestratorType, given storage.JSON, store storage.UserStore) (storage.JSON, error) {
	tree, err := object(given)
	if err != nil {
		return "", err
	}
	unknown := map[string]any{}
	for name, value := range tree {
		if !slices.ContainsFunc(of.Parameters, func(p *storage.Parameter) bool { return p.Name == name }) {
			unknown[name] = value
		}
	}
	if _, found := secret.Extract(unknown); len(found) > 0 {
		return "", storage.BadInput("parameters", "credentials belong to a generator: name it here")
	}
	withKeys(&of.ConfiguredType, tree, store)
	return storage.CanonicalJSON(tree)
}

func checkPrompts(o *storage.Orchestrator) error {
	if len(o.Prompts) > storage.MaxPrompts {
		return storage.BadInput("prompts", "an orchestrator has at most %d prompts of its own, not %d: make a dataset of them", storage.MaxPrompts, len(o.Prompts))
	}
	for _, prompt := range o.Prompts {
		if err := storage.CheckText("prompts", &prompt, storage.MaxPromptBytes); err != nil {
			return err
		}
	}
	switch {
	case o.DatasetKey != nil && len(o.Prompts) > 0:
		return storage.BadInput("prompts", "give either a dataset or prompts: null takes the dataset away")
	case o.DatasetKey == nil:
		o.DatasetVersion = nil
	case o.DatasetVersion != nil && *o.DatasetVersion < 1:
		return storage.BadInput("dataset", "versions of datasets count from 1")
	}
	return nil
}

func checkParts(o *storage.Orchestrator) error {
	if len(o.Chains) > storage.MaxChains {
		return storage.BadInput("chains", "an orchestrator has at most %d chains, not %d", storage.MaxChains, len(o.Chains))
	}
	for _, chain := range o.Chains {
		if len(chain) > storage.MaxChain {
			return storage.BadInput("chains", "a chain has at most %d converters, not %d", storage.MaxChain, len(chain))
		}
	}
	if len(o.Scorers) > storage.MaxScorers {
		return storage.BadInput("scorers", "an orchestrator has at most %d scorers, not %d", storage.MaxScorers, len(o.Scorers))
	}
	for i, key := range o.Scorers {
		if slices.Contains(o.Scorers[:i], key) {
			return storage.BadInput("scorers", "name each scorer once")
		}
	}
	if o.ObjectiveScorer != nil && !slices.Contains(o.Scorers, *o.ObjectiveScorer) {
		return storage.BadInput("objectiveScorer", "objectiveScorer must be one of scorers; null is none of them")
	}
	if o.Chains == nil {
		o.Chains = [][]string{}
	}
	return nil
}

func checkWords(o *storage.Orchestrator) error {
	if len(o.Labels) > mostLabels || len(o.Tags) > storage.MaxTags {
		return storage.BadInput("labels", "an orchestrator has at most %d labels and %d tags", mostLabels, storage.MaxTags)
	}
	seen := map[string]bool{}
	for _, label := range o.Labels {
		if strings.TrimSpace(label.Key) == "" || seen[label.Key] {
			return storage.BadInput("labels", "each label needs a key of its own")
		}
		seen[label.Key] = true
		if err := storage.CheckText("labels", &label.Key, storage.MaxLabelKeyBytes); err != nil {
			return err
		}
		if err := storage.CheckText("labels", &label.Value, storage.MaxLabelValueBytes); err != nil {
			return err
		}
	}
	for i, tag := range o.Tags {
		if o.Tags[i] = strings.TrimSpace(tag); o.Tags[i] == "" {
			return storage.BadInput("tags", "a tag needs a name")
		}
		if err := storage.CheckText("tags", &o.Tags[i], mostTagBytes); err != nil {
			return err
		}
	}
	slices.Sort(o.Tags)
	o.Tags = slices.Compact(o.Tags)
	return nil
}

// CheckBudget checks a budget, and writes its currency as it is stored.
func CheckBudget(b *storage.Budget) error {
	switch {
	case b.Calls != nil && *b.Calls < 1, b.Tokens != nil && *b.Tokens < 1, b.Money != nil && *b.Money < 0:
		return storage.BadInput("budget", "a budget is at least one call, one token, and no debt")
	case (b.Money == nil) != (b.Currency == nil):
		return storage.BadInput("budget", "a budget of money needs its currency, and a currency an amount")
	case b.Currency == nil:
		return nil
	}
	currency, err := storage.CheckCurrency("budget", *b.Currency)
	b.Currency = &currency
	return err
}

func checkBounds(o *storage.Orchestrator) error {
	if err := CheckBudget(&o.Budget); err != nil {
		return err
	}
	if o.Concurrency < 1 || o.Concurrency > storage.MaxConcurrency {
		return storage.BadInput("concurrency", "concurrency must be between 1 and %d, not %d", storage.MaxConcurrency, o.Concurrency)
	}
	for _, bound := range []struct {
		field   string
		seconds *int64
		most    int64
	}{{"callTimeoutSeconds", o.CallTimeoutSeconds, longestCall}, {"runTimeoutSeconds", o.RunTimeoutSeconds, longestRun}} {
		if bound.seconds != nil && (*bound.seconds < 1 || *bound.seconds > bound.most) {
			return storage.BadInput(bound.field, "%s must be between 1 and %d", bound.field, bound.most)
		}
	}
	return nil
}

// named is what an orchestrator names beside its parameters.
func named(o *storage.Orchestrator) []storage.Named {
	var names []storage.Named
	add := func(table storage.ConfiguredKind, argument string, keys ...string) {
		for _, key := range keys {
			names = append(names, storage.Named{Table: table, Key: key, Argument: argument})
		}
	}
	if o.GeneratorKey != nil {
		add(storage.KindGenerators, "generator", *o.GeneratorKey)
	}
	if o.DatasetKey != nil {
		add(storage.NamedDatasets, "dataset", *o.DatasetKey)
	}
	for _, chain := range o.Chains {
		add(storage.KindConverters, "chains", chain...)
	}
	add(storage.KindScorers, "scorers", o.Scorers...)
	return names
}
