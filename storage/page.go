package storage

import (
	"context"
	"encoding/base64"
	"strings"
)

// The sizes of a connection's page (api.md, Conventions).
const (
	DefaultPageSize = 20
	MaxPageSize     = 1000
)

// Page asks for one page of a list: Limit rows after the cursor After, or,
// Backward, the Limit rows before the cursor Before. It holds no pointers, so it
// can be part of a loader's key. The zero cursor means from the list's end.
type Page struct {
	Limit    int
	Backward bool
	After    string
	Before   string
}

// NewPage checks Relay's four paging arguments. Errors are BAD_USER_INPUT and
// name the argument.
func NewPage(first *int, after *string, last *int, before *string) (Page, error) {
	page := Page{Limit: DefaultPageSize}
	if first != nil && last != nil {
		return page, BadInput("last", "first and last exclude each other: ask for one of them")
	}
	if after != nil {
		page.After = *after
	}
	if before != nil {
		page.Before = *before
	}
	size, field := first, "first"
	if last != nil {
		size, field, page.Backward = last, "last", true
	}
	if size != nil {
		if *size < 0 || *size > MaxPageSize {
			return page, BadInput(field, "%s must be between 0 and %d, not %d", field, MaxPageSize, *size)
		}
		page.Limit = *size
	}
	return page, nil
}

// Cursor is the place of a row in an ordered list. It names the list it belongs
// to (the order and, in a nested list, the parent), so that it is refused
// elsewhere. Value is the row's sort value as text, Number its tie-breaker.
type Cursor struct {
	List   string
	Value  string
	Number string
}

// String encodes the cursor.
func (c Cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(c.List + "\x1f" + c.Value + "\x1f" + c.Number))
}

// ParseCursor decodes a cursor of the named list. Errors are BAD_USER_INPUT.
func ParseCursor(field, text, list string) (Cursor, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.Split(string(raw), "\x1f")
	if err != nil || len(parts) != 3 {
		return Cursor{}, BadInput(field, "%s is not a cursor of this server: pass an endCursor or startCursor unchanged", field)
	}
	if parts[0] != list {
		return Cursor{}, BadInput(field, "%s is a cursor of another list (another order or another parent): start that list from its beginning", field)
	}
	return Cursor{List: parts[0], Value: parts[1], Number: parts[2]}, nil
}

// PageInfo is Relay's.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// Edge is one row of a page with its place.
type Edge[T any] struct {
	Cursor string
	Node   *T
}

// Connection is one page of a list of T.
type Connection[T any] struct {
	Edges    []*Edge[T]
	PageInfo *PageInfo
	// Count counts the whole filtered list; it runs only when asked.
	Count func(ctx context.Context) (int64, error)
}

// Nodes returns the rows of the page without their cursors.
func (c *Connection[T]) Nodes() []*T {
	nodes := make([]*T, len(c.Edges))
	for i, edge := range c.Edges {
		nodes[i] = edge.Node
	}
	return nodes
}

// TotalCount counts the whole filtered list, not the page.
func (c *Connection[T]) TotalCount(ctx context.Context) (int64, error) { return c.Count(ctx) }

// NewConnection makes a page of rows that were read in the page's own direction
// with one row more than asked for, whose presence says that the list goes on.
func NewConnection[T any](page Page, rows []*T, cursor func(*T) string, count func(context.Context) (int64, error)) *Connection[T] {
	more := len(rows) > page.Limit
	if more {
		rows = rows[:page.Limit]
	}
	c := &Connection[T]{PageInfo: &PageInfo{}, Count: count, Edges: make([]*Edge[T], len(rows))}
	for i, row := range rows {
		at := i
		if page.Backward {
			at = len(rows) - 1 - i
		}
		c.Edges[at] = &Edge[T]{Cursor: cursor(row), Node: row}
	}
	// The other direction is known to go on exactly when a cursor was given: the
	// row it names is there, or was.
	c.PageInfo.HasNextPage, c.PageInfo.HasPreviousPage = more, page.After != ""
	if page.Backward {
		c.PageInfo.HasNextPage, c.PageInfo.HasPreviousPage = page.Before != "", more
	}
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor = &c.Edges[0].Cursor
		c.PageInfo.EndCursor = &c.Edges[len(c.Edges)-1].Cursor
	}
	return c
}
