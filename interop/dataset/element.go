package dataset

import (
	"errors"
	"io"

	"github.com/violentutf/violentutf/storage"
)

// elements cuts a JSON list into its elements as it is read: encoding/json would
// hold an element of any length, and stop for good at the first bad one.
type elements struct {
	in interface {
		io.ByteReader
		UnreadByte() error
	}
	line, column int64 // of the byte that comes next
	limit        int
	replaced     bool
	inner        bool // what follows the list is not looked at
	begun, done  bool
	buffer       []byte
}

func (e *elements) columns() []string { return nil }

func (e *elements) next() (*record, error) {
	if e.done {
		return nil, io.EOF
	}
	first, err := e.skip()
	if err != nil {
		return nil, e.early(err)
	}
	if first == ']' && !e.begun {
		_, _ = e.read() // the bracket that was seen
		return nil, e.end()
	}
	e.begun = true
	line, column := e.line, e.column
	closing, whole, err := e.element()
	if err != nil {
		return nil, e.early(err)
	}
	var rec *record
	switch {
	case !whole:
		rec = &record{reject: tooLong(line, column, e.limit)}
	case len(e.buffer) == 0:
		rec = &record{reject: &Reject{Line: line, Column: column, Reason: "has nothing between two commas: remove one"}}
	default:
		rec, _ = jsonRow(e.buffer, line, column, e.replaced)
	}
	if closing == ']' {
		if err := e.end(); !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return rec, nil
}

// element reads up to the comma or the bracket after an element.
func (e *elements) element() (closing byte, whole bool, err error) {
	e.buffer = e.buffer[:0]
	depth, inString, escaped := 0, false, false
	whole = true
	for {
		c, err := e.read()
		if err != nil {
			return 0, false, err
		}
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			depth++
		case depth == 0 && (c == ',' || c == ']'):
			return c, whole, nil
		case c == '}' || c == ']':
			depth--
		}
		if len(e.buffer) < e.limit {
			e.buffer = append(e.buffer, c)
		} else {
			whole = false
		}
	}
}

// end looks that nothing follows the list.
func (e *elements) end() error {
	e.done = true
	if e.inner {
		return io.EOF
	}
	_, err := e.skip()
	if err == nil {
		return storage.BadInput("file", "line %d, column %d: something follows the end of the list: remove it", e.line, e.column)
	}
	return err
}

// early turns the end of the file within the list into an error.
func (e *elements) early(err error) error {
	if errors.Is(err, io.EOF) {
		return cutOff(e.line)
	}
	return err
}

// skip passes over space and shows what comes then.
func (e *elements) skip() (byte, error) {
	for {
		line, column := e.line, e.column
		c, err := e.read()
		if err != nil {
			return 0, err
		}
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			e.line, e.column = line, column
			return c, e.in.UnreadByte()
		}
	}
}

// read counts lines, and characters by the first byte of each.
func (e *elements) read() (byte, error) {
	c, err := e.in.ReadByte()
	switch {
	case err != nil:
		return 0, err
	case c == '\n':
		e.line, e.column = e.line+1, 1
	case c&0xc0 != 0x80:
		e.column++
	}
	return c, nil
}
