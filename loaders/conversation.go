package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// conversationsOfAttack answers Attack.conversations, of every purpose.
func conversationsOfAttack(store storage.UserStore) *Pages[int64, storage.ConversationFilter, storage.Conversation] {
	return newPages(func(ctx context.Context, attacks []int64, filter *storage.ConversationFilter, args pageArgs) (map[int64]*storage.ConversationConnection, error) {
		return store.ConversationsByAttack(ctx, attacks, filter, args.page)
	})
}
