package storage

import "time"

// Purpose is what a conversation was for (domain.md, Purpose of a conversation).
type Purpose string

// The purposes of a conversation.
const (
	PurposeTarget      Purpose = "TARGET"
	PurposeAlternative Purpose = "ALTERNATIVE"
	PurposeAttacker    Purpose = "ATTACKER"
	PurposeJudge       Purpose = "JUDGE"
	PurposeConverter   Purpose = "CONVERTER"
	PurposeUnknown     Purpose = "UNKNOWN"
)

// Conversation is one thread of messages.
type Conversation struct {
	ID       string
	Number   int64
	Source   Source
	SourceID string

	AttackNumber *int64
	Purpose      Purpose
	Why          *string // for an ALTERNATIVE: backtracked, failed try, ... where known
	TargetHash   *string // component

	BranchedFromNumber   *int64 // the conversation this one was branched from,
	BranchedFromSequence *int64 // and the first sequence that differs there

	MessageCount  int64
	StartedAt     *time.Time // null without messages
	LastMessageAt *time.Time
	Attributes    *JSON
}

// ConversationOrderField is what a list of conversations can be ordered by.
type ConversationOrderField string

// The orders of conversations; equal values are ordered by number.
const (
	ConversationOrderNumber        ConversationOrderField = "NUMBER"
	ConversationOrderStartedAt     ConversationOrderField = "STARTED_AT"
	ConversationOrderLastMessageAt ConversationOrderField = "LAST_MESSAGE_AT"
	ConversationOrderMessageCount  ConversationOrderField = "MESSAGE_COUNT"
)

// ConversationOrder orders a list of conversations.
type ConversationOrder struct {
	Field     ConversationOrderField
	Direction Direction
}

// ConversationFilter narrows a list of conversations.
type ConversationFilter struct {
	And []*ConversationFilter
	Or  []*ConversationFilter
	Not *ConversationFilter

	Number       *LongRange
	Purpose      *PurposeIn
	SourceID     *TextIn
	Source       *SourceIn
	Target       *TextIn // a target's name or id
	Model        *TextIn
	MessageCount *LongRange
	StartedAt    *TimeRange
	Label        *LabelFilter
	Text         *TextMatch // of any message
	HasAttack    *bool
	Annotation   *AnnotationFilter // on it, or on a message of it
	Finding      *TextIn           // a finding's id or title: a message of it is evidence
}
