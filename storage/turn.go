package storage

import "context"

// Turn is what a person did in a conversation, and what came of it. It is stored at once.
type Turn struct {
	// Begins is the attack that begins with it; then In and Branch have no meaning.
	Begins *NewAttack
	// In is the conversation that it goes on, and Count how many pieces that had when it
	// was read, which a branch does not ask.
	In, Count int64
	// Branch lets it go on in a new branch of In; nil goes on in In itself.
	Branch   *TurnBranch
	Messages []*ResultMessage // their sequences are the caller's
	// Helpers are conversations of converters and scorers.
	Helpers    []*ResultConversation
	Components []*Component
	// Decision is what the objective's scorer says; nil leaves the attack's outcome.
	Decision *Decision
	// ConverterChain and ConverterHash become those of an attack that is led by hand,
	// unless the chain is empty.
	ConverterChain string
	ConverterHash  []string
}

// NewAttack is an attack that a person begins, in a run of its own that is over at once: it
// waits for no engine.
type NewAttack struct {
	Execution *ExecutionPlan
	Attack    *Attack
	Labels    []*Label
}

// TurnBranch is where a conversation is branched from: all messages before a sequence are
// repeated.
type TurnBranch struct {
	Before     int64
	Why        string
	TargetHash *string // of who goes on in it; nil for the same
}

// Decision is what a scorer of the objective says of an attack.
type Decision struct {
	Attack  int64 // number
	Outcome Outcome
	Reason  *string
}

// TurnDone says where a turn was stored.
type TurnDone struct {
	Conversation int64
	Attack       *int64 // number; nil for a conversation of no attack
}

// ClassManual is the class of attacks that a person leads.
const ClassManual = "ManualAttack"

// Turns is what a person who leads conversations writes.
type Turns interface {
	// RecordTurn stores a turn, all or nothing. CodeNotFound for a conversation that is not
	// there, CodeConflict for one that others wrote to since it was read.
	RecordTurn(ctx context.Context, guard Guard, turn *Turn) (*TurnDone, error)
	// ChooseMainConversation lets a conversation be the main one of its attack, which it
	// returns. CodeNotFound for none, CodeBadInput for one that is no thread with an attack's
	// target, CodeConflict for the one that is the main one already.
	ChooseMainConversation(ctx context.Context, number int64) (int64, error)
}

// ConversationPlace is how far somebody has read a conversation; the zero value stands
// before all of it.
type ConversationPlace struct {
	Sequence int64 // the next that was not read
	Score    int64 // the last number that was read, and of branches
	Branch   int64
}

// ConversationNews is what stands behind a place in a conversation.
type ConversationNews struct {
	Messages []*Message      // in order; all pieces of a message or none
	Scores   []*Score        // on its messages, also on those that they repeat, by number
	Branches []*Conversation // that were branched from it, by number
	Place    ConversationPlace
	More     bool
}

// Followed is what a conversation can be followed by.
type Followed interface {
	// ConversationNews reads what is behind a place: about so many messages, and scores and
	// branches once all messages are read, so that no score comes before its message.
	// CodeNotFound for no conversation.
	ConversationNews(ctx context.Context, number int64, after ConversationPlace, limit int) (*ConversationNews, error)
}
