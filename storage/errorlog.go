package storage

import (
	"context"
	"time"
)

// ErrorLogs count the failures that nobody was meant to see, one row a kind of
// failure.
type ErrorLogs interface {
	// RecordError counts a failure. Message must be redacted; what is longer than
	// MaxErrorMessage is cut.
	RecordError(ctx context.Context, failure Failure) error
	// ErrorLogs lists them, the last seen first.
	ErrorLogs(ctx context.Context, page Page) (*Connection[ErrorLog], error)
	// ErrorLogsByKey reads them by their fingerprints.
	ErrorLogsByKey(ctx context.Context, fingerprints []string) (map[string]*ErrorLog, error)
}

// MaxErrorMessage is in bytes.
const MaxErrorMessage = 1 << 10

// Failure is one occurrence.
type Failure struct {
	Fingerprint string // what occurrences of the same failure share
	Where       string // the operation or field
	Kind        string // as the type of the error
	Message     string // redacted: no prompt, reply, path, statement or credential
	RequestID   string
}

// ErrorLog is a kind of failure with how often it was seen.
type ErrorLog struct {
	Failure   // as last seen
	FirstSeen time.Time
	LastSeen  time.Time
	Count     int64
}
