package storage

import (
	"context"
	"slices"
	"time"
)

// ExecutionState is how a native run stands, as the app store keeps it. What it is to
// do, and what came of it, lie in its workspace's store.
type ExecutionState struct {
	Key          string
	WorkspaceKey string
	UserKey      string // who started it
	Status       ExecutionStatus
	Reason       *ExecutionReason // why it is PAUSED or FAILED
	RetryOf      *string          // key of the execution whose failed items it tries again
	Progress     ExecutionProgress
	QueuedAt     time.Time
	StartedAt    *time.Time // of the first claim
	FinishedAt   *time.Time
}

// ExecutionProgress counts a run's items by outcome, and what they cost.
type ExecutionProgress struct {
	Total        int64 `json:"total"`
	Done         int64 `json:"done"` // the sum of the next four
	Successes    int64 `json:"successes"`
	Failures     int64 `json:"failures"`
	Undetermined int64 `json:"undetermined"`
	Errors       int64 `json:"errors"`
	Calls        int64 `json:"calls"`
	InputTokens  int64 `json:"inputTokens"`
	OutputTokens int64 `json:"outputTokens"`
	// Cost is what the calls took by the workspace's prices, in their currency.
	Cost float64 `json:"cost"`
}

// ExecutionReason is a class of reasons why a run stands still or failed. A text has no
// place in the app store; the run's events have one.
type ExecutionReason string

// The reasons. All but the last pause a run, which can be resumed.
const (
	ReasonUser      ExecutionReason = "USER"      // somebody paused it
	ReasonBudget    ExecutionReason = "BUDGET"    // its budget is used up
	ReasonCircuit   ExecutionReason = "CIRCUIT"   // its target fails too often
	ReasonTimeout   ExecutionReason = "TIMEOUT"   // its time is over
	ReasonForbidden ExecutionReason = "FORBIDDEN" // who started it may not write to the workspace any more
	ReasonBadPlan   ExecutionReason = "BAD_PLAN"  // its configuration cannot be run
)

// executionTransitions say which state may follow which. A run that is over stays so: to
// try its failed items again makes another run.
var executionTransitions = map[ExecutionStatus][]ExecutionStatus{
	ExecutionQueued:  {ExecutionRunning, ExecutionPaused, ExecutionCancelled},
	ExecutionRunning: {ExecutionRunning, ExecutionPaused, ExecutionSucceeded, ExecutionFailed, ExecutionCancelled},
	ExecutionPaused:  {ExecutionQueued, ExecutionCancelled},
}

// To is CodeConflict when the state may not follow.
func (s ExecutionStatus) To(next ExecutionStatus) error {
	if slices.Contains(executionTransitions[s], next) {
		return nil
	}
	return Errorf(CodeConflict, "a run that is %s cannot become %s", s, next)
}

// Over tells whether a run is at its end.
func (s ExecutionStatus) Over() bool { return len(executionTransitions[s]) == 0 }

// Before lists the states from which this one may follow, in the order of their names.
func (s ExecutionStatus) Before() []ExecutionStatus {
	var before []ExecutionStatus
	for from, next := range executionTransitions {
		if slices.Contains(next, s) {
			before = append(before, from)
		}
	}
	slices.Sort(before)
	return before
}

// Lease is the right of one engine to work on a run, until a time and under an epoch:
// whoever claims the run later has a higher one, and from then on this one writes nothing.
type Lease struct {
	Execution ExecutionState // as it was claimed
	Owner     string         // the engine
	Epoch     int64
	Until     time.Time
}

// Executions is the state machine of native runs. Each method is one statement or
// transaction, so that several engines may work on one app store.
type Executions interface {
	// QueueExecution adds a run, which is QUEUED: its Key, WorkspaceKey, UserKey, RetryOf
	// and Progress.Total are the caller's. No engine claims it before the time is over or
	// ReadyExecution is called: meanwhile its plan is stored.
	QueueExecution(ctx context.Context, execution *ExecutionState, after time.Duration) error
	ReadyExecution(ctx context.Context, key string) error
	// DropExecution forgets a run whose plan was not stored.
	DropExecution(ctx context.Context, key string) error
	// ClaimExecution gives the engine a run that waits, or whose engine let its lease run
	// out; nil when there is none. The runs of the user with the fewest that are worked on
	// come first, then the oldest. Runs of users who may not write to the workspace any
	// more, and of archived workspaces, wait.
	ClaimExecution(ctx context.Context, engine string, lease time.Duration) (*Lease, error)
	// ClaimOne is ClaimExecution of one run: nil when it does not wait.
	ClaimOne(ctx context.Context, key, engine string, lease time.Duration) (*Lease, error)
	// RenewLease prolongs a lease, keeps the progress and returns how the run stands:
	// another state than RUNNING is a command to stop. It is PAUSED with ReasonForbidden
	// when who started it lost the right to. CodeConflict for a lease that was lost.
	RenewLease(ctx context.Context, lease *Lease, until time.Duration, progress ExecutionProgress) (*ExecutionState, error)
	// ExpireLeases ends the leases of all runs that are worked on: for an engine that knows
	// of no other one.
	ExpireLeases(ctx context.Context) error
	// ReleaseLease gives a run back that is not over: another engine may claim it at once.
	// CodeConflict for a lease that was lost.
	ReleaseLease(ctx context.Context, lease *Lease, progress ExecutionProgress) error
	// EndExecution lets the engine end or pause its run. CodeConflict for a lease that was
	// lost, and for a state that may not follow: somebody may have been faster.
	EndExecution(ctx context.Context, lease *Lease, status ExecutionStatus, reason *ExecutionReason, progress ExecutionProgress) error
	// CommandExecution pauses (PAUSED), resumes (QUEUED) or cancels (CANCELLED) a run of
	// the workspace and returns how it stands then. CodeNotFound for none, CodeConflict for
	// a state that may not follow.
	CommandExecution(ctx context.Context, workspaceKey, key string, status ExecutionStatus) (*ExecutionState, error)
	// UntoldExecutions lists runs that ended or were commanded since ToldExecution was called
	// for them, at most so many. ToldExecution says that the workspace's store knows the
	// state, and returns whether it still is the one.
	UntoldExecutions(ctx context.Context, most int) ([]*ExecutionState, error)
	ToldExecution(ctx context.Context, key string, status ExecutionStatus) (bool, error)
	// ExecutionStates reads how runs stand.
	ExecutionStates(ctx context.Context, keys []string) (map[string]*ExecutionState, error)
	// LiveExecutions lists the runs of a workspace that are not over, oldest first.
	LiveExecutions(ctx context.Context, workspaceKey string) ([]*ExecutionState, error)
}
