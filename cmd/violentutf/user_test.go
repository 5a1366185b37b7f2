package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "github.com/mattn/go-sqlite3" // opens the file beside the program

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/storage"
)

func TestUsersAreListedAndLockedWithAndWithoutAServer(t *testing.T) {
	data := t.TempDir()
	file := testfiles.Path(t, "garak/demo.report.jsonl")
	if status, _, stderr := run(t, "import", "--data", data, "--user", "alice", file); status != exitDone {
		t.Fatal(stderr)
	}
	for name, test := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"no verb":       {[]string{}, exitUsage, "say list"},
		"no name":       {[]string{"disable"}, exitUsage, "say list"},
		"another verb":  {[]string{"remove", "alice"}, exitUsage, "say list"},
		"an unknown":    {[]string{"disable", "bob"}, exitFailed, "no such user"},
		"a second name": {[]string{"bind", "alice", "bob"}, exitUsage, "say list"},
	} {
		if status, _, stderr := run(t, append([]string{"user", "--data", data}, test.args...)...); status != test.status || !strings.Contains(stderr, test.says) {
			t.Errorf("%s: %d %s", name, status, stderr)
		}
	}
	lockAndFree := func(where string) {
		t.Helper()
		for _, step := range []struct{ verb, state string }{{"bind", "may be bound"}, {"disable", "locked"}, {"enable", "may be bound"}} {
			if status, stdout, stderr := run(t, "user", "--data", data, step.verb, "alice"); status != exitDone || !strings.Contains(stdout, step.state) {
				t.Errorf("%s: %s: %d %s%s", where, step.verb, status, stdout, stderr)
			}
			if _, stdout, _ := run(t, "user", "--data", data, "list"); !strings.Contains(stdout, "alice") || !strings.Contains(stdout, step.state) {
				t.Errorf("%s: after %s the list is %s", where, step.verb, stdout)
			}
		}
	}
	lockAndFree("alone")
	base, stop := serve(t, data)
	lockAndFree("beside a server")
	_, token, _ := run(t, "token", "--data", data, "--user", "alice")
	if status, _, stderr := run(t, "user", "--data", data, "disable", "alice"); status != exitDone {
		t.Error(stderr)
	}
	if body := query(t, base, strings.TrimSpace(token), `{ viewer { workspace { id } } }`); !strings.Contains(body, "FORBIDDEN") {
		t.Errorf("a locked user is answered %s", body)
	}
	stop()
	h, err := house.Open(t.Context(), house.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(context.Background())
	if kept, err := h.App.RateLimits(t.Context()); err != nil || len(kept) != 1 || kept[0].Bucket != "query" {
		t.Errorf("the server kept the rate limits %v, %v", kept, err)
	}
	command := storage.ActorCommand
	rows, err := h.App.AuditEvents(t.Context(), &storage.AuditFilter{Actor: &command}, storage.AuditOrder{Direction: storage.Ascending}, storage.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, edge := range rows.Edges {
		if edge.Node.Kind == storage.AuditKindOutcome {
			actions = append(actions, edge.Node.Action+" "+string(edge.Node.Outcome))
		}
	}
	const each = "user.allow_binding SUCCEEDED,user.set_disabled SUCCEEDED,user.set_disabled SUCCEEDED,"
	want := "import.file SUCCEEDED,user.set_disabled FAILED," + each + each + "token.issue SUCCEEDED,user.set_disabled SUCCEEDED"
	if got := strings.Join(actions, ","); got != want {
		t.Errorf("on record: %s\nwant       %s", got, want)
	}
}

func TestTokensAreOnRecordWithAndWithoutAServer(t *testing.T) {
	data := t.TempDir()
	status, alone, stderr := run(t, "token", "--data", data, "--user", "alice", "--role", "admin")
	if status != exitDone {
		t.Fatal(stderr)
	}
	base, stop := serve(t, data)
	if body := query(t, base, strings.TrimSpace(alone), `{ viewer { username workspace { id } } }`); !strings.Contains(body, `"username":"alice"`) {
		t.Errorf("the token is answered %s", body)
	}
	status, beside, stderr := run(t, "token", "--data", data, "--user", "alice", "--ttl", "5m")
	if status != exitDone {
		t.Fatal(stderr)
	}
	if body := query(t, base, strings.TrimSpace(beside), `{ viewer { username } }`); !strings.Contains(body, `"username":"alice"`) {
		t.Errorf("the token of the server is answered %s", body)
	}
	stop()
	h, err := house.Open(t.Context(), house.Options{Dir: data})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(context.Background())
	action := "token."
	rows, err := h.App.AuditEvents(t.Context(), &storage.AuditFilter{ActionPrefix: &action}, storage.AuditOrder{Direction: storage.Ascending}, storage.Page{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	alice, err := h.App.UserByUsername(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, edge := range rows.Edges {
		e := edge.Node
		subject := strings.Replace(e.SubjectKey, alice.Key, "alice", 1)
		got = append(got, strings.Join([]string{e.Actor, e.Action, string(e.Kind), string(e.Outcome), subject, string(e.Detail)}, " "))
	}
	const byAdmin, byUser = `{"life":"1h0m0s","role":"ADMIN","user":"alice"}`, `{"life":"5m0s","role":"USER","user":"alice"}`
	want := []string{
		"command token.issue INTENT   " + byAdmin, "command token.issue OUTCOME SUCCEEDED  " + byAdmin,
		"command token.issue INTENT   " + byUser, "command token.issue OUTCOME SUCCEEDED alice " + byUser,
	}
	if !slices.Equal(got, want) {
		t.Errorf("on record: %q", got)
	}
}

func TestDoctorFindsAChangedRowAndACutTailOfTheAuditLog(t *testing.T) {
	data := t.TempDir()
	if status, _, stderr := run(t, "import", "--data", data, "--user", "alice", testfiles.Path(t, "garak/demo.report.jsonl")); status != exitDone {
		t.Fatal(stderr)
	}
	checkpoint := filepath.Join(t.TempDir(), "checkpoint.json")
	if status, stdout, stderr := run(t, "doctor", "--data", data, "--write-checkpoint", checkpoint); status != exitDone || !strings.Contains(stdout, "2 rows, each as it was written") {
		t.Fatalf("%d %s%s", status, stdout, stderr)
	}
	if status, _, stderr := run(t, "doctor", "--data", data, "--write-checkpoint", checkpoint); status != exitFailed || !strings.Contains(stderr, "exists") {
		t.Errorf("over a file that is there: %d %s", status, stderr)
	}
	if status, stdout, stderr := run(t, "doctor", "--data", data, "--checkpoint", checkpoint); status != exitDone || !strings.Contains(stdout, "all 2 rows of the checkpoint") {
		t.Errorf("%d %s%s", status, stdout, stderr)
	}
	_, stop := serve(t, data)
	beside := filepath.Join(t.TempDir(), "beside.json")
	if status, stdout, stderr := run(t, "doctor", "--data", data, "--checkpoint", checkpoint, "--write-checkpoint", beside); status != exitDone ||
		!strings.Contains(stdout, "2 rows, each as it was written") || !strings.Contains(stdout, "all 2 rows of the checkpoint") || !strings.Contains(readAll(t, beside), `"count": 2`) {
		t.Errorf("beside a server: %d %s%s", status, stdout, stderr)
	}
	stop()
	tamper(t, data, `DELETE FROM audit_logs WHERE seq = 2`)
	if status, stdout, _ := run(t, "doctor", "--data", data); status != exitDone || !strings.Contains(stdout, "1 rows") {
		t.Errorf("a cut tail without a checkpoint: %d %s", status, stdout)
	}
	if status, stdout, stderr := run(t, "doctor", "--data", data, "--checkpoint", checkpoint); status != exitFailed || !strings.Contains(stdout, "PROBLEM at row 2: REMOVED") {
		t.Errorf("a cut tail: %d %s%s", status, stdout, stderr)
	}
	tamper(t, data, `UPDATE audit_logs SET actor = 'mallory' WHERE seq = 1`)
	if status, stdout, stderr := run(t, "doctor", "--data", data); status != exitFailed || !strings.Contains(stdout, "PROBLEM at row 1: CHANGED") || !strings.Contains(stderr, "row 1") {
		t.Errorf("a changed row: %d %s%s", status, stdout, stderr)
	}
	forged := strings.Replace(readAll(t, checkpoint), `"count": 2`, `"Count": 1`, 1)
	if err := os.WriteFile(checkpoint+".forged", []byte(forged), 0o600); err != nil {
		t.Fatal(err)
	}
	tamper(t, data, `UPDATE audit_logs SET actor = 'command' WHERE seq = 1`)
	if status, _, stderr := run(t, "doctor", "--data", data, "--checkpoint", checkpoint+".forged"); status != exitFailed || stderr == "" {
		t.Errorf("a forged checkpoint: %d %s", status, stderr)
	}
}

// tamper does what somebody with the disk and without the key can do. The triggers that
// keep rows from being changed by mistake are in the way of nobody.
func tamper(t *testing.T, data, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite3", filepath.Join(data, "violentutf_api.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	var drops []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		drops = append(drops, `DROP TRIGGER "`+name+`"`)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	for _, one := range append(drops, statement) {
		if _, err := db.Exec(one); err != nil {
			t.Fatalf("%s: %v", one, err)
		}
	}
}

func readAll(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
