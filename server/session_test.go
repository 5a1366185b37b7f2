package server_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/provider"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

const whoAmI = `{ viewer { username roles } }`

func TestABrowserSignsInAsksAndSignsOutAtBothEnds(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	if username, _ := b.who(); username != "" {
		t.Fatalf("signed in as %s before", username)
	}
	b.signIn()
	if username, roles := b.who(); username != "alice" || !slices.Equal(roles, []string{"USER"}) {
		t.Errorf("signed in as %s with %v", username, roles)
	}
	if a := b.query(whoAmI, nil); a.status != http.StatusOK || !strings.Contains(a.body, `"username":"alice"`) {
		t.Errorf("the page is answered %d %s", a.status, a.body)
	}
	old := b.cookie()
	if a := b.post("/auth/logout", nil, nil); a.status != http.StatusOK || !strings.Contains(a.body, `"location":"/"`) {
		t.Errorf("signing out is answered %d %s", a.status, a.body)
	}
	if username, _ := b.who(); username != "" || b.cookie() != "" {
		t.Errorf("after it signed in as %q, with the cookie %q", username, b.cookie())
	}
	// The old cookie, replayed.
	if a := b.query(whoAmI, map[string]string{"Cookie": "violentutf=" + old}); a.status != http.StatusUnauthorized || a.code() != "UNAUTHENTICATED" || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("the old cookie is answered %d %s", a.status, a.body)
	}
	want := []string{
		`alice INTENT  {"way":"SESSION"}`, `alice OUTCOME SUCCEEDED {"way":"SESSION"}`,
		`anonymous EVENT DENIED {"way":"SESSION","why":"token is not valid: the session is over"}`,
	}
	if got := r.audited("sign_in"); !slices.Equal(got, want) {
		t.Errorf("on record are the sign-ins %q", got)
	}
	if got := r.audited("sign_out"); !slices.Equal(got, []string{`alice INTENT  {"why":"signed out"}`, `alice OUTCOME SUCCEEDED {"why":"signed out"}`}) {
		t.Errorf("on record are the sign-outs %q", got)
	}
}

func TestASessionsTokensAreSealedAndItsCookieIsNotStored(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	b.signIn()
	session, user, _, err := r.house.App.SessionByKey(t.Context(), auth.SessionToken(b.cookie()).Hash())
	if err != nil {
		t.Fatal(err)
	}
	if session.Key == b.cookie() || strings.Contains(session.RefreshToken, "{") || strings.Count(session.IDToken, ".") > 0 || session.IDToken == "" {
		t.Errorf("stored is %+v", session)
	}
	// Sealed to its row: another session's tokens do not open in this one.
	other := r.browser()
	other.signIn()
	theirs, _, _, err := r.house.App.SessionByKey(t.Context(), auth.SessionToken(other.cookie()).Hash())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.house.App.SetSessionTokens(t.Context(), session.Key, theirs.RefreshToken, theirs.IDToken); err != nil {
		t.Fatal(err)
	}
	if a := b.query(whoAmI, nil); a.status != http.StatusUnauthorized {
		t.Errorf("with another's tokens (of %s) the answer is %d %s", user.Username, a.status, a.body)
	}
}

// What a restart forgets are the old keys, which a new Keeper does not read.
func TestASessionOutlivesARotationOfTheKeysAndARestart(t *testing.T) {
	r := newRealm(t, nil)
	expiring(r)
	b := r.browser()
	b.signIn()
	var refreshes sync.WaitGroup
	for range 4 {
		refreshes.Go(func() {
			for range 5 {
				if a := b.query(whoAmI, nil); a.status != http.StatusOK {
					t.Errorf("while the keys rotate: %d %s", a.status, a.body)
				}
			}
		})
	}
	for range 3 {
		if _, err := r.house.RotateKeys(t.Context()); err != nil {
			t.Error(err)
		}
	}
	refreshes.Wait()
	_, err := r.house.RotateKeys(t.Context()) // after the last refresh
	if err != nil {
		t.Fatal(err)
	}
	if r.house.Keeper, err = secret.OpenKeeper(r.house.ConfigDir()); err != nil {
		t.Fatal(err)
	}
	if username, _ := b.who(); username != "alice" {
		t.Errorf("after it signed in as %q", username)
	}
	session, _, _, err := r.house.App.SessionByKey(t.Context(), auth.SessionToken(b.cookie()).Hash())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.house.Keeper.Open(session.IDToken, house.TokenPlace(session.UserKey, session.Key, storage.FieldIDToken)); err != nil {
		t.Errorf("the ID token: %v", err)
	}
}

