package storage

import (
	"context"
	"time"
)

// FindingEdge is how a parent leads to findings.
type FindingEdge string

// FindingsOfExecution are those whose evidence is of a run; the parent is the run's key.
const FindingsOfExecution FindingEdge = "execution"

// ExecutionEdge is how a parent leads to runs.
type ExecutionEdge string

// The edges to runs.
const (
	ExecutionsOfComponent ExecutionEdge = "component" // parent: component hash, in any part
	ExecutionsOfFinding   ExecutionEdge = "finding"   // parent: finding key
)

// TargetOutcome is how a prompt fared last on one target.
type TargetOutcome struct {
	AttackID     string
	TargetHash   *string // component, nil where the source names none
	AttackNumber int64
	Outcome      Outcome
	StartedAt    time.Time
}

// LabelKey is a key of labels with its values.
type LabelKey struct {
	Key    string
	Count  int64 // attacks that have it
	Values []*FacetValue
}

// Edges lead from things to what else names them.
type Edges interface {
	// FindingsByConversation are the findings that a message of the conversation shows,
	// oldest first; FindingsByMessage those that the message itself shows.
	FindingsByConversation(ctx context.Context, numbers []int64) (map[int64][]*Finding, error)
	FindingsByMessage(ctx context.Context, keys []MessageKey) (map[MessageKey][]*Finding, error)
	FindingsOf(ctx context.Context, edge FindingEdge, parents []string, filter *FindingFilter, page Page) (map[string]*Connection[Finding], error)
	ExecutionsOf(ctx context.Context, edge ExecutionEdge, parents []string, filter *ExecutionFilter, page Page) (map[string]*Connection[Execution], error)
	// ConversationsByExecution are those of every purpose of the run's attacks.
	ConversationsByExecution(ctx context.Context, keys []string, filter *ConversationFilter, page Page) (map[string]*Connection[Conversation], error)
	// ScoresByExecution are the scores on messages of the run's attacks, oldest first.
	ScoresByExecution(ctx context.Context, keys []string, page Page) (map[string]*Connection[Score], error)
	// ComponentsByExecution are components by name, each once.
	ComponentsByExecution(ctx context.Context, kind ComponentKind, keys []string) (map[string][]*Component, error)
	// OutcomesByPrompt tells the outcome of each prompt's newest attack on each target,
	// the newest first.
	OutcomesByPrompt(ctx context.Context, numbers []int64) (map[int64][]*TargetOutcome, error)
	// LabelKeys counts the labels of attacks, also those of their main conversations, by
	// key; of at most limit keys and values together, the most frequent.
	LabelKeys(ctx context.Context, filter *AttackFilter, limit int) ([]*LabelKey, error)
}

// Facets count rows by the values of a dimension, most frequent first.
type Facets interface {
	AttackFacet(ctx context.Context, facet Facet, filter *AttackFilter, limit int) ([]*FacetValue, error)
	// TaxonomyFacet counts attacks by the taxonomies of their tags, or, of one taxonomy,
	// by its entries.
	TaxonomyFacet(ctx context.Context, taxonomy *string, filter *AttackFilter, limit int) ([]*FacetValue, error)
	ConversationFacet(ctx context.Context, facet Facet, filter *ConversationFilter, limit int) ([]*FacetValue, error)
	MessageFacet(ctx context.Context, facet Facet, filter *MessageFilter, limit int) ([]*FacetValue, error)
	ExecutionFacet(ctx context.Context, facet Facet, filter *ExecutionFilter, limit int) ([]*FacetValue, error)
	FindingFacet(ctx context.Context, facet Facet, filter *FindingFilter, limit int) ([]*FacetValue, error)
	ConfiguredFacet(ctx context.Context, kind ConfiguredKind, facet Facet, filter *ConfiguredFilter, limit int) ([]*FacetValue, error)
}

// AnnotationFilter narrows by one annotation, on a thing or on what is part of it.
type AnnotationFilter struct {
	Verdict   *AnnotationVerdictIn
	Author    *TextIn // username
	CreatedAt *TimeRange
	// Retracted is whether it was retracted; absent, it stands.
	Retracted *bool
}

// AnnotationVerdictIn narrows a person's verdict.
type AnnotationVerdictIn struct{ In, NotIn []AnnotationVerdict }
