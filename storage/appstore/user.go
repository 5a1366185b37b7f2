package appstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// lastSeenStep is how exact last_seen is: finer would make every request a write.
const lastSeenStep = time.Minute

// EnsureUser returns the user of that name with the personal workspace, and makes
// both on first use; file, which names the personal store below the data folder,
// counts then only. A known user costs one statement, and once a minute a second.
// A disabled user is returned too: refusing is up to the caller. CodeConflict for a
// name that looks like another user's.
func (s *Store) EnsureUser(ctx context.Context, username, file string) (*storage.User, *storage.Workspace, error) {
	if username == "" {
		return nil, nil, storage.BadInput("username", "a username must not be empty")
	}
	found, err := userByName(ctx, s.db, username)
	if err != nil {
		return nil, nil, err
	}
	if found == nil {
		return s.ensureUser(ctx, username, file)
	}
	if now := s.now(); now.Sub(found.user.LastSeen) >= lastSeenStep {
		if err := s.see(ctx, s.db, &found.user, now); err != nil {
			return nil, nil, err
		}
	}
	return &found.user, &found.workspace, nil
}

// ensureUser makes whichever of the user, the personal workspace and the membership
// is missing. Every statement leaves alone what another process made in the meantime.
func (s *Store) ensureUser(ctx context.Context, username, file string) (*storage.User, *storage.Workspace, error) {
	var found *userAndWorkspace
	err := s.db.WithTx(ctx, func(tx Runner) error {
		added, err := s.addUser(ctx, tx, username, file)
		if err != nil {
			return err
		}
		if found, err = userByName(ctx, tx, username); err != nil || found != nil {
			return err
		}
		if added {
			return errors.New("add user: it is not there after it was added")
		}
		return storage.Errorf(storage.CodeConflict,
			"the username %q differs from a known user's only by case or form: use that user's spelling", username)
	})
	if err != nil {
		return nil, nil, err
	}
	return &found.user, &found.workspace, nil
}

// addUser reports whether it made the user; it makes the personal workspace of one
// that is there too. No user is made where another's name looks the same.
func (s *Store) addUser(ctx context.Context, tx Runner, username, file string) (bool, error) {
	if !filepath.IsLocal(file) {
		return false, fmt.Errorf("add user: the store %q is not below the data folder", file)
	}
	userID, workspaceID, err := newIDs()
	if err != nil {
		return false, fmt.Errorf("add user: %w", err)
	}
	now := s.now().UnixMicro()
	added, err := exec(ctx, tx, "add user", `
		INSERT INTO users (id, username, username_key, roles, first_seen, last_seen, disabled)
		VALUES ($1, $2, $3, '[]', $4, $4, FALSE)
		ON CONFLICT DO NOTHING`, userID, username, storage.UsernameKey(username), now)
	if err != nil {
		return false, err
	}
	if _, err := exec(ctx, tx, "add personal workspace", `
		INSERT INTO workspaces (id, kind, personal_of, name, file, bytes, rows, created_at)
		SELECT $1, 'PERSONAL', id, username, $2, 0, 0, CAST($3 AS BIGINT)
		FROM users
		WHERE username = $4
		ON CONFLICT (personal_of) DO NOTHING`, workspaceID, file, now, username); err != nil {
		return false, err
	}
	_, err = exec(ctx, tx, "add owner of personal workspace", `
		INSERT INTO workspace_members (workspace_id, user_id, role, added_at)
		SELECT w.id, u.id, 'OWNER', CAST($1 AS BIGINT)
		FROM users AS u
		JOIN workspaces AS w ON w.personal_of = u.id
		WHERE u.username = $2
		ON CONFLICT (workspace_id, user_id) DO NOTHING`, now, username)
	return added > 0, err
}

func newIDs() (user, workspace string, err error) {
	first, err := uuid.NewV7()
	if err != nil {
		return "", "", err
	}
	second, err := uuid.NewV7()
	return first.String(), second.String(), err
}

type userAndWorkspace struct {
	user      storage.User
	workspace storage.Workspace
}

// userByName returns nil when the user is unknown or has no personal workspace yet.
func userByName(ctx context.Context, db Runner, username string) (*userAndWorkspace, error) {
	return userWhere(ctx, db, `u.username = $1`, username)
}

func userWhere(ctx context.Context, db Runner, condition string, args ...any) (*userAndWorkspace, error) {
	return first(ctx, db, "find user", func(row *sql.Rows, into *userAndWorkspace) error {
		user, workspace := scannedUser{}, scannedWorkspace{}
		err := row.Scan(append(user.targets(), workspace.targets()...)...)
		into.user, into.workspace = user.User(), workspace.Workspace()
		return err
	}, `
		SELECT `+userColumns+`, `+workspaceColumns+`
		FROM users AS u
		`+personalWorkspace+`
		WHERE `+condition, args...)
}

// personalWorkspace joins the workspace of workspaceColumns to the user u.
const personalWorkspace = `JOIN workspaces AS w ON w.personal_of = u.id
		JOIN workspace_members AS m ON m.workspace_id = w.id AND m.user_id = u.id`

// see stores that the user was seen now. Requests that come at once change one row once.
func (s *Store) see(ctx context.Context, db Runner, user *storage.User, now time.Time) error {
	_, err := exec(ctx, db, "note that the user was seen", `
		UPDATE users
		SET last_seen = $1
		WHERE id = $2 AND last_seen <= $3`,
		now.UnixMicro(), user.Key, now.Add(-lastSeenStep).UnixMicro())
	if err == nil {
		user.LastSeen = fromMicros(now.UnixMicro())
	}
	return err
}

const userColumns = `u.id, u.issuer, u.subject, u.username, u.email, u.display_name, u.time_zone, u.roles, u.roles_at,
	u.first_seen, u.last_seen, u.disabled, COALESCE(u.binding, '') = 'DEV', u.binding_allowed`

// scannedUser is a row of userColumns.
type scannedUser struct {
	user                         storage.User
	roles                        texts
	rolesAt, firstSeen, lastSeen int64
}

func (s *scannedUser) targets() []any {
	u := &s.user
	return []any{
		&u.Key, &u.Issuer, &u.Subject, &u.Username, &u.Email, &u.DisplayName, &u.TimeZone, &s.roles, &s.rolesAt,
		&s.firstSeen, &s.lastSeen, &u.Disabled, &u.DevBinding, &u.BindingAllowed,
	}
}

// User is what was scanned.
func (s *scannedUser) User() storage.User {
	u := s.user
	u.Roles, u.RolesAt = s.roles, fromMicros(s.rolesAt)
	u.FirstSeen, u.LastSeen = fromMicros(s.firstSeen), fromMicros(s.lastSeen)
	return u
}

func scanUser(row *sql.Rows, into *storage.User) error {
	scanned := scannedUser{}
	err := row.Scan(scanned.targets()...)
	*into = scanned.User()
	return err
}
