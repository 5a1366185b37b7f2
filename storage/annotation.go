package storage

import (
	"strings"
	"time"
	"unicode/utf8"
)

// AnnotationVerdict is what a person says of whether an objective was reached: an
// Outcome that a person can see.
type AnnotationVerdict string

// The verdicts of a person.
const (
	VerdictSuccess      AnnotationVerdict = "SUCCESS"
	VerdictFailure      AnnotationVerdict = "FAILURE"
	VerdictUndetermined AnnotationVerdict = "UNDETERMINED"
)

// Annotation is a person's verdict or note on one attack, conversation or message. It
// is never changed, only retracted, and stays in the history then.
type Annotation struct {
	ID  string
	Key string
	// What it is on: exactly one of these is set.
	AttackNumber       *int64
	ConversationNumber *int64
	Message            *MessageKey

	// Verdict, on an attack, is its outcome while no later one stands.
	Verdict   *AnnotationVerdict
	Note      *string
	Reason    *string // why, of a verdict
	Author    string  // username
	CreatedAt time.Time

	RetractedAt      *time.Time
	RetractedBy      *string // username
	RetractionReason *string
}

// Chosen says what a person works on at once, each by its key in the store.
type Chosen struct {
	Attacks []int64
	// Filter takes the attacks that it holds for beside those, nil none.
	Filter        *AttackFilter
	Conversations []int64
	Messages      []MessageKey
}

// Empty says whether nothing is chosen. A filter that holds for nothing chooses.
func (c *Chosen) Empty() bool {
	return c.Filter == nil && len(c.Attacks)+len(c.Conversations)+len(c.Messages) == 0
}

// NewAnnotation is the same annotation on everything that is chosen.
type NewAnnotation struct {
	Batch   string // a UUID of the caller's
	On      Chosen
	Verdict *AnnotationVerdict
	Note    *string
	Reason  *string
	Author  string
	At      time.Time
}

// Retraction takes back an annotation, or, Whole, all of its batch that still stand.
type Retraction struct {
	Key    string
	Whole  bool
	Reason *string
	By     string
	At     time.Time
}

// The longest texts that a person can leave, in bytes.
const (
	MaxNoteBytes   = 20_000
	MaxReasonBytes = 4_000
)

// Check is BAD_USER_INPUT for an annotation that says nothing, is on nothing, overrules
// outcomes without a reason, or has a text that no store takes.
func (a *NewAnnotation) Check() error {
	if a.On.Empty() {
		return BadInput("attacks", "name what to annotate: attacks, an attackFilter, conversations or messages")
	}
	if a.Verdict == nil && blank(a.Note) {
		return BadInput("note", "give a verdict, a note or both")
	}
	if a.Verdict != nil && blank(a.Reason) && (a.On.Filter != nil || len(a.On.Attacks) > 0) {
		return BadInput("reason", "say why: a verdict on attacks overrules what their source says")
	}
	if err := CheckText("note", a.Note, MaxNoteBytes); err != nil {
		return err
	}
	return CheckText("reason", a.Reason, MaxReasonBytes)
}

// CheckText is BAD_USER_INPUT for a text that is longer than most bytes, or that not
// every engine can store.
func CheckText(field string, text *string, most int) error {
	switch {
	case text == nil:
		return nil
	case len(*text) > most:
		return BadInput(field, "%s is longer than %d bytes", field, most)
	case !utf8.ValidString(*text) || strings.ContainsRune(*text, 0):
		return BadInput(field, "%s must be UTF-8 without U+0000", field)
	}
	return nil
}

func blank(text *string) bool { return text == nil || strings.TrimSpace(*text) == "" }
