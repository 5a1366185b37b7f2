package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// labelling is SetLabels or RemoveLabels of a store.
type labelling = func(context.Context, *storage.Labelling) (storage.Labelled, error)

// label sets or removes labels, as labels does it on a store.
func (r *Resolver) label(ctx context.Context, field, action string, input schema.LabelInput,
	labels func(storage.UserStore) labelling,
) (*schema.LabelPayload, error) {
	on := triage{input.Workspace, input.AttackFilter, []idList{{"attacks", storage.KindAttack, input.Attacks}}}
	fields := sorted(append(on.fields(), "labels"))
	return r.changeAttacks(ctx, change{field: field, id: input.ClientMutationID, input: input, action: action, fields: fields, on: on.subject()}, on,
		func(ctx context.Context, _ work, set *loaders.Set, chosen storage.Chosen) (storage.Labelled, error) {
			return labels(set.Store)(ctx, &storage.Labelling{On: chosen, Key: input.Key, Value: input.Value})
		})
}

// changeAttacks completes a change of attacks, which are chosen, and makes it.
func (r *Resolver) changeAttacks(ctx context.Context, c change, on triage,
	do func(ctx context.Context, w work, set *loaders.Set, chosen storage.Chosen) (storage.Labelled, error),
) (*schema.LabelPayload, error) {
	c.do = func(ctx context.Context, w work) (made, error) {
		scope, set, chosen, err := on.choose(ctx, w)
		if err != nil {
			return made{}, err
		}
		done, err := do(ctx, w, set, chosen)
		if err != nil {
			return made{}, inFilter(err)
		}
		w.act.Detail = detail(map[string]any{"fields": c.fields, "matched": done.Matched, "changed": done.Changed})
		return made{Workspace: scope.Workspace.Key, Count: done.Changed, Matched: done.Matched}, nil
	}
	done, payload, err := r.mutate(ctx, c)
	answer := &schema.LabelPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Matched, answer.Changed = done.Matched, done.Count
	answer.Workspace, err = r.workspaceNow(ctx, done.Workspace)
	return answer, err
}
