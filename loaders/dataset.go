package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// promptsOfDataset answers Dataset.prompts, in the dataset's order.
func promptsOfDataset(store storage.UserStore) *Pages[string, storage.PromptFilter, storage.Prompt] {
	return newPages(func(ctx context.Context, datasets []string, filter *storage.PromptFilter, args pageArgs) (map[string]*storage.PromptConnection, error) {
		return store.PromptsByDataset(ctx, datasets, filter, args.page)
	})
}

// promptsOfVersion answers DatasetVersion.prompts, in the version's order.
func promptsOfVersion(store storage.UserStore) *Pages[string, storage.PromptFilter, storage.Prompt] {
	return newPages(func(ctx context.Context, versions []string, filter *storage.PromptFilter, args pageArgs) (map[string]*storage.PromptConnection, error) {
		return store.PromptsByVersion(ctx, versions, filter, args.page)
	})
}

// versionsOfDataset answers Dataset.versions, newest first. They have no filter.
func versionsOfDataset(store storage.UserStore) *Pages[string, struct{}, storage.DatasetVersion] {
	return newPages(func(ctx context.Context, datasets []string, _ *struct{}, args pageArgs) (map[string]*storage.DatasetVersionConnection, error) {
		return store.DatasetVersions(ctx, datasets, args.page)
	})
}

// Tried asks how a prompt fared on a target; an empty hash means on any.
type Tried struct {
	Prompt     int64
	TargetHash string
}

// lastOutcomes answers Prompt.lastOutcome: one statement for each target.
func lastOutcomes(store storage.UserStore) batchFunc[Tried, *storage.Outcome] {
	return func(ctx context.Context, keys []Tried) (map[Tried]*storage.Outcome, error) {
		prompts := map[string][]int64{}
		for _, key := range keys {
			prompts[key.TargetHash] = append(prompts[key.TargetHash], key.Prompt)
		}
		answers := make(map[Tried]*storage.Outcome, len(keys))
		for hash, numbers := range prompts {
			outcomes, err := store.LastOutcomes(ctx, numbers, hash)
			if err != nil {
				return nil, err
			}
			for number, outcome := range outcomes {
				answers[Tried{number, hash}] = &outcome
			}
		}
		return answers, nil
	}
}
