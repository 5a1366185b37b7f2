package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/violentutf/violentutf/storage/userstore"
)

// DuckDB's appender alone would keep 204,800 rows in memory, however long.
const (
	flushRows  = 20_000
	flushBytes = 8 << 20
	// A stream into the store itself is to take little memory, and waits for nobody.
	streamBytes = 2 << 20
	// So much of what it wrote it leaves in memory, unless others are using more than streamOthers.
	streamCache  = 24 << 20
	streamOthers = 256 << 20
)

// bulk is a pool of one connection, closed with it: temporary tables live as long
// as their connection, so that may not go back to a pool.
type bulk struct {
	registry   *Registry
	attachment *attachment
	pool       *sql.DB
	conn       *sql.Conn
	native     *conn
	appenders  map[string]*duckdb.Appender
	rows       int // appended since the last flush, like bytes
	bytes      int
	stored     bool   // some of them in tables of the store
	cached     *int64 // bytes of blocks of files in memory when a stream began
}

var _ userstore.Bulk = (*bulk)(nil)

func (e *engine) Bulk(ctx context.Context) (userstore.Bulk, error) {
	b := &bulk{
		registry:   e.registry,
		attachment: e.attachment,
		pool:       sql.OpenDB(e.registry.connector(e.attachment)),
		appenders:  map[string]*duckdb.Appender{},
	}
	var err error
	if b.conn, err = b.pool.Conn(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to the store: %w", err), b.pool.Close())
	}
	if err := b.conn.Raw(func(driverConn any) error {
		b.native = driverConn.(*conn)
		return nil
	}); err != nil {
		return nil, errors.Join(err, b.conn.Close(), b.pool.Close())
	}
	return b, nil
}

func (b *bulk) Conn() *sql.Conn { return b.conn }

func (b *bulk) Append(ctx context.Context, table string, values ...any) error {
	return b.append(ctx, "temp", table, nil, values)
}

// AppendStored adds a row to a table of the store.
func (b *bulk) AppendStored(ctx context.Context, table string, columns []string, values ...any) error {
	b.stored = true
	return b.append(ctx, b.native.connector.catalog, table, columns, values)
}

func (b *bulk) append(ctx context.Context, catalog, table string, columns []string, values []any) error {
	appender, err := b.appender(catalog, table, columns)
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(values))
	for i, value := range values {
		if t, ok := value.(time.Time); ok {
			value = t.UTC()
		}
		row[i] = value
		b.bytes += size(value)
	}
	if err := appender.AppendRow(row...); err != nil {
		return fmt.Errorf("append to %s: %w", table, err)
	}
	most := flushBytes
	if b.stored {
		most = streamBytes
	}
	if b.rows++; b.rows >= flushRows || b.bytes >= most {
		return b.Flush(ctx)
	}
	return nil
}

func (b *bulk) appender(catalog, table string, columns []string) (*duckdb.Appender, error) {
	if appender := b.appenders[table]; appender != nil {
		return appender, nil
	}
	var appender *duckdb.Appender
	var err error
	if columns == nil {
		appender, err = duckdb.NewAppender(b.native.Conn, catalog, "main", table)
	} else {
		appender, err = duckdb.NewAppenderWithColumns(b.native.Conn, catalog, "main", table, columns)
	}
	if err != nil {
		return nil, fmt.Errorf("append to %s: %w", table, b.native.note(err))
	}
	b.appenders[table] = appender
	return appender, nil
}

// size is about what a value takes in memory.
func size(value any) int {
	switch v := value.(type) {
	case string:
		return len(v) + 16
	case []string:
		sum := 16
		for _, s := range v {
			sum += len(s) + 16
		}
		return sum
	case []float32:
		return 4*len(v) + 16
	}
	return 8
}

func (b *bulk) Flush(ctx context.Context) error {
	b.rows, b.bytes = 0, 0
	for table, appender := range b.appenders {
		if err := appender.FlushWithCancel(ctx); err != nil {
			return errors.Join(fmt.Errorf("flush %s: %w", table, b.native.note(err)), appender.Clear())
		}
	}
	if b.stored {
		if err := b.trim(ctx); err != nil {
			return fmt.Errorf("trim the cache: %w", err)
		}
		// Row groups that were written leave much behind, which the allocator would keep
		// for a second: a stream of a file would hold as much as it reads meanwhile.
		purge()
	}
	return nil
}

func (b *bulk) WithTx(ctx context.Context, fn func(ctx context.Context, tx *sql.Tx) error) error {
	if err := b.Flush(ctx); err != nil {
		return err
	}
	err := b.attachment.writing(ctx, func() error { return transact(ctx, b.conn, fn) })
	if err != nil {
		return errors.Join(err, b.discard())
	}
	return nil
}

// discard forgets rows that a failed transaction appended and nobody flushed.
func (b *bulk) discard() error {
	b.rows, b.bytes = 0, 0
	var errs []error
	for table, appender := range b.appenders {
		if err := appender.Clear(); err != nil {
			errs = append(errs, fmt.Errorf("discard rows of %s: %w", table, err))
		}
	}
	return errors.Join(errs...)
}

// Close drops the temporary tables with the connection; rows not yet flushed are lost.
func (b *bulk) Close() error {
	var errs []error
	for _, appender := range b.appenders {
		errs = append(errs, appender.Clear(), appender.Close())
	}
	clear(b.appenders)
	errs = append(errs, b.conn.Close(), b.pool.Close())
	return errors.Join(errs...)
}

// trim drops blocks that a stream has written, which the engine would keep for readers
// up to its limit. DuckDB has no statement for that; but before it refuses a limit that
// is below what is in use, it evicts what it can: blocks of files, and to the disk what
// else nobody is reading. The limit that statements see never changes, so that none of
// them lacks memory. Where others are using much, which would have to be written, nothing
// is done.
func (b *bulk) trim(ctx context.Context) error {
	var cached, used int64
	if err := b.registry.admin.QueryRowContext(ctx, `
SELECT CAST(sum(CASE WHEN tag = 'BASE_TABLE' THEN memory_usage_bytes ELSE 0 END) AS BIGINT), CAST(sum(memory_usage_bytes) AS BIGINT)
FROM duckdb_memory()`).Scan(&cached, &used); err != nil {
		return err
	}
	if b.cached == nil {
		b.cached = &cached
	}
	if cached < *b.cached+streamCache || used-cached > streamOthers {
		return nil
	}
	ctx = context.WithoutCancel(ctx)                                    // whoever gives up must not leave the setting behind
	_, _ = b.registry.admin.ExecContext(ctx, "SET memory_limit = '1B'") // refused
	_, err := b.registry.admin.ExecContext(ctx, "SET memory_limit = "+literal(b.registry.options.MemoryLimit))
	return err
}
