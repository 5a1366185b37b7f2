package storage

import "context"

// Repeats let a client send a mutation again without doing it twice: it names each
// mutation by a clientMutationId, and gets the first answer when it repeats it within
// a day.
type Repeats interface {
	// ClaimMutation returns nil when the mutation is to be done: FinishMutation or
	// ReleaseMutation follows. It returns the first answer when it was done.
	// CodeConflict for an id whose mutation still runs or was interrupted (whether it
	// was done is not known then), and for one that came with another request before.
	// requestHash is the SHA-256 of what was asked, in hex.
	ClaimMutation(ctx context.Context, userKey, mutationID, requestHash string) (*JSON, error)
	// FinishMutation keeps the answer: keys of what was made, never what a store of a
	// user holds. BAD_USER_INPUT over MaxRepeatedAnswer; CodeNotFound without a claim.
	FinishMutation(ctx context.Context, userKey, mutationID string, answer JSON) error
	// ReleaseMutation gives up the claim of a mutation that did nothing.
	ReleaseMutation(ctx context.Context, userKey, mutationID string) error
	// PurgeMutations forgets those of yesterday, and returns how many.
	PurgeMutations(ctx context.Context) (int64, error)
}

// The sizes of what is kept of a mutation, in bytes.
const (
	MaxMutationID     = 256
	MaxRepeatedAnswer = 4 << 10
)
