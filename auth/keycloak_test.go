package auth

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/keycloak"
	"github.com/violentutf/violentutf/internal/provider"
)

// One Keycloak serves all of it: it takes half a minute to start.
func TestKeycloak(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: Keycloak takes half a minute to start")
	}
	server := keycloak.Start(t)
	const public = "http://127.0.0.1:1"
	c := &clock{time.Now()}
	p, err := openProvider(t.Context(), ProviderOptions{Issuer: server.Issuer, AuthorizedParties: []string{"violentutf"}}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	s, err := OpenSignIn(t.Context(), p, SignInOptions{ClientID: "violentutf", PublicURL: public})
	if err != nil {
		t.Fatal(err)
	}
	signIn := func(t *testing.T, username string) SignedIn {
		t.Helper()
		page, browser := s.Begin("/graphiql")
		query := server.FillIn(t, page, username, keycloak.DemoPassword(username), public+CallbackPath)
		if query.Get("iss") != server.Issuer {
			t.Errorf("the callback comes from %q", query.Get("iss"))
		}
		signedIn, err := s.Complete(t.Context(), browser, query)
		if err != nil {
			t.Fatal(err)
		}
		return signedIn
	}

	t.Run("a token works", func(t *testing.T) {
		tokens := server.SignIn(t, "alice")
		viewer, err := p.Verify(t.Context(), tokens.Access)
		if err != nil {
			t.Fatal(err)
		}
		if viewer.Subject != server.UserID(t, "alice") || viewer.Username != "alice" || viewer.Email != "alice@example.org" ||
			viewer.DisplayName != "Alice Example" || !slices.Equal(viewer.Roles, []Role{RoleUser}) {
			t.Errorf("viewer %+v", viewer)
		}
		for name, token := range map[string]string{"ID": tokens.ID, "refresh": tokens.Refresh} {
			if _, err := p.Verify(t.Context(), token); !errors.Is(err, ErrInvalid) {
				t.Errorf("the %s token: %v", name, err)
			}
		}
	})

	t.Run("a browser signs in and refreshes", func(t *testing.T) {
		signedIn := signIn(t, "bob")
		if signedIn.Viewer.Username != "bob" || signedIn.ReturnPath != "/graphiql" || signedIn.SessionID == "" || signedIn.RefreshToken == "" ||
			!slices.Equal(signedIn.Viewer.Roles, []Role{RoleAdmin, RoleAuditor, RoleUser}) {
			t.Errorf("signed in as %+v", signedIn.Viewer)
		}
		fresh, err := s.Refresh(t.Context(), signedIn.RefreshToken, signedIn.Viewer.Subject)
		if err != nil || fresh.AccessToken == signedIn.AccessToken || fresh.IDToken == "" {
			t.Fatalf("refreshed to %+v, %v", fresh, err)
		}
		if _, err := s.Refresh(t.Context(), signedIn.RefreshToken, signedIn.Viewer.Subject); !errors.Is(err, ErrSignIn) {
			t.Errorf("a used refresh token: %v", err)
		}
	})

	t.Run("a role taken away is gone with the next token", func(t *testing.T) {
		signedIn := signIn(t, "bob")
		server.TakeRole(t, "bob", "admin")
		fresh, err := s.Refresh(t.Context(), signedIn.RefreshToken, signedIn.Viewer.Subject)
		if err != nil || !signedIn.Viewer.HasRole(RoleAdmin) || fresh.Viewer.HasRole(RoleAdmin) || !fresh.Viewer.HasRole(RoleAuditor) {
			t.Errorf("%v before, %+v after, %v", signedIn.Viewer.Roles, fresh.Viewer, err)
		}
		server.GrantRole(t, "bob", "admin")
	})

	t.Run("sign-out ends the session", func(t *testing.T) {
		for name, signOut := range map[string]func(SignedIn) error{
			"by this server": func(in SignedIn) error { return s.EndSession(t.Context(), in.IDToken) },
			"by the browser": func(in SignedIn) error {
				answer, err := (&http.Client{CheckRedirect: func(r *http.Request, _ []*http.Request) error {
					if r.URL.String() != public+AfterLogoutPath {
						t.Errorf("led to %s", r.URL)
					}
					return http.ErrUseLastResponse
				}}).Get(s.EndSessionURL(in.IDToken))
				if err != nil {
					return err
				}
				defer answer.Body.Close()
				if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusFound {
					t.Errorf("Keycloak answers %s: %s", answer.Status, text)
				}
				return nil
			},
		} {
			signedIn := signIn(t, "alice")
			if err := signOut(signedIn); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := s.Refresh(t.Context(), signedIn.RefreshToken, signedIn.Viewer.Subject); !errors.Is(err, ErrSignIn) {
				t.Errorf("%s: refreshed after it: %v", name, err)
			}
		}
	})

	t.Run("Keycloak says by itself that a session has ended", func(t *testing.T) {
		sent := make(chan string, 10)
		here := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			sent <- r.PostFormValue("logout_token")
		}))
		t.Cleanup(here.Close)
		server.SetClientAttribute(t, "violentutf", "backchannel.logout.url", here.URL)
		signedIn := signIn(t, "alice")
		server.Admin(t, http.MethodDelete, "/sessions/"+signedIn.SessionID, nil, nil)
		patience, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		select {
		case token := <-sent:
			got, err := s.LogoutToken(t.Context(), token)
			if want := (LoggedOut{server.Issuer, signedIn.Viewer.Subject, signedIn.SessionID}); err != nil || got != want {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
			if _, err := p.Verify(t.Context(), token); !errors.Is(err, ErrInvalid) {
				t.Errorf("as an access token: %v", err)
			}
		case <-patience.Done():
			t.Error("nothing was sent")
		}
	})

	t.Run("a rotated key works without restart, a withdrawn one ends", func(t *testing.T) {
		old := server.SignIn(t, "alice").Access
		server.RotateSigningKey(t)
		fresh := server.SignIn(t, "alice").Access
		before, _ := parts(t, old)
		after, _ := parts(t, fresh)
		if before["kid"] == after["kid"] {
			t.Fatal("the key is the same")
		}
		for _, token := range []string{fresh, old} {
			if _, err := p.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
		}
		server.WithdrawOldKeys(t)
		c.at = c.at.Add(cachedFor)
		// An unknown kid makes the provider look again.
		forged := forgery{key: provider.EdKey(), header: map[string]any{"alg": "EdDSA", "kid": "x", "typ": "JWT"}, claims: map[string]any{"sub": "x"}}
		forged.algorithm = providerAlgorithms[2]
		if _, err := p.Verify(t.Context(), forged.token(t)); !errors.Is(err, ErrInvalid) {
			t.Error(err)
		}
		if _, err := p.Verify(t.Context(), old); !errors.Is(err, ErrInvalid) {
			t.Errorf("the withdrawn key: %v", err)
		}
		if _, err := p.Verify(t.Context(), fresh); err != nil {
			t.Errorf("the key in use: %v", err)
		}
	})
}
