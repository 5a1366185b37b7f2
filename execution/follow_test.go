package execution_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/storage"
)

// followed is what a follower was told up to the end.
type followed struct {
	frames   int
	items    []int64
	statuses []storage.ExecutionStatus
	last     storage.ExecutionProgress
	cursor   int64
}

// follow follows a run to its end, and comes again with its cursor when again says so.
func follow(ctx context.Context, p *place, tails *execution.Tails, key string, after *int64, want execution.Wanted, again func(frames int) bool) (*followed, error) {
	got := &followed{}
	for {
		f, err := tails.Follow(ctx, p.workspace.Key, key, after, want)
		if err != nil {
			return got, err
		}
		for frames := 1; ; frames++ {
			frame, err := f.Next(ctx)
			if err != nil {
				if errors.Is(err, io.EOF) {
					return got, f.Leave()
				}
				return got, errors.Join(err, f.Leave())
			}
			got.frames++
			got.cursor = frame.Cursor
			if frame.Status != nil {
				got.statuses = append(got.statuses, frame.Status.Status)
			}
			if frame.Progress != nil {
				got.last = *frame.Progress
			}
			for _, item := range frame.Items {
				got.items = append(got.items, item.Item)
			}
			if again != nil && again(frames) {
				break
			}
		}
		after = &got.cursor
		if err := f.Leave(); err != nil {
			return got, err
		}
	}
}

func once(items []int64) bool {
	seen := map[int64]bool{}
	for _, item := range items {
		if seen[item] {
			return false
		}
		seen[item] = true
	}
	return true
}

// TestFollowersMissNothing has a thousand followers of the progress, twenty of each item
// and a hundred that leave and come again, on a run of about a thousand results a second.
func TestFollowersMissNothing(t *testing.T) {
	const items = 3_000
	p := newPlace(t)
	key := p.queue(items)
	tails := &execution.Tails{Store: p.open, Events: &p.events}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var wg sync.WaitGroup
	check := func(name string, want execution.Wanted, again func(int) bool) {
		wg.Go(func() {
			var beginning int64
			after := &beginning
			if !want.Items {
				after = nil
			}
			got, err := follow(ctx, p, tails, key, after, want, again)
			switch {
			case err != nil:
				t.Errorf("%s: %v", name, err)
			case len(got.statuses) == 0 || got.statuses[len(got.statuses)-1] != storage.ExecutionSucceeded || got.last.Done != items:
				t.Errorf("%s ended with %v, %+v", name, got.statuses, got.last)
			case want.Items && (len(got.items) != items || !once(got.items)):
				t.Errorf("%s was told of %d items, each once: %t", name, len(got.items), once(got.items))
			case got.frames > 200:
				t.Errorf("%s got %d frames", name, got.frames)
			}
		})
	}
	for range 1000 {
		check("a follower of the progress", execution.Wanted{}, nil)
	}
	for range 20 {
		check("a follower of items", execution.Wanted{Items: true}, nil)
	}
	for range 100 {
		check("one that comes again", execution.Wanted{Items: true}, func(frames int) bool { return frames > rand.IntN(4) })
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	p.engine("a", work{4, func(ctx context.Context, item int64) (*storage.ItemResult, error) {
		select {
		case <-tick.C:
			return answered(item), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}, nil)
	p.wait(key, storage.ExecutionSucceeded)
	wg.Wait()
}

func TestSlowFollowerLagsAndBlocksNobody(t *testing.T) {
	p := newPlace(t)
	key := p.queue(100_000)
	tails := &execution.Tails{Store: p.open, Events: &p.events}
	slow, err := tails.Follow(t.Context(), p.workspace.Key, key, new(int64), execution.Wanted{Items: true})
	if err != nil {
		t.Fatal(err)
	}
	p.engine("a", work{16, func(_ context.Context, item int64) (*storage.ItemResult, error) { return bare(item), nil }}, nil)
	got, err := follow(t.Context(), p, tails, key, nil, execution.Wanted{}, nil)
	if err != nil || got.last.Done != 100_000 {
		t.Fatalf("the quick one got %+v, %v", got.last, err)
	}
	var seen []int64
	for { // it reads now what the tail keeps no more
		frame, err := slow.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range frame.Items {
			seen = append(seen, item.Item)
		}
	}
	if err := slow.Leave(); err != nil {
		t.Fatal(err)
	}
	if len(seen) != 100_000 || !once(seen) {
		t.Errorf("the slow one was told of %d items", len(seen))
	}
}

// bare is a result without an attack.
func bare(item int64) *storage.ItemResult {
	return &storage.ItemResult{Item: item, Outcome: storage.OutcomeUndetermined, Attempts: 1, FinishedAt: time.Now()}
}

func TestFollowerOfWhatIsOver(t *testing.T) {
	p := newPlace(t)
	key := p.queue(3)
	p.engine("a", work{1, func(_ context.Context, item int64) (*storage.ItemResult, error) { return answered(item), nil }}, nil)
	p.wait(key, storage.ExecutionSucceeded)
	p.statuses(key)
	tails := &execution.Tails{Store: p.open, Events: &p.events}
	got, err := follow(t.Context(), p, tails, key, nil, execution.Wanted{}, nil)
	if err != nil || got.frames != 1 || got.last.Done != 3 || got.statuses[0] != storage.ExecutionSucceeded {
		t.Errorf("%+v, %v", got, err)
	}
	if again, err := follow(t.Context(), p, tails, key, &got.cursor, execution.Wanted{}, nil); err != nil || again.frames != 0 {
		t.Errorf("behind the end %+v, %v", again, err)
	}
	beyond := got.cursor + 1
	if _, err := tails.Follow(t.Context(), p.workspace.Key, key, &beyond, execution.Wanted{}); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("a cursor of the future: %v", err)
	}
}
