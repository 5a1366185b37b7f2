package appstore

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// CreateWorkspace makes a shared workspace that the acting user owns. file names its
// store, below the data folder, by its key.
func (s *Store) CreateWorkspace(ctx context.Context, actor, name string, file func(workspaceKey string) string) (*storage.Workspace, error) {
	name, err := storage.WorkspaceName(name)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("create workspace: %w", err)
	}
	key, path := id.String(), file(id.String())
	if !filepath.IsLocal(path) {
		return nil, fmt.Errorf("create workspace: the store %q is not below the data folder", path)
	}
	var made *acting
	err = s.db.WithTx(ctx, func(tx Runner) error {
		if err := mayOwnAnother(ctx, tx, actor); err != nil {
			return err
		}
		if err := nameIsFree(ctx, tx, actor, key, name); err != nil {
			return err
		}
		now := s.now().UnixMicro()
		if _, err := exec(ctx, tx, "create workspace", `
			INSERT INTO workspaces (id, kind, name, file, bytes, rows, created_at)
			VALUES ($1, 'SHARED', $2, $3, 0, 0, $4)`, key, name, path, now); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, "add its owner", `
			INSERT INTO workspace_members (workspace_id, user_id, role, added_at)
			VALUES ($1, $2, 'OWNER', $3)`, key, actor, now); err != nil {
			return err
		}
		made, err = actingIn(ctx, tx, actor, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &made.workspace, nil
}

// mayOwnAnother refuses a user who owns as many shared workspaces as are allowed.
func mayOwnAnother(ctx context.Context, tx Runner, user string) error {
	setting, err := declared(storage.MostWorkspaces)
	if err != nil {
		return err
	}
	stored, err := first(ctx, tx, "read setting", scanSetting, `
		SELECT `+settingColumns+`
		FROM system_config
		WHERE name = $1`, setting.Key)
	if err != nil {
		return err
	}
	owned, err := first(ctx, tx, "count workspaces", func(row *sql.Rows, count *int64) error { return row.Scan(count) }, `
		SELECT count(*)
		FROM workspace_members AS m
		JOIN workspaces AS w ON w.id = m.workspace_id
		WHERE m.user_id = $1 AND m.role = 'OWNER' AND w.kind = 'SHARED'`, user)
	if err != nil {
		return err
	}
	if most := valued(*setting, stored).Int(); *owned >= most {
		return storage.Errorf(storage.CodeConflict,
			"a user may own %d shared workspaces, archived ones among them: hand one over, or ask an administrator to raise the setting %s", most, setting.Key)
	}
	return nil
}

// RenameWorkspace is for owners.
func (s *Store) RenameWorkspace(ctx context.Context, actor, workspaceKey, name string) (*storage.Workspace, error) {
	name, err := storage.WorkspaceName(name)
	if err != nil {
		return nil, err
	}
	return s.asOwner(ctx, actor, workspaceKey, inUse, func(tx Runner, a *acting) error {
		if err := nameIsFree(ctx, tx, actor, workspaceKey, name); err != nil {
			return err
		}
		a.workspace.Name = name
		_, err := exec(ctx, tx, "rename workspace", `
			UPDATE workspaces
			SET name = $2
			WHERE id = $1`, workspaceKey, name)
		return err
	})
}

// ArchiveWorkspace is for owners: no look-up finds it any more.
func (s *Store) ArchiveWorkspace(ctx context.Context, actor, workspaceKey string) (*storage.Workspace, error) {
	return s.asOwner(ctx, actor, workspaceKey, inUse, func(tx Runner, a *acting) error {
		now := s.now().UnixMicro()
		a.workspace.ArchivedAt = maybeMicros(&now)
		return setArchived(ctx, tx, workspaceKey, &now)
	})
}

// UnarchiveWorkspace is for owners. CodeConflict when the name is taken by now.
func (s *Store) UnarchiveWorkspace(ctx context.Context, actor, workspaceKey string) (*storage.Workspace, error) {
	return s.asOwner(ctx, actor, workspaceKey, archived, func(tx Runner, a *acting) error {
		if err := nameIsFree(ctx, tx, actor, workspaceKey, a.workspace.Name); err != nil {
			return err
		}
		a.workspace.ArchivedAt = nil
		return setArchived(ctx, tx, workspaceKey, nil)
	})
}

func setArchived(ctx context.Context, tx Runner, workspaceKey string, at *int64) error {
	_, err := exec(ctx, tx, "archive workspace", `
		UPDATE workspaces
		SET archived_at = $2
		WHERE id = $1`, workspaceKey, at)
	return err
}

// acting is a user who changes a workspace.
type acting struct {
	workspace storage.Workspace // with the user's role
	owners    int64
}

// state is what a change demands of a workspace.
type state int

const (
	inUse state = iota
	archived
	either
)

// asOwner runs fn when the user owns the shared workspace, in the same transaction as
// the check. It returns the workspace, which fn may change.
func (s *Store) asOwner(ctx context.Context, actor, workspaceKey string, demanded state, fn func(tx Runner, a *acting) error) (*storage.Workspace, error) {
	var found *acting
	err := s.db.WithTx(ctx, func(tx Runner) (err error) {
		if found, err = actingIn(ctx, tx, actor, workspaceKey); err != nil {
			return err
		}
		if err := found.may(demanded); err != nil {
			return err
		}
		if found.workspace.Role != storage.MemberOwner {
			return storage.Errorf(storage.CodeForbidden,
				"you are %s of the workspace %q: only an OWNER may do this", found.workspace.Role, found.workspace.Name)
		}
		return fn(tx, found)
	})
	if err != nil {
		return nil, err
	}
	return &found.workspace, nil
}

// may tells whether the workspace can be changed at all.
func (a *acting) may(demanded state) error {
	w := &a.workspace
	switch {
	case w.Kind == storage.WorkspacePersonal:
		return storage.BadInput("workspace", "a personal workspace is its user's alone: make a shared one")
	case demanded == inUse && w.ArchivedAt != nil:
		return storage.Errorf(storage.CodeConflict, "the workspace %q is archived: unarchive it first", w.Name)
	case demanded == archived && w.ArchivedAt == nil:
		return storage.Errorf(storage.CodeConflict, "the workspace %q is not archived", w.Name)
	}
	return nil
}

// actingIn finds the workspace, archived or not, with the user's role. CodeNotFound
// for who is no member.
func actingIn(ctx context.Context, tx Runner, actor, workspaceKey string) (*acting, error) {
	found, err := first(ctx, tx, "find workspace", func(row *sql.Rows, into *acting) error {
		workspace := scannedWorkspace{}
		err := row.Scan(append(workspace.targets(), &into.owners)...)
		into.workspace = workspace.Workspace()
		return err
	}, `
		SELECT `+workspaceColumns+`, (
			SELECT count(*)
			FROM workspace_members AS o
			WHERE o.workspace_id = w.id AND o.role = 'OWNER')
		FROM workspace_members AS m
		JOIN workspaces AS w ON w.id = m.workspace_id
		WHERE m.user_id = $1 AND w.id = $2`, actor, workspaceKey)
	if err == nil && found == nil {
		err = storage.Errorf(storage.CodeNotFound, "there is no such workspace that you are a member of")
	}
	return found, err
}

// nameIsFree refuses a name that another workspace of the acting user has. One that others
// made and invited the user to may have it: it is theirs to name, and a look-up that finds
// both says so.
func nameIsFree(ctx context.Context, tx Runner, actor, workspaceKey, name string) error {
	taken, err := number(ctx, tx, "find workspaces with a name", `
		SELECT count(*)
		FROM workspace_members AS m
		JOIN workspaces AS w ON w.id = m.workspace_id
		WHERE m.user_id = $1 AND m.role = 'OWNER' AND w.id <> $2 AND w.name = $3 AND w.archived_at IS NULL`, actor, workspaceKey, name)
	if err == nil && taken > 0 {
		err = &storage.Error{
			Code: storage.CodeConflict, Field: "name",
			Message: fmt.Sprintf("you own a workspace named %q already: choose another name, or rename that one first", name),
		}
	}
	return err
}
