package storage

import (
	"context"
	"time"
)

// AuditLog is the record of what was done. Rows are only ever added; each holds the
// MAC of the one before it, so that a changed, moved or removed row is found. Who
// holds the key can forge it, and a cut tail is found against a checkpoint only.
type AuditLog interface {
	// Audited writes the intent, runs fn and writes its outcome: SUCCEEDED, DENIED
	// for FORBIDDEN and UNAUTHENTICATED, FAILED for every other error and for a
	// panic. If the intent cannot be written, fn does not run. fn may complete act:
	// what it sets stands in the outcome. The error is fn's; when fn succeeded and
	// the outcome could not be written, it says so.
	Audited(ctx context.Context, act AuditAct, fn func(ctx context.Context, act *AuditAct) error) error
	// BeginAudit writes an intent and returns its id. BAD_USER_INPUT for an act that
	// does not fit a row: its detail above all.
	BeginAudit(ctx context.Context, act AuditAct) (intent string, err error)
	// EndAudit writes the outcome of an intent.
	EndAudit(ctx context.Context, intent string, act AuditAct, outcome AuditOutcome, code Code) error
	// RecordAudit writes what needs no intent, as a sign-in that failed.
	RecordAudit(ctx context.Context, act AuditAct, outcome AuditOutcome, code Code) error

	// AuditEvents lists the log, for administrators and auditors. BAD_USER_INPUT for a
	// cursor of another list.
	AuditEvents(ctx context.Context, filter *AuditFilter, order AuditOrder, page Page) (*Connection[AuditEvent], error)
	AuditEventsByKey(ctx context.Context, keys []string) (map[string]*AuditEvent, error)

	// AuditIntegrity reads the whole chain, in constant memory, and names the first
	// row that is not as it was written.
	AuditIntegrity(ctx context.Context) (*AuditReport, error)
	// AuditCheckpoint signs where the chain ends now, to be kept elsewhere.
	AuditCheckpoint(ctx context.Context) (*AuditCheckpoint, error)
	// VerifyCheckpoint returns what is wrong with the chain up to a checkpoint, nil
	// when all of it is there; AuditIntegrity tells whether what is there is intact.
	// BAD_USER_INPUT for a checkpoint that this installation did not sign.
	VerifyCheckpoint(ctx context.Context, checkpoint AuditCheckpoint) (*AuditFault, error)
}

// AuditKind says what a row tells.
type AuditKind string

// The kinds of rows.
const (
	AuditKindIntent  AuditKind = "INTENT"  // something is about to be done
	AuditKindOutcome AuditKind = "OUTCOME" // how that went
	AuditKindEvent   AuditKind = "EVENT"   // both in one
)

// AuditOutcome says how something went.
type AuditOutcome string

// The outcomes.
const (
	AuditSucceeded AuditOutcome = "SUCCEEDED"
	AuditFailed    AuditOutcome = "FAILED"
	AuditDenied    AuditOutcome = "DENIED"
)

// The actors that are no users.
const (
	ActorCommand = "command" // whoever may run programs on the machine
	ActorSystem  = "system"
)

// MaxAuditDetail is the size of a row's detail, in bytes: enough for the names of
// fields, too little for what the stores of users keep.
const MaxAuditDetail = 2 << 10

// AuditAct is who does what to what. It never holds a secret or a prompt.
type AuditAct struct {
	ActorKey     string // a user's key, empty for those that are no users
	Actor        string // a username, as it was then, ActorCommand or ActorSystem
	Action       string // dotted, as workspace.invite
	SubjectType  string // as the schema names it, empty where nothing is acted on
	SubjectKey   string
	WorkspaceKey string
	IP           string
	UserAgent    string
	RequestID    string
	Detail       JSON // an object of changed fields with safe values, or empty
}

// AuditEvent is a row of the log.
type AuditEvent struct {
	AuditAct
	Seq        int64 // 1, 2, 3...
	Key        string
	OccurredAt time.Time
	Kind       AuditKind
	Intent     string       // the key of the outcome's intent
	Outcome    AuditOutcome // empty for an intent
	Code       Code         // of the error
	Previous   string       // the MAC of the row before, hex
	MAC        string
}

// AuditReport is what AuditIntegrity found.
type AuditReport struct {
	Rows  int64 // read, up to the fault
	Last  int64 // seq of the last row that is as it was written
	MAC   string
	Fault *AuditFault // nil: the chain is intact
}

// AuditFaultKind is what is wrong with a row.
type AuditFaultKind string

// What can be wrong.
const (
	AuditChanged   AuditFaultKind = "CHANGED"
	AuditReordered AuditFaultKind = "REORDERED" // another row stands in its place
	AuditRemoved   AuditFaultKind = "REMOVED"
)

// AuditFault is the first row that is not as it was written.
type AuditFault struct {
	Seq    int64
	Key    string // of the row that stands there, empty where there is none
	Kind   AuditFaultKind
	Detail string // for people
}

// AuditCheckpoint says where the chain ended. Signature is an HMAC of the rest, hex.
type AuditCheckpoint struct {
	Count     int64     `json:"count"`
	Seq       int64     `json:"sequence"`
	MAC       string    `json:"mac"`
	At        time.Time `json:"createdAt"` // to the microsecond
	Signature string    `json:"signature"`
}

// AuditFilter narrows the log; nil fields do not.
type AuditFilter struct {
	ActorKey     *string
	Actor        *string // the name
	ActionPrefix *string
	Kind         *AuditKind
	Outcome      *AuditOutcome
	SubjectType  *string
	SubjectKey   *string
	WorkspaceKey *string
	RequestID    *string
	Intent       *string
	OccurredAt   *TimeRange
}

// AuditOrder orders the log by its own order.
type AuditOrder struct{ Direction Direction }
