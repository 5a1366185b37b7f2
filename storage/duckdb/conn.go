package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2"
)

// connector makes connections to the shared instance in which unqualified names
// mean one catalog.
type connector struct {
	shared    *duckdb.Connector
	catalog   string
	broken    *atomic.Bool // set when DuckDB says that the database is invalidated
	migrating bool         // statements come from migrations and are not checked
}

func (r *Registry) connector(a *attachment) *connector {
	return &connector{shared: r.instance, catalog: a.alias, broken: &a.broken}
}

// Driver returns DuckDB's.
func (c *connector) Driver() driver.Driver { return c.shared.Driver() }

// Connect opens a connection and makes the catalog its own.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	opened, err := c.shared.Connect(ctx)
	if err != nil {
		return nil, err
	}
	native, ok := opened.(*duckdb.Conn)
	if !ok {
		return nil, errors.Join(fmt.Errorf("DuckDB opened a %T", opened), opened.Close())
	}
	if _, err := native.ExecContext(ctx, "USE "+identifier(c.catalog)+".main", nil); err != nil {
		return nil, errors.Join(fmt.Errorf("use the store: %w", err), native.Close())
	}
	return &conn{Conn: native, connector: c}, nil
}

// conn is a DuckDB connection that stays in its catalog and remembers failures.
type conn struct {
	*duckdb.Conn
	connector *connector
	// failed is the first statement error since WithTx cleared it: DuckDB's commit
	// of an aborted transaction reports success and stores nothing (rule 7).
	failed error
}

// CheckNamedValue refuses lists that could hold NULLs, on which duckdb-go panics
// (rule 3).
func (c *conn) CheckNamedValue(value *driver.NamedValue) error {
	switch list := value.Value.(type) {
	case []string, []int64, []bool, []float64, []float32, []byte:
	case []any:
		for _, element := range list {
			if element == nil {
				return errNullInList
			}
		}
	default:
		if t := reflect.TypeOf(value.Value); t != nil && t.Kind() == reflect.Slice {
			switch t.Elem().Kind() {
			case reflect.Pointer, reflect.Interface:
				return errNullInList
			}
		}
	}
	return c.Conn.CheckNamedValue(value)
}

var errNullInList = errors.New("a list parameter may hold no NULLs: pass a BOOLEAN[] of the nulls beside it, or append the rows")

// ExecContext runs a statement.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.check(query); err != nil {
		return nil, err
	}
	result, err := c.Conn.ExecContext(ctx, query, args)
	return result, c.note(err)
}

// QueryContext runs a query. DuckDB finishes it before the first row is read.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.check(query); err != nil {
		return nil, err
	}
	rows, err := c.Conn.QueryContext(ctx, query, args)
	return rows, c.note(err)
}

// PrepareContext prepares a statement, whose failures are remembered as well.
func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.check(query); err != nil {
		return nil, err
	}
	prepared, err := c.Conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, c.note(err)
	}
	native, ok := prepared.(*duckdb.Stmt)
	if !ok {
		return nil, errors.Join(fmt.Errorf("DuckDB prepared a %T", prepared), prepared.Close())
	}
	return &stmt{Stmt: native, conn: c}, nil
}

// note remembers a failure and returns it.
func (c *conn) note(err error) error {
	if err == nil {
		return nil
	}
	if c.failed == nil {
		c.failed = err
	}
	if isInvalidated(err) {
		c.connector.broken.Store(true)
	}
	return err
}

func isInvalidated(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "has been invalidated") ||
		strings.HasPrefix(err.Error(), "FATAL Error"))
}

// check refuses the statements that would leave a pooled connection in another
// catalog, or reach files.
func (c *conn) check(query string) error {
	if c.connector.migrating {
		return nil
	}
	for statement := range strings.SplitSeq(query, ";") {
		statement = strings.TrimLeft(statement, " \t\r\n")
		for _, word := range refused {
			if len(statement) > len(word) && strings.EqualFold(statement[:len(word)], word) &&
				strings.ContainsRune(" \t\r\n", rune(statement[len(word)])) {
				return fmt.Errorf("a user store's connection runs no %s", word)
			}
		}
	}
	return nil
}

var refused = []string{"USE", "SET", "RESET", "ATTACH", "DETACH"}

// stmt is a prepared statement of a conn.
type stmt struct {
	*duckdb.Stmt
	conn *conn
}

// ExecContext runs the statement.
func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	result, err := s.Stmt.ExecContext(ctx, args)
	return result, s.conn.note(err)
}

// QueryContext runs the query.
func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	rows, err := s.Stmt.QueryContext(ctx, args)
	return rows, s.conn.note(err)
}
