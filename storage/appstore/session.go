package appstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// The sizes of what a request says of itself, in bytes.
const (
	maxAddress   = 64
	maxUserAgent = 256
)

// CreateSession begins a session.
func (s *Store) CreateSession(ctx context.Context, session storage.Session) (*storage.Session, error) {
	now := s.now()
	switch {
	case session.Key == "":
		return nil, fmt.Errorf("create session: it has no key")
	case session.Idle <= 0 || !session.ExpiresAt.After(now):
		return nil, fmt.Errorf("create session: it would be over at once")
	}
	session.CreatedAt, session.LastSeen = fromMicros(now.UnixMicro()), fromMicros(now.UnixMicro())
	session.ExpiresAt = fromMicros(session.ExpiresAt.UnixMicro())
	session.IP, session.UserAgent = storage.Plain(session.IP, maxAddress), storage.Plain(session.UserAgent, maxUserAgent)
	_, err := exec(ctx, s.db, "create session", `
		INSERT INTO user_sessions (id, user_id, created_at, expires_at, idle, last_seen, ip, user_agent,
			issuer_session, refresh_token, id_token)
		VALUES ($1, $2, $3, $4, $5, $3, $6, $7, $8, $9, $10)`,
		session.Key, session.UserKey, now.UnixMicro(), session.ExpiresAt.UnixMicro(), session.Idle.Microseconds(),
		session.IP, session.UserAgent, present(session.IssuerSession), session.RefreshToken, session.IDToken)
	if err != nil {
		return nil, err
	}
	return &session, nil
}

// SessionByKey returns a session with its user and the user's personal workspace, in
// one statement. CodeUnauthenticated for one that is unknown, ended or expired.
func (s *Store) SessionByKey(ctx context.Context, key string) (*storage.Session, *storage.User, *storage.Workspace, error) {
	now := s.now()
	type signedIn struct {
		session storage.Session
		userAndWorkspace
	}
	found, err := first(ctx, s.db, "find session", func(row *sql.Rows, into *signedIn) error {
		user, workspace := scannedUser{}, scannedWorkspace{}
		rest := append([]any{&into.session.RefreshToken, &into.session.IDToken}, user.targets()...)
		err := scanSession(row, &into.session, append(rest, workspace.targets()...)...)
		into.user, into.workspace = user.User(), workspace.Workspace()
		return err
	}, `
		SELECT `+sessionListing.columns+`, s.refresh_token, s.id_token, `+userColumns+`, `+workspaceColumns+`
		FROM user_sessions AS s
		JOIN users AS u ON u.id = s.user_id
		`+personalWorkspace+`
		WHERE s.id = $1`, key)
	if err != nil {
		return nil, nil, nil, err
	}
	if found == nil || !s.alive(&found.session, now) {
		return nil, nil, nil, sessionOver()
	}
	s.sessions.note(key, now)
	return &found.session, &found.user, &found.workspace, nil
}

// alive tells whether the session has neither expired nor grown idle, by uses that are
// not written yet too.
func (s *Store) alive(session *storage.Session, now time.Time) bool {
	session.LastSeen = fromMicros(s.sessions.since(session.Key, session.LastSeen.UnixMicro()))
	return session.IdleExpiresAt().After(now)
}

func sessionOver() error {
	return storage.Errorf(storage.CodeUnauthenticated, "the session is over: sign in again")
}

// SetSessionTokens stores what a refresh brought. An ID token that it did not bring is
// kept by the statement, not by the caller, who may have read it before a rotation of the
// keys replaced it. CodeUnauthenticated for a session that is over.
func (s *Store) SetSessionTokens(ctx context.Context, key, refreshToken, idToken string) error {
	changed, err := exec(ctx, s.db, "store a session's tokens", `
		UPDATE user_sessions
		SET refresh_token = $2, id_token = COALESCE(NULLIF($3, ''), id_token)
		WHERE id = $1 AND expires_at > $4`, key, refreshToken, idToken, s.now().UnixMicro())
	if err == nil && changed == 0 {
		err = sessionOver()
	}
	return err
}