// expiring makes the access tokens of the provider end so soon that every request
// refreshes.
func expiring(r *realm) { r.provider.Set(func() { r.provider.Life = 15 * time.Second }) }

func TestARefreshRenewsTheRolesAndARefusalEndsTheSession(t *testing.T) {
	r := newRealm(t, nil)
	expiring(r)
	b := r.browser()
	b.signIn()
	r.provider.Set(func() { r.provider.Claims = provider.UserClaims("auditor") })
	if _, roles := b.who(); !slices.Equal(roles, []string{"AUDITOR"}) {
		t.Errorf("the roles after a refresh are %v", roles)
	}
	// A provider that does not answer ends nothing while the access token holds.
	r.provider.Set(func() { r.provider.Down = true })
	if username, _ := b.who(); username != "alice" {
		t.Error("signed out because the provider is down")
	}
	r.provider.Set(func() { r.provider.Down = false })
	session, user, _, err := r.house.App.SessionByKey(t.Context(), auth.SessionToken(b.cookie()).Hash())
	if err != nil {
		t.Fatal(err)
	}
	// The provider ends its own session, and with it the refresh token.
	if err := r.provider.TerminateSession(context.Background(), *user.Subject, "violentutf"); err != nil {
		t.Fatal(err)
	}
	if a := b.query(whoAmI, nil); a.status != http.StatusUnauthorized || a.code() != "UNAUTHENTICATED" {
		t.Errorf("after the provider's end: %d %s", a.status, a.body)
	}
	if _, _, _, err := r.house.App.SessionByKey(t.Context(), session.Key); storage.CodeOf(err) != storage.CodeUnauthenticated {
		t.Errorf("the session is still there: %v", err)
	}
	if got := r.audited("sign_out"); len(got) != 2 || !strings.Contains(got[1], "refused to refresh") {
		t.Errorf("on record: %q", got)
	}
}

