package execution

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/storage"
)

// Tails share the reading of runs' events among who follows them in this process: each
// event is read once, however many follow.
type Tails struct {
	// Store opens the store of a workspace, which is closed again.
	Store  func(ctx context.Context, workspaceKey string) (storage.UserStore, error)
	Events events.Waker

	mu    sync.Mutex
	tails map[string]*tail // by the key of the run
}

// What a tail keeps of the newest events. Who is further behind reads the store.
const (
	keptItems  = 20_000
	keptEvents = 2_000
	pageEvents = 200
)

// event is a stored event, read.
type event struct {
	seq    int64
	status *storage.StatusEvent
	items  *storage.ItemsEvent
	lines  []storage.LogLine
}

func readEvent(stored *storage.ExecutionEvent) (event, error) {
	e := event{seq: stored.Seq}
	var into any
	switch stored.Kind {
	case storage.EventStatus:
		e.status = &storage.StatusEvent{}
		into = e.status
	case storage.EventItems:
		e.items = &storage.ItemsEvent{}
		into = e.items
	case storage.EventLog:
		into = &e.lines
	default:
		return e, fmt.Errorf("event %d is a %q", stored.Seq, stored.Kind)
	}
	if err := json.Unmarshal([]byte(stored.Body), into); err != nil {
		return e, fmt.Errorf("read event %d: %w", stored.Seq, err)
	}
	return e, nil
}

// tail is what followers of one run share.
type tail struct {
	store    storage.UserStore
	key      string
	stop     context.CancelFunc
	stopped  chan struct{}
	follower int // how many there are; guarded by Tails.mu

	mu       sync.Mutex
	news     chan struct{} // closed when something is new
	events   []event       // the newest, in order without gaps
	items    int           // in events
	last     int64         // seq
	status   *storage.StatusEvent
	progress *storage.ExecutionProgress
	failed   error
}

// join is the tail of a run, begun when nobody follows it yet. leave gives it back.
func (t *Tails) join(ctx context.Context, workspaceKey, key string) (*tail, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if shared := t.tails[key]; shared != nil {
		shared.follower++
		return shared, nil
	}
	store, err := t.Store(ctx, workspaceKey)
	if err != nil {
		return nil, err
	}
	shared := &tail{store: store, key: key, follower: 1, news: make(chan struct{}), stopped: make(chan struct{})}
	// What is followed is read before the first follower sees it, under its context.
	woken := t.Events.Follow(events.Execution(key))
	if err := shared.begin(ctx); err != nil {
		_ = store.Close()
		return nil, err
	}
	reading, stop := context.WithCancel(context.Background())
	shared.stop = stop
	if t.tails == nil {
		t.tails = map[string]*tail{}
	}
	t.tails[key] = shared
	go shared.read(reading, t.Events, woken)
	return shared, nil
}

func (t *Tails) leave(shared *tail) error {
	t.mu.Lock()
	if shared.follower--; shared.follower > 0 {
		t.mu.Unlock()
		return nil
	}
	if t.tails[shared.key] == shared {
		delete(t.tails, shared.key)
	}
	t.mu.Unlock()
	shared.stop()
	<-shared.stopped
	return shared.store.Close()
}

// begin reads how the run stands.
func (t *tail) begin(ctx context.Context) error {
	status, last, err := t.store.LastExecutionEvent(ctx, t.key, storage.EventStatus)
	if err != nil {
		return err
	}
	if status == nil {
		return storage.Errorf(storage.CodeNotFound, "there is nothing to follow: the execution came with an import")
	}
	read, err := readEvent(status)
	if err != nil {
		return err
	}
	t.status, t.last, t.progress = read.status, last, &storage.ExecutionProgress{}
	items, _, err := t.store.LastExecutionEvent(ctx, t.key, storage.EventItems)
	if err != nil {
		return err
	}
	if items == nil {
		plan, err := t.store.ExecutionPlan(ctx, t.key)
		if err == nil {
			t.progress.Total = plan.Items
		}
		return err
	}
	if read, err = readEvent(items); err == nil && items.Seq <= last {
		t.progress = &read.items.Progress
	}
	return err
}

// read takes over what is stored each time the run's topic is woken.
func (t *tail) read(ctx context.Context, waker events.Waker, woken <-chan struct{}) {
	defer close(t.stopped)
	for {
		for {
			page, err := t.store.ExecutionEvents(ctx, t.key, t.last, pageEvents)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				err = t.add(page)
			}
			if err != nil {
				t.fail(err)
				return
			}
			if len(page) < pageEvents {
				break
			}
		}
		select {
		case <-woken:
			woken = waker.Follow(events.Execution(t.key))
		case <-ctx.Done():
			return
		}
	}
}

func (t *tail) add(page []*storage.ExecutionEvent) error {
	if len(page) == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, stored := range page {
		read, err := readEvent(stored)
		if err != nil {
			return err
		}
		t.events = append(t.events, read)
		t.last = read.seq
		switch {
		case read.status != nil:
			t.status = read.status
		case read.items != nil:
			t.progress = &read.items.Progress
			t.items += len(read.items.Items)
		}
	}
	for len(t.events) > 1 && (t.items > keptItems || len(t.events) > keptEvents) {
		if first := t.events[0]; first.items != nil {
			t.items -= len(first.items.Items)
		}
		t.events[0] = event{} // what it holds can go before the slice moves
		t.events = t.events[1:]
	}
	t.tellLocked()
	return nil
}

func (t *tail) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = err
	t.tellLocked()
}

func (t *tail) tellLocked() {
	close(t.news)
	t.news = make(chan struct{})
}

// since returns events behind a seq: those that are kept, or with old set, none of which
// can be given because the first of them is kept no more.
func (t *tail) since(seq int64) (behind []event, old bool, news <-chan struct{}, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil {
		return nil, false, nil, t.failed
	}
	if seq >= t.last {
		return nil, false, t.news, nil
	}
	if len(t.events) == 0 || t.events[0].seq > seq+1 {
		return nil, true, t.news, nil
	}
	return t.events[seq+1-t.events[0].seq:], false, t.news, nil
}

// now is how the run stands.
func (t *tail) now() (seq int64, status storage.StatusEvent, progress storage.ExecutionProgress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last, *t.status, *t.progress
}
