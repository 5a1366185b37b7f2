package storage

import (
	"context"
	"time"
)

// Orchestrators keep how attacks are to be made.
type Orchestrators interface {
	// AddOrchestrator adds an orchestrator with what it names. CodeConflict for a name
	// that another has, CodeNotFound for what is named and not there.
	AddOrchestrator(ctx context.Context, orchestrator *Orchestrator, names []Named) error
	// ChangeOrchestrator lets change, which returns what it then names, make an
	// orchestrator another one. Errors are change's and AddOrchestrator's, and
	// CodeNotFound for none.
	ChangeOrchestrator(ctx context.Context, key string, change func(*Orchestrator) ([]Named, error)) error
	Orchestrators(ctx context.Context, filter *OrchestratorFilter, order NameOrder, page Page) (*Connection[Orchestrator], error)
	OrchestratorsByKey(ctx context.Context, keys []string) (map[string]*Orchestrator, error)
	// OrchestratorsUsing lists, by name, those that name a generator, converter, scorer
	// or dataset of that key.
	OrchestratorsUsing(ctx context.Context, keys []string, page Page) (map[string]*Connection[Orchestrator], error)
	ExecutionsByOrchestrator(ctx context.Context, keys []string, filter *ExecutionFilter, order ExecutionOrder, page Page) (map[string]*Connection[Execution], error)
}

// Orchestrator is how attacks are to be made: on what, with which prompts, through which
// converters, judged by which scorers. Keys name what it is made of, so that renaming
// that changes nothing.
type Orchestrator struct {
	ID   string
	Key  string // a UUID
	Name string
	Type string // a name of the types of execution/orchestrator

	GeneratorKey *string // the attacked one
	DatasetKey   *string
	// DatasetVersion is nil for the newest when a run starts.
	DatasetVersion *int64
	Prompts        []string   // prompts or objectives, instead of a dataset
	Chains         [][]string // of converters; each prompt goes through each chain
	Scorers        []string
	// ObjectiveScorer is one of Scorers, which decides outcomes; nil for none.
	ObjectiveScorer *string
	Parameters      JSON

	Labels      []*Label // by key, for each attack
	Tags        []string
	Budget      Budget
	Concurrency int64
	// The longest that a call, and a whole run, may take; nil for the server's bounds.
	CallTimeoutSeconds, RunTimeoutSeconds *int64

	Author    string // username
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Budget is where a run pauses; nil is no bound.
type Budget struct {
	Calls    *int64
	Tokens   *int64
	Money    *float64
	Currency *string // ISO 4217, of Money
}

// Empty tells whether there is no bound at all.
func (b Budget) Empty() bool { return b.Calls == nil && b.Tokens == nil && b.Money == nil }

// Named is a thing of the workspace that an orchestrator names, with the argument that
// names it.
type Named struct {
	Table    ConfiguredKind // of configured things, or Datasets
	Key      string
	Argument string
}

// NamedDatasets is the table of datasets, among those of Named.
const NamedDatasets ConfiguredKind = "datasets"

// The bounds of an orchestrator.
const (
	MaxPrompts     = 1_000
	MaxPromptBytes = 64 << 10
	MaxChains      = 100
	MaxChain       = 20 // converters
	MaxScorers     = 20
	MaxConcurrency = 64
)

// OrchestratorFilter narrows a list of orchestrators. Fields that are set hold together.
type OrchestratorFilter struct {
	Name      *TextMatch
	Type      *TextIn
	Tag       *TextIn
	Generator *TextIn // the attacked generator's name or id
	Dataset   *TextIn // the dataset's name or id
}

// OrchestratorType is a type of orchestrator: its parameters, and what it needs beside
// them.
type OrchestratorType struct {
	ConfiguredType
	Prompts              Need // a dataset or prompts
	Generator            Need
	Scorers              Need
	ObjectiveScorer      Need
	Converters           Need
	PromptsAreObjectives bool // what an attacker is after, and not what is sent
}

// Need says whether something has a use.
type Need string

// The needs.
const (
	NeedRequired Need = "REQUIRED"
	NeedOptional Need = "OPTIONAL"
	NeedNone     Need = "NONE"
)