// A refresh token works once: two refreshes at a time would end the session.
func TestRequestsTogetherRefreshASessionOneAfterTheOther(t *testing.T) {
	r := newRealm(t, nil)
	expiring(r)
	b := r.browser()
	b.signIn()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if a := b.query(whoAmI, nil); a.status != http.StatusOK || !strings.Contains(a.body, "alice") {
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
}

func TestALockedUserIsRefusedAtOnceWhicheverWay(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	b.signIn()
	user, err := r.house.App.UserByUsername(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	key := r.apiKey(user, storage.ScopeRead)
	program := r.browser()
	byKey := map[string]string{"X-API-Key": key, "Origin": ""}
	if a := program.query(whoAmI, byKey); a.status != http.StatusOK || !strings.Contains(a.body, `"username":"alice"`) {
		t.Errorf("the key is answered %d %s", a.status, a.body)
	}
	if _, err := r.house.App.SetUserDisabled(t.Context(), user.Key, true); err != nil {
		t.Fatal(err)
	}
	if a := b.query(whoAmI, nil); a.status != http.StatusUnauthorized || a.code() != "UNAUTHENTICATED" {
		t.Errorf("by the session, which has ended: %d %s", a.status, a.body)
	}
	if a := program.query(whoAmI, byKey); a.status != http.StatusForbidden || a.code() != "FORBIDDEN" || strings.Contains(a.body, "alice") {
		t.Errorf("by key: %d %s", a.status, a.body)
	}
	if answer := r.browser().get("/auth/login"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("signing in again: %s", answer.Status)
	}
}

// apiKey makes a key of a user, and gives its secret.
func (s *site) apiKey(user *storage.User, scopes ...storage.APIScope) string {
	s.t.Helper()
	secret, hash, prefix := auth.NewAPIKey()
	_, err := s.house.App.CreateAPIKey(context.Background(), storage.NewAPIKey{
		UserKey: user.Key, Name: "ci", Prefix: prefix, SecretHash: hash, Scopes: scopes,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return secret
}

func TestACookieCountsForPagesOfThisServerOnly(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	b.signIn()
	for name, header := range map[string]map[string]string{
		"another origin":        {"Origin": "https://evil.example"},
		"no origin":             {"Origin": ""},
		"another site":          {"Sec-Fetch-Site": "cross-site"},
		"a form":                {"Content-Type": "text/plain"},
		"the Host header's own": {"Origin": "http://evil.example"},
	} {
		for _, path := range []string{"/graphql", "/auth/logout"} {
			if a := b.post(path, map[string]string{"query": whoAmI}, header); a.status != http.StatusForbidden || a.code() != "FORBIDDEN" {
				t.Errorf("%s at %s: %d %s", name, path, a.status, a.body)
			}
		}
	}
	if username, _ := b.who(); username != "alice" {
		t.Error("signed out by another page")
	}
	// GET runs queries, and nothing else.
	if answer := b.get("/graphql?query=" + url.QueryEscape(whoAmI)); answer.StatusCode != http.StatusOK {
		t.Errorf("a query by GET: %s", answer.Status)
	}
	if answer := b.get("/auth/logout"); answer.StatusCode == http.StatusOK {
		t.Errorf("signing out by a link: %s", answer.Status)
	}
}

func TestASignInEndsTheSessionBeforeAndHasANewCookie(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	b.signIn()
	first := b.cookie()
	b.signIn()
	if b.cookie() == first {
		t.Error("the cookie is the same")
	}
	if a := r.browser().query(whoAmI, map[string]string{"Cookie": "violentutf=" + first}); a.status != http.StatusUnauthorized {
		t.Errorf("the first session: %d %s", a.status, a.body)
	}
}

func TestASignInThatWasBegunElsewhereIsRefusedOnRecord(t *testing.T) {
	r := newRealm(t, nil)
	victim := r.browser()
	answer := victim.get("/auth/callback?code=stolen&state=guessed")
	if answer.StatusCode != http.StatusBadRequest || victim.cookie() != "" {
		t.Errorf("%s, cookie %q", answer.Status, victim.cookie())
	}
	if got := r.audited("sign_in"); len(got) != 1 || !strings.HasPrefix(got[0], "anonymous EVENT DENIED") {
		t.Errorf("on record: %q", got)
	}
}

func TestALogoutTokenThatIsNoneEndsNothing(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	b.signIn()
	answer, err := http.PostForm(r.http.URL+"/auth/backchannel-logout", url.Values{"logout_token": {"a.b.c"}})
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if username, _ := b.who(); answer.StatusCode != http.StatusBadRequest || username != "alice" {
		t.Errorf("%s, signed in as %q", answer.Status, username)
	}
}

// logoutToken is what a provider sends when somebody signs out there.
func (r *realm) logoutToken(t *testing.T, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: provider.RSAKey(), KeyID: "rsa-1"}},
		(&jose.SignerOptions{}).WithType("logout+jwt"),
	)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{
		"iss": r.provider.URL, "aud": "violentutf", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "jti": "1",
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	maps.Copy(all, claims)
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestTheProviderEndsSessionsByItself(t *testing.T) {
	r := newRealm(t, nil)
	b := r.browser()
	b.signIn()
	for _, test := range []struct {
		name   string
		claims map[string]any
		status int
		still  string
	}{
		{"another person's", map[string]any{"sub": "id-bob"}, http.StatusOK, "alice"},
		{"another session of hers", map[string]any{"sub": "id-alice", "sid": "another"}, http.StatusOK, "alice"},
		{"for another client", map[string]any{"sub": "id-alice", "aud": "other"}, http.StatusBadRequest, "alice"},
		{"all of hers", map[string]any{"sub": "id-alice"}, http.StatusOK, ""},
	} {
		answer, err := http.PostForm(r.http.URL+"/auth/backchannel-logout", url.Values{"logout_token": {r.logoutToken(t, test.claims)}})
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if username, _ := b.who(); answer.StatusCode != test.status || username != test.still {
			t.Errorf("%s: %s, then signed in as %q", test.name, answer.Status, username)
		}
	}
	const unknown, known = `{"whose":"of nobody known here","why":"the provider ended it"}`, `{"why":"the provider ended it"}`
	want := []string{
		"anonymous EVENT SUCCEEDED " + unknown,
		"alice INTENT  " + known, "alice OUTCOME SUCCEEDED " + known,
		"alice INTENT  " + known, "alice OUTCOME SUCCEEDED " + known,
	}
	if got := r.audited("sign_out"); !slices.Equal(got, want) {
		t.Errorf("on record: %q", got)
	}
}
