package resolvers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/storage"
)

// newAPIKey turns what a client asks for into a key to be made, which lives no longer
// than an administrator allows.
func (r *Resolver) newAPIKey(ctx context.Context, owner *storage.User, input graph.CreateAPIKeyInput) (storage.NewAPIKey, error) {
	key := storage.NewAPIKey{UserKey: owner.Key, Name: input.Name, Scopes: input.Scopes, ExpiresAt: input.ExpiresAt}
	for _, id := range input.Workspaces {
		workspace, err := named{storage.KindWorkspace, id, "workspaces"}.key(ctx)
		if err != nil {
			return key, err
		}
		key.Workspaces = append(key.Workspaces, workspace)
	}
	if input.Workspaces != nil && len(input.Workspaces) == 0 {
		return key, storage.BadInput("workspaces", "a key must reach a workspace: name one, or leave workspaces out for all of yours")
	}
	longest, err := r.settingNow(ctx, "api_key.longest_days")
	if err != nil {
		return key, err
	}
	last := time.Now().AddDate(0, 0, int(longest.Int()))
	switch {
	case key.ExpiresAt == nil:
		key.ExpiresAt = &last
	case key.ExpiresAt.After(last):
		return key, storage.BadInput("expiresAt", "a key may live for %d days at the most: choose an earlier time", longest.Int())
	}
	return key, nil
}

// keyDetail is what the audit log keeps of a new key.
func keyDetail(key *storage.APIKey) storage.JSON {
	return detail(map[string]any{"prefix": key.Prefix, "scopes": key.Scopes, "workspaces": len(key.Workspaces)})
}

// memberDetail is what the audit log keeps of a change of a member.
func memberDetail(member *storage.Member) storage.JSON {
	return detail(map[string]any{"username": member.Username, "role": member.Role})
}

// setUserDisabled locks a user out, with every browser, or lets them in again.
func (r *Resolver) setUserDisabled(ctx context.Context, w work, disabled bool) error {
	if disabled && w.key == w.actor.Key {
		return storage.BadInput("user", "you cannot lock yourself out: another administrator can")
	}
	_, err := r.app.SetUserDisabled(ctx, w.key, disabled)
	return err
}

// unbound refuses an API key that is bound to workspaces what lies in none of them.
func unbound(ctx context.Context) error {
	if v := auth.ViewerFrom(ctx); v.Key != nil && len(v.Key.Workspaces) > 0 {
		return storage.Errorf(storage.CodeForbidden, "this API key is bound to workspaces: it can make no other")
	}
	return nil
}

// about names the argument of an error of the store that names none.
func about(argument string, err error) error {
	if e, ok := errors.AsType[*storage.Error](err); ok && e.Field == "" && e.Code == storage.CodeNotFound {
		named := *e
		named.Field = argument
		return &named
	}
	return err
}

// rateLimitPage is a page of the buckets: there are as many as principals that were
// busy lately, and they come from the store at once.
func rateLimitPage(limits []*storage.RateLimit, page storage.Page) (*storage.Connection[storage.RateLimit], error) {
	const list = "rate limits"
	compare := func(limit *storage.RateLimit, principal, bucket string) int {
		if order := strings.Compare(limit.Principal, principal); order != 0 {
			return order
		}
		return strings.Compare(limit.Bucket, bucket)
	}
	total := int64(len(limits))
	for _, end := range []struct {
		field, text string
		kept        int
	}{{"after", page.After, 1}, {"before", page.Before, -1}} {
		if end.text == "" {
			continue
		}
		c, err := storage.ParseCursor(end.field, end.text, list)
		if err != nil {
			return nil, err
		}
		limits = slices.DeleteFunc(limits, func(limit *storage.RateLimit) bool {
			return compare(limit, c.Value, c.Number) != end.kept
		})
	}
	if page.Backward {
		slices.Reverse(limits)
	}
	cursor := func(limit *storage.RateLimit) string {
		return storage.Cursor{List: list, Value: limit.Principal, Number: limit.Bucket}.String()
	}
	count := func(context.Context) (int64, error) { return total, nil }
	return storage.NewConnection(page, limits[:min(len(limits), page.Limit+1)], cursor, count), nil
}

// auditFilter reads the ids of a client's filter. An id of another kind is one that
// nothing has.
func auditFilter(filter *graph.AuditEventFilter) *storage.AuditFilter {
	if filter == nil {
		return nil
	}
	return &storage.AuditFilter{
		ActorKey: keyOf(filter.ActorID, storage.KindUser), Actor: filter.Actor,
		ActionPrefix: filter.ActionPrefix, Kind: filter.Kind, Outcome: filter.Outcome,
		SubjectType: filter.SubjectType, SubjectKey: keyOf(filter.SubjectID),
		WorkspaceKey: keyOf(filter.WorkspaceID, storage.KindWorkspace), RequestID: filter.RequestID,
		Intent: keyOf(filter.IntentID, storage.KindAuditEvent), OccurredAt: filter.OccurredAt,
	}
}

// keyOf is the key that an id names, nil without one; an id of none of the kinds, where
// some are given, has a key that nothing has.
func keyOf(id *string, kinds ...storage.Kind) *string {
	if id == nil {
		return nil
	}
	parsed, ok := storage.ParseID(*id)
	if !ok || len(kinds) > 0 && !slices.Contains(kinds, parsed.Kind) {
		parsed.Key = "none"
	}
	return &parsed.Key
}
