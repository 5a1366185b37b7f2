package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// usesOfFiles answers File.usedBy: two statements for all files.
func usesOfFiles(store storage.UserStore) batchFunc[string, *storage.FileUse] {
	return func(ctx context.Context, hashes []string) (map[string]*storage.FileUse, error) {
		return store.FileUses(ctx, hashes, MostShown)
	}
}
