package storage

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON is a JSON document as it was stored, byte for byte.
type JSON string

// MarshalGQL writes the document itself, not a string of it. A document that is
// not valid JSON (a foreign file's) is written as a string, so that a response
// always stays valid.
func (j JSON) MarshalGQL(w io.Writer) {
	if json.Valid([]byte(j)) {
		_, _ = io.WriteString(w, string(j))
		return
	}
	quoted, _ := json.Marshal(string(j))
	_, _ = w.Write(quoted)
}

// UnmarshalGQL takes any JSON value.
func (j *JSON) UnmarshalGQL(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("not a JSON value: %w", err)
	}
	*j = JSON(raw)
	return nil
}
