package storage

import "time"

// Role is who speaks in a message.
type Role string

// The roles of PyRIT 1.1 and garak.
const (
	RoleSystem             Role = "SYSTEM"
	RoleUser               Role = "USER"
	RoleAssistant          Role = "ASSISTANT"
	RoleSimulatedAssistant Role = "SIMULATED_ASSISTANT"
	RoleTool               Role = "TOOL"
	RoleDeveloper          Role = "DEVELOPER"
)

// MessageKey is the place of a message: pieces of one message share a sequence.
type MessageKey struct {
	Conversation int64
	Sequence     int64
	Piece        int64
}

// Message is one piece of a conversation: a text, an image, a call.
type Message struct {
	ID string
	MessageKey
	Source   Source
	SourceID string

	// Original is the piece that this one repeats, when a branch copied it:
	// scores lie on the original.
	Original *MessageKey

	Role             Role
	OriginalValue    string // before converters
	ConvertedValue   string // what was sent, or what came back
	OriginalDataType string // text, image_path, ... (domain.md, PyRIT traps)
	DataType         string // of the converted value
	ConverterHash    []string
	ResponseError    string // none, blocked, processing, empty, unknown
	FinishReason     *string
	LatencyMs        *int64
	InputTokens      *int64
	OutputTokens     *int64
	OriginalHash     string // SHA-256, hex
	ConvertedHash    string
	Metadata         *JSON
	CreatedAt        time.Time
	Attributes       *JSON
}

// ScoredKey is where this message's scores lie.
func (m *Message) ScoredKey() MessageKey {
	if m.Original != nil {
		return *m.Original
	}
	return m.MessageKey
}

// MessageFilter narrows a list of messages.
type MessageFilter struct {
	And []*MessageFilter
	Or  []*MessageFilter
	Not *MessageFilter

	Role          *RoleIn
	Text          *TextMatch // original or converted value
	DataType      *TextIn
	ResponseError *TextIn
	SourceID      *TextIn
	Source        *SourceIn
	CreatedAt     *TimeRange
	Purpose       *PurposeIn
	Hash          *TextIn // SHA-256 of the original value
	HasConverters *bool
	FinishReason  *TextIn
	Annotation    *AnnotationFilter
	Finding       *TextIn // a finding's id or title
}

// MessageOrderField is what a list of messages can be ordered by.
type MessageOrderField string

// The one order of messages for now: conversation, sequence, piece.
const MessageOrderNumber MessageOrderField = "NUMBER"

// MessageOrder orders a list of messages.
type MessageOrder struct {
	Field     MessageOrderField
	Direction Direction
}
