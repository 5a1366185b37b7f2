package house_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// beginSession stores a session of alice with sealed tokens.
func beginSession(t *testing.T, h *house.House, key string) (userKey string) {
	t.Helper()
	user, _, err := h.App.EnsureUser(t.Context(), "alice", h.PersonalFile("alice"))
	if err != nil {
		t.Fatal(err)
	}
	session := storage.Session{Key: key, UserKey: user.Key, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Hour}
	for field, into := range map[storage.TokenField]*string{storage.FieldRefreshToken: &session.RefreshToken, storage.FieldIDToken: &session.IDToken} {
		if *into, err = h.Keeper.Seal(string(field)+" of "+key, house.TokenPlace(user.Key, key, field)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.App.CreateSession(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	return user.Key
}

func wantTokens(t *testing.T, h *house.House, key string) {
	t.Helper()
	session, _, _, err := h.App.SessionByKey(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for field, sealed := range map[storage.TokenField]string{storage.FieldRefreshToken: session.RefreshToken, storage.FieldIDToken: session.IDToken} {
		if plain, err := h.Keeper.Open(sealed, house.TokenPlace(session.UserKey, key, field)); err != nil || plain != string(field)+" of "+key {
			t.Errorf("%s of %s: %q, %v", field, key, plain, err)
		}
	}
}

func TestTokensOfSessionsOutliveARotationAndARestart(t *testing.T) {
	dir := t.TempDir()
	h, shut := open(t, dir)
	beginSession(t, h, "5e55")
	if done, err := h.RotateKeys(t.Context()); err != nil || done.Resealed != 2 || done.Removed != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	wantTokens(t, h, "5e55")
	shut()
	h, _ = open(t, dir)
	wantTokens(t, h, "5e55")
	command := storage.ActorCommand
	rows, err := h.App.AuditEvents(t.Context(), &storage.AuditFilter{Actor: &command}, storage.AuditOrder{Direction: storage.Descending}, storage.Page{Limit: 1})
	if err != nil || len(rows.Edges) != 1 || rows.Edges[0].Node.Action != "key.rotate" || rows.Edges[0].Node.Outcome != storage.AuditSucceeded {
		t.Errorf("on record: %+v, %v", rows, err)
	}
}

func TestRotationThatStoppedBeforeTheSessionsIsGoneOnWith(t *testing.T) {
	dir := t.TempDir()
	h, shut := open(t, dir)
	beginSession(t, h, "5e55")
	stopped := errors.New("stopped")
	if _, err := h.Keeper.Rotate(t.Context(), func(context.Context, func(context.Context, secret.Resealer) error) error { return stopped }); !errors.Is(err, stopped) {
		t.Fatal(err)
	}
	shut()
	h, shut = open(t, dir)
	wantTokens(t, h, "5e55")
	beginSession(t, h, "5e56") // sealed with the new key already
	if done, err := h.RotateKeys(t.Context()); err != nil || !done.Resumed || done.Resealed != 2 {
		t.Errorf("%+v, %v", done, err)
	}
	shut()
	h, _ = open(t, dir)
	wantTokens(t, h, "5e55")
	wantTokens(t, h, "5e56")
}
