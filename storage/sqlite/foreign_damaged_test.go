package sqlite

import (
	"bytes"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

func TestForeignSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	fill(t, good, 2000)
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	random := make([]byte, len(raw))
	rand.Read(random)
	changed := func(at int, b byte) []byte {
		copied := bytes.Clone(raw)
		copied[at] = b
		return copied
	}
	for _, test := range []struct {
		name    string
		content []byte
		want    string
	}{
		{"empty", nil, "is empty (0 bytes)"},
		{"encrypted", random, "or it is encrypted"},
		{"text", []byte("id,prompt\n1,hello\n"), "not a SQLite database"},
		{"tiny", []byte("SQ"), "not a SQLite database"},
		{"header only", raw[:100], "damaged"},
		{"truncated", raw[:len(raw)/2], "damaged"},
		{"a few bytes short", raw[:len(raw)-10], "damaged"},
		{"newer", changed(19, 3), "newer format (3)"},
		{"odd page size", changed(16, 0xff), "not a SQLite database"},
		{"schema", bytes.ReplaceAll(raw, []byte("CREATE TABLE"), []byte("CREATE TEBLE")), "damaged"},
	} {
		path := filepath.Join(dir, test.name+".sqlite")
		if err := os.WriteFile(path, test.content, 0o600); err != nil {
			t.Fatal(err)
		}
		checkRefusal(t, path, test.want)
	}
	checkRefusal(t, filepath.Join(dir, "missing.db"), "does not exist")
	checkRefusal(t, dir, "is not a file")
}

// Whatever a flipped byte hits, the answer is rows or a refusal: no crash, no endless
// loop, no internal error.
func TestForeignSurvivesFlippedBytes(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.db")
	fill(t, good, 200)
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	refusals := 0
	path := filepath.Join(dir, "flipped.db")
	for page := 0; page < len(raw); page += 4096 {
		for _, at := range []int{0, 1, 3, 5, 6, 8, 9, 12, 101, 4000} {
			flipped := bytes.Clone(raw)
			flipped[page+at] ^= 0x5a
			if err := os.WriteFile(path, flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			opened, err := ForeignOpener{StagingDir: dir}.OpenForeign(t.Context(), path)
			if err == nil {
				for _, table := range opened.Tables() {
					err = errors.Join(err, opened.Scan(t.Context(), table.Name, table.Columns, func([]sql.NullString) error { return nil }))
				}
				opened.Close()
			}
			if err == nil {
				continue
			}
			refusals++
			if storage.CodeOf(err) != storage.CodeBadInput {
				t.Errorf("byte %d of page %d: %v", at, page/4096, err)
			}
		}
	}
	if refusals == 0 {
		t.Error("no flipped byte was noticed")
	}
}

// fill makes a database of many pages: t, with an index.
func fill(t *testing.T, path string, rows int) {
	t.Helper()
	makeDatabase(t, path, `PRAGMA page_size = 4096`, `CREATE TABLE t (a TEXT, b TEXT)`, `CREATE INDEX i ON t (b)`,
		fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
			INSERT INTO t SELECT hex(zeroblob(300)), i FROM n`, rows))
	raw := make([]byte, 100)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.ReadFull(file, raw); err != nil || binary.BigEndian.Uint16(raw[16:]) != 4096 {
		t.Fatalf("page size: %v, %v", raw[16:18], err)
	}
}

func checkRefusal(t *testing.T, path, want string) {
	t.Helper()
	staging := t.TempDir()
	opened, err := ForeignOpener{StagingDir: staging}.OpenForeign(t.Context(), path)
	if err == nil {
		opened.Close()
	}
	name := filepath.Base(path)
	if storage.CodeOf(err) != storage.CodeBadInput || !strings.HasPrefix(err.Error(), name+" ") || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", name, err, want)
	}
	if entries, _ := os.ReadDir(staging); len(entries) != 0 {
		t.Errorf("%s: left in staging: %v", name, entries)
	}
}
