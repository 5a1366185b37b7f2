package auth

import (
	"errors"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"

	"github.com/violentutf/violentutf/internal/provider"
)

func TestLogoutTokenNamesItsSession(t *testing.T) {
	z := startZitadel(t)
	p := z.open(t, time.Now)
	s := z.openSignIn(t, p)
	signedIn := z.tokens(t, s)
	event := map[string]any{logoutEvent: map[string]any{}}
	good := func() forgery {
		return forgery{
			jwa.RS256(), provider.RSAKey(),
			map[string]any{"alg": "RS256", "kid": "rsa-1", "typ": "logout+jwt"},
			map[string]any{
				"iss": z.URL, "aud": "violentutf", "sub": "id-alice", "sid": "s1", "jti": "1", "typ": "Logout",
				"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "events": event,
			},
		}
	}
	got, err := s.LogoutToken(t.Context(), good().token(t))
	if want := (LoggedOut{z.URL, "id-alice", "s1"}); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	everywhere := good()
	delete(everywhere.claims, "sid")
	if got, err := s.LogoutToken(t.Context(), everywhere.token(t)); err != nil || got.SessionID != "" || got.Subject != "id-alice" {
		t.Errorf("of all sessions: %+v, %v", got, err)
	}
	for name, change := range map[string]func(*forgery){
		"a stranger's key":      func(f *forgery) { f.key = provider.OtherRSAKey() },
		"no event":              func(f *forgery) { delete(f.claims, "events") },
		"another event":         func(f *forgery) { f.claims["events"] = map[string]any{"x": map[string]any{}} },
		"an event that is text": func(f *forgery) { f.claims["events"] = map[string]any{logoutEvent: "x"} },
		"a nonce":               func(f *forgery) { f.claims["nonce"] = "n" },
		"another client":        func(f *forgery) { f.claims["aud"] = "other" },
		"another issuer":        func(f *forgery) { f.claims["iss"] = "https://evil.example" },
		"expired":               func(f *forgery) { f.claims["exp"] = time.Now().Add(-time.Minute).Unix() },
		"no expiry":             func(f *forgery) { delete(f.claims, "exp") },
		"nobody":                func(f *forgery) { delete(f.claims, "sub") },
		"an empty session":      func(f *forgery) { f.claims["sid"] = "" },
		"the type of another":   func(f *forgery) { f.header["typ"] = "at+jwt" },
	} {
		f := good()
		change(&f)
		if got, err := s.LogoutToken(t.Context(), f.token(t)); !errors.Is(err, ErrInvalid) || got != (LoggedOut{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, token := range map[string]string{"the ID token": signedIn.IDToken, "the access token": signedIn.AccessToken} {
		if _, err := s.LogoutToken(t.Context(), token); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := p.Verify(t.Context(), good().token(t)); !errors.Is(err, ErrInvalid) {
		t.Errorf("as an access token: %v", err)
	}
}
