package resolvers

import (
	"context"
	"sync"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// node finds what an id names in the viewer's workspaces, or in the bookkeeping as far
// as the viewer may see it. An id that is malformed, of another store or of nothing
// finds nil.
func (r *Resolver) node(ctx context.Context, id string) (schema.Node, error) {
	scope, parsed, ok := directives.Holding(ctx, id)
	if !ok {
		if kept, isID := storage.ParseID(id); isID && !kept.Kind.InWorkspace() {
			return r.kept(ctx, kept)
		}
		return nil, nil
	}
	if parsed.Kind == storage.KindWorkspace {
		return scope.Workspace, nil
	}
	set, err := scope.Open(ctx)
	if err != nil {
		return nil, err
	}
	return find(ctx, set, parsed)
}

// nodes finds all ids at the same time, so that the ids of one kind are one
// statement.
func (r *Resolver) nodes(ctx context.Context, ids []string) ([]schema.Node, error) {
	found := make([]schema.Node, len(ids))
	failed := make([]error, len(ids))
	var all sync.WaitGroup
	for i, id := range ids {
		all.Go(func() { found[i], failed[i] = r.node(ctx, id) })
	}
	all.Wait()
	for _, err := range failed {
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

func find(ctx context.Context, set *loaders.Set, id storage.ID) (schema.Node, error) {
	switch id.Kind {
	case storage.KindAttack:
		return byNumber(ctx, set.Attack, id)
	case storage.KindConversation:
		return byNumber(ctx, set.Conversation, id)
	case storage.KindMessage:
		numbers, ok := id.Numbers(3)
		if !ok {
			return nil, nil
		}
		key := storage.MessageKey{Conversation: numbers[0], Sequence: numbers[1], Piece: numbers[2]}
		return existing(set.Message.Load(ctx, key))
	case storage.KindScore:
		numbers, ok := id.Numbers(1)
		if !ok {
			return nil, nil
		}
		score, err := typed(set.Score.Load(ctx, numbers[0]))
		if score == nil {
			return nil, err
		}
		return score, err
	case storage.KindPrompt:
		return byNumber(ctx, set.Prompt, id)
	case storage.KindComponent:
		return existing(set.Component.Load(ctx, id.Key))
	case storage.KindGenerator:
		return existing(set.Generator.Load(ctx, id.Key))
	case storage.KindConverter:
		return existing(set.Converter.Load(ctx, id.Key))
	case storage.KindScorer:
		return existing(set.Scorer.Load(ctx, id.Key))
	case storage.KindDataset:
		return existing(set.Dataset.Load(ctx, id.Key))
	case storage.KindOrchestrator:
		return existing(set.Orchestrator.Load(ctx, id.Key))
	case storage.KindPrice:
		return existing(set.Price.Load(ctx, id.Key))
	case storage.KindVersion:
		key, ok := storage.ParseVersionKey(id.Key)
		if !ok || key.Number == 0 {
			return nil, nil
		}
		return existing(set.DatasetVersion.Load(ctx, key))
	case storage.KindExecution:
		return existing(set.Execution.Load(ctx, id.Key))
	case storage.KindAnnotation:
		return existing(set.Annotation.Load(ctx, id.Key))
	case storage.KindFinding:
		return existing(set.Finding.Load(ctx, id.Key))
	case storage.KindSavedQuery:
		return existing(set.SavedQuery.Load(ctx, id.Key))
	case storage.KindParameterFile:
		return existing(set.ParameterFile.Load(ctx, id.Key))
	case storage.KindTemplate:
		return existing(set.Template.Load(ctx, id.Key))
	case storage.KindTrashEntry:
		return existing(set.TrashEntry.Load(ctx, id.Key))
	case storage.KindFile:
		return existing(set.File.Load(ctx, id.Key))
	case storage.KindImport:
		return existing(set.Import.Load(ctx, id.Key))
	case storage.KindWebhook, storage.KindWebhookDelivery:
		return ofWorkspace(ctx, set, id)
	default:
		return nil, nil
	}
}

func byNumber[V any](ctx context.Context, loader *loaders.Loader[int64, *V], id storage.ID) (schema.Node, error) {
	numbers, ok := id.Numbers(1)
	if !ok {
		return nil, nil
	}
	return existing(loader.Load(ctx, numbers[0]))
}

// existing keeps a nil pointer from becoming a node that is not nil.
func existing[V any](row *V, err error) (schema.Node, error) {
	if row == nil || err != nil {
		return nil, err
	}
	return row, nil
}
