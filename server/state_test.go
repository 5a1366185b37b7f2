package server_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // a second connection to the app store

	"github.com/violentutf/violentutf/storage/datadir"
)

// notState are the tables of the app store that tell what happened, not what is.
var notState = []string{"audit_logs", "idempotency_keys", "rate_limits", "health_checks", "error_logs", "goose_db_version"}

// appFile opens the app store beside the server.
func (s *stage) appFile() *sql.DB {
	s.t.Helper()
	return openAppFile(s.t, s.house.Dir)
}

func openAppFile(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, datadir.AppStoreFile)+"?_busy_timeout=10000")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// appTables are the tables of the app store.
func appTables(t *testing.T, db *sql.DB) []string {
	t.Helper()
	return texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`)
}

func texts(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// state is what the installation holds: the rows of the app store without ids and times,
// and how many rows and write transactions each user store has. Two states that mutations
// made in the same way are the same text.
func (s *stage) state() string {
	s.t.Helper()
	ctx := context.Background()
	var text strings.Builder
	db := s.appFile()
	defer db.Close()
	for _, table := range appTables(s.t, db) {
		if !slices.Contains(notState, table) {
			fmt.Fprintf(&text, "%s:\n%s\n", table, strings.Join(rowsOf(s.t, db, table), "\n"))
		}
	}
	workspaces, err := s.house.App.AllWorkspaces(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	var stores []string
	for _, w := range workspaces {
		if _, err := os.Stat(filepath.Join(s.house.Dir, filepath.FromSlash(w.File))); errors.Is(err, os.ErrNotExist) {
			continue
		}
		store, err := s.house.OpenWorkspace(ctx, &w.Workspace)
		if err != nil {
			s.t.Fatal(err)
		}
		revision, err := store.Revision(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		use, err := store.StorageUse(ctx)
		if err = errors.Join(err, store.Close()); err != nil {
			s.t.Fatal(err)
		}
		counts := make([]string, len(use.Tables))
		for i, table := range use.Tables {
			counts[i] = fmt.Sprintf("%s %d", table.Name, table.Rows)
		}
		stores = append(stores, fmt.Sprintf("store %s, revision %d: %s", w.File, revision, strings.Join(counts, ", ")))
	}
	slices.Sort(stores)
	return text.String() + strings.Join(stores, "\n")
}

// seen are the columns that tell what was noticed, not what somebody did, and those that
// are random.
var seen = []string{"bytes", "rows", "last_write", "last_used_at", "last_seen", "duration_ms", "secret", "previous_secret", "secret_last_four"}

// differences are the lines that one of two states has alone, "" for none.
func differences(before, after string) string {
	count := map[string]int{}
	for line := range strings.Lines(before) {
		count[line]--
	}
	for line := range strings.Lines(after) {
		count[line]++
	}
	var text strings.Builder
	for _, line := range slices.Sorted(maps.Keys(count)) {
		if count[line] != 0 {
			fmt.Fprintf(&text, "%+d %s\n", count[line], strings.TrimSpace(line))
		}
	}
	return text.String()
}

// rowsOf are the rows of a table without what no two runs share, sorted.
func rowsOf(t *testing.T, db *sql.DB, table string) []string {
	t.Helper()
	rows, err := db.QueryContext(context.Background(), `SELECT * FROM `+table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		var row []string
		for i, value := range values {
			if slices.Contains(seen, columns[i]) {
				continue
			}
			if raw, is := value.([]byte); is {
				value = string(raw)
			}
			switch v := value.(type) {
			case int64:
				if v > 1e12 {
					value = "time"
				}
			case string:
				value = ofARun.ReplaceAllString(v, "#")
			}
			row = append(row, fmt.Sprintf("%s=%v", columns[i], value))
		}
		all = append(all, strings.Join(row, " "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// sound checks both stores as violentutf doctor does.
func (s *stage) sound() {
	s.t.Helper()
	ctx := context.Background()
	report, err := s.house.App.AuditIntegrity(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	if report.Fault != nil {
		s.t.Errorf("the audit log is broken: %+v", report.Fault)
	}
	workspaces, err := s.house.App.AllWorkspaces(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, w := range workspaces {
		if _, err := os.Stat(filepath.Join(s.house.Dir, filepath.FromSlash(w.File))); errors.Is(err, os.ErrNotExist) {
			continue
		}
		problems, err := s.house.Check(ctx, &w.Workspace)
		if err != nil || len(problems) > 0 {
			s.t.Errorf("the workspace %q of %s: %v %v", w.Name, w.Owner, problems, err)
		}
	}
}

// breakAt makes writes fail until mended.
func (s *stage) breakAt(events ...string) (mend func()) {
	s.t.Helper()
	db := s.appFile()
	for i, event := range events {
		run(s.t, db, fmt.Sprintf(`CREATE TRIGGER fault_%d %s BEGIN SELECT RAISE(ABORT, 'broken for a test'); END`, i, event))
	}
	return func() {
		s.t.Helper()
		for i := range events {
			run(s.t, db, fmt.Sprintf(`DROP TRIGGER fault_%d`, i))
		}
		_ = db.Close()
	}
}

func run(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
