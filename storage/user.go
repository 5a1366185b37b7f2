package storage

import (
	"context"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Users are the people and services that the installation knows.
type Users interface {
	// EnsureUser returns the user of that name with the personal workspace, and
	// makes both, unbound, on first use: for commands and the development mode.
	// file names the personal store, below the data folder. CodeConflict for a name
	// that looks like another user's (UsernameKey).
	EnsureUser(ctx context.Context, username, file string) (*User, *Workspace, error)
	// SignIn returns the user who is bound to the identity, whatever the username
	// now is, and binds or makes one at the first sign-in; file counts only then. A
	// known user costs one statement, and a second one when there is something to
	// note. A disabled user is returned too: refusing is up to the caller.
	// CodeForbidden for a username that belongs to another subject, that a command
	// made and no administrator allowed, or that looks like another user's: the
	// caller audits it.
	SignIn(ctx context.Context, identity Identity, file string) (*User, *Workspace, error)
	// AllowBinding lets the next identity with that username take over what a
	// command made. CodeNotFound for an unknown user, CodeConflict for a bound one.
	AllowBinding(ctx context.Context, username string) (*User, error)
	// SetUserDisabled locks a user out and ends all their sessions, or lets them in
	// again. CodeNotFound for an unknown user.
	SetUserDisabled(ctx context.Context, userKey string, disabled bool) (*User, error)
	// UserByUsername returns a user by the exact name, CodeNotFound without one.
	UserByUsername(ctx context.Context, username string) (*User, error)
	// UserByIdentity returns the user who is bound to an identity, CodeNotFound without
	// one: to end what is theirs. It makes nobody, and notes nothing.
	UserByIdentity(ctx context.Context, issuer, subject string) (*User, error)
	// UsersByKey names the users of audit rows, members and keys.
	UsersByKey(ctx context.Context, keys []string) (map[string]*User, error)
	// ListUsers is for administrators; Users lists all of them by name. BAD_USER_INPUT
	// for a cursor of another list.
	ListUsers(ctx context.Context, filter *UserFilter, order UserOrder, page Page) (*Connection[User], error)
	Users(ctx context.Context) ([]*User, error)
}

// Identity is who somebody is by a verified token.
type Identity struct {
	Issuer      string
	Subject     string // never reused by the issuer (OpenID Connect Core 1.0, section 2)
	Username    string // preferred_username: may change, and come back as another's
	Email       string // empty where the token has none, as DisplayName
	DisplayName string
	Roles       []string
	// IssuedAt is when the issuer said so. What it said earlier changes nothing: an older
	// token that is still valid must not give a role back that a newer one took away.
	IssuedAt time.Time
	Dev      bool // the development mode made it: a real identity may replace it
}

// User is a person or service as the identity provider names it.
type User struct {
	Key         string // UUIDv7
	Issuer      *string
	Subject     *string
	Username    string // as at the first use: the personal store's file is named by it
	Email       *string
	DisplayName *string
	TimeZone    *string
	Roles       []string // as last seen
	// RolesAt is when the issuer last said that these are the roles, from a second to a
	// minute exact; zero, the year 1970, when nobody has.
	RolesAt   time.Time
	FirstSeen time.Time
	LastSeen  time.Time // to the minute
	Disabled  bool
	// DevBinding marks an identity of the development mode.
	DevBinding bool
	// BindingAllowed says that the next identity with the username takes it over.
	BindingAllowed bool
}

// UsernameKey is what two usernames share that people, or a case-insensitive
// identity provider, take for the same: NFKC and case folding (Unicode Standard
// Annex 15 and section 3.13.3). Letters of other scripts that look alike stay apart.
func UsernameKey(username string) string {
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(username)))
}

// UserFilter narrows a list of users; nil fields do not.
type UserFilter struct {
	UsernameContains *string // whatever the case
	Disabled         *bool
	Bound            *bool
}

// UserOrderField is what a list of users can be ordered by.
type UserOrderField string

// The orders of users.
const (
	UserOrderUsername  UserOrderField = "USERNAME"
	UserOrderFirstSeen UserOrderField = "FIRST_SEEN"
	UserOrderLastSeen  UserOrderField = "LAST_SEEN"
)

// UserOrder orders a list of users.
type UserOrder struct {
	Field     UserOrderField
	Direction Direction
}
