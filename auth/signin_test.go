package auth

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"

	"github.com/violentutf/violentutf/internal/provider"
)

func TestBrowserSignsInRefreshesAndSignsOut(t *testing.T) {
	z := startZitadel(t)
	p := z.open(t, time.Now)
	s := z.openSignIn(t, p)
	page, browser := s.Begin("/graphiql?q=1")
	query := mustParse(t, page).Query()
	for name, want := range map[string]string{
		"response_type": "code", "client_id": "violentutf", "code_challenge_method": "S256",
		"redirect_uri": "http://127.0.0.1:1/auth/callback", "scope": "openid profile email offline_access",
	} {
		if query.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, query.Get(name), want)
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if len(query.Get(name)) != 43 {
			t.Errorf("%s is %q", name, query.Get(name))
		}
	}
	got, err := s.Complete(t.Context(), browser, provider.Visit(t, page))
	if err != nil {
		t.Fatal(err)
	}
	if got.Viewer.Subject != "id-alice" || got.Viewer.Username != "alice" || got.Viewer.Email != "alice@example.org" ||
		got.Viewer.DisplayName != "Alice Example" || got.Viewer.Issuer != z.URL || !slices.Equal(got.Viewer.Roles, []Role{RoleUser}) {
		t.Errorf("viewer %+v", got.Viewer)
	}
	if got.ReturnPath != "/graphiql?q=1" || got.IDToken == "" || got.AccessToken == "" || !got.ExpiresAt.After(time.Now()) {
		t.Errorf("signed in as %+v", got)
	}
	z.Set(func() { z.Claims = provider.UserClaims("admin", "ai-api-access") })
	fresh, err := s.Refresh(t.Context(), got.RefreshToken, "id-alice")
	if err != nil {
		t.Fatal(err)
	}
	if fresh.RefreshToken == "" || fresh.RefreshToken == got.RefreshToken || !slices.Equal(fresh.Viewer.Roles, []Role{RoleAdmin, RoleUser}) {
		t.Errorf("refreshed to %+v", fresh)
	}
	if _, err := s.Refresh(t.Context(), got.RefreshToken, "id-alice"); !errors.Is(err, ErrSignIn) {
		t.Errorf("a used refresh token: %v", err)
	}
	if _, err := s.Refresh(t.Context(), fresh.RefreshToken, "id-bob"); err == nil {
		t.Error("another person's session is refreshed")
	}
	got = z.tokens(t, s)
	end := mustParse(t, s.EndSessionURL(got.IDToken))
	if q := end.Query(); q.Get("id_token_hint") != got.IDToken || q.Get("post_logout_redirect_uri") != "http://127.0.0.1:1/" || q.Get("client_id") != "violentutf" {
		t.Errorf("the end of the session is at %s", end)
	}
	if err := s.EndSession(t.Context(), got.IDToken); err != nil {
		t.Error(err)
	}
	if _, err := s.Refresh(t.Context(), got.RefreshToken, "id-alice"); !errors.Is(err, ErrSignIn) {
		t.Errorf("after the sign-out: %v", err)
	}
}

func TestSignInThatDoesNotHoldIsRefused(t *testing.T) {
	z := startZitadel(t)
	c := &clock{time.Now()}
	s := z.openSignIn(t, z.open(t, c.now))
	for _, test := range []struct {
		name   string
		change func(browser *string, query url.Values)
	}{
		{"another browser", func(browser *string, _ url.Values) { *browser = randomText() }},
		{"no cookie", func(browser *string, _ url.Values) { *browser = "" }},
		{"another state", func(_ *string, query url.Values) { query.Set("state", randomText()) }},
		{"no state", func(_ *string, query url.Values) { query.Del("state") }},
		{"another's state", func(_ *string, query url.Values) {
			page, _ := s.Begin("/")
			query.Set("state", mustParse(t, page).Query().Get("state"))
		}},
		{"no code", func(_ *string, query url.Values) { query.Del("code") }},
		{"another code", func(_ *string, query url.Values) { query.Set("code", "guess") }},
		{"a code of another sign-in, whose verifier is another", func(_ *string, query url.Values) {
			page, _ := s.Begin("/")
			query.Set("code", provider.Visit(t, page).Get("code"))
		}},
		{"another provider answers", func(_ *string, query url.Values) { query.Set("iss", "https://evil.example") }},
		{"the provider refuses", func(_ *string, query url.Values) { query.Set("error", "access_denied") }},
		{"too late", func(*string, url.Values) { c.at = c.at.Add(10*time.Minute + time.Second) }},
	} {
		page, browser := s.Begin("/")
		query := provider.Visit(t, page)
		test.change(&browser, query)
		got, err := s.Complete(t.Context(), browser, query)
		if !errors.Is(err, ErrSignIn) || got.Viewer != nil {
			t.Errorf("%s: %v, %+v", test.name, err, got)
		}
		if _, err := s.Complete(t.Context(), browser, query); !errors.Is(err, ErrSignIn) {
			t.Errorf("%s, tried again: %v", test.name, err)
		}
	}
}

