package userstore

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/violentutf/violentutf/storage"
)

// cleaner makes values storable.
type cleaner struct{ guard storage.Guard }

// text makes a text storable: without known credentials, U+0000 and invalid UTF-8.
func (c cleaner) text(s string) string {
	s, _ = c.guard.Clean(s)
	return storableText(s)
}

func storable(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// damaged keeps the bytes of a text that storing it loses, base64 in the row's
// attributes, so that an export gives them back.
func (c cleaner) damaged(attributes *storage.JSON, field, s string) *storage.JSON {
	if storable(s) {
		return attributes
	}
	fields := map[string]any{}
	if attributes != nil {
		if err := json.Unmarshal([]byte(*attributes), &fields); err != nil {
			fields["attributes"] = string(*attributes)
		}
	}
	clean, _ := c.guard.Clean(s)
	fields[field+"_base64"] = base64.StdEncoding.EncodeToString([]byte(clean))
	encoded, err := json.Marshal(fields)
	if err != nil { // a map of strings and decoded JSON always encodes
		return attributes
	}
	document := storage.JSON(encoded)
	return &document
}

func (c cleaner) maybe(s *string) any {
	if s == nil {
		return nil
	}
	return c.text(*s)
}

func (c cleaner) reference(sourceID string) any {
	if sourceID == "" {
		return nil
	}
	return c.text(sourceID)
}

func (c cleaner) document(j *storage.JSON) any {
	if j == nil {
		return nil
	}
	return c.text(string(*j))
}

func (c cleaner) list(texts []string) []string {
	clean := make([]string, len(texts))
	for i, text := range texts {
		clean[i] = c.text(text)
	}
	return clean
}
