package auth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
)

var gatewayKey = []byte("0123456789abcdef0123456789abcdef")

// gateway signs requests as docs/keycloak.md says.
type gateway struct {
	f *Forwarded
	n int
}

func (g *gateway) request(body string, change ...string) *http.Request {
	g.n++
	values := map[string]string{
		ForwardedUser: "alice", ForwardedSubject: "id-alice", ForwardedRoles: "USER,AUDITOR,user",
		ForwardedTimestamp: fmt.Sprint(noon.Unix()), ForwardedNonce: fmt.Sprintf("nonce-%012d", g.n),
	}
	for i := 0; i < len(change); i += 2 {
		values[change[i]] = change[i+1]
	}
	r := httptest.NewRequest(http.MethodPost, "/graphql?x=1%2F2", strings.NewReader(body))
	for name, value := range values {
		r.Header.Set(name, value)
	}
	r.Header.Set(ForwardedSignature, hex.EncodeToString(forwardedMAC(gatewayKey, r, []byte(body), values)))
	return r
}

func openGateway(t *testing.T, c *clock) *gateway {
	t.Helper()
	f, err := openForwarded(ForwardedOptions{Key: gatewayKey, Issuer: "https://idp.example", MaxBody: 1000}, c.now)
	if err != nil {
		t.Fatal(err)
	}
	return &gateway{f: f}
}

func TestForwardedIdentityGivesItsViewer(t *testing.T) {
	g := openGateway(t, &clock{noon})
	r := g.request(`{"query":"{viewer{username}}"}`)
	viewer, present, err := g.f.Viewer(r)
	want := &Viewer{
		Issuer: "https://idp.example", Subject: "id-alice", Username: "alice", DisplayName: "alice",
		Roles: []Role{RoleAuditor, RoleUser}, IssuedAt: noon, ExpiresAt: noon.Add(time.Hour),
	}
	if err != nil || !present || !reflect.DeepEqual(viewer, want) {
		t.Fatalf("got %+v, %v, %v", viewer, present, err)
	}
	if body, err := io.ReadAll(r.Body); err != nil || string(body) != `{"query":"{viewer{username}}"}` {
		t.Errorf("the body became %q, %v", body, err)
	}
	if viewer, _, err := g.f.Viewer(g.request("", ForwardedRoles, "")); err != nil || viewer.Roles != nil {
		t.Errorf("without roles: %+v, %v", viewer, err)
	}
}

// The figures of docs/keycloak.md, made with sha256sum and openssl.
func TestForwardedSignatureIsWhatTheDocumentSays(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	mac := forwardedMAC(gatewayKey, r, []byte("{}"), map[string]string{
		ForwardedUser: "alice", ForwardedSubject: "id-alice", ForwardedRoles: "USER", ForwardedTimestamp: "1893585600", ForwardedNonce: "nonce-0000000001",
	})
	if got := hex.EncodeToString(mac); got != "ed7707d7c486908188571591ed3adb0266778e97fbbc42d35b1fd8a124d4de5a" {
		t.Errorf("got %s", got)
	}
}

