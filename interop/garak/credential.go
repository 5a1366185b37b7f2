package garak

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// clean gives a line without credentials and has the stage take those found out of
// every text that follows: settings come first in a report. A line without any
// stays as it was written.
func (im *importer) clean(raw json.RawMessage) (storage.JSON, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return "", fmt.Errorf("look for credentials: %w", err)
	}
	if command, ok := tree.(string); ok {
		cleaned, found := secret.CleanPatterns(command)
		for _, credential := range found {
			im.stage.Scrub(credential)
		}
		tree = cleaned
		if len(found) > 0 {
			return storage.CanonicalJSON(tree)
		}
		return storage.JSON(raw), nil
	}
	// A list has no names of its own, so it is looked through as a member.
	fields, isObject := tree.(map[string]any)
	if !isObject {
		fields = map[string]any{"": tree}
	}
	cleaned, found := secret.Extract(fields)
	if len(found) == 0 {
		return storage.JSON(raw), nil
	}
	for _, credential := range found {
		im.stage.Scrub(credential.Value)
	}
	if !isObject {
		return storage.CanonicalJSON(cleaned[""])
	}
	return storage.CanonicalJSON(cleaned)
}
