// Package storagetest holds the suites that every engine of a store passes.
package storagetest

import (
	"context"
	"encoding/hex"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// AppStore is the suite that every engine of the app store passes. open makes an
// empty store and closes it with the test.
func AppStore(t *testing.T, open func(t *testing.T) storage.AppStore) {
	tests := map[string]func(t *testing.T, store storage.AppStore){
		"FirstUseMakesUserAndPersonalWorkspace": firstUseMakesUserAndPersonalWorkspace,
		"KnownUserKeepsKeyAndFile":              knownUserKeepsKeyAndFile,
		"KnownUserCostsOneStatement":            knownUserCostsOneStatement,
		"ConcurrentFirstUseMakesOneUser":        concurrentFirstUseMakesOneUser,
		"OthersWorkspaceIsNotFound":             othersWorkspaceIsNotFound,
		"WorkspaceIsFoundByItsMember":           workspaceIsFoundByItsMember,
		"TwoUsersCannotShareAFile":              twoUsersCannotShareAFile,
		"FileMustBeBelowTheDataFolder":          fileMustBeBelowTheDataFolder,
		"AdministratorsSeeCachedFigures":        administratorsSeeCachedFigures,
		"EveryMethodCountsItsStatements":        everyMethodCountsItsStatements,
		"TextIsOnlyText":                        textIsOnlyText,
		"EndedContextIsAnError":                 endedContextIsAnError,
	}
	for _, more := range []map[string]func(t *testing.T, store storage.AppStore){userTests, workspaceTests, pageTests, keyTests, sessionTests, auditTests, upkeepTests, executionTests, webhookTests} {
		maps.Copy(tests, more)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func firstUseMakesUserAndPersonalWorkspace(t *testing.T, store storage.AppStore) {
	start := time.Now().Add(-time.Second)
	user, workspace := ensure(t, store, "alice")
	if user.Username != "alice" || len(user.Key) != 36 || user.Disabled || user.Issuer != nil || user.Email != nil {
		t.Errorf("user %+v", user)
	}
	if user.FirstSeen.Before(start) || user.FirstSeen.After(time.Now()) || !user.LastSeen.Equal(user.FirstSeen) {
		t.Errorf("first seen %v, last seen %v", user.FirstSeen, user.LastSeen)
	}
	if workspace.Name != "alice" || workspace.Kind != storage.WorkspacePersonal || workspace.Role != storage.MemberOwner ||
		workspace.File != fileOf("alice") || len(workspace.Key) != 36 || workspace.StoreKey != "" || workspace.CreatedAt.Before(start) {
		t.Errorf("workspace %+v", workspace)
	}
	members, err := store.Members(t.Context(), workspace.Key)
	if err != nil || len(members) != 1 ||
		*members[0] != (storage.Member{UserKey: user.Key, Username: "alice", Role: storage.MemberOwner, AddedAt: workspace.CreatedAt}) {
		t.Errorf("members %v, %v", members, err)
	}
	users, err := store.Users(t.Context())
	if err != nil || len(users) != 1 || !reflect.DeepEqual(users[0], user) {
		t.Errorf("users %v, %v", users, err)
	}
	if err := store.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func knownUserKeepsKeyAndFile(t *testing.T, store storage.AppStore) {
	first, firstWorkspace := ensure(t, store, "alice")
	second, workspace, err := store.EnsureUser(t.Context(), "alice", "violentutf/other.db")
	if err != nil {
		t.Fatal(err)
	}
	if second.Key != first.Key || *workspace != *firstWorkspace {
		t.Errorf("second time %+v, %+v; first time %+v, %+v", second, workspace, first, firstWorkspace)
	}
}

func knownUserCostsOneStatement(t *testing.T, store storage.AppStore) {
	ensure(t, store, "alice")
	if n := statements(t, func(ctx context.Context) error {
		_, _, err := store.EnsureUser(ctx, "alice", fileOf("alice"))
		return err
	}); n != 1 {
		t.Errorf("%d statements", n)
	}
}

func concurrentFirstUseMakesOneUser(t *testing.T, store storage.AppStore) {
	const callers = 16
	users, workspaces := make([]string, callers), make([]string, callers)
	var wait sync.WaitGroup
	for i := range callers {
		wait.Go(func() {
			user, workspace, err := store.EnsureUser(t.Context(), "alice", fileOf("alice"))
			if err != nil {
				t.Error(err)
				return
			}
			users[i], workspaces[i] = user.Key, workspace.Key
		})
	}
	wait.Wait()
	for i := range callers {
		if users[i] != users[0] || workspaces[i] != workspaces[0] {
			t.Fatalf("caller %d got %s with %s, the first %s with %s", i, users[i], workspaces[i], users[0], workspaces[0])
		}
	}
	all, err := store.AllWorkspaces(t.Context())
	if err != nil || len(all) != 1 {
		t.Errorf("%d workspaces, %v", len(all), err)
	}
}

func othersWorkspaceIsNotFound(t *testing.T, store storage.AppStore) {
	_, alices := ensure(t, store, "alice")
	bob, bobs := ensure(t, store, "bob")
	key := storeKey(1)
	if err := store.SetWorkspaceUse(t.Context(), alices.Key, key, 1, 1); err != nil {
		t.Fatal(err)
	}
	for what, get := range map[string]func() (*storage.Workspace, error){
		"name":            func() (*storage.Workspace, error) { return store.WorkspaceByName(t.Context(), bob.Key, "alice") },
		"key":             func() (*storage.Workspace, error) { return store.WorkspaceByKey(t.Context(), bob.Key, alices.Key) },
		"store key":       func() (*storage.Workspace, error) { return store.WorkspaceByStoreKey(t.Context(), bob.Key, key) },
		"empty key":       func() (*storage.Workspace, error) { return store.WorkspaceByKey(t.Context(), bob.Key, "") },
		"empty store key": func() (*storage.Workspace, error) { return store.WorkspaceByStoreKey(t.Context(), bob.Key, "") },
		"no user":         func() (*storage.Workspace, error) { return store.WorkspaceByName(t.Context(), "", "alice") },
		"name as user":    func() (*storage.Workspace, error) { return store.WorkspaceByName(t.Context(), "alice", "") },
	} {
		if workspace, err := get(); storage.CodeOf(err) != storage.CodeNotFound || workspace != nil {
			t.Errorf("bob got alice's workspace by %s: %+v, %v", what, workspace, err)
		}
	}
	_, err := store.WorkspaceByName(t.Context(), bob.Key, "alice")
	_, missing := store.WorkspaceByName(t.Context(), bob.Key, "nobody")
	if err == nil || missing == nil || strings.ReplaceAll(err.Error(), "alice", "nobody") != missing.Error() {
		t.Errorf("the answer tells that the workspace exists: %q, otherwise %q", err, missing)
	}
	list, err := store.Workspaces(t.Context(), bob.Key)
	if err != nil || len(list) != 1 || list[0].Key != bobs.Key {
		t.Errorf("bob's list: %v, %v", list, err)
	}
}

func workspaceIsFoundByItsMember(t *testing.T, store storage.AppStore) {
	alice, alices := ensure(t, store, "alice")
	if err := store.SetWorkspaceUse(t.Context(), alices.Key, storeKey(1), 1, 1); err != nil {
		t.Fatal(err)
	}
	want := *alices
	want.StoreKey = storeKey(1)
	for what, get := range map[string]func() (*storage.Workspace, error){
		"empty name": func() (*storage.Workspace, error) { return store.WorkspaceByName(t.Context(), alice.Key, "") },
		"name":       func() (*storage.Workspace, error) { return store.WorkspaceByName(t.Context(), alice.Key, "alice") },
		"key":        func() (*storage.Workspace, error) { return store.WorkspaceByKey(t.Context(), alice.Key, alices.Key) },
		"store key": func() (*storage.Workspace, error) {
			return store.WorkspaceByStoreKey(t.Context(), alice.Key, storeKey(1))
		},
	} {
		if workspace, err := get(); err != nil || *workspace != want {
			t.Errorf("by %s: %+v, %v; want %+v", what, workspace, err, want)
		}
	}
}

func twoUsersCannotShareAFile(t *testing.T, store storage.AppStore) {
	ensure(t, store, "alice")
	if _, _, err := store.EnsureUser(t.Context(), "bob", fileOf("alice")); err == nil {
		t.Error("bob got alice's file")
	}
	users, err := store.Users(t.Context())
	if err != nil || len(users) != 1 {
		t.Errorf("half of bob was stored: %v, %v", users, err)
	}
}

func fileMustBeBelowTheDataFolder(t *testing.T, store storage.AppStore) {
	for _, file := range []string{"", "../alice.db", "/etc/alice.db"} {
		if _, _, err := store.EnsureUser(t.Context(), "alice", file); err == nil {
			t.Errorf("file %q was accepted", file)
		}
	}
	if _, _, err := store.EnsureUser(t.Context(), "", fileOf("")); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("empty username: %v", err)
	}
}

func administratorsSeeCachedFigures(t *testing.T, store storage.AppStore) {
	_, alices := ensure(t, store, "alice")
	_, bobs := ensure(t, store, "bob")
	start := time.Now().Unix()
	if err := store.SetWorkspaceUse(t.Context(), bobs.Key, storeKey(2), 4096, 17); err != nil {
		t.Fatal(err)
	}
	all, err := store.AllWorkspaces(t.Context())
	if err != nil || len(all) != 2 {
		t.Fatalf("%d workspaces, %v", len(all), err)
	}
	if a := all[0]; a.Key != alices.Key || a.Owner != "alice" || a.Bytes != 0 || a.Rows != 0 || a.LastWrite != nil || a.StoreKey != "" {
		t.Errorf("alice's: %+v", a)
	}
	b := all[1]
	if b.Key != bobs.Key || b.Owner != "bob" || b.Bytes != 4096 || b.Rows != 17 || b.StoreKey != storeKey(2) ||
		b.LastWrite == nil || *b.LastWrite < start || *b.LastWrite > time.Now().Unix() {
		t.Errorf("bob's: %+v", b)
	}
	if err := store.SetWorkspaceUse(t.Context(), "nothing", storeKey(3), 1, 1); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("unknown workspace: %v", err)
	}
	if err := store.SetWorkspaceUse(t.Context(), bobs.Key, "raw bytes", 1, 1); err == nil {
		t.Error("a store key that is not hex was accepted")
	}
}

func everyMethodCountsItsStatements(t *testing.T, store storage.AppStore) {
	user, workspace := ensure(t, store, "alice")
	for what, call := range map[string]func(ctx context.Context) error{
		"WorkspaceByName": func(ctx context.Context) error { _, err := store.WorkspaceByName(ctx, user.Key, ""); return err },
		"WorkspaceByKey": func(ctx context.Context) error {
			_, err := store.WorkspaceByKey(ctx, user.Key, workspace.Key)
			return err
		},
		"Workspaces":    func(ctx context.Context) error { _, err := store.Workspaces(ctx, user.Key); return err },
		"Members":       func(ctx context.Context) error { _, err := store.Members(ctx, workspace.Key); return err },
		"AllWorkspaces": func(ctx context.Context) error { _, err := store.AllWorkspaces(ctx); return err },
		"Users":         func(ctx context.Context) error { _, err := store.Users(ctx); return err },
		"SetWorkspaceUse": func(ctx context.Context) error {
			return store.SetWorkspaceUse(ctx, workspace.Key, storeKey(1), 1, 1)
		},
	} {
		if n := statements(t, call); n != 1 {
			t.Errorf("%s: %d statements", what, n)
		}
	}
	if n := statements(t, func(ctx context.Context) error {
		_, _, err := store.EnsureUser(ctx, "bob", fileOf("bob"))
		return err
	}); n < 2 {
		t.Errorf("a new user: %d statements", n)
	}
}

func textIsOnlyText(t *testing.T, store storage.AppStore) {
	for _, name := range []string{`a' OR '1'='1`, `"; DROP TABLE users; --`, "$1 ?2", "zoë 漢字", "alice"} {
		user, workspace := ensure(t, store, name)
		if user.Username != name || workspace.Name != name {
			t.Errorf("%q came back as %q with %q", name, user.Username, workspace.Name)
		}
		if found, err := store.WorkspaceByName(t.Context(), user.Key, name); err != nil || found.Key != workspace.Key {
			t.Errorf("%q: %+v, %v", name, found, err)
		}
	}
	if users, err := store.Users(t.Context()); err != nil || len(users) != 5 {
		t.Errorf("%d users, %v", len(users), err)
	}
}

func endedContextIsAnError(t *testing.T, store storage.AppStore) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := store.EnsureUser(ctx, "alice", fileOf("alice")); err == nil {
		t.Error("an ended context made a user")
	}
	ensure(t, store, "alice")
}

func ensure(t *testing.T, store storage.AppStore, username string) (*storage.User, *storage.Workspace) {
	t.Helper()
	user, workspace, err := store.EnsureUser(t.Context(), username, fileOf(username))
	if err != nil {
		t.Fatal(err)
	}
	return user, workspace
}

// statements counts what call asks of the app store.
func statements(t *testing.T, call func(ctx context.Context) error) int64 {
	t.Helper()
	var meter storage.Meter
	if err := call(storage.WithMeter(t.Context(), &meter)); err != nil {
		t.Fatal(err)
	}
	return meter.AppStatements.Load()
}

func fileOf(username string) string {
	return "violentutf/" + hex.EncodeToString([]byte(username)) + ".db"
}

// storeKey is a store's random key, not so random.
func storeKey(n byte) string {
	raw := make([]byte, storage.StoreKeyBytes)
	raw[0] = n
	return hex.EncodeToString(raw)
}
