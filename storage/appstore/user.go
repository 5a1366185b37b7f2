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
// A disabled user is returned too: refusing is up to the caller.
func (s *Store) EnsureUser(ctx context.Context, username, file string) (*storage.User, *storage.Workspace, error) {
	if username == "" {
		return nil, nil, storage.BadInput("username", "a username must not be empty")
	}
	found, err := userByName(ctx, s.db, username)
	if err != nil {
		return nil, nil, err
	}
	if found == nil {
		return s.addUser(ctx, username, file)
	}
	if now := s.now(); now.Sub(found.user.LastSeen) >= lastSeenStep {
		if err := s.see(ctx, &found.user, now); err != nil {
			return nil, nil, err
		}
	}
	return &found.user, &found.workspace, nil
}

// Users lists every user by name.
func (s *Store) Users(ctx context.Context) ([]*storage.User, error) {
	return list(ctx, s.db, "list users", func(row *sql.Rows, user *storage.User) error {
		return scanUser(row, user)
	}, `
		SELECT `+userColumns+`
		FROM users AS u
		ORDER BY u.username`)
}

// addUser makes whichever of the user, the personal workspace and the membership is
// missing. Every statement leaves alone what another process made in the meantime.
func (s *Store) addUser(ctx context.Context, username, file string) (*storage.User, *storage.Workspace, error) {
	if !filepath.IsLocal(file) {
		return nil, nil, fmt.Errorf("add user: the store %q is not below the data folder", file)
	}
	userID, workspaceID, err := newIDs()
	if err != nil {
		return nil, nil, fmt.Errorf("add user: %w", err)
	}
	now := s.now().UnixMicro()
	var found *userAndWorkspace
	err = s.db.WithTx(ctx, func(tx Runner) error {
		if _, err := exec(ctx, tx, "add user", `
			INSERT INTO users (id, username, roles, first_seen, last_seen, disabled)
			VALUES ($1, $2, '[]', $3, $3, FALSE)
			ON CONFLICT (username) DO NOTHING`, userID, username, now); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, "add personal workspace", `
			INSERT INTO workspaces (id, kind, personal_of, name, file, bytes, rows, created_at)
			SELECT $1, 'PERSONAL', id, username, $2, 0, 0, CAST($3 AS BIGINT)
			FROM users
			WHERE username = $4
			ON CONFLICT (personal_of) DO NOTHING`, workspaceID, file, now, username); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, "add owner of personal workspace", `
			INSERT INTO workspace_members (workspace_id, user_id, role, added_at)
			SELECT w.id, u.id, 'OWNER', CAST($1 AS BIGINT)
			FROM users AS u
			JOIN workspaces AS w ON w.personal_of = u.id
			WHERE u.username = $2
			ON CONFLICT (workspace_id, user_id) DO NOTHING`, now, username); err != nil {
			return err
		}
		found, err = userByName(ctx, tx, username)
		if err == nil && found == nil {
			err = errors.New("add user: it is not there after it was added")
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return &found.user, &found.workspace, nil
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
	found, err := list(ctx, db, "find user", func(row *sql.Rows, into *userAndWorkspace) error {
		workspace := scannedWorkspace{}
		err := scanUser(row, &into.user, workspace.targets()...)
		into.workspace = workspace.Workspace()
		return err
	}, `
		SELECT `+userColumns+`, `+workspaceColumns+`
		FROM users AS u
		JOIN workspaces AS w ON w.personal_of = u.id
		JOIN workspace_members AS m ON m.workspace_id = w.id AND m.user_id = u.id
		WHERE u.username = $1`, username)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// see stores that the user was seen now. Requests that come at once change one row once.
func (s *Store) see(ctx context.Context, user *storage.User, now time.Time) error {
	_, err := exec(ctx, s.db, "note that the user was seen", `
		UPDATE users
		SET last_seen = $1
		WHERE id = $2 AND last_seen <= $3`,
		now.UnixMicro(), user.Key, now.Add(-lastSeenStep).UnixMicro())
	if err == nil {
		user.LastSeen = fromMicros(now.UnixMicro())
	}
	return err
}

const userColumns = `u.id, u.issuer, u.subject, u.username, u.email, u.display_name, u.time_zone,
	u.first_seen, u.last_seen, u.disabled`

// scanUser reads userColumns and whatever columns follow them.
func scanUser(row *sql.Rows, user *storage.User, rest ...any) error {
	var first, last int64
	targets := append([]any{
		&user.Key, &user.Issuer, &user.Subject, &user.Username, &user.Email, &user.DisplayName, &user.TimeZone,
		&first, &last, &user.Disabled,
	}, rest...)
	err := row.Scan(targets...)
	user.FirstSeen, user.LastSeen = fromMicros(first), fromMicros(last)
	return err
}
