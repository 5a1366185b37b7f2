package resolvers

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/dataset"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// mostTransformed is how many prompts of a transformation are shown.
const mostTransformed = 100

// transformation is what becomes of prompts, as transformDataset and its preview take it.
type transformation struct {
	sources    []*graph.PromptSourceInput
	filter     *storage.PromptFilter
	distinct   *graph.Sameness
	sample     *graph.SampleInput
	template   *graph.AroundInput
	converters []*schema.PartInput
	seed       int64
	into       storage.VersionKey // empty for a new dataset
}

func (r *Resolver) transformDataset(ctx context.Context, input graph.TransformDatasetInput) (*schema.DatasetPayload, error) {
	t := transformation{
		sources: input.Sources, filter: input.Filter, distinct: input.Distinct, sample: input.Sample, template: input.Template,
		converters: input.Converters, seed: input.Seed,
	}
	fields := map[string]bool{
		"sources": true, "filter": input.Filter != nil, "distinct": input.Distinct != nil, "sample": input.Sample != nil,
		"template": input.Template != nil, "converters": len(input.Converters) > 0, "into": input.Into != nil,
	}
	if input.Into != nil {
		return r.transformInto(ctx, input, t, given(fields))
	}
	made := newDataset{
		field: "transformDataset", id: input.ClientMutationID, input: input, workspace: input.Workspace, description: input.Description,
		tags: input.Tags, sourceType: "transformation", operation: t.operation(), fields: fields,
	}
	if input.Name != nil {
		made.name = *input.Name
	}
	return r.addDataset(ctx, made, func(ctx context.Context, store storage.UserStore, d *storage.NewDataset) (storage.NextPrompt, func() error, error) {
		next, _, closed, err := r.transformed(ctx, store, &d.MadeBy, t)
		return next, closed, err
	})
}

// transformInto makes the next version of a dataset.
func (r *Resolver) transformInto(ctx context.Context, input graph.TransformDatasetInput, t transformation, fields []string) (*schema.DatasetPayload, error) {
	c := change{field: "transformDataset", id: input.ClientMutationID, input: input, action: "dataset.transform", fields: fields}
	var by work
	c = r.inStore(datasets, c, input.Into.Dataset, func(ctx context.Context, set *loaders.Set, key string) (_ string, err error) {
		if input.Name != nil || input.Description != nil || input.Tags != nil || input.Workspace != nil {
			return "", storage.BadInput("into", "give either into, or the name of a new dataset with its description, tags and workspace")
		}
		t.into = storage.VersionKey{Dataset: key, Number: int64(input.Into.Version)}
		version := storage.NewVersion{MadeBy: storage.MadeBy{Operation: t.operation()}, Author: by.actor.Username, At: now()}
		next, _, closed, err := r.transformed(ctx, set.Store, &version.MadeBy, t)
		if err != nil {
			return "", err
		}
		defer func() { err = joined(err, closed()) }()
		_, err = set.Store.AddDatasetVersion(ctx, key, t.into.Number, version, next, r.mayStill(by.actor.Key, by.act.WorkspaceKey))
		return key, inArgument("into", conflictIn("into", err))
	})
	c.on.argument = "into"
	inStore := c.do
	c.do = func(ctx context.Context, w work) (made, error) {
		by = w
		return inStore(ctx, w)
	}
	return r.changeDataset(ctx, c)
}

// operation is what the history of a version calls it.
func (t transformation) operation() string {
	switch {
	case len(t.converters) > 0:
		return "CONVERT"
	case t.template != nil:
		return "TEMPLATE"
	}
	return "SELECT"
}

