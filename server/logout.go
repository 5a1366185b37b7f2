package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// logout ends the session here and at the provider. When that does not answer, the page
// is told to send the browser there.
func (s *Server) logout(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if err := auth.AllowCookie(r, s.options.PublicURL); err != nil {
		s.refuse(w, r, bySession, err)
		return
	}
	location, err := s.signOut(ctx, r)
	if err != nil {
		s.internal(w, r, "sign out", err)
		return
	}
	s.endCookies(w)
	writeJSON(w, http.StatusOK, map[string]string{"location": location})
}

// signOut ends the session of a request's cookie, and gives the page to go to.
func (s *Server) signOut(ctx context.Context, r *http.Request) (location string, err error) {
	token, present := s.cookies.SessionOf(r)
	if !present {
		return auth.AfterLogoutPath, nil
	}
	session, user, _, err := s.options.House.App.SessionByKey(ctx, token.Hash())
	if storage.CodeOf(err) == storage.CodeUnauthenticated {
		return auth.AfterLogoutPath, nil // over already
	}
	if err != nil {
		return "", err
	}
	if err := s.endSession(ctx, user, session, "signed out"); err != nil {
		return "", err
	}
	id := s.idToken(session)
	if err := s.options.SignIn.EndSession(ctx, id); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "sign out", slog.String("requestId", requestID(ctx)), slog.Any("error", err))
		return s.options.SignIn.EndSessionURL(id), nil
	}
	return auth.AfterLogoutPath, nil
}

// backchannelLogout is how a provider says by itself that a session has ended (OpenID
// Connect Back-Channel Logout 1.0, section 2.5).
func (s *Server) backchannelLogout(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	over, err := s.options.SignIn.LogoutToken(ctx, r.PostFormValue("logout_token"))
	if errors.Is(err, auth.ErrInvalid) {
		if wait, ok := s.failedSignIn(ctx, "LOGOUT_TOKEN", err); !ok {
			s.tooOften(w, r, signInAttempts, wait)
			return
		}
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	if err == nil {
		err = s.endFor(ctx, over)
	}
	if err != nil {
		s.internal(w, r, "sign out by the provider", err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

// endFor ends the sessions that a provider says are over, on record. Of somebody unknown
// here the row says that alone: a subject can be any text.
func (s *Server) endFor(ctx context.Context, over auth.LoggedOut) error {
	app := s.options.House.App
	user, err := app.UserByIdentity(ctx, over.Issuer, over.Subject)
	if storage.CodeOf(err) == storage.CodeNotFound {
		row := act(ctx, actSignOut, nil, map[string]string{"why": "the provider ended it", "whose": "of nobody known here"})
		return app.RecordAudit(ctx, row, storage.AuditSucceeded, "")
	}
	if err != nil {
		return err
	}
	row := act(ctx, actSignOut, user, map[string]string{"why": "the provider ended it"})
	return app.Audited(ctx, row, func(ctx context.Context, _ *storage.AuditAct) error {
		if over.SessionID == "" {
			_, err := app.EndSessionsOf(ctx, user.Key)
			return err
		}
		_, err := app.EndIssuerSession(ctx, over.Issuer, over.SessionID)
		return err
	})
}
