package appstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// WorkspaceByName returns a workspace that the user is a member of; the empty name
// means the personal one, and where that has the name it is meant. CodeNotFound for
// every other, also one that exists, CodeConflict where two shared ones have the name.
func (s *Store) WorkspaceByName(ctx context.Context, userKey, name string) (*storage.Workspace, error) {
	if name == "" {
		return s.workspace(ctx, "you have no personal workspace yet", `w.personal_of = $1`, userKey)
	}
	return s.workspace(ctx, fmt.Sprintf("there is no workspace named %q that you are a member of", name),
		`w.name = $2`, userKey, name)
}

// WorkspaceByKey returns a workspace by its key, CodeNotFound unless the user is a
// member of it.
func (s *Store) WorkspaceByKey(ctx context.Context, userKey, key string) (*storage.Workspace, error) {
	return s.workspace(ctx, "there is no such workspace that you are a member of", `w.id = $2`, userKey, key)
}

// WorkspaceByStoreKey returns a workspace by its store's random key, in hex as in
// storage.Workspace; CodeNotFound unless the user is a member of it.
func (s *Store) WorkspaceByStoreKey(ctx context.Context, userKey, storeKey string) (*storage.Workspace, error) {
	return s.workspace(ctx, "there is no such workspace that you are a member of", `w.store_key = $2`, userKey, storeKey)
}

// workspace is the only way to a single workspace: $1 is always the member.
func (s *Store) workspace(ctx context.Context, missing, condition string, args ...any) (*storage.Workspace, error) {
	found, err := list(ctx, s.db, "find workspace", scanWorkspace, `
		SELECT `+workspaceColumns+`
		FROM workspace_members AS m
		JOIN workspaces AS w ON w.id = m.workspace_id
		WHERE m.user_id = $1 AND w.archived_at IS NULL AND `+condition+`
		ORDER BY CASE WHEN w.personal_of = $1 THEN 0 ELSE 1 END
		LIMIT 2`, args...)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, storage.Errorf(storage.CodeNotFound, "%s", missing)
	}
	// Whoever invites a user or renames a workspace could otherwise slip another's
	// under a name that the user trusts.
	if len(found) == 2 && found[0].Kind != storage.WorkspacePersonal {
		return nil, storage.Errorf(storage.CodeConflict,
			"you are a member of two workspaces named %q: leave or rename one of them", found[0].Name)
	}
	return found[0], nil
}

// SetWorkspaceUse caches a store's key (hex, as in storage.Workspace), size in bytes
// and number of rows. The time of the last write is that of the call, unless the
// figures are the cached ones: then nothing was written. CodeNotFound for an unknown
// workspace.
func (s *Store) SetWorkspaceUse(ctx context.Context, key, storeKey string, bytes, rows int64) error {
	if raw, err := hex.DecodeString(storeKey); err != nil || len(raw) != storage.StoreKeyBytes {
		return fmt.Errorf("set workspace use: the store key must be %d bytes in hex", storage.StoreKeyBytes)
	}
	changed, err := exec(ctx, s.db, "set workspace use", `
		UPDATE workspaces
		SET store_key = $2, bytes = $3, rows = $4,
			last_write = CASE WHEN bytes = $3 AND rows = $4 THEN last_write ELSE CAST($5 AS BIGINT) END
		WHERE id = $1`,
		key, storeKey, bytes, rows, s.now().UnixMicro())
	if err != nil {
		return err
	}
	if changed == 0 {
		return storage.Errorf(storage.CodeNotFound, "there is no workspace %s", key)
	}
	return nil
}

// workspaceColumns needs the aliases w and, for the role, m.
const workspaceColumns = `w.id, w.kind, w.name, w.file, w.store_key, w.created_at, w.archived_at, m.role`

// scannedWorkspace is a row of workspaceColumns.
type scannedWorkspace struct {
	workspace storage.Workspace
	storeKey  sql.NullString
	created   int64
	archived  *int64
}

func (s *scannedWorkspace) targets() []any {
	w := &s.workspace
	return []any{&w.Key, &w.Kind, &w.Name, &w.File, &s.storeKey, &s.created, &s.archived, &w.Role}
}

// Workspace is what was scanned.
func (s *scannedWorkspace) Workspace() storage.Workspace {
	w := s.workspace
	w.StoreKey, w.CreatedAt = s.storeKey.String, fromMicros(s.created)
	w.ArchivedAt = maybeMicros(s.archived)
	return w
}

func scanWorkspace(row *sql.Rows, into *storage.Workspace) error {
	scanned := scannedWorkspace{}
	err := row.Scan(scanned.targets()...)
	*into = scanned.Workspace()
	return err
}
