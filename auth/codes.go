package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	codeLife  = time.Hour
	liveCodes = 1000
)

// Codes are one-time sign-in codes, for links that must not carry a token. They live
// in memory only: a restart ends them. Kept and looked up by SHA-256, so that neither
// memory nor the time of a look-up tells a code. Safe for concurrent use.
type Codes struct {
	mutex sync.Mutex
	live  map[[sha256.Size]byte]grant
	now   func() time.Time
}

type grant struct {
	username string
	role     Role
	until    time.Time
}

// NewCodes makes an empty set of codes.
func NewCodes() *Codes {
	return &Codes{live: make(map[[sha256.Size]byte]grant), now: time.Now}
}

// Create makes a code of 256 random bits, in base64url (43 characters), that signs in
// username with role once within an hour. Of more than 1000 codes the oldest ends.
func (c *Codes) Create(username string, role Role) string {
	code := randomText()
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.makeRoom()
	c.live[sha256.Sum256([]byte(code))] = grant{username, role, c.now().Add(codeLife)}
	return code
}

// Redeem gives what a code stands for and ends it.
func (c *Codes) Redeem(code string) (username string, role Role, ok bool) {
	key := sha256.Sum256([]byte(code))
	c.mutex.Lock()
	defer c.mutex.Unlock()
	g, found := c.live[key]
	delete(c.live, key)
	if !found || !c.now().Before(g.until) {
		return "", "", false
	}
	return g.username, g.role, true
}

// makeRoom forgets what has ended, and if that is not enough the oldest.
func (c *Codes) makeRoom() {
	if len(c.live) < liveCodes {
		return
	}
	now := c.now()
	var oldest [sha256.Size]byte
	var first time.Time
	for key, g := range c.live {
		if !now.Before(g.until) {
			delete(c.live, key)
			continue
		}
		if first.IsZero() || g.until.Before(first) {
			oldest, first = key, g.until
		}
	}
	if len(c.live) >= liveCodes {
		delete(c.live, oldest)
	}
}
