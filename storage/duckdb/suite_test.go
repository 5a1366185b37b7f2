package duckdb_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/storagetest"
	"github.com/violentutf/violentutf/storage/userstore"
)

// TestUserStore runs the suite over stores of one registry, so that they have
// every chance to mix. TestMain looks for goroutines that are left.
func TestUserStore(t *testing.T) {
	registry, err := duckdb.Open(t.Context(), duckdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	var stores atomic.Int64
	storagetest.UserStore(t, func(t *testing.T) storage.UserStore {
		owner := fmt.Sprint("workspace", stores.Add(1))
		engine, err := registry.Engine(t.Context(), owner+".db", owner)
		if err != nil {
			t.Fatal(err)
		}
		store, err := userstore.New(t.Context(), engine, owner)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			problems, err := store.Check(context.Background())
			if err != nil || len(problems) > 0 {
				t.Errorf("the store is damaged: %v, %v", problems, err)
			}
			// Small new rows stay in memory until they are in the file, about 10 MB a
			// store: without this the stores of all tests together reach the limit.
			if err := registry.Checkpoint(context.Background(), engine); err != nil {
				t.Error(err)
			}
			if err := store.Close(); err != nil {
				t.Error(err)
			}
		})
		return store
	})
}
