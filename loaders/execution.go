package loaders

import (
	"context"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// executionSummaries answers Execution.summary; a run without attacks counts zero.
func executionSummaries(store storage.UserStore) *Loader[string, *storage.ExecutionSummary] {
	return newLoaderOr(store.ExecutionSummaries, func(string) *storage.ExecutionSummary {
		return &storage.ExecutionSummary{}
	})
}

// executionTallies answers Execution.progress; a run without items counts zero.
func executionTallies(store storage.UserStore) *Loader[string, *storage.ExecutionTally] {
	return newLoaderOr(func(ctx context.Context, keys []string) (map[string]*storage.ExecutionTally, error) {
		return store.ExecutionTallies(ctx, keys, time.Now())
	}, func(string) *storage.ExecutionTally { return &storage.ExecutionTally{} })
}

// itemsOfExecution answers Execution.items.
func itemsOfExecution(store storage.UserStore) *Pages[string, storage.ExecutionItemFilter, storage.ExecutionItem] {
	return newPages(func(ctx context.Context, keys []string, filter *storage.ExecutionItemFilter, args pageArgs) (map[string]*storage.ExecutionItemConnection, error) {
		return store.ItemsByExecution(ctx, keys, filter, args.page)
	})
}

// eventsOfExecution answers Execution.events.
func eventsOfExecution(store storage.UserStore) *Pages[string, storage.ExecutionEventFilter, storage.ExecutionEvent] {
	return newPages(func(ctx context.Context, keys []string, filter *storage.ExecutionEventFilter, args pageArgs) (map[string]*storage.Connection[storage.ExecutionEvent], error) {
		return store.EventsByExecution(ctx, keys, filter, args.page)
	})
}
