package server

import (
	"context"
	"errors"
	"sync"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/storage"
)

// openStores are the user stores of one request: each is opened once and all are
// given back when the request ends.
type openStores struct {
	house *house.House

	mu     sync.Mutex
	stores map[string]storage.UserStore // by workspace key
}

type openStoresKey struct{}

func withStores(ctx context.Context, h *house.House) (context.Context, *openStores) {
	open := &openStores{house: h, stores: map[string]storage.UserStore{}}
	return context.WithValue(ctx, openStoresKey{}, open), open
}

// opener opens stores for the directives, for the request of their context.
type opener struct{}

// OpenWorkspace opens a workspace's store until the request ends.
func (opener) OpenWorkspace(ctx context.Context, w *storage.Workspace) (storage.UserStore, error) {
	open, ok := ctx.Value(openStoresKey{}).(*openStores)
	if !ok {
		return nil, errors.New("a store was asked for outside a request")
	}
	open.mu.Lock()
	defer open.mu.Unlock()
	if store := open.stores[w.Key]; store != nil {
		return store, nil
	}
	store, err := open.house.OpenWorkspace(ctx, w)
	if err != nil {
		return nil, err
	}
	open.stores[w.Key] = store
	return store, nil
}

func (o *openStores) close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	var errs []error
	for _, store := range o.stores {
		errs = append(errs, store.Close())
	}
	return errors.Join(errs...)
}
