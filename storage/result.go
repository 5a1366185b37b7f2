package storage

import (
	"context"
	"time"
)

// ExecutionPlan is a native run as it is stored before it is queued.
type ExecutionPlan struct {
	Key          string
	Name         string
	Orchestrator string // type
	// OrchestratorKey is the orchestrator that makes it, nil where none is stored.
	OrchestratorKey *string
	Configuration   JSON // all that the run needs to be made again, without credentials
	Items           int64
	Scores          *ScoredAttacks // what it scores again, nil for a run that attacks
	Version         *VersionKey    // of the dataset whose prompts it takes, which is marked as used
	StartedBy       string         // username
	RetryOf         *string
	QueuedAt        time.Time
}

// ItemResult is what one item of a run came to. Keys and numbers of what is in it are the
// store's to give.
type ItemResult struct {
	Item int64 // from 0, in the order of the plan
	// Attack is nil for an item that only scores what is there. Its ExecutionID,
	// ConversationNumber and ObjectiveScoreNumber are the store's.
	Attack        *Attack
	Conversations []*ResultConversation // the first is the attack's main one
	Scores        []*Score              // on messages that are stored already
	// Scored is the number of the attack that an item without one scores; Conversations are
	// then all helpers of it. Decision is what the last of Scores by the objective's scorer
	// lets its outcome be, nil to leave that.
	Scored     *int64
	Decision   *Decision
	Labels     []*Label
	Components []*Component // that the rows name

	Outcome      Outcome // the attack's, if there is one
	ErrorClass   *string
	Attempts     int64 // of the whole item, 1 or more
	Calls        int64 // to any generator
	Latency      time.Duration
	InputTokens  int64
	OutputTokens int64
	Cost         float64 // by the workspace's prices, in the budget's currency
	FinishedAt   time.Time
}

// ResultConversation is a conversation of a result. Sequences of its messages count from 0.
type ResultConversation struct {
	Conversation
	// BranchedFrom is the place in ItemResult.Conversations of the one that it was
	// branched from at BranchedFromSequence; nil for none.
	BranchedFrom *int
	Messages     []*ResultMessage
}

// ResultMessage is a piece of a message with its scores. Its MessageKey.Conversation is
// the store's. Original names by its Conversation a place in ItemResult.Conversations.
type ResultMessage struct {
	Message
	Scores []*Score
	// Raw is what went over the wire for the message, nil where that is not kept; its
	// place is the message's. Only the first piece of a message has it.
	Raw *RawExchange
}

// Recorded says what a transaction of results did.
type Recorded struct {
	Items    []int64 // those that were not recorded before
	Progress ExecutionProgress
	Seq      int64 // of the last event
}

// Recorder writes the results of one run under one epoch. It belongs to one goroutine.
type Recorder interface {
	// Done tells which items of the plan are recorded, as ranges that end before their
	// second number.
	Done(ctx context.Context) ([][2]int64, error)
	// Progress counts what is recorded.
	Progress() ExecutionProgress
	// Record stores results and their event in one transaction, all or nothing. An item
	// that is recorded already is passed over. CodeConflict when a higher epoch has come
	// to the store: then another engine works on the run.
	Record(ctx context.Context, results []*ItemResult, lines []LogLine) (*Recorded, error)
	// DecideStatus is Runs.DecideExecutionStatus by the engine. CodeConflict as Record's.
	DecideStatus(ctx context.Context, now time.Time, decide func(ctx context.Context) (StatusEvent, error)) error
	Close() error
}

// LogLine is a line of a run's log, for people.
type LogLine struct {
	Level string    `json:"level"` // INFO, WARNING or ERROR
	Text  string    `json:"text"`
	Time  time.Time `json:"time"`
}

// ExecutionEventKind is what an event of a run tells.
type ExecutionEventKind string

// The kinds of events and what their body is: StatusEvent, ItemsEvent, []LogLine.
const (
	EventStatus ExecutionEventKind = "STATUS"
	EventItems  ExecutionEventKind = "ITEMS"
	EventLog    ExecutionEventKind = "LOG"
)

// ExecutionEvent is what happened to a run. Seq counts from 1 without gaps.
type ExecutionEvent struct {
	Seq       int64
	Kind      ExecutionEventKind
	Body      JSON
	CreatedAt time.Time
}

// StatusEvent is the body of an EventStatus.
type StatusEvent struct {
	Status ExecutionStatus  `json:"status"`
	Reason *ExecutionReason `json:"reason,omitempty"`
	Error  string           `json:"error,omitempty"` // for people
}

// ItemsEvent is the body of an EventItems: items that were recorded together, and the
// progress after them.
type ItemsEvent struct {
	Items    []ItemDone        `json:"items"`
	Progress ExecutionProgress `json:"progress"`
}

// ItemDone is one item of an ItemsEvent.
type ItemDone struct {
	Item       int64   `json:"item"`
	Attack     *int64  `json:"attack,omitempty"` // number
	Outcome    Outcome `json:"outcome"`
	ErrorClass *string `json:"errorClass,omitempty"`
	LatencyMs  int64   `json:"latencyMs"`
}

// Runs is what the engine of executions writes to a workspace's store.
type Runs interface {
	// AddExecution stores a plan, QUEUED, with its first event.
	AddExecution(ctx context.Context, plan *ExecutionPlan) error
	// ExecutionPlan reads a plan. CodeNotFound for none, and for a run that was imported.
	ExecutionPlan(ctx context.Context, key string) (*ExecutionPlan, error)
	// FailedItems are the items of a run that ended in an error, in order.
	FailedItems(ctx context.Context, key string) ([]int64, error)
	// NewRecorder fences off every lower epoch and begins to record. CodeConflict when a
	// higher one was here.
	NewRecorder(ctx context.Context, guard Guard, key string, epoch int64) (Recorder, error)
	// DecideExecutionStatus notes the state that decide, the app store, comes to when it is
	// this store's turn to write, with an event unless it is the one that stands there. An
	// error of decide changes nothing; after any other one it is decided, and not noted.
	DecideExecutionStatus(ctx context.Context, key string, now time.Time, decide func(ctx context.Context) (StatusEvent, error)) error
	// ChangeExecutionPlan is that with another configuration of the plan.
	ChangeExecutionPlan(ctx context.Context, key string, configuration JSON, now time.Time, decide func(ctx context.Context) (StatusEvent, error)) error
	// ExecutionEvents reads the events behind a seq, at most limit.
	ExecutionEvents(ctx context.Context, key string, after int64, limit int) ([]*ExecutionEvent, error)
	// LastExecutionEvent reads the last event of a kind, nil for none, and the seq of the
	// last one of any.
	LastExecutionEvent(ctx context.Context, key string, kind ExecutionEventKind) (*ExecutionEvent, int64, error)
}
