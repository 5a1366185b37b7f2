package storage

import (
	"context"
	"time"
)

// MessagePlace is where the pieces of one message lie.
type MessagePlace struct{ Conversation, Sequence int64 }

// Place is where the message's pieces lie.
func (k MessageKey) Place() MessagePlace { return MessagePlace{k.Conversation, k.Sequence} }

// RawExchange is what went over the wire for a message: the request that was sent and the
// response that came back, as texts without credentials.
type RawExchange struct {
	MessagePlace
	Request     string
	Response    string
	ContentType *string // of the response
	Status      *int64  // HTTP's
	KeptAt      time.Time
}

// MaxExchangeBytes is how much of a request, and of a response, is kept.
const MaxExchangeBytes = 1 << 20

// Exchanges are the raw exchanges of a workspace.
type Exchanges interface {
	// AddRawExchanges keeps exchanges of messages that are there, in the place of earlier
	// ones. clean takes credentials out of each text before it is stored; the execution
	// engine's is secret.CleanExchange with the credentials that the call was made with.
	// CodeNotFound for a message that is not there.
	AddRawExchanges(ctx context.Context, clean func(text string) string, exchanges []*RawExchange) error
	RawExchanges(ctx context.Context, places []MessagePlace) (map[MessagePlace]*RawExchange, error)
}
