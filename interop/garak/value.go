package garak

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/violentutf/violentutf/storage"
)

// members are those of a JSON object, not decoded yet: parts of the line, which is
// overwritten by the next.
type members map[string]json.RawMessage

// object gives the members of an object; ok is false for any other value. Of equal
// names the last counts.
func object(raw json.RawMessage) (m members, ok bool) {
	raw = bytes.TrimSpace(raw)
	if kind(raw) != '{' {
		return nil, false
	}
	m = members{}
	splitObject(raw, func(name, value json.RawMessage) { m[text(name)] = value })
	return m, true
}

// list gives the elements of an array; ok is false for any other value.
func list(raw json.RawMessage) (elements []json.RawMessage, ok bool) {
	raw = bytes.TrimSpace(raw)
	if kind(raw) != '[' {
		return nil, false
	}
	splitList(raw, func(element json.RawMessage) { elements = append(elements, element) })
	return elements, true
}

// text gives a string, and "" for any other value.
func text(raw json.RawMessage) string {
	if kind(raw) != '"' {
		return ""
	}
	raw = bytes.TrimSpace(raw)
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner)
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// texts gives the strings of an array; never nil.
func texts(raw json.RawMessage) []string {
	out := []string{}
	elements, _ := list(raw)
	for _, element := range elements {
		if s := text(element); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// number gives a number as a float64.
func number(raw json.RawMessage) (float64, bool) {
	f, err := strconv.ParseFloat(string(bytes.TrimSpace(raw)), 64)
	return f, err == nil && (kind(raw) == '-' || kind(raw) >= '0' && kind(raw) <= '9')
}

// integer gives a whole number.
func integer(raw json.RawMessage) (int64, bool) {
	n, err := strconv.ParseInt(string(bytes.TrimSpace(raw)), 10, 64)
	return n, err == nil
}

// kind is the first character of a value; 'n' for null and for a missing one.
func kind(raw json.RawMessage) byte {
	if raw = bytes.TrimLeft(raw, " \t\r\n"); len(raw) > 0 {
		return raw[0]
	}
	return 'n'
}

// empty says that a value tells nothing: null, "", [] or {}.
func empty(raw json.RawMessage) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", `""`, "[]", "{}":
		return true
	}
	return false
}

// document writes attributes as JSON; nil for none.
func document(fields map[string]any) (*storage.JSON, error) {
	if len(fields) == 0 {
		return nil, nil
	}
	written, err := storage.CanonicalJSON(fields)
	if err != nil {
		return nil, fmt.Errorf("write attributes: %w", err)
	}
	return &written, nil
}

// className takes garak's package off the name of a plugin: dan.Dan_11_0.
func className(name string, packages ...string) string {
	name = strings.TrimPrefix(name, "garak.")
	for _, p := range packages {
		if rest, found := strings.CutPrefix(name, p+"."); found {
			return rest
		}
	}
	return name
}

func probeClass(name string) string    { return className(name, "probes") }
func detectorClass(name string) string { return className(name, "detectors", "detector") }

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
