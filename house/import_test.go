package house_test

import (
	"testing"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
)

// team makes a shared workspace of owner, with the others in it.
func team(t *testing.T, h *house.House, owner, name string, others map[string]storage.MemberRole) *storage.Workspace {
	t.Helper()
	ctx := t.Context()
	user, _, err := h.App.EnsureUser(ctx, owner, h.PersonalFile(owner))
	if err != nil {
		t.Fatal(err)
	}
	workspace, err := h.App.CreateWorkspace(ctx, user.Key, name, func(key string) string { return datadir.SharedFile("salt", key) })
	if err != nil {
		t.Fatal(err)
	}
	for other, role := range others {
		if _, _, err := h.App.EnsureUser(ctx, other, h.PersonalFile(other)); err != nil {
			t.Fatal(err)
		}
		if _, err := h.App.AddMember(ctx, user.Key, workspace.Key, other, role); err != nil {
			t.Fatal(err)
		}
	}
	return workspace
}

// rowsOf counts the rows of a workspace's tables.
func rowsOf(t *testing.T, h *house.House, w *storage.Workspace) map[string]int64 {
	t.Helper()
	store, err := h.OpenWorkspace(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	use, err := store.StorageUse(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, table := range use.Tables {
		rows[table.Name] = table.Rows
	}
	return rows
}

func TestImportIntoASharedWorkspaceIsForWhoMayChangeIt(t *testing.T) {
	h, _ := open(t, t.TempDir())
	w := team(t, h, "alice", "red team", map[string]storage.MemberRole{"bob": storage.MemberEditor, "carol": storage.MemberViewer})
	file := testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite")
	for _, test := range []struct {
		user, workspace string
		code            storage.Code
	}{
		{"carol", "red team", storage.CodeForbidden},
		{"mallory", "red team", storage.CodeNotFound},
		{"alice", "no team", storage.CodeNotFound},
		{"bob", "red team", ""},
		{"alice", "red team", ""},
		{"carol", "carol", ""},
	} {
		_, err := h.ImportInto(t.Context(), test.user, test.workspace, file, interop.Options{})
		if code := storage.CodeOf(err); code != test.code {
			t.Errorf("%s into %s: %q (%v), want %q", test.user, test.workspace, code, err, test.code)
		}
	}
	if rows := rowsOf(t, h, w); rows["prompt_request_responses"] != 401 || rows["imports"] != 1 {
		t.Errorf("the shared workspace has %v", rows)
	}
	if _, err := h.App.UserByUsername(t.Context(), "mallory"); storage.CodeOf(err) != storage.CodeNotFound {
		t.Errorf("a refused import made its user: %v", err)
	}
	user, own, err := h.App.EnsureUser(t.Context(), "bob", h.PersonalFile("bob"))
	if err != nil {
		t.Fatal(err)
	}
	if rows := rowsOf(t, h, own); rows["prompt_request_responses"] != 0 {
		t.Errorf("%s's own workspace has %v", user.Username, rows)
	}
}
