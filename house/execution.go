package house

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// StoreOf opens the store of a workspace, whoever its members are: for what the server
// itself works on. The caller closes it. CodeNotFound for none.
func (h *House) StoreOf(ctx context.Context, workspaceKey string) (storage.UserStore, error) {
	all, err := h.App.AllWorkspaces(ctx)
	if err != nil {
		return nil, err
	}
	for _, workspace := range all {
		if workspace.Key == workspaceKey {
			return h.OpenWorkspace(ctx, &workspace.Workspace)
		}
	}
	return nil, storage.Errorf(storage.CodeNotFound, "there is no such workspace")
}
