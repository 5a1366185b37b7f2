package storage

import (
	"context"
	"time"
)

// Sessions are the browsers that are signed in. Their keys are SHA-256 hashes of
// cookies, in hex: who reads the table can use none of them.
type Sessions interface {
	// CreateSession begins a session. Its times but ExpiresAt and Idle are set here.
	CreateSession(ctx context.Context, session Session) (*Session, error)
	// SessionByKey returns a session with its user and the user's personal
	// workspace, and notes the use for Flush. CodeUnauthenticated for one that is
	// unknown, ended or expired, without saying which. A disabled user is returned:
	// refusing is up to the caller.
	SessionByKey(ctx context.Context, key string) (*Session, *User, *Workspace, error)
	// SetSessionTokens stores what a refresh brought; without an ID token the one before
	// stays. CodeUnauthenticated for a session that is over.
	SetSessionTokens(ctx context.Context, key, refreshToken, idToken string) error
	// SessionsOf lists a user's sessions that are not over, newest first, without
	// tokens.
	SessionsOf(ctx context.Context, userKey string, page Page) (*Connection[Session], error)
	// SessionsByKey reads sessions, over or not, without tokens and without a use:
	// whose they are is for the caller to check.
	SessionsByKey(ctx context.Context, keys []string) (map[string]*Session, error)
	// EndSession returns the session as it was, so that the issuer can be told.
	// CodeNotFound for another user's.
	EndSession(ctx context.Context, userKey, key string) (*Session, error)
	// EndOtherSessions ends all sessions of a user but one, EndSessionsOf all; both
	// return how many.
	EndOtherSessions(ctx context.Context, userKey, keep string) (int64, error)
	EndSessionsOf(ctx context.Context, userKey string) (int64, error)
	// EndIssuerSession ends what an issuer says is over (OpenID Connect Back-Channel
	// Logout 1.0, section 2.6), and returns how many sessions that were.
	EndIssuerSession(ctx context.Context, issuer, issuerSession string) (int64, error)
	// SealedTokens lists at most limit sealed tokens behind one, of sessions that are over
	// too, by session and field; behind the zero token it begins. ReplaceTokens stores
	// each new text where the old one still is, all or none.
	SealedTokens(ctx context.Context, after SealedToken, limit int) ([]*SealedToken, error)
	ReplaceTokens(ctx context.Context, changes []*ResealedToken) error
	// PurgeSessions forgets the expired ones, and returns how many.
	PurgeSessions(ctx context.Context) (int64, error)
}

// Session is a signed-in browser.
type Session struct {
	Key           string
	UserKey       string
	CreatedAt     time.Time
	ExpiresAt     time.Time     // whatever is done meanwhile
	Idle          time.Duration // without a request the session ends after this
	LastSeen      time.Time     // as of the last Flush
	IP            string
	UserAgent     string
	IssuerSession string // sid, empty where the issuer gives none
	RefreshToken  string // sealed by the caller; as IDToken empty in lists
	IDToken       string
}

// TokenField is where a session keeps a sealed token.
type TokenField string

// The fields of sealed tokens.
const (
	FieldIDToken      TokenField = "id_token"
	FieldRefreshToken TokenField = "refresh_token"
)

// SealedToken is a sealed token and whose it is.
type SealedToken struct {
	Session string // key
	User    string // key
	Field   TokenField
	Sealed  string
}

// ResealedToken is a sealed token with what replaces it.
type ResealedToken struct {
	SealedToken
	New string
}

// IdleExpiresAt is when the session ends without another request.
func (s *Session) IdleExpiresAt() time.Time {
	if idle := s.LastSeen.Add(s.Idle); idle.Before(s.ExpiresAt) {
		return idle
	}
	return s.ExpiresAt
}
