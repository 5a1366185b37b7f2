package appstore

import (
	"context"
	"strings"
	"sync"
	"time"
)

// Flush writes when keys and sessions were last used. What could not be written is
// kept for the next time.
func (s *Store) Flush(ctx context.Context) error {
	if err := s.keys.flush(ctx, s.db, "note the use of keys", `UPDATE api_keys
		SET last_used_at = CAST(v.column2 AS BIGINT)`, `api_keys.id = v.column1
			AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < CAST(v.column2 AS BIGINT))`); err != nil {
		return err
	}
	return s.sessions.flush(ctx, s.db, "note the use of sessions", `UPDATE user_sessions
		SET last_seen = CAST(v.column2 AS BIGINT)`, `user_sessions.id = v.column1
			AND user_sessions.last_seen < CAST(v.column2 AS BIGINT)`)
}

// uses are the last times of things since they were last written.
type uses struct {
	mu sync.Mutex
	at map[string]int64 // microseconds by key
}

func (u *uses) note(key string, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.at == nil {
		u.at = map[string]int64{}
	}
	u.at[key] = max(u.at[key], at.UnixMicro())
}

// since returns the later of a stored time and what is not written yet.
func (u *uses) since(key string, stored int64) int64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return max(stored, u.at[key])
}

// flushRows is how many rows one statement writes: SQLite takes 32,766 parameters.
const flushRows = 1000

// flush writes the times, many in a statement, all in one transaction.
func (u *uses) flush(ctx context.Context, db DB, what, update, condition string) error {
	u.mu.Lock()
	pending := u.at
	u.at = nil
	u.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	err := db.WithTx(ctx, func(tx Runner) error {
		q, rows := &query{}, []string{}
		write := func() error {
			if len(rows) == 0 {
				return nil
			}
			// Both engines call the columns of VALUES column1, column2.
			_, err := exec(ctx, tx, what, update+`
		FROM (VALUES `+strings.Join(rows, ", ")+`) AS v
		WHERE `+condition, q.args...)
			q, rows = &query{}, rows[:0]
			return err
		}
		for key, at := range pending {
			rows = append(rows, "("+q.arg(key)+", "+q.arg(at)+")")
			if len(rows) == flushRows {
				if err := write(); err != nil {
					return err
				}
			}
		}
		return write()
	})
	if err != nil {
		for key, at := range pending {
			u.note(key, time.UnixMicro(at))
		}
	}
	return err
}
