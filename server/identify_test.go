package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/internal/provider"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// accessToken signs alice in at the provider and gives her token.
func (r *realm) accessToken(t *testing.T) string {
	t.Helper()
	signIn, err := auth.OpenSignIn(t.Context(), r.verifier, auth.SignInOptions{ClientID: "violentutf", PublicURL: r.http.URL})
	if err != nil {
		t.Fatal(err)
	}
	page, browser := signIn.Begin("/")
	signedIn, err := signIn.Complete(t.Context(), browser, provider.Visit(t, page))
	if err != nil {
		t.Fatal(err)
	}
	return signedIn.AccessToken
}

func TestDevelopmentTokensAndThoseOfAProviderCountBesideEachOther(t *testing.T) {
	var issuer *auth.DevIssuer
	r := newRealm(t, func(o *server.Options) {
		var err error
		if issuer, err = auth.OpenDevIssuer(o.House.ConfigDir()); err != nil {
			t.Fatal(err)
		}
		o.Dev, o.Issuer = true, issuer
	})
	dev, _, err := issuer.Issue("dora", auth.RoleUser, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for token, username := range map[string]string{dev: "dora", r.accessToken(t): "alice"} {
		if a := r.browser().query(whoAmI, map[string]string{"Authorization": "Bearer " + token}); !strings.Contains(a.body, `"username":"`+username+`"`) {
			t.Errorf("%s is answered %d %s", username, a.status, a.body)
		}
	}
	if a := r.browser().query(whoAmI, map[string]string{"Authorization": "Bearer " + dev[:len(dev)-4]}); a.status != http.StatusUnauthorized {
		t.Errorf("a token cut off: %d %s", a.status, a.body)
	}
}

func TestWithoutDevelopmentModeItsTokensMeanNothing(t *testing.T) {
	r := newRealm(t, nil)
	issuer, err := auth.OpenDevIssuer(r.house.ConfigDir())
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := issuer.Issue("dora", auth.RoleAdmin, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if a := r.browser().query(whoAmI, map[string]string{"Authorization": "Bearer " + token}); a.status != http.StatusUnauthorized {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

// The credential that is there decides, also when another would hold.
func TestOneCredentialThatDoesNotHoldIsNotMendedByAnother(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	b.signIn()
	user, err := r.house.App.UserByUsername(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	key := r.apiKey(user, storage.ScopeRead)
	for name, header := range map[string]map[string]string{
		"a wrong token beside a session": {"Authorization": "Bearer wrong"},
		"a wrong key beside a session":   {"X-API-Key": key[:len(key)-1] + "!"},
		"a token beside a key":           {"X-API-Key": key, "Authorization": "Bearer " + r.accessToken(t)},
		"a key given twice":              {"X-API-Key": key, "Authorization": "Bearer " + key},
	} {
		if a := b.query(whoAmI, header); a.status != http.StatusUnauthorized || strings.Contains(a.body, "alice") {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	// A revoked key ends at once.
	keys, err := r.house.App.APIKeysOf(t.Context(), user.Key, storage.Page{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[string]string{"Authorization": "Bearer " + key, "Origin": ""}
	if a := r.browser().query(whoAmI, byKey); a.status != http.StatusOK {
		t.Errorf("the key: %d %s", a.status, a.body)
	}
	if _, err := r.house.App.RevokeAPIKey(t.Context(), user.Key, keys.Edges[0].Node.Key); err != nil {
		t.Fatal(err)
	}
	if a := r.browser().query(whoAmI, byKey); a.status != http.StatusUnauthorized {
		t.Errorf("the revoked key: %d %s", a.status, a.body)
	}
}

// signedIn signs in and gives the session.
func (b *browser) signedIn() *storage.Session {
	b.t.Helper()
	b.signIn()
	session, _, _, err := b.house.App.SessionByKey(context.Background(), auth.SessionToken(b.cookie()).Hash())
	if err != nil {
		b.t.Fatal(err)
	}
	return session
}

func TestASessionLivesAsLongAsItMay(t *testing.T) {
	r := newRealm(t, nil)
	r.set(t, "session.lifetime_hours", "2")
	r.set(t, "session.idle_minutes", "7")
	session := r.browser().signedIn()
	if left := time.Until(session.ExpiresAt); left < 119*time.Minute || left > 2*time.Hour || session.Idle != 7*time.Minute {
		t.Errorf("it ends in %v, or after %v without a request", left, session.Idle)
	}
	// Nobody can be asked again whose sign-in brought no refresh token.
	once := newRealm(t, func(o *server.Options) {
		var err error
		o.SignIn, err = auth.OpenSignIn(t.Context(), o.Provider.(*auth.Provider), auth.SignInOptions{ClientID: "violentutf", PublicURL: o.PublicURL})
		if err != nil {
			t.Fatal(err)
		}
	})
	session = once.browser().signedIn()
	if left := time.Until(session.ExpiresAt); left > 5*time.Minute {
		t.Errorf("without a refresh token it ends in %v", left)
	}
}
