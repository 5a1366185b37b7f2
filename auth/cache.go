package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

const (
	cachedTokens = 10_000
	cachedFor    = time.Minute // after which a key that is gone is noticed
)

// cache remembers verified tokens by their SHA-256, so that a heap dump holds no
// token. It has two generations: when the young one is half of the limit it becomes
// the old one, and what was old is forgotten.
type cache struct {
	mutex      sync.Mutex
	young, old map[[sha256.Size]byte]cached
}

type cached struct {
	viewer *Viewer
	until  time.Time
}

func (c *cache) get(token string, now time.Time) (*Viewer, bool) {
	key := sha256.Sum256([]byte(token))
	c.mutex.Lock()
	defer c.mutex.Unlock()
	entry, ok := c.young[key]
	if !ok {
		entry, ok = c.old[key]
	}
	if !ok || !now.Before(entry.until) {
		return nil, false
	}
	return entry.viewer.clone(), true
}

// put remembers a token for a minute, or until it is no longer accepted.
func (c *cache) put(token string, viewer *Viewer, now time.Time) {
	until := now.Add(cachedFor)
	if end := viewer.ExpiresAt.Add(clockSkew); end.Before(until) {
		until = end
	}
	key := sha256.Sum256([]byte(token))
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.young == nil || len(c.young) >= cachedTokens/2 {
		c.young, c.old = make(map[[sha256.Size]byte]cached), c.young
	}
	c.young[key] = cached{viewer.clone(), until}
}
