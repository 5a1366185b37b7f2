//go:build !race

// Each mutation fails some twenty times here, one at a time: under the race detector that
// takes half an hour and finds nothing that the other tests do not, so make test runs it
// without (make faults).

package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/violentutf/violentutf/schema/operations"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// The steps of a mutation (docs/storage.md), each as what makes the real engine fail at
// it: a trigger in the app store's file. The change itself has one for each table.
var steps = map[string]string{
	"claim":   `BEFORE INSERT ON idempotency_keys`,
	"intent":  `BEFORE INSERT ON audit_logs WHEN NEW.kind = 'INTENT'`,
	"outcome": `BEFORE INSERT ON audit_logs WHEN NEW.kind = 'OUTCOME'`,
	"answer":  `BEFORE UPDATE ON idempotency_keys`,
}

// Each step of each mutation fails in turn, and all stores are sound: what was begun is
// not there at all, or whole; sent again under its clientMutationId it is done, or
// answers as the first time, and never twice. Only where nobody can know whether it is
// stored is it a CONFLICT.
func TestAMutationThatFailsAtAnyStepIsDoneOnceOrNotAtAll(t *testing.T) {
	parsed := loadSchema(t)
	mutations(t, func(t *testing.T, example *operations.Example, _ *ast.FieldDefinition) {
		f := prepareFaults(t, example, named(t, parsed, example, "once"))
		t.Run("before the change is stored", f.failBefore)
		t.Run("the user store cannot be written", f.failCommit)
		t.Run("the outcome", f.failOutcome)
		t.Run("the answer", f.failAnswer)
	})
}

// faults is a mutation on stages that are all copies of one, where everything that the
// mutation needs is done.
type faults struct {
	example   *operations.Example
	query     string
	variables map[string]any
	dir       string

	before, after string         // the state without a fault
	answer        map[string]any // without a fault
	written       []string       // tables of the app store that the change writes
	claims        bool           // whether its clientMutationId is claimed
	stores        []string       // files of the user stores that it writes
}

func prepareFaults(t *testing.T, example *operations.Example, query string) *faults {
	t.Helper()
	s := newStage(t)
	f := &faults{example: example, query: query, variables: s.prepare(example.Step, ""), dir: s.house.Dir}
	s.warm()
	s.http.Close()
	if err := s.house.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	s = f.stage(t)
	f.before = s.state()
	db := s.appFile()
	run(t, db, `CREATE TABLE touched (name TEXT)`)
	tables := appTables(t, db)
	for _, table := range tables {
		if slices.Contains([]string{"touched", "goose_db_version", "audit_logs", "rate_limits", "health_checks", "error_logs"}, table) {
			continue
		}
		for name, event := range eventsOf(table) {
			run(t, db, `CREATE TRIGGER touch_`+name+` `+event+` BEGIN INSERT INTO touched VALUES ('`+table+`'); END`)
		}
	}
	a := s.send(f)
	if a.problem() != "" {
		t.Fatal(a.body)
	}
	f.answer = a.Data
	touched := texts(t, db, `SELECT DISTINCT name FROM touched`)
	f.claims = slices.Contains(touched, "idempotency_keys")
	f.written = slices.DeleteFunc(touched, func(table string) bool { return table == "idempotency_keys" })
	for _, table := range tables {
		for name := range eventsOf(table) {
			run(t, db, `DROP TRIGGER IF EXISTS touch_`+name)
		}
	}
	run(t, db, `DROP TABLE touched`)
	f.after = s.state()
	f.stores = storesChanged(f.before, f.after)
	s.sound()
	return f
}

// eventsOf are the writes of a table that a mutation makes, by a name for each: not what
// the server notes of who was seen.
func eventsOf(table string) map[string]string {
	update := `BEFORE UPDATE ON ` + table
	switch table {
	case "users":
		update += ` WHEN OLD.disabled IS NOT NEW.disabled OR OLD.binding_allowed IS NOT NEW.binding_allowed`
	case "api_keys":
		update += ` WHEN OLD.revoked_at IS NOT NEW.revoked_at`
	case "user_sessions":
		update += ` WHEN OLD.expires_at IS NOT NEW.expires_at`
	case "workspaces":
		update += ` WHEN OLD.name IS NOT NEW.name OR OLD.archived_at IS NOT NEW.archived_at`
	case "executions":
		update += ` WHEN OLD.status IS NOT NEW.status`
	}
	return map[string]string{table + "_i": `BEFORE INSERT ON ` + table, table + "_u": update, table + "_d": `BEFORE DELETE ON ` + table}
}

