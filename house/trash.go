package house

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// filesAtOnce bounds what is asked for at once of contents to be removed.
const filesAtOnce = 1000

// purgeTrash purges what has lain in the trash of any workspace for its time. A
// workspace that fails leaves the others to be purged.
func (h *House) purgeTrash(ctx context.Context) {
	workspaces, err := h.App.AllWorkspaces(ctx)
	if err != nil {
		h.logEnd(ctx, "purge the trash", err)
		return
	}
	for _, workspace := range workspaces {
		if workspace.StoreKey == "" {
			continue // nobody has opened it yet, so nothing was deleted in it
		}
		purged, err := h.purgeTrashOf(ctx, workspace.File, workspace.Key)
		switch {
		case err != nil:
			h.logEnd(ctx, "purge the trash", fmt.Errorf("workspace %s: %w", workspace.Key, err))
		case purged.Entries > 0:
			h.log.InfoContext(ctx, "purged the trash", "workspace", workspace.Key, "entries", purged.Entries)
		}
	}
}

func (h *House) purgeTrashOf(ctx context.Context, file, owner string) (_ *storage.Purged, err error) {
	store, err := h.open(ctx, file, owner)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	purged, err := store.PurgeTrash(ctx, storage.Purge{Expired: time.Now()})
	if err != nil {
		return nil, err
	}
	return purged, h.forgetFiles(ctx, store)
}

// ForgetFiles removes the contents of media that a purge left without a row. What fails
// or is too young to go is tried again by the upkeep.
func (h *House) ForgetFiles(ctx context.Context, w *storage.Workspace) {
	store, err := h.open(ctx, w.File, w.Key)
	if err == nil {
		err = errors.Join(h.forgetFiles(ctx, store), store.Close())
	}
	h.logEnd(ctx, "remove contents of purged files", err)
}

// forgetFiles removes contents after the rows that named them: a crash in between leaves
// them noted.
func (h *House) forgetFiles(ctx context.Context, store storage.UserStore) error {
	for last := ""; ; {
		hashes, err := store.PurgedFiles(ctx, last, filesAtOnce)
		if err != nil || len(hashes) == 0 {
			return err
		}
		removed := make([]string, 0, len(hashes))
		for _, hash := range hashes {
			gone, err := h.Files.Remove(store.Owner(), hash)
			if err != nil {
				return err
			}
			if gone {
				removed = append(removed, hash)
			}
		}
		if err := store.ForgetFiles(ctx, removed); err != nil {
			return err
		}
		last = hashes[len(hashes)-1]
	}
}

// logEnd logs what failed, unless the program ends.
func (h *House) logEnd(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		h.log.ErrorContext(ctx, what, "error", err)
	}
}
