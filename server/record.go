package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// The actions of the audit log that are the server's own.
const (
	actSignIn  = "sign_in"
	actSignOut = "sign_out"
)

// anonymous is the actor of a sign-in that failed: nobody knows whose it was.
const anonymous = "anonymous"

// act begins a row of the audit log about a request. user may be nil.
func act(ctx context.Context, action string, user *storage.User, detail map[string]string) storage.AuditAct {
	caller := storage.CallerFrom(ctx)
	row := storage.AuditAct{
		Actor: anonymous, Action: action,
		IP: caller.IP, UserAgent: caller.UserAgent, RequestID: caller.RequestID,
	}
	if user != nil {
		row.Actor, row.ActorKey, row.SubjectType, row.SubjectKey = user.Username, user.Key, "User", user.Key
	}
	if len(detail) > 0 {
		text, _ := json.Marshal(detail) // texts are always JSON
		row.Detail = storage.JSON(text)
	}
	return row
}

// failuresTogether are the failed sign-ins that all addresses together may put on record
// in a minute: whoever has many addresses must not fill the disk.
const failuresTogether = 600

// failedSignIn puts an attempt to sign in that failed on record. ok is false when the
// address has none left: then it is not on record, and the client must wait.
func (s *Server) failedSignIn(ctx context.Context, way string, cause error) (wait time.Duration, ok bool) {
	if wait, ok := s.rates.take(ctx, signInAttempts, 1); !ok {
		return wait, false
	}
	if _, ok := s.rates.limiter.Take("everybody", signInAttempts, 1, failuresTogether); !ok {
		return 0, true
	}
	why := "it could not be checked"
	if errors.Is(cause, auth.ErrInvalid) || errors.Is(cause, auth.ErrSignIn) || storage.CodeOf(cause) == storage.CodeForbidden {
		why = cause.Error() // quotes nothing of a credential
	}
	row := act(ctx, actSignIn, nil, map[string]string{"way": way, "why": why})
	if err := s.options.House.App.RecordAudit(context.WithoutCancel(ctx), row, storage.AuditDenied, codeOfRefusal(cause)); err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "a failed sign-in is not in the audit log",
			slog.String("requestId", requestID(ctx)), slog.Any("error", err))
	}
	return 0, true
}

func codeOfRefusal(cause error) storage.Code {
	if storage.CodeOf(cause) == storage.CodeForbidden {
		return storage.CodeForbidden
	}
	return storage.CodeUnauthenticated
}
