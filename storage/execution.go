package storage

import "time"

// Origin says whether a run was ours or came with an import.
type Origin string

// The origins of an execution.
const (
	OriginNative   Origin = "NATIVE"
	OriginImported Origin = "IMPORTED"
)

// ExecutionStatus is the state of a run.
type ExecutionStatus string

// The states of a run.
const (
	ExecutionQueued    ExecutionStatus = "QUEUED"
	ExecutionRunning   ExecutionStatus = "RUNNING"
	ExecutionPaused    ExecutionStatus = "PAUSED"
	ExecutionSucceeded ExecutionStatus = "SUCCEEDED"
	ExecutionFailed    ExecutionStatus = "FAILED"
	ExecutionCancelled ExecutionStatus = "CANCELLED"
)

// Execution is a run.
type Execution struct {
	ID           string
	Key          string // UUID
	Origin       Origin
	Source       Source
	SourceID     string
	Name         string
	Orchestrator *string // class
	// OrchestratorKey is that of the orchestrator of this store that it was made by; an
	// import leaves it out.
	OrchestratorKey *string
	Status          ExecutionStatus
	Partial         bool // the source stopped before its end
	Configuration   *JSON
	Error           *string
	StartedAt       *time.Time
	FinishedAt      *time.Time
	Attributes      *JSON

	// What only native runs have.
	Items     *int64
	StartedBy *string // username
	RetryOf   *string // key
	QueuedAt  *time.Time
}

// ExecutionItem is what one item of a native run came to.
type ExecutionItem struct {
	Execution    string // key
	Item         int64  // from 0, in the order of the plan
	AttackNumber *int64 // nil for an item that makes no attack
	AttackID     string // empty for none
	Outcome      Outcome
	ErrorClass   *string
	Attempts     int64
	Calls        int64 // of any generator
	LatencyMs    *int64
	InputTokens  int64
	OutputTokens int64
	Cost         float64 // by the prices of that time, in the budget's currency
	FinishedAt   time.Time
}

// ExecutionItemFilter narrows the items of a run.
type ExecutionItemFilter struct {
	Outcome    *OutcomeIn
	ErrorClass *TextIn
}

// ExecutionEventFilter narrows the events of a run.
type ExecutionEventFilter struct{ Kind []ExecutionEventKind }

// ExecutionTally is the progress of a run by its recorded items, and how many of them are
// of the last TallyOver.
type ExecutionTally struct {
	ExecutionProgress
	Recent int64
}

// TallyOver is the time over which the speed of a run is told.
const TallyOver = 10 * time.Second

// ErrorClassCount counts the items, or the attacks of an import, that ended in an error of
// a class; "unknown" where the source names none.
type ErrorClassCount struct {
	Class string
	Count int64
}

// ExecutionSummary counts the attacks of an execution by outcome.
type ExecutionSummary struct {
	Attacks      int64
	Successes    int64
	Failures     int64
	Undetermined int64
	Errors       int64
}

// Rate is successes over assessed attacks, null when nothing was assessed.
func (s *ExecutionSummary) Rate() *float64 {
	if s.Successes+s.Failures == 0 {
		return nil
	}
	rate := float64(s.Successes) / float64(s.Successes+s.Failures)
	return &rate
}

// ExecutionFilter narrows a list of executions.
type ExecutionFilter struct {
	Origin           *OriginIn
	Status           *ExecutionStatusIn
	Source           *SourceIn
	Name             *TextMatch
	OrchestratorType *TextIn // Execution.Orchestrator
	StartedBy        *TextIn // usernames
	QueuedAt         *TimeRange
	StartedAt        *TimeRange
}

// OriginIn narrows an origin.
type OriginIn struct{ In, NotIn []Origin }

// ExecutionStatusIn narrows a run's state.
type ExecutionStatusIn struct{ In, NotIn []ExecutionStatus }

// ExecutionOrderField is what a list of executions can be ordered by.
type ExecutionOrderField string

// The orders of executions.
const (
	ExecutionOrderQueuedAt   ExecutionOrderField = "QUEUED_AT" // of an import when it began
	ExecutionOrderStartedAt  ExecutionOrderField = "STARTED_AT"
	ExecutionOrderFinishedAt ExecutionOrderField = "FINISHED_AT"
	ExecutionOrderName       ExecutionOrderField = "NAME"
)

// ExecutionOrder orders a list of executions.
type ExecutionOrder struct {
	Field     ExecutionOrderField
	Direction Direction
}
