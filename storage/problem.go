package storage

import (
	"errors"
	"strings"
)

// ProblemSeverity says whether a problem keeps a thing from being used.
type ProblemSeverity string

// The severities of problems.
const (
	ProblemError   ProblemSeverity = "ERROR"
	ProblemWarning ProblemSeverity = "WARNING"
)

// Problem is something wrong with what a user set up, which was stored all the same or is
// only thought of.
type Problem struct {
	Severity ProblemSeverity
	Field    []string // from the thing down: parameters, max_turns
	Message  string
	Remedy   string
}

// ProblemOf makes a problem of a refusal: of its field, or of the one given where it names
// none. An error that the caller cannot mend is returned.
func ProblemOf(err error, field, remedy string) (*Problem, error) {
	refusal, ok := errors.AsType[*Error](err)
	if !ok || refusal.Code != CodeBadInput && refusal.Code != CodeNotFound && refusal.Code != CodeConflict {
		return nil, err
	}
	if refusal.Field != "" && field == "" {
		field = refusal.Field
	}
	return &Problem{Severity: ProblemError, Field: strings.Split(field, "."), Message: refusal.Message, Remedy: remedy}, nil
}
