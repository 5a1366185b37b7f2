package resolvers

import (
	"context"
	"sync"

	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// namesInAudit answers the names of what the rows of the audit log speak of before
// gqlgen walks them: one statement for all users, one for all workspaces, one for all
// API keys, whether they acted or were acted on.
func namesInAudit(app *loaders.App) func(context.Context, selection, []*storage.AuditEvent) {
	return func(ctx context.Context, on selection, rows []*storage.AuditEvent) {
		var users, workspaces, keys, intents []string
		actor, subject, workspace, intent := on.has("actorUser"), on.has("subject"), on.has("workspace"), on.has("intent")
		for _, row := range rows {
			if actor {
				users = pushText(users, row.ActorKey)
			}
			if workspace {
				workspaces = pushText(workspaces, row.WorkspaceKey)
			}
			if intent {
				intents = pushText(intents, row.Intent)
			}
			switch {
			case !subject:
			case row.SubjectType == subjectTypes[storage.KindUser]:
				users = pushText(users, row.SubjectKey)
			case row.SubjectType == subjectTypes[storage.KindWorkspace]:
				workspaces = pushText(workspaces, row.SubjectKey)
			case row.SubjectType == subjectTypes[storage.KindAPIKey]:
				keys = pushText(keys, row.SubjectKey)
			}
		}
		var level sync.WaitGroup
		defer level.Wait()
		level.Go(func() { app.User.Prefetch(ctx, users) })
		level.Go(func() { app.Workspace.Prefetch(ctx, workspaces) })
		level.Go(func() { app.APIKey.Prefetch(ctx, keys) })
		level.Go(func() { app.AuditEvent.Prefetch(ctx, intents) })
	}
}

// auditSubject is what a row of the audit log was about, nil for what has no name in
// the bookkeeping.
func auditSubject(ctx context.Context, app *loaders.App, row *storage.AuditEvent) (schema.AuditSubject, error) {
	if row.SubjectKey == "" {
		return nil, nil
	}
	switch row.SubjectType {
	case subjectTypes[storage.KindUser]:
		return existing(app.User.Load(ctx, row.SubjectKey))
	case subjectTypes[storage.KindWorkspace]:
		return existing(app.Workspace.Load(ctx, row.SubjectKey))
	case subjectTypes[storage.KindAPIKey]:
		return existing(app.APIKey.Load(ctx, row.SubjectKey))
	default:
		return nil, nil
	}
}

func pushText(keys []string, key string) []string {
	if key == "" {
		return keys
	}
	return append(keys, key)
}
