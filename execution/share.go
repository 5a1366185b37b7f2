package execution

import (
	"context"
	"sync"
)

// share gives out places for work on items, as many as the process may have at once. Who
// has the fewest is served first, so that a user with many runs does not keep another from
// one.
type share struct {
	mu      sync.Mutex
	free    int
	inUse   map[string]int
	waiting []*waiter // in the order in which they came
}

type waiter struct {
	user  string
	ready chan struct{} // closed when a place is given
}

func newShare(places int) *share { return &share{free: places, inUse: map[string]int{}} }

// take waits for a place. Whoever got one gives it back.
func (s *share) take(ctx context.Context, user string) error {
	s.mu.Lock()
	if s.free > 0 && len(s.waiting) == 0 {
		s.free--
		s.inUse[user]++
		s.mu.Unlock()
		return nil
	}
	w := &waiter{user: user, ready: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, waits := range s.waiting {
		if waits == w {
			s.waiting = append(s.waiting[:i], s.waiting[i+1:]...)
			return ctx.Err()
		}
	}
	s.giveBack(user) // the place came at the same moment
	return ctx.Err()
}

func (s *share) give(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveBack(user)
}

func (s *share) giveBack(user string) {
	if s.inUse[user]--; s.inUse[user] == 0 {
		delete(s.inUse, user)
	}
	next := -1
	for i, w := range s.waiting {
		if next < 0 || s.inUse[w.user] < s.inUse[s.waiting[next].user] {
			next = i
		}
	}
	if next < 0 {
		s.free++
		return
	}
	w := s.waiting[next]
	s.waiting = append(s.waiting[:next], s.waiting[next+1:]...)
	s.inUse[w.user]++
	close(w.ready)
}
