package appstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// SignIn returns the user who is bound to the identity, with the personal workspace.
// At the first sign-in it binds or makes one; file, which names the personal store
// below the data folder, counts then only. A known user costs one statement, and a
// second one once a minute or when the token tells something new. CodeForbidden for a
// username that the identity may not have.
func (s *Store) SignIn(ctx context.Context, identity storage.Identity, file string) (*storage.User, *storage.Workspace, error) {
	switch {
	case identity.Issuer == "" || identity.Subject == "":
		return nil, nil, storage.BadInput("identity", "an identity must have an issuer and a subject")
	case identity.Username == "":
		return nil, nil, storage.BadInput("username", "a username must not be empty")
	}
	found, err := userByIdentity(ctx, s.db, identity)
	if err != nil {
		return nil, nil, err
	}
	if found == nil {
		return s.bind(ctx, identity, file)
	}
	if now := s.now(); now.Sub(found.user.LastSeen) >= lastSeenStep || tellsMore(identity, &found.user) {
		if err := s.note(ctx, s.db, &found.user, identity, now); err != nil {
			return nil, nil, err
		}
	}
	return &found.user, &found.workspace, nil
}

// AllowBinding lets the next identity with that username take the user over.
// CodeNotFound for an unknown user, CodeConflict for one that is bound.
func (s *Store) AllowBinding(ctx context.Context, username string) (*storage.User, error) {
	var user *storage.User
	err := s.db.WithTx(ctx, func(tx Runner) (err error) {
		if user, err = knownUser(ctx, tx, `u.username = $1`, username); err != nil {
			return err
		}
		if user.Subject != nil && !user.DevBinding {
			return storage.Errorf(storage.CodeConflict, "the user %q is bound to an identity already: nothing was changed", username)
		}
		user.BindingAllowed = true
		_, err = exec(ctx, tx, "allow binding", `
			UPDATE users
			SET binding_allowed = TRUE
			WHERE id = $1`, user.Key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return user, nil
}

// SetUserDisabled locks a user out and ends all their sessions, or lets them in again.
// CodeNotFound for an unknown user.
func (s *Store) SetUserDisabled(ctx context.Context, userKey string, disabled bool) (*storage.User, error) {
	var user *storage.User
	err := s.db.WithTx(ctx, func(tx Runner) (err error) {
		if _, err := exec(ctx, tx, "set whether a user is disabled", `
			UPDATE users
			SET disabled = $2
			WHERE id = $1`, userKey, disabled); err != nil {
			return err
		}
		if disabled {
			if _, err := endSessions(ctx, tx, `user_id = $1`, userKey); err != nil {
				return err
			}
		}
		user, err = knownUser(ctx, tx, `u.id = $1`, userKey)
		return err
	})
	if err != nil {
		return nil, err
	}
	return user, nil
}

// bind makes an identity's user, or binds the one with its name if that may be.
func (s *Store) bind(ctx context.Context, identity storage.Identity, file string) (*storage.User, *storage.Workspace, error) {
	var found *userAndWorkspace
	err := s.db.WithTx(ctx, func(tx Runner) error {
		var err error
		if found, err = userByIdentity(ctx, tx, identity); err != nil || found != nil {
			return err // another request of the same sign-in was first
		}
		added, err := s.addUser(ctx, tx, identity.Username, file)
		if err != nil {
			return err
		}
		username := identity.Username
		if !added {
			if username, err = mayBind(ctx, tx, identity); err != nil {
				return err
			}
		}
		// Another issuer's clock says nothing of when this one spoke: roles_at begins anew.
		// What the development mode alone made is free for a real identity; what a
		// command made needs the permission even after a development sign-in.
		if _, err := exec(ctx, tx, "bind user", `
			UPDATE users
			SET issuer = $2, subject = $3, roles_at = 0,
				binding = CASE WHEN CAST($4 AS BOOLEAN) THEN 'DEV' END,
				binding_allowed = CAST($4 AS BOOLEAN) AND (CAST($5 AS BOOLEAN) OR binding_allowed)
			WHERE username = $1`,
			username, identity.Issuer, identity.Subject, identity.Dev, added); err != nil {
			return err
		}
		if found, err = userByIdentity(ctx, tx, identity); err != nil {
			return err
		}
		if found == nil {
			return errors.New("bind user: it is not there after it was bound")
		}
		return s.note(ctx, tx, &found.user, identity, s.now())
	})
	if err != nil {
		return nil, nil, err
	}
	return &found.user, &found.workspace, nil
}

// mayBind tells whether an unknown identity may have a username that is taken, and how
// that is spelled. Another spelling counts only where an administrator has allowed it:
// a command may have made "Dave", whom the provider calls "dave".
func mayBind(ctx context.Context, tx Runner, identity storage.Identity) (string, error) {
	known, err := first(ctx, tx, "find user", userListing.scan, `
		SELECT `+userColumns+`
		FROM users AS u
		WHERE u.username_key = $1`, storage.UsernameKey(identity.Username))
	switch {
	case err != nil:
		return "", err
	case known == nil:
		return "", errors.New("bind user: nobody has the name that is taken")
	case known.Username != identity.Username && (known.Subject != nil || !known.BindingAllowed):
		return "", storage.Errorf(storage.CodeForbidden,
			"the username %q differs from a known user's only by case or form: an administrator allows it by `violentutf user bind` with that user's spelling, or it is renamed at the identity provider", identity.Username)
	case known.Subject != nil && !known.DevBinding:
		return "", storage.Errorf(storage.CodeForbidden,
			"the username %q belongs to another account: rename this one at the identity provider", identity.Username)
	case !known.BindingAllowed && !identity.Dev:
		return "", storage.Errorf(storage.CodeForbidden,
			"the username %[1]q was made by a command and is not released: an administrator allows it by `violentutf user bind %[1]s`", identity.Username)
	}
	return known.Username, nil
}

func userByIdentity(ctx context.Context, db Runner, identity storage.Identity) (*userAndWorkspace, error) {
	return userWhere(ctx, db, `u.issuer = $1 AND u.subject = $2`, identity.Issuer, identity.Subject)
}

// displayOf is the name to show: a renamed user's new one, where the token has no
// other.
func displayOf(identity storage.Identity, username string) *string {
	if identity.DisplayName == "" && identity.Username != username {
		return &identity.Username
	}
	return present(identity.DisplayName)
}

// tellsMore compares what the token says with what is stored. A newer token with the same
// roles tells more too: from then on no token between the two may change them.
func tellsMore(identity storage.Identity, user *storage.User) bool {
	switch issued := issuedAt(identity); {
	case issued < user.RolesAt.UnixMicro():
		return false
	case issued > user.RolesAt.UnixMicro():
		return true
	}
	return !same(user.Email, present(identity.Email)) ||
		!same(user.DisplayName, displayOf(identity, user.Username)) ||
		!slices.Equal(user.Roles, identity.Roles)
}

// issuedAt is the token's time; one without a time is older than any with one.
func issuedAt(identity storage.Identity) int64 { return max(0, identity.IssuedAt.UnixMicro()) }

// note stores that the user was seen and, unless a newer token has been here, what this
// one says.
func (s *Store) note(ctx context.Context, db Runner, user *storage.User, identity storage.Identity, now time.Time) error {
	email, display, issued := present(identity.Email), displayOf(identity, user.Username), issuedAt(identity)
	changed, err := exec(ctx, db, "note what the token says", `
		UPDATE users
		SET email = $2, display_name = $3, roles = $4, roles_at = $5, last_seen = $6
		WHERE id = $1 AND roles_at <= $5`,
		user.Key, email, display, texts(identity.Roles).column(), issued, now.UnixMicro())
	if err != nil {
		return err
	}
	if changed == 0 {
		return s.see(ctx, db, user, now)
	}
	user.Email, user.DisplayName, user.Roles = email, display, append([]string{}, identity.Roles...)
	user.RolesAt, user.LastSeen = fromMicros(issued), fromMicros(now.UnixMicro())
	return nil
}

// present is nil for the empty text.
func present(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func same(a, b *string) bool {
	return a == b || a != nil && b != nil && *a == *b
}
