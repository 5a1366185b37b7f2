// Package auth turns what a request brings into its Viewer: a token, a session, an API
// key, or an identity that a gateway has signed. Each issuer of tokens is a Verifier: an
// OpenID Connect Provider, or the local DevIssuer. The package knows no GraphQL beyond
// the shape of an error.
package auth

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/violentutf/violentutf/storage"
)

// Role is what a viewer may do. Roles do not contain each other: an administrator
// without USER is no user.
type Role string

// The roles, as the roles claim of a token and the schema spell them.
const (
	RoleUser    Role = "USER"
	RoleAdmin   Role = "ADMIN"
	RoleAuditor Role = "AUDITOR"
)

// ParseRole reads a role in any case, as people type it.
func ParseRole(text string) (Role, error) {
	role := Role(strings.ToUpper(text))
	if !slices.Contains([]Role{RoleUser, RoleAdmin, RoleAuditor}, role) {
		return "", fmt.Errorf("unknown role %q: use user, admin or auditor", text)
	}
	return role, nil
}

// Viewer is who makes a request. Issuer and Subject together identify the person;
// Username is a name to show and may pass to another person.
type Viewer struct {
	UserID      string // of the app store; empty until the server has looked it up
	Issuer      string
	Subject     string
	Username    string
	Email       string // empty when unknown
	DisplayName string
	Roles       []Role
	IssuedAt    time.Time // when the issuer said so, the roles above all
	ExpiresAt   time.Time // of the token, without the skew that is allowed
	Dev         bool      // signed in through the local issuer of dev mode

	// What was looked up with the viewer's credential: the user with the personal
	// workspace, nil otherwise, and the API key or browser session itself.
	User     *storage.User
	Personal *storage.Workspace
	Key      *storage.APIKey
	Session  *storage.Session
}

// MayUse says whether the viewer's API key allows the scope; who came without a key
// may use every one.
func (v *Viewer) MayUse(scope storage.APIScope) bool {
	return v.Key == nil || slices.Contains(v.Key.Scopes, scope)
}

// Identity is who the viewer is to the app store, which binds a user to it.
func (v *Viewer) Identity() storage.Identity {
	roles := make([]string, len(v.Roles))
	for i, role := range v.Roles {
		roles[i] = string(role)
	}
	return storage.Identity{
		Issuer: v.Issuer, Subject: v.Subject, Username: v.Username, Email: v.Email,
		DisplayName: v.DisplayName, Roles: roles, IssuedAt: v.IssuedAt, Dev: v.Dev,
	}
}

// Known is the viewer of a credential that the app store keeps: an API key or a
// session. Roles that were stored and are unknown now mean nothing.
func Known(user *storage.User, personal *storage.Workspace) *Viewer {
	v := &Viewer{UserID: user.Key, Username: user.Username, DisplayName: user.Username, User: user, Personal: personal, Dev: user.DevBinding}
	for text, value := range map[*string]*string{&v.Issuer: user.Issuer, &v.Subject: user.Subject, &v.Email: user.Email, &v.DisplayName: user.DisplayName} {
		if value != nil {
			*text = *value
		}
	}
	for _, name := range user.Roles {
		if role, err := ParseRole(name); err == nil {
			v.Roles = append(v.Roles, role)
		}
	}
	return v
}

// HasRole says whether the viewer has that very role; nobody has none.
func (v *Viewer) HasRole(role Role) bool {
	return v != nil && slices.Contains(v.Roles, role)
}

func (v *Viewer) clone() *Viewer {
	own := *v
	own.Roles = slices.Clone(v.Roles)
	return &own
}

type viewerKey struct{}

// WithViewer puts the viewer of a request into its context.
func WithViewer(ctx context.Context, viewer *Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, viewer)
}

// ViewerFrom gives the viewer of a request, nil for an anonymous one.
func ViewerFrom(ctx context.Context) *Viewer {
	viewer, _ := ctx.Value(viewerKey{}).(*Viewer)
	return viewer
}

// longestUsername is in characters.
const longestUsername = 64

// ValidUsername says what is wrong with a username, and what would be right: 1 to 64
// letters, digits and . _ - @ +, not beginning with a dot.
func ValidUsername(username string) error {
	const remedy = "use 1 to 64 letters, digits and . _ - @ +, not beginning with a dot"
	switch length := utf8.RuneCountInString(username); {
	case length == 0:
		return fmt.Errorf("username is empty: %s", remedy)
	case length > longestUsername:
		return fmt.Errorf("username has %d characters: %s", length, remedy)
	case !utf8.ValidString(username):
		return fmt.Errorf("username is not valid UTF-8: %s", remedy)
	case username[0] == '.':
		return fmt.Errorf("username %q begins with a dot: %s", username, remedy)
	}
	for _, r := range username {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-@+", r) {
			return fmt.Errorf("username %q holds %q: %s", username, r, remedy)
		}
	}
	return nil
}
