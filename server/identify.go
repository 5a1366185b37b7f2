package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// The ways in which a viewer comes, for the audit log and GET /auth/session.
const (
	byGateway = "FORWARDED"
	byKey     = "API_KEY"
	byToken   = "TOKEN"
	bySession = "SESSION"
)

// identify puts the viewer of a request into its context. A request without a
// credential goes on anonymously; one whose credential does not hold does not go on.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer, way, err := s.viewerOf(r)
		if err != nil {
			s.refuse(w, r, way, err)
			return
		}
		if viewer != nil {
			r = r.WithContext(auth.WithViewer(r.Context(), viewer))
		}
		next.ServeHTTP(w, r)
	})
}

// viewerOf asks for each credential in turn; the first one that is there decides, also
// when it does not hold. nil is an anonymous viewer. The user of a gateway or a token is
// looked up by who needs it; a locked one is refused there.
func (s *Server) viewerOf(r *http.Request) (viewer *auth.Viewer, way string, err error) {
	ctx := r.Context()
	viewer, present, err := s.options.Forwarded.Viewer(r)
	if present || err != nil {
		return viewer, byGateway, err
	}
	secret, present, err := auth.APIKeyOf(r)
	if present || err != nil {
		if err == nil {
			viewer, err = s.viewerByKey(ctx, secret)
		}
		return viewer, byKey, err
	}
	token, present, err := auth.BearerToken(r)
	if present || err != nil {
		if err == nil {
			viewer, err = s.verify(ctx, token)
		}
		return viewer, byToken, err
	}
	if s.options.SignIn == nil {
		return nil, "", nil
	}
	session, present := s.cookies.SessionOf(r)
	if !present {
		return nil, "", nil
	}
	if err := auth.AllowCookie(r, s.options.PublicURL); err != nil {
		return nil, bySession, err
	}
	viewer, err = s.viewerBySession(ctx, session)
	return viewer, bySession, err
}

// viewerByKey gives the owner of an API key, with the key and its limits.
func (s *Server) viewerByKey(ctx context.Context, secret string) (*auth.Viewer, error) {
	hash, err := auth.HashAPIKey(secret)
	if err != nil {
		return nil, err
	}
	key, user, personal, err := s.options.House.App.APIKeyBySecret(ctx, hash)
	if err != nil {
		return nil, notHolding(err)
	}
	if user.Disabled {
		return nil, errLocked()
	}
	if err := s.checkRolesAge(ctx, user); err != nil {
		return nil, err
	}
	viewer := auth.Known(user, personal)
	viewer.Key = key
	if key.ExpiresAt != nil {
		viewer.ExpiresAt = *key.ExpiresAt
	}
	return viewer, nil
}

// checkRolesAge refuses roles that the issuer has not confirmed for as long as an
// administrator allows: nobody tells this server of a role that is taken away from somebody
// who uses keys alone. No setting is read for an owner who was here within its minimum, a
// day.
func (s *Server) checkRolesAge(ctx context.Context, user *storage.User) error {
	const day = 24 * time.Hour
	age := time.Since(user.RolesAt)
	if age <= day {
		return nil
	}
	settings, err := s.options.House.App.Settings(ctx)
	if err != nil {
		return err
	}
	for _, setting := range settings {
		if setting.Key == "api_key.roles_days" && age > time.Duration(setting.Int())*day {
			return auth.ErrOldRoles
		}
	}
	return nil
}

// verify asks the development issuer, whose tokens nobody else signs, and then the
// identity provider.
func (s *Server) verify(ctx context.Context, token string) (*auth.Viewer, error) {
	if s.options.Issuer == nil && s.options.Provider == nil {
		return nil, auth.ErrInvalid
	}
	if s.options.Issuer != nil {
		viewer, err := s.options.Issuer.Verify(ctx, token)
		signedHere := err == nil || errors.Is(err, auth.ErrExpired) || errors.Is(err, auth.ErrNotYetValid)
		if signedHere || s.options.Provider == nil {
			return viewer, err
		}
	}
	return s.options.Provider.Verify(ctx, token)
}

// notHolding says of a credential that the store does not know what is said of every
// other that does not hold.
func notHolding(err error) error {
	if storage.CodeOf(err) == storage.CodeUnauthenticated {
		return auth.ErrInvalid
	}
	return err
}

func errLocked() error {
	return storage.Errorf(storage.CodeForbidden, "this account is locked: ask an administrator")
}

// refuse answers a request whose credential is not accepted: one that does not hold is
// an attempt to sign in that failed.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, way string, err error) {
	ctx := r.Context()
	if way == bySession && errors.Is(err, auth.ErrInvalid) {
		s.endCookies(w)
	}
	tooLarge, isTooLarge := errors.AsType[*http.MaxBytesError](err)
	switch {
	case isTooLarge: // a gateway's signature is over all of it
		message := fmt.Sprintf("the request's body is longer than the limit of %d bytes: send less, or in several requests", tooLarge.Limit)
		writeJSON(w, http.StatusRequestEntityTooLarge, errorBody(message, storage.CodeBadInput, requestID(ctx)))
	case errors.Is(err, auth.ErrCrossSite):
		writeJSON(w, http.StatusForbidden, errorBody(err.Error(), storage.CodeForbidden, requestID(ctx)))
	case storage.CodeOf(err) == storage.CodeForbidden:
		s.failedSignIn(ctx, way, err)
		writeJSON(w, http.StatusForbidden, errorBody(err.Error(), storage.CodeForbidden, requestID(ctx)))
	case errors.Is(err, auth.ErrInvalid):
		if wait, ok := s.failedSignIn(ctx, way, err); !ok {
			s.tooOften(w, r, signInAttempts, wait)
			return
		}
		auth.Refuse(w, r, err)
	default:
		s.log.LogAttrs(ctx, slog.LevelError, "a credential could not be checked",
			slog.String("requestId", requestID(ctx)), slog.String("way", way), slog.Any("error", err))
		auth.Refuse(w, r, err)
	}
}

func (s *Server) endCookies(w http.ResponseWriter) {
	for _, cookie := range s.cookies.End() {
		http.SetCookie(w, cookie)
	}
}
