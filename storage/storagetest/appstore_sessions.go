package storagetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
)

var sessionTests = map[string]func(t *testing.T, store storage.AppStore){
	"SessionIsFoundWithItsUserInOneStatement": sessionIsFoundWithItsUserInOneStatement,
	"SessionEndsWhenItIsOver":                 sessionEndsWhenItIsOver,
	"SessionInUseDoesNotGrowIdle":             sessionInUseDoesNotGrowIdle,
	"SessionsAreEnded":                        sessionsAreEnded,
	"IssuerEndsItsOwnSessionsOnly":            issuerEndsItsOwnSessionsOnly,
	"TokensOfASessionAreReplaced":             tokensOfASessionAreReplaced,
	"SealedTokensAreListedAndReplaced":        sealedTokensAreListedAndReplaced,
	"SessionsAreListedInPages":                sessionsAreListedInPages,
	"ExpiredSessionsArePurged":                expiredSessionsArePurged,
}

func beginSession(t *testing.T, store storage.AppStore, userKey, cookie string) *storage.Session {
	t.Helper()
	session, err := store.CreateSession(t.Context(), storage.Session{
		Key: hashOf(cookie), UserKey: userKey, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Minute,
		IP: "192.0.2.1", UserAgent: "Browser/1.0", IssuerSession: "sid-" + cookie,
		RefreshToken: "sealed refresh", IDToken: "sealed id",
	})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func sessionLives(t *testing.T, store storage.AppStore, cookie string) bool {
	t.Helper()
	_, _, _, err := store.SessionByKey(t.Context(), hashOf(cookie))
	if err != nil {
		wantCode(t, err, storage.CodeUnauthenticated, cookie)
	}
	return err == nil
}

func sessionIsFoundWithItsUserInOneStatement(t *testing.T, store storage.AppStore) {
	alice, own := ensure(t, store, "alice")
	made, err := store.CreateSession(t.Context(), storage.Session{
		Key: hashOf("c"), UserKey: alice.Key, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Minute,
		IP: "192.0.2.1\r\nX: y", UserAgent: "Browser\x1b[31m\x00" + strings.Repeat("é", 500), RefreshToken: "r", IDToken: "i",
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.IP != "192.0.2.1X: y" || len(made.UserAgent) > 256 || !strings.HasPrefix(made.UserAgent, "Browser[31mé") {
		t.Errorf("%+v", made)
	}
	if n := statements(t, func(ctx context.Context) error {
		found, user, workspace, err := store.SessionByKey(ctx, hashOf("c"))
		if err != nil {
			return err
		}
		if *found != *made || user.Key != alice.Key || *workspace != *own {
			t.Errorf("%+v, %+v, %+v", found, user, workspace)
		}
		return nil
	}); n != 1 {
		t.Errorf("%d statements", n)
	}
	if sessionLives(t, store, "another") {
		t.Error("an unknown cookie was good")
	}
}

func sessionEndsWhenItIsOver(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	const short = 100 * time.Millisecond
	for cookie, ends := range map[string]struct{ lifetime, idle time.Duration }{
		"absolute": {short, time.Hour}, "idle": {time.Hour, short},
	} {
		made, err := store.CreateSession(t.Context(), storage.Session{
			Key: hashOf(cookie), UserKey: alice.Key, ExpiresAt: time.Now().Add(ends.lifetime), Idle: ends.idle,
		})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return time.Now().After(made.IdleExpiresAt()) })
		if sessionLives(t, store, cookie) {
			t.Errorf("%s: it is still alive", cookie)
		}
	}
	if list, err := store.SessionsOf(t.Context(), alice.Key, storage.Page{Limit: 5}); err != nil || len(list.Edges) != 0 {
		t.Errorf("listed: %v, %v", list, err)
	}
	for what, session := range map[string]storage.Session{
		"no key":     {ExpiresAt: time.Now().Add(time.Hour), Idle: time.Hour},
		"over":       {Key: "k", ExpiresAt: time.Now(), Idle: time.Hour},
		"never used": {Key: "k", ExpiresAt: time.Now().Add(time.Hour)},
	} {
		session.UserKey = alice.Key
		if _, err := store.CreateSession(t.Context(), session); err == nil {
			t.Errorf("%s was accepted", what)
		}
	}
}

func sessionInUseDoesNotGrowIdle(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	first := beginSession(t, store, alice.Key, "c")
	eventually(t, func() bool { return time.Now().UnixMicro() > first.LastSeen.UnixMicro()+1000 })
	if !sessionLives(t, store, "c") {
		t.Fatal("over at once")
	}
	unwritten, _, _, err := store.SessionByKey(t.Context(), hashOf("c"))
	if err != nil || !unwritten.LastSeen.After(first.LastSeen) {
		t.Errorf("a use that is not written yet does not count: %+v, %v", unwritten, err)
	}
	if n := statements(t, store.Flush); n != 1 {
		t.Errorf("flush: %d statements", n)
	}
	list, err := store.SessionsOf(t.Context(), alice.Key, storage.Page{Limit: 5})
	if err != nil || len(list.Edges) != 1 || !list.Nodes()[0].LastSeen.After(first.LastSeen) {
		t.Errorf("%v, %v", list, err)
	}
}

func sessionsAreEnded(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	bob, _ := ensure(t, store, "bob")
	for _, cookie := range []string{"a1", "a2", "a3"} {
		beginSession(t, store, alice.Key, cookie)
	}
	beginSession(t, store, bob.Key, "b1")
	_, err := store.EndSession(t.Context(), bob.Key, hashOf("a1"))
	wantCode(t, err, storage.CodeNotFound, "bob ends alice's")
	ended, err := store.EndSession(t.Context(), alice.Key, hashOf("a1"))
	if err != nil || ended.IDToken != "sealed id" || sessionLives(t, store, "a1") {
		t.Errorf("%+v, %v", ended, err)
	}
	if n, err := store.EndOtherSessions(t.Context(), alice.Key, hashOf("a2")); err != nil || n != 1 ||
		sessionLives(t, store, "a3") || !sessionLives(t, store, "a2") {
		t.Errorf("others: %d, %v", n, err)
	}
	if n, err := store.EndSessionsOf(t.Context(), alice.Key); err != nil || n != 1 || sessionLives(t, store, "a2") {
		t.Errorf("all: %d, %v", n, err)
	}
	if !sessionLives(t, store, "b1") {
		t.Error("bob's ended too")
	}
}

func issuerEndsItsOwnSessionsOnly(t *testing.T, store storage.AppStore) {
	alice, _ := signIn(t, store, identityOf("s1", "alice"))
	other := identityOf("s1", "bob")
	other.Issuer = "https://other.example"
	bob, _ := signIn(t, store, other)
	beginSession(t, store, alice.Key, "a")
	beginSession(t, store, bob.Key, "b")
	if n, err := store.EndIssuerSession(t.Context(), other.Issuer, "sid-a"); err != nil || n != 0 || !sessionLives(t, store, "a") {
		t.Errorf("another issuer: %d, %v", n, err)
	}
	if n, err := store.EndIssuerSession(t.Context(), *alice.Issuer, "sid-a"); err != nil || n != 1 || sessionLives(t, store, "a") {
		t.Errorf("its issuer: %d, %v", n, err)
	}
}

func tokensOfASessionAreReplaced(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	beginSession(t, store, alice.Key, "c")
	if err := store.SetSessionTokens(t.Context(), hashOf("c"), "r2", "i2"); err != nil {
		t.Fatal(err)
	}
	if found, _, _, err := store.SessionByKey(t.Context(), hashOf("c")); err != nil || found.RefreshToken != "r2" || found.IDToken != "i2" {
		t.Errorf("%+v, %v", found, err)
	}
	if err := store.SetSessionTokens(t.Context(), hashOf("c"), "r3", ""); err != nil {
		t.Fatal(err)
	}
	if found, _, _, err := store.SessionByKey(t.Context(), hashOf("c")); err != nil || found.RefreshToken != "r3" || found.IDToken != "i2" {
		t.Errorf("without an ID token: %+v, %v", found, err)
	}
	wantCode(t, store.SetSessionTokens(t.Context(), hashOf("d"), "r", "i"), storage.CodeUnauthenticated, "an unknown session")
}

func sealedTokensAreListedAndReplaced(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	for _, cookie := range []string{"a", "b", "c"} {
		beginSession(t, store, alice.Key, cookie)
	}
	without, err := store.CreateSession(t.Context(), storage.Session{
		Key: hashOf("d"), UserKey: alice.Key, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Minute, RefreshToken: "sealed refresh",
	})
	if err != nil {
		t.Fatal(err)
	}
	var after storage.SealedToken
	var changes []*storage.ResealedToken
	for { // two at a time: a page ends between the tokens of a session too
		page, err := store.SealedTokens(t.Context(), after, 2)
		if err != nil || len(page) > 2 {
			t.Fatalf("%d tokens, %v", len(page), err)
		}
		if len(page) == 0 {
			break
		}
		for _, token := range page {
			if token.User != alice.Key || token.Sealed != map[storage.TokenField]string{"id_token": "sealed id", "refresh_token": "sealed refresh"}[token.Field] {
				t.Errorf("%+v", token)
			}
			changes = append(changes, &storage.ResealedToken{SealedToken: *token, New: "new " + token.Sealed})
		}
		after = *page[len(page)-1]
	}
	if len(changes) != 7 {
		t.Errorf("%d tokens of four sessions, one without an ID token", len(changes))
	}
	// A refresh between the reading and the replacing wins.
	if err := store.SetSessionTokens(t.Context(), hashOf("a"), "refreshed", ""); err != nil {
		t.Fatal(err)
	}
	if err := store.ReplaceTokens(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	for cookie, want := range map[string][2]string{
		"a": {"refreshed", "new sealed id"}, "b": {"new sealed refresh", "new sealed id"}, "d": {"new sealed refresh", ""},
	} {
		if found, _, _, err := store.SessionByKey(t.Context(), hashOf(cookie)); err != nil || found.RefreshToken != want[0] || found.IDToken != want[1] {
			t.Errorf("%s: %+v, %v", cookie, found, err)
		}
	}
	bad := []*storage.ResealedToken{
		{SealedToken: storage.SealedToken{Session: without.Key, Field: storage.FieldRefreshToken, Sealed: "new sealed refresh"}, New: "x"},
		{SealedToken: storage.SealedToken{Session: without.Key, Field: "user_agent", Sealed: ""}, New: "x"},
	}
	if err := store.ReplaceTokens(t.Context(), bad); err == nil {
		t.Error("a field that holds no token was replaced")
	}
	if found, _, _, err := store.SessionByKey(t.Context(), without.Key); err != nil || found.RefreshToken != "new sealed refresh" {
		t.Errorf("half of the changes are stored: %+v, %v", found, err)
	}
}

func sessionsAreListedInPages(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	bob, _ := ensure(t, store, "bob")
	for i := range 5 {
		beginSession(t, store, alice.Key, fmt.Sprint(i))
	}
	beginSession(t, store, bob.Key, "b")
	got := paged(t, func(page storage.Page) (*storage.Connection[storage.Session], error) {
		return store.SessionsOf(t.Context(), alice.Key, page)
	}, func(s *storage.Session) string {
		if s.RefreshToken != "" || s.IDToken != "" {
			t.Error("a list holds tokens")
		}
		return s.IssuerSession
	})
	if got != "sid-4 sid-3 sid-2 sid-1 sid-0" {
		t.Errorf("got %s", got)
	}
}

func expiredSessionsArePurged(t *testing.T, store storage.AppStore) {
	alice, _ := ensure(t, store, "alice")
	beginSession(t, store, alice.Key, "lives")
	over, err := store.CreateSession(t.Context(), storage.Session{
		Key: hashOf("over"), UserKey: alice.Key, ExpiresAt: time.Now().Add(time.Hour), Idle: time.Microsecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return time.Now().After(over.IdleExpiresAt()) })
	if n, err := store.PurgeSessions(t.Context()); err != nil || n != 1 || !sessionLives(t, store, "lives") {
		t.Errorf("%d, %v", n, err)
	}
}
