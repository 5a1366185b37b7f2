package house_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

func TestUseOfAKeyIsWrittenByItselfAndAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	h, shut := open(t, dir)
	user, _, err := h.App.EnsureUser(t.Context(), "alice", h.PersonalFile("alice"))
	if err != nil {
		t.Fatal(err)
	}
	_, hash, prefix := auth.NewAPIKey()
	key, err := h.App.CreateAPIKey(t.Context(), storage.NewAPIKey{
		UserKey: user.Key, Name: "ci", Prefix: prefix, SecretHash: hash, Scopes: []storage.APIScope{storage.ScopeRead},
	})
	if err != nil {
		t.Fatal(err)
	}
	use := func() {
		t.Helper()
		if _, _, _, err := h.App.APIKeyBySecret(t.Context(), hash); err != nil {
			t.Fatal(err)
		}
	}
	lastUsed := func() *time.Time {
		t.Helper()
		found, err := h.App.APIKeysByKey(t.Context(), []string{key.Key})
		if err != nil {
			t.Fatal(err)
		}
		return found[key.Key].LastUsedAt
	}
	use()
	patience, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); lastUsed() == nil; {
		select {
		case <-tick.C:
		case <-patience.Done():
			t.Fatal("the use was not written")
		}
	}
	use()
	begin := *lastUsed()
	shut()
	if h, _ = open(t, dir); lastUsed().Before(begin) {
		t.Errorf("used last at %v, after a use at %v", lastUsed(), begin)
	}
}

func TestAuditLogIsChainedWithAKeyOfTheFolder(t *testing.T) {
	dir := t.TempDir()
	h, shut := open(t, dir)
	for range 3 {
		if err := h.App.RecordAudit(t.Context(), storage.AuditAct{Actor: storage.ActorCommand, Action: "test"}, storage.AuditSucceeded, ""); err != nil {
			t.Fatal(err)
		}
	}
	shut()
	h, _ = open(t, dir)
	report, err := h.App.AuditIntegrity(t.Context())
	if err != nil || report.Fault != nil || report.Rows != 3 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestOpeningAFolderClosesItToOthers(t *testing.T) {
	dir := t.TempDir()
	_, shut := open(t, dir)
	shut()
	store := filepath.Join(dir, "violentutf_api.db")
	if err := os.Chmod(store, 0o666); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if info, err := os.Stat(store); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestSharedWorkspacesHaveFilesOfTheirOwn(t *testing.T) {
	h, _ := open(t, t.TempDir())
	if h.SharedFile("x") == h.PersonalFile("x") || h.SharedFile("x") != h.PersonalFile("workspace:x") {
		t.Errorf("%s, %s", h.SharedFile("x"), h.PersonalFile("x"))
	}
}
