package storage

import (
	"context"
	"time"
)

// UserStore is one workspace's data. Whoever holds one may read all of it: the
// capability is made by directives for the viewer's own workspaces only.
//
// Methods with keys answer for all of them in one statement; a key without an
// answer is absent from the map. Lists are never longer than the page.
type UserStore interface {
	Datasets
	Trash

	// Owner is the key of the workspace.
	Owner() string
	// Key is the store's random key for ids, StoreKeyBytes long.
	Key() string
	// Revision is raised by each write transaction.
	Revision(ctx context.Context) (int64, error)
	// Reading is the same store, whose rows need to carry only these fields: a page of
	// messages without their metadata costs half as much. Keys and references are
	// always there. Closing either closes both.
	Reading(fields Fields) UserStore

	Attacks(ctx context.Context, filter *AttackFilter, order AttackOrder, page Page) (*Connection[Attack], error)
	AttacksByNumber(ctx context.Context, numbers []int64) (map[int64]*Attack, error)
	// AttacksOf lists, for each parent, the attacks that name it: the edge from a
	// component, dataset prompt or execution to its attacks.
	AttacksOf(ctx context.Context, edge AttackEdge, parents []string, filter *AttackFilter, order AttackOrder, page Page) (map[string]*Connection[Attack], error)
	Facets
	Edges
	LabelsByAttack(ctx context.Context, numbers []int64) (map[int64][]*Label, error)

	Conversations(ctx context.Context, filter *ConversationFilter, order ConversationOrder, page Page) (*Connection[Conversation], error)
	ConversationsByNumber(ctx context.Context, numbers []int64) (map[int64]*Conversation, error)
	ConversationsByAttack(ctx context.Context, numbers []int64, filter *ConversationFilter, page Page) (map[int64]*Connection[Conversation], error)
	BranchesByConversation(ctx context.Context, numbers []int64) (map[int64][]*Conversation, error)
	LabelsByConversation(ctx context.Context, numbers []int64) (map[int64][]*Label, error)

	Messages(ctx context.Context, filter *MessageFilter, order MessageOrder, page Page) (*Connection[Message], error)
	MessagesByKey(ctx context.Context, keys []MessageKey) (map[MessageKey]*Message, error)
	MessagesByConversation(ctx context.Context, numbers []int64, filter *MessageFilter, page Page) (map[int64]*Connection[Message], error)

	EmbeddingsByMessage(ctx context.Context, keys []MessageKey) (map[MessageKey][]*Embedding, error)
	// FilesByMessage finds the files that messages name.
	FilesByMessage(ctx context.Context, keys []MessageKey) (map[MessageKey]*MessageFiles, error)

	ScoresByMessage(ctx context.Context, keys []MessageKey) (map[MessageKey][]*Score, error)
	ScoresByNumber(ctx context.Context, numbers []int64) (map[int64]*Score, error)

	Components(ctx context.Context, filter *ComponentFilter, page Page) (*Connection[Component], error)
	ComponentsByHash(ctx context.Context, hashes []string) (map[string]*Component, error)

	Generators(ctx context.Context, filter *ConfiguredFilter, order NameOrder, page Page) (*Connection[Generator], error)
	Converters(ctx context.Context, filter *ConfiguredFilter, order NameOrder, page Page) (*Connection[Converter], error)
	Scorers(ctx context.Context, filter *ConfiguredFilter, order NameOrder, page Page) (*Connection[Scorer], error)
	GeneratorsByKey(ctx context.Context, keys []string) (map[string]*Generator, error)
	ConvertersByKey(ctx context.Context, keys []string) (map[string]*Converter, error)
	ScorersByKey(ctx context.Context, keys []string) (map[string]*Scorer, error)
	// ConfiguredByKey reads what the three share, of one kind.
	ConfiguredByKey(ctx context.Context, kind ConfiguredKind, keys []string) (map[string]*Configured, error)

	// AddConfigured adds a configured thing: its Key, Name, Type, Parameters, Status and
	// times are the caller's. CodeConflict for a name that one of the kind has.
	AddConfigured(ctx context.Context, kind ConfiguredKind, thing *Configured, credential *NewCredential) error
	// ChangeConfigured changes a configured thing now. CodeNotFound for none,
	// CodeConflict for a name that another of the kind has.
	ChangeConfigured(ctx context.Context, kind ConfiguredKind, key string, change ConfiguredChange) error

	// SealedCredential is the sealed credential of one thing. CodeNotFound for none.
	SealedCredential(ctx context.Context, kind ConfiguredKind, key string) (string, error)
	// SealedCredentials lists the sealed credentials of configured things by kind and
	// key, behind a row; an empty kind is the beginning.
	SealedCredentials(ctx context.Context, kind ConfiguredKind, key string, limit int) ([]*SealedCredential, error)
	// ReplaceCredentials stores new sealed texts where the old ones still are.
	ReplaceCredentials(ctx context.Context, changes []*ResealedCredential) error

	// Annotate adds one annotation to everything that is chosen and tells to how many.
	// The newest verdict on an attack that stands is its outcome (OutcomeHuman);
	// what it overrules is remembered. CodeNotFound for a chosen key of nothing.
	Annotate(ctx context.Context, annotation *NewAnnotation) (int64, error)
	// RetractAnnotation takes annotations back, which stay in the history, and tells how
	// many. CodeNotFound for none, CodeConflict for what was retracted before.
	RetractAnnotation(ctx context.Context, retraction *Retraction) (int64, error)
	// The annotations on one thing are listed oldest first, retracted ones with them.
	AnnotationsByAttack(ctx context.Context, numbers []int64) (map[int64][]*Annotation, error)
	AnnotationsByConversation(ctx context.Context, numbers []int64) (map[int64][]*Annotation, error)
	AnnotationsByMessage(ctx context.Context, keys []MessageKey) (map[MessageKey][]*Annotation, error)
	AnnotationsByKey(ctx context.Context, keys []string) (map[string]*Annotation, error)
	AnnotationsOfBatch(ctx context.Context, batch string, limit int) ([]*Annotation, error)

	// SetLabels gives attacks a label, whose value replaces every other under its key,
	// also on their main conversations. CodeNotFound for an attack that is not there.
	SetLabels(ctx context.Context, labels *Labelling) (Labelled, error)
	// RemoveLabels takes a label away from attacks and their main conversations.
	// CodeNotFound for an attack that is not there.
	RemoveLabels(ctx context.Context, labels *Labelling) (Labelled, error)

	// AddFinding adds a finding, whose Key, Status and CreatedAt are the caller's, with
	// attacks and messages that show it. CodeNotFound for evidence that is not there.
	AddFinding(ctx context.Context, finding *Finding, evidence Chosen) error
	// ChangeFinding changes a finding. CodeNotFound for none, CodeConflict for a status
	// that may not follow.
	ChangeFinding(ctx context.Context, key string, change FindingChange, now time.Time) error
	// AddEvidence and RemoveEvidence tell how many attacks and messages were new or
	// gone. CodeNotFound for no such finding, and for new evidence that is not there.
	AddEvidence(ctx context.Context, key string, evidence Chosen, now time.Time) (int64, error)
	RemoveEvidence(ctx context.Context, key string, evidence Chosen, now time.Time) (int64, error)
	Findings(ctx context.Context, filter *FindingFilter, order FindingOrder, page Page) (*Connection[Finding], error)
	FindingsByKey(ctx context.Context, keys []string) (map[string]*Finding, error)
	FindingsByAttack(ctx context.Context, numbers []int64) (map[int64][]*Finding, error)
	// RunsByFinding finds the earliest and the latest run of the attacks of a finding.
	RunsByFinding(ctx context.Context, keys []string) (map[string]*FindingRuns, error)
	// MessagesByFinding reads the first messages of each finding, in their order.
	MessagesByFinding(ctx context.Context, keys []string, limit int) (map[string][]*Message, error)

	Taxonomies
	Exchanges
	People

	Orchestrators
	Prices
	Usage

	Executions(ctx context.Context, filter *ExecutionFilter, order ExecutionOrder, page Page) (*Connection[Execution], error)
	ExecutionsByKey(ctx context.Context, keys []string) (map[string]*Execution, error)
	ExecutionSummaries(ctx context.Context, keys []string) (map[string]*ExecutionSummary, error)
	ExecutionTallies(ctx context.Context, keys []string, now time.Time) (map[string]*ExecutionTally, error)
	ErrorClasses(ctx context.Context, keys []string) (map[string][]*ErrorClassCount, error)
	ItemsByExecution(ctx context.Context, keys []string, filter *ExecutionItemFilter, page Page) (map[string]*Connection[ExecutionItem], error)
	EventsByExecution(ctx context.Context, keys []string, filter *ExecutionEventFilter, page Page) (map[string]*Connection[ExecutionEvent], error)

	Runs

	Imports(ctx context.Context, page Page) (*Connection[Import], error)
	ImportsByKey(ctx context.Context, keys []string) (map[string]*Import, error)
	StorageUse(ctx context.Context) (*StorageUse, error)

	Files

	// Snapshot is this store as it is now, whatever is written meanwhile. It reads only,
	// on one connection, and must be closed.
	Snapshot(ctx context.Context) (UserStore, error)
	// AttacksReferredTo are the attacks that those refer to and that are not among
	// them: by a branch, a repeated message or an objective score.
	AttacksReferredTo(ctx context.Context, numbers []int64) ([]int64, error)
	// OwnLabelsByAttack are an attack's labels without those of its conversation.
	OwnLabelsByAttack(ctx context.Context, numbers []int64) (map[int64][]*Label, error)
	// KnownConfigured tells which of these configured things are in the store.
	KnownConfigured(ctx context.Context, kind ConfiguredKind, things []SourceIdentity) (map[SourceIdentity]bool, error)
	// SourceRanks lists the ranks that are remembered, behind one of them; the zero
	// value is the beginning.
	SourceRanks(ctx context.Context, after SourceRank, limit int) ([]*SourceRank, error)

	// CheckDelete tells what is in the way of Delete after a copy: CodeConflict when
	// something that would stay refers to what would go, or people wrote on it, which a
	// copy does not take along; CodeBadInput for a selection by filter.
	CheckDelete(ctx context.Context, what Selection) error
	// Delete removes what is selected by keys, with everything that only it has: an
	// attack's conversations, messages, scores, labels; a dataset's prompts. All or
	// nothing. Components and executions stay. Errors are CheckDelete's, those of
	// allowed, which is asked in the transaction, and CodeConflict when the store was
	// written to since it had the revision: then it holds what the caller has not seen.
	Delete(ctx context.Context, what Selection, revision int64, allowed func(ctx context.Context) error) error

	Keeping

	// NewStage begins an import.
	NewStage(ctx context.Context, guard Guard) (Stage, error)
	Close() error
}

