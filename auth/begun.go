package auth

import (
	"crypto/sha256"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	signInLife  = 10 * time.Minute
	liveSignIns = 10_000 // some 5 MB
)

// begun holds the sign-ins that have begun, by the SHA-256 of their state. They live in
// memory only: a restart ends them.
type begun struct {
	mutex    sync.Mutex
	attempts map[[sha256.Size]byte]attempt
	order    [][sha256.Size]byte // oldest first; those taken are still in it
	now      func() time.Time
}

// attempt is one sign-in between the two visits of the browser.
type attempt struct {
	browser    [sha256.Size]byte // of the cookie's value
	verifier   string            // RFC 7636
	nonce      string
	returnPath string
	until      time.Time
}

func newBegun(now func() time.Time) *begun {
	return &begun{attempts: make(map[[sha256.Size]byte]attempt), now: now}
}

// add keeps an attempt for ten minutes. Of more than 10 000 the oldest ends.
func (b *begun) add(state string, a attempt) {
	key := sha256.Sum256([]byte(state))
	b.mutex.Lock()
	defer b.mutex.Unlock()
	now := b.now()
	a.until = now.Add(signInLife)
	for len(b.order) > 0 {
		oldest, waits := b.attempts[b.order[0]]
		if waits && now.Before(oldest.until) && len(b.order) < liveSignIns {
			break
		}
		delete(b.attempts, b.order[0])
		b.order = b.order[1:]
	}
	b.attempts[key] = a
	b.order = append(b.order, key)
}

// take gives an attempt and ends it.
func (b *begun) take(state string) (attempt, bool) {
	key := sha256.Sum256([]byte(state))
	b.mutex.Lock()
	defer b.mutex.Unlock()
	a, ok := b.attempts[key]
	delete(b.attempts, key)
	return a, ok && b.now().Before(a.until)
}

const longestPath = 2048 // bytes

// LocalPath gives a path of this server, with its query, to send a browser to; "/" for
// all that a browser could read as the way to another server: it takes "//host" and
// "/\host" for one, and drops tabs and line ends before it looks.
func LocalPath(text string) string {
	strange := func(r rune) bool { return r == '\\' || unicode.IsControl(r) || unicode.IsSpace(r) }
	if len(text) > longestPath || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") || strings.ContainsFunc(text, strange) {
		return "/"
	}
	if u, err := url.Parse(text); err != nil || u.IsAbs() || u.Host != "" || u.User != nil {
		return "/"
	}
	return text
}
