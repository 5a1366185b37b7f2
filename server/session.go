package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

const (
	// refreshAhead is before the end of the access token whose roles a session has.
	refreshAhead = 30 * time.Second
	// refreshPatience lets a refresh end whatever becomes of the request that began it:
	// the provider may have taken the old refresh token back already.
	refreshPatience = 20 * time.Second
)

// kept is what a session keeps of the provider, sealed as its refresh token.
type kept struct {
	Refresh string    `json:"refresh,omitempty"`
	Until   time.Time `json:"until"` // the end of the access token
}

// errSessionOver is an invalid credential as others.
var errSessionOver = fmt.Errorf("%w: the session is over", auth.ErrInvalid)

// viewerBySession gives who is signed in with a browser, as the provider says at most
// one access token's life ago.
func (s *Server) viewerBySession(ctx context.Context, token auth.SessionToken) (*auth.Viewer, error) {
	session, user, personal, err := s.options.House.App.SessionByKey(ctx, token.Hash())
	if storage.CodeOf(err) == storage.CodeUnauthenticated {
		return nil, errSessionOver
	}
	if err != nil {
		return nil, err
	}
	tokens, err := s.unseal(session)
	if err == nil && time.Until(tokens.Until) < refreshAhead {
		user, personal, err = s.refreshSession(ctx, session.Key)
	}
	if err != nil {
		return nil, err
	}
	if user.Disabled {
		return nil, errLocked()
	}
	viewer := auth.Known(user, personal)
	viewer.Session, viewer.ExpiresAt = session, session.ExpiresAt
	return viewer, nil
}

// refreshSession asks the provider again who this is, one request at a time for a
// session: a refresh token works once. A refusal ends the session. When the provider does
// not answer, the session goes on until its access token ends.
func (s *Server) refreshSession(ctx context.Context, key string) (*storage.User, *storage.Workspace, error) {
	release, err := s.refreshing.take(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshPatience)
	defer cancel()
	session, user, personal, err := s.options.House.App.SessionByKey(ctx, key)
	if storage.CodeOf(err) == storage.CodeUnauthenticated {
		return nil, nil, errSessionOver
	}
	if err != nil {
		return nil, nil, err
	}
	tokens, err := s.unseal(session)
	if err != nil {
		return nil, nil, err
	}
	left := time.Until(tokens.Until)
	if left >= refreshAhead {
		return user, personal, nil // the request before this one did it
	}
	fresh, err := s.askAgain(ctx, tokens, user)
	switch {
	case err == nil:
		return s.renew(ctx, session, fresh)
	case errors.Is(err, auth.ErrSignIn):
		return nil, nil, errors.Join(errSessionOver, s.endSession(ctx, user, session, "the provider refused to refresh it"))
	case left > 0:
		s.log.LogAttrs(ctx, slog.LevelWarn, "a session is not refreshed yet", slog.String("requestId", requestID(ctx)), slog.Any("error", err))
		return user, personal, nil
	}
	return nil, nil, err
}

func (s *Server) askAgain(ctx context.Context, tokens kept, user *storage.User) (auth.SignedIn, error) {
	if tokens.Refresh == "" || user.Subject == nil {
		return auth.SignedIn{}, fmt.Errorf("%w: the provider gave nothing to refresh it with", auth.ErrSignIn)
	}
	return s.options.SignIn.Refresh(ctx, tokens.Refresh, *user.Subject)
}

// renew stores what a refresh brought, the roles above all.
func (s *Server) renew(ctx context.Context, session *storage.Session, fresh auth.SignedIn) (*storage.User, *storage.Workspace, error) {
	app := s.options.House.App
	user, personal, err := app.SignIn(ctx, fresh.Viewer.Identity(), s.options.House.PersonalFile(fresh.Viewer.Username))
	if err != nil {
		return nil, nil, err
	}
	sealing := s.options.House.Keeper.Begin()
	defer sealing.End()
	refresh, id, err := seal(sealing, session.UserKey, session.Key, fresh)
	if err != nil {
		return nil, nil, err
	}
	if err := app.SetSessionTokens(ctx, session.Key, refresh, id); err != nil {
		return nil, nil, notHolding(err) // somebody signed out meanwhile
	}
	return user, personal, nil
}

// endSession ends a session here, on record.
func (s *Server) endSession(ctx context.Context, user *storage.User, session *storage.Session, why string) error {
	app := s.options.House.App
	row := act(ctx, actSignOut, user, map[string]string{"why": why})
	return app.Audited(ctx, row, func(ctx context.Context, _ *storage.AuditAct) error {
		_, err := app.EndSession(ctx, user.Key, session.Key)
		if storage.CodeOf(err) == storage.CodeNotFound {
			return nil // ended meanwhile
		}
		return err
	})
}

// seal binds a session's tokens to its row. Whoever stores them ends sealing after it: a
// rotation waits for that, and then seals them anew.
func seal(sealing *secret.Session, userKey, key string, signedIn auth.SignedIn) (refresh, id string, err error) {
	text, err := json.Marshal(kept{Refresh: signedIn.RefreshToken, Until: signedIn.ExpiresAt})
	if err != nil {
		return "", "", err
	}
	if refresh, err = sealing.Seal(string(text), house.TokenPlace(userKey, key, storage.FieldRefreshToken)); err != nil {
		return "", "", err
	}
	if signedIn.IDToken != "" {
		id, err = sealing.Seal(signedIn.IDToken, house.TokenPlace(userKey, key, storage.FieldIDToken))
	}
	return refresh, id, err
}

// unseal opens what a session keeps. What cannot be opened is a session that is over.
func (s *Server) unseal(session *storage.Session) (kept, error) {
	var tokens kept
	text, err := s.options.House.Keeper.Open(session.RefreshToken, house.TokenPlace(session.UserKey, session.Key, storage.FieldRefreshToken))
	if err != nil || json.Unmarshal([]byte(text), &tokens) != nil {
		return kept{}, errSessionOver
	}
	return tokens, nil
}

// idToken is what the provider wants to see at the end of a session; empty when it cannot
// be opened any more.
func (s *Server) idToken(session *storage.Session) string {
	text, err := s.options.House.Keeper.Open(session.IDToken, house.TokenPlace(session.UserKey, session.Key, storage.FieldIDToken))
	if err != nil {
		return ""
	}
	return text
}

// turns lets one at a time do something about a key.
type turns struct {
	mutex sync.Mutex
	taken map[string]chan struct{} // closed when the turn has ended
}

// take waits for its turn; release ends it.
func (t *turns) take(ctx context.Context, key string) (release func(), err error) {
	for {
		t.mutex.Lock()
		other := t.taken[key]
		if other == nil {
			ended := make(chan struct{})
			if t.taken == nil {
				t.taken = make(map[string]chan struct{})
			}
			t.taken[key] = ended
			t.mutex.Unlock()
			return func() {
				t.mutex.Lock()
				delete(t.taken, key)
				t.mutex.Unlock()
				close(ended)
			}, nil
		}
		t.mutex.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
