package execution

import (
	"context"
	"errors"
	"time"

	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/storage"
)

const (
	// frameMessages is how many messages a frame of a conversation has at most, about.
	frameMessages = 100
	// lookAgain is how often a conversation is looked at without being woken, for what an
	// import brought.
	lookAgain = 10 * time.Second
)

// ConversationFrame is what a listener is told at once.
type ConversationFrame struct {
	Snapshot bool // it was there when the listener came
	News     *storage.ConversationNews
}

// Listener is told of one conversation. It belongs to one goroutine. A slow one lags: what
// waits for it stands in the store, not in memory.
type Listener struct {
	tails  *Tails
	store  storage.UserStore
	number int64
	topic  string
	place  storage.ConversationPlace
	fresh  bool // what was there is still to be told
	told   time.Time
}

// Listen begins to follow a conversation, behind a place or, without one, from its
// beginning. CodeNotFound for none. The caller leaves.
func (t *Tails) Listen(ctx context.Context, workspaceKey string, number int64, after *storage.ConversationPlace) (*Listener, error) {
	store, err := t.Store(ctx, workspaceKey)
	if err != nil {
		return nil, err
	}
	l := &Listener{tails: t, store: store, number: number, topic: events.Conversation(conversationID(store, number)), fresh: after == nil}
	if after != nil {
		l.place = *after
	}
	if _, err := store.ConversationNews(ctx, number, l.place, 1); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return l, nil
}

// Leave ends the following.
func (l *Listener) Leave() error { return l.store.Close() }

// Next waits for the next frame.
func (l *Listener) Next(ctx context.Context) (*ConversationFrame, error) {
	if err := sleep(ctx, time.Until(l.told.Add(frameEvery))); err != nil {
		return nil, err
	}
	for {
		woken := l.tails.Events.Follow(l.topic)
		news, err := l.store.ConversationNews(ctx, l.number, l.place, frameMessages)
		if err != nil {
			return nil, err
		}
		if l.fresh || news.Place != l.place {
			frame := &ConversationFrame{Snapshot: l.fresh, News: news}
			l.place, l.fresh = news.Place, l.fresh && news.More
			if !news.More {
				l.told = time.Now()
			}
			return frame, nil
		}
		again := time.NewTimer(lookAgain)
		select {
		case <-woken:
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, ctx.Err()
		}
		again.Stop()
	}
}