func TestSignInHoldsOnce(t *testing.T) {
	z := startZitadel(t)
	s := z.openSignIn(t, z.open(t, time.Now))
	page, browser := s.Begin("/")
	query := provider.Visit(t, page)
	if _, err := s.Complete(t.Context(), browser, query); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Complete(t.Context(), browser, query); !errors.Is(err, ErrSignIn) {
		t.Errorf("a callback replayed: %v", err)
	}
}

func TestIDTokenOfAnotherSignInIsRefused(t *testing.T) {
	z := startZitadel(t)
	s := z.openSignIn(t, z.open(t, time.Now))
	page, browser := s.Begin("/")
	u := mustParse(t, page)
	query := u.Query()
	query.Set("nonce", "of another sign-in")
	u.RawQuery = query.Encode()
	if got, err := s.Complete(t.Context(), browser, provider.Visit(t, u.String())); err == nil {
		t.Errorf("signed in as %+v", got.Viewer)
	}
}

func TestTokensOfTwoPersonsAreRefused(t *testing.T) {
	z := startZitadel(t)
	s := z.openSignIn(t, z.open(t, time.Now))
	// A provider that gives at_hash cannot mix two sign-ins up, and zitadel's does.
	tokens := &oidc.Tokens[*oidc.IDTokenClaims]{Token: &oauth2.Token{AccessToken: z.tokens(t, s).AccessToken}, IDTokenClaims: &oidc.IDTokenClaims{}}
	for subject, ok := range map[string]bool{"id-alice": true, "id-bob": false, "": false} {
		tokens.IDTokenClaims.Subject = subject
		if got, err := s.signedIn(t.Context(), tokens); (err == nil) != ok {
			t.Errorf("an ID token of %q: %+v, %v", subject, got.Viewer, err)
		}
	}
}

func TestSignInsThatBeginAreBounded(t *testing.T) {
	c := &clock{noon}
	b := newBegun(c.now)
	for i := range liveSignIns + 1 {
		b.add(string(rune(i)), attempt{})
	}
	if len(b.attempts) != liveSignIns || len(b.order) != liveSignIns {
		t.Errorf("holds %d and %d", len(b.attempts), len(b.order))
	}
	if _, ok := b.take(string(rune(0))); ok {
		t.Error("the oldest is still there")
	}
	c.at = noon.Add(signInLife)
	b.add("fresh", attempt{})
	if len(b.attempts) != 1 || len(b.order) != 1 {
		t.Errorf("those that ended are kept: %d and %d", len(b.attempts), len(b.order))
	}
	for turn, want := range []bool{true, false} {
		if _, ok := b.take("fresh"); ok != want {
			t.Errorf("taken in turn %d: %v", turn, ok)
		}
	}
}

func TestReturnPathStaysOnThisServer(t *testing.T) {
	for _, local := range []string{"/", "/graphiql", "/graphiql?q=%7Bviewer%7D&x=//evil", "/a/b#c"} {
		if got := LocalPath(local); got != local {
			t.Errorf("%q became %q", local, got)
		}
	}
	for _, foreign := range []string{
		"", "graphiql", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "/\t/evil.example", "/\n//evil.example",
		"https://evil.example", "javascript:alert(1)", "/ /evil", "/x\r\nSet-Cookie: a=b", "/%zz", "/" + strings.Repeat("x", longestPath),
	} {
		if got := LocalPath(foreign); got != "/" {
			t.Errorf("%q became %q", foreign, got)
		}
	}
}

func TestPublicURLIsAnOrigin(t *testing.T) {
	for text, want := range map[string]string{
		"https://red.example.org": "https://red.example.org", "https://RED.example.org/": "https://red.example.org",
		"http://127.0.0.1:8080": "http://127.0.0.1:8080", "http://red.example.org": "", "https://red.example.org/app": "",
		"https://u@red.example.org": "", "ftp://red.example.org": "", "": "",
	} {
		if got, err := checkOrigin(text); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
