package appstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// WorkspaceByName returns a workspace that the user is a member of; the empty name
// means the personal one. Where two have the name, the personal one is meant, then
// the oldest. CodeNotFound for every other, also one that exists.
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
		ORDER BY CASE WHEN w.personal_of = $1 THEN 0 ELSE 1 END, w.created_at, w.id
		LIMIT 1`, args...)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, storage.Errorf(storage.CodeNotFound, "%s", missing)
	}
	return found[0], nil
}

// Workspaces lists the workspaces of a user: the personal one, then the others as
// they were made.
func (s *Store) Workspaces(ctx context.Context, userKey string) ([]*storage.Workspace, error) {
	return list(ctx, s.db, "list workspaces", scanWorkspace, `
		SELECT `+workspaceColumns+`
		FROM workspace_members AS m
		JOIN workspaces AS w ON w.id = m.workspace_id
		WHERE m.user_id = $1 AND w.archived_at IS NULL
		ORDER BY CASE WHEN w.personal_of = $1 THEN 0 ELSE 1 END, w.created_at, w.id`, userKey)
}

// Members lists the members of a workspace by name. Whether the viewer may see them
// is up to the caller: it holds a workspace only as a member.
func (s *Store) Members(ctx context.Context, workspaceKey string) ([]*storage.Member, error) {
	return list(ctx, s.db, "list members", func(row *sql.Rows, member *storage.Member) error {
		return row.Scan(&member.Username, &member.Role)
	}, `
		SELECT u.username, m.role
		FROM workspace_members AS m
		JOIN users AS u ON u.id = m.user_id
		WHERE m.workspace_id = $1
		ORDER BY u.username`, workspaceKey)
}

// AllWorkspaces lists every workspace, archived ones too, with its first owner's
// name. Role is empty: who asks is an administrator, not a member.
func (s *Store) AllWorkspaces(ctx context.Context) ([]*storage.WorkspaceUse, error) {
	return list(ctx, s.db, "list all workspaces", func(row *sql.Rows, use *storage.WorkspaceUse) error {
		workspace := scannedWorkspace{}
		var micros *int64
		err := row.Scan(append(workspace.targets(), &use.Owner, &use.Bytes, &use.Rows, &micros)...)
		use.Workspace = workspace.Workspace()
		if micros != nil {
			seconds := *micros / int64(time.Second/time.Microsecond)
			use.LastWrite = &seconds
		}
		return err
	}, `
		SELECT w.id, w.kind, w.name, w.file, w.store_key, w.created_at, '',
			COALESCE((
				SELECT u.username
				FROM workspace_members AS m
				JOIN users AS u ON u.id = m.user_id
				WHERE m.workspace_id = w.id AND m.role = 'OWNER'
				ORDER BY m.added_at, u.username
				LIMIT 1), ''),
			w.bytes, w.rows, w.last_write
		FROM workspaces AS w
		ORDER BY w.created_at, w.id`)
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
const workspaceColumns = `w.id, w.kind, w.name, w.file, w.store_key, w.created_at, m.role`

// scannedWorkspace is a row of workspaceColumns.
type scannedWorkspace struct {
	workspace storage.Workspace
	storeKey  sql.NullString
	created   int64
}

func (s *scannedWorkspace) targets() []any {
	w := &s.workspace
	return []any{&w.Key, &w.Kind, &w.Name, &w.File, &s.storeKey, &s.created, &w.Role}
}

// Workspace is what was scanned.
func (s *scannedWorkspace) Workspace() storage.Workspace {
	w := s.workspace
	w.StoreKey, w.CreatedAt = s.storeKey.String, fromMicros(s.created)
	return w
}

func scanWorkspace(row *sql.Rows, into *storage.Workspace) error {
	scanned := scannedWorkspace{}
	err := row.Scan(scanned.targets()...)
	*into = scanned.Workspace()
	return err
}
