package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// lines cuts a text into lines and never holds more of one than the limit.
type lines struct {
	in       *text
	limit    int
	buffer   []byte
	number   int64 // of the line given last, from 1
	tooLong  bool  // the line given last is only the start of a longer one
	newline  bool  // the line given last ended in one
	replaced bool
}

func newLines(in *text, l limits) *lines {
	return &lines{in: in, limit: l.row, replaced: in.replaced}
}

// next gives a line without its end, valid until the next call.
func (l *lines) next() ([]byte, error) {
	l.buffer, l.tooLong = l.buffer[:0], false
	l.number++
	empty := true
	for {
		part, err := l.in.ReadSlice('\n')
		empty = empty && len(part) == 0
		if len(l.buffer)+len(part) > l.limit+2 { // with the line's end
			l.tooLong = true
		} else {
			l.buffer = append(l.buffer, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && empty:
			return nil, io.EOF
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		}
		l.newline = err == nil
		return bytes.TrimSuffix(bytes.TrimSuffix(l.buffer, []byte("\n")), []byte("\r")), nil
	}
}

// atEnd says whether the line given last is the file's last.
func (l *lines) atEnd() bool {
	_, err := l.in.Peek(1)
	return errors.Is(err, io.EOF)
}

// check rejects what no row may have: another encoding, U+0000, or too many bytes.
// column is where raw begins in its line.
func check(raw []byte, line, column int64, replaced bool) *Reject {
	bad, reason := invalid(raw, replaced)
	if bad < 0 {
		return nil
	}
	line, column = walk(raw[:bad], line, column)
	return &Reject{Line: line, Column: column, Reason: reason}
}

func invalid(raw []byte, replaced bool) (offset int, reason string) {
	offset, reason = bytes.IndexByte(raw, 0), "has the character U+0000, which no text may have: remove it"
	if utf8.Valid(raw) {
		if mark := bytes.Index(raw, []byte("\ufffd")); replaced && mark >= 0 && (offset < 0 || mark < offset) {
			return mark, "has U+FFFD, which stands for damaged UTF-16: correct the text, or save the file as UTF-8 if it is meant"
		}
		return offset, reason
	}
	for i := 0; i < len(raw) && (offset < 0 || i < offset); {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return i, "is not valid UTF-8: save the file as UTF-8"
		}
		i += size
	}
	return offset, reason
}

// walk is the place after passed, which began at line and column.
func walk(passed []byte, line, column int64) (int64, int64) {
	if newline := bytes.LastIndexByte(passed, '\n'); newline >= 0 {
		line += int64(bytes.Count(passed, []byte("\n")))
		column = 1
		passed = passed[newline+1:]
	}
	return line, column + int64(utf8.RuneCount(passed))
}

func tooLong(line, column int64, limit int) *Reject {
	return &Reject{Line: line, Column: column, Reason: fmt.Sprintf("the row has more than %d bytes: split or shorten it", limit)}
}

// plainLines are prompts of a line each; blank lines are none.
type plainLines struct{ lines *lines }

// textColumn names the only column of a format without names.
const textColumn = "text"

func (p *plainLines) columns() []string { return []string{textColumn} }

func (p *plainLines) next() (*record, error) {
	for {
		line, err := p.lines.next()
		if err != nil {
			return nil, err
		}
		rec := &record{line: p.lines.number, column: 1}
		switch {
		case p.lines.tooLong:
			rec.reject = tooLong(rec.line, 1, p.lines.limit)
			return rec, nil
		case len(bytes.TrimSpace(line)) == 0:
			continue
		}
		if rec.reject = check(line, rec.line, 1, p.lines.replaced); rec.reject == nil {
			rec.cells = []cell{{name: textColumn, value: string(line)}}
		}
		return rec, nil
	}
}
