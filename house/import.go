package house

import (
	"context"
	"fmt"

	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/storage"
)

// Import imports one file into a user's personal workspace, which is made on first
// use, all or nothing.
func (h *House) Import(ctx context.Context, username, path string, opts interop.Options) (*storage.Import, error) {
	return h.ImportInto(ctx, username, "", path, opts)
}

// ImportInto imports one file, all or nothing, into a workspace that the user may
// change; the empty name means the personal one. CodeNotFound for a shared workspace
// of which the user is no member, CodeForbidden for a VIEWER.
func (h *House) ImportInto(ctx context.Context, username, workspaceName, path string, opts interop.Options) (*storage.Import, error) {
	workspace, err := h.writable(ctx, username, workspaceName)
	if err != nil {
		return nil, err
	}
	return h.take(ctx, workspace, path, opts)
}

func (h *House) take(ctx context.Context, workspace *storage.Workspace, path string, opts interop.Options) (*storage.Import, error) {
	store, err := h.OpenWorkspace(ctx, workspace)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	imp, err := h.Importer.File(ctx, store, path, opts)
	if err != nil {
		return nil, err
	}
	if imp.Key != "" { // something changed
		if err := h.noteChange(ctx, workspace, store); err != nil {
			return nil, fmt.Errorf("the import of %s is stored, but its size could not be noted: %w", imp.FileName, err)
		}
	}
	return imp, nil
}

// noteChange follows a large change of a store.
func (h *House) noteChange(ctx context.Context, w *storage.Workspace, store storage.UserStore) error {
	h.checkpoint(ctx, w)
	return h.rememberUse(ctx, w.Key, store)
}

// writable finds the workspace that a command names, if its user may change it. Only
// the personal one is made: a shared one has its members already.
func (h *House) writable(ctx context.Context, username, name string) (*storage.Workspace, error) {
	if name == "" || name == username {
		return h.personal(ctx, username)
	}
	user, err := h.App.UserByUsername(ctx, username)
	if err != nil {
		return nil, err
	}
	workspace, err := h.App.WorkspaceByName(ctx, user.Key, name)
	if err != nil {
		return nil, err
	}
	if workspace.Role == storage.MemberViewer {
		return nil, storage.Errorf(storage.CodeForbidden, "%s may only read the workspace %q: an owner of it can make %s an EDITOR", username, name, username)
	}
	return workspace, nil
}