// transformed opens the prompts that a transformation makes, and notes how; count is how
// many there will be.
func (r *Resolver) transformed(ctx context.Context, store storage.UserStore, by *storage.MadeBy, t transformation) (next storage.NextPrompt, count int64, closed func() error, err error) {
	if len(t.converters) > mostConverters {
		return nil, 0, nil, storage.BadInput("converters", "name at most %d converters", mostConverters)
	}
	what := storage.PromptSelection{Filter: t.filter}
	if t.distinct != nil {
		what.Distinct = sameness[*t.distinct]
	}
	if s := t.sample; s != nil {
		what.Sample = &storage.Sample{Seed: s.Seed, Count: s.Count, Fraction: s.Fraction, Stratified: s.Stratified}
	}
	around, err := templateAround(ctx, store, t.template)
	if err != nil {
		return nil, 0, nil, err
	}
	parts := make([]configured.Part, len(t.converters))
	for i, given := range t.converters {
		if parts[i], err = partOf(store, "converters", storage.KindConverter, given); err != nil {
			return nil, 0, nil, err
		}
	}
	steps, closeChain, err := r.things.Chain(ctx, store, parts)
	if err != nil {
		return nil, 0, nil, about("converters", err)
	}
	reader, err := sourced(ctx, store, by, "sources", t.sources, what)
	if err != nil {
		closeChain()
		return nil, 0, nil, err
	}
	parameters := map[string]any{"seed": t.seed}
	for name, set := range map[string]bool{
		"filter": t.filter != nil, "distinct": t.distinct != nil, "sample": t.sample != nil, "template": t.template != nil, "converters": len(t.converters) > 0,
	} {
		if set {
			parameters[name] = wroteIn(ctx, name)
		}
	}
	if t.sample != nil {
		parameters["sample"] = t.sample // with the seed that it has by default
	}
	by.Parameters = parameters
	next, count = asNew(reader, t.stays(by.Parents)), reader.Count()
	if around != nil {
		next, count = around.Around(next), count*around.Combinations()
	}
	if len(parts) > 0 {
		next = dataset.Through(next, steps, uint64(t.seed))
	}
	return next, count, func() error { closeChain(); return reader.Close() }, nil
}

// stays tells which prompts of the sources are those of the version that the next one is
// made from: they may stay what they are, or be replaced. A version that is a source twice
// has none.
func (t transformation) stays(sources []storage.MadeFrom) func(*storage.Prompt) bool {
	at := slices.IndexFunc(sources, func(s storage.MadeFrom) bool { return s.Key == t.into.Dataset })
	if at < 0 || sources[at].Version != t.into.Number ||
		slices.ContainsFunc(sources[at+1:], func(s storage.MadeFrom) bool { return s.Key == t.into.Dataset }) {
		return func(*storage.Prompt) bool { return false }
	}
	return func(p *storage.Prompt) bool { return p.DatasetKey == t.into.Dataset }
}

// templateAround reads the template that an input names; nil for none.
func templateAround(ctx context.Context, store storage.UserStore, given *graph.AroundInput) (*dataset.Template, error) {
	if given == nil {
		return nil, nil
	}
	body, _, err := toRender(ctx, store, graph.PreviewTemplateInput{Template: given.Template, Body: given.Body})
	if err != nil {
		return nil, err
	}
	values := map[string][]string{}
	if given.Values != nil {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(*given.Values), &object); err != nil {
			return nil, storage.BadInput("values", "values must be an object of texts or lists of texts")
		}
		for name, raw := range object {
			var one string
			var several []string
			switch {
			case json.Unmarshal(raw, &one) == nil:
				values[name] = []string{one}
			case json.Unmarshal(raw, &several) == nil:
				values[name] = several
			default:
				return nil, storage.BadInput("values", "the value of %q must be a text or a list of texts", storage.Plain(name, 80))
			}
		}
	}
	return dataset.NewTemplate(body, values)
}

func (r *Resolver) previewTransformation(ctx context.Context, input graph.PreviewTransformationInput) (*schema.TransformationPayload, error) {
	answer := &schema.TransformationPayload{}
	var err error
	answer.Payload, err = r.preview(ctx, datasets, "previewTransformation", input, input.Workspace, input.ClientMutationID, func(ctx context.Context, store storage.UserStore) (err error) {
		if input.First < 0 || input.First > mostTransformed {
			return storage.BadInput("first", "first must be between 0 and %d", mostTransformed)
		}
		next, count, closed, err := r.transformed(ctx, store, &storage.MadeBy{}, transformation{
			sources: input.Sources, filter: input.Filter, distinct: input.Distinct, sample: input.Sample, template: input.Template,
			converters: input.Converters, seed: input.Seed,
		})
		if err != nil {
			return err
		}
		defer func() { err = joined(err, closed()) }()
		prompts := []*storage.Prompt{}
		for range input.First {
			p, err := next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			kept := *p
			kept.HarmCategories = slices.Clone(p.HarmCategories)
			prompts = append(prompts, &kept)
		}
		answer.Prompts, answer.Count = prompts, &count
		return nil
	})
	return answer, err
}
