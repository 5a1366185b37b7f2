package loaders

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func TestKeysOfOneLevelAreOneBatch(t *testing.T) {
	var batches atomic.Int64
	loader := newLoader(func(_ context.Context, keys []int64) (map[int64]*int64, error) {
		batches.Add(1)
		answers := map[int64]*int64{}
		for _, key := range keys {
			if key%2 == 0 {
				answers[key] = &key
			}
		}
		return answers, nil
	})
	keys := make([]int64, 10_000)
	for i := range keys {
		keys[i] = int64(i)
	}
	answers, err := loader.LoadAll(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, answer := range answers {
		if i%2 == 1 && answer != nil {
			t.Fatalf("key %d has an answer, though the store has none", i)
		}
		if i%2 == 0 && (answer == nil || *answer != int64(i)) {
			t.Fatalf("key %d got another key's answer", i)
		}
	}
	if _, err := loader.LoadAll(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	// The machine may stall while keys are collected, so the bound is loose; without
	// batching it would be 20 000, without the cache twice as many.
	if n := batches.Load(); n > 100 {
		t.Errorf("%d batches for 10 000 keys", n)
	}
}

func TestErrorOfABatchReachesEveryKey(t *testing.T) {
	broken := errors.New("broken")
	loader := newLoader(func(context.Context, []int64) (map[int64]*int64, error) { return nil, broken })
	var all sync.WaitGroup
	for key := range int64(3) {
		all.Go(func() {
			if _, err := loader.Load(t.Context(), key); !errors.Is(err, broken) {
				t.Errorf("key %d: error %v, want the store's", key, err)
			}
		})
	}
	all.Wait()
}

func TestPagesWithEqualFiltersAreOneBatch(t *testing.T) {
	type call struct {
		parents int
		text    string
	}
	var mu sync.Mutex
	var calls []call
	pages := newPages(func(_ context.Context, parents []int64, filter *storage.MessageFilter, args pageArgs) (map[int64]*storage.MessageConnection, error) {
		mu.Lock()
		defer mu.Unlock()
		calls = append(calls, call{len(parents), *filter.Text.Contains})
		return map[int64]*storage.MessageConnection{1: Empty[storage.Message](args.page)}, nil
	})
	var all sync.WaitGroup
	for _, parent := range []int64{1, 2} {
		for _, text := range []string{"a", "b"} {
			all.Go(func() {
				// Equal filters at different addresses.
				filter := &storage.MessageFilter{Text: &storage.TextMatch{Contains: &text}}
				page, err := pages.Load(t.Context(), parent, filter, storage.Page{Limit: 20})
				if err != nil || page == nil {
					t.Errorf("page of %d: %v, %v", parent, page, err)
					return
				}
				if page.Count == nil {
					t.Errorf("the page of %d cannot be counted", parent)
				}
			})
		}
	}
	all.Wait()
	asked := map[string]int{}
	for _, c := range calls {
		asked[c.text] += c.parents
	}
	if len(asked) != 2 || asked["a"] != 2 || asked["b"] != 2 {
		t.Errorf("asked for %v, want both parents once for each filter", asked)
	}
}
