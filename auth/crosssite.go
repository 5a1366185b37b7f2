package auth

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// PreflightHeader may have any value. A page of another origin can send it only after a
// preflight (CORS), which this server does not grant. Clients whose request is not JSON,
// as for uploads, must send it.
const PreflightHeader = "GraphQL-Require-Preflight"

// ErrCrossSite is what AllowCookie refuses with.
var ErrCrossSite = errors.New("a request with a session cookie must come from a page of this server")

// AllowCookie decides whether the session cookie of a request counts. Browsers send it
// by themselves, also for other people's pages; so
//   - GET and HEAD pass, for they change nothing and SameSite=Lax sends the cookie with
//     links only; the caller must run nothing but queries for them;
//   - a WebSocket (a GET with Upgrade, which no CORS protects) must have the Origin of
//     this server;
//   - all others must say by Sec-Fetch-Site or Origin, which pages cannot set, that they
//     come from this server, and be what a form cannot send: JSON, or with
//     PreflightHeader. If both headers are there, both must fit.
//
// origin is that of the public URL, never of the Host header: a name that somebody
// rebinds to this machine has another.
func AllowCookie(r *http.Request, origin string) error {
	socket := isUpgrade(r)
	if !socket && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return nil
	}
	stated := r.Header.Values("Origin")
	site := r.Header.Values("Sec-Fetch-Site")
	switch {
	case len(stated) > 1 || len(site) > 1:
		return fmt.Errorf("%w: it says twice where it comes from", ErrCrossSite)
	case len(stated) == 1 && !sameOrigin(stated[0], origin):
		return fmt.Errorf("%w: its Origin is another", ErrCrossSite)
	case len(site) == 1 && site[0] != "same-origin":
		return fmt.Errorf("%w: its Sec-Fetch-Site is not same-origin", ErrCrossSite)
	case len(stated) == 0 && (socket || len(site) == 0):
		return fmt.Errorf("%w: it does not say where it comes from", ErrCrossSite)
	case socket:
		return nil
	case r.Header.Get(PreflightHeader) == "" && !isJSON(r):
		return fmt.Errorf("%w: it is neither JSON nor has the header %s", ErrCrossSite, PreflightHeader)
	}
	return nil
}

func isUpgrade(r *http.Request) bool {
	return r.Header.Get("Upgrade") != "" || r.Method == http.MethodConnect
}

// sameOrigin compares as browsers write an origin: in lower case, without the usual port.
func sameOrigin(stated, own string) bool {
	a, b := originOf(stated), originOf(own)
	return a != "" && a == b
}

func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return scheme + "://" + host
}

func isJSON(r *http.Request) bool {
	values := r.Header.Values("Content-Type")
	if len(values) != 1 {
		return false
	}
	kind, _, err := mime.ParseMediaType(values[0])
	return err == nil && kind == "application/json"
}
