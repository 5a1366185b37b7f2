// Package userstore holds the SQL of a workspace's store. One text serves every
// engine; what differs between them is behind Engine and Dialect, a closed list.
package userstore

import (
	"context"
	"database/sql"
	"embed"
	"sync"
)

// Migrations are the goose migrations of a user store, the same for every engine.
//
//go:embed migrations/*.sql
var Migrations embed.FS

// Engine is one workspace's database. Statements use $1, $2... and unqualified
// table names, which can only mean this workspace's tables.
type Engine interface {
	// Read is a pool for reading; nobody writes through it.
	Read() *sql.DB
	// Snapshot is a transaction that only reads; whoever asked rolls it back.
	Snapshot(ctx context.Context) (*sql.Tx, error)
	// WithTx runs fn in the only write transaction of this database: it waits for
	// its turn, commits when fn returns nil and rolls back on any error of fn or
	// of a statement in it.
	WithTx(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error
	// Bulk takes a connection with temporary tables of its own.
	Bulk(ctx context.Context) (Bulk, error)
	// Bytes is the size of the database, with its log.
	Bytes(ctx context.Context) (int64, error)
	Dialect() Dialect
	// Known is the same for as long as this database stays open, for all references.
	Known() *Known
	Close() error
}

// Known is what was read of a database and cannot change while it is open.
type Known struct {
	mu    sync.Mutex
	idKey string
}

// key is the random key of ids, read once.
func (k *Known) key(read func() (string, error)) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.idKey == "" {
		var err error
		if k.idKey, err = read(); err != nil {
			return "", err
		}
	}
	return k.idKey, nil
}

// Bulk is one connection with temporary tables, which end with it. It belongs to
// one goroutine.
type Bulk interface {
	// Conn runs statements over the temporary tables and the workspace's.
	Conn() *sql.Conn
	// Append adds a row to a temporary table; values are string, []string,
	// int64, float64, bool, time.Time, []float32 or nil, in the table's order.
	// Rows may wait in memory (a few MB at most) until Flush.
	Append(ctx context.Context, table string, values ...any) error
	// AppendStored adds a row to a table of the workspace, in a transaction of WithTx:
	// values are of the columns, which are the same for each row of a table.
	AppendStored(ctx context.Context, table string, columns []string, values ...any) error
	Flush(ctx context.Context) error
	// WithTx is Engine.WithTx on this connection, so that temporary tables can be
	// merged. It flushes first. Rows may be appended and flushed in fn; those of a
	// transaction that fails are forgotten.
	WithTx(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error
	Close() error
}

// Dialect is where the engines' SQL differs: a closed list (docs/storage.md).
type Dialect interface {
	// Regexp is a condition: text matches the RE2 pattern.
	Regexp(text, pattern string) string
	// Contains is a condition: text contains part.
	Contains(text, part string) string
}
