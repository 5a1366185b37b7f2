package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/violentutf/violentutf/storage"
)

// columnar reads Parquet a page at a time.
type columnar struct {
	names  []string
	leaves map[int]leaf // by the number that values have
	groups []parquet.RowGroup
	rows   parquet.Rows
	buffer []parquet.Row
	ready  []parquet.Row
	ended  bool // of the row group
	number int64
	limit  int
}

// leaf is a column of scalars, or of lists of them.
type leaf struct {
	cell     int
	list     bool
	unsigned bool
	kind     parquet.Kind
}

const badParquet = "the file is not valid Parquet, or damaged: write it again"

// openParquet needs the end of the file first. Nested columns other than lists of
// scalars are left out, they are no prompt's.
func openParquet(r io.Reader, size int64, l limits) (from source, err error) {
	defer asBadInput(&err)
	at, ok := r.(io.ReaderAt)
	if !ok || size <= 0 {
		in := &text{Reader: bufio.NewReader(&counted{from: r, size: size})}
		all, err := in.whole(FormatParquet, l)
		if err != nil {
			return nil, err
		}
		at, size = bytes.NewReader(all), int64(len(all))
	}
	file, err := parquet.OpenFile(at, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, storage.BadInput("file", badParquet)
	}
	c := &columnar{leaves: map[int]leaf{}, groups: file.RowGroups(), buffer: make([]parquet.Row, 16), limit: l.row}
	for _, column := range file.Root().Columns() {
		inner := column
		for !inner.Leaf() && len(inner.Columns()) == 1 {
			inner = inner.Columns()[0]
		}
		list := inner.MaxRepetitionLevel() == 1
		if !inner.Leaf() || inner.MaxRepetitionLevel() > 1 || (inner != column && !list) || len(c.names) == maxColumns {
			continue
		}
		as := leaf{cell: len(c.names), list: list, kind: inner.Type().Kind()}
		if logical := inner.Type().LogicalType(); logical != nil {
			integer, ok := logical.Value.(*format.IntType)
			as.unsigned = ok && !integer.IsSigned
		}
		c.leaves[inner.Index()] = as
		c.names = append(c.names, column.Name())
	}
	if len(c.names) == 0 {
		return nil, storage.BadInput("file", "the file has no column of texts or numbers: flatten it")
	}
	return c, nil
}

func (c *columnar) columns() []string { return c.names }

func (c *columnar) next() (rec *record, err error) {
	defer asBadInput(&err)
	for len(c.ready) == 0 {
		if err := c.fill(); err != nil {
			return nil, err
		}
	}
	row := c.ready[0]
	c.ready = c.ready[1:]
	c.number++
	return c.record(row), nil
}

// fill reads the next rows.
func (c *columnar) fill() error {
	if c.rows == nil {
		if len(c.groups) == 0 {
			return io.EOF
		}
		c.rows, c.groups, c.ended = c.groups[0].Rows(), c.groups[1:], false
	}
	if c.ended {
		err := c.rows.Close()
		c.rows = nil
		return err
	}
	n, err := c.rows.ReadRows(c.buffer)
	c.ready = c.buffer[:n]
	switch {
	case errors.Is(err, io.EOF) || err == nil && n == 0:
		c.ended = true
	case err != nil:
		return storage.BadInput("file", "%s (after row %d)", badParquet, c.number)
	}
	return nil
}

func (c *columnar) record(row parquet.Row) *record {
	rec := &record{line: c.number, column: 1, cells: make([]cell, len(c.names))}
	for i, name := range c.names {
		rec.cells[i].name = name
	}
	rec.place = func(i int) (int64, int64) { return rec.line, int64(i) + 1 }
	weight := 0
	for _, v := range row {
		as, ok := c.leaves[v.Column()]
		if !ok || v.IsNull() {
			continue
		}
		if weight += len(v.Bytes()) + 8; weight > c.limit {
			rec.reject = tooLong(rec.line, 1, c.limit)
			return rec
		}
		made, err := as.value(v)
		if err != nil {
			rec.reject = &Reject{Line: rec.line, Column: int64(as.cell) + 1, Field: storage.Plain(c.names[as.cell], 60), Reason: err.Error()}
			return rec
		}
		if !as.list {
			rec.cells[as.cell].value = made
			continue
		}
		list, _ := rec.cells[as.cell].value.([]any)
		rec.cells[as.cell].value = append(list, made)
	}
	return rec
}

// value takes NaN, which pandas writes where nothing is, for nothing.
func (l leaf) value(v parquet.Value) (any, error) {
	switch l.kind {
	case parquet.Boolean:
		return v.Boolean(), nil
	case parquet.Int32, parquet.Int64:
		if l.unsigned && l.kind == parquet.Int32 {
			return json.Number(strconv.FormatUint(uint64(v.Uint32()), 10)), nil
		} else if l.unsigned {
			return json.Number(strconv.FormatUint(v.Uint64(), 10)), nil
		} else if l.kind == parquet.Int32 {
			return json.Number(strconv.FormatInt(int64(v.Int32()), 10)), nil
		}
		return json.Number(strconv.FormatInt(v.Int64(), 10)), nil
	case parquet.Float, parquet.Double:
		f := v.Double()
		if l.kind == parquet.Float {
			f = float64(v.Float())
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, nil
		}
		return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
	case parquet.ByteArray, parquet.FixedLenByteArray:
		if !utf8.Valid(v.ByteArray()) {
			return nil, errors.New("is not valid UTF-8: write the column as texts")
		}
		return string(v.ByteArray()), nil
	}
	return v.String(), nil // a time of 96 bits
}

// asBadInput turns a panic, with which the library answers some damage, into the
// error that it is.
func asBadInput(err *error) {
	if cause := recover(); cause != nil {
		bad := storage.BadInput("file", badParquet)
		bad.Err = fmt.Errorf("parquet: %v", cause)
		*err = bad
	}
}
