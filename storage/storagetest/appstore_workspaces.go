package storagetest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

var workspaceTests = map[string]func(t *testing.T, store storage.AppStore){
	"SharedWorkspaceHasAnOwnerAndAFile":     sharedWorkspaceHasAnOwnerAndAFile,
	"EveryChangeOfAWorkspaceChecksTheRole":  everyChangeOfAWorkspaceChecksTheRole,
	"MembersComeAndGo":                      membersComeAndGo,
	"LastOwnerStays":                        lastOwnerStays,
	"LastTwoOwnersCannotBothLeave":          lastTwoOwnersCannotBothLeave,
	"OwnershipIsTransferred":                ownershipIsTransferred,
	"ArchivedWorkspaceIsOutOfUse":           archivedWorkspaceIsOutOfUse,
	"NamesOfWorkspacesAreChecked":           namesOfWorkspacesAreChecked,
	"AUserOwnsSoManyWorkspacesOnly":         aUserOwnsSoManyWorkspacesOnly,
	"WorkspaceNamesAreUniqueToTheirOwner":   workspaceNamesAreUniqueToTheirOwner,
	"WorkspaceOfTwoTeamsIsNotGuessed":       workspaceOfTwoTeamsIsNotGuessed,
	"PersonalWorkspaceIsNobodyElses":        personalWorkspaceIsNobodyElses,
	"MembershipTakesOneStatement":           membershipTakesOneStatement,
	"WorkspacesAndMembersAreReadInBatches":  workspacesAndMembersAreReadInBatches,
	"SharedWorkspaceOutOfTheFolderIsFailed": sharedWorkspaceOutOfTheFolderIsFailed,
}

// team is a shared workspace with one member of each role, and a stranger.
type team struct {
	store     storage.AppStore
	workspace *storage.Workspace
	users     map[string]*storage.User // olga OWNER, edith EDITOR, vic VIEWER, sam
}

