package storage

import (
	"context"
	"database/sql"
)

// Foreign is a database file of another program, staged as a copy and open
// read-only. It is hostile: only base tables are visible and only whole-table
// scans can be made (architecture.md, rule 13).
type Foreign interface {
	// Tables lists the base tables with their columns.
	Tables() []ForeignTable
	// Scan reads columns of a base table as text, in the table's own order. fn
	// may keep the strings, not the slice.
	Scan(ctx context.Context, table string, columns []string, fn func(row []sql.NullString) error) error
	Close() error
}

// ForeignTable is a base table of a foreign database.
type ForeignTable struct {
	Name    string
	Columns []string
	Rows    int64
}

// ForeignOpener opens another program's database file, or tells in the error
// what is wrong with it (corrupt, encrypted, in use, newer format) and what to do.
type ForeignOpener interface {
	OpenForeign(ctx context.Context, path string) (Foreign, error)
}
