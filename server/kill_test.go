//go:build !race

package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// process is a server in a process of its own, which can be killed.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	url   string
}

func startProcess(t *testing.T, dir string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), servesFolder+"="+dir)
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	p.url = strings.TrimSpace(line)
	return p
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// send sends a document; the answer, if there is one, comes on the channel.
func (p *process) send(token, query string, variables map[string]any) <-chan string {
	answered := make(chan string, 1)
	go func() {
		defer close(answered)
		body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
		if err != nil {
			return
		}
		request, err := http.NewRequest(http.MethodPost, p.url+"/graphql", bytes.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return // it was killed
		}
		defer response.Body.Close()
		if text, err := io.ReadAll(response.Body); err == nil {
			answered <- string(text)
		}
	}()
	return answered
}

// killed are mutations that stand for the others: of the app store alone, of a user
// store, in bulk, and of two user stores.
var killed = []string{"createWorkspace", "createGenerator", "annotate", "moveToWorkspace"}

// The process is killed while it stands still before the write of a step: by a trigger in
// the file of the app store that counts for longer than the test takes.
func TestAMutationThatAKillEndsIsDoneOnceOrNotAtAll(t *testing.T) {
	parsed, examples := loadSchema(t), examplesOfOperations(t)
	for _, name := range killed {
		t.Run(name, func(t *testing.T) {
			example := examples["Mutation."+name]
			f := prepareFaults(t, example, named(t, parsed, example, "once"))
			for _, kill := range []struct{ at, event, state string }{
				{"the intent", steps["intent"], f.before},
				{"the outcome", steps["outcome"], f.after},
				{"the answer", steps["answer"], f.after},
			} {
				t.Run("at "+kill.at, func(t *testing.T) {
					s := f.killAt(t, kill.event)
					s.stays(t, kill.at, kill.state)
					s.sound()
					if again := s.send(f); again.problem() != string(storage.CodeConflict) {
						t.Errorf("sent again it answers %s", again.body)
					}
					s.stays(t, "the repetition", kill.state)
				})
			}
			if name == "createWorkspace" {
				t.Run("in the change", func(t *testing.T) {
					s := f.killAt(t, `BEFORE INSERT ON workspace_members`)
					s.stays(t, "the change", f.before)
					s.sound()
				})
			}
			if name == "moveToWorkspace" {
				t.Run("between the two stores", func(t *testing.T) { f.killMove(t) })
			}
		})
	}
}

// killAt sends the mutation, kills the process when it has come to the event, and
// returns the stage on what that left.
func (f *faults) killAt(t *testing.T, event string) *stage {
	t.Helper()
	dir := t.TempDir()
	copyFolder(t, f.dir, dir)
	p := startProcess(t, dir)
	issuer, err := auth.OpenDevIssuer(dir + "/config")
	if err != nil {
		t.Fatal(err)
	}
	person := or(f.example.As, "alice")
	token, _, err := issuer.Issue(person, people[person], time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	<-p.send(token, `{viewer{username workspaces{attacks{totalCount}}}}`, nil) // opens the stores
	db := openAppFile(t, dir)
	run(t, db, `CREATE TRIGGER stall `+event+` BEGIN
		SELECT count(*) FROM sqlite_schema a, sqlite_schema b, sqlite_schema c, sqlite_schema d, sqlite_schema e, sqlite_schema f, sqlite_schema g; END`)
	answered := p.send(token, f.query, f.variables)
	f.waitForWriter(t, dir, answered)
	p.kill()
	run(t, db, `DROP TRIGGER stall`)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return newStageIn(t, dir)
}

// waitForWriter waits until the process holds the turn to write, and does not give it
// back: it counts.
func (f *faults) waitForWriter(t *testing.T, dir string, answered <-chan string) {
	t.Helper()
	db := openAppFile(t, dir)
	defer db.Close()
	run(t, db, `PRAGMA busy_timeout = 300`)
	for {
		_, err := db.ExecContext(context.Background(), `BEGIN IMMEDIATE`)
		if err != nil && strings.Contains(err.Error(), "locked") {
			return
		}
		_, back := db.ExecContext(context.Background(), `ROLLBACK`)
		if err := errors.Join(err, back); err != nil {
			t.Fatal(err)
		}
		select {
		case text := <-answered:
			t.Fatalf("it did not come to the step, and answered %s", text)
		default:
		}
	}
}

// killMove: the copy is stored and noted, nothing is deleted yet. Both workspaces have
// the things, and the same move under another name ends it.
func (f *faults) killMove(t *testing.T) {
	s := f.killAt(t, `BEFORE UPDATE ON workspaces`)
	s.sound()
	count := func() (from, to any) {
		a := s.mustAsk(s.tokenOf("alice"), `query($from:ID!,$to:ID!,$attacks:[ID!]!){moved:nodes(ids:$attacks){id} from:node(id:$from){... on Workspace{attacks{totalCount}}} to:node(id:$to){... on Workspace{attacks{totalCount}}}}`, f.variables)
		return at(a.Data, "from", "attacks", "totalCount"), at(a.Data, "to", "attacks", "totalCount")
	}
	from, to := count()
	if from != 100.0 || to == 0.0 {
		t.Fatalf("killed between the two stores, the workspaces have %v and %v attacks", from, to)
	}
	if again := s.send(f); again.problem() != string(storage.CodeConflict) {
		t.Errorf("sent again it answers %s", again.body)
	}
	anew := *f
	anew.query = strings.ReplaceAll(f.query, `"once"`, `"anew"`)
	if a := s.send(&anew); a.problem() != "" {
		t.Fatal(a.body)
	}
	if left, there := count(); left.(float64)+there.(float64) != 100 || there != to {
		t.Errorf("moved again, the workspaces have %v and %v attacks", left, there)
	}
	s.sound()
}
