package auth

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestSessionCookieIsForThisHostAndNoScript(t *testing.T) {
	token := NewSessionToken()
	if again := NewSessionToken(); len(token) != 43 || token == again || len(token.Hash()) != 64 || token.Hash() == again.Hash() {
		t.Errorf("tokens %d and hash %s", len(token), token.Hash())
	}
	if printed := fmt.Sprintf("%v %+v %#v %s", token, token, token, token); strings.Contains(printed, string([]byte(token))) {
		t.Errorf("printed %s", printed)
	}
	for url, want := range map[string]string{
		"https://red.example.org": "__Host-violentutf=%s; Path=/; Expires=Wed, 02 Jan 2030 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax",
		"HTTPS://red.example.org": "__Host-violentutf=%s; Path=/; Expires=Wed, 02 Jan 2030 12:00:00 GMT; HttpOnly; Secure; SameSite=Lax",
		"http://127.0.0.1:8080":   "violentutf=%s; Path=/; Expires=Wed, 02 Jan 2030 12:00:00 GMT; HttpOnly; SameSite=Lax",
	} {
		want = strings.Replace(want, "%s", string([]byte(token)), 1)
		cookies := CookiesFor(url)
		if got := cookies.Session(token, noon).String(); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if _, ok := cookies.SessionOf(r); ok {
			t.Error("a session without a cookie")
		}
		r.AddCookie(cookies.Session(token, noon))
		r.AddCookie(cookies.SignIn(randomText(), noon))
		if got, ok := cookies.SessionOf(r); !ok || got != token {
			t.Errorf("%s: read %v, %v", url, got == token, ok)
		}
		if _, ok := cookies.SignInOf(r); !ok {
			t.Error("the sign-in is not read")
		}
		if _, ok := (Cookies{TLS: !cookies.TLS}).SessionOf(r); ok {
			t.Errorf("%s: the cookie counts with and without TLS", url)
		}
		r.AddCookie(cookies.Session(NewSessionToken(), noon))
		if _, ok := cookies.SessionOf(r); ok {
			t.Error("one of two cookies counts")
		}
		for _, ended := range cookies.End() {
			if ended.MaxAge != -1 || ended.Value != "" || !ended.Expires.Before(time.Unix(2, 0)) || ended.Secure != cookies.TLS {
				t.Errorf("ended by %s", ended)
			}
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Cookie", "violentutf=short")
	if _, ok := (Cookies{}).SessionOf(r); ok {
		t.Error("a cookie that is no token is a session")
	}
}

func TestCookieCountsForPagesOfThisServerOnly(t *testing.T) {
	const own, evil = "https://red.example.org", "https://evil.example"
	for _, test := range []struct {
		name, method string
		header       map[string]string
		ok           bool
	}{
		{"a page is opened", "GET", nil, true},
		{"a link from elsewhere", "GET", map[string]string{"Sec-Fetch-Site": "cross-site"}, true},
		{"HEAD", "HEAD", nil, true},
		{"JSON from a page of ours", "POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": own, "Content-Type": "application/json; charset=utf-8"}, true},
		{"JSON, a browser without Sec-Fetch-Site", "POST", map[string]string{"Origin": own, "Content-Type": "application/json"}, true},
		{"JSON, a browser without Origin", "POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}, true},
		{"an upload from a page of ours", "POST", map[string]string{"Origin": own, "Content-Type": "multipart/form-data; boundary=x", PreflightHeader: "1"}, true},
		{"the origin with its usual port", "POST", map[string]string{"Origin": own + ":443", "Content-Type": "application/json"}, true},
		{"DELETE from a page of ours", "DELETE", map[string]string{"Origin": own, PreflightHeader: "1"}, true},
		{"a WebSocket of ours", "GET", map[string]string{"Origin": own, "Upgrade": "websocket"}, true},

		{"JSON that does not say from where", "POST", map[string]string{"Content-Type": "application/json"}, false},
		{"JSON from elsewhere", "POST", map[string]string{"Origin": evil, "Content-Type": "application/json"}, false},
		{"JSON from elsewhere by Sec-Fetch-Site", "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}, false},
		{"a neighbour of the same site", "POST", map[string]string{"Sec-Fetch-Site": "same-site", "Content-Type": "application/json"}, false},
		{"typed by hand", "POST", map[string]string{"Sec-Fetch-Site": "none", "Content-Type": "application/json"}, false},
		{"an opaque origin", "POST", map[string]string{"Origin": "null", "Content-Type": "application/json"}, false},
		{"headers that contradict: Origin", "POST", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": evil, "Content-Type": "application/json"}, false},
		{"headers that contradict: Sec-Fetch-Site", "POST", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": own, "Content-Type": "application/json"}, false},
		{"the origin by plain HTTP", "POST", map[string]string{"Origin": "http://red.example.org", "Content-Type": "application/json"}, false},
		{"the origin at another port", "POST", map[string]string{"Origin": own + ":8443", "Content-Type": "application/json"}, false},
		{"an origin that begins alike", "POST", map[string]string{"Origin": own + ".evil.example", "Content-Type": "application/json"}, false},
		{"an origin with a user", "POST", map[string]string{"Origin": "https://red.example.org@evil.example", "Content-Type": "application/json"}, false},
		{"an empty origin", "POST", map[string]string{"Origin": "", "Content-Type": "application/json"}, false},
		{"a rebound name, as Host", "POST", map[string]string{"Origin": evil, "Host": "evil.example", "Content-Type": "application/json"}, false},
		{"a form of ours", "POST", map[string]string{"Origin": own, "Content-Type": "application/x-www-form-urlencoded"}, false},
		{"an upload without the header", "POST", map[string]string{"Origin": own, "Content-Type": "multipart/form-data; boundary=x"}, false},
		{"text that is JSON", "POST", map[string]string{"Origin": own, "Content-Type": "text/plain"}, false},
		{"a type that contains JSON", "POST", map[string]string{"Origin": own, "Content-Type": "text/plain; application/json"}, false},
		{"no type", "POST", map[string]string{"Origin": own}, false},
		{"PUT from elsewhere", "PUT", map[string]string{"Origin": evil, "Content-Type": "application/json", PreflightHeader: "1"}, false},
		{"a method in lower case", "get", nil, false},
		{"a WebSocket from elsewhere", "GET", map[string]string{"Origin": evil, "Upgrade": "websocket"}, false},
		{"a WebSocket without Origin", "GET", map[string]string{"Upgrade": "websocket"}, false},
		{"a WebSocket without Origin, same-origin", "GET", map[string]string{"Upgrade": "WebSocket", "Sec-Fetch-Site": "same-origin"}, false},
		{"a WebSocket by HTTP/2", "CONNECT", map[string]string{"Origin": evil}, false},
	} {
		r := httptest.NewRequest(http.MethodPost, "https://evil.example/graphql", nil)
		r.Method = test.method
		for name, value := range test.header {
			r.Header.Set(name, value)
		}
		if err := AllowCookie(r, own); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	twice := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	twice.Header = http.Header{"Origin": {own, evil}, "Content-Type": {"application/json"}}
	if AllowCookie(twice, own) == nil {
		t.Error("two origins count")
	}
}
