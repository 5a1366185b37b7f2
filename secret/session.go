package secret

import (
	"context"
	"sync"
)

// Session is a stretch of time in which sealed texts are made and stored. All of it
// seals with one key, which a rotation does not remove before the session has ended.
type Session struct {
	keys *keys
	all  *sessions
	once sync.Once
}

// Begin begins a session; its End must be called after what it sealed is stored, or
// given up.
func (k *Keeper) Begin() *Session {
	k.sessions.mu.Lock()
	defer k.sessions.mu.Unlock()
	// Under the lock, so that a rotation that has stored its new key and then looks
	// finds every session of an older one.
	s := &Session{keys: k.keys.Load(), all: &k.sessions}
	if k.sessions.open == nil {
		k.sessions.open = map[uint32]int{}
	}
	k.sessions.open[s.keys.primary]++
	return s
}

// Seal is Keeper.Seal with the session's key.
func (s *Session) Seal(plaintext string, p Place) (string, error) { return s.keys.seal(plaintext, p) }

// Rotating says whether texts of an old key may be stored: Reseal a place before
// comparing with what is stored there.
func (s *Session) Rotating() bool { return len(s.keys.old) > 0 }

// End ends the session; a second time does nothing.
func (s *Session) End() {
	s.once.Do(func() {
		s.all.mu.Lock()
		defer s.all.mu.Unlock()
		if s.all.open[s.keys.primary]--; s.all.open[s.keys.primary] == 0 {
			delete(s.all.open, s.keys.primary)
		}
		if s.all.ended != nil {
			close(s.all.ended)
			s.all.ended = nil
		}
	})
}

// sessions counts the sessions under way by the key that they seal with.
type sessions struct {
	mu    sync.Mutex
	open  map[uint32]int
	ended chan struct{} // closed when the next session ends; nil while nobody waits
}

// waitForOthers waits for the sessions that seal with another key than this one. New
// sessions wait for nothing.
func (s *sessions) waitForOthers(ctx context.Context, primary uint32) error {
	for {
		s.mu.Lock()
		others := len(s.open)
		if s.open[primary] > 0 {
			others--
		}
		if others == 0 {
			s.mu.Unlock()
			return nil
		}
		if s.ended == nil {
			s.ended = make(chan struct{})
		}
		ended := s.ended
		s.mu.Unlock()
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
