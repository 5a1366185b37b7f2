package resolvers

import (
	"context"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

// kept finds what an id names in the bookkeeping. What the viewer may not see looks
// like what does not exist.
func (r *Resolver) kept(ctx context.Context, id storage.ID) (schema.Node, error) {
	admin := directives.Has(ctx, auth.RoleAdmin)
	switch id.Kind {
	case storage.KindAPIKey:
		return own(ctx, id.Key, directives.App(ctx).APIKey.Load, func(k *storage.APIKey) string { return k.UserKey })
	case storage.KindSession:
		return own(ctx, id.Key, directives.App(ctx).Session.Load, ownerOfOpen)
	case storage.KindAuditEvent:
		if admin || directives.Has(ctx, auth.RoleAuditor) {
			return existing(directives.App(ctx).AuditEvent.Load(ctx, id.Key))
		}
	case storage.KindUser:
		if admin {
			return existing(directives.App(ctx).User.Load(ctx, id.Key))
		}
	case storage.KindErrorLog:
		if admin {
			return existing(directives.App(ctx).ErrorLog.Load(ctx, id.Key))
		}
	case storage.KindSetting:
		if admin {
			return existing(r.settingNow(ctx, id.Key))
		}
	}
	return nil, nil
}

// own finds what belongs to the viewer, who has not come with an API key: whoever
// holds one must not learn of others.
func own[V any](ctx context.Context, key string, load func(context.Context, string) (*V, error), owner func(*V) string) (schema.Node, error) {
	if auth.ViewerFrom(ctx).Key != nil {
		return nil, nil
	}
	user, err := directives.User(ctx)
	if err != nil {
		return nil, err
	}
	found, err := load(ctx, key)
	if err != nil || found == nil || owner(found) != user.Key {
		return nil, err
	}
	return found, nil
}

// ownerOfOpen is nobody for a session that is over.
func ownerOfOpen(s *storage.Session) string {
	if !s.IdleExpiresAt().After(time.Now()) {
		return ""
	}
	return s.UserKey
}

// currentSession is the key of the session that the request came with, empty where it
// came with a token.
func currentSession(ctx context.Context) string {
	if session := auth.ViewerFrom(ctx).Session; session != nil {
		return session.Key
	}
	return ""
}
