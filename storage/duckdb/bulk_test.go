package duckdb

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestBulkKeepsEveryKindOfValue(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	b, err := e.Bulk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Conn().ExecContext(t.Context(), `
		CREATE TEMP TABLE stage (ord BIGINT, rank INTEGER, name TEXT, tags TEXT[], scale DOUBLE PRECISION,
			ok BOOLEAN, made TIMESTAMP, vector REAL[])`); err != nil {
		t.Fatal(err)
	}
	made := time.Date(2026, 1, 2, 3, 4, 5, 678000, time.FixedZone("", 3600))
	for _, row := range [][]any{
		{int64(1), int64(2), "naïve", []string{"a", ""}, 0.5, true, made, []float32{1.5, -2}},
		{int64(2), nil, nil, []string{}, nil, nil, nil, []float32{}},
		{int64(3), int64(-1), "", nil, 1.0, false, made, nil},
	} {
		if err := b.Append(t.Context(), "stage", row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := b.Conn().QueryRowContext(t.Context(),
		"SELECT string_agg(CAST(stage AS VARCHAR), '\n' ORDER BY ord) FROM stage").Scan(&got); err != nil {
		t.Fatal(err)
	}
	want := `{'ord': 1, 'rank': 2, 'name': naïve, 'tags': [a, ''], 'scale': 0.5, 'ok': true, 'made': '2026-01-02 02:04:05.000678', 'vector': [1.5, -2.0]}
{'ord': 2, 'rank': NULL, 'name': NULL, 'tags': [], 'scale': NULL, 'ok': NULL, 'made': NULL, 'vector': []}
{'ord': 3, 'rank': -1, 'name': '', 'tags': NULL, 'scale': 1.0, 'ok': false, 'made': '2026-01-02 02:04:05.000678', 'vector': NULL}`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBulkMergesItsRowsInATransaction(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	b, err := e.Bulk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Conn().ExecContext(t.Context(), "CREATE TEMP TABLE stage_labels (key TEXT, value TEXT)"); err != nil {
		t.Fatal(err)
	}
	const rows = 45_000 // crosses two flushes
	for i := range rows {
		if err := b.Append(t.Context(), "stage_labels", fmt.Sprint(i), "v"); err != nil {
			t.Fatal(err)
		}
	}
	merge := func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO memory_labels SELECT 'w1', NULL, NULL, key, value FROM stage_labels")
		return err
	}
	if err := b.WithTx(t.Context(), merge); err != nil {
		t.Fatal(err)
	}
	if n := count(t, e, "SELECT count(DISTINCT key) FROM memory_labels"); n != rows {
		t.Errorf("%d rows were merged", n)
	}
	// The appenders go on after the table was emptied in between.
	if _, err := b.Conn().ExecContext(t.Context(), "DELETE FROM stage_labels"); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(t.Context(), "stage_labels", "one more", "v"); err != nil {
		t.Fatal(err)
	}
	if err := b.WithTx(t.Context(), merge); err != nil {
		t.Fatal(err)
	}
	if n := count(t, e, "SELECT count(*) FROM memory_labels"); n != rows+1 {
		t.Errorf("%d rows after the second merge", n)
	}
}

func TestBulkHoldsFewRowsAndGivesMemoryBack(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	used := func() (sum int64) {
		if err := r.admin.QueryRow("SELECT CAST(sum(memory_usage_bytes + temporary_storage_bytes) AS BIGINT) FROM duckdb_memory()").Scan(&sum); err != nil {
			t.Fatal(err)
		}
		return sum
	}
	before := used()
	b, err := e.Bulk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Conn().ExecContext(t.Context(), "CREATE TEMP TABLE big (text TEXT)"); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("0123456789abcdef", 4096) // 64 kB
	for i := range 1000 {
		if err := b.Append(t.Context(), "big", fmt.Sprint(i)+text); err != nil {
			t.Fatal(err)
		}
		if held := b.(*bulk).bytes; held > flushBytes {
			t.Fatalf("%d bytes are waiting", held)
		}
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if during := used(); during < before+8<<20 {
		t.Errorf("the rows do not show: %d before, %d with them", before, during)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if after := used(); after > before+4<<20 {
		t.Errorf("%d bytes before, %d after the temporary table is gone", before, after)
	}
	if n := count(t, e, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'big'"); n != 0 {
		t.Error("the temporary table is still there")
	}
}

func TestStreamLeavesLittleOfWhatItWroteInMemoryAndFailsNobody(t *testing.T) {
	r := newRegistry(t, Options{MemoryLimit: "1GB"})
	e := newEngine(t, r, "a.db", "w1")
	b, err := e.Bulk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	one := func(query string) (value string) {
		if err := r.admin.QueryRow(query).Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	limit := one("SELECT current_setting('memory_limit')")
	// Somebody else needs much memory meanwhile.
	var ended atomic.Bool
	failed := make(chan error, 1)
	go func() {
		var err error
		for groups := 0; err == nil && !ended.Load(); {
			err = r.admin.QueryRow("SELECT count(*) FROM (SELECT DISTINCT md5(CAST(n AS TEXT)) FROM range(400000) AS numbers(n))").Scan(&groups)
		}
		failed <- err
	}()
	written := int64(0)
	err = b.WithTx(t.Context(), func(ctx context.Context, _ *sql.Tx) error {
		text := make([]byte, 1200)
		for range 4 * 32_768 {
			rand.Read(text)
			value := base64.StdEncoding.EncodeToString(text)
			written += int64(len(text))
			if err := b.AppendStored(ctx, "memory_labels", []string{"owner_id", "key", "value"}, "w1", "k", value); err != nil {
				return err
			}
		}
		return nil
	})
	ended.Store(true)
	if failed := <-failed; failed != nil {
		t.Errorf("beside the stream: %v", failed)
	}
	if err != nil {
		t.Fatal(err)
	}
	cached, err := strconv.ParseInt(one("SELECT memory_usage_bytes FROM duckdb_memory() WHERE tag = 'BASE_TABLE'"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if cached > written/2 {
		t.Errorf("of %d MB written, %d MB are in memory", written>>20, cached>>20)
	}
	if after := one("SELECT current_setting('memory_limit')"); after != limit {
		t.Errorf("the limit was %s, is %s", limit, after)
	}
}

func TestBulkSurvivesABadRow(t *testing.T) {
	r := newRegistry(t, Options{})
	e := newEngine(t, r, "a.db", "w1")
	b, err := e.Bulk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Append(t.Context(), "missing", "x"); err == nil {
		t.Error("appended to a table that does not exist")
	}
	if _, err := b.Conn().ExecContext(t.Context(), "CREATE TEMP TABLE stage (n BIGINT)"); err != nil {
		t.Fatal(err)
	}
	if err := b.Append(t.Context(), "stage", "text"); err == nil {
		t.Error("appended text to a number")
	}
	if err := b.Append(t.Context(), "stage", int64(1), int64(2)); err == nil {
		t.Error("appended too many columns")
	}
	if err := b.Append(t.Context(), "stage", int64(7)); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var sum int64
	if err := b.Conn().QueryRowContext(t.Context(), "SELECT CAST(sum(n) AS BIGINT) FROM stage").Scan(&sum); err != nil || sum != 7 {
		t.Errorf("sum %d, %v", sum, err)
	}
}
