package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// threads answers Attack.replay: each conversation as a whole, with its converters.
// Lengths, messages and converters are one statement each.
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
	threads := make(map[int64]*storage.Thread, len(conversations))
	short, err := shortOf(ctx, store, conversations, threads)
	if err != nil {
		return nil, err
	}
	pages, err := store.MessagesByConversation(ctx, short, nil, storage.Page{Limit: storage.MaxThread})
	if err != nil {
		return nil, err
	}
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

// shortOf leaves out the conversations that are too long, for which a mark is set, before
// anything of them is read. Errors are BAD_USER_INPUT beyond MaxThreads.
func shortOf(ctx context.Context, store storage.UserStore, conversations []int64, threads map[int64]*storage.Thread) ([]int64, error) {
	found, err := store.ConversationsByNumber(ctx, conversations)
	if err != nil {
		return nil, err
	}
	short, messages := make([]int64, 0, len(found)), int64(0)
	for number, conversation := range found {
		if conversation.MessageCount > storage.MaxThread {
			threads[number] = &storage.Thread{More: true}
			continue
		}
		short, messages = append(short, number), messages+conversation.MessageCount
	}
	if messages > storage.MaxThreads {
		return nil, storage.Errorf(storage.CodeBadInput,
			"the conversations have %d messages together and at most %d are read as a whole at once: ask for fewer (first, last)",
			messages, storage.MaxThreads)
	}
	return short, nil
}
