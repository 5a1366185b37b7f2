package resolvers_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/resolvers"
	"github.com/violentutf/violentutf/storage"
)

// transferring is a team whose copies and moves are what do says.
func transferring(t *testing.T, do resolvers.Transfer) *team {
	t.Helper()
	s := newServer(t)
	s.exec = executor.New(resolvers.NewSchema(resolvers.Options{
		App: s.app, Opener: s.opener, Version: "test", Things: &configured.Things{}, Copy: do, Move: do,
		PersonalFile: func(username string) string { return username + ".db" },
		SharedFile:   func(workspaceKey string) string { return workspaceKey + ".db" },
	}))
	return newTeamOn(t, s)
}

// A transfer that runs for long asks anew before it changes anything.
func TestATransferEndsWithTheRightToIt(t *testing.T) {
	var s *team
	var lose func()
	key := func(owner string) *auth.Viewer { return s.makeKey(owner, nil, storage.ScopeRead, storage.ScopeWrite) }
	ctx := t.Context()
	owner := func() string { return s.users["alice"].Key }
	for name, attack := range map[string]struct {
		viewer func() *auth.Viewer
		lose   func(viewer *auth.Viewer) error
		code   storage.Code // of what Allowed answers
	}{
		"kept":    {func() *auth.Viewer { return ed }, func(*auth.Viewer) error { return nil }, ""},
		"removed": {func() *auth.Viewer { return ed }, func(*auth.Viewer) error { return s.app.RemoveMember(ctx, owner(), s.red.Key, "ed") }, storage.CodeNotFound},
		"demoted": {func() *auth.Viewer { return ed }, func(*auth.Viewer) error {
			_, err := s.app.SetMemberRole(ctx, owner(), s.red.Key, "ed", storage.MemberViewer)
			return err
		}, storage.CodeForbidden},
		"archived": {func() *auth.Viewer { return ed }, func(*auth.Viewer) error { _, err := s.app.ArchiveWorkspace(ctx, owner(), s.red.Key); return err }, storage.CodeNotFound},
		"locked":   {func() *auth.Viewer { return ed }, func(*auth.Viewer) error { _, err := s.app.SetUserDisabled(ctx, s.users["ed"].Key, true); return err }, storage.CodeForbidden},
		"revoked": {func() *auth.Viewer { return key("ed") }, func(v *auth.Viewer) error {
			_, err := s.app.RevokeAPIKey(ctx, s.users["ed"].Key, v.Key.Key)
			return err
		}, storage.CodeForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			var answered error
			s = transferring(t, func(ctx context.Context, transfer storage.Transfer) (*storage.Import, error) {
				lose()
				answered = transfer.Allowed(ctx)
				return nil, errors.Join(answered, storage.Errorf(storage.CodeConflict, "ended here"))
			})
			viewer := attack.viewer()
			lose = func() { s.must(attack.lose(viewer)) }
			_, own, err := s.app.EnsureUser(ctx, "ed", "ed.db")
			s.must(err)
			s.ask(t, viewer, `mutation($from:ID!,$to:ID!){copyToWorkspace(input:{from:$from,to:$to,attackFilter:{}}){userErrors{code}}}`,
				map[string]any{"from": s.red.ID(), "to": own.ID()})
			if storage.CodeOf(answered) != attack.code {
				t.Errorf("Allowed answered %v, want %q", answered, attack.code)
			}
		})
	}
}

// A move that was refused after its copy says so on record, and its name stays taken.
func TestAMoveThatEndedHalfwayIsOnRecordAsSuch(t *testing.T) {
	times := 0
	s := transferring(t, func(context.Context, storage.Transfer) (*storage.Import, error) {
		times++
		return &storage.Import{}, storage.Errorf(storage.CodeConflict, "the workspace was changed meanwhile")
	})
	_, own, err := s.app.EnsureUser(t.Context(), "ed", "ed.db")
	s.must(err)
	const move = `mutation($from:ID!,$to:ID!){moveToWorkspace(input:{from:$from,to:$to,attackFilter:{},clientMutationId:"m"}){userErrors{code}}}`
	for range 2 {
		a := s.ask(t, ed, move, map[string]any{"from": s.red.ID(), "to": own.ID()})
		same(t, a.refusal(), "CONFLICT")
	}
	if times != 1 {
		t.Errorf("moved %d times under one name", times)
	}
	act := s.lastAct(t)
	for _, wanted := range []string{`"copied":true`, `"to":"` + own.Key + `"`} {
		if !strings.Contains(string(act.Detail), wanted) {
			t.Errorf("on record is %s, want %s in it", act.Detail, wanted)
		}
	}
}
