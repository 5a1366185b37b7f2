package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/provider"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// realm is a server beside an identity provider.
type realm struct {
	*site
	provider *provider.Server
	verifier *auth.Provider
}

// newRealm starts both; change may add to the server's options.
func newRealm(t *testing.T, change func(*server.Options)) *realm {
	t.Helper()
	ctx := context.Background()
	s := &site{t: t, log: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	var err error
	if s.house, err = house.Open(ctx, house.Options{Dir: t.TempDir(), Log: log, Threads: 2}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.house.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	s.http = httptest.NewUnstartedServer(nil)
	public := "http://" + s.http.Listener.Addr().String()
	r := &realm{site: s, provider: provider.Start(t, public)}
	tokens, err := auth.OpenProvider(ctx, auth.ProviderOptions{Issuer: r.provider.URL, AuthorizedParties: []string{"violentutf"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	r.verifier = tokens
	signIn, err := auth.OpenSignIn(ctx, tokens, auth.SignInOptions{ClientID: "violentutf", PublicURL: public, Scopes: []string{"offline_access"}})
	if err != nil {
		t.Fatal(err)
	}
	options := server.Options{House: s.house, Provider: tokens, SignIn: signIn, PublicURL: public, Version: "test", Log: log}
	if change != nil {
		change(&options)
	}
	r.server = server.New(options)
	s.http.Config.Handler = r.server.Handler()
	s.http.Start()
	t.Cleanup(s.http.Close)
	return r
}

// browser keeps cookies, and follows where it is led.
type browser struct {
	*realm
	client *http.Client
}

func (r *realm) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	return &browser{r, &http.Client{Jar: jar}}
}

// signIn goes through the provider's pages and ends at the page that was asked for.
func (b *browser) signIn() {
	b.t.Helper()
	answer := b.get("/auth/login?return=/graphiql")
	if answer.StatusCode != http.StatusOK || answer.Request.URL.Path != "/graphiql" {
		b.t.Fatalf("signing in ends at %s with %s: %s", answer.Request.URL, answer.Status, b.log)
	}
}

func (b *browser) get(path string) *http.Response {
	b.t.Helper()
	answer, err := b.client.Get(b.http.URL + path)
	if err != nil {
		b.t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}

// cookie is that of the session, "" without one.
func (b *browser) cookie() string {
	u, _ := url.Parse(b.http.URL)
	for _, cookie := range b.client.Jar.Cookies(u) {
		if cookie.Name == "violentutf" {
			return cookie.Value
		}
	}
	return ""
}

// reply is an answer that was read.
type reply struct {
	status int
	header http.Header
	body   string
}

// code is that of the first error.
func (a reply) code() string {
	var read answer
	if json.Unmarshal([]byte(a.body), &read) != nil || len(read.Errors) == 0 {
		return ""
	}
	code, _ := read.Errors[0].Extensions["code"].(string)
	return code
}

// post sends JSON as a page of this server does; header may change that.
func (b *browser) post(path string, body any, header map[string]string) reply {
	b.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodPost, b.http.URL+path, bytes.NewReader(text))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Origin", b.http.URL)
	for name, value := range header {
		if value == "" {
			request.Header.Del(name)
			continue
		}
		request.Header.Set(name, value)
	}
	return b.do(request)
}

func (b *browser) do(request *http.Request) reply {
	b.t.Helper()
	answer, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

// query asks /graphql as a page does.
func (b *browser) query(text string, header map[string]string) reply {
	b.t.Helper()
	return b.post("/graphql", map[string]string{"query": text}, header)
}

// who asks who is signed in.
func (b *browser) who() (username string, roles []string) {
	b.t.Helper()
	request, err := http.NewRequest(http.MethodGet, b.http.URL+"/auth/session", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	a := b.do(request)
	var read struct {
		Username string
		Roles    []string
	}
	if err := json.Unmarshal([]byte(a.body), &read); err != nil || a.status != http.StatusOK {
		b.t.Fatalf("%d %s", a.status, a.body)
	}
	return read.Username, read.Roles
}

// audited lists the rows of an action, oldest first, as "actor kind outcome detail".
func (s *site) audited(action string) []string {
	s.t.Helper()
	found, err := s.house.App.AuditEvents(context.Background(), &storage.AuditFilter{ActionPrefix: &action},
		storage.AuditOrder{Direction: storage.Ascending}, storage.Page{Limit: 100})
	if err != nil {
		s.t.Fatal(err)
	}
	var rows []string
	for _, edge := range found.Edges {
		e := edge.Node
		rows = append(rows, strings.Join([]string{e.Actor, string(e.Kind), string(e.Outcome), string(e.Detail)}, " "))
	}
	return rows
}
