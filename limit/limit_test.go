package limit

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage/appstore"
	"github.com/violentutf/violentutf/storage/sqlite"
)

// clock is moved by the test.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func store(t *testing.T) *appstore.Store {
	t.Helper()
	s, err := sqlite.OpenAppStore(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// drained takes as often as there are tokens.
func drained(l *Limiter, principal, kind string, perMinute int64) int {
	for taken := 0; ; taken++ {
		if _, ok := l.Take(principal, kind, 1, perMinute); !ok {
			return taken
		}
	}
}

func TestABucketHoldsAMinuteAndFillsAgain(t *testing.T) {
	c := &clock{time.Now()}
	l := New(store(t), c.now)
	if taken := drained(l, "alice", "query", 60); taken != 60 {
		t.Fatalf("took %d, want 60", taken)
	}
	wait, _ := l.Take("alice", "query", 1, 60)
	if wait <= 0 || wait > time.Second {
		t.Errorf("wait %v, want at most a second", wait)
	}
	if _, ok := l.Take("bob", "query", 1, 60); !ok {
		t.Error("alice's bucket is bob's")
	}
	if _, ok := l.Take("alice", "mutation", 1, 60); !ok {
		t.Error("the bucket of queries is that of mutations")
	}
	c.at = c.at.Add(wait)
	if _, ok := l.Take("alice", "query", 1, 60); !ok {
		t.Error("nothing after the wait")
	}
	c.at = c.at.Add(time.Hour)
	if taken := drained(l, "alice", "query", 60); taken != 60 {
		t.Errorf("took %d after an hour, want 60", taken)
	}
	c.at = c.at.Add(-time.Hour)
	if taken := drained(l, "alice", "query", 60); taken != 0 {
		t.Errorf("a clock set back gives %d", taken)
	}
}

func TestALoweredLimitCountsAtOnce(t *testing.T) {
	c := &clock{time.Now()}
	l := New(store(t), c.now)
	l.Take("alice", "query", 1, 600)
	if taken := drained(l, "alice", "query", 5); taken != 5 {
		t.Errorf("took %d, want 5", taken)
	}
}

func TestALimitIsKeptOverARestart(t *testing.T) {
	c := &clock{time.Now()}
	kept := store(t)
	l := New(kept, c.now)
	drained(l, "alice", "query", 60)
	if err := l.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := New(kept, c.now)
	if err := again.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.at = c.at.Add(10 * time.Second)
	if taken := drained(again, "alice", "query", 60); taken != 10 {
		t.Errorf("took %d ten seconds after the restart, want 10", taken)
	}
}

func TestFullBucketsAreForgotten(t *testing.T) {
	c := &clock{time.Now()}
	l := New(store(t), c.now)
	l.Take("alice", "query", 1, 60)
	drained(l, "bob", "query", 60)
	c.at = c.at.Add(2 * time.Second)
	if err := l.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(l.buckets) != 1 || len(l.changed) != 0 {
		t.Errorf("keeps %d buckets, %d of them to be saved", len(l.buckets), len(l.changed))
	}
}

func TestMemoryIsBounded(t *testing.T) {
	l := New(store(t), time.Now)
	for i := range mostBuckets + 100 {
		l.Take(strconv.Itoa(i), "query", 1, 1)
	}
	if len(l.buckets) != mostBuckets || len(l.changed) > mostBuckets {
		t.Errorf("keeps %d buckets, and %d to be saved", len(l.buckets), len(l.changed))
	}
}