// stage is a copy of the prepared one.
func (f *faults) stage(t *testing.T, change ...func(*server.Options)) *stage {
	t.Helper()
	dir := t.TempDir()
	copyFolder(t, f.dir, dir)
	s := newStageIn(t, dir, change...)
	s.warm()
	return s
}

// warm lets the server note what it notes at a first request, so that it does not do so
// in the middle of a fault.
func (s *stage) warm() {
	s.t.Helper()
	for _, person := range []string{"alice", "ed", "root"} {
		s.ask(s.tokenOf(person), `{viewer{username workspaces{attacks{totalCount}}}}`, nil)
	}
}

func (s *stage) send(f *faults) answer {
	s.t.Helper()
	return s.ask(s.tokenOf(f.example.As), f.query, f.variables)
}

// storeLine is how a state names a user store.
var storeLine = regexp.MustCompile(`store ([^,]+),`)

// storesChanged are the files of the user stores in which two states differ.
func storesChanged(before, after string) []string {
	var files []string
	for _, line := range storeLine.FindAllStringSubmatch(differences(before, after), -1) {
		if !slices.Contains(files, line[1]) {
			files = append(files, line[1])
		}
	}
	return files
}

// stays checks that the state is as it was.
func (s *stage) stays(t *testing.T, what, want string) {
	t.Helper()
	if changed := differences(want, s.state()); changed != "" {
		t.Errorf("after a fault at %s:\n%s", what, changed)
	}
}

// ends sends the mutation once more without a fault: it is done once, whatever failed.
func (f *faults) ends(t *testing.T, s *stage) {
	t.Helper()
	a := s.send(f)
	if one, other := alike(f.answer), alike(a.Data); a.problem() != "" || one != other {
		t.Errorf("sent again it answers %s\ninstead of %s", a.body, one)
	}
	s.stays(t, "nothing", f.after)
	s.sound()
}

// failBefore: nothing is stored, and the name of the mutation is free again.
func (f *faults) failBefore(t *testing.T) {
	s := f.stage(t)
	at := map[string][]string{"intent": {steps["intent"]}}
	if f.claims {
		at["claim"] = []string{steps["claim"]}
	}
	for _, table := range f.written {
		for _, event := range eventsOf(table) {
			at["the change of "+table] = append(at["the change of "+table], event)
		}
	}
	for what, events := range at {
		mend := s.breakAt(events...)
		a := s.send(f)
		mend()
		if a.problem() != string(storage.CodeInternal) {
			t.Errorf("a fault at %s is answered %s", what, a.body)
		}
		s.stays(t, what, f.before)
	}
	if len(f.stores) == 1 {
		s = f.failTurn(t, s, f.stores[0])
		s.stays(t, "the turn to write", f.before)
	}
	f.ends(t, s)
	if len(f.stores) > 1 { // a move: its copy may be made by then
		for _, file := range f.stores {
			s := f.failTurn(t, f.stage(t), file)
			if differences(f.before, s.state()) == "" {
				f.ends(t, s)
			} else {
				f.endsAnew(t, s)
			}
		}
	}
}

// failTurn sends the mutation while somebody else writes a user store, so that its time
// is over before its turn comes, and returns the stage behind that.
func (f *faults) failTurn(t *testing.T, s *stage, file string) *stage {
	t.Helper()
	s = s.again(t, func(options *server.Options) {
		options.Limits.Timeout, options.Limits.UploadTimeout = 2*time.Second, 2*time.Second
	})
	done := s.keepWriting(file)
	a := s.send(f)
	done()
	if len(a.Errors) == 0 {
		t.Errorf("while the store is written by somebody else it is answered %s", a.body)
	}
	return s.again(t)
}

