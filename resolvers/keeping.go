package resolvers

import (
	"context"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// What people keep: the nouns of inWorkspace and inStore, by whose tables deleteKept
// deletes.
var (
	savedQueries   = noun{name: "SavedQuery", action: "saved_query.", kind: storage.KindSavedQuery}
	parameterFiles = noun{name: "ParameterFile", action: "parameter_file.", kind: storage.KindParameterFile}
	templates      = noun{name: "Template", action: "template.", kind: storage.KindTemplate}
)

// inWorkspace completes a change that makes something in the workspace with that id, the
// personal one without it: do adds it and returns its key.
func (r *Resolver) inWorkspace(of noun, c change, workspace *string, do func(ctx context.Context, set *loaders.Set) (string, error)) change {
	c.on = named{kind: of.kind}
	c.do = func(ctx context.Context, w work) (made, error) {
		scope, err := directives.Changing(ctx, workspace)
		if err != nil {
			return made{}, err
		}
		set, err := scope.Open(ctx)
		if err != nil {
			return made{}, err
		}
		w.act.WorkspaceKey = scope.Workspace.Key
		key, err := do(ctx, set)
		if err == nil {
			w.act.SubjectKey = key
		}
		return made{Workspace: scope.Workspace.Key, Row: key}, err
	}
	return c
}

func (r *Resolver) deleteKept(ctx context.Context, of noun, table storage.KeptKind, input schema.DeleteKeptInput) (*schema.DeletePayload, error) {
	return r.deleteOne(ctx, of, change{
		field: "delete" + of.name, id: input.ClientMutationID, input: input, action: of.action + "delete",
	}, input.ID, storage.Deletion{}, string(table))
}

// newKept is what a new thing of the viewer begins with.
func newKept(ctx context.Context, name string, description *string, tags []string) (storage.Kept, error) {
	user, err := directives.User(ctx)
	if err != nil {
		return storage.Kept{}, err
	}
	return storage.Kept{
		Key: uuid.Must(uuid.NewV7()).String(), Name: name, Description: description, Tags: tags, Author: user.Username, CreatedAt: now(),
	}, nil
}

// cloned is what a thing begins with that is made of another.
func cloned(ctx context.Context, of storage.Kept, name string) (storage.Kept, error) {
	clone, err := newKept(ctx, name, of.Description, of.Tags)
	if err == nil {
		err = clone.Check()
	}
	return clone, err
}

// changeKept puts what is given in the place of what was; nil stays.
func changeKept(k *storage.Kept, revision int64, name, description *string, tags []string) {
	k.Revision, k.UpdatedAt = revision, now()
	if name != nil {
		k.Name = *name
	}
	if description != nil {
		k.Description = description
	}
	if tags != nil {
		k.Tags = tags
	}
}

// current reads the thing with a key as it is now, past every loader and whole: whatever
// the request selects of it, all of it is written back.
func current[T any](ctx context.Context, store storage.UserStore, read func(store storage.UserStore, ctx context.Context, keys []string) (map[string]*T, error), key string) (*T, error) {
	found, err := read(store.Reading(nil), ctx, []string{key})
	if err == nil && found[key] == nil {
		err = directives.Missing("id")
	}
	return found[key], err
}

// tagCounts is a list of tags.
func tagCounts(ctx context.Context, workspace *storage.Workspace, limit *int, count func(store storage.UserStore, limit int) ([]*storage.TagCount, error)) ([]*storage.TagCount, error) {
	most := orDefault(limit, 50)
	if most < 0 || most > storage.MaxPageSize {
		return nil, storage.BadInput("limit", "limit must be between 0 and %d, not %d", storage.MaxPageSize, most)
	}
	set, err := directives.In(ctx, workspaceID(workspace))
	if err != nil {
		return nil, err
	}
	return count(set.Store, most)
}

// listKept is a page of what is kept in a workspace.
func listKept[T any](ctx context.Context, workspace *storage.Workspace, first *int, after *string, last *int, before *string,
	list func(store storage.UserStore, page storage.Page) (*storage.Connection[T], error),
) (*storage.Connection[T], error) {
	page, err := storage.NewPage(first, after, last, before)
	if err != nil {
		return nil, err
	}
	set, err := directives.In(ctx, workspaceID(workspace))
	if err != nil {
		return nil, err
	}
	return list(set.Store, page)
}
