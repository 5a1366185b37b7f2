package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// mostConverters is how long a chain may be.
const mostConverters = 20

// preview is a mutation that changes nothing and is on record all the same, because it
// may call a generator with its credential. It has no first answer to keep: texts have no
// place in the app store.
func (r *Resolver) preview(ctx context.Context, of noun, field string, input any, workspace, clientID *string, do func(ctx context.Context, store storage.UserStore) error) (schema.Payload, error) {
	_, payload, err := r.mutate(ctx, change{
		field: field, input: input, action: of.action + "preview", on: named{kind: of.kind},
		do: func(ctx context.Context, w work) (made, error) {
			scope, err := directives.Changing(ctx, workspace)
			if err != nil {
				return made{}, err
			}
			set, err := scope.Open(ctx)
			if err != nil {
				return made{}, err
			}
			w.act.WorkspaceKey = scope.Workspace.Key
			return made{Workspace: scope.Workspace.Key}, do(ctx, set.Store)
		},
	})
	payload.ClientMutationID = clientID
	return payload, err
}

func (r *Resolver) previewConverters(ctx context.Context, input graph.PreviewConvertersInput) (*schema.StepsPayload, error) {
	answer := &schema.StepsPayload{}
	var err error
	answer.Payload, err = r.preview(ctx, converters, "previewConverters", input, input.Workspace, input.ClientMutationID, func(ctx context.Context, store storage.UserStore) error {
		if len(input.Converters) == 0 || len(input.Converters) > mostConverters {
			return storage.BadInput("converters", "name 1 to %d converters", mostConverters)
		}
		parts := make([]configured.Part, len(input.Converters))
		for i, given := range input.Converters {
			part, err := partOf(store, "converters", storage.KindConverter, given)
			if err != nil {
				return err
			}
			parts[i] = part
		}
		steps, err := r.things.Convert(ctx, store, parts, input.Text, uint64(input.Seed))
		for _, step := range steps {
			answer.Steps = append(answer.Steps, &schema.ConverterStep{Type: step.Type, Output: step.Output})
		}
		return about("converters", err)
	})
	return answer, err
}

func (r *Resolver) previewScorer(ctx context.Context, input graph.PreviewScorerInput) (*schema.VerdictPayload, error) {
	answer := &schema.VerdictPayload{}
	var err error
	answer.Payload, err = r.preview(ctx, scorers, "previewScorer", input, input.Workspace, input.ClientMutationID, func(ctx context.Context, store storage.UserStore) error {
		part, err := partOf(store, "scorer", storage.KindScorer, input.Scorer)
		if err != nil {
			return err
		}
		subject := configured.Subject{Reply: input.Reply, Prompt: input.Prompt, SentPrompt: input.Prompt, Objective: input.Objective}
		if input.SentPrompt != nil {
			subject.SentPrompt = *input.SentPrompt
		}
		verdict, err := r.things.Score(ctx, store, part, subject)
		if err != nil {
			return about("scorer", err)
		}
		answer.Verdict = verdictOf(verdict)
		return nil
	})
	return answer, err
}

func verdictOf(v *configured.Verdict) *schema.Verdict {
	return &schema.Verdict{
		Type: v.Type, IsTrue: v.IsTrue, Scale: v.Scale, Categories: append([]string{}, v.Categories...),
		Rationale: v.Rationale, RawValue: v.RawValue, Status: v.Status,
	}
}

// partOf decodes a part, whose id must be of the store.
func partOf(store storage.UserStore, argument string, kind storage.Kind, given *schema.PartInput) (configured.Part, error) {
	switch {
	case (given.ID == nil) == (given.Inline == nil):
		return configured.Part{}, storage.BadInput(argument, "pass either id or inline")
	case given.Inline != nil:
		return configured.Part{Type: given.Inline.Type, Parameters: orNothing(given.Inline.Parameters)}, nil
	}
	id, ok := storage.ParseID(*given.ID)
	if !ok || id.Kind != kind || id.Store != store.Key() {
		return configured.Part{}, directives.Missing(argument)
	}
	return configured.Part{Key: id.Key}, nil
}

func (r *Resolver) testGenerator(ctx context.Context, input graph.TestGeneratorInput) (*schema.GeneratorPayload, error) {
	done, workspace, err := r.changeConfigured(ctx, r.inStore(generators, change{
		field: "testGenerator", id: input.ClientMutationID, input: input, action: generators.action + "test", fields: []string{"status", "lastTest"},
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		_, err := r.things.Test(ctx, set.Store, key)
		return key, err
	}))
	return r.generatorPayload(ctx, done, workspace, err)
}

func (r *Resolver) listGeneratorModels(ctx context.Context, input graph.ListGeneratorModelsInput) (*schema.ModelsPayload, error) {
	answer := &schema.ModelsPayload{}
	_, payload, err := r.mutate(ctx, r.inStore(generators, change{
		field: "listGeneratorModels", input: input, action: generators.action + "list_models",
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (_ string, err error) {
		answer.Models, err = r.things.Models(ctx, set.Store, key)
		return key, err
	}))
	payload.ClientMutationID = input.ClientMutationID
	answer.Payload = payload
	return answer, err
}
