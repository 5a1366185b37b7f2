package memory

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
)

// Dump writes the schema and all rows of a memory as text, in their order: two
// memories that say the same give the same text, whichever SQLite wrote them.
func Dump(ctx context.Context, path string, to io.Writer) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("dump memory: %w", err)
	}
	uri := url.URL{Path: filepath.ToSlash(absolute)}
	db, err := sql.Open("sqlite3", "file:"+uri.EscapedPath()+"?mode=ro")
	if err != nil {
		return fmt.Errorf("dump memory: %w", err)
	}
	defer db.Close()
	schema := `SELECT name, sql FROM sqlite_schema ORDER BY name`
	names, err := dumpRows(ctx, db, schema, to)
	for i := 0; err == nil && i < len(names); i++ {
		var tables int
		err = db.QueryRowContext(ctx, `SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = ?`, names[i]).Scan(&tables)
		if err == nil && tables == 1 {
			_, err = dumpRows(ctx, db, `SELECT * FROM "`+names[i]+`" ORDER BY rowid`, to)
		}
	}
	if err != nil {
		return fmt.Errorf("dump memory: %w", err)
	}
	return nil
}

// dumpRows writes the rows of a query and returns their first column.
func dumpRows(ctx context.Context, db *sql.DB, query string, to io.Writer) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var firsts []string
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		firsts = append(firsts, values[0].String)
		line := make([]byte, 0, 512)
		for _, v := range values {
			line = append(line, ' ')
			if v.Valid {
				line = strconv.AppendQuote(line, v.String)
			}
		}
		if _, err := to.Write(append(line, '\n')); err != nil {
			return nil, err
		}
	}
	return firsts, rows.Err()
}
