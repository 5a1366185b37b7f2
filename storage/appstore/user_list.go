package appstore

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// Users lists every user by name.
func (s *Store) Users(ctx context.Context) ([]*storage.User, error) {
	return list(ctx, s.db, "list users", scanUser, `
		SELECT `+userColumns+`
		FROM users AS u
		ORDER BY u.username`)
}

// UserByUsername returns a user by the exact name. CodeNotFound without one.
func (s *Store) UserByUsername(ctx context.Context, username string) (*storage.User, error) {
	return knownUser(ctx, s.db, `u.username = $1`, username)
}

// UserByIdentity returns the user who is bound to an identity. CodeNotFound without one.
func (s *Store) UserByIdentity(ctx context.Context, issuer, subject string) (*storage.User, error) {
	return knownUser(ctx, s.db, `u.issuer = $1 AND u.subject = $2`, issuer, subject)
}

// UsersByKey reads users.
func (s *Store) UsersByKey(ctx context.Context, keys []string) (map[string]*storage.User, error) {
	return userListing.byKey(ctx, s.db, keys)
}

// ListUsers lists users, page by page.
func (s *Store) ListUsers(ctx context.Context, filter *storage.UserFilter, by storage.UserOrder, page storage.Page) (*storage.Connection[storage.User], error) {
	q := &query{}
	if filter != nil {
		if filter.UsernameContains != nil {
			folded := storage.UsernameKey(*filter.UsernameContains)
			q.contains("u.username_key", &folded)
		}
		q.is("u.disabled", filter.Disabled)
		q.is("u.subject IS NOT NULL", filter.Bound)
	}
	o := order[storage.User]{name: string(by.Field), desc: by.Direction == storage.Descending}
	switch by.Field {
	case storage.UserOrderFirstSeen:
		o.expr, o.value = "u.first_seen", func(u *storage.User) any { return u.FirstSeen.UnixMicro() }
	case storage.UserOrderLastSeen:
		o.expr, o.value = "u.last_seen", func(u *storage.User) any { return u.LastSeen.UnixMicro() }
	default:
		o.expr, o.value = "u.username", func(u *storage.User) any { return u.Username }
	}
	return userListing.page(ctx, s.db, q, o, page)
}

var userListing = &listing[storage.User]{
	name: "users", columns: userColumns, from: "users AS u", key: "u.id",
	scan:  scanUser,
	keyOf: func(u *storage.User) string { return u.Key },
}

// knownUser reads one user; CodeNotFound without one.
func knownUser(ctx context.Context, db Runner, condition string, args ...any) (*storage.User, error) {
	user, err := first(ctx, db, "find user", userListing.scan, `
		SELECT `+userColumns+`
		FROM users AS u
		WHERE `+condition, args...)
	if err == nil && user == nil {
		err = storage.Errorf(storage.CodeNotFound, "there is no such user: a name is written as the list of users shows it")
	}
	return user, err
}
