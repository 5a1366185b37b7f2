package kept

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

// readJSON reads JSON, in which no name of an object stands twice.
func readJSON(text string) (*document, *mistake) {
	var values any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := json.Unmarshal([]byte(text), new(json.RawMessage)); err != nil {
		offset := len(text)
		// The offset is behind the byte at fault.
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok && syntax.Offset > 0 && int(syntax.Offset) <= len(text) && !strings.Contains(err.Error(), "unexpected end") {
			offset = int(syntax.Offset) - 1
		}
		line, column := placeOf(text, offset)
		return nil, &mistake{line, column, "this is not valid JSON: " + err.Error()}
	}
	r := jsonReader{text: text, decoder: decoder, walk: walk{places: map[string][2]int{}}, line: 1, column: 1}
	values, wrong := r.value("", 0)
	if wrong != nil {
		return nil, wrong
	}
	object, ok := values.(map[string]any)
	if !ok {
		line, column := placeOf(text, len(text)-len(strings.TrimLeft(text, " \t\r\n")))
		return nil, noObject(line, column)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(text)); err != nil {
		return nil, &mistake{1, 1, err.Error()}
	}
	return &document{json: compact.String(), values: object, places: r.places}, nil
}

// placeOf is the line and column of an offset.
func placeOf(text string, offset int) (line, column int) {
	before := text[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return 1 + strings.Count(before, "\n"), 1 + utf8.RuneCountInString(before[start:])
}

// jsonReader reads valid JSON token by token.
type jsonReader struct {
	walk
	text         string
	decoder      *json.Decoder
	at           int // offset of line and column
	line, column int
}

// next is the next token with its place.
func (r *jsonReader) next() (token json.Token, line, column int, wrong *mistake) {
	from := int(r.decoder.InputOffset())
	from += len(r.text[from:]) - len(strings.TrimLeft(r.text[from:], " \t\r\n,:"))
	// Only what is new is counted, so that the whole text is looked at once.
	passed := r.text[r.at:from]
	if lines := strings.Count(passed, "\n"); lines > 0 {
		r.line += lines
		r.column = 1
		passed = passed[strings.LastIndexByte(passed, '\n')+1:]
	}
	r.column += utf8.RuneCountInString(passed)
	r.at = from
	token, err := r.decoder.Token()
	if err != nil {
		return nil, r.line, r.column, &mistake{r.line, r.column, "this is not valid JSON: " + err.Error()}
	}
	return token, r.line, r.column, nil
}

func (r *jsonReader) value(path string, depth int) (any, *mistake) {
	token, line, column, wrong := r.next()
	if wrong == nil {
		wrong = r.enter(path, depth, line, column)
	}
	if wrong != nil {
		return nil, wrong
	}
	switch token {
	case json.Delim('{'):
		return r.object(path, depth)
	case json.Delim('['):
		list := []any{}
		for r.decoder.More() {
			element, wrong := r.value(pointer(path, strconv.Itoa(len(list))), depth+1)
			if wrong != nil {
				return nil, wrong
			}
			list = append(list, element)
		}
		_, _, _, wrong = r.next()
		return list, wrong
	}
	return token, nil
}

func (r *jsonReader) object(path string, depth int) (any, *mistake) {
	object := map[string]any{}
	for r.decoder.More() {
		token, line, column, wrong := r.next()
		if wrong != nil {
			return nil, wrong
		}
		name, _ := token.(string)
		if _, known := object[name]; known {
			return nil, twice(line, column, name)
		}
		if object[name], wrong = r.value(pointer(path, name), depth+1); wrong != nil {
			return nil, wrong
		}
	}
	_, _, _, wrong := r.next()
	return object, wrong
}
