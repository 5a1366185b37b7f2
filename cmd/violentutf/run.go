package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/gate"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/runfile"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/datadir"
)

// runs start runs and tell of them: in this process, or in the one that owns the folder.
type runs interface {
	Start(ctx context.Context, request server.RunRequest) (*server.StartedRun, error)
	Cancel(ctx context.Context, request server.RunRequest, run *server.StartedRun) error
	Follow(ctx context.Context, run *server.StartedRun, tell func(*execution.Frame) error) error
	Results(ctx context.Context, run *server.StartedRun, tell func(*server.RunResult) error) error
}

// ordered is what a run's command line asks for.
type ordered struct {
	server.RunRequest
	conditions   []*gate.Condition
	junit, sarif *os.File // nil for none
	asJSON       bool
}

func (c *command) runAttacks(ctx context.Context, args []string) (err error) {
	set := c.flags("run", "[FILE.yaml]")
	var asked ordered
	set.StringVar(&asked.User, "user", "", "`name` of the user who runs (required)")
	set.StringVar(&asked.Workspace, "workspace", "", "`name` of the workspace; the user must be an OWNER or EDITOR of it (default: the file's, else the personal one)")
	set.StringVar(&asked.Orchestrator, "orchestrator", "", "`name` of the workspace's orchestrator to run, instead of a file")
	set.StringVar(&asked.Name, "name", "", "`name` of the run (default: the file's, else the orchestrator's)")
	set.Func("fail-if", "`condition` under which the run is too bad, as 'lower > 0.05'; of "+strings.Join(gate.Names(), ", ")+"; lower and upper bound the rate at 95 %; may be given several times", func(text string) error {
		condition, err := gate.Parse(text)
		asked.conditions = append(asked.conditions, condition)
		return err
	})
	junit := set.String("junit", "", "`file` to write the attacks to as JUnit XML")
	sarif := set.String("sarif", "", "`file` to write the attacks that succeeded to as SARIF")
	set.BoolVar(&asked.asJSON, "json", false, "print the summary as JSON")
	set.BoolVar(&asked.Detach, "detach", false, "start the run at the running server, print its id and leave")
	salt := set.String("salt", "", "salt of user stores' names (default: PYRIT_DB_SALT)")
	private := set.String("call-private", "", "private `ranges` that generators may be called at, as 10.1.0.0/16,127.0.0.0/8; a running server has its own")
	masterKeyFlags(set)
	memory := set.String("duckdb-memory", "512MB", "memory `limit` of the database engine")
	logFormat := set.String("log-format", "text", "text or json")
	logLevel := set.String("log-level", "warn", "debug, info, warn or error")
	if err := c.parse(set, args); err != nil {
		return err
	}
	if asked.Detach && (len(asked.conditions) > 0 || *junit != "" || *sarif != "") {
		return usageError("--detach does not wait for the end: leave out --fail-if, --junit and --sarif")
	}
	if err := c.describe(&asked, set.Args()); err != nil {
		return err
	}
	policy, err := callable(*private, false)
	if err != nil {
		return err
	}
	log, err := c.logger(*logFormat, *logLevel)
	if err != nil {
		return err
	}
	if *salt == "" {
		*salt = c.getenv("PYRIT_DB_SALT")
	}
	// Before the run: it may take hours, and what an earlier one left must not pass for its.
	for path, into := range map[string]**os.File{*junit: &asked.junit, *sarif: &asked.sarif} {
		if path == "" {
			continue
		}
		if *into, err = os.Create(path); err != nil {
			return usageError(err.Error())
		}
		defer (*into).Close() // once more, after an error
	}
	at, done, err := c.runsIn(ctx, house.Options{Dir: text(set, "data"), Salt: *salt, MemoryLimit: *memory, MasterKey: c.masterKey(set), Log: log}, policy, asked.Detach)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	return c.runTo(ctx, at, &asked)
}

