package userstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// Store is a workspace's data behind any engine. It may be used by many requests
// at once.
type Store struct {
	engine Engine
	owner  string
	key    string // StoreKeyBytes raw bytes, part of every id
	wanted storage.Fields
	frozen *sql.Tx // of a snapshot
}

// reader is what statements that only read run on.
type reader interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, text string, args ...any) *sql.Row
}

func (s *Store) reader() reader {
	if s.frozen != nil {
		return s.frozen
	}
	return s.engine.Read()
}

var _ storage.UserStore = (*Store)(nil)

// New makes the store, which owns the engine from then on.
func New(ctx context.Context, engine Engine, owner string) (*Store, error) {
	s := &Store{engine: engine, owner: owner}
	var err error
	s.key, err = engine.Known().key(func() (string, error) { return s.readKey(ctx) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Store) readKey(ctx context.Context) (string, error) {
	keys, err := collect(ctx, s, "open user store", `
SELECT id_key
FROM store_info
WHERE owner_id = $1`, []any{s.owner}, scanOne[string])
	if err != nil {
		return "", err
	}
	if len(keys) != 1 {
		return "", fmt.Errorf("open user store: store_info has %d rows for its workspace", len(keys))
	}
	raw, err := hex.DecodeString(keys[0])
	if err != nil || len(raw) != storage.StoreKeyBytes {
		return "", errors.New("open user store: store_info holds no valid key for ids")
	}
	return string(raw), nil
}

// Owner is the key of the workspace.
func (s *Store) Owner() string { return s.owner }

// Key is the store's random key for ids.
func (s *Store) Key() string { return s.key }

// Reading is this store for a caller who looks at these fields alone.
func (s *Store) Reading(fields storage.Fields) storage.UserStore {
	narrow := *s
	narrow.wanted = fields
	return &narrow
}

// Snapshot is this store as it is now.
func (s *Store) Snapshot(ctx context.Context) (storage.UserStore, error) {
	tx, err := s.engine.Snapshot(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin to read: %w", err)
	}
	frozen := *s
	frozen.frozen = tx
	// The engine takes its snapshot when it is first asked.
	if _, err := frozen.Revision(ctx); err != nil {
		return nil, errors.Join(err, tx.Rollback())
	}
	return &frozen, nil
}

// Close gives the engine back, or ends the snapshot.
func (s *Store) Close() error {
	if s.frozen != nil {
		return s.frozen.Rollback()
	}
	return s.engine.Close()
}

// Revision is raised by each write transaction.
func (s *Store) Revision(ctx context.Context) (int64, error) {
	return s.number(ctx, "read revision", `
SELECT revision
FROM store_info
WHERE owner_id = $1`, []any{s.owner})
}

func (s *Store) id(kind storage.Kind, key string) string {
	return storage.ID{Kind: kind, Store: s.key, Key: key}.String()
}

func (s *Store) numberID(kind storage.Kind, numbers ...int64) string {
	return s.id(kind, storage.NumberKey(numbers...))
}

// number runs a statement of one row with one number.
func (s *Store) number(ctx context.Context, what, text string, args []any) (int64, error) {
	rows, err := collect(ctx, s, what, text, args, scanOne[int64])
	if err != nil {
		return 0, err
	}
	if len(rows) != 1 {
		return 0, fmt.Errorf("%s: %d rows instead of one", what, len(rows))
	}
	return rows[0], nil
}

// collect is the only place where reading statements run. what says what was being
// done, for the log. CodeTimeout when the context's time is over.
func collect[T any](ctx context.Context, s *Store, what, text string, args []any, scan func(*sql.Rows) (T, error)) ([]T, error) {
	return collectFrom(ctx, s.reader(), what, text, args, scan)
}

// collectFrom is collect on a connection with temporary tables.
func collectFrom[T any](ctx context.Context, from reader, what, text string, args []any, scan func(*sql.Rows) (T, error)) (_ []T, err error) {
	meter := storage.MeterFrom(ctx)
	meter.UserStatements.Add(1)
	defer func() {
		if err != nil {
			err = failure(ctx, what, err)
		}
	}()
	rows, err := from.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []T{} // an empty list is a list
	for rows.Next() {
		row, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	meter.Rows.Add(int64(len(all)))
	return all, rows.Err()
}

// failure names a failed statement. Engines report an interrupted statement in
// their own words, so the context is asked first.
func failure(ctx context.Context, what string, err error) error {
	if ended := ctx.Err(); ended != nil {
		if errors.Is(ended, context.DeadlineExceeded) {
			return &storage.Error{
				Code: storage.CodeTimeout, Err: fmt.Errorf("%s: %w", what, ended),
				Message: "the question took too long: ask for a smaller page or narrow the filter",
			}
		}
		return fmt.Errorf("%s: %w", what, ended)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func scanOne[T any](rows *sql.Rows) (T, error) {
	var value T
	err := rows.Scan(&value)
	return value, err
}

// textList reads a TEXT[] column; a NULL or empty list becomes an empty one.
type textList []string

// Scan takes what the engines' drivers make of a list.
func (l *textList) Scan(value any) error {
	switch list := value.(type) {
	case nil:
		*l = textList{}
	case []string:
		*l = append(textList{}, list...)
	case []any:
		*l = make(textList, 0, len(list))
		for _, element := range list {
			text, ok := element.(string)
			if !ok {
				return fmt.Errorf("a list of texts holds a %T", element)
			}
			*l = append(*l, text)
		}
	default:
		return fmt.Errorf("a list of texts came as %T", value)
	}
	return nil
}
