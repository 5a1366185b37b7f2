package sqlite

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/appstore"
)

// Whoever can write to the file can drop the triggers; the chain tells all the same.
func TestTamperedAuditRowIsFoundAndNamed(t *testing.T) {
	for name, test := range map[string]struct {
		tamper []string
		seq    int64
		kind   storage.AuditFaultKind
	}{
		"an actor is another":       {[]string{`UPDATE audit_logs SET actor = 'mallory' WHERE seq = 4`}, 4, storage.AuditChanged},
		"an outcome is another":     {[]string{`UPDATE audit_logs SET outcome = 'SUCCEEDED' WHERE seq = 3`}, 3, storage.AuditChanged},
		"a time is another":         {[]string{`UPDATE audit_logs SET occurred_at = occurred_at + 1 WHERE seq = 1`}, 1, storage.AuditChanged},
		"a text moves to its side":  {[]string{`UPDATE audit_logs SET actor_id = '', actor = actor_id || actor WHERE seq = 2`}, 2, storage.AuditChanged},
		"a MAC is another":          {[]string{`UPDATE audit_logs SET mac = 'ff' WHERE seq = 5`}, 5, storage.AuditChanged},
		"a previous MAC is another": {[]string{`UPDATE audit_logs SET previous = 'ff' WHERE seq = 5`}, 5, storage.AuditChanged},
		"the last row":              {[]string{`UPDATE audit_logs SET detail = '{}' WHERE seq = 6`}, 6, storage.AuditChanged},
		"two rows change places": {[]string{
			`UPDATE audit_logs SET seq = -3 WHERE seq = 3`,
			`UPDATE audit_logs SET seq = 3 WHERE seq = 5`,
			`UPDATE audit_logs SET seq = 5 WHERE seq = -3`,
		}, 3, storage.AuditReordered},
		"a row moves to the end":   {[]string{`UPDATE audit_logs SET seq = 7 WHERE seq = 2`}, 2, storage.AuditReordered},
		"a row moves to the begin": {[]string{`UPDATE audit_logs SET seq = 0 WHERE seq = 2`}, 1, storage.AuditReordered},
		"a row is gone":            {[]string{`DELETE FROM audit_logs WHERE seq = 4`}, 4, storage.AuditRemoved},
		"the first row is gone":    {[]string{`DELETE FROM audit_logs WHERE seq = 1`}, 1, storage.AuditRemoved},
		"two rows are gone and the gap is closed": {[]string{
			`DELETE FROM audit_logs WHERE seq IN (2, 3)`,
			`UPDATE audit_logs SET seq = seq - 2 WHERE seq > 3`,
		}, 2, storage.AuditRemoved},
		"a row is written twice": {[]string{
			`INSERT INTO audit_logs SELECT 7, 'copy', occurred_at, kind, intent, actor_id, actor, action, subject_type, subject_id,
				workspace_id, outcome, code, ip, user_agent, request_id, detail, previous, mac FROM audit_logs WHERE seq = 6`,
		}, 7, storage.AuditChanged},
	} {
		t.Run(name, func(t *testing.T) {
			path := auditedStore(t, 6)
			tamper(t, path, test.tamper...)
			report, err := openStore(t, path).AuditIntegrity(t.Context())
			if err != nil || report.Fault == nil {
				t.Fatalf("%+v, %v", report, err)
			}
			if f := report.Fault; f.Seq != test.seq || f.Kind != test.kind || f.Detail == "" || report.Last != test.seq-1 ||
				(f.Key == "") != (strings.HasSuffix(name, "is gone") || strings.Contains(name, "to the")) {
				t.Errorf("%+v, %+v", report, f)
			}
		})
	}
}

