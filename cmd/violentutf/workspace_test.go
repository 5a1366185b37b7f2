package main

import (
	"context"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
)

// withTeam makes the shared workspace "red team" of alice, which carol may read.
func withTeam(t *testing.T) (data string) {
	t.Helper()
	ctx := context.Background()
	data = t.TempDir()
	h, err := house.Open(ctx, house.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(ctx)
	alice, _, err := h.App.EnsureUser(ctx, "alice", h.PersonalFile("alice"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.App.EnsureUser(ctx, "carol", h.PersonalFile("carol")); err != nil {
		t.Fatal(err)
	}
	w, err := h.App.CreateWorkspace(ctx, alice.Key, "red team", func(key string) string { return datadir.SharedFile("salt", key) })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.App.AddMember(ctx, alice.Key, w.Key, "carol", storage.MemberViewer); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestImportIntoASharedWorkspaceWithAndWithoutAServer(t *testing.T) {
	data := withTeam(t)
	file := testfiles.Path(t, "pyrit/memory-1.1.0.sqlite")
	take := func(user, workspace string, status int, says string) {
		t.Helper()
		got, stdout, stderr := run(t, "import", "--data", data, "--user", user, "--workspace", workspace, file)
		if got != status || !strings.Contains(stdout+stderr, says) {
			t.Errorf("%s into %s: status %d, %s%s", user, workspace, got, stdout, stderr)
		}
	}
	refused := func() {
		take("carol", "red team", exitFailed, "EDITOR")
		take("alice", "blue team", exitFailed, "no workspace named")
	}
	refused()
	take("alice", "red team", exitDone, "imported")
	_, stop := serve(t, data)
	defer stop()
	refused()
	take("alice", "red team", exitDone, "changed nothing")
}
