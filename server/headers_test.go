package server_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/server"
)

// ask sends a request straight to the server, as from an address.
func (r *realm) ask(method, path, from string, header map[string]string) *http.Response {
	request := httptest.NewRequest(method, path, strings.NewReader(`{"query":"{ server { version } }"}`))
	request.RemoteAddr = from + ":40000"
	request.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	if strings.Contains(from, "tls") {
		request.RemoteAddr, request.TLS = "192.0.2.1:40000", &tls.ConnectionState{}
	}
	answer := httptest.NewRecorder()
	r.server.Handler().ServeHTTP(answer, request)
	return answer.Result()
}

func TestEveryAnswerSaysWhatABrowserMayDoWithIt(t *testing.T) {
	r := newRealm(t, nil)
	for _, path := range []string{"/", "/graphql", "/auth/session", "/auth/login", "/auth/callback", "/healthz", "/files/x", "/nothing"} {
		header := r.ask(http.MethodGet, path, "192.0.2.1", nil).Header
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
		if policy := header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") && !strings.Contains(policy, "sandbox") {
			t.Errorf("%s: Content-Security-Policy is %q", path, policy)
		}
	}
}

func TestHSTSIsSentOverTLSOnly(t *testing.T) {
	r := newRealm(t, func(o *server.Options) { o.Proxies = server.Proxies{netip.MustParsePrefix("10.0.0.0/8")} })
	for name, test := range map[string]struct {
		from, proto string
		want        bool
	}{
		"TLS here":                       {"tls", "", true},
		"TLS at a trusted proxy":         {"10.1.2.3", "https", true},
		"no TLS at a trusted proxy":      {"10.1.2.3", "http", false},
		"somebody who says that it is":   {"192.0.2.1", "https", false},
		"nothing said by the same proxy": {"10.1.2.3", "", false},
	} {
		header := r.ask(http.MethodGet, "/healthz", test.from, map[string]string{"X-Forwarded-Proto": test.proto}).Header
		if got := header.Get("Strict-Transport-Security") != ""; got != test.want {
			t.Errorf("%s: sent %v", name, got)
		}
	}
}

func TestOnlyListedOriginsMayAsk(t *testing.T) {
	r := newRealm(t, func(o *server.Options) { o.Origins = server.Origins{"https://console.example.org"} })
	for origin, want := range map[string]string{
		"https://console.example.org":      "https://console.example.org",
		"https://evil.example":             "",
		"https://console.example.org.evil": "",
		"http://console.example.org":       "",
		"null":                             "",
	} {
		for _, method := range []string{http.MethodOptions, http.MethodPost} {
			header := r.ask(method, "/graphql", "192.0.2.1", map[string]string{"Origin": origin, "Access-Control-Request-Method": "POST"}).Header
			if got := header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s by %s: allowed %q", method, origin, got)
			}
			if header.Get("Access-Control-Allow-Credentials") != "" || header.Get("Vary") != "Origin" {
				t.Errorf("%s by %s: %v", method, origin, header)
			}
		}
	}
	if header := r.ask(http.MethodOptions, "/auth/logout", "192.0.2.1", map[string]string{"Origin": "https://console.example.org", "Access-Control-Request-Method": "POST"}).Header; header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("another page may sign out")
	}
}

func TestOriginsAndProxiesAreReadWithCare(t *testing.T) {
	for text, want := range map[string]int{"": 0, "https://a.example,https://b.example:8443": 2, "*": -1, "https://a.example/path": -1, "a.example": -1, "null": -1, "ftp://a.example": -1} {
		if origins, err := server.ParseOrigins(text); len(origins) != max(want, 0) || (err != nil) != (want < 0) {
			t.Errorf("origins %q: %v, %v", text, origins, err)
		}
	}
	for text, want := range map[string]int{"": 0, "10.0.0.0/8, 127.0.0.1,::1": 3, "*": -1, "proxy": -1, "10.0.0.0/99": -1} {
		if proxies, err := server.ParseProxies(text); len(proxies) != max(want, 0) || (err != nil) != (want < 0) {
			t.Errorf("proxies %q: %v, %v", text, proxies, err)
		}
	}
}
