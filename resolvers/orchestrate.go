package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// orchestrators and prices are nouns of inWorkspace and inStore, which use no table of theirs.
var (
	orchestrators = noun{name: "Orchestrator", action: "orchestrator.", kind: storage.KindOrchestrator}
	prices        = noun{name: "Price", action: "price.", kind: storage.KindPrice}
)

func (r *Resolver) createOrchestrator(ctx context.Context, input schema.CreateOrchestratorInput) (*schema.OrchestratorPayload, error) {
	return r.changeOrchestrator(ctx, r.inWorkspace(orchestrators, change{
		field: "createOrchestrator", id: input.ClientMutationID, input: input, action: orchestrators.action + "create",
		fields: append([]string{"name", "type"}, settingsNamed(input.OrchestratorSettings)...),
	}, input.Workspace, func(ctx context.Context, set *loaders.Set) (string, error) {
		user, err := directives.User(ctx)
		if err != nil {
			return "", err
		}
		return r.things.CreateOrchestrator(ctx, set.Store, user.Username, func(o *storage.Orchestrator) error {
			o.Name, o.Type = input.Name, input.Type
			return settle(o, set.Store, input.OrchestratorSettings)
		})
	}))
}

func (r *Resolver) updateOrchestrator(ctx context.Context, input schema.UpdateOrchestratorInput) (*schema.OrchestratorPayload, error) {
	fields := append(given(map[string]bool{"name": input.Name != nil, "type": input.Type != nil}), settingsNamed(input.OrchestratorSettings)...)
	return r.changeOrchestrator(ctx, r.inStore(orchestrators, change{
		field: "updateOrchestrator", id: input.ClientMutationID, input: input, action: orchestrators.action + "update", fields: fields,
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		return key, r.things.UpdateOrchestrator(ctx, set.Store, key, func(o *storage.Orchestrator) error {
			if input.Name != nil {
				o.Name = *input.Name
			}
			if input.Type != nil {
				o.Type = *input.Type
			}
			return settle(o, set.Store, input.OrchestratorSettings)
		})
	}))
}

func (r *Resolver) cloneOrchestrator(ctx context.Context, input graph.CloneOrchestratorInput) (*schema.OrchestratorPayload, error) {
	return r.changeOrchestrator(ctx, r.inStore(orchestrators, change{
		field: "cloneOrchestrator", id: input.ClientMutationID, input: input, action: orchestrators.action + "clone", fields: []string{"name"},
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		user, err := directives.User(ctx)
		if err != nil {
			return "", err
		}
		return r.things.CloneOrchestrator(ctx, set.Store, key, input.Name, user.Username)
	}))
}

func (r *Resolver) deleteOrchestrator(ctx context.Context, input graph.DeleteOrchestratorInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, orchestrators, change{
		field: "deleteOrchestrator", id: input.ClientMutationID, input: input, action: orchestrators.action + "delete",
	}, input.ID, storage.Deletion{Cascade: input.Cascade}, "orchestrators")
}

func (r *Resolver) removePrice(ctx context.Context, input graph.RemovePriceInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, prices, change{
		field: "removePrice", id: input.ClientMutationID, input: input, action: prices.action + "remove",
	}, input.ID, storage.Deletion{}, "prices")
}

func (r *Resolver) validateOrchestrator(ctx context.Context, input graph.ValidateOrchestratorInput) (*schema.ValidationPayload, error) {
	answer := &schema.ValidationPayload{}
	done, payload, err := r.mutate(ctx, r.inStore(orchestrators, change{
		field: "validateOrchestrator", input: input, action: orchestrators.action + "validate",
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		found, err := r.things.ValidateOrchestrator(ctx, set.Store, key)
		if err == nil {
			answer.Validation = &schema.OrchestratorValidation{Problems: found.Problems, Estimate: found.Estimate}
		}
		return key, err
	}))
	payload.ClientMutationID = input.ClientMutationID
	answer.Payload = payload
	if done != nil && err == nil {
		answer.Workspace, err = r.workspaceNow(ctx, done.Workspace)
	}
	return answer, err
}

// changeOrchestrator makes a change and reads the orchestrator.
func (r *Resolver) changeOrchestrator(ctx context.Context, c change) (*schema.OrchestratorPayload, error) {
	done, workspace, err := r.changeConfigured(ctx, c)
	answer := &schema.OrchestratorPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Orchestrator, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.Orchestrator] { return set.Orchestrator })
	}
	return answer, err
}

// settingsNamed are the settings that an input has.
func settingsNamed(s schema.OrchestratorSettings) []string {
	return given(map[string]bool{
		"generator": s.Generator.IsSet(), "dataset": s.Dataset.IsSet(), "prompts": s.Prompts != nil, "chains": s.Chains != nil,
		"scorers": s.Scorers != nil, "objectiveScorer": s.ObjectiveScorer.IsSet(), "parameters": s.Parameters != nil,
		"labels": s.Labels != nil, "tags": s.Tags != nil, "budget": s.Budget.IsSet(), "concurrency": s.Concurrency != nil,
		"callTimeoutSeconds": s.CallTimeoutSeconds.IsSet(), "runTimeoutSeconds": s.RunTimeoutSeconds.IsSet(),
	})
}

