package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) saveSession(ctx context.Context, input graph.SaveSessionInput) (*schema.SavedSessionPayload, error) {
	saved := &storage.SavedSession{Name: input.Key, Body: input.Body, UpdatedAt: now(), ExpiresAt: input.ExpiresAt}
	done, answer, err := r.changeSavedSession(ctx, change{
		field: "saveSession", id: input.ClientMutationID, input: input, action: "saved_session.save",
		fields: given(map[string]bool{"body": true, "expiresAt": input.ExpiresAt != nil}),
	}, input.Workspace, func(ctx context.Context, store storage.UserStore, userKey string) (string, error) {
		return store.SaveSession(ctx, userKey, saved, input.Revision)
	})
	if done == nil || err != nil {
		return answer, err
	}
	scope, err := directives.Reading(ctx, done.Workspace)
	if err != nil {
		return answer, err
	}
	set, err := scope.Open(ctx)
	if err != nil {
		return answer, err
	}
	found, err := savedSession(ctx, set.Store, input.Key)
	if found != nil && found.Key == done.Row { // not another one by now
		answer.SavedSession = found
	}
	return answer, err
}

func (r *Resolver) deleteSavedSession(ctx context.Context, input graph.DeleteSavedSessionInput) (*schema.SavedSessionPayload, error) {
	done, answer, err := r.changeSavedSession(ctx, change{
		field: "deleteSavedSession", id: input.ClientMutationID, input: input, action: "saved_session.delete",
	}, input.Workspace, func(ctx context.Context, store storage.UserStore, userKey string) (string, error) {
		d := storage.Deletion{Chosen: detail(map[string]any{"user_sessions": 1})}
		if err := r.entry(ctx, &d); err != nil {
			return "", err
		}
		return store.DeleteSavedSession(ctx, userKey, input.Key, &d)
	})
	if done != nil {
		answer.DeletedKey = &input.Key
	}
	return answer, err
}

// changeSavedSession makes a change of what the viewer keeps in a workspace, and reads
// the workspace; nil without a workspace to be seen.
func (r *Resolver) changeSavedSession(ctx context.Context, c change, workspace *string,
	do func(ctx context.Context, store storage.UserStore, userKey string) (string, error),
) (*made, *schema.SavedSessionPayload, error) {
	c.on = named{kind: storage.KindSavedSession}
	c.do = func(ctx context.Context, w work) (made, error) {
		scope, err := directives.ReadingWorkspace(ctx, workspace)
		if err != nil {
			return made{}, err
		}
		set, err := scope.Open(ctx)
		if err != nil {
			return made{}, err
		}
		w.act.WorkspaceKey = scope.Workspace.Key
		key, err := do(ctx, set.Store, w.actor.Key)
		if err == nil {
			w.act.SubjectKey = key
		}
		return made{Workspace: scope.Workspace.Key, Row: key}, err
	}
	done, payload, err := r.changeConfigured(ctx, c)
	return done, &schema.SavedSessionPayload{WorkspacePayload: payload}, err
}

// savedSession is what the viewer reads under a key.
func savedSession(ctx context.Context, store storage.UserStore, key string) (*storage.SavedSession, error) {
	user, err := directives.User(ctx)
	if err != nil {
		return nil, err
	}
	found, err := store.SavedSessionsByName(ctx, user.Key, now(), []string{key})
	return found[key], err
}

// savedSessions lists what the viewer reads.
func savedSessions(ctx context.Context, store storage.UserStore, filter *storage.SavedSessionFilter, orderBy *storage.SavedSessionOrder, page storage.Page) (*storage.Connection[storage.SavedSession], error) {
	user, err := directives.User(ctx)
	if err != nil {
		return nil, err
	}
	return store.SavedSessions(ctx, user.Key, now(), filter, savedSessionOrder(orderBy), page)
}
