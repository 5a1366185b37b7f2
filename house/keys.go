package house

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// KeyStatus tells of the keys and how many credentials each has sealed.
type KeyStatus struct {
	secret.Status
	Sealed []SealedBy `json:"sealed"`
}

// SealedBy counts the credentials of all workspaces that one key has sealed.
type SealedBy struct {
	Key   uint32 `json:"key"`
	Known bool   `json:"known"` // the key is in the keyset; without it they are lost
	Count int64  `json:"count"`
}

// KeyStatus tells of the keys. It opens every store.
func (h *House) KeyStatus(ctx context.Context) (*KeyStatus, error) {
	counts := map[uint32]int64{}
	count := func(ctx context.Context, place secret.Resealer) error {
		const batch = 256
		for after := ""; ; {
			texts, err := place.Sealed(ctx, after, batch)
			if err != nil || len(texts) == 0 {
				return err
			}
			for _, text := range texts {
				key, _ := secret.SealedBy(text.Text)
				counts[key]++
			}
			after = texts[len(texts)-1].Cursor
		}
	}
	err := count(ctx, webhookSecrets{h.App})
	if err == nil {
		err = h.eachStore(ctx, func(ctx context.Context, store storage.UserStore) error {
			return count(ctx, interop.Credentials(store))
		})
	}
	if err != nil {
		return nil, err
	}
	status := &KeyStatus{Status: h.Keeper.Status(), Sealed: []SealedBy{}}
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		known := key == status.Primary || slices.Contains(status.Old, key)
		status.Sealed = append(status.Sealed, SealedBy{Key: key, Known: known, Count: counts[key]})
	}
	return status, nil
}

// RotateKeys seals the credentials of all workspaces, the secrets of webhooks and the tokens of all sessions with a
// new key, while they are in use, on record. CodeConflict: a rotation is under way.
func (h *House) RotateKeys(ctx context.Context) (done secret.Rotation, err error) {
	err = h.App.Audited(ctx, byCommand("key.rotate", nil), func(ctx context.Context, _ *storage.AuditAct) error {
		done, err = h.rotateKeys(ctx)
		return err
	})
	return done, err
}

func (h *House) rotateKeys(ctx context.Context) (secret.Rotation, error) {
	done, err := h.Keeper.Rotate(ctx, func(ctx context.Context, reseal func(context.Context, secret.Resealer) error) error {
		for _, place := range []secret.Resealer{sessionTokens{h.App}, webhookSecrets{h.App}} {
			if err := reseal(ctx, place); err != nil {
				return err
			}
		}
		return h.eachStore(ctx, func(ctx context.Context, store storage.UserStore) error {
			return reseal(ctx, interop.Credentials(store))
		})
	})
	switch {
	case errors.Is(err, secret.ErrRotating):
		return done, &storage.Error{Code: storage.CodeConflict, Message: err.Error()}
	case err != nil:
		return done, fmt.Errorf("rotate the keys: %w", err)
	}
	h.log.InfoContext(ctx, "rotated the keys", "key", done.Key, "resealed", done.Resealed, "removed", done.Removed, "resumed", done.Resumed)
	return done, nil
}

// eachStore opens one after the other the store of every workspace that has one.
func (h *House) eachStore(ctx context.Context, visit func(context.Context, storage.UserStore) error) error {
	workspaces, err := h.App.AllWorkspaces(ctx)
	if err != nil {
		return err
	}
	for _, workspace := range workspaces {
		if _, err := os.Stat(filepath.Join(h.Dir, filepath.FromSlash(workspace.File))); errors.Is(err, os.ErrNotExist) {
			continue
		}
		store, err := h.open(ctx, workspace.File, workspace.Key)
		if err != nil {
			return fmt.Errorf("workspace %s of %s: %w", workspace.Name, workspace.Owner, err)
		}
		if err := errors.Join(visit(ctx, store), store.Close()); err != nil {
			return fmt.Errorf("workspace %s of %s: %w", workspace.Name, workspace.Owner, err)
		}
	}
	return nil
}
