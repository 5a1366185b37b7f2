package storage

import (
	"context"
	"database/sql"
	"time"
)

// Stage takes the rows of one file, in any order, and makes them the store's in
// one transaction (all or nothing). Rows name each other by source id; the stage
// gives the dense numbers, in order of arrival. Rows wait in temporary tables
// that spill to disk, so memory does not grow with the file.
//
// Every text passes the stage's scrubber (credentials found in the same file)
// and loses U+0000 and invalid UTF-8, which no engine takes; what a message or
// objective lost is kept in its attributes.
//
// A stage belongs to one goroutine. Close discards what was not committed.
type Stage interface {
	AddComponent(ctx context.Context, c *Component) error
	AddConfigured(ctx context.Context, c *StagedConfigured) error
	AddDataset(ctx context.Context, d *StagedDataset) error
	AddPrompt(ctx context.Context, p *StagedPrompt) error
	AddExecution(ctx context.Context, e *Execution) error
	AddAttack(ctx context.Context, a *StagedAttack) error
	AddConversation(ctx context.Context, c *StagedConversation) error
	AddMessage(ctx context.Context, m *StagedMessage) error
	AddScore(ctx context.Context, s *StagedScore) error
	AddLabel(ctx context.Context, l *StagedLabel) error
	AddEmbedding(ctx context.Context, e *StagedEmbedding) error
	AddSession(ctx context.Context, s *StagedSession) error
	AddRaw(ctx context.Context, r *StagedRaw) error
	// AddRank ranks the staged row of that source id, if there is one, as another store
	// remembers it.
	AddRank(ctx context.Context, r *SourceRank) error
	// AddMedium links a file, whose content is kept already, to a message.
	AddMedium(ctx context.Context, m *StagedMedium) error
	PeopleStage

	// Scrub makes the stage replace this credential in every text from now on.
	Scrub(credential string)
	// Seal seals credentials of a configured row, as AddConfigured stores them.
	Seal(kind ConfiguredKind, rowID, plaintext string) (sealed string, err error)

	// Create makes a temporary table of the importer's own; its name must begin
	// with "raw_". Append adds rows to it. Exec and Query run one statement over
	// the temporary tables, the staged ones included (stage_*; storage/userstore
	// describes them); pending rows are flushed first.
	Create(ctx context.Context, table, columns string) error
	Append(ctx context.Context, table string, values ...any) error
	Exec(ctx context.Context, statement string, args ...any) (rows int64, err error)
	Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error)

	// KeepConfigured makes Commit leave configured things that the store knows as they
	// are. Require makes it ask in its transaction, before it stores anything.
	KeepConfigured()
	Require(allowed func(ctx context.Context) error)

	// Commit merges the staged rows: known and equal rows are left, changed ones
	// updated, new ones added. It fills imp.Tables and stores imp with them. A
	// file that changes nothing leaves no trace but its counts.
	Commit(ctx context.Context, imp *Import, progress func(Progress)) error
	Close() error
}

// The staged rows embed what is stored; their ID and numbers are ignored and
// their references go by source id. Rows of the same source and source id: the
// highest Rank wins, then the last one. Ranks of attacks, scores and executions
// above 0 are remembered: a later file that brings a known row with a lower one
// leaves it as it is.

// StagedAttack is an attack before it has numbers.
type StagedAttack struct {
	Attack
	Rank           int
	Execution      string // source id of the execution, of the same source
	Conversation   string // source id of the main conversation
	ObjectiveScore string // source id, empty if none
	Prompt         string // source id of the dataset prompt, empty if none
}

// StagedConversation is a conversation before it has numbers. MessageCount,
// StartedAt and LastMessageAt are counted from the staged and stored messages.
type StagedConversation struct {
	Conversation
	Rank         int
	Attack       string // source id, empty if none
	BranchedFrom string // source id of a conversation, empty if none
}

// StagedMessage is a message before it has numbers. Sequence counts; Piece is
// given in order of arrival within (conversation, sequence).
type StagedMessage struct {
	Message
	Rank         int
	Conversation string // source id
	Original     string // source id of the piece that this one repeats, empty if none
}

// StagedScore is a score before it has numbers.
type StagedScore struct {
	Score
	Rank    int
	Message string // source id of the scored piece, empty for loose content
}

// StagedLabel is a label of an attack or a conversation; exactly one is set.
type StagedLabel struct {
	Source       Source
	Attack       string
	Conversation string
	Label
}

// StagedEmbedding is the vector of a message's converted value.
type StagedEmbedding struct {
	Source  Source
	Message string // source id
	Model   string
	Vector  []float32
}

// StagedMedium is a file that a value of a message names.
type StagedMedium struct {
	Source  Source
	Message string // source id
	Part    MessagePart
	File    *File
}

// ConfiguredKind is the table of a configured thing.
type ConfiguredKind string

// The tables of configured things.
const (
	KindGenerators ConfiguredKind = "generators"
	KindConverters ConfiguredKind = "converters"
	KindScorers    ConfiguredKind = "scorers"
)

// StagedConfigured is a generator, converter or scorer; its Key is kept.
type StagedConfigured struct {
	Configured
	Kind ConfiguredKind
	// Sealed is what Stage.Seal made of the JSON object of credentials, JSON
	// pointer into the parameters -> value; empty without credentials.
	Sealed   string
	LastFour string
}

// StagedDataset is a dataset; its Key is kept and its prompts make version 1.
type StagedDataset struct{ Dataset }

// StagedPrompt is a prompt before it has a number.
type StagedPrompt struct {
	Prompt
	Dataset       string // source id of its dataset, of DatasetSource
	DatasetSource Source
}

// StagedSession is saved UI state of the original.
type StagedSession struct {
	Source     Source
	SourceID   string
	SessionKey string
	Body       JSON
	CreatedAt  time.Time
	UpdatedAt  time.Time
	ExpiresAt  *time.Time
	Attributes *JSON
}

// StagedRaw is a record of a source for which the model has no table.
type StagedRaw struct {
	Source   Source
	SourceID string // unique within the record type
	Record   string // what it is: garak.digest, pyrit.ScenarioResultEntries, ...
	Body     JSON
}

// Guard keeps credentials out of a stage: it seals those of configured things
// and replaces known ones in every other text.
type Guard interface {
	Seal(table, row, plaintext string) (string, error)
	Add(credential string)
	Clean(text string) (cleaned string, found bool)
}
