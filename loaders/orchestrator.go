package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// orchestratorsUsing answers the orchestrators that name a generator, converter, scorer or
// dataset by its key.
func orchestratorsUsing(store storage.UserStore) *Pages[string, struct{}, storage.Orchestrator] {
	return newPages(func(ctx context.Context, keys []string, _ *struct{}, args pageArgs) (map[string]*storage.OrchestratorConnection, error) {
		return store.OrchestratorsUsing(ctx, keys, args.page)
	})
}

// executionsOfOrchestrator answers Orchestrator.executions. The order of attacks is the one that a key
// of pages has room for; both orders are a field and a direction.
func executionsOfOrchestrator(store storage.UserStore) *ExecutionPages {
	return &ExecutionPages{newPages(func(ctx context.Context, keys []string, filter *storage.ExecutionFilter, args pageArgs) (map[string]*storage.ExecutionConnection, error) {
		order := storage.ExecutionOrder{Field: storage.ExecutionOrderField(args.order.Field), Direction: args.order.Direction}
		return store.ExecutionsByOrchestrator(ctx, keys, filter, order, args.page)
	})}
}

// ExecutionPages answers the runs of orchestrators.
type ExecutionPages struct {
	pages *Pages[string, storage.ExecutionFilter, storage.Execution]
}

// Load returns one page of the runs of an orchestrator.
func (l *ExecutionPages) Load(ctx context.Context, orchestrator string, filter *storage.ExecutionFilter, order storage.ExecutionOrder, page storage.Page) (*storage.ExecutionConnection, error) {
	return l.pages.load(ctx, orchestrator, filter, pageArgs{page: page, order: storage.AttackOrder{Field: storage.AttackOrderField(order.Field), Direction: order.Direction}})
}

// UsagePages answer the components that came from configured things of one kind.
type UsagePages = Pages[string, struct{}, storage.Component]

func componentsOf(store storage.UserStore, kind storage.ConfiguredKind) *UsagePages {
	return newPages(func(ctx context.Context, keys []string, _ *struct{}, args pageArgs) (map[string]*storage.ComponentConnection, error) {
		return store.ComponentsOf(ctx, kind, keys, args.page)
	})
}

// ScorePages answer the scores of components or of configured scorers.
type ScorePages = Pages[string, struct{}, storage.Score]

func scoresOf(store storage.UserStore, edge storage.ScoreEdge) *ScorePages {
	return newPages(func(ctx context.Context, parents []string, _ *struct{}, args pageArgs) (map[string]*storage.ScoreConnection, error) {
		return store.ScoresOf(ctx, edge, parents, args.page)
	})
}
