package keycloak

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Tokens are what the realm gives for a sign-in.
type Tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	ID      string `json:"id_token"`
}

// SignIn gives the tokens of the client violentutf for a demo user, by authorization
// code with PKCE: the realm allows no grant by password.
func (s *Server) SignIn(t testing.TB, username string) Tokens {
	t.Helper()
	const back = "http://127.0.0.1:1/auth/callback" // nobody listens, and nobody is asked
	verifier := rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	page := s.Issuer + "/protocol/openid-connect/auth?" + url.Values{
		"response_type": {"code"}, "client_id": {"violentutf"}, "redirect_uri": {back}, "scope": {"openid profile email"}, "state": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
	}.Encode()
	query := s.FillIn(t, page, username, DemoPassword(username), back)
	var tokens Tokens
	s.ask(t, formRequest(t, s.Issuer+"/protocol/openid-connect/token", url.Values{
		"grant_type": {"authorization_code"}, "client_id": {"violentutf"}, "redirect_uri": {back}, "code": {query.Get("code")}, "code_verifier": {verifier},
	}), &tokens)
	return tokens
}

var loginForm = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)

// FillIn opens the page, fills in Keycloak's form as a browser without scripts does, and
// gives the query with which it is led back to the URL.
func (s *Server) FillIn(t testing.TB, page, username, password, back string) url.Values {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	var led url.Values
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), back+"?") {
			led = r.URL.Query()
			return http.ErrUseLastResponse
		}
		return nil
	}}
	defer browser.CloseIdleConnections()
	opened, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(opened.Body)
	opened.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	form := loginForm.FindSubmatch(text)
	if form == nil {
		t.Fatalf("no form at %s (%s): %s", page, opened.Status, text)
	}
	action := html.UnescapeString(string(form[1]))
	sent, err := browser.PostForm(action, url.Values{"username": {username}, "password": {password}, "credentialId": {""}})
	if err != nil {
		t.Fatal(err)
	}
	text, err = io.ReadAll(sent.Body)
	sent.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	if led == nil {
		t.Fatalf("Keycloak does not lead back (%s): %s", sent.Status, text)
	}
	return led
}

func formRequest(t testing.TB, endpoint string, form url.Values) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request
}
