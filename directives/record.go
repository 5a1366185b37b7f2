package directives

import (
	"context"
	"errors"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// Act begins a row of the audit log about what a viewer does: who, from where, in
// which request. The user is named by the store where the request knows them by now.
func Act(ctx context.Context, v *auth.Viewer, action string) storage.AuditAct {
	var user *storage.User
	if r := requestFrom(ctx); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		user = r.user
	}
	return actOf(ctx, v, user, action)
}

func actOf(ctx context.Context, v *auth.Viewer, user *storage.User, action string) storage.AuditAct {
	caller := storage.CallerFrom(ctx)
	act := storage.AuditAct{
		Actor: v.Username, Action: action,
		IP: caller.IP, UserAgent: caller.UserAgent, RequestID: caller.RequestID,
	}
	if user != nil {
		act.Actor, act.ActorKey = user.Username, user.Key
	}
	return act
}

// also adds what failed after err to it; err decides the code.
func also(err, later error) error {
	if later == nil {
		return err
	}
	return errors.Join(err, later)
}
