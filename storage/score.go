package storage

import "time"

// ScoreType is the shape of a score's value.
type ScoreType string

// The types of scores.
const (
	ScoreTrueFalse  ScoreType = "TRUE_FALSE"
	ScoreFloatScale ScoreType = "FLOAT_SCALE"
	ScoreCategory   ScoreType = "CATEGORY"
)

// ScoreStatus says whether a scorer came to a verdict.
type ScoreStatus string

// The statuses of a score.
const (
	ScoreComplete     ScoreStatus = "COMPLETE"
	ScoreUndetermined ScoreStatus = "UNDETERMINED"
)

// Score is one scorer's or detector's judgement of one message, or of loose
// content that is no message.
type Score struct {
	ID       string
	Number   int64
	Source   Source
	SourceID string

	Message     *MessageKey // the ORIGINAL piece; null for loose content
	Content     *string     // the loose content
	ScorerHash  string      // component
	ScorerName  string      // class, or the configured scorer's name
	Type        ScoreType
	Value       *bool    // a verdict: of a TRUE_FALSE score, or of a scale against its threshold
	ScaleValue  *float64 // of a FLOAT_SCALE score, 0 to 1
	RawValue    *string  // as the source has it
	Status      ScoreStatus
	Categories  []string
	Rationale   *string
	Description *string
	Objective   *string
	IsObjective bool
	Metadata    *JSON
	CreatedAt   time.Time
	Attributes  *JSON
}

// AnyScore is a score in its type's shape: *TrueFalseScore, *FloatScaleScore or
// *CategoryScore.
type AnyScore interface{ IsScore() *Score }

// TrueFalseScore is a score whose value is a verdict.
type TrueFalseScore struct{ *Score }

// FloatScaleScore is a score whose value lies on a scale from 0 to 1.
type FloatScaleScore struct{ *Score }

// CategoryScore is a score whose value is a label.
type CategoryScore struct{ *Score }

// IsScore returns the score itself.
func (s *Score) IsScore() *Score { return s }

// Typed returns the score in its type's shape.
func (s *Score) Typed() AnyScore {
	switch s.Type {
	case ScoreTrueFalse:
		return &TrueFalseScore{s}
	case ScoreFloatScale:
		return &FloatScaleScore{s}
	default:
		return &CategoryScore{s}
	}
}
