package appstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// AddMember is for owners. CodeNotFound for an unknown username, CodeConflict for who
// is a member.
func (s *Store) AddMember(ctx context.Context, actor, workspaceKey, username string, role storage.MemberRole) (*storage.Member, error) {
	if !role.Valid() {
		return nil, unknownRole(role)
	}
	var added *storage.Member
	_, err := s.asOwner(ctx, actor, workspaceKey, inUse, func(tx Runner, a *acting) error {
		user, err := first(ctx, tx, "find user", userListing.scan, `
			SELECT `+userColumns+`
			FROM users AS u
			WHERE u.username = $1`, username)
		if err != nil {
			return err
		}
		if user == nil {
			return &storage.Error{
				Code: storage.CodeNotFound, Field: "username",
				Message: "there is no user of that name: who is to be invited must have signed in once",
			}
		}
		if role == storage.MemberOwner {
			if err := mayOwnAnother(ctx, tx, user.Key); err != nil {
				return err
			}
		}
		now := s.now().UnixMicro()
		changed, err := exec(ctx, tx, "add member", `
			INSERT INTO workspace_members (workspace_id, user_id, role, added_at)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT (workspace_id, user_id) DO NOTHING`, workspaceKey, user.Key, role, now)
		if err != nil {
			return err
		}
		if changed == 0 {
			return storage.Errorf(storage.CodeConflict,
				"%q is a member of the workspace %q already: change the role instead", username, a.workspace.Name)
		}
		added = &storage.Member{UserKey: user.Key, Username: user.Username, Role: role, AddedAt: fromMicros(now)}
		return nil
	})
	return added, err
}

// SetMemberRole is for owners. CodeNotFound for who is no member, CodeConflict when no
// owner would be left.
func (s *Store) SetMemberRole(ctx context.Context, actor, workspaceKey, username string, role storage.MemberRole) (*storage.Member, error) {
	if !role.Valid() {
		return nil, unknownRole(role)
	}
	var changed *storage.Member
	_, err := s.asOwner(ctx, actor, workspaceKey, inUse, func(tx Runner, a *acting) (err error) {
		if changed, err = memberIn(ctx, tx, workspaceKey, username); err != nil {
			return err
		}
		if role != storage.MemberOwner {
			if err := a.leavesAnOwner(changed); err != nil {
				return err
			}
		}
		changed.Role = role
		return setRole(ctx, tx, workspaceKey, changed.UserKey, role)
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// RemoveMember is for owners. CodeNotFound for who is no member, CodeConflict when no
// owner would be left. API keys that were bound to the workspace stay so, and find it
// no more: without their last binding they would be good for every workspace.
func (s *Store) RemoveMember(ctx context.Context, actor, workspaceKey, username string) error {
	_, err := s.asOwner(ctx, actor, workspaceKey, either, func(tx Runner, a *acting) error {
		member, err := memberIn(ctx, tx, workspaceKey, username)
		if err != nil {
			return err
		}
		if err := a.leavesAnOwner(member); err != nil {
			return err
		}
		return removeMember(ctx, tx, workspaceKey, member.UserKey)
	})
	return err
}

// LeaveWorkspace is for every member, of an archived workspace too. CodeConflict for
// the last owner.
func (s *Store) LeaveWorkspace(ctx context.Context, actor, workspaceKey string) error {
	return s.db.WithTx(ctx, func(tx Runner) error {
		a, err := actingIn(ctx, tx, actor, workspaceKey)
		if err != nil {
			return err
		}
		if err := a.may(either); err != nil {
			return err
		}
		if err := a.leavesAnOwner(&storage.Member{Role: a.workspace.Role}); err != nil {
			return err
		}
		return removeMember(ctx, tx, workspaceKey, actor)
	})
}

// TransferWorkspace makes a member the owner and the acting owner an editor. Other
// owners stay. CodeNotFound for who is no member.
func (s *Store) TransferWorkspace(ctx context.Context, actor, workspaceKey, username string) (*storage.Workspace, error) {
	return s.asOwner(ctx, actor, workspaceKey, inUse, func(tx Runner, a *acting) error {
		heir, err := memberIn(ctx, tx, workspaceKey, username)
		if err != nil {
			return err
		}
		if heir.UserKey == actor {
			return storage.BadInput("username", "the workspace is yours: name another member")
		}
		if err := setRole(ctx, tx, workspaceKey, heir.UserKey, storage.MemberOwner); err != nil {
			return err
		}
		a.workspace.Role = storage.MemberEditor
		return setRole(ctx, tx, workspaceKey, actor, storage.MemberEditor)
	})
}

func unknownRole(role storage.MemberRole) error {
	return storage.BadInput("role", "%q is no role of members: use OWNER, EDITOR or VIEWER", role)
}

// leavesAnOwner refuses to take the ownership of the only one who has it.
func (a *acting) leavesAnOwner(member *storage.Member) error {
	if member.Role == storage.MemberOwner && a.owners < 2 {
		return storage.Errorf(storage.CodeConflict,
			"the workspace %q would have no owner: make another member its owner first", a.workspace.Name)
	}
	return nil
}

// memberIn finds a member by name. CodeNotFound for who is none.
func memberIn(ctx context.Context, tx Runner, workspaceKey, username string) (*storage.Member, error) {
	found, err := first(ctx, tx, "find member", func(row *sql.Rows, found *memberOf) error { return found.scan(row) }, `
		SELECT m.workspace_id, `+memberColumns+`
		FROM workspace_members AS m
		JOIN users AS u ON u.id = m.user_id
		WHERE m.workspace_id = $1 AND u.username = $2`, workspaceKey, username)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, &storage.Error{
			Code: storage.CodeNotFound, Field: "username",
			Message: "the workspace has no member of that name: a name is written as the list of members shows it",
		}
	}
	return &found.member, nil
}

func setRole(ctx context.Context, tx Runner, workspaceKey, userKey string, role storage.MemberRole) error {
	if role == storage.MemberOwner {
		if err := mayOwnAnother(ctx, tx, userKey); err != nil {
			return err
		}
	}
	_, err := exec(ctx, tx, "set the role of a member", `
		UPDATE workspace_members
		SET role = $3
		WHERE workspace_id = $1 AND user_id = $2`, workspaceKey, userKey, role)
	return err
}

func removeMember(ctx context.Context, tx Runner, workspaceKey, userKey string) error {
	_, err := exec(ctx, tx, "remove member", `
		DELETE FROM workspace_members
		WHERE workspace_id = $1 AND user_id = $2`, workspaceKey, userKey)
	return err
}
