package storage

import "context"

// KeptAnnotation is an annotation with what only the store needs to know of it.
type KeptAnnotation struct {
	Annotation
	Batch string
	// What a verdict on an attack overrules; nil otherwise.
	SourceOutcome       *Outcome
	SourceOutcomeReason *string
	SourceOutcomeSource *OutcomeSource
}

// StagedAnnotation is an annotation before what it is on has numbers; exactly one of
// Attack, Conversation and Message is set, to a source id.
type StagedAnnotation struct {
	KeptAnnotation
	Source                        Source
	Attack, Conversation, Message string
}

// StagedTagWord is a person's word about a tag of an attack.
type StagedTagWord struct {
	TagWord
	Source Source
	Attack string // source id
}

// StagedEvidence says that an attack, or a message, shows a finding; exactly one is set.
type StagedEvidence struct {
	Finding         string // key
	Source          Source
	Attack, Message string // source ids
}

// StagedExchange is a raw exchange of a message; its place is not used.
type StagedExchange struct {
	RawExchange
	Source  Source
	Message string // source id of any piece
}

// PeopleStage stages what people said, for a copy. What the store knows stays as people
// of the store left it: a verdict that was retracted stays so, and the word about a tag,
// the finding and the raw exchange are the store's own.
type PeopleStage interface {
	AddAnnotation(ctx context.Context, a *StagedAnnotation) error
	AddTagWord(ctx context.Context, w *StagedTagWord) error
	AddFinding(ctx context.Context, f *Finding) error
	AddEvidence(ctx context.Context, e *StagedEvidence) error
	AddExchange(ctx context.Context, x *StagedExchange) error
}

// People answers what people said of attacks, whole, for a copy.
type People interface {
	// AnnotationsToCopy are the annotations on attacks, their conversations and messages,
	// oldest first.
	AnnotationsToCopy(ctx context.Context, attacks []int64) ([]*KeptAnnotation, error)
	// AttacksToShow are the attacks that show findings, themselves or by a message. beside
	// counts the messages that show them and belong to no attack.
	AttacksToShow(ctx context.Context, findings []string) (attacks []int64, beside int64, err error)
}
