package execution

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/execution/scorer"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// Preparer makes runs of orchestrators ready.
type Preparer struct {
	Things *configured.Things
	Lanes  *Lanes
}

// classes are what attacks of a type are called: PyRIT 1.1's names, so that native and
// imported runs are compared.
var classes = map[string]string{
	orchestrator.PromptSending: "PromptSendingAttack", orchestrator.MultiPrompt: "MultiPromptSendingAttack",
	orchestrator.RedTeaming: "RedTeamingAttack", orchestrator.Crescendo: "CrescendoAttack",
}

// runs is CodeConflict for a type that the engine does not run.
func runs(typeName string) error {
	if classes[typeName] == "" && typeName != orchestrator.Scoring {
		return storage.Errorf(storage.CodeConflict, "orchestrators of the type %s are not run: a person leads the conversation, with startConversation and sendMessage", typeName)
	}
	return nil
}

// Prepare opens what a plan names.
func (p *Preparer) Prepare(ctx context.Context, store storage.UserStore, stored *storage.ExecutionPlan) (Work, error) {
	plan, err := ReadPlan(stored.Configuration)
	if err != nil {
		return nil, err
	}
	settings, problems := orchestrator.Check(plan.Orchestrator)
	for _, problem := range problems {
		if problem.Severity == storage.ProblemError {
			return nil, storage.Errorf(storage.CodeConflict, "%s: %s", problem.Message, problem.Remedy)
		}
	}
	if err := runs(settings.Type.Name); err != nil {
		return nil, err
	}
	w := &assembly{preparer: p, store: store, plan: plan, settings: settings, models: map[string]*Model{}, built: map[string]*judge{}}
	w.key = stored.Key
	if err := w.open(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// assembly is a run of an orchestrator, ready.
type assembly struct {
	preparer *Preparer
	key      string // of the run
	store    storage.UserStore
	plan     *Plan
	settings *orchestrator.Settings
	spending *spending
	prices   []*storage.Price
	models   map[string]*Model // by the generator's key
	built    map[string]*judge // by the scorer's key
	chains   []*chain
	judges   []*judge
	strategy strategy
	prompts  *prompts
	raw      func(text string) string // as attempt's
	until    time.Time                // of the run's bound, which begins anew with each engine; zero for none
	waiting  *waiting                 // nil in a run
	scoring  *rescoring               // nil in a run that attacks
}

func (w *assembly) Concurrency() int { return int(w.plan.Orchestrator.Concurrency) }

// Close gives up connections and what is being read.
func (w *assembly) Close() error {
	for _, model := range w.models {
		model.target.Close()
	}
	if w.prompts != nil {
		return w.prompts.close()
	}
	return nil
}

func (w *assembly) open(ctx context.Context) error {
	o := w.plan.Orchestrator
	found, err := w.store.Prices(ctx, storage.Page{Limit: storage.MaxPrices})
	if err != nil {
		return err
	}
	w.prices = found.Nodes()
	w.spending = &spending{budget: budgetOf(o.Budget)}
	scores := w.settings.Type.Name == orchestrator.Scoring
	if o.GeneratorKey == nil && !scores {
		return storage.BadInput("generator", "the orchestrator names no generator to attack")
	}
	if err := w.openParts(ctx); err != nil {
		return err
	}
	if seconds := o.RunTimeoutSeconds; seconds != nil {
		w.until = time.Now().Add(time.Duration(*seconds) * time.Second)
	}
	if scores {
		w.scoring = &rescoring{store: w.store, key: w.key, each: w.settings.EachReply, decide: w.settings.UpdateOutcome, judges: w.judges}
		return nil
	}
	if w.settings.KeepRaw {
		if w.raw, err = w.preparer.Things.ExchangeCleaner(ctx, w.store, *o.GeneratorKey); err != nil {
			return err
		}
	}
	if w.strategy, err = w.strategyOf(ctx); err != nil {
		return err
	}
	w.prompts = &prompts{store: w.store, orchestrator: o}
	return nil
}

// openParts opens generators, chains and scorers.
func (w *assembly) openParts(ctx context.Context) error {
	o := w.plan.Orchestrator
	for key := range w.plan.Generators { // all, for nothing is opened while items are worked on
		if _, err := w.model(ctx, key); err != nil {
			return err
		}
	}
	for _, keys := range o.Chains {
		made, err := w.chain(ctx, keys)
		if err != nil {
			return err
		}
		w.chains = append(w.chains, made)
	}
	if len(w.chains) == 0 {
		w.chains = []*chain{nil}
	}
	for _, key := range o.Scorers {
		made, err := w.judge(ctx, key, o.ObjectiveScorer != nil && key == *o.ObjectiveScorer)
		if err != nil {
			return err
		}
		w.judges = append(w.judges, made)
	}
	return nil
}

func budgetOf(b storage.Budget) Budget {
	made := Budget{}
	if b.Calls != nil {
		made.Calls = *b.Calls
	}
	if b.Tokens != nil {
		made.Tokens = *b.Tokens
	}
	if b.Money != nil {
		made.Money, made.Currency = *b.Money, *b.Currency
	}
	return made
}

// Resume counts what earlier engines spent.
func (w *assembly) Resume(p storage.ExecutionProgress) {
	w.spending.calls, w.spending.tokens, w.spending.money = p.Calls, p.InputTokens+p.OutputTokens, p.Cost
}

// model opens a generator once.
func (w *assembly) model(ctx context.Context, key string) (*Model, error) {
	if known := w.models[key]; known != nil {
		return known, nil
	}
	part := w.plan.Generators[key]
	if part == nil {
		return nil, storage.Errorf(storage.CodeConflict, "the plan of the run lacks a generator: queue its orchestrator again")
	}
	options := w.preparer.Things.Calls
	if seconds := w.plan.Orchestrator.CallTimeoutSeconds; seconds != nil {
		options.Timeout = time.Duration(*seconds) * time.Second
	}
	opened, err := w.preparer.Things.TargetAs(ctx, w.store, key, part.Type, part.Parameters, options)
	if err != nil {
		return nil, fmt.Errorf("open the generator %q: %w", part.Name, err)
	}
	component, err := opened.Component(part.Name)
	if err != nil {
		opened.Close()
		return nil, err
	}
	component.GeneratorID = &key
	made := &Model{target: opened, component: component, lane: w.preparer.Lanes.of(key, boundsOf(opened)), spending: w.spending, waiting: w.waiting}
	if component.Model != nil {
		if price := storage.PriceOf(w.prices, *component.Model); price != nil && (w.spending.budget.Currency == "" || price.Currency == w.spending.budget.Currency) {
			made.price = Price{PerMillionInput: price.Input, PerMillionOutput: price.Output}
		}
	}
	w.models[key] = made
	return made, nil
}

func boundsOf(t *target.Target) Bounds {
	atOnce := storage.MaxConcurrency
	if own := t.Bound(target.Concurrency); own > 0 {
		atOnce = int(own)
	}
	return Bounds{AtOnce: atOnce, RequestsPerMinute: t.Bound(target.RequestsPerMinute), TokensPerMinute: t.Bound(target.TokensPerMinute)}
}

func (w *assembly) chain(ctx context.Context, keys []string) (*chain, error) {
	converters := make(converter.Chain, 0, len(keys))
	for _, key := range keys {
		part := w.plan.Converters[key]
		if part == nil {
			return nil, storage.Errorf(storage.CodeConflict, "the plan of the run lacks a converter: queue its orchestrator again")
		}
		made, err := converter.New(part.Type, part.Parameters, func(ctx context.Context, key string) (converter.Model, error) { return w.model(ctx, key) })
		if err != nil {
			return nil, fmt.Errorf("open the converter %q: %w", part.Name, err)
		}
		converters = append(converters, made)
	}
	made, err := newChain(converters)
	if err != nil {
		return nil, err
	}
	for i, key := range keys {
		made.components[i].ConverterID = &key
	}
	return made, nil
}

// judge opens a scorer.
func (w *assembly) judge(ctx context.Context, key string, objective bool) (*judge, error) {
	part := w.plan.Scorers[key]
	if part == nil {
		return nil, storage.Errorf(storage.CodeConflict, "the plan of the run lacks a scorer: queue its orchestrator again")
	}
	made, err := scorer.New(part.Type, part.Parameters, scorerParts{ctx: ctx, assembly: w})
	if err != nil {
		return nil, fmt.Errorf("open the scorer %q: %w", part.Name, err)
	}
	component := *made.Component()
	component.Name, component.ScorerID = part.Name, &key
	return &judge{scorer: made, component: &component, objective: objective}, nil
}

// scorerParts finds what a scorer is made of, in the context in which it is made.
type scorerParts struct {
	ctx      context.Context //nolint:containedctx // it lives as long as scorer.New
	assembly *assembly
}

func (p scorerParts) Model(key string) (scorer.Model, error) { return p.assembly.model(p.ctx, key) }

func (p scorerParts) Scorer(key string) (scorer.Configured, error) {
	part := p.assembly.plan.Scorers[key]
	if part == nil {
		return scorer.Configured{}, storage.Errorf(storage.CodeConflict, "the plan of the run lacks a scorer: queue its orchestrator again")
	}
	return scorer.Configured{TypeName: part.Type, Parameters: part.Parameters}, nil
}

func (w *assembly) strategyOf(ctx context.Context) (strategy, error) {
	s := w.settings
	told := func(objective string) string {
		return orchestrator.Fill(s.AttackerSystemPrompt, map[string]string{
			orchestrator.PlaceOfObjective: objective, orchestrator.PlaceOfMaxTurns: fmt.Sprint(s.MaxTurns),
		})
	}
	var attacker *Model
	var err error
	if s.Attacker != "" {
		if attacker, err = w.model(ctx, s.Attacker); err != nil {
			return nil, err
		}
	}
	switch s.Type.Name {
	case orchestrator.MultiPrompt:
		return sendScript{systemPrompt: s.SystemPrompt, turns: func(prompt string) []string {
			turns := make([]string, len(s.Turns))
			for i, turn := range s.Turns {
				turns[i] = orchestrator.Fill(turn, map[string]string{orchestrator.PlaceOfPrompt: prompt})
			}
			return turns
		}}, nil
	case orchestrator.RedTeaming:
		made := redTeam{systemPrompt: s.SystemPrompt, attacker: attacker, told: told, maxTurns: s.MaxTurns, first: func(objective string) string {
			return orchestrator.Fill(s.FirstPrompt, map[string]string{orchestrator.PlaceOfObjective: objective})
		}}
		if o := w.plan.Orchestrator; s.FeedbackScorer != "" && (o.ObjectiveScorer == nil || *o.ObjectiveScorer != s.FeedbackScorer) {
			made.feedback, err = w.judge(ctx, s.FeedbackScorer, false)
		}
		return made, err
	case orchestrator.Crescendo:
		made := crescendo{systemPrompt: s.SystemPrompt, attacker: attacker, told: told, maxTurns: s.MaxTurns, maxBacktracks: s.MaxBacktracks}
		if s.RefusalScorer != "" {
			made.refusal, err = w.judge(ctx, s.RefusalScorer, false)
			return made, err
		}
		rules, err := scorer.New("RuleRefusalScorer", "{}", scorerParts{ctx: ctx, assembly: w})
		if err == nil {
			made.refusal = &judge{scorer: rules, component: rules.Component()}
		}
		return made, err
	}
	return sendPrompt{systemPrompt: s.SystemPrompt}, nil
}

// Do works on one item.
func (w *assembly) Do(ctx context.Context, item int64) (*storage.ItemResult, error) {
	if !w.until.IsZero() && time.Now().After(w.until) {
		return nil, &Stop{Reason: storage.ReasonTimeout, Message: "the time of the run is over: raise runTimeoutSeconds, or resume it for as long again"}
	}
	if w.scoring != nil {
		return w.scoring.do(ctx, item)
	}
	index := w.plan.index(item)
	at, chainAt := w.plan.place(index, w.settings.Repetitions)
	a := &attempt{
		class: classes[w.settings.Type.Name], through: w.chains[chainAt], target: w.models[*w.plan.Orchestrator.GeneratorKey],
		judges: w.judges, labels: w.plan.Orchestrator.Labels, tags: w.plan.Orchestrator.Tags, raw: w.raw,
		// Each item has its own stream of the run's seed.
		seed: w.plan.Seed + uint64(index)*0x94d049bb133111eb,
	}
	if w.plan.Prompts > 0 {
		prompt, err := w.prompts.at(ctx, at)
		if err != nil {
			return nil, err
		}
		a.prompt, a.objective = prompt, prompt.Text
	}
	return a.run(ctx, item, w.strategy)
}

// prompts reads the prompts of a run in order, a window of them at a time: items are given
// out in order, so that those under way lie together.
type prompts struct {
	store        storage.UserStore
	orchestrator *storage.Orchestrator

	mu     sync.Mutex
	reader storage.PromptReader
	first  int64             // index of window[0]
	window []*storage.Prompt // read, and perhaps still needed
}

// kept is how many prompts behind the newest may be asked for.
const keptPrompts = 4 * storage.MaxConcurrency

func (p *prompts) at(ctx context.Context, index int64) (*storage.Prompt, error) {
	if p.orchestrator.DatasetKey == nil {
		return &storage.Prompt{Text: p.orchestrator.Prompts[index]}, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reader == nil || index < p.first {
		if err := p.restart(context.WithoutCancel(ctx)); err != nil {
			return nil, err
		}
	}
	for index >= p.first+int64(len(p.window)) {
		next, err := p.reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the dataset has no prompt %d", index)
		}
		if err != nil {
			return nil, err
		}
		kept := *next // the reader may use its memory again
		kept.HarmCategories = slices.Clone(next.HarmCategories)
		if p.window = append(p.window, &kept); len(p.window) > 2*keptPrompts {
			p.first += int64(len(p.window) - keptPrompts)
			p.window = append([]*storage.Prompt{}, p.window[len(p.window)-keptPrompts:]...)
		}
	}
	return p.window[index-p.first], nil
}

func (p *prompts) restart(ctx context.Context) error {
	if err := p.close(); err != nil {
		return err
	}
	version := storage.VersionKey{Dataset: *p.orchestrator.DatasetKey, Number: *p.orchestrator.DatasetVersion}
	reader, err := p.store.OpenPrompts(ctx, storage.PromptSelection{From: []storage.PromptsOf{{VersionKey: version}}})
	p.reader, p.first, p.window = reader, 0, nil
	return err
}

func (p *prompts) close() error {
	if p.reader == nil {
		return nil
	}
	err := p.reader.Close()
	p.reader = nil
	return err
}
