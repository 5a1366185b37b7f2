package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) createSavedQuery(ctx context.Context, input schema.CreateSavedQueryInput) (*schema.SavedQueryPayload, error) {
	fields := given(map[string]bool{
		"name": true, "document": true, "pinned": true, "description": input.Description != nil, "variables": input.Variables != nil, "tags": input.Tags != nil,
	})
	return r.changeSavedQuery(ctx, r.inWorkspace(savedQueries, change{
		field: "createSavedQuery", id: input.ClientMutationID, input: input, action: "saved_query.create", fields: fields,
	}, input.Workspace, func(ctx context.Context, set *loaders.Set) (string, error) {
		part, err := newKept(ctx, input.Name, input.Description, input.Tags)
		if err != nil {
			return "", err
		}
		query := &storage.SavedQuery{Kept: part, Document: input.Document, Variables: orNothing(input.Variables), Pinned: input.Pinned}
		if err := r.checkSavedQuery(query); err != nil {
			return "", err
		}
		return query.Key, set.Store.AddSavedQuery(ctx, query)
	}))
}

func (r *Resolver) checkSavedQuery(query *storage.SavedQuery) error {
	err := query.Check()
	if err == nil {
		query.Variables, err = schema.CheckQuery(r.schema, query.Document, query.Variables)
	}
	return err
}

func (r *Resolver) updateSavedQuery(ctx context.Context, input schema.UpdateSavedQueryInput) (*schema.SavedQueryPayload, error) {
	fields := given(map[string]bool{
		"name": input.Name != nil, "document": input.Document != nil, "pinned": input.Pinned != nil, "description": input.Description != nil,
		"variables": input.Variables != nil, "tags": input.Tags != nil,
	})
	return r.changeSavedQuery(ctx, r.inStore(savedQueries, change{
		field: "updateSavedQuery", id: input.ClientMutationID, input: input, action: "saved_query.update", fields: fields,
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		query, err := current(ctx, set.Store, storage.UserStore.SavedQueriesByKey, key)
		if err != nil {
			return "", err
		}
		changeKept(&query.Kept, input.Revision, input.Name, input.Description, input.Tags)
		query.Document, query.Variables = orDefault(input.Document, query.Document), orDefault(input.Variables, query.Variables)
		query.Pinned = orDefault(input.Pinned, query.Pinned)
		if err := r.checkSavedQuery(query); err != nil {
			return "", err
		}
		return key, set.Store.ReplaceSavedQuery(ctx, query)
	}))
}

func (r *Resolver) cloneSavedQuery(ctx context.Context, input schema.CloneConfiguredInput) (*schema.SavedQueryPayload, error) {
	return r.changeSavedQuery(ctx, r.inStore(savedQueries, change{
		field: "cloneSavedQuery", id: input.ClientMutationID, input: input, action: "saved_query.clone", fields: []string{"name"},
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		query, err := current(ctx, set.Store, storage.UserStore.SavedQueriesByKey, key)
		if err == nil {
			query.Kept, err = cloned(ctx, query.Kept, input.Name)
		}
		if err != nil {
			return "", err
		}
		return query.Key, set.Store.AddSavedQuery(ctx, query)
	}))
}

// changeSavedQuery makes a change and reads the saved query.
func (r *Resolver) changeSavedQuery(ctx context.Context, c change) (*schema.SavedQueryPayload, error) {
	done, workspace, err := r.changeConfigured(ctx, c)
	answer := &schema.SavedQueryPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.SavedQuery, err = rowNow(ctx, done, func(set *loaders.Set) *loaders.Loader[string, *storage.SavedQuery] { return set.SavedQuery })
	}
	return answer, err
}