// describe completes what was asked for by the file.
func (c *command) describe(asked *ordered, files []string) error {
	switch {
	case asked.User == "":
		return usageError("--user NAME is required")
	case len(files) > 1 || (len(files) == 1) == (asked.Orchestrator != ""):
		return usageError("either one FILE.yaml or --orchestrator NAME is required")
	case len(files) == 0:
		return nil
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		return usageError(err.Error())
	}
	file, err := runfile.Read(files[0], content, c.getenv)
	if err != nil {
		return usageError("the file cannot be used:\n" + err.Error())
	}
	asked.File = file
	if asked.Workspace == "" {
		asked.Workspace = file.Workspace
	}
	if asked.Name == "" {
		asked.Name = file.Name
	}
	if asked.Detach && len(file.FailIf) > 0 {
		fmt.Fprintf(c.stderr, "the conditions of %s are not checked: --detach does not wait for the end\n", files[0])
	}
	for _, text := range file.FailIf {
		condition, err := gate.Parse(text) // Read has parsed it
		if err != nil {
			return err
		}
		asked.conditions = append(asked.conditions, condition)
	}
	return nil
}

// runsIn is how runs get done: by this process when the data folder is free, by the one
// that owns it otherwise.
func (c *command) runsIn(ctx context.Context, options house.Options, policy outbound.Policy, detach bool) (runs, func() error, error) {
	h, err := house.Open(ctx, options)
	switch {
	case errors.Is(err, datadir.ErrLocked):
		return server.RunsThrough{Dir: options.Dir}, func() error { return nil }, nil
	case err != nil:
		return nil, nil, err
	}
	after := context.WithoutCancel(ctx)
	if detach {
		return nil, nil, errors.Join(fmt.Errorf("--detach needs a running server, and none owns %s: start one with violentutf serve, or leave --detach out", options.Dir), h.Close(after))
	}
	here := server.NewRuns(h, policy, options.Log)
	return here, func() error {
		here.Close()
		return h.Close(after)
	}, nil
}

// runTo starts a run, follows it to its end and tells what came of it. An error says that
// the run failed, or that it is too bad.
func (c *command) runTo(ctx context.Context, at runs, asked *ordered) error {
	run, err := at.Start(ctx, asked.RunRequest)
	if err != nil {
		return err
	}
	for _, change := range run.Changes {
		fmt.Fprintf(c.stderr, "%s %q: %s\n", strings.TrimSuffix(change.Kind, "s"), change.Name, change.Done)
	}
	if asked.Detach {
		_, err := fmt.Fprintln(c.stdout, run.ID)
		return err
	}
	summary := &summary{run: run, asked: asked, began: time.Now()}
	err = c.follow(ctx, at, summary)
	if err != nil {
		return fmt.Errorf("the run %s: %w", run.ID, err)
	}
	after := context.WithoutCancel(ctx) // a run that was cancelled has its reports too
	summary.settle()
	return errors.Join(c.report(after, at, summary), summary.print(c.stdout), summary.verdict())
}

// errStands ends the following of a run that stands still and will not go on by itself.
var errStands = errors.New("the run stands still")

// follow shows a run's progress until its end. The end of ctx cancels the run.
func (c *command) follow(ctx context.Context, at runs, s *summary) error {
	following, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	defer leave(nil)
	bar := newRunBar(c.stderr, s.run.Name)
	bar.begin()
	cancelled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(cancelled)
		bar.say("cancelling the run; Ctrl-C once more leaves at once")
		if err := at.Cancel(following, s.asked.RunRequest, s.run); err != nil && storage.CodeOf(err) != storage.CodeConflict { // it is over
			leave(fmt.Errorf("it could not be cancelled: %w", err))
		}
	})
	err := at.Follow(following, s.run, func(frame *execution.Frame) error {
		if frame.Status != nil {
			s.state = *frame.Status
		}
		if frame.Progress != nil {
			s.progress = *frame.Progress
		}
		bar.tell(time.Now(), s.state.Status, s.progress)
		if s.state.Status == storage.ExecutionPaused && s.state.Reason != nil && *s.state.Reason != storage.ReasonUser {
			return errStands
		}
		return nil
	})
	if !stop() {
		<-cancelled
	}
	bar.end()
	switch cause := context.Cause(following); {
	case err == nil, errors.Is(err, errStands):
		return nil
	case cause != nil:
		return cause
	}
	return err
}
