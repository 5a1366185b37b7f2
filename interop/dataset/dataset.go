// Package dataset reads lists of prompts from files that no tool of its own has an
// importer for: tables (CSV, TSV, Parquet), documents (JSON, JSONL, YAML, with
// PyRIT's seed prompts), plain lines, and the prompts of a garak report. A file is a
// stream that is read once; a Mapping says which of its columns is what.
//
// A row that cannot be a prompt is rejected, with its place, and the reading goes
// on. A file that ends in the middle of a row is an error of the whole, so that the
// caller stores nothing of it. A path (data type image_path and the like) is kept
// as the text it is: nothing here opens it.
package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/violentutf/violentutf/storage"
)

// Format is a kind of file.
type Format string

// The formats, as datasets.format keeps them.
const (
	FormatCSV     Format = "csv"     // RFC 4180, with a header; ; instead of , if the header has only that
	FormatTSV     Format = "tsv"     // the same between tabs
	FormatJSON    Format = "json"    // a list, or an object with one list
	FormatJSONL   Format = "jsonl"   // an object or a text a line
	FormatYAML    Format = "yaml"    // a list, or PyRIT's seed prompts
	FormatParquet Format = "parquet" // columns of scalars and of lists of scalars
	FormatTXT     Format = "txt"     // a prompt a line
	FormatGarak   Format = "garak"   // the prompts of a report.jsonl, each once
)

// limits bound what a file may cost, in bytes and in rows.
type limits struct {
	row      int   // a longer row is rejected
	held     int   // a longer row is an error of the whole: it has to be held to be passed over
	document int64 // of a file that can only be read as a whole
	rows     int64
	rejects  int
	marks    int   // what a YAML document may have of characters that can begin a node
	expanded int64 // what the aliases of a YAML document may make of it
}

var standard = limits{
	row: 1 << 20, held: 16 << 20, document: 16 << 20, rows: 10_000_000, rejects: 1000,
	marks: 400_000, expanded: 64 << 20,
}

// Reject is a row that is not a prompt. Line and Column count from 1, Column in
// characters; in Parquet, which has none, they are the numbers of the row and of
// the column.
type Reject struct {
	Line   int64  `json:"line"`
	Column int64  `json:"column"`
	Field  string `json:"field,omitempty"` // of the prompt, or the file's column for none; empty for the row
	Reason string `json:"reason"`          // with the remedy, and without the prompt
}

// String is the reject as one line.
func (r Reject) String() string {
	if r.Field == "" {
		return fmt.Sprintf("line %d, column %d: %s", r.Line, r.Column, r.Reason)
	}
	return fmt.Sprintf("line %d, column %d: %s: %s", r.Line, r.Column, r.Field, r.Reason)
}

// Reader gives the prompts of a file, once, in order. It is not safe for concurrent
// use and holds nothing that needs closing.
type Reader struct {
	limits  limits
	from    source
	names   []string // columns, in the order in which they were seen
	seen    map[string]bool
	ahead   []*record // read to see the columns
	last    error     // io.EOF if nothing comes after them
	mapping Mapping
	made    maker
	read    int64
	index   int64
	rejects []Reject
	passed  int64 // rows that were rejected, of which rejects has the first
	any     bool  // number of them is passed over
	err     error // the one that ended the reading
}

// source is a format's way to its rows. A bad row comes as a record with its reject;
// an error, io.EOF too, is the end of the file.
type source interface {
	// columns are those that the file declares; nil where only rows have them.
	columns() []string
	next() (*record, error)
}

// record is a row as the file has it.
type record struct {
	line, column int64
	cells        []cell
	// place is where a cell begins, counted only for a reject; nil where all lie at
	// the row's own place. It holds until the next row is read.
	place  func(cell int) (line, column int64)
	reject *Reject
	// lone says that the only cell is a value without a name, which is the text.
	lone bool
}

// cell is a value of a row: a string, nil, a bool, a json.Number, a []any or a
// map[string]any of these.
type cell struct {
	name  string
	value any
}

// lookAhead is how many rows are read to see columns that no header declares.
const lookAhead = 20

// Open begins to read r. size is its length in bytes, by which a stream that ends too
// early is noticed; 0 while unknown. An empty mapping takes the well-known columns.
// Parquet is read from its end: r has to be an io.ReaderAt, or short. Errors are
// storage.BadInput and name a field of the mapping, the format, or file.
func Open(format Format, r io.Reader, size int64, mapping Mapping) (*Reader, error) {
	return open(format, r, size, mapping, standard)
}

func open(format Format, r io.Reader, size int64, mapping Mapping, l limits) (*Reader, error) {
	from, err := newSource(format, r, size, l)
	if err != nil {
		return nil, err
	}
	reader := &Reader{limits: l, from: from, seen: map[string]bool{}}
	reader.name(from.columns())
	var bytes int
	lone := false
	for len(reader.ahead) < lookAhead && bytes < l.row {
		rec, err := from.next()
		if errors.Is(err, io.EOF) {
			reader.last = err
			break
		} else if err != nil {
			return nil, err
		}
		bytes += rec.weight()
		rec.settle()
		reader.ahead = append(reader.ahead, rec)
		if rec.lone {
			lone = true
			continue
		}
		for _, c := range rec.cells {
			reader.name([]string{c.name})
		}
	}
	if lone && len(reader.names) == 0 {
		reader.name([]string{textColumn})
	}
	if len(mapping) == 0 {
		names := reader.names
		if s, ok := from.(*seeds); ok && s.doc.pyrit { // a member may first be used far down
			names = append(slices.Clone(names), seedMembers...)
		}
		reader.mapping = propose(names, reader.ahead)
	} else {
		reader.mapping = mapping.known(reader.seen)
	}
	if err := reader.mapping.check(from.columns()); err != nil {
		return nil, err
	}
	reader.made = newMaker(reader.mapping, l.row)
	return reader, nil
}

