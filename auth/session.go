package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// SessionToken is the secret of a browser's session: 256 random bits, in base64url. The
// browser keeps it in a cookie; the store keeps SessionHash of it, so that a copy of the
// store signs nobody in.
type SessionToken string

// NewSessionToken makes one. A session gets a new one whenever somebody signs in.
func NewSessionToken() SessionToken { return SessionToken(randomText()) }

// Hash is the id under which a session is stored: SHA-256, in hexadecimal. 256 random
// bits need no salt and no slow hash.
func (t SessionToken) Hash() string {
	sum := sha256.Sum256([]byte(t))
	return hex.EncodeToString(sum[:])
}

// String keeps the token out of logs.
func (t SessionToken) String() string { return "auth.SessionToken(secret)" }

// GoString is String, for %#v.
func (t SessionToken) GoString() string { return t.String() }

// LogValue is String, for slog.
func (t SessionToken) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Names of cookies. The prefix makes browsers refuse a cookie of that name that another
// host, or a page without TLS, has set (RFC 6265bis section 4.1.3).
const (
	sessionCookie = "violentutf"
	signInCookie  = "violentutf-sign-in"
	hostPrefix    = "__Host-"
)

// Cookies makes and reads the cookies of one server: HttpOnly, SameSite=Lax, for this
// host alone, and Secure with a name of its own when browsers reach it by TLS. Lax, not
// Strict: a link to this server, or the way back from the provider, would else come
// without a session. What Lax lets through, AllowCookie checks.
type Cookies struct{ TLS bool }

// CookiesFor makes the cookies that fit the public URL.
func CookiesFor(publicURL string) Cookies {
	return Cookies{TLS: strings.HasPrefix(strings.ToLower(publicURL), "https:")}
}

// Session holds the token until the session ends.
func (c Cookies) Session(token SessionToken, until time.Time) *http.Cookie {
	return c.cookie(sessionCookie, string(token), until)
}

// SignIn holds what SignIn.Begin gives, for ten minutes.
func (c Cookies) SignIn(browser string, now time.Time) *http.Cookie {
	return c.cookie(signInCookie, browser, now.Add(signInLife))
}

// End takes both cookies away.
func (c Cookies) End() []*http.Cookie {
	ended := []*http.Cookie{c.cookie(sessionCookie, "", time.Unix(1, 0)), c.cookie(signInCookie, "", time.Unix(1, 0))}
	for _, cookie := range ended {
		cookie.MaxAge = -1
	}
	return ended
}

func (c Cookies) cookie(name, value string, until time.Time) *http.Cookie {
	return &http.Cookie{
		Name: c.name(name), Value: value, Path: "/", Expires: until.UTC(),
		HttpOnly: true, Secure: c.TLS, SameSite: http.SameSiteLaxMode,
	}
}

func (c Cookies) name(name string) string {
	if c.TLS {
		return hostPrefix + name
	}
	return name
}

// SessionOf reads the session's cookie. A cookie given twice, or that is no token, is no
// session.
func (c Cookies) SessionOf(r *http.Request) (SessionToken, bool) {
	value, ok := c.only(r, sessionCookie)
	return SessionToken(value), ok
}

// SignInOf reads the cookie of a sign-in that has begun.
func (c Cookies) SignInOf(r *http.Request) (browser string, ok bool) {
	return c.only(r, signInCookie)
}

const randomTextLength = 43

func (c Cookies) only(r *http.Request, name string) (string, bool) {
	found := r.CookiesNamed(c.name(name))
	if len(found) != 1 || len(found[0].Value) != randomTextLength {
		return "", false
	}
	return found[0].Value, true
}
