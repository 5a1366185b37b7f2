package appstore

import (
	"context"
	"database/sql"
	"io/fs"
	"regexp"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"

	"github.com/violentutf/violentutf/storage"
)

func TestLastSeenIsStoredOnceAMinute(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	store := open(t)
	store.now = func() time.Time { return now }
	for _, step := range []struct {
		later time.Duration
		want  time.Duration // since the first use
	}{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}, {59 * time.Second, time.Minute}, {time.Hour, time.Hour + time.Minute + 59*time.Second}} {
		now = now.Add(step.later)
		for range 2 { // as returned after the write, and as read
			user, _, err := store.EnsureUser(t.Context(), "alice", "violentutf/alice.db")
			if err != nil {
				t.Fatal(err)
			}
			if got := user.LastSeen.Sub(user.FirstSeen); got != step.want {
				t.Errorf("%v later: last seen after %v, want %v", step.later, got, step.want)
			}
		}
	}
}

func TestOldDeliveriesAreForgotten(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	store := open(t)
	store.now = func() time.Time { return now }
	alice, workspace, err := store.EnsureUser(t.Context(), "alice", "violentutf/alice.db")
	if err == nil {
		err = store.CreateWebhook(t.Context(), alice.Key, &storage.NewWebhook{
			Key: "h", WorkspaceKey: workspace.Key, Name: "ci", Events: []storage.WebhookEvent{storage.EventExecutionQueued}, Active: true,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	queue := func(key string) {
		t.Helper()
		if err := store.QueueExecution(t.Context(), &storage.ExecutionState{Key: key, WorkspaceKey: workspace.Key, UserKey: alice.Key}, 0); err != nil {
			t.Fatal(err)
		}
	}
	queue("first")
	now = now.Add(29 * 24 * time.Hour)
	queue("second")
	for _, step := range []struct {
		later time.Duration
		days  storage.JSON
		want  int64
	}{{0, "30", 0}, {25 * time.Hour, "30", 1}, {0, "1", 1}} {
		now = now.Add(step.later)
		if step.days != "30" {
			if _, err := store.SetSetting(t.Context(), "root", storage.WebhookDays, step.days, 0); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := store.PurgeDeliveries(t.Context()); err != nil || n != step.want {
			t.Errorf("%v later forgot %d, %v, want %d", step.later, n, err, step.want)
		}
	}
}

func TestUserWithoutWorkspaceGetsOne(t *testing.T) {
	store := open(t)
	_, err := store.db.Exec(t.Context(), `INSERT INTO users (id, username, roles, first_seen, last_seen, disabled)
		VALUES ('0198', 'alice', '[]', 0, 0, TRUE)`)
	if err != nil {
		t.Fatal(err)
	}
	user, workspace, err := store.EnsureUser(t.Context(), "alice", "violentutf/alice.db")
	if err != nil {
		t.Fatal(err)
	}
	if user.Key != "0198" || !user.Disabled || workspace.Name != "alice" {
		t.Errorf("%+v, %+v", user, workspace)
	}
}

func TestSharedWorkspaceIsForItsMembers(t *testing.T) {
	store := open(t)
	keys := map[string]string{}
	for _, name := range []string{"alice", "bob", "carol"} {
		user, _, err := store.EnsureUser(t.Context(), name, name+".db")
		if err != nil {
			t.Fatal(err)
		}
		keys[name] = user.Key
	}
	for _, statement := range []string{
		`INSERT INTO workspaces (id, kind, name, file, bytes, rows, created_at) VALUES ('team', 'SHARED', 'red', 'r.db', 0, 0, 0)`,
		`INSERT INTO workspaces (id, kind, name, file, bytes, rows, created_at) VALUES ('trap', 'SHARED', 'bob', 't.db', 0, 0, 0)`,
		`INSERT INTO workspaces (id, kind, name, file, bytes, rows, created_at, archived_at) VALUES ('old', 'SHARED', 'old', 'o.db', 0, 0, 0, 1)`,
		`INSERT INTO workspace_members SELECT id, '` + keys["alice"] + `', 'OWNER', 1 FROM workspaces WHERE kind = 'SHARED'`,
		`INSERT INTO workspace_members SELECT id, '` + keys["bob"] + `', 'VIEWER', 2 FROM workspaces WHERE kind = 'SHARED'`,
	} {
		if _, err := store.db.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	team, err := store.WorkspaceByName(t.Context(), keys["bob"], "red")
	if err != nil || team.Key != "team" || team.Role != "VIEWER" {
		t.Errorf("bob's team: %+v, %v", team, err)
	}
	if _, err := store.WorkspaceByKey(t.Context(), keys["carol"], "team"); err == nil {
		t.Error("carol got the team's workspace")
	}
	if mine, err := store.WorkspaceByName(t.Context(), keys["bob"], "bob"); err != nil || mine.Kind != "PERSONAL" {
		t.Errorf("bob's own: %+v, %v", mine, err)
	}
	if _, err := store.WorkspaceByName(t.Context(), keys["bob"], "old"); err == nil {
		t.Error("an archived workspace was found")
	}
	list, err := store.Workspaces(t.Context(), keys["bob"])
	if err != nil || len(list) != 3 || list[0].Kind != "PERSONAL" {
		t.Errorf("bob's list: %v, %v", list, err)
	}
	all, err := store.AllWorkspaces(t.Context())
	if err != nil || len(all) != 6 || all[0].Owner != "alice" {
		t.Errorf("all: %v, %v", all, err)
	}
}

func TestMutationIsForgottenAfterADay(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	store := open(t)
	store.now = func() time.Time { return now }
	user, _, err := store.EnsureUser(t.Context(), "alice", "violentutf/alice.db")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		later time.Duration
		hash  string
		ok    bool
	}{{0, "one", true}, {24*time.Hour - 1, "two", false}, {1, "two", true}} {
		now = now.Add(step.later)
		_, err := store.ClaimMutation(t.Context(), user.Key, "m1", step.hash)
		if (err == nil) != step.ok {
			t.Errorf("%v later: %v", step.later, err)
		}
	}
	now = now.Add(24 * time.Hour)
	if n, err := store.PurgeMutations(t.Context()); err != nil || n != 1 {
		t.Errorf("purged %d, %v", n, err)
	}
}

func TestIdentityIsSeenOnceAMinute(t *testing.T) {
	now := time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)
	store := open(t)
	store.now = func() time.Time { return now }
	identity := storage.Identity{Issuer: "i", Subject: "s", Username: "alice"}
	for _, step := range []struct{ later, want time.Duration }{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
		now = now.Add(step.later)
		user, _, err := store.SignIn(t.Context(), identity, "violentutf/alice.db")
		if err != nil {
			t.Fatal(err)
		}
		if got := user.LastSeen.Sub(user.FirstSeen); got != step.want {
			t.Errorf("%v later: last seen after %v, want %v", step.later, got, step.want)
		}
	}
}

// open makes a store on the plainest engine there is: one connection. The engines'
// own tests run storagetest.
func open(t *testing.T) *Store {
	t.Helper()
	db, err := sql.Open("sqlite3", "file:"+t.TempDir()+"/app.db?_foreign_keys=true")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	files, err := fs.Glob(Migrations, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(Migrations, file)
		if err != nil {
			t.Fatal(err)
		}
		up := regexp.MustCompile(`(?s)-- \+goose Up(.*)-- \+goose Down`).FindSubmatch(text)
		if _, err := db.Exec(string(up[1])); err != nil {
			t.Fatal(err)
		}
	}
	return New(plain{db})
}

type plain struct{ *sql.DB }

var dollar = regexp.MustCompile(`\$(\d)`)

func (p plain) Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	return p.QueryContext(ctx, dollar.ReplaceAllString(statement, "?$1"), args...)
}

func (p plain) Exec(ctx context.Context, statement string, args ...any) (sql.Result, error) {
	return p.ExecContext(ctx, dollar.ReplaceAllString(statement, "?$1"), args...)
}

func (p plain) WithTx(_ context.Context, fn func(tx Runner) error) error { return fn(p) }

func (p plain) Ping(ctx context.Context) error { return p.PingContext(ctx) }
