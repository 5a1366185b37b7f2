package server

import (
	"context"
	"errors"
	"html"
	"log/slog"
	"net/http"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// login sends the browser to the provider.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if wait, ok := s.rates.take(r.Context(), signInAttempts, 1); !ok {
		s.tooOften(w, r, signInAttempts, wait)
		return
	}
	page, browser := s.options.SignIn.Begin(r.URL.Query().Get("return"))
	http.SetCookie(w, s.cookies.SignIn(browser, time.Now()))
	http.Redirect(w, r, page, http.StatusFound)
}

// callback is where the provider leads the browser back to. The session is a new one
// whatever the browser had before, which ends.
func (s *Server) callback(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	w.Header().Set("Cache-Control", "no-store")
	browser, _ := s.cookies.SignInOf(r)
	signedIn, err := s.options.SignIn.Complete(ctx, browser, r.URL.Query())
	var token auth.SessionToken
	var until time.Time
	if err == nil {
		token, until, err = s.beginSession(ctx, signedIn)
	}
	if err != nil {
		s.signInFailed(w, r, err)
		return
	}
	if old, ok := s.cookies.SessionOf(r); ok {
		if session, user, _, err := s.options.House.App.SessionByKey(ctx, old.Hash()); err == nil {
			if err := s.endSession(ctx, user, session, "another sign-in in this browser"); err != nil {
				s.log.ErrorContext(ctx, "end the session before", "requestId", requestID(ctx), "error", err)
			}
		}
	}
	s.endCookies(w)
	http.SetCookie(w, s.cookies.Session(token, until))
	http.Redirect(w, r, signedIn.ReturnPath, http.StatusSeeOther)
}

// beginSession binds the person to a user and makes a session, on record.
func (s *Server) beginSession(ctx context.Context, signedIn auth.SignedIn) (token auth.SessionToken, until time.Time, err error) {
	app := s.options.House.App
	user, _, err := app.SignIn(ctx, signedIn.Viewer.Identity(), s.options.House.PersonalFile(signedIn.Viewer.Username))
	if err != nil {
		return "", time.Time{}, err
	}
	if user.Disabled {
		return "", time.Time{}, errLocked()
	}
	idle, life, err := s.sessionTimes(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	token, until = auth.NewSessionToken(), time.Now().Add(life)
	if signedIn.RefreshToken == "" && signedIn.ExpiresAt.Before(until) {
		until = signedIn.ExpiresAt // nobody could ask again what the roles are
	}
	caller := storage.CallerFrom(ctx)
	session := storage.Session{
		Key: token.Hash(), UserKey: user.Key, ExpiresAt: until, Idle: idle,
		IP: caller.IP, UserAgent: caller.UserAgent, IssuerSession: signedIn.SessionID,
	}
	sealing := s.options.House.Keeper.Begin()
	defer sealing.End()
	if session.RefreshToken, session.IDToken, err = seal(sealing, user.Key, session.Key, signedIn); err != nil {
		return "", time.Time{}, err
	}
	row := act(ctx, actSignIn, user, map[string]string{"way": bySession})
	err = app.Audited(ctx, row, func(ctx context.Context, _ *storage.AuditAct) error {
		_, err := app.CreateSession(ctx, session)
		return err
	})
	return token, until, err
}

// sessionTimes are what an administrator has set.
func (s *Server) sessionTimes(ctx context.Context) (idle, life time.Duration, err error) {
	settings, err := s.options.House.App.Settings(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, setting := range settings {
		switch setting.Key {
		case "session.idle_minutes":
			idle = time.Duration(setting.Int()) * time.Minute
		case "session.lifetime_hours":
			life = time.Duration(setting.Int()) * time.Hour
		}
	}
	return idle, life, nil
}

// signInFailed tells a person in a browser, who waits for a page.
func (s *Server) signInFailed(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	status, says := http.StatusBadRequest, "It was begun elsewhere or too long ago, or the identity provider refused."
	forbidden := storage.CodeOf(err) == storage.CodeForbidden
	switch {
	case forbidden:
		status, says = http.StatusForbidden, err.Error()
	case !errors.Is(err, auth.ErrSignIn):
		status, says = http.StatusBadGateway, "The identity provider cannot be asked now, or its answer does not hold. The request's number is "+requestID(ctx)+"."
		s.log.LogAttrs(ctx, slog.LevelError, "sign in", slog.String("requestId", requestID(ctx)), slog.Any("error", err))
	}
	if wait, ok := s.failedSignIn(ctx, bySession, err); !ok {
		s.tooOften(w, r, signInAttempts, wait)
		return
	}
	s.endCookies(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!doctype html><html lang=\"en\"><title>ViolentUTF Graph</title>\n<h1>Signing in failed</h1>\n<p>" +
		html.EscapeString(says) + "</p>\n<p><a href=\"/\">Go back</a> and sign in again.</p>\n"))
}

// whoIs is who a page of this server is signed in as, and how to sign in.
type whoIs struct {
	Username  string      `json:"username,omitempty"` // empty: nobody
	Roles     []auth.Role `json:"roles,omitempty"`
	Way       string      `json:"way,omitempty"`
	ExpiresAt *time.Time  `json:"expiresAt,omitempty"`
	LoginURL  string      `json:"loginUrl,omitempty"` // of the identity provider, if there is one
	Dev       bool        `json:"dev"`
}

// session tells a page who is signed in. A session that is over is nobody, not an error.
func (s *Server) session(w http.ResponseWriter, r *http.Request) {
	answer := whoIs{Dev: s.options.Dev}
	if s.options.SignIn != nil {
		answer.LoginURL = "/auth/login"
	}
	viewer, way, err := s.viewerOf(r)
	switch {
	case way == bySession && errors.Is(err, auth.ErrInvalid):
		s.endCookies(w)
	case err != nil:
		s.refuse(w, r, way, err)
		return
	case viewer != nil:
		answer.Username, answer.Roles, answer.Way = viewer.Username, viewer.Roles, way
		if !viewer.ExpiresAt.IsZero() {
			until := viewer.ExpiresAt.UTC()
			answer.ExpiresAt = &until
		}
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) internal(w http.ResponseWriter, r *http.Request, doing string, err error) {
	ctx := r.Context()
	s.fail(ctx, doing, err)
	writeJSON(w, http.StatusInternalServerError, errorBody("internal error", storage.CodeInternal, requestID(ctx)))
}
