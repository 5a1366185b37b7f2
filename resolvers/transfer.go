package resolvers

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// transfer copies or moves, as transfer does it, and reads the workspace that the
// things are in then.
func (r *Resolver) transfer(ctx context.Context, field, action string, input schema.TransferInput, transfer Transfer) (*schema.TransferPayload, error) {
	done, payload, err := r.mutate(ctx, change{
		field: field, id: input.ClientMutationID, input: input, action: action,
		on: named{storage.KindWorkspace, input.From, "from"}, detail: map[string]any{"to": keyIn(input.To), "dryRun": input.DryRun},
		do: func(ctx context.Context, w work) (made, error) {
			from, err := r.changeable(ctx, w.actor.Key, w.key, "from")
			if err != nil {
				return made{}, err
			}
			toKey, err := named{storage.KindWorkspace, input.To, "to"}.key(ctx)
			if err != nil {
				return made{}, err
			}
			to, err := r.changeable(ctx, w.actor.Key, toKey, "to")
			if err != nil {
				return made{}, err
			}
			what, err := chosen(from, input)
			if err != nil {
				return made{}, err
			}
			imp, err := transfer(ctx, storage.Transfer{
				From: from, To: to, What: what, DryRun: input.DryRun, Actor: w.actor.Key,
				Allowed: func(ctx context.Context) error { return r.stillAllowed(ctx, w.actor.Key, w.key, toKey) },
			})
			if err != nil {
				if imp != nil {
					w.act.Detail = detail(map[string]any{"to": toKey, "dryRun": input.DryRun, "copied": true})
					err = partly{err}
				}
				return made{}, inFilter(err)
			}
			return made{Workspace: toKey, Tables: imp.Tables, Notes: imp.Notes}, nil
		},
	})
	answer := &schema.TransferPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	answer.Tables, answer.Notes = done.Tables, append([]string{}, done.Notes...)
	answer.Workspace, err = r.workspaceNow(ctx, done.Workspace)
	return answer, err
}

// keyIn is the key of a workspace's id, "" for none.
func keyIn(id string) string {
	if parsed, ok := storage.ParseID(id); ok && parsed.Kind == storage.KindWorkspace && aKey(parsed.Key) {
		return parsed.Key
	}
	return ""
}

// stillAllowed asks anew what was asked when a long change began: whether the user is
// locked out, the API key revoked, and whether both workspaces may be changed.
func (r *Resolver) stillAllowed(ctx context.Context, user, from, to string) error {
	users, err := r.app.UsersByKey(ctx, []string{user})
	if err != nil {
		return err
	}
	if users[user] == nil || users[user].Disabled {
		return storage.Errorf(storage.CodeForbidden, "this account is locked: ask an administrator")
	}
	if used := auth.ViewerFrom(ctx).Key; used != nil {
		keys, err := r.app.APIKeysByKey(ctx, []string{used.Key})
		if err != nil {
			return err
		}
		key := keys[used.Key]
		if key == nil || key.RevokedAt != nil || key.ExpiresAt != nil && key.ExpiresAt.Before(time.Now()) {
			return storage.Errorf(storage.CodeForbidden, "the API key was revoked or has expired")
		}
	}
	if _, err := r.changeable(ctx, user, from, "from"); err != nil {
		return err
	}
	_, err = r.changeable(ctx, user, to, "to")
	return err
}

// changeable is a workspace of which the user is an editor or owner.
func (r *Resolver) changeable(ctx context.Context, user, key, argument string) (*storage.Workspace, error) {
	if !directives.Reaches(ctx, key) {
		return nil, directives.Missing(argument)
	}
	workspace, err := r.app.WorkspaceByKey(ctx, user, key)
	if storage.CodeOf(err) == storage.CodeNotFound {
		return nil, directives.Missing(argument)
	}
	if err == nil {
		err = directives.Editable(workspace)
	}
	return workspace, err
}

// chosen decodes the ids, all of which must be of the workspace that is copied from.
func chosen(from *storage.Workspace, input schema.TransferInput) (storage.Selection, error) {
	what := storage.Selection{Filter: input.AttackFilter}
	for _, list := range []struct {
		argument string
		kind     storage.Kind
		ids      []string
		keys     *[]string
	}{
		{"datasets", storage.KindDataset, input.Datasets, &what.Datasets},
		{"generators", storage.KindGenerator, input.Generators, &what.Generators},
		{"converters", storage.KindConverter, input.Converters, &what.Converters},
		{"scorers", storage.KindScorer, input.Scorers, &what.Scorers},
		{"findings", storage.KindFinding, input.Findings, &what.Findings},
	} {
		keys, err := keysIn(from, list.argument, list.kind, list.ids)
		if err != nil {
			return what, err
		}
		*list.keys = keys
	}
	attacks, err := keysIn(from, "attacks", storage.KindAttack, input.Attacks)
	if err != nil {
		return what, err
	}
	for _, key := range attacks {
		numbers, ok := storage.ID{Key: key}.Numbers(1)
		if !ok {
			return what, directives.Missing("attacks")
		}
		what.Attacks = append(what.Attacks, numbers[0])
	}
	return what, nil
}

func keysIn(from *storage.Workspace, argument string, kind storage.Kind, ids []string) ([]string, error) {
	if len(ids) > storage.MaxPageSize {
		return nil, storage.BadInput(argument, "name at most %s at once, not %s: a filter takes any number of attacks",
			strconv.Itoa(storage.MaxPageSize), strconv.Itoa(len(ids)))
	}
	keys := make([]string, 0, len(ids))
	for _, text := range ids {
		id, ok := storage.ParseID(text)
		if !ok || id.Kind != kind || hex.EncodeToString([]byte(id.Store)) != from.StoreKey {
			return nil, directives.Missing(argument)
		}
		keys = append(keys, id.Key)
	}
	return keys, nil
}