func TestCutTailIsFoundAgainstACheckpointOnly(t *testing.T) {
	path := auditedStore(t, 6)
	store := openStore(t, path)
	checkpoint, err := store.AuditCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	tamper(t, path, `DELETE FROM audit_logs WHERE seq > 4`)
	store = openStore(t, path)
	if report, err := store.AuditIntegrity(t.Context()); err != nil || report.Fault != nil || report.Rows != 4 {
		t.Errorf("the chain alone: %+v, %v", report, err)
	}
	if fault, err := store.VerifyCheckpoint(t.Context(), *checkpoint); err != nil || fault == nil || fault.Seq != 5 || fault.Kind != storage.AuditRemoved {
		t.Errorf("against the checkpoint: %+v, %v", fault, err)
	}
	for range 3 { // new rows take the place of those that were cut off
		record(t, store)
	}
	if report, err := store.AuditIntegrity(t.Context()); err != nil || report.Fault != nil || report.Rows != 7 {
		t.Errorf("the chain alone, grown again: %+v, %v", report, err)
	}
	if fault, err := store.VerifyCheckpoint(t.Context(), *checkpoint); err != nil || fault == nil || fault.Kind != storage.AuditRemoved {
		t.Errorf("against the checkpoint, grown again: %+v, %v", fault, err)
	}
}

// A row of a history that was cut off is genuine by itself.
func TestRowOfACutHistoryIsFound(t *testing.T) {
	path := auditedStore(t, 6)
	tamper(t, path, `CREATE TABLE kept AS SELECT * FROM audit_logs WHERE seq = 6`, `DELETE FROM audit_logs WHERE seq > 4`)
	store := openStore(t, path)
	record(t, store)
	store.Close()
	makeDatabase(t, path, `INSERT INTO audit_logs SELECT * FROM kept`)
	report, err := openStore(t, path).AuditIntegrity(t.Context())
	if err != nil || report.Fault == nil || report.Fault.Seq != 6 || report.Fault.Kind != storage.AuditChanged {
		t.Errorf("%+v, %+v, %v", report, report.Fault, err)
	}
}

func TestCheckpointOfAnotherKeyIsRefused(t *testing.T) {
	path := auditedStore(t, 1)
	other, err := OpenAppStore(t.Context(), path, WithStore(appstore.WithAuditKey([]byte("another key"))))
	if err != nil {
		t.Fatal(err)
	}
	if report, err := other.AuditIntegrity(t.Context()); err != nil || report.Fault == nil || report.Fault.Seq != 1 {
		t.Errorf("another key: %+v, %v", report, err)
	}
	checkpoint, err := other.AuditCheckpoint(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other.Close()
	if _, err := openStore(t, path).VerifyCheckpoint(t.Context(), *checkpoint); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("another key's checkpoint: %v", err)
	}
}

func TestAuditLogIsAppendOnly(t *testing.T) {
	path := auditedStore(t, 2)
	db, err := openDB(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{`UPDATE audit_logs SET actor = 'mallory'`, `DELETE FROM audit_logs`} {
		if _, err := db.Exec(statement); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}

func TestStoreWithoutAnAuditKeyWritesNoLog(t *testing.T) {
	store, err := OpenAppStore(t.Context(), filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if _, err := store.BeginAudit(t.Context(), storage.AuditAct{Actor: "alice", Action: "a.b"}); err == nil {
		t.Error("an intent was written")
	}
	if _, err := store.AuditCheckpoint(t.Context()); err == nil {
		t.Error("a checkpoint was signed")
	}
	if _, err := store.AuditIntegrity(t.Context()); err == nil {
		t.Error("the chain was checked")
	}
}

// auditedStore is a closed store with rows in its audit log.
func auditedStore(t *testing.T, rows int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "app.db")
	store := openStore(t, path)
	for range rows {
		record(t, store)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func record(t *testing.T, store *appstore.Store) {
	t.Helper()
	act := storage.AuditAct{ActorKey: "k", Actor: "alice", Action: "a.b", Detail: `{"n":1}`}
	if err := store.RecordAudit(t.Context(), act, storage.AuditDenied, storage.CodeForbidden); err != nil {
		t.Fatal(err)
	}
}

func tamper(t *testing.T, path string, statements ...string) {
	t.Helper()
	makeDatabase(t, path, append([]string{
		`DROP TRIGGER audit_logs_refuse_update`, `DROP TRIGGER audit_logs_refuse_delete`,
	}, statements...)...)
}
