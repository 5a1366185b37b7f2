package server

import (
	"context"
	"errors"
	"io"
	"strconv"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/runfile"
	"github.com/violentutf/violentutf/storage"
)

// Runner starts runs for whoever may run programs on the machine, follows them, and reads
// what came of them.
type Runner struct {
	House   *house.House
	Things  *configured.Things
	Starter *execution.Starter
	Tails   *execution.Tails
}

// RunRequest says what to run: an orchestrator of the workspace by its name, or what a file
// describes.
type RunRequest struct {
	User         string        `json:"user"`
	Workspace    string        `json:"workspace,omitempty"` // empty: the personal one
	Orchestrator string        `json:"orchestrator,omitempty"`
	File         *runfile.File `json:"file,omitempty"`
	Name         string        `json:"name,omitempty"` // of the run; the orchestrator's without it
	Detach       bool          `json:"detach,omitempty"`
}

// StartedRun is a run that was queued.
type StartedRun struct {
	ID           string           `json:"id"` // GraphQL id
	Key          string           `json:"key"`
	Name         string           `json:"name"`
	Orchestrator string           `json:"orchestrator"`
	Total        int64            `json:"total"`
	Workspace    string           `json:"workspace"` // key
	Changes      []runfile.Change `json:"changes,omitempty"`
}

// RunResult is one attack of a run, with the texts that a report shows.
type RunResult struct {
	Attack *storage.Attack `json:"attack"`
	Target string          `json:"target"`          // name
	Reply  string          `json:"reply,omitempty"` // the last one, cut, of a success
}

