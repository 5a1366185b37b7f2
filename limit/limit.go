// Package limit keeps people and programs from asking too often: token buckets in
// memory, kept over a restart by the app store.
package limit

import (
	"context"
	"sync"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// mostBuckets bounds the memory, at some 200 bytes each. Full buckets are forgotten
// first, which changes nothing.
const mostBuckets = 100_000

// Limiter is the token buckets of a server. Each holds as much as one minute brings, so
// that a page which asks for much at once may. Safe for concurrent use.
type Limiter struct {
	store storage.RateLimits
	now   func() time.Time

	mutex   sync.Mutex
	buckets map[key]*bucket
	changed map[key]struct{} // since the last Save
}

type key struct{ principal, kind string }

type bucket struct {
	level     float64 // tokens, at the time
	at        time.Time
	perMinute float64 // as last asked with; 0 for one that was loaded and not asked for yet
}

// New makes a limiter. now is time.Now outside tests.
func New(store storage.RateLimits, now func() time.Time) *Limiter {
	return &Limiter{store: store, now: now, buckets: make(map[key]*bucket), changed: make(map[key]struct{})}
}

// Load reads what Save has kept, before the first Take.
func (l *Limiter) Load(ctx context.Context) error {
	kept, err := l.store.RateLimits(ctx)
	if err != nil {
		return err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, one := range kept {
		if len(l.buckets) >= mostBuckets {
			break
		}
		l.buckets[key{one.Principal, one.Bucket}] = &bucket{level: one.Level, at: one.UpdatedAt}
	}
	return nil
}

// Take takes tokens of a principal's bucket, which perMinute fills again; never more than
// it holds. Without so many ok is false, none is taken, and wait is after how long they
// are there.
func (l *Limiter) Take(principal, kind string, tokens, perMinute int64) (wait time.Duration, ok bool) {
	rate := float64(max(perMinute, 1))
	wanted := min(float64(tokens), rate)
	l.mutex.Lock()
	defer l.mutex.Unlock()
	now, k := l.now(), key{principal, kind}
	b := l.buckets[k]
	if b == nil {
		l.makeRoom(now)
		b = &bucket{level: rate, at: now}
		l.buckets[k] = b
	}
	b.perMinute = rate
	b.level, b.at = b.levelAt(now), now
	l.changed[k] = struct{}{}
	if b.level < wanted {
		return time.Duration((wanted - b.level) / rate * float64(time.Minute)), false
	}
	b.level -= wanted
	return 0, true
}

// Save stores the buckets that were used since the last time, and forgets the full
// ones. A failure loses nothing: they are saved the next time.
func (l *Limiter) Save(ctx context.Context) error {
	l.mutex.Lock()
	saved := make([]*storage.RateLimit, 0, len(l.changed))
	for k := range l.changed {
		if b := l.buckets[k]; b != nil {
			saved = append(saved, &storage.RateLimit{Principal: k.principal, Bucket: k.kind, Level: b.level, UpdatedAt: b.at})
		}
	}
	taken := l.changed
	l.changed = make(map[key]struct{})
	l.forgetFull(l.now())
	l.mutex.Unlock()
	err := l.store.SaveRateLimits(ctx, saved)
	if err != nil {
		l.mutex.Lock()
		defer l.mutex.Unlock()
		for k := range taken {
			l.changed[k] = struct{}{}
		}
	}
	return err
}

// levelAt is what is in the bucket at a later time. A clock that was set back adds
// nothing.
func (b *bucket) levelAt(now time.Time) float64 {
	passed := max(now.Sub(b.at), 0)
	return min(b.level+passed.Minutes()*b.perMinute, b.perMinute)
}

// forgetFull drops the buckets that are as if they had never been used.
func (l *Limiter) forgetFull(now time.Time) {
	for k, b := range l.buckets {
		full := b.levelAt(now) >= b.perMinute
		if b.perMinute == 0 { // nobody asked yet, so how fast it fills is not known
			full = now.Sub(b.at) >= time.Minute
		}
		if full {
			delete(l.buckets, k)
		}
	}
}

// sampled is how many buckets are compared to drop one of them.
const sampled = 16

// makeRoom keeps the bound: if there are too many buckets that are not full, the fullest
// of some goes. Whoever can ask from very many addresses gains by it; such a flood is the
// network's to stop.
func (l *Limiter) makeRoom(now time.Time) {
	if len(l.buckets) < mostBuckets {
		return
	}
	var fullest key
	most, seen := -1.0, 0
	for k, b := range l.buckets { // in no order
		if share := b.levelAt(now) / max(b.perMinute, 1); share > most {
			fullest, most = k, share
		}
		if seen++; seen == sampled {
			break
		}
	}
	delete(l.buckets, fullest)
	delete(l.changed, fullest)
}
