package duckdb

import (
	"context"
	"database/sql"
	"slices"
	"testing"

	"github.com/violentutf/violentutf/storage/userstore"
)

// What one writer at a time keeps single is looked for by doctor, because no key does it.
func TestCheckFindsWhatIsKeptTwice(t *testing.T) {
	registry, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	engine := newEngine(t, registry, "a.db", "w")
	store, err := userstore.New(t.Context(), engine, "w")
	if err != nil {
		t.Fatal(err)
	}
	if problems, err := store.Check(t.Context()); err != nil || len(problems) > 0 {
		t.Fatalf("%v, %v", problems, err)
	}
	err = engine.WithTx(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
		for _, statement := range []string{
			`INSERT INTO user_sessions (owner_id, source, source_id, session_key, body, created_at, updated_at, user_id, revision)
			SELECT 'w', 'NATIVE', CAST(n AS TEXT), 'screen', '1', now(), now(), 'alice', 1 FROM range(2) AS r(n)`,
			`INSERT INTO saved_queries (owner_id, id, name, tags, author, revision, created_at, updated_at, document, variables, pinned)
			SELECT 'w', CAST(n AS TEXT), 'name', CAST([] AS TEXT[]), 'alice', 1, now(), now(), '{a}', '{}', FALSE FROM range(3) AS r(n)`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	problems, err := store.Check(t.Context())
	want := []string{"1 screens that a person saved twice under a key", "1 saved queries, parameter files or templates that share their name"}
	if err != nil || !slices.Equal(problems, want) {
		t.Errorf("%q, %v", problems, err)
	}
}
