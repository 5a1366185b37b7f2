package storage

import (
	"errors"
	"fmt"
)

// Code says what kind of failure an error is, so that every way out of the
// program (GraphQL, the command line) can answer it the same way.
type Code string

// The codes of api.md's conventions. A plain error without a code is internal.
const (
	CodeUnauthenticated Code = "UNAUTHENTICATED"
	CodeForbidden       Code = "FORBIDDEN"
	CodeNotFound        Code = "NOT_FOUND"
	CodeBadInput        Code = "BAD_USER_INPUT"
	CodeCostLimit       Code = "COST_LIMIT_EXCEEDED"
	CodeRateLimited     Code = "RATE_LIMITED"
	CodeTimeout         Code = "TIMEOUT"
	CodeConflict        Code = "CONFLICT"
	CodeInternal        Code = "INTERNAL"
)

// ErrCommit is in the chain of an error after which nobody knows whether a transaction is
// stored: its commit failed. After every other error of a transaction nothing of it is.
var ErrCommit = errors.New("the commit failed")

// Error is a failure that the caller can act on. Message is written for the
// caller and names the field and the remedy; the wrapped error, if any, is for
// the log only.
type Error struct {
	Code    Code
	Field   string // the argument at fault, empty where there is none
	Message string
	Err     error
}

// Error returns the message for the caller, without the wrapped cause.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error of the given code; %w in format keeps a cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// BadInput makes a BAD_USER_INPUT error about one argument.
func BadInput(field, format string, args ...any) *Error {
	return &Error{Code: CodeBadInput, Field: field, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of the first Error in err's chain, CodeInternal when
// there is none and the empty code for a nil error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return CodeInternal
}
