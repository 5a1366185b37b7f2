package configured

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// What of a dataset is read for an estimate, and on how many prompts converters are tried.
const (
	mostRead  = 1_000
	mostTried = 20
)

// Validation is what is wrong with an orchestrator, and what running it would take.
type Validation struct {
	Problems []*storage.Problem
	Estimate *storage.Estimate // nil where too little is known
}

// ValidateOrchestrator checks that all that an orchestrator names is there and fits, and
// estimates a run of it, without a call. CodeNotFound for none.
func (t *Things) ValidateOrchestrator(ctx context.Context, store storage.UserStore, key string) (*Validation, error) {
	found, err := store.OrchestratorsByKey(ctx, []string{key})
	if err != nil {
		return nil, err
	}
	o := found[key]
	if o == nil {
		return nil, storage.Errorf(storage.CodeNotFound, "orchestrator %q does not exist: pass an id of one", storage.Plain(key, 80))
	}
	v := &validating{check: t.check(store), o: o}
	defer v.models.close()
	settings, problems := orchestrator.Check(o)
	v.problems = append(v.problems, problems...)
	if settings == nil {
		return &Validation{Problems: v.problems}, nil
	}
	v.settings, v.parts.Concurrent = settings, o.Concurrency
	for _, step := range []func(context.Context) error{v.targets, v.prompts, v.chains, v.scorers, v.attacks} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	v.parts.Generators = v.facts
	estimate := orchestrator.EstimateOf(settings, v.parts)
	if err := v.price(ctx, estimate); err != nil {
		return nil, err
	}
	v.budget(estimate)
	return &Validation{Problems: v.problems, Estimate: estimate}, nil
}

type validating struct {
	*check
	o        *storage.Orchestrator
	settings *orchestrator.Settings
	parts    orchestrator.Parts
	samples  []string
}

// targets looks at the attacked generator and the attacking one.
func (v *validating) targets(ctx context.Context) error {
	if v.o.GeneratorKey != nil {
		v.parts.Target = *v.o.GeneratorKey
		if _, err := v.generator(ctx, *v.o.GeneratorKey, "generator", ""); err != nil {
			return err
		}
	}
	if v.settings.Attacker != "" {
		if _, err := v.generator(ctx, v.settings.Attacker, "parameters."+orchestrator.Attacker, orchestrator.Attacker); err != nil {
			return err
		}
	}
	return nil
}

// prompts looks at what is sent, and keeps some of it to try converters on.
func (v *validating) prompts(ctx context.Context) error {
	texts, characters := v.o.Prompts, 0
	v.parts.Prompts = int64(len(texts))
	if v.o.DatasetKey != nil {
		found, err := v.store.DatasetsByKey(ctx, []string{*v.o.DatasetKey})
		if err != nil {
			return err
		}
		dataset := found[*v.o.DatasetKey]
		if dataset == nil {
			v.add(storage.ProblemError, "dataset", "the dataset is gone", "name one of workspace.datasets")
			return nil
		}
		pinned := storage.VersionKey{Dataset: dataset.Key, Number: dataset.Version}
		if v.o.DatasetVersion != nil {
			pinned.Number = *v.o.DatasetVersion
		}
		versions, err := v.store.DatasetVersionsByKey(ctx, []storage.VersionKey{pinned})
		if err != nil {
			return err
		}
		version := versions[pinned]
		if version == nil {
			v.add(storage.ProblemError, "dataset.version", fmt.Sprintf("the dataset has no version %d", pinned.Number), fmt.Sprintf("name one of its versions, of which %d is the newest, or none for the newest", dataset.Version))
			return nil
		}
		if pinned.Number < dataset.Version {
			v.add(storage.ProblemWarning, "dataset.version", fmt.Sprintf("the dataset has a newer version than %d", pinned.Number), "name no version for the newest")
		}
		if version.PromptCount == 0 {
			v.add(storage.ProblemError, "dataset", "the dataset is empty", "add prompts to it, or name another one")
		}
		if texts, err = v.read(ctx, pinned); err != nil {
			return err
		}
		v.parts.Prompts = version.PromptCount
	}
	for i, text := range texts {
		characters += len([]rune(text))
		if strings.TrimSpace(text) == "" && v.o.DatasetKey == nil {
			v.add(storage.ProblemError, "prompts", fmt.Sprintf("prompt %d is empty", i+1), "write it, or leave it out")
		}
	}
	if len(texts) > 0 {
		v.parts.Characters = float64(characters) / float64(len(texts))
	}
	v.samples = texts[:min(len(texts), mostTried)]
	return nil
}