// Start lets the workspace have what a file describes, and queues the run.
func (r *Runner) Start(ctx context.Context, request RunRequest) (*StartedRun, error) {
	started := &StartedRun{Orchestrator: request.Orchestrator}
	if request.File != nil {
		started.Orchestrator = request.File.Orchestrator.Name
	}
	err := r.House.ByCommand(ctx, "execution.start", request.User, request.Workspace, map[string]any{"file": request.File != nil}, func(ctx context.Context, workspace *storage.Workspace, row *storage.AuditAct) (err error) {
		store, err := r.House.OpenWorkspace(ctx, workspace)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		user, err := r.House.App.UserByUsername(ctx, request.User)
		if err != nil {
			return err
		}
		if user.Disabled {
			return storage.Errorf(storage.CodeForbidden, "%s is locked out, and so no engine works on runs of %s: violentutf user enable %s lets in again", user.Username, user.Username, user.Username)
		}
		key, err := r.orchestrator(ctx, store, request, started)
		if err != nil {
			return err
		}
		var name *string
		if request.Name != "" {
			name = &request.Name
		}
		by := execution.By{WorkspaceKey: workspace.Key, UserKey: user.Key, Username: user.Username}
		if started.Key, err = r.Starter.Start(ctx, store, by, key, name); err != nil {
			return err
		}
		row.SubjectType, row.SubjectKey = "Execution", started.Key
		plan, err := store.ExecutionPlan(ctx, started.Key)
		if err != nil {
			return err
		}
		started.Name, started.Total, started.Workspace = plan.Name, plan.Items, workspace.Key
		started.ID = storage.ID{Kind: storage.KindExecution, Store: store.Key(), Key: started.Key}.String()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return started, nil
}

// orchestrator is the key of the one to run.
func (r *Runner) orchestrator(ctx context.Context, store storage.UserStore, request RunRequest, started *StartedRun) (string, error) {
	if request.File != nil {
		applied, err := request.File.Apply(ctx, r.Things, store, request.User, nil)
		if err != nil {
			return "", err
		}
		started.Changes = applied.Changes
		return applied.Orchestrator, nil
	}
	found, err := configured.OrchestratorNamed(ctx, store, request.Orchestrator)
	if err != nil {
		return "", err
	}
	if found == nil {
		return "", storage.Errorf(storage.CodeNotFound, "the workspace has no orchestrator of the name %q", request.Orchestrator)
	}
	return found.Key, nil
}

// Cancel ends a run. CodeConflict for one that is over.
func (r *Runner) Cancel(ctx context.Context, request RunRequest, run *StartedRun) error {
	return r.House.ByCommand(ctx, "execution.cancel", request.User, request.Workspace, nil, func(ctx context.Context, workspace *storage.Workspace, row *storage.AuditAct) (err error) {
		row.SubjectType, row.SubjectKey = "Execution", run.Key
		store, err := r.House.OpenWorkspace(ctx, workspace)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		return r.Starter.Command(ctx, store, workspace.Key, run.Key, storage.ExecutionCancelled)
	})
}

// Follow tells of a run until its end, or until tell returns an error, which is returned.
func (r *Runner) Follow(ctx context.Context, run *StartedRun, tell func(*execution.Frame) error) (err error) {
	follower, err := r.Tails.Follow(ctx, run.Workspace, run.Key, nil, execution.Wanted{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, follower.Leave()) }()
	for {
		frame, err := follower.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = tell(frame)
		}
		if err != nil {
			return err
		}
	}
}

// What is read of a run's results at once, and of a reply.
const (
	resultPage     = 500
	mostReplyBytes = 4 << 10
)

// Results reads the attacks of a run in order, a page at a time, until tell returns an
// error, which is returned.
func (r *Runner) Results(ctx context.Context, run *StartedRun, tell func(*RunResult) error) (err error) {
	store, err := r.House.StoreOf(ctx, run.Workspace)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	targets := map[string]string{}
	page := storage.Page{Limit: resultPage}
	for {
		found, err := store.AttacksOf(ctx, storage.AttacksOfExecution, []string{run.Key}, nil, storage.AttackOrder{Field: storage.AttackOrderNumber, Direction: storage.Ascending}, page)
		if err != nil {
			return err
		}
		attacks := found[run.Key]
		if attacks == nil {
			return nil
		}
		if err := tellResults(ctx, store, attacks.Nodes(), targets, tell); err != nil {
			return err
		}
		if !attacks.PageInfo.HasNextPage {
			return nil
		}
		page.After = *attacks.PageInfo.EndCursor
	}
}

func tellResults(ctx context.Context, store storage.UserStore, attacks []*storage.Attack, targets map[string]string, tell func(*RunResult) error) error {
	var unknown []string
	var succeeded []int64
	for _, a := range attacks {
		if a.TargetHash != nil {
			if _, known := targets[*a.TargetHash]; !known {
				targets[*a.TargetHash] = ""
				unknown = append(unknown, *a.TargetHash)
			}
		}
		if a.Outcome == storage.OutcomeSuccess && a.ConversationNumber != nil {
			succeeded = append(succeeded, *a.ConversationNumber)
		}
	}
	components, err := store.ComponentsByHash(ctx, unknown)
	if err != nil {
		return err
	}
	for hash, component := range components {
		targets[hash] = component.Name
	}
	replies, err := store.MessagesByConversation(ctx, succeeded, &storage.MessageFilter{Role: &storage.RoleIn{In: []storage.Role{storage.RoleAssistant}}}, storage.Page{Limit: 1, Backward: true})
	if err != nil {
		return err
	}
	for _, a := range attacks {
		result := &RunResult{Attack: a}
		if a.TargetHash != nil {
			result.Target = targets[*a.TargetHash]
		}
		if a.ConversationNumber != nil {
			if last := replies[*a.ConversationNumber]; last != nil && len(last.Edges) > 0 {
				result.Reply = cut(last.Nodes()[0].ConvertedValue, mostReplyBytes)
			}
		}
		if err := tell(result); err != nil {
			return err
		}
	}
	return nil
}

// cut is the beginning of a text, of about so many bytes, which says how long it was.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && text[most]&0xC0 == 0x80 { // inside a rune
		most--
	}
	return text[:most] + "... (" + strconv.Itoa(len(text)) + " bytes in all)"
}