// settle puts settings into an orchestrator of a store.
func settle(o *storage.Orchestrator, store storage.UserStore, s schema.OrchestratorSettings) (err error) {
	in := keysOf{store.Key()}
	if s.Generator.IsSet() {
		if o.GeneratorKey, err = in.maybe("generator", storage.KindGenerator, s.Generator.Value()); err != nil {
			return err
		}
	}
	if s.Prompts != nil {
		o.Prompts, o.DatasetKey, o.DatasetVersion = s.Prompts, nil, nil
	}
	if s.Dataset.IsSet() {
		o.DatasetKey, o.DatasetVersion = nil, nil
		if named := s.Dataset.Value(); named != nil {
			if o.DatasetKey, err = in.maybe("dataset", storage.KindDataset, &named.ID); err != nil {
				return err
			}
			if o.DatasetVersion = named.Version; s.Prompts == nil {
				o.Prompts = nil // they replace each other
			}
		}
	}
	if s.Chains != nil {
		o.Chains = make([][]string, len(s.Chains))
		for i, chain := range s.Chains {
			if o.Chains[i], err = in.all("chains", storage.KindConverter, chain); err != nil {
				return err
			}
		}
	}
	if s.Scorers != nil {
		if o.Scorers, err = in.all("scorers", storage.KindScorer, s.Scorers); err != nil {
			return err
		}
	}
	if s.ObjectiveScorer.IsSet() {
		if o.ObjectiveScorer, err = in.maybe("objectiveScorer", storage.KindScorer, s.ObjectiveScorer.Value()); err != nil {
			return err
		}
	}
	if s.Parameters != nil {
		o.Parameters = *s.Parameters
	}
	if s.Labels != nil {
		o.Labels = s.Labels
	}
	if s.Tags != nil {
		o.Tags = s.Tags
	}
	if s.Budget.IsSet() {
		o.Budget = storage.Budget{}
		if budget := s.Budget.Value(); budget != nil {
			o.Budget = *budget
		}
	}
	if s.Concurrency != nil {
		o.Concurrency = *s.Concurrency
	}
	setSeconds(&o.CallTimeoutSeconds, s.CallTimeoutSeconds)
	setSeconds(&o.RunTimeoutSeconds, s.RunTimeoutSeconds)
	return nil
}

func setSeconds(of **int64, given graphql.Omittable[*int64]) {
	if given.IsSet() {
		*of = given.Value()
	}
}

// keysOf decodes ids of the store with that key.
type keysOf struct{ store string }

func (k keysOf) maybe(argument string, kind storage.Kind, id *string) (*string, error) {
	if id == nil {
		return nil, nil
	}
	parsed, ok := storage.ParseID(*id)
	if !ok || parsed.Kind != kind || parsed.Store != k.store {
		return nil, directives.Missing(argument)
	}
	return &parsed.Key, nil
}

func (k keysOf) all(argument string, kind storage.Kind, ids []string) ([]string, error) {
	keys := make([]string, len(ids))
	for i := range ids {
		key, err := k.maybe(argument, kind, &ids[i])
		if err != nil {
			return nil, err
		}
		keys[i] = *key
	}
	return keys, nil
}

// chainsOf reads the converters of an orchestrator.
func chainsOf(ctx context.Context, o *storage.Orchestrator) ([]*schema.ConverterChain, error) {
	set, err := directives.In(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	chains := make([]*schema.ConverterChain, len(o.Chains))
	for i, keys := range o.Chains {
		converters, err := present(set.Converter.LoadAll(ctx, keys))
		if err != nil {
			return nil, err
		}
		chains[i] = &schema.ConverterChain{Converters: converters}
	}
	return chains, nil
}

// scorersOf reads the scorers of an orchestrator.
func scorersOf(ctx context.Context, o *storage.Orchestrator) ([]*schema.OrchestratorScorer, error) {
	set, err := directives.In(ctx, o.ID)
	if err != nil {
		return nil, err
	}
	found, err := set.Scorer.LoadAll(ctx, o.Scorers)
	if err != nil {
		return nil, err
	}
	scorers := make([]*schema.OrchestratorScorer, 0, len(found))
	for i, one := range found {
		if one != nil {
			scorers = append(scorers, &schema.OrchestratorScorer{Scorer: one, IsObjective: o.ObjectiveScorer != nil && o.Scorers[i] == *o.ObjectiveScorer})
		}
	}
	return scorers, nil
}

// pageOf reads one page of a nested list of the thing with that id.
func pageOf[F, T any](ctx context.Context, id, parent string, filter *F, first *int, after *string, last *int, before *string, of func(*loaders.Set) *loaders.Pages[string, F, T]) (*storage.Connection[T], error) {
	page, err := storage.NewPage(first, after, last, before)
	if err != nil {
		return nil, err
	}
	set, err := directives.In(ctx, id)
	if err != nil {
		return nil, err
	}
	return of(set).Load(ctx, parent, filter, page)
}

func orchestratorsUsing(ctx context.Context, id, key string, first *int, after *string, last *int, before *string) (*storage.Connection[storage.Orchestrator], error) {
	return pageOf(ctx, id, key, nil, first, after, last, before, func(set *loaders.Set) *loaders.Pages[string, struct{}, storage.Orchestrator] {
		return set.OrchestratorsUsing
	})
}

func (r *Resolver) setPrice(ctx context.Context, input graph.SetPriceInput) (*schema.PricePayload, error) {
	done, workspace, err := r.changeConfigured(ctx, r.inWorkspace(prices, change{
		field: "setPrice", id: input.ClientMutationID, input: input, action: prices.action + "set",
		fields: []string{"model", "currency", "inputPrice", "outputPrice"},
	}, input.Workspace, func(ctx context.Context, set *loaders.Set) (string, error) {
		return set.Store.SetPrice(ctx, &storage.Price{
			Key: uuid.Must(uuid.NewV7()).String(), Model: input.Model, Currency: input.Currency, Input: input.InputPrice, Output: input.OutputPrice, UpdatedAt: now(),
		})
	}))
	answer := &schema.PricePayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Price, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.Price] { return set.Price })
	}
	return answer, err
}
