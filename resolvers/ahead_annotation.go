package resolvers

import (
	"context"
	"sync"

	"github.com/violentutf/violentutf/storage"
)

// annotations goes on below the annotations of several things.
func (a ahead) annotations(ctx context.Context, on selection, found [][]*storage.Annotation) {
	var attacks, conversations []int64
	var messages []storage.MessageKey
	for _, rows := range found {
		for _, row := range rows {
			attacks = push(attacks, row.AttackNumber)
			conversations = push(conversations, row.ConversationNumber)
			messages = push(messages, row.Message)
		}
	}
	var level sync.WaitGroup
	defer level.Wait()
	if on.has("attack") {
		level.Go(func() {
			a.attacks(ctx, on.under("attack", "Attack", "Node"), a.set.Attack.Prefetch(ctx, attacks))
		})
	}
	if on.has("conversation") {
		level.Go(func() {
			a.conversations(ctx, on.under("conversation", "Conversation", "Node"), a.set.Conversation.Prefetch(ctx, conversations))
		})
	}
	if on.has("message") {
		level.Go(func() {
			a.messages(ctx, on.under("message", "Message", "Node"), a.set.Message.Prefetch(ctx, messages))
		})
	}
}
