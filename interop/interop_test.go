package interop_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/files"
	"github.com/violentutf/violentutf/storage/sqlite"
	"github.com/violentutf/violentutf/storage/userstore"
)

// workspace is a store in a temporary folder, with the importer over it.
type workspace struct {
	t        *testing.T
	dir      string
	store    *userstore.Store
	engine   userstore.Engine
	importer *interop.Importer
}

func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	ctx := context.Background()
	dir := t.TempDir()
	registry, err := duckdb.Open(ctx, duckdb.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := registry.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	const owner = "0199c000-0000-7000-8000-000000000001"
	engine, err := registry.Engine(ctx, "violentutf/alice.db", owner)
	if err != nil {
		t.Fatal(err)
	}
	store, err := userstore.New(ctx, engine, owner)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	keeper, err := secret.OpenKeeper(filepath.Join(dir, "config"))
	if err != nil {
		t.Fatal(err)
	}
	if err := datadir.Layout(dir); err != nil {
		t.Fatal(err)
	}
	media, err := files.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = media.Close() })
	return &workspace{t: t, dir: dir, store: store, engine: engine, importer: &interop.Importer{
		DuckDB: registry, SQLite: sqlite.ForeignOpener{StagingDir: filepath.Join(dir, "violentutf", "cache")}, Keeper: keeper, Files: media,
	}}
}

func (w *workspace) take(path string) *storage.Import {
	w.t.Helper()
	imp, err := w.importer.File(context.Background(), w.store, path, interop.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	return imp
}

// counts runs a statement of a text and a count for each row.
func (w *workspace) counts(statement string) map[string]int64 {
	w.t.Helper()
	rows, err := w.engine.Read().Query(statement)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var key sql.NullString
		var n int64
		if err := rows.Scan(&key, &n); err != nil {
			w.t.Fatal(err)
		}
		counts[key.String] = n
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return counts
}

// expectations are the independently counted tables of testdata/README.md.
var expectations = []struct {
	file     string
	messages int64
	scores   int64
	purposes map[string]int64
	outcomes map[string]int64 // nil: only the number of attacks is known
	attacks  int64
}{
	{testfiles.Original, 255, 135, map[string]int64{"TARGET": 75, "JUDGE": 50, "ATTACKER": 5}, nil, 75},
	{"pyrit/memory-0.14.0.sqlite", 337, 146, map[string]int64{"TARGET": 92, "ATTACKER": 11}, map[string]int64{"SUCCESS": 30, "FAILURE": 58, "ERROR": 4}, 92},
	{"pyrit/memory-1.1.0.sqlite", 344, 135, map[string]int64{"TARGET": 92, "ALTERNATIVE": 12, "ATTACKER": 11, "JUDGE": 17}, map[string]int64{"SUCCESS": 39, "FAILURE": 52, "ERROR": 1}, 92},
	{"pyrit/seeded-1.1.0.sqlite", 401, 132, map[string]int64{"TARGET": 30, "ALTERNATIVE": 34, "ATTACKER": 6, "JUDGE": 69}, map[string]int64{"SUCCESS": 15, "FAILURE": 15}, 30},
	{"garak/demo.report.jsonl", -1, -1, map[string]int64{"TARGET": 102}, map[string]int64{"FAILURE": 102}, 102},
	{"garak/leaky.report.jsonl", -1, -1, map[string]int64{"TARGET": 172}, nil, 172},
	{"garak/buffed.report.jsonl", -1, -1, map[string]int64{"TARGET": 102}, nil, 102},
	{"garak/interrupted.report.jsonl", -1, -1, map[string]int64{"TARGET": 124}, nil, 124},
}

func TestImportGivesWhatTheSourceHolds(t *testing.T) {
	for _, want := range expectations {
		t.Run(filepath.Base(want.file), func(t *testing.T) {
			w := newWorkspace(t)
			w.take(testfiles.Path(t, want.file))
			equal(t, "conversations by purpose", w.counts("SELECT purpose, count(*) FROM conversations GROUP BY purpose"), want.purposes)
			if want.outcomes != nil {
				equal(t, "attacks by outcome", w.counts("SELECT outcome, count(*) FROM attacks GROUP BY outcome"), want.outcomes)
			}
			totals := w.counts(`SELECT 'attacks', count(*) FROM attacks
				UNION ALL SELECT 'messages', count(*) FROM prompt_request_responses
				UNION ALL SELECT 'scores', count(*) FROM scores`)
			if totals["attacks"] != want.attacks {
				t.Errorf("%d attacks, want %d", totals["attacks"], want.attacks)
			}
			if want.messages >= 0 && (totals["messages"] != want.messages || totals["scores"] != want.scores) {
				t.Errorf("%d messages and %d scores, want %d and %d", totals["messages"], totals["scores"], want.messages, want.scores)
			}
			if problems, err := w.store.Check(context.Background()); err != nil || len(problems) > 0 {
				t.Errorf("the store has problems %v (%v)", problems, err)
			}
		})
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	for _, want := range expectations {
		t.Run(filepath.Base(want.file), func(t *testing.T) {
			w := newWorkspace(t)
			path := testfiles.Path(t, want.file)
			w.take(path)
			before := w.counts("SELECT 'revision', revision FROM store_info")
			again := w.take(path)
			for _, table := range again.Tables {
				if table.Inserted != 0 || table.Updated != 0 || table.Unchanged+table.Skipped != table.Read {
					t.Errorf("the second import changed %s: %+v", table.Table, *table)
				}
			}
			equal(t, "revision", w.counts("SELECT 'revision', revision FROM store_info"), before)
		})
	}
}

func equal(t *testing.T, what string, got, want map[string]int64) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}
