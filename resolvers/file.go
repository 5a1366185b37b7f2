package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// filesNoun is the noun of inStore, which uses no table of it.
var filesNoun = noun{name: "File", action: "file.", kind: storage.KindFile}

func (r *Resolver) uploadFile(ctx context.Context, input graph.UploadFileInput) (*schema.FilePayload, error) {
	return r.changeFile(ctx, change{
		field: "uploadFile", id: input.ClientMutationID, input: input, action: "file.upload", on: named{kind: storage.KindFile},
		fields: given(map[string]bool{"file": true, "name": input.Name != nil, "description": input.Description != nil, "tags": input.Tags != nil}),
		do: func(ctx context.Context, w work) (made, error) {
			scope, err := directives.Changing(ctx, input.Workspace)
			if err != nil {
				return made{}, err
			}
			set, err := scope.Open(ctx)
			if err != nil {
				return made{}, err
			}
			w.act.WorkspaceKey = scope.Workspace.Key
			hash, known, err := r.shelf.Add(ctx, set.Store, w.actor.Username, input.File, storage.FileChange{
				Name: input.Name, Description: input.Description, Tags: input.Tags,
			})
			if err != nil {
				return made{}, err
			}
			w.act.SubjectKey = hash
			return made{Workspace: scope.Workspace.Key, Row: hash, Known: known}, nil
		},
	})
}

func (r *Resolver) updateFile(ctx context.Context, input graph.UpdateFileInput) (*schema.FilePayload, error) {
	user, err := directives.User(ctx)
	if err != nil {
		return nil, err
	}
	return r.changeFile(ctx, r.inStore(filesNoun, change{
		field: "updateFile", id: input.ClientMutationID, input: input, action: "file.update",
		fields: given(map[string]bool{"name": input.Name != nil, "description": input.Description != nil, "tags": input.Tags != nil}),
	}, input.ID, func(ctx context.Context, set *loaders.Set, key string) (string, error) {
		return key, set.Store.ChangeFile(ctx, key, user.Username, storage.FileChange{
			Name: input.Name, Description: input.Description, Tags: input.Tags,
		}, now())
	}))
}

func (r *Resolver) deleteFile(ctx context.Context, input graph.DeleteFileInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, filesNoun, change{
		field: "deleteFile", id: input.ClientMutationID, input: input, action: "file.delete",
	}, input.ID, storage.Deletion{}, "files")
}

// changeFile makes a change and reads the file.
func (r *Resolver) changeFile(ctx context.Context, c change) (*schema.FilePayload, error) {
	done, payload, err := r.mutate(ctx, c)
	answer := &schema.FilePayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Known = done.Known
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set != nil {
		answer.File, err = set.File.Load(ctx, done.Row)
	}
	return answer, err
}

func filesIn(ctx context.Context, workspace *storage.Workspace, filter *storage.FileFilter, orderBy *storage.FileOrder, page storage.Page) (*storage.FileConnection, error) {
	set, err := directives.In(ctx, workspaceID(workspace))
	if err != nil {
		return nil, err
	}
	order := storage.FileOrder{Field: storage.FileOrderCreatedAt, Direction: storage.Descending}
	if orderBy != nil {
		order = *orderBy
	}
	return set.Store.Files(ctx, filter, order, page)
}

func fileTypes(ctx context.Context, workspace *storage.Workspace, filter *storage.FileFilter, limit int) ([]*storage.FacetValue, error) {
	if limit < 1 || limit > 100 {
		return nil, storage.BadInput("limit", "limit must be between 1 and 100, not %d", limit)
	}
	set, err := directives.In(ctx, workspaceID(workspace))
	if err != nil {
		return nil, err
	}
	return set.Store.FileTypes(ctx, filter, limit)
}

// usesOf is what refers to a file, the first of each.
func usesOf(ctx context.Context, file *storage.File, first int) (*schema.FileUse, error) {
	if first < 1 || first > loaders.MostShown {
		return nil, storage.BadInput("first", "first must be between 1 and %d, not %d", loaders.MostShown, first)
	}
	set, err := directives.In(ctx, file.ID)
	if err != nil {
		return nil, err
	}
	use, err := set.UseOfFile.Load(ctx, file.Hash)
	if use == nil || err != nil {
		return nil, err
	}
	cut := *use
	cut.Messages, cut.Datasets = use.Messages[:min(first, len(use.Messages))], use.Datasets[:min(first, len(use.Datasets))]
	return &schema.FileUse{FileID: file.ID, FileUse: cut}, nil
}

// loadAll loads the rows of keys that are there.
func loadAll[K comparable, V any](ctx context.Context, loader *loaders.Loader[K, *V], keys []K) ([]*V, error) {
	rows := make([]*V, 0, len(keys))
	found, err := loader.LoadAll(ctx, keys)
	for _, row := range found {
		if row != nil {
			rows = append(rows, row)
		}
	}
	return rows, err
}
