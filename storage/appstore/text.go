package appstore

import (
	"encoding/json"
	"fmt"
)

// texts is a list of texts in a TEXT column, as JSON. A nil list is an empty one.
type texts []string

// Scan reads the column.
func (t *texts) Scan(value any) error {
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("a list of texts came as %T", value)
	}
	*t = texts{}
	return json.Unmarshal([]byte(text), (*[]string)(t))
}

// column is what is stored.
func (t texts) column() string {
	if t == nil {
		return "[]"
	}
	raw, _ := json.Marshal([]string(t)) // a list of texts is always JSON
	return string(raw)
}
