package dataset

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/violentutf/violentutf/storage"
)

// maxColumns is more than any prompt dataset has.
const maxColumns = 1000

// table reads CSV and TSV strictly by RFC 4180: a stray quote rejects its row.
// Within a quoted field a line's end becomes \n, as encoding/csv has it.
type table struct {
	in       *csv.Reader
	tape     *tape
	header   []string
	line     int64 // at the tape's start
	limits   limits
	replaced bool
	// cellPlace is place of a cell: made once, not by the row
	cellPlace func(int) (int64, int64)
}

func openCSV(in *text, format Format, l limits) (source, error) {
	t := &table{tape: &tape{from: in, limit: int64(l.held)}, line: 1, limits: l, replaced: in.replaced}
	t.in = csv.NewReader(t.tape)
	t.in.FieldsPerRecord = -1
	t.cellPlace = func(i int) (int64, int64) { return t.place(t.in.FieldPos(i)) }
	t.in.Comma = '\t'
	if format == FormatCSV {
		t.in.Comma = separator(in)
	}
	header, err := t.in.Read()
	switch {
	case errors.Is(err, io.EOF):
		return nil, storage.BadInput("file", "the file has no header: name its columns in the first row")
	case err != nil:
		return nil, t.explain(err)
	case len(header) > maxColumns:
		return nil, storage.BadInput("file", "the header names %d columns, more than %d: is it a %s?", len(header), maxColumns, format)
	}
	names := map[string]bool{}
	for i, name := range header {
		if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
			return nil, storage.BadInput("file", "the header's column %d is not valid UTF-8: save the file as UTF-8", i+1)
		}
		if name = strings.TrimSpace(name); name == "" {
			name = fmt.Sprintf("column %d", i+1) // as pandas writes its index
		}
		if names[name] {
			return nil, storage.BadInput("file", "two columns are named %q: rename one", name)
		}
		names[name] = true
		t.header = append(t.header, name)
	}
	return t, nil
}

// separator is what the header has between its columns: Excel writes ; where the
// decimal mark is a comma.
func separator(in *text) rune {
	head, _ := in.Peek(4 << 10) // a shorter file is its own head
	head, _, _ = bytes.Cut(head, []byte("\n"))
	if bytes.IndexByte(head, ',') < 0 && bytes.IndexByte(head, ';') >= 0 {
		return ';'
	}
	return ','
}

func (t *table) columns() []string { return t.header }

func (t *table) next() (*record, error) {
	passed := t.tape.until(t.in.InputOffset())
	t.line += int64(bytes.Count(passed, []byte("\n")))
	t.tape.drop(t.in.InputOffset())
	fields, err := t.in.Read()
	raw := t.tape.until(t.in.InputOffset())
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		if t.atEnd() {
			return nil, cutOff(int64(bad.Line))
		}
		line, column := t.place(bad.Line, bad.Column)
		return &record{reject: &Reject{Line: line, Column: column, Reason: "has a quote where none may be: put the whole field in quotes and double those inside"}}, nil
	}
	if err != nil {
		return nil, t.explain(err)
	}
	rec := &record{}
	rec.line, rec.column = t.place(t.in.FieldPos(0))
	switch {
	case len(fields) < len(t.header) && t.atEnd():
		return nil, cutOff(rec.line)
	case len(raw) > t.limits.row:
		rec.reject = tooLong(rec.line, rec.column, t.limits.row)
	case len(fields) != len(t.header):
		rec.reject = &Reject{Line: rec.line, Column: rec.column, Reason: fmt.Sprintf("the row has %d fields and the header %d: correct one", len(fields), len(t.header))}
	default:
		rec.reject = check(raw, t.line, 1, t.replaced)
	}
	if rec.reject != nil {
		return rec, nil
	}
	rec.cells = make([]cell, len(fields))
	for i, field := range fields {
		rec.cells[i] = cell{name: t.header[i], value: field}
	}
	rec.place = t.cellPlace
	return rec, nil
}

// place turns encoding/csv's byte in a line into a character.
func (t *table) place(line, column int) (int64, int64) {
	raw := t.tape.until(t.in.InputOffset())
	for range int64(line) - t.line {
		_, raw, _ = bytes.Cut(raw, []byte("\n"))
	}
	return int64(line), int64(utf8.RuneCount(raw[:min(max(column-1, 0), len(raw))])) + 1
}

// atEnd says whether the row read last is the file's last and has no newline.
func (t *table) atEnd() bool { return t.tape.ended && t.in.InputOffset() == t.tape.end() }

func (t *table) explain(err error) error {
	if errors.Is(err, errHeld) {
		return storage.BadInput("file", "the row at line %d has more than %d MiB: is a quote in it not closed?", t.line, t.limits.held>>20)
	}
	if bad, ok := errors.AsType[*csv.ParseError](err); ok { // the header's
		return storage.BadInput("file", "line %d, column %d has a quote where none may be: put the whole field in quotes and double those inside", bad.Line, bad.Column)
	}
	return err
}

var errHeld = errors.New("a row is longer than can be held")

// tape keeps what was read of the current row, for the places in it, and stops one
// that does not end.
type tape struct {
	from  io.Reader
	limit int64
	kept  []byte
	start int64 // offset of kept
	row   int64 // offset of the row
	ended bool
}

func (t *tape) Read(p []byte) (int, error) {
	if t.end()-t.row > t.limit {
		return 0, errHeld
	}
	n, err := t.from.Read(p)
	t.kept = append(t.kept, p[:n]...)
	t.ended = errors.Is(err, io.EOF)
	return n, err
}

func (t *tape) end() int64 { return t.start + int64(len(t.kept)) }

func (t *tape) until(offset int64) []byte { return t.kept[t.row-t.start : offset-t.start] }

// drop begins a row. What lies before it is moved out now and then, not by the row.
func (t *tape) drop(offset int64) {
	t.row = offset
	if t.row-t.start > 64<<10 {
		t.kept = append(t.kept[:0], t.kept[t.row-t.start:]...)
		t.start = t.row
	}
}
