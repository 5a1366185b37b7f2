package sqlite

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/appstore"
)

func BenchmarkSignInOfAKnownUser(b *testing.B) {
	store := benchStore(b)
	identity := storage.Identity{Issuer: "i", Subject: "s", Username: "alice", Roles: []string{"USER"}}
	for b.Loop() {
		if _, _, err := store.SignIn(b.Context(), identity, "a.db"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAPIKeyBySecret(b *testing.B) {
	store := benchStore(b)
	user, _, err := store.EnsureUser(b.Context(), "alice", "a.db")
	if err != nil {
		b.Fatal(err)
	}
	sum := sha256.Sum256([]byte("secret"))
	hash := hex.EncodeToString(sum[:])
	if _, err := store.CreateAPIKey(b.Context(), storage.NewAPIKey{
		UserKey: user.Key, Name: "key", SecretHash: hash, Scopes: []storage.APIScope{storage.ScopeRead},
	}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, _, _, err := store.APIKeyBySecret(b.Context(), hash); err != nil {
			b.Fatal(err)
		}
	}
}

// One row of the log, made durable; a mutation writes two.
func BenchmarkAuditRow(b *testing.B) {
	store := benchStore(b)
	for b.Loop() {
		if err := store.RecordAudit(b.Context(), benchAct(1), storage.AuditSucceeded, ""); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAuditLogOf100000Rows(b *testing.B) {
	store := filledLog(b, 100_000)
	b.Run("integrity", func(b *testing.B) {
		for b.Loop() {
			report, err := store.AuditIntegrity(b.Context())
			if err != nil || report.Rows != 100_000 {
				b.Fatal(report, err)
			}
		}
	})
	page, err := store.AuditEvents(b.Context(), nil, storage.AuditOrder{Direction: storage.Descending}, storage.Page{Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	cursor := *page.PageInfo.EndCursor
	actor, request, prefix := "user 3", "r77777", "rare."
	since := time.Now().Add(-time.Hour)
	for name, filter := range map[string]*storage.AuditFilter{
		"all": nil, "actor": {ActorKey: &actor}, "request": {RequestID: &request}, "rare action": {ActionPrefix: &prefix},
		"last hour": {OccurredAt: &storage.TimeRange{From: &since}},
	} {
		b.Run("page of "+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := store.AuditEvents(b.Context(), filter, storage.AuditOrder{Direction: storage.Descending},
					storage.Page{Limit: 50, After: cursor}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func benchAct(n int) storage.AuditAct {
	action := "workspace.rename"
	if n%20_000 == 0 {
		action = "rare.act"
	}
	return storage.AuditAct{
		ActorKey: fmt.Sprint("user ", n%50), Actor: fmt.Sprint("user ", n%50), Action: action, SubjectType: "Workspace",
		SubjectKey: fmt.Sprint("w", n%70), WorkspaceKey: fmt.Sprint("w", n%70), IP: "192.0.2.1",
		UserAgent: strings.Repeat("Browser ", 10), RequestID: fmt.Sprint("r", n), Detail: `{"name":"red"}`,
	}
}

func benchStore(b *testing.B) *appstore.Store {
	b.Helper()
	store, err := OpenAppStore(b.Context(), filepath.Join(b.TempDir(), "app.db"), WithStore(appstore.WithAuditKey([]byte("k"))))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	return store
}

// filledLog writes without waiting for the disk.
func filledLog(b *testing.B, rows int) *appstore.Store {
	b.Helper()
	path := filepath.Join(b.TempDir(), "app.db")
	store, err := OpenAppStore(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	store.Close()
	db, err := openPool(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := db.write.Exec(`PRAGMA synchronous = OFF`); err != nil {
		b.Fatal(err)
	}
	store = appstore.New(db, appstore.WithAuditKey([]byte("k")))
	b.Cleanup(func() { store.Close() })
	for n := range rows {
		if err := store.RecordAudit(b.Context(), benchAct(n), storage.AuditSucceeded, ""); err != nil {
			b.Fatal(err)
		}
	}
	return store
}
