package userstore

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// SaveSession saves a state of a person.
func (s *Store) SaveSession(ctx context.Context, userKey string, saved *storage.SavedSession, revision *int64) (key string, err error) {
	if err := saved.Check(saved.UpdatedAt); err != nil {
		return "", err
	}
	err = s.changing(ctx, "save a session", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `
DELETE FROM user_sessions
WHERE owner_id = $1 AND user_id IS NOT NULL AND expires_at <= CAST($2 AS TIMESTAMP)`, s.owner, saved.UpdatedAt.UTC()); err != nil {
			return err
		}
		known, is, err := s.ownSession(ctx, tx, userKey, saved.Name)
		if err != nil {
			return err
		}
		if revision != nil && *revision != is {
			return otherRevision(is, *revision)
		}
		if key = known; key != "" {
			_, err = tx.ExecContext(ctx, `
UPDATE user_sessions
SET body = $3, updated_at = $4, expires_at = CAST($5 AS TIMESTAMP), revision = revision + 1
WHERE owner_id = $1 AND source = 'NATIVE' AND source_id = $2`, s.owner, key, string(saved.Body), saved.UpdatedAt.UTC(), expiry(saved.ExpiresAt))
			return err
		}
		if err := s.roomForSession(ctx, tx, userKey); err != nil {
			return err
		}
		key = uuid.Must(uuid.NewV7()).String()
		_, err = tx.ExecContext(ctx, `
INSERT INTO user_sessions (owner_id, source, source_id, session_key, body, created_at, updated_at, expires_at, user_id, revision)
VALUES ($1, 'NATIVE', $2, $3, $4, $5, $5, CAST($6 AS TIMESTAMP), $7, 1)`,
			s.owner, key, saved.Name, string(saved.Body), saved.UpdatedAt.UTC(), expiry(saved.ExpiresAt), userKey)
		return err
	})
	return key, err
}

func expiry(at *time.Time) any {
	if at == nil {
		return nil
	}
	return at.UTC()
}

// ownSession finds what the person saved under a name: its key and revision, empty and
// 0 for nothing.
func (s *Store) ownSession(ctx context.Context, tx *sql.Tx, userKey, name string) (key string, revision int64, err error) {
	err = tx.QueryRowContext(ctx, `
SELECT source_id, revision
FROM user_sessions
WHERE owner_id = $1 AND user_id = $2 AND session_key = $3`, s.owner, userKey, name).Scan(&key, &revision)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return key, revision, err
}