func newSource(format Format, r io.Reader, size int64, l limits) (source, error) {
	if format == FormatParquet {
		return openParquet(r, size, l)
	}
	in, err := openText(r, size)
	if err != nil {
		return nil, err
	}
	switch format {
	case FormatCSV, FormatTSV:
		return openCSV(in, format, l)
	case FormatJSON:
		return openJSON(in, l)
	case FormatJSONL:
		return &jsonLines{lines: newLines(in, l)}, nil
	case FormatYAML:
		return openYAML(in, l)
	case FormatTXT:
		return &plainLines{lines: newLines(in, l)}, nil
	case FormatGarak:
		return openGarak(in, l), nil
	}
	return nil, storage.BadInput("format", "there is no format %q: name csv, tsv, json, jsonl, yaml, parquet, txt or garak", string(format))
}

// Next gives the next prompt, io.EOF after the last. Its dataset, source, key and
// times are the caller's to fill in; Index counts from 0 without gaps. Rejected rows
// are passed over and kept for Rejects. Any other error is one of the whole file:
// storage.BadInput, or the context's.
func (r *Reader) Next(ctx context.Context) (*storage.Prompt, error) {
	if r.err != nil {
		return nil, r.err
	}
	if _, ok := r.mapping[FieldText]; !ok && len(r.names) > 0 {
		return nil, storage.BadInput("mapping.text", "no column is known as the prompt's text: map text to one of %s", quoted(r.names))
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		rec, err := r.record()
		if err != nil {
			r.err = err
			return nil, err
		}
		prompt, reject := r.made.prompt(rec)
		if reject == nil {
			prompt.Index = r.index
			r.index++
			return prompt, nil
		}
		if r.passed++; len(r.rejects) < r.limits.rejects {
			r.rejects = append(r.rejects, *reject)
		}
		if len(r.rejects) >= r.limits.rejects && !r.any {
			r.err = storage.BadInput("file", "%d rows are no prompts, the first at %s: correct the mapping or the file", len(r.rejects), r.rejects[0])
			return nil, r.err
		}
	}
}

func (r *Reader) record() (*record, error) {
	var rec *record
	switch {
	case len(r.ahead) > 0:
		rec, r.ahead = r.ahead[0], r.ahead[1:]
	case r.last != nil:
		return nil, r.last
	default:
		var err error
		if rec, err = r.from.next(); err != nil {
			return nil, err
		}
	}
	if r.read++; r.read > r.limits.rows {
		return nil, storage.BadInput("file", "the file has more than %d rows: split it", r.limits.rows)
	}
	return rec, nil
}

// PassOver lets Next pass over any number of rejected rows; without it, a thousand of
// them are an error of the whole file.
func (r *Reader) PassOver() { r.any = true }

// Rejects are the first thousand rows passed over so far, in order.
func (r *Reader) Rejects() []Reject { return r.rejects }

// RejectCount is how many rows were passed over so far.
func (r *Reader) RejectCount() int64 { return r.passed }

// Columns are those of the file, as far as they were seen when it was opened.
func (r *Reader) Columns() []string { return r.names }

// Mapping is the one in force: Open's, or what was proposed for an empty one.
func (r *Reader) Mapping() Mapping { return r.mapping }

func (r *Reader) name(columns []string) {
	for _, name := range columns {
		if !r.seen[name] && len(r.names) < maxColumns {
			r.seen[name] = true
			r.names = append(r.names, name)
		}
	}
}

// settle counts the places of a record that outlives the reading of the next one.
func (rec *record) settle() {
	if rec.place == nil {
		return
	}
	places := make([][2]int64, len(rec.cells))
	for i := range places {
		places[i][0], places[i][1] = rec.place(i)
	}
	rec.place = func(i int) (int64, int64) { return places[i][0], places[i][1] }
}

// at is the place of a cell, of the row for -1.
func (rec *record) at(i int) (line, column int64) {
	if i < 0 || rec.place == nil {
		return rec.line, rec.column
	}
	return rec.place(i)
}

// weight is about the bytes of a row's texts.
func (rec *record) weight() int {
	total := 0
	for _, c := range rec.cells {
		total += len(c.name) + weigh(c.value)
	}
	return total
}

func weigh(value any) int {
	switch v := value.(type) {
	case string:
		return len(v)
	case []any:
		total := 0
		for _, element := range v {
			total += weigh(element) + 1
		}
		return total
	case map[string]any:
		total := 0
		for name, member := range v {
			total += len(name) + weigh(member)
		}
		return total
	}
	return 8
}