func newTeam(t *testing.T, store storage.AppStore) *team {
	t.Helper()
	made := &team{store: store, users: map[string]*storage.User{}}
	for _, name := range []string{"olga", "edith", "vic", "sam"} {
		made.users[name], _ = ensure(t, store, name)
	}
	var err error
	if made.workspace, err = store.CreateWorkspace(t.Context(), made.key("olga"), "red", sharedFile); err != nil {
		t.Fatal(err)
	}
	for name, role := range map[string]storage.MemberRole{"edith": storage.MemberEditor, "vic": storage.MemberViewer} {
		if _, err := store.AddMember(t.Context(), made.key("olga"), made.workspace.Key, name, role); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

func (m *team) key(name string) string { return m.users[name].Key }

// members are the members as name:role.
func (m *team) members(t *testing.T) string {
	t.Helper()
	members, err := m.store.Members(t.Context(), m.workspace.Key)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, member := range members {
		all = append(all, fmt.Sprintf("%s:%s", member.Username, member.Role))
	}
	return strings.Join(all, " ")
}

func sharedFile(workspaceKey string) string { return "violentutf/shared_" + workspaceKey + ".db" }

func wantCode(t *testing.T, err error, want storage.Code, what string) {
	t.Helper()
	if storage.CodeOf(err) != want {
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func sharedWorkspaceHasAnOwnerAndAFile(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	made, err := store.CreateWorkspace(t.Context(), alice.Key, "  red team ", sharedFile)
	if err != nil {
		t.Fatal(err)
	}
	if made.Name != "red team" || made.Kind != storage.WorkspaceShared || made.Role != storage.MemberOwner ||
		made.File != sharedFile(made.Key) || made.ArchivedAt != nil || len(made.Key) != 36 {
		t.Errorf("%+v", made)
	}
	found, err := store.WorkspaceByName(t.Context(), alice.Key, "red team")
	if err != nil || *found != *made {
		t.Errorf("%+v, %v", found, err)
	}
}

func everyChangeOfAWorkspaceChecksTheRole(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	key := m.workspace.Key
	for what, change := range map[string]func(actor string) error{
		"rename": func(actor string) error {
			_, err := store.RenameWorkspace(t.Context(), actor, key, "other")
			return err
		},
		"add": func(actor string) error {
			_, err := store.AddMember(t.Context(), actor, key, "sam", storage.MemberViewer)
			return err
		},
		"set role": func(actor string) error {
			_, err := store.SetMemberRole(t.Context(), actor, key, "vic", storage.MemberOwner)
			return err
		},
		"remove": func(actor string) error { return store.RemoveMember(t.Context(), actor, key, "vic") },
		"transfer": func(actor string) error {
			_, err := store.TransferWorkspace(t.Context(), actor, key, "vic")
			return err
		},
		"archive": func(actor string) error { _, err := store.ArchiveWorkspace(t.Context(), actor, key); return err },
	} {
		wantCode(t, change(m.key("edith")), storage.CodeForbidden, what+" by an editor")
		wantCode(t, change(m.key("vic")), storage.CodeForbidden, what+" by a viewer")
		wantCode(t, change(m.key("sam")), storage.CodeNotFound, what+" by a stranger")
		wantCode(t, change(""), storage.CodeNotFound, what+" by nobody")
	}
	wantCode(t, store.LeaveWorkspace(t.Context(), m.key("sam"), key), storage.CodeNotFound, "leave by a stranger")
	if got := m.members(t); got != "edith:EDITOR olga:OWNER vic:VIEWER" {
		t.Errorf("members: %s", got)
	}
	if _, err := store.ArchiveWorkspace(t.Context(), m.key("olga"), key); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]storage.Code{"edith": storage.CodeForbidden, "sam": storage.CodeNotFound} {
		_, err := store.UnarchiveWorkspace(t.Context(), m.key(name), key)
		wantCode(t, err, want, "unarchive by "+name)
	}
}

func membersComeAndGo(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	olga, key := m.key("olga"), m.workspace.Key
	added, err := store.AddMember(t.Context(), olga, key, "sam", storage.MemberViewer)
	if err != nil || added.UserKey != m.key("sam") || added.Username != "sam" || added.Role != storage.MemberViewer {
		t.Fatalf("%+v, %v", added, err)
	}
	_, err = store.AddMember(t.Context(), olga, key, "sam", storage.MemberOwner)
	wantCode(t, err, storage.CodeConflict, "added twice")
	_, err = store.AddMember(t.Context(), olga, key, "nobody", storage.MemberViewer)
	wantCode(t, err, storage.CodeNotFound, "an unknown user")
	_, err = store.AddMember(t.Context(), olga, key, "sam", "KING")
	wantCode(t, err, storage.CodeBadInput, "an unknown role")
	if changed, err := store.SetMemberRole(t.Context(), olga, key, "sam", storage.MemberEditor); err != nil || changed.Role != storage.MemberEditor {
		t.Errorf("%+v, %v", changed, err)
	}
	if seen, err := store.WorkspaceByKey(t.Context(), m.key("sam"), key); err != nil || seen.Role != storage.MemberEditor {
		t.Errorf("sam sees %+v, %v", seen, err)
	}
	if err := store.RemoveMember(t.Context(), olga, key, "sam"); err != nil {
		t.Fatal(err)
	}
	_, err = store.WorkspaceByKey(t.Context(), m.key("sam"), key)
	wantCode(t, err, storage.CodeNotFound, "after the removal")
	wantCode(t, store.RemoveMember(t.Context(), olga, key, "sam"), storage.CodeNotFound, "removed twice")
	if err := store.LeaveWorkspace(t.Context(), m.key("vic"), key); err != nil {
		t.Error(err)
	}
	if got := m.members(t); got != "edith:EDITOR olga:OWNER" {
		t.Errorf("members: %s", got)
	}
}

func lastOwnerStays(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	olga, key := m.key("olga"), m.workspace.Key
	wantCode(t, store.LeaveWorkspace(t.Context(), olga, key), storage.CodeConflict, "leave")
	wantCode(t, store.RemoveMember(t.Context(), olga, key, "olga"), storage.CodeConflict, "remove")
	_, err := store.SetMemberRole(t.Context(), olga, key, "olga", storage.MemberViewer)
	wantCode(t, err, storage.CodeConflict, "step down")
	if _, err := store.SetMemberRole(t.Context(), olga, key, "edith", storage.MemberOwner); err != nil {
		t.Fatal(err)
	}
	if err := store.LeaveWorkspace(t.Context(), olga, key); err != nil {
		t.Errorf("with a second owner: %v", err)
	}
}

func lastTwoOwnersCannotBothLeave(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	if _, err := store.SetMemberRole(t.Context(), m.key("olga"), m.workspace.Key, "edith", storage.MemberOwner); err != nil {
		t.Fatal(err)
	}
	left := map[string]error{}
	var mu sync.Mutex
	var wait sync.WaitGroup
	for _, name := range []string{"olga", "edith"} {
		wait.Go(func() {
			err := store.LeaveWorkspace(t.Context(), m.key(name), m.workspace.Key)
			mu.Lock()
			defer mu.Unlock()
			left[name] = err
		})
	}
	wait.Wait()
	if (left["olga"] == nil) == (left["edith"] == nil) {
		t.Errorf("%v", left)
	}
}

func ownershipIsTransferred(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	olga, key := m.key("olga"), m.workspace.Key
	_, err := store.TransferWorkspace(t.Context(), olga, key, "sam")
	wantCode(t, err, storage.CodeNotFound, "to a stranger")
	_, err = store.TransferWorkspace(t.Context(), olga, key, "olga")
	wantCode(t, err, storage.CodeBadInput, "to oneself")
	if w, err := store.TransferWorkspace(t.Context(), olga, key, "vic"); err != nil || w.Role != storage.MemberEditor {
		t.Errorf("%+v, %v", w, err)
	}
	if got := m.members(t); got != "edith:EDITOR olga:EDITOR vic:OWNER" {
		t.Errorf("members: %s", got)
	}
}

func archivedWorkspaceIsOutOfUse(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	olga, key := m.key("olga"), m.workspace.Key
	if w, err := store.ArchiveWorkspace(t.Context(), olga, key); err != nil || w.ArchivedAt == nil {
		t.Fatalf("%+v, %v", w, err)
	}
	_, err := store.WorkspaceByKey(t.Context(), olga, key)
	wantCode(t, err, storage.CodeNotFound, "by key")
	_, err = store.RenameWorkspace(t.Context(), olga, key, "blue")
	wantCode(t, err, storage.CodeConflict, "rename")
	_, err = store.ArchiveWorkspace(t.Context(), olga, key)
	wantCode(t, err, storage.CodeConflict, "archive twice")
	if list, err := store.ArchivedWorkspaces(t.Context(), m.key("vic")); err != nil || len(list) != 1 || list[0].Key != key || list[0].ArchivedAt == nil {
		t.Errorf("archived: %v, %v", list, err)
	}
	if err := store.LeaveWorkspace(t.Context(), m.key("vic"), key); err != nil {
		t.Errorf("leave: %v", err)
	}
	taken, err := store.CreateWorkspace(t.Context(), olga, "red", sharedFile)
	if err != nil {
		t.Fatalf("the name is free: %v", err)
	}
	_, err = store.UnarchiveWorkspace(t.Context(), olga, key)
	wantCode(t, err, storage.CodeConflict, "unarchive under a taken name")
	if _, err := store.RenameWorkspace(t.Context(), olga, taken.Key, "blue"); err != nil {
		t.Fatal(err)
	}
	// One of that name that another user made and invited her to does not stand in the way.
	others, err := store.CreateWorkspace(t.Context(), m.key("edith"), "red", sharedFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.AddMember(t.Context(), m.key("edith"), others.Key, "olga", storage.MemberViewer); err != nil {
		t.Fatal(err)
	}
	if w, err := store.UnarchiveWorkspace(t.Context(), olga, key); err != nil || w.ArchivedAt != nil {
		t.Errorf("%+v, %v", w, err)
	}
	_, err = store.WorkspaceByName(t.Context(), m.key("edith"), "red")
	wantCode(t, err, storage.CodeConflict, "two of one name")
	_, err = store.UnarchiveWorkspace(t.Context(), olga, key)
	wantCode(t, err, storage.CodeConflict, "unarchive twice")
}

func aUserOwnsSoManyWorkspacesOnly(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	bob, _ := ensure(t, store, "bob")
	if _, err := store.SetSetting(t.Context(), storage.ActorCommand, storage.MostWorkspaces, "2", 0); err != nil {
		t.Fatal(err)
	}
	var last string
	for i, user := range []string{alice.Key, alice.Key, bob.Key, bob.Key} {
		w, err := store.CreateWorkspace(t.Context(), user, fmt.Sprint("team ", i), sharedFile)
		if err != nil {
			t.Fatal(err)
		}
		last = w.Key
	}
	_, err := store.CreateWorkspace(t.Context(), alice.Key, "one more", sharedFile)
	wantCode(t, err, storage.CodeConflict, "a third")
	_, err = store.AddMember(t.Context(), bob.Key, last, "alice", storage.MemberOwner)
	wantCode(t, err, storage.CodeConflict, "a third as an owner")
	if _, err := store.AddMember(t.Context(), bob.Key, last, "alice", storage.MemberEditor); err != nil {
		t.Fatal(err)
	}
	_, err = store.TransferWorkspace(t.Context(), bob.Key, last, "alice")
	wantCode(t, err, storage.CodeConflict, "a third handed over")
	_, err = store.SetMemberRole(t.Context(), bob.Key, last, "alice", storage.MemberOwner)
	wantCode(t, err, storage.CodeConflict, "a third shared")
}

func namesOfWorkspacesAreChecked(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	for _, name := range []string{"", " \t ", strings.Repeat("é", 65), "a\nb", "a\x00b", "a\u202eb", "a\u200bb", "a\u00a0b", "a\xffb"} {
		_, err := store.CreateWorkspace(t.Context(), alice.Key, name, sharedFile)
		wantCode(t, err, storage.CodeBadInput, fmt.Sprintf("%q", name))
	}
	for _, name := range []string{"x", strings.Repeat("é", 64), "漢字 & more", "e\u0301"} {
		w, err := store.CreateWorkspace(t.Context(), alice.Key, name, sharedFile)
		if err != nil || name == "e\u0301" && w.Name != "\u00e9" {
			t.Errorf("%q: %+v, %v", name, w, err)
		}
	}
}

func workspaceNamesAreUniqueToTheirOwner(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	for _, name := range []string{"red", " red", "olga"} {
		_, err := store.CreateWorkspace(t.Context(), m.key("olga"), name, sharedFile)
		wantCode(t, err, storage.CodeConflict, "olga's second "+name)
	}
	_, err := store.RenameWorkspace(t.Context(), m.key("olga"), m.workspace.Key, "olga")
	wantCode(t, err, storage.CodeConflict, "renamed to the personal one's name")
	if w, err := store.RenameWorkspace(t.Context(), m.key("olga"), m.workspace.Key, "red"); err != nil || w.Name != "red" {
		t.Errorf("renamed to its own name: %+v, %v", w, err)
	}
	if _, err := store.CreateWorkspace(t.Context(), m.key("sam"), "red", sharedFile); err != nil {
		t.Errorf("a stranger's workspace of the same name: %v", err)
	}
}

func workspaceOfTwoTeamsIsNotGuessed(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	own, err := store.CreateWorkspace(t.Context(), m.key("sam"), "red", sharedFile)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.AddMember(t.Context(), m.key("olga"), m.workspace.Key, "sam", storage.MemberEditor); err != nil {
		t.Fatal(err)
	}
	_, err = store.WorkspaceByName(t.Context(), m.key("sam"), "red")
	wantCode(t, err, storage.CodeConflict, "two of that name")
	if w, err := store.WorkspaceByKey(t.Context(), m.key("sam"), own.Key); err != nil || w.Role != storage.MemberOwner {
		t.Errorf("by key: %+v, %v", w, err)
	}
	if _, err := store.RenameWorkspace(t.Context(), m.key("olga"), m.workspace.Key, "sam"); err != nil {
		t.Fatal(err)
	}
	if w, err := store.WorkspaceByName(t.Context(), m.key("sam"), "sam"); err != nil || w.Kind != storage.WorkspacePersonal {
		t.Errorf("a team named as the personal one: %+v, %v", w, err)
	}
}

func personalWorkspaceIsNobodyElses(t *testing.T, store storage.AppStore) {
	alice, own := ensure(t, store, "alice")
	ensure(t, store, "bob")
	_, err := store.AddMember(t.Context(), alice.Key, own.Key, "bob", storage.MemberViewer)
	wantCode(t, err, storage.CodeBadInput, "add")
	_, err = store.RenameWorkspace(t.Context(), alice.Key, own.Key, "other")
	wantCode(t, err, storage.CodeBadInput, "rename")
	_, err = store.ArchiveWorkspace(t.Context(), alice.Key, own.Key)
	wantCode(t, err, storage.CodeBadInput, "archive")
	wantCode(t, store.LeaveWorkspace(t.Context(), alice.Key, own.Key), storage.CodeBadInput, "leave")
}

func membershipTakesOneStatement(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	if n := statements(t, func(ctx context.Context) error {
		_, err := store.WorkspaceByName(ctx, m.key("vic"), "red")
		return err
	}); n != 1 {
		t.Errorf("%d statements", n)
	}
}

func workspacesAndMembersAreReadInBatches(t *testing.T, store storage.AppStore) {
	m := newTeam(t, store)
	own, err := store.WorkspaceByName(t.Context(), m.key("sam"), "")
	if err != nil {
		t.Fatal(err)
	}
	keys := []string{m.workspace.Key, own.Key, "unknown"}
	var members map[string][]*storage.Member
	if n := statements(t, func(ctx context.Context) (err error) {
		members, err = store.MembersOf(ctx, keys)
		return err
	}); n != 1 || len(members[keys[0]]) != 3 || len(members[keys[1]]) != 1 || len(members["unknown"]) != 0 {
		t.Errorf("%d statements, %v", n, members)
	}
	if err := store.SetWorkspaceUse(t.Context(), m.workspace.Key, storeKey(7), 1, 1); err != nil {
		t.Fatal(err)
	}
	var found map[string]*storage.Workspace
	if n := statements(t, func(ctx context.Context) (err error) {
		found, err = store.WorkspacesByKey(ctx, keys)
		return err
	}); n != 1 || len(found) != 2 || found[keys[0]].Name != "red" || found[keys[1]].Name != "sam" {
		t.Errorf("%d statements, %v", n, found)
	}
	if w := found[keys[0]]; w.File != "" || w.StoreKey != "" || w.Role != "" {
		t.Errorf("an auditor could open %+v", w)
	}
}

func sharedWorkspaceOutOfTheFolderIsFailed(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	for _, file := range []string{"", "../x.db", "/etc/x.db", fileOf("alice")} {
		if _, err := store.CreateWorkspace(t.Context(), alice.Key, "red", func(string) string { return file }); err == nil {
			t.Errorf("file %q was accepted", file)
		}
	}
	if _, err := store.CreateWorkspace(t.Context(), "nobody", "red", sharedFile); err == nil {
		t.Error("nobody made a workspace")
	}
}
