package loaders

import "github.com/violentutf/violentutf/storage"

// executionSummaries answers Execution.summary; a run without attacks counts zero.
func executionSummaries(store storage.UserStore) *Loader[string, *storage.ExecutionSummary] {
	return newLoaderOr(store.ExecutionSummaries, func(string) *storage.ExecutionSummary {
		return &storage.ExecutionSummary{}
	})
}
