package storagetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

var keyTests = map[string]func(t *testing.T, store storage.AppStore){
	"KeyIsFoundWithItsOwnerInOneStatement":   keyIsFoundWithItsOwnerInOneStatement,
	"RevokedAndExpiredKeysAreUnknown":        revokedAndExpiredKeysAreUnknown,
	"KeyOfAnotherCannotBeRevoked":            keyOfAnotherCannotBeRevoked,
	"KeyIsBoundToWorkspacesOfItsOwner":       keyIsBoundToWorkspacesOfItsOwner,
	"KeyOfARemovedMemberDoesNotReachFurther": keyOfARemovedMemberDoesNotReachFurther,
	"UseOfKeysIsWrittenByFlush":              useOfKeysIsWrittenByFlush,
	"UnfitKeysAreRefused":                    unfitKeysAreRefused,
	"KeysAreListedInPages":                   keysAreListedInPages,
	"DisabledOwnerOfAKeyIsReturned":          disabledOwnerOfAKeyIsReturned,
}

func hashOf(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func newKey(userKey, secret string) storage.NewAPIKey {
	return storage.NewAPIKey{
		UserKey: userKey, Name: "key of " + secret, Prefix: "vutf_abcd", SecretHash: hashOf(secret),
		Scopes: []storage.APIScope{storage.ScopeRead},
	}
}

func createKey(t *testing.T, store storage.AppStore, key storage.NewAPIKey) *storage.APIKey {
	t.Helper()
	made, err := store.CreateAPIKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func keyIsFoundWithItsOwnerInOneStatement(t *testing.T, store storage.AppStore) {
	alice, own := ensure(t, store, "alice")
	key := newKey(alice.Key, "s")
	expires := time.Now().Add(time.Hour)
	key.Scopes, key.ExpiresAt = []storage.APIScope{storage.ScopeRead, storage.ScopeExecute}, &expires
	made := createKey(t, store, key)
	if made.Name != key.Name || made.Prefix != "vutf_abcd" || made.LastUsedAt != nil || made.RevokedAt != nil ||
		made.ExpiresAt.UnixMicro() != expires.UnixMicro() || !made.Reaches("any") {
		t.Errorf("%+v", made)
	}
	if n := statements(t, func(ctx context.Context) error {
		found, user, workspace, err := store.APIKeyBySecret(ctx, hashOf("s"))
		if err != nil {
			return err
		}
		if found.Key != made.Key || !slices.Equal(found.Scopes, key.Scopes) || user.Key != alice.Key || *workspace != *own {
			t.Errorf("%+v, %+v, %+v", found, user, workspace)
		}
		return nil
	}); n != 1 {
		t.Errorf("%d statements", n)
	}
	for _, wrong := range []string{"", "s", hashOf("t"), made.Key} {
		_, _, _, err := store.APIKeyBySecret(t.Context(), wrong)
		wantCode(t, err, storage.CodeUnauthenticated, wrong)
	}
}

func revokedAndExpiredKeysAreUnknown(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	revoked := createKey(t, store, newKey(alice.Key, "revoked"))
	soon := time.Now().Add(100 * time.Millisecond) // long enough to be made
	short := newKey(alice.Key, "short")
	short.ExpiresAt = &soon
	createKey(t, store, short)
	first, err := store.RevokeAPIKey(t.Context(), alice.Key, revoked.Key)
	if err != nil || first.RevokedAt == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := store.RevokeAPIKey(t.Context(), alice.Key, revoked.Key)
	if err != nil || !again.RevokedAt.Equal(*first.RevokedAt) {
		t.Errorf("revoked twice: %+v, %v", again, err)
	}
	eventually(t, func() bool { return time.Now().After(soon) })
	var texts []string
	for _, secret := range []string{"revoked", "short", "never made"} {
		_, _, _, err := store.APIKeyBySecret(t.Context(), hashOf(secret))
		wantCode(t, err, storage.CodeUnauthenticated, secret)
		texts = append(texts, fmt.Sprint(err))
	}
	if len(slices.Compact(texts)) != 1 {
		t.Errorf("the answers tell which it was: %q", texts)
	}
	createKey(t, store, newKey(alice.Key, "a"))
	createKey(t, store, newKey(alice.Key, "b"))
	if n, err := store.RevokeAPIKeysOf(t.Context(), alice.Key); err != nil || n != 3 { // the expired one too
		t.Errorf("all: %d, %v", n, err)
	}
}

func keyOfAnotherCannotBeRevoked(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	bob, _ := ensure(t, store, "bob")
	key := createKey(t, store, newKey(alice.Key, "s"))
	_, err := store.RevokeAPIKey(t.Context(), bob.Key, key.Key)
	wantCode(t, err, storage.CodeNotFound, "bob revokes alice's key")
	if _, _, _, err := store.APIKeyBySecret(t.Context(), hashOf("s")); err != nil {
		t.Error(err)
	}
}

func keyIsBoundToWorkspacesOfItsOwner(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	own, err := store.WorkspaceByName(t.Context(), m.key("vic"), "")
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(m.key("vic"), "s")
	key.Workspaces = []string{m.workspace.Key, own.Key}
	made := createKey(t, store, key)
	slices.Sort(key.Workspaces)
	slices.Sort(made.Workspaces)
	if !slices.Equal(made.Workspaces, key.Workspaces) || !made.Reaches(own.Key) || made.Reaches("other") {
		t.Errorf("%+v", made)
	}
	foreign := newKey(m.key("sam"), "t")
	foreign.Workspaces = []string{m.workspace.Key}
	_, err = store.CreateAPIKey(t.Context(), foreign)
	wantCode(t, err, storage.CodeNotFound, "a workspace of others")
	if list, err := store.APIKeysOf(t.Context(), m.key("sam"), storage.Page{Limit: 5}); err != nil || len(list.Edges) != 0 {
		t.Errorf("half of a key was stored: %v, %v", list, err)
	}
}

func keyOfARemovedMemberDoesNotReachFurther(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	key := newKey(m.key("vic"), "s")
	key.Workspaces = []string{m.workspace.Key}
	createKey(t, store, key)
	if err := store.RemoveMember(t.Context(), m.key("olga"), m.workspace.Key, "vic"); err != nil {
		t.Fatal(err)
	}
	found, user, _, err := store.APIKeyBySecret(t.Context(), hashOf("s"))
	if err != nil || found.Reaches("another workspace") {
		t.Errorf("%+v, %v", found, err)
	}
	_, err = store.WorkspaceByKey(t.Context(), user.Key, m.workspace.Key)
	wantCode(t, err, storage.CodeNotFound, "the workspace")
}

func useOfKeysIsWrittenByFlush(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	var keys []string
	for i := range 1203 { // more than one statement takes
		secret := fmt.Sprint(i)
		keys = append(keys, createKey(t, store, newKey(alice.Key, secret)).Key)
	}
	start := time.Now().Add(-time.Second)
	for i := range keys {
		if _, _, _, err := store.APIKeyBySecret(t.Context(), hashOf(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	before, err := store.APIKeysByKey(t.Context(), keys[:1])
	if err != nil || before[keys[0]].LastUsedAt != nil {
		t.Errorf("a use was written by itself: %+v, %v", before[keys[0]], err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.Flush(ended); err == nil {
		t.Error("flushed with an ended context")
	}
	if n := statements(t, store.Flush); n != 2 {
		t.Errorf("%d statements", n)
	}
	after, err := store.APIKeysByKey(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range after {
		if key.LastUsedAt == nil || key.LastUsedAt.Before(start) {
			t.Fatalf("%+v", key)
		}
	}
	if n := statements(t, store.Flush); n != 0 {
		t.Errorf("nothing new: %d statements", n)
	}
}

func unfitKeysAreRefused(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	past := time.Now().Add(-time.Second)
	for what, spoil := range map[string]func(key *storage.NewAPIKey){
		"no name":          func(key *storage.NewAPIKey) { key.Name = " " },
		"invisible name":   func(key *storage.NewAPIKey) { key.Name = "a\u202eb" },
		"no scope":         func(key *storage.NewAPIKey) { key.Scopes = nil },
		"an unknown scope": func(key *storage.NewAPIKey) { key.Scopes = []storage.APIScope{"ADMIN"} },
		"in the past":      func(key *storage.NewAPIKey) { key.ExpiresAt = &past },
	} {
		key := newKey(alice.Key, "s")
		spoil(&key)
		_, err := store.CreateAPIKey(t.Context(), key)
		wantCode(t, err, storage.CodeBadInput, what)
	}
	for what, spoil := range map[string]func(key *storage.NewAPIKey){
		"the secret itself": func(key *storage.NewAPIKey) { key.SecretHash = "vutf_secret" },
		"a long prefix":     func(key *storage.NewAPIKey) { key.Prefix = "vutf_0123456789abcdef" },
		"no user":           func(key *storage.NewAPIKey) { key.UserKey = "nobody" },
	} {
		key := newKey(alice.Key, "s")
		spoil(&key)
		if _, err := store.CreateAPIKey(t.Context(), key); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
}

func keysAreListedInPages(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	bob, _ := ensure(t, store, "bob")
	for i := range 5 {
		createKey(t, store, newKey(alice.Key, fmt.Sprint(i)))
	}
	createKey(t, store, newKey(bob.Key, "bob's"))
	got := paged(t, func(page storage.Page) (*storage.Connection[storage.APIKey], error) {
		return store.APIKeysOf(t.Context(), alice.Key, page)
	}, func(k *storage.APIKey) string { return k.Name[len(k.Name)-1:] })
	if got != "4 3 2 1 0" {
		t.Errorf("got %s", got)
	}
}

func disabledOwnerOfAKeyIsReturned(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	createKey(t, store, newKey(alice.Key, "s"))
	if _, err := store.SetUserDisabled(t.Context(), alice.Key, true); err != nil {
		t.Fatal(err)
	}
	if _, user, _, err := store.APIKeyBySecret(t.Context(), hashOf("s")); err != nil || !user.Disabled {
		t.Errorf("%+v, %v", user, err)
	}
}

// eventually waits until a condition holds, and fails when it does not within ten
// seconds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for tick := time.NewTicker(time.Millisecond); !holds(); {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not come true")
		}
	}
}
