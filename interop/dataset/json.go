package dataset

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/violentutf/violentutf/storage"
)

// jsonLines are JSON values of a line each.
type jsonLines struct{ lines *lines }

func (j *jsonLines) columns() []string { return nil }

func (j *jsonLines) next() (*record, error) {
	for {
		line, err := j.lines.next()
		if err != nil {
			return nil, err
		}
		number := j.lines.number
		switch {
		case j.lines.tooLong:
			return &record{reject: tooLong(number, 1, j.lines.limit)}, nil
		case len(bytes.TrimSpace(line)) == 0:
			continue
		}
		rec, err := jsonRow(line, number, 1, j.lines.replaced)
		if err != nil && j.lines.atEnd() && (!j.lines.newline || errors.Is(err, io.ErrUnexpectedEOF)) {
			return nil, cutOff(number)
		}
		return rec, nil
	}
}

// jsonRow reads one value: an object has a cell for each member, any other is the
// text. err is the syntax error of which the record's reject tells.
func jsonRow(raw []byte, line, column int64, replaced bool) (*record, error) {
	space := len(raw) - len(bytes.TrimLeft(raw, " \t\r\n"))
	line, column = walk(raw[:space], line, column)
	raw = bytes.TrimRight(raw[space:], " \t\r\n")
	rec := &record{line: line, column: column}
	if rec.reject = check(raw, line, column, replaced); rec.reject != nil {
		return rec, nil
	}
	if lone := unpaired(raw); lone >= 0 {
		rec.reject = &Reject{Reason: "has an unpaired surrogate, which is no character: correct the \\u escape"}
		rec.reject.Line, rec.reject.Column = walk(raw[:lone], line, column)
		return rec, nil
	}
	cells, offsets, at, err := members(raw, anyValue)
	if err != nil {
		rec.reject = &Reject{Reason: fmt.Sprintf("is not valid JSON (%v): correct it", brief(err))}
		rec.reject.Line, rec.reject.Column = walk(raw[:min(at, len(raw))], line, column)
		return rec, err
	}
	rec.cells, rec.lone = cells, len(raw) == 0 || raw[0] != '{'
	rec.place = func(i int) (int64, int64) { return walk(raw[:offsets[i]], line, column) }
	return rec, nil
}

// members decodes a value, at is where it fails. Of equal names the last counts, as
// in encoding/json.
func members(raw []byte, decode func(*json.Decoder) (any, error)) (cells []cell, offsets []int, at int, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	fail := func(err error) ([]cell, []int, int, error) {
		// A decoder's own offsets mean different things; only a failure pays for this.
		syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(raw, new(json.RawMessage)))
		switch {
		case !ok:
			return nil, nil, int(decoder.InputOffset()), err
		case syntax.Error() == "unexpected end of JSON input":
			return nil, nil, len(raw), io.ErrUnexpectedEOF
		}
		return nil, nil, int(max(syntax.Offset-1, 0)), syntax
	}
	if len(raw) == 0 || raw[0] != '{' {
		value, err := decode(decoder)
		if err != nil {
			return fail(err)
		}
		if rest := raw[decoder.InputOffset():]; len(rest) > 0 {
			return fail(errors.New("something follows the value"))
		}
		return []cell{{name: textColumn, value: value}}, []int{0}, 0, nil
	}
	if _, err := decoder.Token(); err != nil {
		return fail(err)
	}
	known := map[string]int{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return fail(err)
		}
		name, ok := token.(string)
		if !ok {
			return fail(errors.New("a name is not in quotes"))
		}
		start := int(decoder.InputOffset())
		start += len(raw[start:]) - len(bytes.TrimLeft(raw[start:], ": \t\r\n"))
		value, err := decode(decoder)
		if err != nil {
			return fail(err)
		}
		if i, twice := known[name]; twice {
			cells[i].value, offsets[i] = value, start
			continue
		}
		if len(cells) == maxColumns {
			return fail(fmt.Errorf("more than %d members", maxColumns))
		}
		known[name] = len(cells)
		cells, offsets = append(cells, cell{name: name, value: value}), append(offsets, start)
	}
	if _, err := decoder.Token(); err != nil {
		return fail(err)
	}
	if rest := raw[decoder.InputOffset():]; len(rest) > 0 {
		return fail(errors.New("something follows the object"))
	}
	return cells, offsets, 0, nil
}

