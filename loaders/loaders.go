// Package loaders answers the edges of the graph: each collects the keys that one
// level of a request asks for and makes one statement of them.
//
// A set belongs to one request and one user store, so two workspaces in one
// request never share a cache, and nothing outlives the request.
package loaders

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/violentutf/violentutf/storage"
)

// batchFunc answers all keys at once; a key without an answer is absent.
type batchFunc[K comparable, V any] func(ctx context.Context, keys []K) (map[K]V, error)

// Loader answers one edge for many keys. There is no limit to a batch: 500 attacks
// with 20 messages each are 10 000 keys and still one statement.
type Loader[K comparable, V any] struct {
	inner   *dataloader.Loader[K, V]
	fetch   batchFunc[K, V]
	missing func(K) V

	mu   sync.Mutex
	seen map[K]struct{} // what Prefetch was asked for
}

func newLoader[K comparable, V any](fetch batchFunc[K, V]) *Loader[K, V] {
	return newLoaderOr(fetch, func(K) V { var none V; return none })
}

// newListLoader is newLoader with an empty list for a key without an answer: null
// would say that the list could not be read.
func newListLoader[K comparable, V any](fetch batchFunc[K, []V]) *Loader[K, []V] {
	return newLoaderOr(fetch, func(K) []V { return []V{} })
}

// newLoaderOr is newLoader with what stands for a key without an answer.
func newLoaderOr[K comparable, V any](fetch batchFunc[K, V], missing func(K) V) *Loader[K, V] {
	batch := func(ctx context.Context, keys []K) []*dataloader.Result[V] {
		answers, err := fetch(ctx, keys)
		results := make([]*dataloader.Result[V], len(keys))
		values := make([]dataloader.Result[V], len(keys))
		for i, key := range keys {
			results[i] = &values[i]
			if err != nil {
				values[i].Error = err
				continue
			}
			answer, ok := answers[key]
			if !ok {
				answer = missing(key)
			}
			values[i].Data = answer
		}
		return results
	}
	return &Loader[K, V]{
		inner:   dataloader.NewBatchedLoader(batch, dataloader.WithWait[K, V](wait)),
		fetch:   fetch,
		missing: missing,
		seen:    map[K]struct{}{},
	}
}

// Load returns the answer for one key: nil, or an empty list, where there is none.
func (l *Loader[K, V]) Load(ctx context.Context, key K) (V, error) {
	return l.inner.Load(ctx, key)()
}

// LoadAll returns the answers for many keys, in their order.
func (l *Loader[K, V]) LoadAll(ctx context.Context, keys []K) ([]V, error) {
	thunks := make([]dataloader.Thunk[V], len(keys))
	for i, key := range keys {
		thunks[i] = l.inner.Load(ctx, key)
	}
	answers := make([]V, len(keys))
	for i, thunk := range thunks {
		answer, err := thunk()
		if err != nil {
			return nil, err
		}
		answers[i] = answer
	}
	return answers, nil
}

// Prefetch answers keys in one statement at once, without waiting for more, so that
// Load finds them. It returns the answers that it fetched; keys that were
// prefetched before are left out. After an error it returns nothing: Load asks
// again and reports the error at its own field.
func (l *Loader[K, V]) Prefetch(ctx context.Context, keys []K) []V {
	fresh := l.unseen(keys)
	if len(fresh) == 0 {
		return nil
	}
	answers, err := l.fetch(ctx, fresh)
	if err != nil {
		return nil
	}
	fetched := make([]V, 0, len(answers))
	for _, key := range fresh {
		answer, ok := answers[key]
		if ok {
			fetched = append(fetched, answer)
		} else {
			answer = l.missing(key)
		}
		l.inner.Prime(ctx, key, answer)
	}
	return fetched
}

