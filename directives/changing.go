package directives

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// Changing returns the workspace with that id, the personal one without it, for a
// mutation of what is in it. CodeNotFound for who is no member, CodeForbidden for who may
// only read it.
func Changing(ctx context.Context, id *string) (*Scope, error) {
	scope, err := ReadingWorkspace(ctx, id)
	if err != nil {
		return nil, err
	}
	return requestFrom(ctx).changing(ctx, scope)
}

// ChangingThing returns the workspace that holds the thing with that id, and the id
// decoded. Errors are Changing's.
func ChangingThing(ctx context.Context, id string, kind storage.Kind) (*Scope, storage.ID, error) {
	scope, parsed, err := ReadingThing(ctx, "id", id, kind)
	if err == nil {
		scope, err = requestFrom(ctx).changing(ctx, scope)
	}
	return scope, parsed, err
}

// ReadingThing returns the workspace that holds the thing with that id, which argument
// names, and the id decoded. CodeNotFound for who is no member.
func ReadingThing(ctx context.Context, argument, id string, kind storage.Kind) (*Scope, storage.ID, error) {
	parsed, ok := storage.ParseID(id)
	if !ok || parsed.Kind != kind {
		return nil, parsed, Missing(argument)
	}
	scope, err := requestFrom(ctx).byID(ctx, parsed)
	if err == nil && scope == nil {
		err = Missing(argument)
	}
	return scope, parsed, err
}

// ReadingWorkspace returns the workspace with that id, the personal one without it.
// CodeNotFound for who is no member.
func ReadingWorkspace(ctx context.Context, id *string) (*Scope, error) {
	r := requestFrom(ctx)
	if id == nil {
		return r.wanted(ctx, nil)
	}
	parsed, ok := storage.ParseID(*id)
	if !ok || parsed.Kind != storage.KindWorkspace {
		return nil, Missing("workspace")
	}
	scope, err := r.byID(ctx, parsed)
	if err == nil && scope == nil {
		err = Missing("workspace")
	}
	return scope, err
}

// Reading returns the workspace with that key, of which the viewer is a member.
func Reading(ctx context.Context, key string) (*Scope, error) {
	scope, err := requestFrom(ctx).byID(ctx, storage.ID{Kind: storage.KindWorkspace, Key: key})
	if err == nil && scope == nil {
		err = Missing("workspace")
	}
	return scope, err
}

// changing asks the app store for the role that the viewer has now.
func (r *Request) changing(ctx context.Context, scope *Scope) (*Scope, error) {
	user, err := r.known(ctx)
	if err != nil {
		return nil, err
	}
	workspace, err := r.gate.App.WorkspaceByKey(ctx, user.Key, scope.Workspace.Key)
	if err == nil {
		err = Editable(workspace)
	}
	return scope, err
}

// Editable is CodeForbidden for a workspace that the viewer may only read.
func Editable(workspace *storage.Workspace) error {
	if workspace.Role == storage.MemberViewer {
		return storage.Errorf(storage.CodeForbidden, "you may only read this workspace: an owner of it can make you an EDITOR")
	}
	return nil
}

// Owned is CodeForbidden for a workspace of which the viewer is no owner now.
func Owned(ctx context.Context, scope *Scope) error {
	r := requestFrom(ctx)
	user, err := r.known(ctx)
	if err != nil {
		return err
	}
	workspace, err := r.gate.App.WorkspaceByKey(ctx, user.Key, scope.Workspace.Key)
	if err == nil && workspace.Role != storage.MemberOwner {
		err = storage.Errorf(storage.CodeForbidden, "only an owner of this workspace may do this: ask one")
	}
	return err
}

// Missing is NOT_FOUND of what an argument names, whatever the reason: what does not
// exist, is another's, or is out of the reach of an API key.
func Missing(argument string) error {
	return &storage.Error{
		Code: storage.CodeNotFound, Field: argument,
		Message: "there is nothing with this id that you may change: pass an id as the server gave it",
	}
}
