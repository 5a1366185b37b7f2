package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// ExecutionPart asks for the components that played a part in a run.
type ExecutionPart struct {
	Execution string
	Kind      storage.ComponentKind
}

// componentsOfExecution answers Execution.targets, converters and scorers: one statement
// for each part.
func componentsOfExecution(store storage.UserStore) *Loader[ExecutionPart, []*storage.Component] {
	return newListLoader(func(ctx context.Context, parts []ExecutionPart) (map[ExecutionPart][]*storage.Component, error) {
		executions := map[storage.ComponentKind][]string{}
		for _, part := range parts {
			executions[part.Kind] = append(executions[part.Kind], part.Execution)
		}
		answers := make(map[ExecutionPart][]*storage.Component, len(parts))
		for kind, keys := range executions {
			found, err := store.ComponentsByExecution(ctx, kind, keys)
			if err != nil {
				return nil, err
			}
			for key, components := range found {
				answers[ExecutionPart{key, kind}] = components
			}
		}
		return answers, nil
	})
}

// findingsOfExecution answers Execution.findings.
func findingsOfExecution(store storage.UserStore) *Pages[string, storage.FindingFilter, storage.Finding] {
	return newPages(func(ctx context.Context, executions []string, filter *storage.FindingFilter, args pageArgs) (map[string]*storage.FindingConnection, error) {
		return store.FindingsOf(ctx, storage.FindingsOfExecution, executions, filter, args.page)
	})
}

// executionsOf answers Component.executions and Finding.executions.
func executionsOf(store storage.UserStore, edge storage.ExecutionEdge) *Pages[string, storage.ExecutionFilter, storage.Execution] {
	return newPages(func(ctx context.Context, parents []string, filter *storage.ExecutionFilter, args pageArgs) (map[string]*storage.ExecutionConnection, error) {
		return store.ExecutionsOf(ctx, edge, parents, filter, args.page)
	})
}

// conversationsOfExecution answers Execution.conversations.
func conversationsOfExecution(store storage.UserStore) *Pages[string, storage.ConversationFilter, storage.Conversation] {
	return newPages(func(ctx context.Context, executions []string, filter *storage.ConversationFilter, args pageArgs) (map[string]*storage.ConversationConnection, error) {
		return store.ConversationsByExecution(ctx, executions, filter, args.page)
	})
}

// scoresOfExecution answers Execution.scores, which have no filter.
func scoresOfExecution(store storage.UserStore) *Pages[string, struct{}, storage.Score] {
	return newPages(func(ctx context.Context, executions []string, _ *struct{}, args pageArgs) (map[string]*storage.ScoreConnection, error) {
		return store.ScoresByExecution(ctx, executions, args.page)
	})
}