func (l *Loader[K, V]) unseen(keys []K) []K {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := make([]K, 0, len(keys))
	for _, key := range keys {
		if _, ok := l.seen[key]; !ok {
			l.seen[key] = struct{}{}
			fresh = append(fresh, key)
		}
	}
	return fresh
}

// pageKey asks for one page of the list of a parent. The filter is its JSON, so
// that equal filters are equal keys.
type pageKey[P comparable] struct {
	parent P
	args   pageArgs
}

type pageArgs struct {
	page   storage.Page
	filter string
	order  storage.AttackOrder // of lists that can be ordered, otherwise zero
	edge   storage.AttackEdge  // of lists that several parents have, otherwise empty
}

// Pages answers the pages of a nested list: one statement for all parents that ask
// with the same arguments.
type Pages[P comparable, F, T any] struct {
	inner *Loader[pageKey[P], *storage.Connection[T]]
}

// pageFunc answers one page for all parents at once.
type pageFunc[P comparable, F, T any] func(ctx context.Context, parents []P, filter *F, args pageArgs) (map[P]*storage.Connection[T], error)

func newPages[P comparable, F, T any](fetch pageFunc[P, F, T]) *Pages[P, F, T] {
	batch := func(ctx context.Context, keys []pageKey[P]) (map[pageKey[P]]*storage.Connection[T], error) {
		var order []pageArgs
		parents := map[pageArgs][]P{}
		for _, key := range keys {
			if parents[key.args] == nil {
				order = append(order, key.args)
			}
			parents[key.args] = append(parents[key.args], key.parent)
		}
		answers := make(map[pageKey[P]]*storage.Connection[T], len(keys))
		for _, args := range order {
			filter, err := readFilter[F](args.filter)
			if err != nil {
				return nil, err
			}
			pages, err := fetch(ctx, parents[args], filter, args)
			if err != nil {
				return nil, err
			}
			for parent, page := range pages {
				answers[pageKey[P]{parent, args}] = page
			}
		}
		return answers, nil
	}
	empty := func(key pageKey[P]) *storage.Connection[T] { return Empty[T](key.args.page) }
	return &Pages[P, F, T]{inner: newLoaderOr(batch, empty)}
}

func (l *Pages[P, F, T]) load(ctx context.Context, parent P, filter *F, args pageArgs) (*storage.Connection[T], error) {
	text, err := writeFilter(filter)
	if err != nil {
		return nil, err
	}
	args.filter = text
	return l.inner.Load(ctx, pageKey[P]{parent, args})
}

// Load returns one page of the parent's list.
func (l *Pages[P, F, T]) Load(ctx context.Context, parent P, filter *F, page storage.Page) (*storage.Connection[T], error) {
	return l.load(ctx, parent, filter, pageArgs{page: page})
}

// Prefetch answers the unfiltered page of many parents in one statement at once.
func (l *Pages[P, F, T]) Prefetch(ctx context.Context, parents []P, page storage.Page) []*storage.Connection[T] {
	keys := make([]pageKey[P], len(parents))
	for i, parent := range parents {
		keys[i] = pageKey[P]{parent, pageArgs{page: page}}
	}
	return l.inner.Prefetch(ctx, keys)
}

// Empty is a page of a list that has no rows.
func Empty[T any](page storage.Page) *storage.Connection[T] {
	return storage.NewConnection(page, nil, func(*T) string { return "" },
		func(context.Context) (int64, error) { return 0, nil })
}

func writeFilter[F any](filter *F) (string, error) {
	if filter == nil {
		return "", nil
	}
	text, err := json.Marshal(filter)
	if err != nil {
		return "", fmt.Errorf("write a filter as a loader's key: %w", err)
	}
	return string(text), nil
}

func readFilter[F any](text string) (*F, error) {
	if text == "" {
		return nil, nil
	}
	filter := new(F)
	if err := json.Unmarshal([]byte(text), filter); err != nil {
		return nil, fmt.Errorf("read a filter from a loader's key: %w", err)
	}
	return filter, nil
}