// SessionsOf lists a user's sessions that are not over, newest first, without tokens.
func (s *Store) SessionsOf(ctx context.Context, userKey string, page storage.Page) (*storage.Connection[storage.Session], error) {
	q := &query{}
	equal(q, "s.user_id", &userKey)
	now := q.arg(s.now().UnixMicro())
	q.and("s.expires_at > " + now)
	q.and("s.last_seen + s.idle > " + now)
	return sessionListing.page(ctx, s.db, q, order[storage.Session]{
		name: "created", expr: "s.created_at", desc: true,
		value: func(s *storage.Session) any { return s.CreatedAt.UnixMicro() },
	}, page)
}

// SessionsByKey reads sessions, over or not, without tokens.
func (s *Store) SessionsByKey(ctx context.Context, keys []string) (map[string]*storage.Session, error) {
	return sessionListing.byKey(ctx, s.db, keys)
}

// EndSession ends a session and returns it as it was. CodeNotFound for another user's.
func (s *Store) EndSession(ctx context.Context, userKey, key string) (*storage.Session, error) {
	var ended *storage.Session
	err := s.db.WithTx(ctx, func(tx Runner) (err error) {
		if ended, err = first(ctx, tx, "find session", func(row *sql.Rows, into *storage.Session) error {
			return scanSession(row, into, &into.RefreshToken, &into.IDToken)
		}, `
			SELECT `+sessionListing.columns+`, s.refresh_token, s.id_token
			FROM user_sessions AS s
			WHERE s.user_id = $1 AND s.id = $2`, userKey, key); err != nil {
			return err
		}
		if ended == nil {
			return storage.Errorf(storage.CodeNotFound, "there is no such session of yours")
		}
		_, err = endSessions(ctx, tx, `user_id = $1 AND id = $2`, userKey, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// EndOtherSessions ends all sessions of a user but one, and returns how many.
func (s *Store) EndOtherSessions(ctx context.Context, userKey, keep string) (int64, error) {
	return endSessions(ctx, s.db, `user_id = $1 AND id <> $2`, userKey, keep)
}

// EndSessionsOf ends all sessions of a user, and returns how many.
func (s *Store) EndSessionsOf(ctx context.Context, userKey string) (int64, error) {
	return endSessions(ctx, s.db, `user_id = $1`, userKey)
}

// EndIssuerSession ends what an issuer says is over. A sid is unique to its issuer
// only.
func (s *Store) EndIssuerSession(ctx context.Context, issuer, issuerSession string) (int64, error) {
	return endSessions(ctx, s.db, `issuer_session = $2 AND user_id IN (
			SELECT u.id
			FROM users AS u
			WHERE u.issuer = $1)`, issuer, issuerSession)
}

// PurgeSessions forgets the expired ones, and returns how many.
func (s *Store) PurgeSessions(ctx context.Context) (int64, error) {
	if err := s.Flush(ctx); err != nil {
		return 0, err
	}
	return endSessions(ctx, s.db, `expires_at <= $1 OR last_seen + idle <= $1`, s.now().UnixMicro())
}

func endSessions(ctx context.Context, db Runner, condition string, args ...any) (int64, error) {
	return exec(ctx, db, "end sessions", `
		DELETE FROM user_sessions
		WHERE `+condition, args...)
}

var sessionListing = &listing[storage.Session]{
	name: "sessions", from: "user_sessions AS s", key: "s.id",
	columns: `s.id, s.user_id, s.created_at, s.expires_at, s.idle, s.last_seen, s.ip, s.user_agent,
			COALESCE(s.issuer_session, '')`,
	scan:  func(row *sql.Rows, session *storage.Session) error { return scanSession(row, session) },
	keyOf: func(s *storage.Session) string { return s.Key },
}

// scanSession reads the listing's columns and whatever columns follow them.
func scanSession(row *sql.Rows, session *storage.Session, rest ...any) error {
	var created, expires, idle, seen int64
	err := row.Scan(append([]any{
		&session.Key, &session.UserKey, &created, &expires, &idle, &seen, &session.IP, &session.UserAgent, &session.IssuerSession,
	}, rest...)...)
	session.CreatedAt, session.ExpiresAt = fromMicros(created), fromMicros(expires)
	session.Idle, session.LastSeen = time.Duration(idle)*time.Microsecond, fromMicros(seen)
	return err
}
