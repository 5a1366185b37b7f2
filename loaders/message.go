package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// messagesOfConversation answers Conversation.messages, in order.
func messagesOfConversation(store storage.UserStore) *Pages[int64, storage.MessageFilter, storage.Message] {
	return newPages(func(ctx context.Context, conversations []int64, filter *storage.MessageFilter, args pageArgs) (map[int64]*storage.MessageConnection, error) {
		return store.MessagesByConversation(ctx, conversations, filter, args.page)
	})
}
