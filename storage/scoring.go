package storage

import "context"

// ScoredAttacks is what a run of SCORING scores: the attacks that a filter holds for when it
// is queued, or those of another run.
type ScoredAttacks struct {
	Filter *AttackFilter
	Again  *string // key of the other run
	Items  []int64 // of it, nil for all
}

// ScoredItem is an attack to score.
type ScoredItem struct {
	Item         int64
	Attack       int64 // number
	Gone         bool  // it was deleted meanwhile
	Objective    *string
	Conversation *int64 // the main one
	Replies      []*ScoredReply
}

// ScoredReply is a message of the model in the main conversation, and what it answers, nil
// for nothing.
type ScoredReply struct {
	Pieces []*Message
	Prompt *Message
}

// Scorings is what runs read that score again.
type Scorings interface {
	// CountToScore counts the attacks that a filter holds for and that have a conversation.
	CountToScore(ctx context.Context, filter *AttackFilter) (int64, error)
	// CountReplies counts the replies in their main conversations.
	CountReplies(ctx context.Context, filter *AttackFilter) (int64, error)
	// ScoredItems reads items of a run in their order: with each all replies, otherwise the
	// last one of each.
	ScoredItems(ctx context.Context, key string, from, limit int64, each bool) ([]*ScoredItem, error)
}
