package duckdb

import (
	"errors"
	"io/fs"
	"maps"
	"slices"
	"testing"
	"testing/fstest"
)

// A file of the schema before the last gets what is new, and keeps what it has.
func TestFileOfTheSchemaBeforeIsMigrated(t *testing.T) {
	all, ok := withMigrations(t, nil).(fstest.MapFS)
	if !ok {
		t.Fatal("the migrations are no map")
	}
	before := maps.Clone(all)
	names := slices.Sorted(maps.Keys(before))
	delete(before, names[len(names)-1])
	dir := t.TempDir()
	old := newRegistryOf(t, Options{Dir: dir}, fs.FS(before))
	e := newEngine(t, old, "a.db", "w1")
	write(t, e, addLabel, "kept")
	if err := errors.Join(e.Close(), old.Detach(t.Context(), "a.db")); err != nil {
		t.Fatal(err)
	}

	now := newRegistryOf(t, Options{Dir: dir}, all)
	e = newEngine(t, now, "a.db", "w1")
	defer e.Close()
	if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != 1 {
		t.Errorf("%d labels", n)
	}
	for _, table := range []string{"annotations", "findings", "finding_attacks", "finding_messages", "orchestrators", "prices"} {
		if n := count(t, e, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d %s", n, table)
		}
	}
}
