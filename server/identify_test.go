package server_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
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

func TestAnAPIKeyNeedsAnOwnerWhoSignedInLately(t *testing.T) {
	r := newRealm(t, nil)
	carol := storage.Identity{Issuer: r.provider.URL, Subject: "id-carol", Username: "carol", Roles: []string{"USER"}}
	signIn := func(daysAgo int) *storage.User {
		carol.IssuedAt = time.Now().Add(-time.Duration(daysAgo) * 24 * time.Hour)
		user, _, err := r.house.App.SignIn(t.Context(), carol, "carol.db")
		if err != nil {
			t.Fatal(err)
		}
		return user
	}
	byKey := map[string]string{"X-API-Key": r.apiKey(signIn(31), storage.ScopeRead), "Origin": ""}
	if a := r.browser().query(whoAmI, byKey); a.status != http.StatusUnauthorized || a.code() != "UNAUTHENTICATED" || !strings.Contains(a.body, "sign in once") {
		t.Errorf("after 31 days: %d %s", a.status, a.body)
	}
	if got := r.audited("sign_in"); len(got) != 1 || !strings.Contains(got[0], "the roles of the key's owner are too old") {
		t.Errorf("on record: %q", got)
	}
	signIn(29)
	if a := r.browser().query(whoAmI, byKey); a.status != http.StatusOK {
		t.Errorf("after 29 days: %d %s", a.status, a.body)
	}
	r.set(t, "api_key.roles_days", "7")
	if a := r.browser().query(whoAmI, byKey); a.status != http.StatusUnauthorized {
		t.Errorf("after 29 days with 7 allowed: %d %s", a.status, a.body)
	}
	signIn(0)
	if a := r.browser().query(whoAmI, byKey); a.status != http.StatusOK {
		t.Errorf("after signing in: %d %s", a.status, a.body)
	}
}

// An older token that is still valid is answered, but the key keeps what the newer one said.
func TestAnOlderTokenGivesAnAPIKeyNoRoleBack(t *testing.T) {
	r := newRealm(t, nil)
	r.provider.Set(func() { r.provider.Claims = provider.UserClaims("admin", "ai-api-access") })
	older := r.accessToken(t)
	for time.Now().Unix() == issuedOf(t, older) {
		time.Sleep(10 * time.Millisecond) // tokens tell their time in seconds
	}
	r.provider.Set(func() { r.provider.Claims = provider.UserClaims("ai-api-access") })
	const knownToTheStore = `{ viewer { username roles workspace { id } } }`
	for _, token := range []string{older, r.accessToken(t), older} {
		if a := r.browser().query(knownToTheStore, map[string]string{"Authorization": "Bearer " + token}); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	user, err := r.house.App.UserByUsername(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	a := r.browser().query(whoAmI, map[string]string{"X-API-Key": r.apiKey(user, storage.ScopeRead), "Origin": ""})
	if a.status != http.StatusOK || strings.Contains(a.body, "ADMIN") || !strings.Contains(a.body, "USER") {
		t.Errorf("the key: %d %s", a.status, a.body)
	}
}

// issuedOf reads the time of a token, in seconds.
func issuedOf(t *testing.T, token string) int64 {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		IssuedAt int64 `json:"iat"`
	}
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.IssuedAt
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
