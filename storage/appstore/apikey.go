package appstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// The sizes of a key's texts, in bytes.
const (
	maxKeyName   = 100
	maxKeyPrefix = 16
)

// CreateAPIKey stores a key. CodeNotFound for a workspace that the user is no member
// of.
func (s *Store) CreateAPIKey(ctx context.Context, key storage.NewAPIKey) (*storage.APIKey, error) {
	if err := checkAPIKey(&key); err != nil {
		return nil, err
	}
	now := s.now()
	if key.ExpiresAt != nil && !key.ExpiresAt.After(now) {
		return nil, storage.BadInput("expiresAt", "the key would expire before it is made: choose a later time")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("create API key: %w", err)
	}
	scopes := make(texts, len(key.Scopes))
	for i, scope := range key.Scopes {
		scopes[i] = string(scope)
	}
	var expires *int64
	if key.ExpiresAt != nil {
		micros := key.ExpiresAt.UnixMicro()
		expires = &micros
	}
	var made *storage.APIKey
	err = s.db.WithTx(ctx, func(tx Runner) (err error) {
		if _, err := exec(ctx, tx, "create API key", `
			INSERT INTO api_keys (id, user_id, name, prefix, secret_sha256, scopes, created_at, expires_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			id.String(), key.UserKey, key.Name, key.Prefix, key.SecretHash, scopes.column(), now.UnixMicro(), expires); err != nil {
			return err
		}
		for _, workspace := range key.Workspaces {
			bound, err := exec(ctx, tx, "bind API key to a workspace", `
				INSERT INTO api_key_workspaces (api_key_id, workspace_id)
				SELECT $1, m.workspace_id
				FROM workspace_members AS m
				WHERE m.user_id = $2 AND m.workspace_id = $3
				ON CONFLICT (api_key_id, workspace_id) DO NOTHING`, id.String(), key.UserKey, workspace)
			if err != nil {
				return err
			}
			if bound == 0 {
				return &storage.Error{
					Code: storage.CodeNotFound, Field: "workspaces",
					Message: "there is no such workspace that you are a member of, or it is named twice",
				}
			}
		}
		made, err = apiKeyOf(ctx, tx, key.UserKey, id.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// APIKeyBySecret returns the key with the SHA-256 of a secret, its owner and the
// owner's personal workspace, in one statement. CodeUnauthenticated for one that is
// unknown, revoked or expired.
func (s *Store) APIKeyBySecret(ctx context.Context, secretHash string) (*storage.APIKey, *storage.User, *storage.Workspace, error) {
	now := s.now()
	type holder struct {
		key storage.APIKey
		userAndWorkspace
	}
	found, err := first(ctx, s.db, "find API key", func(row *sql.Rows, into *holder) error {
		workspace, user := scannedWorkspace{}, scannedUser{}
		err := scanAPIKey(row, &into.key, append(user.targets(), workspace.targets()...)...)
		into.user, into.workspace = user.User(), workspace.Workspace()
		return err
	}, `
		SELECT `+apiKeyListing.columns+`, `+userColumns+`, `+workspaceColumns+`
		FROM api_keys AS k
		JOIN users AS u ON u.id = k.user_id
		`+personalWorkspace+`
		WHERE k.secret_sha256 = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)`,
		secretHash, now.UnixMicro())
	if err != nil {
		return nil, nil, nil, err
	}
	if found == nil {
		return nil, nil, nil, storage.Errorf(storage.CodeUnauthenticated, "the API key is not valid: make a new one")
	}
	s.keys.note(found.key.Key, now)
	return &found.key, &found.user, &found.workspace, nil
}

// APIKeysOf lists a user's keys, revoked ones too, newest first.
func (s *Store) APIKeysOf(ctx context.Context, userKey string, page storage.Page) (*storage.Connection[storage.APIKey], error) {
	q := &query{}
	equal(q, "k.user_id", &userKey)
	return apiKeyListing.page(ctx, s.db, q, order[storage.APIKey]{
		name: "created", expr: "k.created_at", desc: true,
		value: func(k *storage.APIKey) any { return k.CreatedAt.UnixMicro() },
	}, page)
}

// APIKeysByKey reads keys.
func (s *Store) APIKeysByKey(ctx context.Context, keys []string) (map[string]*storage.APIKey, error) {
	return apiKeyListing.byKey(ctx, s.db, keys)
}

// RevokeAPIKey ends a key. CodeNotFound for another user's.
func (s *Store) RevokeAPIKey(ctx context.Context, userKey, key string) (*storage.APIKey, error) {
	var revoked *storage.APIKey
	err := s.db.WithTx(ctx, func(tx Runner) (err error) {
		if _, err := revoke(ctx, tx, s.now().UnixMicro(), `user_id = $2 AND id = $3`, userKey, key); err != nil {
			return err
		}
		revoked, err = apiKeyOf(ctx, tx, userKey, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}

// RevokeAPIKeysOf ends all keys of a user, and returns how many.
func (s *Store) RevokeAPIKeysOf(ctx context.Context, userKey string) (int64, error) {
	return revoke(ctx, s.db, s.now().UnixMicro(), `user_id = $2`, userKey)
}

func revoke(ctx context.Context, db Runner, now int64, condition string, args ...any) (int64, error) {
	return exec(ctx, db, "revoke API keys", `
		UPDATE api_keys
		SET revoked_at = $1
		WHERE `+condition+` AND revoked_at IS NULL`, append([]any{now}, args...)...)
}

func apiKeyOf(ctx context.Context, db Runner, userKey, key string) (*storage.APIKey, error) {
	found, err := first(ctx, db, "find API key", apiKeyListing.scan, `
		SELECT `+apiKeyListing.columns+`
		FROM `+apiKeyListing.from+`
		WHERE k.user_id = $1 AND k.id = $2`, userKey, key)
	if err == nil && found == nil {
		err = storage.Errorf(storage.CodeNotFound, "there is no such API key of yours")
	}
	return found, err
}

func checkAPIKey(key *storage.NewAPIKey) error {
	key.Name = strings.TrimSpace(key.Name)
	switch hash, err := hex.DecodeString(key.SecretHash); {
	case key.Name == "" || key.Name != storage.Plain(key.Name, maxKeyName):
		return storage.BadInput("name", "a key's name must have 1 to %d bytes of printable characters", maxKeyName)
	case err != nil || len(hash) != 32 || key.SecretHash != strings.ToLower(key.SecretHash):
		return fmt.Errorf("create API key: the secret's hash is not SHA-256 in hex")
	case len(key.Prefix) > maxKeyPrefix: // more would help to guess the rest
		return fmt.Errorf("create API key: the prefix has %d bytes, %d are allowed", len(key.Prefix), maxKeyPrefix)
	case len(key.Scopes) == 0:
		return storage.BadInput("scopes", "a key without a scope can do nothing: name READ, WRITE or EXECUTE")
	}
	for _, scope := range key.Scopes {
		if scope != storage.ScopeRead && scope != storage.ScopeWrite && scope != storage.ScopeExecute {
			return storage.BadInput("scopes", "%q is no scope of keys: use READ, WRITE or EXECUTE", scope)
		}
	}
	return nil
}

// string_agg is in SQLite since 3.44.
var apiKeyListing = &listing[storage.APIKey]{
	name: "API keys", from: "api_keys AS k", key: "k.id",
	columns: `k.id, k.user_id, k.name, k.prefix, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.revoked_at,
			COALESCE((
				SELECT string_agg(b.workspace_id, ',')
				FROM api_key_workspaces AS b
				WHERE b.api_key_id = k.id), '')`,
	scan:  func(row *sql.Rows, key *storage.APIKey) error { return scanAPIKey(row, key) },
	keyOf: func(k *storage.APIKey) string { return k.Key },
}

// scanAPIKey reads the listing's columns and whatever columns follow them.
func scanAPIKey(row *sql.Rows, key *storage.APIKey, rest ...any) error {
	var scopes texts
	var created int64
	var expires, used, revoked *int64
	var workspaces string
	err := row.Scan(append([]any{
		&key.Key, &key.UserKey, &key.Name, &key.Prefix, &scopes, &created, &expires, &used, &revoked, &workspaces,
	}, rest...)...)
	key.Scopes = make([]storage.APIScope, len(scopes))
	for i, scope := range scopes {
		key.Scopes[i] = storage.APIScope(scope)
	}
	key.Workspaces = strings.FieldsFunc(workspaces, func(r rune) bool { return r == ',' })
	key.CreatedAt, key.ExpiresAt = fromMicros(created), maybeMicros(expires)
	key.LastUsedAt, key.RevokedAt = maybeMicros(used), maybeMicros(revoked)
	return err
}