func anyValue(decoder *json.Decoder) (value any, err error) {
	err = decoder.Decode(&value)
	return value, err
}

// outline leaves long values undecoded: as Go values they would take many times
// their length, and the list of rows is read row by row.
func outline(decoder *json.Decoder) (any, error) {
	var raw json.RawMessage
	if err := decoder.Decode(&raw); err != nil {
		return nil, err
	}
	if len(raw) <= 64<<10 {
		inner := json.NewDecoder(bytes.NewReader(raw))
		inner.UseNumber()
		return anyValue(inner)
	}
	if raw[0] == '[' {
		return []any{}, nil
	}
	return nil, nil
}

// brief keeps a cause without what the file has at its place.
func brief(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "it ends too early"
	case errors.As(err, new(*json.SyntaxError)):
		return "syntax error"
	}
	return err.Error()
}

// unpaired finds a \u escape of half a character, which encoding/json would replace
// without a word; -1 without.
func unpaired(raw []byte) int {
	if !bytes.Contains(raw, []byte(`\ud`)) && !bytes.Contains(raw, []byte(`\uD`)) {
		return -1
	}
	for i := 0; i < len(raw)-1; i++ {
		if raw[i] != '\\' {
			continue
		}
		switch first := surrogate(raw[i:]); {
		case first == 'h' && surrogate(raw[min(i+6, len(raw)):]) == 'l':
			i += 11
		case first != 0:
			return i
		default:
			i++ // what is escaped
		}
	}
	return -1
}

// surrogate says whether raw begins with the escape of a high or a low one.
func surrogate(raw []byte) byte {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' || raw[2]|0x20 != 'd' {
		return 0
	}
	switch raw[3] | 0x20 {
	case '8', '9', 'a', 'b':
		return 'h'
	case 'c', 'd', 'e', 'f':
		return 'l'
	}
	return 0
}

// openJSON reads a list as a stream. An object has to be seen whole before it is
// known which of its members is the list.
func openJSON(in *text, l limits) (source, error) {
	list := &elements{in: in, line: 1, column: 1, limit: l.row, replaced: in.replaced}
	first, err := list.skip()
	switch {
	case errors.Is(err, io.EOF):
		return nil, storage.BadInput("file", "the file has nothing but space: it should be a JSON list of prompts")
	case err != nil:
		return nil, err
	case first == '[':
		_, _ = list.read() // the bracket that was seen
		return list, nil
	case first != '{':
		return nil, storage.BadInput("file", "the file is neither a JSON list nor an object with a list of prompts: is it another format?")
	}
	line, column := list.line, list.column
	all, err := in.whole(FormatJSON, l)
	if err != nil {
		return nil, err
	}
	all = bytes.TrimRight(all, " \t\r\n")
	if bytes.IndexByte(all, '\n') > 0 && json.Valid(all[:bytes.IndexByte(all, '\n')]) {
		return nil, storage.BadInput("format", "the file has a JSON object a line: read it as jsonl")
	}
	return openObject(all, line, column, l, in.replaced)
}

// openObject reads an object that holds the list beside what is said of all.
func openObject(all []byte, line, column int64, l limits, replaced bool) (source, error) {
	cells, offsets, at, err := members(all, outline)
	if err != nil {
		line, column = walk(all[:min(at, len(all))], line, column)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, cutOff(line)
		}
		return nil, storage.BadInput("file", "line %d, column %d is not valid JSON (%s): correct it", line, column, brief(err))
	}
	doc, list, err := seedDocument(cells)
	if err != nil {
		return nil, err
	}
	if list < 0 { // a prompt by itself
		rec, _ := jsonRow(all, line, column, replaced)
		return &few{records: []*record{rec}}, nil
	}
	line, column = walk(all[:offsets[list]], line, column)
	rows := &elements{
		in: bytes.NewReader(all[offsets[list]:]), line: line, column: column, limit: l.row, replaced: replaced, inner: true,
	}
	_, _ = rows.read() // the bracket of the list
	return &seeds{rows: rows, doc: doc}, nil
}

// few are rows that were made when the file was opened.
type few struct{ records []*record }

func (f *few) columns() []string { return nil }

func (f *few) next() (*record, error) {
	if len(f.records) == 0 {
		return nil, io.EOF
	}
	rec := f.records[0]
	f.records = f.records[1:]
	return rec, nil
}
