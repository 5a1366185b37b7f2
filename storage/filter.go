package storage

import "time"

// TextIn narrows a text to a set, or to the absence of a value.
type TextIn struct {
	In     []string
	NotIn  []string
	IsNull *bool
}

// TextMatch narrows a text by what it contains. Letters match regardless of case
// unless CaseSensitive; Matches is a regular expression (RE2).
type TextMatch struct {
	Contains      *string
	Equals        *string
	StartsWith    *string
	Matches       *string
	CaseSensitive *bool
}

// LongRange narrows a whole number; both ends are inclusive.
type LongRange struct {
	Min *int64
	Max *int64
	In  []int64
}

// TimeRange narrows a time: from From, inclusive, to before To.
type TimeRange struct {
	From *time.Time
	To   *time.Time
}

// OutcomeIn narrows an outcome.
type OutcomeIn struct{ In, NotIn []Outcome }

// OutcomeSourceIn narrows who decided an outcome.
type OutcomeSourceIn struct{ In, NotIn []OutcomeSource }

// SourceIn narrows the tool that made a row.
type SourceIn struct{ In, NotIn []Source }

// PurposeIn narrows what a conversation was for.
type PurposeIn struct{ In, NotIn []Purpose }

// RoleIn narrows who spoke.
type RoleIn struct{ In, NotIn []Role }

// ComponentKindIn narrows what a component is.
type ComponentKindIn struct{ In, NotIn []ComponentKind }
