package resolvers

import (
	"context"
	"fmt"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) conversationUpdates(ctx context.Context, id string, after *string) (<-chan *schema.ConversationUpdate, error) {
	scope, parsed, err := directives.ReadingThing(ctx, "conversationId", id, storage.KindConversation)
	if err != nil {
		return nil, err
	}
	numbers, numbered := parsed.Numbers(1)
	if !numbered {
		return nil, directives.Missing("conversationId")
	}
	number, list := numbers[0], fmt.Sprintf("conversation/%d", numbers[0])
	place, err := placeOf(after, list)
	if err != nil {
		return nil, err
	}
	listener, err := r.tails.Listen(ctx, scope.Workspace.Key, number, place)
	if storage.CodeOf(err) == storage.CodeNotFound {
		return nil, directives.Missing("conversationId")
	}
	if err != nil {
		return nil, err
	}
	return stream(ctx, r, scope, listener.Leave, func(ctx context.Context) (*schema.ConversationUpdate, error) {
		frame, err := listener.Next(ctx)
		if err != nil {
			return nil, err
		}
		at := frame.News.Place
		return &schema.ConversationUpdate{
			Cursor:   storage.Cursor{List: list, Number: fmt.Sprintf("%d %d %d", at.Sequence, at.Score, at.Branch)}.String(),
			Snapshot: frame.Snapshot, Number: number, Workspace: scope.Workspace, News: frame.News,
		}, nil
	})
}

// placeOf reads a cursor of a conversation's additions.
func placeOf(after *string, list string) (*storage.ConversationPlace, error) {
	if after == nil {
		return nil, nil
	}
	cursor, err := storage.ParseCursor("after", *after, list)
	if err != nil {
		return nil, err
	}
	place := &storage.ConversationPlace{}
	if _, err := fmt.Sscanf(cursor.Number, "%d %d %d", &place.Sequence, &place.Score, &place.Branch); err != nil || place.Sequence < 0 || place.Score < 0 || place.Branch < 0 {
		return nil, storage.BadInput("after", "this is no cursor of the conversation: pass one that it gave, or none")
	}
	return place, nil
}

// conversationOf is the conversation of a frame as it is now.
func conversationOf(ctx context.Context, update *schema.ConversationUpdate) (*storage.Conversation, error) {
	set, err := directives.In(ctx, workspaceID(update.Workspace))
	if err != nil {
		return nil, err
	}
	return set.Conversation.Load(ctx, update.Number)
}
