package auth

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

const deepest = 16 // levels of JSON in a token; Keycloak needs four

// object reads one JSON object, and refuses what two parsers could read in two ways: a
// name given twice at any level (RFC 7519 section 4), invalid UTF-8, anything after it.
// Numbers stay json.Number. Its errors quote nothing of the text.
func object(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("not valid UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := next(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value")
	}
	members, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("not a JSON object")
	}
	return members, nil
}

var errNotJSON = errors.New("not JSON")

func next(decoder *json.Decoder, depth int) (any, error) {
	token, err := decoder.Token()
	if err != nil {
		return nil, errNotJSON
	}
	opened, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if depth >= deepest {
		return nil, errors.New("nested too deeply")
	}
	if opened == '[' {
		return array(decoder, depth+1)
	}
	members := make(map[string]any)
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, errNotJSON
		}
		name, ok := token.(string)
		if !ok {
			return nil, errNotJSON
		}
		if _, twice := members[name]; twice {
			return nil, errors.New("a name is given twice")
		}
		if members[name], err = next(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	return members, closed(decoder)
}

func array(decoder *json.Decoder, depth int) (any, error) {
	elements := []any{}
	for decoder.More() {
		element, err := next(decoder, depth)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return elements, closed(decoder)
}

func closed(decoder *json.Decoder) error {
	if _, err := decoder.Token(); err != nil {
		return errNotJSON
	}
	return nil
}