// read reads the first texts of a version.
func (v *validating) read(ctx context.Context, version storage.VersionKey) ([]string, error) {
	pages, err := v.store.PromptsByVersion(ctx, []string{version.String()}, nil, storage.Page{Limit: mostRead})
	if err != nil || pages[version.String()] == nil {
		return nil, err
	}
	var texts []string
	other := 0
	for _, prompt := range pages[version.String()].Nodes() {
		if prompt.DataType != "text" {
			other++
			continue
		}
		texts = append(texts, prompt.Text)
	}
	if other > 0 {
		v.add(storage.ProblemWarning, "dataset", fmt.Sprintf("%d of the first prompts are no texts, which converters and attackers cannot use", other), "filter the dataset")
	}
	return texts, nil
}

// chains makes the converters, each once, and tries those that ask no generator.
func (v *validating) chains(ctx context.Context) error {
	asked := map[string][]orchestrator.Rewriter{}
	for i, keys := range v.o.Chains {
		chain := orchestrator.Chain{Growth: 1}
		var made converter.Chain
		broken := false
		for _, key := range keys {
			field := fmt.Sprintf("chains.%d", i)
			if _, seen := asked[key]; !seen {
				of, models, err := v.converter(ctx, Part{Key: key}, field)
				if err != nil {
					return err
				}
				asked[key] = []orchestrator.Rewriter{}
				for _, model := range models {
					asked[key] = append(asked[key], orchestrator.Rewriter{
						Generator: model, Maybe: of == "DenylistConverter", EachWord: of == "SelectiveTextConverter",
					})
				}
			}
			chain.Models = append(chain.Models, asked[key]...)
			one, _, err := v.models.converter(ctx, Part{Key: key})
			if broken = broken || err != nil; err == nil && len(asked[key]) == 0 {
				made = append(made, one)
			}
		}
		if !broken {
			var err error
			if chain.Growth, err = v.try(ctx, made, i, len(chain.Models) == 0); err != nil {
				return err
			}
		}
		v.parts.Chains = append(v.parts.Chains, chain)
	}
	return nil
}

// try converts the samples and tells by how much they grow. What fails tells something
// only of a whole chain: models write other texts.
func (v *validating) try(ctx context.Context, chain converter.Chain, place int, whole bool) (float64, error) {
	before, after, failed := 0, 0, 0
	var why string
	for i, sample := range v.samples {
		steps, err := chain.Steps(ctx, sample, uint64(i))
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err != nil {
			problem, err := storage.ProblemOf(err, "", "")
			if err != nil {
				return 0, err
			}
			failed++
			why = problem.Message
			continue
		}
		before += len([]rune(sample))
		if after += len([]rune(sample)); len(steps) > 0 {
			after += len([]rune(steps[len(steps)-1].Output)) - len([]rune(sample))
		}
	}
	if failed > 0 && whole {
		v.add(storage.ProblemWarning, fmt.Sprintf("chains.%d", place), fmt.Sprintf("%d of the first %d prompts cannot be converted: %s", failed, len(v.samples), why), "change the chain or the prompts; such attacks end as errors")
	}
	if before == 0 {
		return 1, nil
	}
	return float64(after) / float64(before), nil
}

// scorers makes the scorers; those that decide must say true or false.
func (v *validating) scorers(ctx context.Context) error {
	for i, key := range v.o.Scorers {
		objective := v.o.ObjectiveScorer != nil && *v.o.ObjectiveScorer == key
		asks, err := v.deciding(ctx, key, fmt.Sprintf("scorers.%d", i), objective)
		if err != nil {
			return err
		}
		asks.Objective = objective
		v.parts.Scorers = append(v.parts.Scorers, *asks)
	}
	for _, one := range []struct {
		parameter, key string
		part           **orchestrator.Asks
		decides        bool
	}{
		{orchestrator.FeedbackScorer, v.settings.FeedbackScorer, &v.parts.Feedback, false},
		{orchestrator.RefusalScorer, v.settings.RefusalScorer, &v.parts.Refusal, true},
	} {
		if one.key == "" {
			continue
		}
		asks, err := v.deciding(ctx, one.key, "parameters."+one.parameter, one.decides)
		if err != nil {
			return err
		}
		// The objective's own is asked once.
		if one.parameter != orchestrator.FeedbackScorer || v.o.ObjectiveScorer == nil || *v.o.ObjectiveScorer != one.key {
			*one.part = asks
		}
	}
	return nil
}

