package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// threads answers Attack.replay: each conversation as a whole, with its converters.
// Messages and converters are one statement each.
func threads(store storage.UserStore) *Loader[int64, *storage.Thread] {
	return newLoaderOr(func(ctx context.Context, conversations []int64) (map[int64]*storage.Thread, error) {
		return readThreads(ctx, store, conversations)
	}, noThread)
}

// scoredThreads answers Conversation.transcript: each conversation as a whole, with its
// converters and scores. The scores are one statement more.
func scoredThreads(store storage.UserStore) *Loader[int64, *storage.Thread] {
	return newLoaderOr(func(ctx context.Context, conversations []int64) (map[int64]*storage.Thread, error) {
		found, err := readThreads(ctx, store, conversations)
		if err != nil {
			return nil, err
		}
		var keys []storage.MessageKey
		for _, thread := range found {
			for _, message := range thread.Messages {
				keys = append(keys, message.ScoredKey())
			}
		}
		scores, err := store.ScoresByMessage(ctx, keys)
		for _, thread := range found {
			thread.Scores = scores
		}
		return found, err
	}, noThread)
}

func noThread(int64) *storage.Thread { return &storage.Thread{} }

func readThreads(ctx context.Context, store storage.UserStore, conversations []int64) (map[int64]*storage.Thread, error) {
	pages, err := store.MessagesByConversation(ctx, conversations, nil, storage.Page{Limit: storage.MaxThread})
	if err != nil {
		return nil, err
	}
	threads := make(map[int64]*storage.Thread, len(pages))
	used := map[string]bool{}
	var hashes []string
	for conversation, page := range pages {
		thread := &storage.Thread{Messages: page.Nodes(), More: page.PageInfo.HasNextPage}
		threads[conversation] = thread
		for _, message := range thread.Messages {
			for _, hash := range message.ConverterHash {
				if !used[hash] {
					used[hash], hashes = true, append(hashes, hash)
				}
			}
		}
	}
	if len(hashes) == 0 {
		return threads, nil
	}
	converters, err := store.ComponentsByHash(ctx, hashes)
	for _, thread := range threads {
		thread.Converters = converters
	}
	return threads, err
}
