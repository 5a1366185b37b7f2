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
	Origin    *OriginIn
	Status    *ExecutionStatusIn
	Source    *SourceIn
	Name      *TextMatch
	StartedAt *TimeRange
}

// OriginIn narrows an origin.
type OriginIn struct{ In, NotIn []Origin }

// ExecutionStatusIn narrows a run's state.
type ExecutionStatusIn struct{ In, NotIn []ExecutionStatus }

// ExecutionOrderField is what a list of executions can be ordered by.
type ExecutionOrderField string

// The orders of executions.
const (
	ExecutionOrderStartedAt ExecutionOrderField = "STARTED_AT"
	ExecutionOrderName      ExecutionOrderField = "NAME"
)

// ExecutionOrder orders a list of executions.
type ExecutionOrder struct {
	Field     ExecutionOrderField
	Direction Direction
}
