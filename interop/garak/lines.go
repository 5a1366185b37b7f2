package garak

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// maxValues and maxDocuments bound what a line becomes in memory, however short its
// values are. Garak's longest lines hold some thousands in one document.
const (
	maxValues    = 2_000_000
	maxDocuments = 1_000
)

var errTooMany = errors.New("it holds too many values for a line of garak")

// lineReader cuts a file into lines without ever holding more than limit bytes.
type lineReader struct {
	in     *bufio.Reader
	limit  int
	buffer []byte
	number int64 // of the line given last, from 1
	read   int64 // bytes
	ended  bool  // the line given last ended in a newline
}

func newLineReader(from io.Reader, limit int) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(from, 64<<10), limit: limit}
}

// next gives the next line without its end, a byte order mark, surrounding white
// space, and the NULs that a crash leaves in a file's last block. It is valid until
// the next call. A longer line than the limit is an error as soon as the limit is
// passed: the rest is not read.
func (r *lineReader) next() ([]byte, error) {
	r.buffer = r.buffer[:0]
	r.number++
	for {
		part, err := r.in.ReadSlice('\n')
		r.read += int64(len(part))
		if len(r.buffer)+len(part) > r.limit+1 {
			return nil, fmt.Errorf("line %d is longer than %d bytes: no garak line is; if it is meant, split the attempt's outputs into several runs, nothing was imported", r.number, r.limit)
		}
		r.grow(len(part))
		r.buffer = append(r.buffer, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err == io.EOF && len(r.buffer) == 0:
			return nil, io.EOF
		case err != nil && err != io.EOF:
			return nil, fmt.Errorf("read line %d: %w", r.number, err)
		}
		r.ended = err == nil
		line := r.buffer
		if r.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		return bytes.Trim(line, " \t\r\n\x00"), nil
	}
}

// grow makes room by doubling, and never beyond the limit: append alone would leave
// five times the line behind.
func (r *lineReader) grow(n int) {
	if need := len(r.buffer) + n; need > cap(r.buffer) {
		buffer := make([]byte, len(r.buffer), max(need, min(2*cap(r.buffer), r.limit+1)))
		copy(buffer, r.buffer)
		r.buffer = buffer
	}
}

// cutOff says whether a bad line may be the unfinished end of a file: it has no
// newline, or its JSON only ends too early.
func cutOff(lines *lineReader, err error) bool {
	return !lines.ended || errors.Is(err, io.ErrUnexpectedEOF)
}

// values are the JSON values of one line.
type values struct {
	list     []json.RawMessage
	repaired bool // NaN or Infinity became null
	damaged  bool // not valid UTF-8
}

// splitValues gives the values of a line. There is one, except where something was
// appended to a line that had no newline yet. Python writes NaN and Infinity, which
// are no JSON.
func splitValues(line []byte) (values, error) {
	if bytes.Count(line, []byte(",")) > maxValues {
		return values{}, errTooMany
	}
	out := values{damaged: !utf8.Valid(line)}
	if json.Valid(line) {
		out.list = []json.RawMessage{line}
		return out, nil
	}
	list, err := decodeAll(line)
	if err != nil {
		if repaired, found := withoutNaN(line); found {
			if list, again := decodeAll(repaired); again == nil {
				out.list, out.repaired = list, true
				return out, nil
			}
		}
		return values{}, err
	}
	out.list = list
	return out, nil
}

func decodeAll(line []byte) ([]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(line))
	var list []json.RawMessage
	for {
		var raw json.RawMessage
		switch err := decoder.Decode(&raw); err {
		case nil:
			if list = append(list, raw); len(list) > maxDocuments {
				return nil, errTooMany
			}
		case io.EOF:
			return list, nil
		default:
			return nil, err
		}
	}
}

// withoutNaN replaces the words NaN and Infinity outside strings with null.
func withoutNaN(line []byte) ([]byte, bool) {
	words := [][]byte{[]byte("NaN"), []byte("-Infinity"), []byte("Infinity")}
	out := make([]byte, 0, len(line))
	inString, found := false, false
scan:
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case inString && c == '\\' && i+1 < len(line):
			out = append(out, c)
			i++
			c = line[i]
		case c == '"':
			inString = !inString
		case !inString:
			for _, word := range words {
				if bytes.HasPrefix(line[i:], word) {
					out, found = append(out, "null"...), true
					i += len(word) - 1
					continue scan
				}
			}
		}
		out = append(out, c)
	}
	return out, found
}
