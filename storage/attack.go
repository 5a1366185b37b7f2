package storage

import "time"

// Outcome says whether an attack reached its objective. The success rate is
// SUCCESS / (SUCCESS + FAILURE); the other two are unassessed.
type Outcome string

// The outcomes of an attack.
const (
	OutcomeSuccess      Outcome = "SUCCESS"
	OutcomeFailure      Outcome = "FAILURE"
	OutcomeUndetermined Outcome = "UNDETERMINED"
	OutcomeError        Outcome = "ERROR"
)

// OutcomeSource says who decided an outcome, in falling order of authority.
type OutcomeSource string

// The sources of an outcome: a person, the tool's own statement, the score of the
// objective's scorer, or our rule over the scores of the last reply.
const (
	OutcomeHuman          OutcomeSource = "HUMAN"
	OutcomeStated         OutcomeSource = "STATED"
	OutcomeObjectiveScore OutcomeSource = "OBJECTIVE_SCORE"
	OutcomeRule           OutcomeSource = "RULE"
)

// Source is the tool that made a row. Together with the row's source id it is
// the row's identity when a file is imported again.
type Source string

// The sources of rows.
const (
	SourceNative     Source = "NATIVE"
	SourcePyRIT      Source = "PYRIT"
	SourceGarak      Source = "GARAK"
	SourceViolentUTF Source = "VIOLENTUTF"
)

// Attack is one try to reach one objective, or to send one prompt, on one
// target: the unit of every statistic.
type Attack struct {
	ID       string
	Number   int64
	Source   Source
	SourceID string

	AttackClass   string  // PyRIT's attack or orchestrator class, garak's probe class
	TechniqueHash *string // PyRIT's attack technique, garak's none
	Objective     *string
	ObjectiveHash *string // SHA-256 of the objective, hex
	PromptKey     *string // what tries of the same prompt share
	PromptNumber  *int64  // dataset prompt
	// HarmCategories and Tags (OWASP LLM, MITRE ATLAS, AVID...) are never nil.
	HarmCategories []string
	Tags           []string
	Probe          *string
	Intent         *string

	TargetHash     *string // component
	AttackerHash   *string // component
	ConverterChain string  // class names joined by " > ", empty without converters
	ConverterHash  []string
	ExecutionID    *string // key of the execution

	ConversationNumber   *int64 // the main conversation
	Outcome              Outcome
	OutcomeReason        *string
	OutcomeSource        OutcomeSource
	ObjectiveScoreNumber *int64

	Turns        *int64
	DurationMs   *int64
	Retries      *int64
	ErrorType    *string
	ErrorMessage *string
	StartedAt    time.Time
	FinishedAt   *time.Time
	Attributes   *JSON // fields of the source that have no column here
}

// AttackOrderField is what a list of attacks can be ordered by.
type AttackOrderField string

// The orders of attacks; equal values are ordered by number.
const (
	AttackOrderStartedAt AttackOrderField = "STARTED_AT"
	AttackOrderNumber    AttackOrderField = "NUMBER"
	AttackOrderTurns     AttackOrderField = "TURNS"
	AttackOrderDuration  AttackOrderField = "DURATION"
)

// Direction is ascending or descending.
type Direction string

// The two directions of an order.
const (
	Ascending  Direction = "ASC"
	Descending Direction = "DESC"
)

// AttackOrder orders a list of attacks.
type AttackOrder struct {
	Field     AttackOrderField
	Direction Direction
}

// AttackFilter narrows a list of attacks. Fields that are set hold together; And,
// Or and Not combine filters.
type AttackFilter struct {
	And []*AttackFilter
	Or  []*AttackFilter
	Not *AttackFilter

	Number        *LongRange
	SourceID      *TextIn
	Source        *SourceIn
	Outcome       *OutcomeIn
	OutcomeSource *OutcomeSourceIn
	AttackClass   *TextIn
	Technique     *TextIn
	Objective     *TextMatch
	Text          *TextMatch // the objective or any message of the attack
	Target        *TextIn    // a target's name or id
	Model         *TextIn
	Generator     *TextIn // a generator's name or id
	Dataset       *TextIn // a dataset's name or id
	Prompt        *TextIn // a dataset prompt's id or a prompt key
	HarmCategory  *TextIn
	Tag           *TextIn // in any spelling of its entry
	Taxonomy      *TextIn // a taxonomy's key, name or id
	Probe         *TextIn
	Intent        *TextIn
	Converters    *ConverterFilter
	Scorer        *ScorerFilter
	// ScorersDisagree holds for attacks whose last reply has true and false verdicts.
	ScorersDisagree *bool
	Label           *LabelFilter
	Labels          []*LabelFilter // all of them
	Turns           *LongRange
	Retries         *LongRange
	DurationMs      *LongRange
	ErrorType       *TextIn
	ResponseError   *TextIn
	Role            *RoleIn // a message of this role is there
	StartedAt       *TimeRange
	Execution       *TextIn // an execution's name or id
	// HasAnnotation holds for attacks with an annotation that stands, on themselves, on
	// a conversation of theirs or on a message of one.
	HasAnnotation *bool
	HasFinding    *bool
	Annotation    *AnnotationFilter // as HasAnnotation
	Finding       *TextIn           // a finding's id or title
}

// ConverterFilter narrows by the converters of a chain, by class name.
type ConverterFilter struct {
	Any   []string // at least one of these
	All   []string // every one of these
	None  []string // not one of these
	Has   *bool    // any converter at all
	Chain *string  // exactly this canonical chain
}

// ScorerFilter narrows by a score on any message of the attack.
type ScorerFilter struct {
	Name    *string // the scorer's class or configured name; any scorer if absent
	Verdict *bool
	Min     *float64 // of a scale, inclusive
	Max     *float64
}

// LabelFilter narrows by a label: the key is there, with that value, or not there.
type LabelFilter struct {
	Key    string
	Value  *string
	In     []string
	Exists *bool
}