// endsAnew sends the mutation once more: it is a CONFLICT under its name, and done under
// another one.
func (f *faults) endsAnew(t *testing.T, s *stage) {
	t.Helper()
	if again := s.send(f); f.claims && again.problem() != string(storage.CodeConflict) {
		t.Errorf("sent again it answers %s", again.body)
	}
	anew := *f
	anew.query = strings.ReplaceAll(f.query, `clientMutationId: "once"`, `clientMutationId: "anew"`)
	if a := s.send(&anew); a.problem() != "" {
		t.Errorf("under another name it answers %s", a.body)
	}
	s.sound()
}

// again is the stage after its server was stopped and started.
func (s *stage) again(t *testing.T, change ...func(*server.Options)) *stage {
	t.Helper()
	s.http.Close()
	if err := s.house.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	s = newStageIn(t, s.house.Dir, change...)
	s.warm()
	return s
}

// keepWriting holds the turn to write a user store until it is told that it is done.
func (s *stage) keepWriting(file string) (done func()) {
	s.t.Helper()
	ctx := context.Background()
	workspaces, err := s.house.App.AllWorkspaces(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	at := slices.IndexFunc(workspaces, func(w *storage.WorkspaceUse) bool { return w.File == file })
	store, err := s.house.OpenWorkspace(ctx, &workspaces[at].Workspace)
	if err != nil {
		s.t.Fatal(err)
	}
	revision, err := store.Revision(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	writing, end, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	enough := errors.New("enough")
	go func() {
		ended <- store.Delete(ctx, storage.Selection{Attacks: []int64{1}}, revision, func(context.Context) error {
			close(writing)
			<-end
			return enough
		})
	}()
	<-writing
	return func() {
		close(end)
		if err := errors.Join(<-ended, store.Close()); !errors.Is(err, enough) {
			s.t.Errorf("the writer ended with %v", err)
		}
	}
}

// failCommit: the engine cannot write its log, so that the commit fails. Nobody can tell
// from a failed commit whether it is stored, so the name stays taken.
func (f *faults) failCommit(t *testing.T) {
	if len(f.stores) == 0 {
		t.Skip("it writes no user store")
	}
	for _, file := range f.stores {
		s := f.stage(t)
		log := filepath.Join(s.house.Dir, filepath.FromSlash(file)) + ".wal"
		if err := os.Mkdir(log, 0o700); err != nil {
			t.Fatal(err)
		}
		a := s.send(f)
		if a.problem() != string(storage.CodeInternal) {
			t.Errorf("answered %s", a.body)
		}
		if err := os.Remove(log); err != nil {
			t.Fatal(err)
		}
		// How a run stands is decided by the app store: an engine tells the workspace's later,
		// or drops a run that has no plan.
		if len(f.stores) < 2 && !slices.Contains(f.written, "executions") {
			s.stays(t, "the commit in "+file, f.before)
		}
		s.sound()
		f.endsAnew(t, s)
	}
}

// failOutcome: it was done, which the client is not told, and is answered when sent again.
func (f *faults) failOutcome(t *testing.T) {
	s := f.stage(t)
	mend := s.breakAt(steps["outcome"])
	a := s.send(f)
	mend()
	if a.problem() != string(storage.CodeInternal) {
		t.Errorf("answered %s", a.body)
	}
	s.stays(t, "the outcome", f.after)
	s.sound()
	if f.claims {
		f.ends(t, s)
	}
}

// failAnswer: it was done, and nobody knows what it answered: CONFLICT, not a second time.
func (f *faults) failAnswer(t *testing.T) {
	if !f.claims {
		t.Skip("its answer is not kept")
	}
	for _, events := range [][]string{{steps["answer"]}, {steps["answer"], steps["outcome"]}} {
		s := f.stage(t)
		mend := s.breakAt(events...)
		a := s.send(f)
		mend()
		if a.problem() != string(storage.CodeInternal) {
			t.Errorf("answered %s", a.body)
		}
		if again := s.send(f); again.problem() != string(storage.CodeConflict) {
			t.Errorf("sent again it answers %s", again.body)
		}
		s.stays(t, "the answer", f.after)
		s.sound()
	}
}

var ofOneAnswer = regexp.MustCompile(`"secret":("[^"]*"|null)`)

// alike is an answer without what no two runs share.
func alike(data map[string]any) string {
	text, err := json.Marshal(stable(data, ""))
	if err != nil {
		return err.Error()
	}
	return ofOneAnswer.ReplaceAllString(string(text), "")
}
