package storage

import "context"

// Selection says what is copied from a workspace to another one, or deleted: each by
// the key that it has in its own store.
type Selection struct {
	Attacks []int64 // numbers
	// Filter takes the attacks that it holds for beside those, nil none.
	Filter     *AttackFilter
	Datasets   []string
	Generators []string
	Converters []string
	Scorers    []string
	Findings   []string
}

// Empty says whether nothing is selected.
func (s *Selection) Empty() bool {
	return s.Filter == nil && len(s.Attacks)+len(s.Datasets)+len(s.Generators)+len(s.Converters)+len(s.Scorers)+len(s.Findings) == 0
}

// Transfer is a copy or move between two workspaces.
type Transfer struct {
	From, To *Workspace
	What     Selection
	DryRun   bool
	Actor    string // key of the user: one at a time for each
	// Allowed is asked again inside each transaction that changes something, because a
	// long transfer may outlive the right to it. An error ends the transfer there.
	Allowed func(ctx context.Context) error
}

// SourceIdentity is what a source calls a row.
type SourceIdentity struct {
	Source   Source
	SourceID string
}

// SourceRank is how final a row was when it was stored (Stage).
type SourceRank struct {
	Table string
	SourceIdentity
	Rank int64
}

// Embedding is the vector that a model gave for a message's converted value.
type Embedding struct {
	Model  string
	Vector []float32
}
