package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/storage"
)

// optional follows an edge that may be absent.
func optional[K comparable, V any](ctx context.Context, loader *loaders.Loader[K, *V], key *K) (*V, error) {
	if key == nil {
		return nil, nil
	}
	return loader.Load(ctx, *key)
}

// known follows an edge that is absent where the key is empty.
func known[V any](ctx context.Context, loader *loaders.Loader[string, *V], key string) (*V, error) {
	if key == "" {
		return nil, nil
	}
	return loader.Load(ctx, key)
}

// present leaves out what a store no longer has: the rows of a list are never null.
func present[V any](rows []*V, err error) ([]*V, error) {
	kept := make([]*V, 0, len(rows))
	for _, row := range rows {
		if row != nil {
			kept = append(kept, row)
		}
	}
	return kept, err
}

// filesOf are the files of a message, none where the value of this data type is no
// path: a text costs no look-up.
func filesOf(ctx context.Context, message *storage.Message, dataType string) (storage.MessageFiles, error) {
	if !storage.NamesFile(dataType) {
		return storage.MessageFiles{}, nil
	}
	set, err := directives.In(ctx, message.ID)
	if err != nil {
		return storage.MessageFiles{}, err
	}
	found, err := set.FilesOfMessage.Load(ctx, message.MessageKey)
	if found == nil {
		return storage.MessageFiles{}, err
	}
	return *found, err
}

func typed(score *storage.Score, err error) (storage.AnyScore, error) {
	if score == nil {
		return nil, err
	}
	return score.Typed(), err
}

func typedAll(scores []*storage.Score, err error) ([]storage.AnyScore, error) {
	all := make([]storage.AnyScore, len(scores))
	for i, score := range scores {
		all[i] = score.Typed()
	}
	return all, err
}

func scorer(ctx context.Context, score *storage.Score) (*storage.Component, error) {
	set, err := directives.In(ctx, score.ID)
	if err != nil {
		return nil, err
	}
	return set.Component.Load(ctx, score.ScorerHash)
}

func scored(ctx context.Context, score *storage.Score) (*storage.Message, error) {
	set, err := directives.In(ctx, score.ID)
	if err != nil {
		return nil, err
	}
	return optional(ctx, set.Message, score.Message)
}

// componentHash returns the hash that a client's id of a component names, empty
// for no id. It reports false for an id that names nothing in this store.
func componentHash(set *loaders.Set, id *string) (string, bool) {
	if id == nil {
		return "", true
	}
	parsed, ok := storage.ParseID(*id)
	return parsed.Key, ok && parsed.Kind == storage.KindComponent && parsed.Store == set.Store.Key()
}

// messageNamed finds the message of this store that a client's id names.
func messageNamed(ctx context.Context, set *loaders.Set, id string) (*storage.Message, error) {
	none := &storage.Error{Code: storage.CodeNotFound, Field: "with", Message: "no message of this workspace has this id"}
	parsed, ok := storage.ParseID(id)
	if !ok || parsed.Kind != storage.KindMessage || parsed.Store != set.Store.Key() {
		return nil, none
	}
	node, err := find(ctx, set, parsed)
	if message, ok := node.(*storage.Message); ok {
		return message, err
	}
	if err == nil {
		err = none
	}
	return nil, err
}

func workspaceID(workspace *storage.Workspace) string { return directives.WorkspaceID(workspace) }

// nonEmpty is null for a text that is not known.
func nonEmpty[T ~string](text T) *T {
	if text == "" {
		return nil
	}
	return &text
}
