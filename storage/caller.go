package storage

import "context"

// Caller is where a request came from, for the audit log.
type Caller struct {
	IP        string // the address of the connection, or the one that a trusted proxy names
	UserAgent string
	RequestID string
}

type callerKey struct{}

// WithCaller puts the caller into the context of a request.
func WithCaller(ctx context.Context, caller Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// CallerFrom returns the caller of a request, empty outside one.
func CallerFrom(ctx context.Context) Caller {
	caller, _ := ctx.Value(callerKey{}).(Caller)
	return caller
}