func (v *validating) deciding(ctx context.Context, key, field string, decides bool) (*orchestrator.Asks, error) {
	of, asks, err := v.scorer(ctx, Part{Key: key}, field)
	if err == nil && decides && of != "" && of != storage.ScoreTrueFalse {
		v.add(storage.ProblemError, field, fmt.Sprintf("the scorer gives %s, which decides nothing", of), "put a FloatScaleThresholdScorer around it, or take one of true or false")
	}
	asks.Key = key
	return &asks, err
}

// attacks counts what SCORING has to score.
func (v *validating) attacks(ctx context.Context) error {
	if v.settings.Attacks == nil {
		return nil
	}
	list, err := v.store.Attacks(ctx, v.settings.Attacks, storage.AttackOrder{Field: storage.AttackOrderNumber}, storage.Page{Limit: 1})
	if err != nil {
		return v.refused(err, "parameters."+orchestrator.Attacks, "change the filter")
	}
	if v.parts.ToScore, err = list.TotalCount(ctx); err != nil {
		return err
	}
	if v.parts.ToScore == 0 {
		v.add(storage.ProblemWarning, "parameters."+orchestrator.Attacks, "the filter holds for no attack by now", "change the filter")
	}
	return nil
}

// price adds the generators and what their calls cost.
func (v *validating) price(ctx context.Context, e *storage.Estimate) error {
	page, err := v.store.Prices(ctx, storage.Page{Limit: storage.MaxPrices})
	if err != nil {
		return err
	}
	prices := page.Nodes()
	sums := map[string]*storage.Cost{}
	for _, load := range e.Loads {
		load.Generator = v.known[load.GeneratorKey]
		model, calls := modelOf(load.Generator)
		if !calls {
			continue
		}
		price := storage.PriceOf(prices, model)
		if price == nil {
			if model != "" && !slices.Contains(e.Unpriced, model) {
				e.Unpriced = append(e.Unpriced, model)
			}
			continue
		}
		load.Cost = &storage.Cost{Currency: price.Currency, Amount: load.Input.By(price.Input / 1e6).Plus(load.Output.By(price.Output / 1e6))}
		if sums[price.Currency] == nil {
			sums[price.Currency] = &storage.Cost{Currency: price.Currency}
			e.Costs = append(e.Costs, sums[price.Currency])
		}
		sums[price.Currency].Amount = sums[price.Currency].Amount.Plus(load.Cost.Amount)
	}
	return nil
}

// modelOf is the name by which a generator's calls are priced: its model's, or its own.
// It reports false for what calls nothing.
func modelOf(generator *storage.Generator) (string, bool) {
	if generator == nil || generator.Type == target.TypeEcho {
		return "", false
	}
	tree, err := object(generator.Parameters)
	if model, named := tree["model"].(string); err == nil && named && model != "" {
		return model, true
	}
	return generator.Name, true
}

// budget warns of a run that would pause.
func (v *validating) budget(e *storage.Estimate) {
	b := v.o.Budget
	over := func(what string, likely, most float64) {
		if likely > most {
			v.add(storage.ProblemWarning, "budget", fmt.Sprintf("the run would pause: it is likely to take %.6g %s, and has %.6g", likely, what, most), "raise the budget, or make fewer attacks")
		}
	}
	if b.Calls != nil {
		over("calls", e.Calls.Likely, float64(*b.Calls))
	}
	if b.Tokens != nil {
		over("tokens", e.Input.Likely+e.Output.Likely, float64(*b.Tokens))
	}
	if b.Money == nil {
		return
	}
	if len(e.Unpriced) > 0 {
		v.add(storage.ProblemWarning, "budget", "these models have no price, so that their calls do not count: "+strings.Join(e.Unpriced, ", "), "set their prices with setPrice")
	}
	for _, cost := range e.Costs {
		if cost.Currency == *b.Currency {
			over(cost.Currency, cost.Amount.Likely, *b.Money)
		} else {
			v.add(storage.ProblemWarning, "budget", fmt.Sprintf("some calls cost %s, which a budget of %s does not count", cost.Currency, *b.Currency), "give prices and budget in one currency")
		}
	}
}
