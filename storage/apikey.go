package storage

import (
	"context"
	"time"
)

// APIKeys let programs act for a user. The secret itself is never here.
type APIKeys interface {
	// CreateAPIKey stores a key. BAD_USER_INPUT names the field at fault;
	// CodeNotFound for a workspace that the user is no member of.
	CreateAPIKey(ctx context.Context, key NewAPIKey) (*APIKey, error)
	// APIKeyBySecret returns the key with the SHA-256 of a secret, its owner and the
	// owner's personal workspace, and notes the use for Flush. CodeUnauthenticated
	// for one that is unknown, revoked or expired, without saying which. A disabled
	// owner is returned: refusing is up to the caller.
	APIKeyBySecret(ctx context.Context, secretHash string) (*APIKey, *User, *Workspace, error)
	// APIKeysOf lists a user's keys, revoked ones too, newest first.
	APIKeysOf(ctx context.Context, userKey string, page Page) (*Connection[APIKey], error)
	// APIKeysByKey names keys, whosever they are: who may see one is decided by the
	// caller.
	APIKeysByKey(ctx context.Context, keys []string) (map[string]*APIKey, error)
	// RevokeAPIKey counts at once and for ever. CodeNotFound for another user's key;
	// a revoked one stays as it was.
	RevokeAPIKey(ctx context.Context, userKey, key string) (*APIKey, error)
	// RevokeAPIKeysOf revokes all keys of a user, and returns how many.
	RevokeAPIKeysOf(ctx context.Context, userKey string) (int64, error)
}

// APIScope is what a key may do.
type APIScope string

// The scopes of keys.
const (
	ScopeRead    APIScope = "READ"
	ScopeWrite   APIScope = "WRITE"
	ScopeExecute APIScope = "EXECUTE" // start runs, which cost money
)

// NewAPIKey is a key to be made.
type NewAPIKey struct {
	UserKey    string
	Name       string
	Prefix     string // the begin of the secret, by which people tell keys apart
	SecretHash string // SHA-256 of a secret of 256 random bits, hex
	Scopes     []APIScope
	Workspaces []string // keys; none: all of the user's
	ExpiresAt  *time.Time
}

// APIKey is a key as its owner may see it.
type APIKey struct {
	Key        string // UUIDv7
	UserKey    string
	Name       string
	Prefix     string
	Scopes     []APIScope
	Workspaces []string // keys; empty: all of the user's
	CreatedAt  time.Time
	ExpiresAt  *time.Time
	LastUsedAt *time.Time // as of the last Flush
	RevokedAt  *time.Time
}

// Reaches tells whether the key may be used in a workspace of its owner.
func (k *APIKey) Reaches(workspaceKey string) bool {
	for _, bound := range k.Workspaces {
		if bound == workspaceKey {
			return true
		}
	}
	return len(k.Workspaces) == 0
}
