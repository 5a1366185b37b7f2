package generate

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/violentutf/violentutf/bench/memory"
)

func TestSameSeedSameRows(t *testing.T) {
	first, second := write(t, 2000, 7), write(t, 2000, 7)
	if dump(t, first) != dump(t, second) {
		t.Error("two memories of one seed and size differ")
	}
	if dump(t, first) == dump(t, write(t, 2000, 8)) {
		t.Error("the memories of two seeds are the same")
	}
}

func TestMemoryHasWhatItPromises(t *testing.T) {
	db := open(t, write(t, 20_000, 1))
	for _, check := range []struct {
		what, query string
		low, high   int
	}{
		{"messages", `SELECT COUNT(*) FROM PromptMemoryEntries`, 20_000, 20_000},
		{"conversations", `SELECT COUNT(*) FROM Conversations`, 2000, 2000},
		{"attacks", `SELECT COUNT(DISTINCT conversation_id) FROM AttackResultEntries`, 2000, 2000},
		{"objectives", `SELECT COUNT(DISTINCT value) FROM SeedPromptEntries`, 2000, 2000},
		{"targets", `SELECT COUNT(*) FROM TargetIdentifiers`, 6, 6},
		{"runs", `SELECT COUNT(DISTINCT attribution_parent_id) FROM AttackResultEntries`, 13, 13},
		{"successes", `SELECT COUNT(*) FROM AttackResultEntries WHERE outcome = 'success'`, 340, 460},
		{"failures", `SELECT COUNT(*) FROM AttackResultEntries WHERE outcome = 'failure'`, 1220, 1380},
		{"undetermined", `SELECT COUNT(*) FROM AttackResultEntries WHERE outcome = 'undetermined'`, 150, 250},
		{"errors", `SELECT COUNT(*) FROM AttackResultEntries WHERE outcome = 'error'`, 60, 140},
		{"judged attacks whose score is not on the last reply or says otherwise", `
			SELECT COUNT(*) FROM AttackResultEntries a
			LEFT JOIN ScoreEntries s ON s.id = a.last_score_id AND s.prompt_request_response_id = a.last_response_id
				AND s.score_value = CASE a.outcome WHEN 'success' THEN 'true' ELSE 'false' END
			LEFT JOIN PromptMemoryEntries m ON m.id = a.last_response_id AND m.sequence = 9
				AND m.conversation_id = a.conversation_id
			WHERE a.outcome IN ('success', 'failure') AND (s.id IS NULL OR m.id IS NULL)`, 0, 0},
		{"scores of others", `
			SELECT COUNT(*) FROM AttackResultEntries WHERE outcome NOT IN ('success', 'failure') AND last_score_id IS NOT NULL`, 0, 0},
		{"messages that are older than the row before", `
			SELECT COUNT(*) FROM (SELECT timestamp < LAG(timestamp) OVER (ORDER BY rowid) AS older FROM PromptMemoryEntries)
			WHERE older`, 0, 0},
		{"days", `SELECT CAST(julianday(MAX(timestamp)) - julianday(MIN(timestamp)) AS INTEGER) FROM PromptMemoryEntries`, 89, 90},
		{"characters of a prompt", `SELECT AVG(LENGTH(original_value)) FROM PromptMemoryEntries WHERE role = 'user'`, 95, 135},
		{"characters of a reply", `SELECT AVG(LENGTH(original_value)) FROM PromptMemoryEntries WHERE role = 'assistant'`, 215, 275},
		{"converted prompts that name no converter", `
			SELECT COUNT(*) FROM PromptMemoryEntries m
			WHERE (converted_value <> original_value) <> EXISTS (
				SELECT 1 FROM PromptConverterIdentifiers c WHERE c.prompt_memory_entry_id = m.id)`, 0, 0},
	} {
		var got float64
		if err := db.QueryRowContext(t.Context(), check.query).Scan(&got); err != nil {
			t.Fatalf("%s: %v", check.what, err)
		}
		if got < float64(check.low) || got > float64(check.high) {
			t.Errorf("%s: %v, want %d to %d", check.what, got, check.low, check.high)
		}
	}
}

func TestHashesAreThoseOfTheTexts(t *testing.T) {
	rows, err := open(t, write(t, 1000, 3)).QueryContext(t.Context(), `
		SELECT original_value, original_value_sha256 FROM PromptMemoryEntries
		UNION ALL SELECT converted_value, converted_value_sha256 FROM PromptMemoryEntries
		UNION ALL SELECT objective, objective_sha256 FROM AttackResultEntries
		UNION ALL SELECT value, value_sha256 FROM SeedPromptEntries`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text, hash string
		if err := rows.Scan(&text, &hash); err != nil {
			t.Fatal(err)
		}
		if memory.SHA256(text) != hash {
			t.Errorf("%s is not the SHA-256 of %q", hash, text)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func TestRefusesWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "memory.sqlite")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Memory(t.Context(), path, Options{Messages: 10}); err == nil {
		t.Error("an existing file was taken")
	}
	if kept, err := os.ReadFile(path); err != nil || string(kept) != "mine" {
		t.Errorf("the existing file is %q now: %v", kept, err)
	}
}

func TestCancelledLeavesNoFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "memory.sqlite")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := Memory(ctx, path, Options{Messages: 100_000, Progress: func(int64, int64) { cancel() }})
	if err == nil {
		t.Error("a cancelled generation succeeded")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the unfinished file is still there: %v", err)
	}
}

func BenchmarkMemory(b *testing.B) {
	const messages = 100_000
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "memory.sqlite")
		if err := Memory(b.Context(), path, Options{Messages: messages, Seed: 1}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(messages*b.N)/b.Elapsed().Seconds(), "messages/s")
}

func write(t *testing.T, messages int, seed uint64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "memory.sqlite")
	if err := Memory(t.Context(), path, Options{Messages: messages, Seed: seed}); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// dump is a hash of all rows of all tables, in their order.
func dump(t *testing.T, path string) string {
	t.Helper()
	hash := sha256.New()
	if err := memory.Dump(t.Context(), path, hash); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}