// roomForSession bounds what one person keeps in a workspace, which viewers may do too.
func (s *Store) roomForSession(ctx context.Context, tx *sql.Tx, userKey string) error {
	var saved int
	if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM user_sessions
WHERE owner_id = $1 AND user_id = $2`, s.owner, userKey).Scan(&saved); err != nil {
		return err
	}
	if saved >= storage.MaxSavedSessions {
		return storage.BadInput("key", "you keep %d saved sessions in this workspace already: delete one, or give them an expiry", saved)
	}
	return nil
}

// DeleteSavedSession moves a state of a person to the trash.
func (s *Store) DeleteSavedSession(ctx context.Context, userKey, name string, d *storage.Deletion) (key string, err error) {
	err = s.changing(ctx, "delete a saved session", func(ctx context.Context, tx *sql.Tx) error {
		if key, _, err = s.ownSession(ctx, tx, userKey, name); err != nil {
			return err
		}
		if key == "" {
			return &storage.Error{Code: storage.CodeNotFound, Field: "key", Message: "you saved nothing under this key: savedSessions lists the keys there are"}
		}
		d.Keyed = map[string][]string{"user_sessions": {key}}
		if err := (&going{store: s, tx: tx, entry: d.Key}).move(ctx, d); err != nil {
			return err
		}
		// Viewers delete too, who may not purge: their screens must not fill the store.
		over, err := textsIn(ctx, tx, `
SELECT e.id
FROM trash e
JOIN user_sessions u ON u.owner_id = '`+trashOwner+`' || e.id
WHERE e.owner_id = $1 AND u.user_id = $2
ORDER BY e.deleted_at DESC, e.id DESC
LIMIT 1 OFFSET `+strconv.Itoa(storage.MaxSavedSessions), s.owner, userKey)
		if err != nil || len(over) == 0 {
			return err
		}
		_, err = s.purge(ctx, tx, over)
		return err
	})
	return key, err
}

func (s *Store) savedSessionTable() *table[storage.SavedSession] {
	t := &table[storage.SavedSession]{
		name: "user_sessions", from: "user_sessions u", alias: "u", keys: []string{"source", "source_id"}, keyType: "TEXT",
		columns: `u.source, u.source_id, u.session_key, u.body, u.revision, u.user_id IS NULL, u.created_at, u.updated_at, u.expires_at`,
		scan: func(scan func(columns ...any) error, u *storage.SavedSession) error {
			var revision *int64
			err := scan(&u.Source, &u.Key, &u.Name, &u.Body, &revision, &u.Imported, &u.CreatedAt, &u.UpdatedAt, &u.ExpiresAt)
			if revision != nil {
				u.Revision = *revision
			}
			return err
		},
		keysOf: func(u *storage.SavedSession) []any { return []any{string(u.Source), u.Key} },
	}
	return t.narrow(s.wanted, map[string]string{"body": "body"})
}

// readable is what a person may read: their own and what was imported, which does not
// expire.
func (q *query) readable(userKey string, now time.Time) string {
	return "(u.user_id IS NULL OR u.user_id = CAST(" + q.arg(userKey) + " AS TEXT) AND (u.expires_at IS NULL OR u.expires_at > CAST(" +
		q.arg(now.UTC()) + " AS TIMESTAMP)))"
}

// SavedSessions lists the states that a person may read.
func (s *Store) SavedSessions(ctx context.Context, userKey string, now time.Time, filter *storage.SavedSessionFilter, by storage.SavedSessionOrder, page storage.Page) (*storage.Connection[storage.SavedSession], error) {
	q := s.query()
	own := []string{q.readable(userKey, now)}
	if filter != nil {
		own = append(own, q.match("key", "u.session_key", filter.Key)...)
		if filter.Imported != nil {
			own = append(own, truth("u.user_id IS NULL", *filter.Imported))
		}
	}
	sorted := order[storage.SavedSession]{
		name: "key", expr: `u.session_key COLLATE "C"`, kind: "TEXT", desc: by.Direction == storage.Descending,
		value: func(u *storage.SavedSession) any { return u.Name },
	}
	if by.Field == storage.SavedSessionOrderUpdatedAt {
		sorted = order[storage.SavedSession]{
			name: "updated", expr: "u.updated_at", kind: "TIMESTAMP", desc: sorted.desc,
			value: func(u *storage.SavedSession) any { return u.UpdatedAt },
		}
	}
	return s.savedSessionTable().page(ctx, s, q, all(own), sorted, page)
}

// SavedSessionsByName finds the states that a person reads under names.
func (s *Store) SavedSessionsByName(ctx context.Context, userKey string, now time.Time, names []string) (map[string]*storage.SavedSession, error) {
	q, t := s.query(), s.savedSessionTable()
	condition := q.readable(userKey, now) + " AND " + q.keyed("u.session_key", names, "TEXT")
	// The last one of a name stays in the map.
	rows, err := collect(ctx, s, "read saved sessions", `
SELECT `+t.columns+`
FROM `+t.from+`
WHERE u.owner_id = $1 AND `+condition+`
ORDER BY CASE WHEN u.user_id IS NULL THEN 0 ELSE 1 END, u.updated_at, u.source, u.source_id`, q.args, t.read)
	found := make(map[string]*storage.SavedSession, len(rows))
	for _, row := range rows {
		found[row.Name] = row
	}
	return found, err
}