func TestForwardedIdentityThatDoesNotHoldIsRefused(t *testing.T) {
	c := &clock{noon}
	g := openGateway(t, c)
	at := func(d time.Duration) string { return fmt.Sprint(noon.Add(d).Unix()) }
	for _, test := range []struct {
		name  string
		forge func() *http.Request
		want  error
	}{
		{"a minute old", func() *http.Request { return g.request("", ForwardedTimestamp, at(-time.Minute)) }, nil},
		{"a minute ahead", func() *http.Request { return g.request("", ForwardedTimestamp, at(time.Minute)) }, nil},
		{"older", func() *http.Request { return g.request("", ForwardedTimestamp, at(-61*time.Second)) }, ErrExpired},
		{"further ahead", func() *http.Request { return g.request("", ForwardedTimestamp, at(61*time.Second)) }, ErrNotYetValid},
		{"another user", func() *http.Request { r := g.request(""); r.Header.Set(ForwardedUser, "bob"); return r }, ErrInvalid},
		{"another subject", func() *http.Request { r := g.request(""); r.Header.Set(ForwardedSubject, "id-bob"); return r }, ErrInvalid},
		{"another role", func() *http.Request { r := g.request(""); r.Header.Set(ForwardedRoles, "USER,ADMIN"); return r }, ErrInvalid},
		{"another time", func() *http.Request { r := g.request(""); r.Header.Set(ForwardedTimestamp, at(1)+"0"); return r }, ErrInvalid},
		{"another nonce", func() *http.Request { r := g.request(""); r.Header.Set(ForwardedNonce, "nonce-another-one"); return r }, ErrInvalid},
		{"another method", func() *http.Request { r := g.request(""); r.Method = http.MethodGet; return r }, ErrInvalid},
		{"another path", func() *http.Request { r := g.request(""); r.RequestURI = "/mcp?x=1%2F2"; return r }, ErrInvalid},
		{"another query", func() *http.Request { r := g.request(""); r.RequestURI = "/graphql?x=1/2"; return r }, ErrInvalid},
		{"another body", func() *http.Request { r := g.request("{}"); r.Body = io.NopCloser(strings.NewReader("[]")); return r }, ErrInvalid},
		{"a body too long", func() *http.Request { return g.request(strings.Repeat("x", 1001)) }, ErrInvalid},
		{"fields that run into each other", func() *http.Request {
			r := g.request("")
			r.Header.Set(ForwardedUser, "alice\nid-alice")
			return r
		}, ErrInvalid},
		{"no signature", func() *http.Request { r := g.request(""); r.Header.Del(ForwardedSignature); return r }, ErrInvalid},
		{"an empty signature", func() *http.Request { r := g.request(""); r.Header.Set(ForwardedSignature, ""); return r }, ErrInvalid},
		{"a cut signature", func() *http.Request {
			r := g.request("")
			r.Header.Set(ForwardedSignature, r.Header.Get(ForwardedSignature)[:32])
			return r
		}, ErrInvalid},
		{"a user alone", func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
			r.Header.Set(ForwardedUser, "alice")
			return r
		}, ErrInvalid},
		{"an empty user alone", func() *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
			r.Header.Set(ForwardedUser, "")
			return r
		}, ErrInvalid},
		{"two users", func() *http.Request { r := g.request(""); r.Header.Add(ForwardedUser, "bob"); return r }, ErrInvalid},
		{"two signatures", func() *http.Request { r := g.request(""); r.Header.Add(ForwardedSignature, "00"); return r }, ErrInvalid},
		{"a user that is none", func() *http.Request { return g.request("", ForwardedUser, "../alice") }, ErrInvalid},
		{"a Cyrillic user", func() *http.Request { return g.request("", ForwardedUser, "аlice") }, ErrInvalid},
		{"no subject", func() *http.Request { return g.request("", ForwardedSubject, "") }, ErrInvalid},
		{"an unknown role", func() *http.Request { return g.request("", ForwardedRoles, "ROOT") }, ErrInvalid},
		{"a short nonce", func() *http.Request { return g.request("", ForwardedNonce, "x") }, ErrInvalid},
		{"a time in hexadecimal", func() *http.Request { return g.request("", ForwardedTimestamp, "0x70dd") }, ErrInvalid},
		{"a time with a sign", func() *http.Request { return g.request("", ForwardedTimestamp, "+"+at(0)) }, ErrInvalid},
	} {
		viewer, present, err := g.f.Viewer(test.forge())
		if !present || !errors.Is(err, test.want) || err != nil && !errors.Is(err, ErrInvalid) || (viewer == nil) != (err != nil) {
			t.Errorf("%s: %+v, %v, %v", test.name, viewer, present, err)
		}
	}
}

func TestForwardedIdentityIsNotUsedTwice(t *testing.T) {
	c := &clock{noon.Add(-time.Minute)}
	g := openGateway(t, c)
	r := g.request("{}")
	if _, _, err := g.f.Viewer(r); err != nil {
		t.Fatal(err)
	}
	for c.at.Before(noon.Add(time.Minute)) {
		c.at = c.at.Add(time.Second)
		// Others keep the memory moving.
		if _, _, err := g.f.Viewer(g.request("", ForwardedTimestamp, fmt.Sprint(c.at.Unix()))); err != nil {
			t.Fatal(err)
		}
		if _, _, err := g.f.Viewer(r); !errors.Is(err, ErrInvalid) {
			t.Fatalf("used again at %v: %v", c.at, err)
		}
	}
	c.at = c.at.Add(time.Second)
	if _, _, err := g.f.Viewer(r); !errors.Is(err, ErrExpired) {
		t.Errorf("after the window: %v", err)
	}
}

func TestNoncesAreBoundedAndForgotten(t *testing.T) {
	var n nonces
	for i := range liveNonces {
		if err := n.use(fmt.Sprintf("nonce-%012d", i), noon); err != nil {
			t.Fatal(err)
		}
	}
	if err := n.use("nonce-one-too-many", noon); err == nil || errors.Is(err, ErrInvalid) {
		t.Errorf("one too many: %v", err)
	}
	if err := n.use("nonce-000000000000", noon.Add(2*forwardedWindow)); !errors.Is(err, ErrInvalid) {
		t.Errorf("in the next generation: %v", err)
	}
	if err := n.use("nonce-000000000000", noon.Add(4*forwardedWindow)); err != nil || len(n.young)+len(n.old) != 1 {
		t.Errorf("in the one after that: %v, holds %d", err, len(n.young)+len(n.old))
	}
}

func TestForwardedHeadersAreIgnoredWhenSwitchedOff(t *testing.T) {
	g := openGateway(t, &clock{noon})
	var off *Forwarded
	if viewer, present, err := off.Viewer(g.request("")); viewer != nil || present || err != nil {
		t.Errorf("got %+v, %v, %v", viewer, present, err)
	}
	r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	r.Header.Set("Authorization", "Bearer a.b.c")
	if viewer, present, err := g.f.Viewer(r); viewer != nil || present || err != nil {
		t.Errorf("a request of its own: %+v, %v, %v", viewer, present, err)
	}
	for _, bad := range []ForwardedOptions{{Key: gatewayKey[:31], Issuer: "x"}, {Issuer: "x"}, {Key: gatewayKey}} {
		if _, err := OpenForwarded(bad); err == nil {
			t.Errorf("opened with %+v", bad)
		}
	}
}
