package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// noun is a kind of configured thing as the schema, the audit log and the store call it.
type noun struct {
	name   string // of the type
	action string // in the audit log, before the verb
	kind   storage.Kind
	table  storage.ConfiguredKind
}

var (
	generators = noun{"Generator", "generator.", storage.KindGenerator, storage.KindGenerators}
	converters = noun{"Converter", "converter.", storage.KindConverter, storage.KindConverters}
	scorers    = noun{"Scorer", "scorer.", storage.KindScorer, storage.KindScorers}
)

func (r *Resolver) createConfigured(ctx context.Context, of noun, input schema.CreateConfiguredInput) (*made, schema.WorkspacePayload, error) {
	return r.changeConfigured(ctx, change{
		field: "create" + of.name, id: input.ClientMutationID, input: input, action: of.action + "create",
		fields: []string{"name", "type", "parameters"}, on: named{kind: of.kind},
		do: func(ctx context.Context, w work) (made, error) {
			scope, err := directives.Changing(ctx, input.Workspace)
			if err != nil {
				return made{}, err
			}
			set, err := scope.Open(ctx)
			if err != nil {
				return made{}, err
			}
			key, err := r.things.Create(ctx, set.Store, of.table, configured.New{Name: input.Name, Type: input.Type, Parameters: orNothing(input.Parameters)})
			if err != nil {
				return made{}, err
			}
			w.act.SubjectKey, w.act.WorkspaceKey = key, scope.Workspace.Key
			return made{Workspace: scope.Workspace.Key, Row: key}, nil
		},
	})
}

func (r *Resolver) updateConfigured(ctx context.Context, of noun, input schema.UpdateConfiguredInput) (*made, schema.WorkspacePayload, error) {
	var fields []string
	if input.Name != nil {
		fields = append(fields, "name")
	}
	if input.Parameters != nil {
		fields = append(fields, "parameters")
	}
	return r.changeConfigured(ctx, r.inStore(of, change{
		field: "update" + of.name, id: input.ClientMutationID, input: input, action: of.action + "update", fields: fields,
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		return key, r.things.Update(ctx, set.Store, of.table, key, configured.Change{Name: input.Name, Parameters: input.Parameters})
	}))
}

func (r *Resolver) cloneConfigured(ctx context.Context, of noun, input schema.CloneConfiguredInput) (*made, schema.WorkspacePayload, error) {
	return r.changeConfigured(ctx, r.inStore(of, change{
		field: "clone" + of.name, id: input.ClientMutationID, input: input, action: of.action + "clone", fields: []string{"name"},
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		return r.things.Clone(ctx, set.Store, of.table, key, input.Name)
	}))
}

func (r *Resolver) deleteConfigured(ctx context.Context, of noun, input schema.DeleteConfiguredInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, of, change{
		field: "delete" + of.name, id: input.ClientMutationID, input: input, action: of.action + "delete",
	}, input.ID, storage.Deletion{Cascade: input.Cascade}, string(of.table))
}

// inStore completes a change of the thing with that id: do gets the store that holds it,
// and returns the key of what it made or changed.
func (r *Resolver) inStore(of noun, c change, id string, do func(ctx context.Context, set *loaders.Set, key string) (string, error)) change {
	return r.inStoreOf(of, c, "id", id, do)
}

// inStoreOf is that for another argument than id.
func (r *Resolver) inStoreOf(of noun, c change, argument, id string, do func(ctx context.Context, set *loaders.Set, key string) (string, error)) change {
	c.on = named{of.kind, id, argument}
	c.do = func(ctx context.Context, w work) (made, error) {
		scope, parsed, err := directives.ChangingThing(ctx, id, of.kind)
		if err != nil {
			return made{}, err
		}
		set, err := scope.Open(ctx)
		if err != nil {
			return made{}, err
		}
		w.act.WorkspaceKey = scope.Workspace.Key
		key, err := do(ctx, set, parsed.Key)
		return made{Workspace: scope.Workspace.Key, Row: key}, about(argument, err)
	}
	return c
}

// changeConfigured makes a change and reads the workspace that it was in.
func (r *Resolver) changeConfigured(ctx context.Context, c change) (*made, schema.WorkspacePayload, error) {
	done, payload, err := r.mutate(ctx, c)
	answer := schema.WorkspacePayload{Payload: payload}
	if done == nil || err != nil {
		return nil, answer, err
	}
	answer.Workspace, err = r.workspaceNow(ctx, done.Workspace)
	if answer.Workspace == nil {
		done = nil // whoever is no member by now sees nothing of it
	}
	return done, answer, err
}

// rowNow reads what a change made, as it is now; nil when it is gone.
func rowNow[T any](ctx context.Context, done *made, of func(*loaders.Set) *loaders.Loader[string, *T]) (*T, error) {
	scope, err := directives.Reading(ctx, done.Workspace)
	if err != nil {
		return nil, err
	}
	set, err := scope.Open(ctx)
	if err != nil {
		return nil, err
	}
	return of(set).Load(ctx, done.Row)
}

func orNothing(parameters *storage.JSON) storage.JSON {
	if parameters == nil {
		return ""
	}
	return *parameters
}

func (r *Resolver) generatorPayload(ctx context.Context, done *made, workspace schema.WorkspacePayload, err error) (*schema.GeneratorPayload, error) {
	answer := &schema.GeneratorPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Generator, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.Generator] { return set.Generator })
	}
	return answer, err
}

func (r *Resolver) converterPayload(ctx context.Context, done *made, workspace schema.WorkspacePayload, err error) (*schema.ConverterPayload, error) {
	answer := &schema.ConverterPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Converter, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.Converter] { return set.Converter })
	}
	return answer, err
}

func (r *Resolver) scorerPayload(ctx context.Context, done *made, workspace schema.WorkspacePayload, err error) (*schema.ScorerPayload, error) {
	answer := &schema.ScorerPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Scorer, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.Scorer] { return set.Scorer })
	}
	return answer, err
}
