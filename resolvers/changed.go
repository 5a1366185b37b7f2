package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// What a mutation changed is read again by its key: a repeated mutation answers the
// same things as they are now, as far as the viewer may still see them.

// changeWorkspace makes a change of a workspace and reads the workspace.
func (r *Resolver) changeWorkspace(ctx context.Context, c change) (*schema.WorkspacePayload, error) {
	done, payload, err := r.mutate(ctx, c)
	if done == nil || err != nil {
		return &schema.WorkspacePayload{Payload: payload}, err
	}
	workspace, err := r.workspaceNow(ctx, done.Workspace)
	return &schema.WorkspacePayload{Payload: payload, Workspace: workspace}, err
}

// changeMember makes a change of a member and reads the member.
func (r *Resolver) changeMember(ctx context.Context, c change) (*schema.MemberPayload, error) {
	done, payload, err := r.mutate(ctx, c)
	changed := &schema.MemberPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return changed, err
	}
	if changed.Workspace, err = r.workspaceNow(ctx, done.Workspace); err != nil || changed.Workspace == nil {
		return changed, err
	}
	members, err := directives.App(ctx).Members.Load(ctx, done.Workspace)
	for _, member := range members {
		if member.UserKey == done.User {
			changed.Member = member
		}
	}
	return changed, err
}

// changeUser makes a change of a user and reads the user.
func (r *Resolver) changeUser(ctx context.Context, c change) (*schema.UserPayload, error) {
	done, payload, err := r.mutate(ctx, c)
	if done == nil || err != nil {
		return &schema.UserPayload{Payload: payload}, err
	}
	user, err := directives.App(ctx).User.Load(ctx, done.User)
	return &schema.UserPayload{Payload: payload, User: user}, err
}

// changeAPIKey makes a change of an API key and reads the key.
func (r *Resolver) changeAPIKey(ctx context.Context, c change) (*schema.APIKeyPayload, error) {
	done, payload, err := r.mutate(ctx, c)
	if done == nil || err != nil {
		return &schema.APIKeyPayload{Payload: payload}, err
	}
	key, err := directives.App(ctx).APIKey.Load(ctx, done.APIKey)
	return &schema.APIKeyPayload{Payload: payload, APIKey: key}, err
}

// workspaceNow reads a workspace, archived or not; nil for who is no member by now.
func (r *Resolver) workspaceNow(ctx context.Context, key string) (*storage.Workspace, error) {
	user, err := directives.User(ctx)
	if err != nil {
		return nil, err
	}
	workspace, err := r.app.WorkspaceByKey(ctx, user.Key, key)
	if storage.CodeOf(err) != storage.CodeNotFound {
		return workspace, err
	}
	archived, err := r.app.ArchivedWorkspaces(ctx, user.Key)
	for _, workspace := range archived {
		if workspace.Key == key {
			return workspace, nil
		}
	}
	return nil, err
}

// settingNow reads a setting.
func (r *Resolver) settingNow(ctx context.Context, key string) (*storage.SystemSetting, error) {
	settings, err := r.app.Settings(ctx)
	for _, setting := range settings {
		if setting.Key == key {
			return setting, nil
		}
	}
	return nil, err
}