// Fields are names of fields in the schema, of whatever type; nil stands for all.
type Fields map[string]bool

// Has says whether the field is one of them.
func (f Fields) Has(name string) bool { return f == nil || f[name] }

// AttackEdge is how a parent names its attacks.
type AttackEdge string

// The edges to attacks.
const (
	AttacksOfComponent AttackEdge = "component" // parent: component hash, in any part
	AttacksOfPrompt    AttackEdge = "prompt"    // parent: prompt number
	AttacksOfExecution AttackEdge = "execution" // parent: execution key
	AttacksOfGenerator AttackEdge = "generator" // parent: generator key
	AttacksOfConverter AttackEdge = "converter" // parent: converter key
	AttacksOfFinding   AttackEdge = "finding"   // parent: finding key
)

// AppStore is the installation's bookkeeping: who may do what, and what was done.
// It never holds a prompt, a reply, an objective or a credential that is not sealed.
//
// Methods with keys answer for all of them in one statement; a key without an
// answer is absent from the map.
type AppStore interface {
	Users
	Workspaces
	APIKeys
	Sessions
	AuditLog
	Settings
	UserSettings
	RateLimits
	HealthHistory
	ErrorLogs
	Repeats
	Executions
	Webhooks

	// Flush writes what is kept in memory: when keys and sessions were last used.
	// The caller calls it each second and before Close.
	Flush(ctx context.Context) error
	Ping(ctx context.Context) error
	Close() error
}
