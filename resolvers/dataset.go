package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/storage"
)

// promptLists are the lists of prompts of one kind of parent.
type promptLists = *loaders.Pages[string, storage.PromptFilter, storage.Prompt]

func promptsOf(ctx context.Context, id string, first *int, after *string, last *int, before *string, filter *storage.PromptFilter, split *string, lists func(*loaders.Set) promptLists, parent string) (*storage.Connection[storage.Prompt], error) {
	page, err := storage.NewPage(first, after, last, before)
	if err != nil {
		return nil, err
	}
	set, err := directives.In(ctx, id)
	if err != nil {
		return nil, err
	}
	if split != nil {
		only := storage.PromptFilter{Split: split}
		if filter != nil {
			only.And = []*storage.PromptFilter{filter}
		}
		filter = &only
	}
	return lists(set).Load(ctx, parent, filter, page)
}

func versionsOf(ctx context.Context, dataset *storage.Dataset, first *int, after *string, last *int, before *string) (*storage.Connection[storage.DatasetVersion], error) {
	page, err := storage.NewPage(first, after, last, before)
	if err != nil {
		return nil, err
	}
	set, err := directives.In(ctx, dataset.ID)
	if err != nil {
		return nil, err
	}
	return set.VersionsOfDataset.Load(ctx, dataset.Key, nil, page)
}

func versionOf(ctx context.Context, id string, key storage.VersionKey) (*storage.DatasetVersion, error) {
	set, err := directives.In(ctx, id)
	if err != nil {
		return nil, err
	}
	return set.DatasetVersion.Load(ctx, key)
}

func splitsOf(ctx context.Context, id string, key storage.VersionKey) ([]*storage.Split, error) {
	set, err := directives.In(ctx, id)
	if err != nil {
		return nil, err
	}
	return set.SplitsOfVersion.Load(ctx, key)
}

func datasetOf(ctx context.Context, id, key string) (*storage.Dataset, error) {
	set, err := directives.In(ctx, id)
	if err != nil {
		return nil, err
	}
	return set.Dataset.Load(ctx, key)
}

func differenceOf(ctx context.Context, version *storage.DatasetVersion, to *int) (*storage.DatasetDifference, error) {
	set, err := directives.In(ctx, version.ID)
	if err != nil {
		return nil, err
	}
	return set.Store.DatasetDifference(ctx, version.VersionKey(), numbered(version.DatasetKey, to))
}

func changesOf(ctx context.Context, difference *storage.DatasetDifference, first *int, after *string, last *int, before *string) (*storage.Connection[storage.PromptDifference], error) {
	page, err := storage.NewPage(first, after, last, before)
	if err != nil {
		return nil, err
	}
	set, err := directives.In(ctx, difference.DatasetID)
	if err != nil {
		return nil, err
	}
	return set.Store.DatasetChanges(ctx, difference.From, difference.To, page)
}

func promptOf(ctx context.Context, id string, number *int64) (*storage.Prompt, error) {
	set, err := directives.In(ctx, id)
	if err != nil {
		return nil, err
	}
	return optional(ctx, set.Prompt, number)
}

func datasetFacet(ctx context.Context, workspace *storage.Workspace, facet storage.DatasetFacet, filter *storage.DatasetFilter, limit *int) ([]*storage.FacetValue, error) {
	size := 50
	if limit != nil {
		size = *limit
	}
	if size < 0 || size > storage.MaxPageSize {
		return nil, storage.BadInput("limit", "limit must be between 0 and %d, not %d", storage.MaxPageSize, size)
	}
	set, err := directives.In(ctx, workspaceID(workspace))
	if err != nil {
		return nil, err
	}
	return set.Store.DatasetFacet(ctx, facet, filter, size)
}
