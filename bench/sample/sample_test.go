package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/violentutf/violentutf/bench/memory"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage/duckdb"
	"github.com/violentutf/violentutf/storage/sqlite"
	"github.com/violentutf/violentutf/storage/userstore"
)

// committed is the folder of the files that git keeps.
var committed = filepath.Join("..", "..", "app_data", "sample")

func TestCommittedSampleIsWhatTheCodeWrites(t *testing.T) {
	dir := t.TempDir()
	if err := run(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	var want, got bytes.Buffer
	if err := memory.Dump(t.Context(), filepath.Join(dir, memoryName), &want); err != nil {
		t.Fatal(err)
	}
	if err := memory.Dump(t.Context(), filepath.Join(committed, memoryName), &got); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want.Bytes(), got.Bytes()) {
		t.Errorf("%s differs from what the code writes: run go generate ./bench/sample", memoryName)
	}
	report, err := os.ReadFile(filepath.Join(dir, reportName))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(committed, reportName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(report, kept) {
		t.Errorf("%s differs from what the code writes: run go generate ./bench/sample", reportName)
	}
}

func TestSampleImportsWithEveryPurposeAndOutcome(t *testing.T) {
	registry, err := duckdb.Open(t.Context(), duckdb.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { registry.Close(context.Background()) })
	engine, err := registry.Engine(t.Context(), "sample.db", "sample")
	if err != nil {
		t.Fatal(err)
	}
	store, err := userstore.New(t.Context(), engine, "sample")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	keeper, err := secret.OpenKeeper(filepath.Join(t.TempDir(), "config"))
	if err != nil {
		t.Fatal(err)
	}
	importer := interop.Importer{SQLite: sqlite.ForeignOpener{StagingDir: t.TempDir()}, Keeper: keeper}
	for _, name := range []string{memoryName, reportName} {
		done, err := importer.File(t.Context(), store, filepath.Join(committed, name), interop.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if len(done.Notes) > 0 {
			t.Errorf("%s: the import remarks %q", name, done.Notes)
		}
	}
	for _, check := range []struct {
		query string
		want  int
	}{
		{`SELECT COUNT(*) FROM attacks WHERE source = 'PYRIT'`, 60},
		{`SELECT COUNT(*) FROM attacks WHERE source = 'GARAK'`, 40},
		{`SELECT COUNT(DISTINCT attack_class) FROM attacks WHERE source = 'PYRIT'`, 3},
		{`SELECT COUNT(DISTINCT outcome) FROM attacks WHERE source = 'PYRIT'`, 4},
		{`SELECT COUNT(DISTINCT execution_id) FROM attacks WHERE source = 'PYRIT'`, 2},
		{`SELECT COUNT(*) FROM conversations WHERE source = 'PYRIT' AND purpose = 'TARGET'`, 60},
		{`SELECT COUNT(*) FROM conversations WHERE purpose = 'ALTERNATIVE'`, 8},
		{`SELECT COUNT(*) FROM conversations WHERE purpose = 'ATTACKER'`, 20},
		{`SELECT COUNT(*) FROM conversations WHERE purpose = 'JUDGE'`, 8},
		{`SELECT COUNT(*) FROM conversations WHERE purpose IN ('UNKNOWN', 'CONVERTER')`, 0},
		{`SELECT COUNT(*) FROM embeddings`, 24},
		{`SELECT COUNT(*) FROM datasets`, 3},
		{`SELECT COUNT(*) FROM attacks WHERE source = 'PYRIT' AND prompt_no IS NULL`, 0},
	} {
		var got int
		if err := engine.Read().QueryRowContext(t.Context(), check.query).Scan(&got); err != nil {
			t.Errorf("%s: %v", check.query, err)
		} else if got != check.want {
			t.Errorf("%s: %d, want %d", check.query, got, check.want)
		}
	}
}
