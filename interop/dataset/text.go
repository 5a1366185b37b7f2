package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/violentutf/violentutf/storage"
)

// text is a file as UTF-8, whichever its byte order mark said it was. Invalid UTF-8
// goes through: each format rejects the rows that have it.
type text struct {
	*bufio.Reader
	// replaced says that U+FFFD may stand for what was no UTF-16.
	replaced bool
}

// openText takes the byte order mark off. Without one a file is UTF-8.
func openText(r io.Reader, size int64) (*text, error) {
	raw := &counted{from: r, size: size}
	in := bufio.NewReaderSize(raw, 64<<10)
	head, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(head) == 0 {
		return nil, storage.BadInput("file", "the file is empty")
	}
	order := unicode.LittleEndian
	switch {
	case bytes.Equal(head, []byte{0xff, 0xfe, 0, 0}) || bytes.Equal(head, []byte{0, 0, 0xfe, 0xff}):
		return nil, storage.BadInput("file", "the file is UTF-32: save it as UTF-8")
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		_, _ = in.Discard(3) // it was peeked
		return &text{Reader: in}, nil
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		order = unicode.BigEndian
	default:
		return &text{Reader: in}, nil
	}
	raw.pairs = true
	decoder := unicode.UTF16(order, unicode.ExpectBOM).NewDecoder()
	return &text{Reader: bufio.NewReaderSize(transform.NewReader(in, decoder), 64<<10), replaced: true}, nil
}

// counted notices a stream that ends before its announced length, or within a
// character of UTF-16.
type counted struct {
	from  io.Reader
	size  int64 // 0: unknown
	read  int64
	pairs bool
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.read += int64(n)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	if c.size > 0 && c.read < c.size {
		return n, ended("the file ends after %d of %d bytes", c.read, c.size)
	}
	if c.pairs && c.read%2 != 0 {
		return n, ended("the file ends within a character of UTF-16, after %d bytes", c.read)
	}
	return n, err
}

// ended is the error of a file that does not end where a row does:
// io.ErrUnexpectedEOF with where and the remedy.
func ended(format string, args ...any) error {
	err := storage.BadInput("file", "%s: nothing of it is taken; send it again, whole", fmt.Sprintf(format, args...))
	err.Err = io.ErrUnexpectedEOF
	return err
}

// cutOff is ended for a row.
func cutOff(line int64) error {
	return ended("line %d is broken off and the file ends there", line)
}

// whole reads a file that can only be read as a whole.
func (t *text) whole(format Format, l limits) ([]byte, error) {
	all, err := io.ReadAll(io.LimitReader(t, l.document+1))
	if err != nil {
		return nil, err
	}
	if int64(len(all)) > l.document {
		return nil, storage.BadInput("file", "the file has more than %d MiB, the most for %s that has to be read as a whole: split it, or save it as JSONL", l.document>>20, format)
	}
	return all, nil
}
