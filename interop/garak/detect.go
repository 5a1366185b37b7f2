package garak

import (
	"bytes"
	"encoding/json"
	"slices"
)

// entryTypes are the types of lines that garak 0.9 to 0.17 writes.
var entryTypes = []string{
	"start_run setup", "init", "plugin_cache", "attempt", "eval", "probe_summary",
	"payload_init", "tree_data", "completion", "digest",
}

// headLines is how many lines Detect looks at: 0.9 begins with one of another kind.
const headLines = 5

// Detect says whether a file that begins with head is garak's: a report, or a
// hitlog, which Import refuses with its reason. The last line of head may be cut.
func Detect(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for range headLines {
		line, rest, _ := bytes.Cut(head, []byte("\n"))
		if line = bytes.Trim(line, " \t\r\x00"); len(line) > 0 && isGarak(line) {
			return true
		}
		head = rest
	}
	return false
}

// isGarak reads the names of a line's members as far as the line goes.
func isGarak(line []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(line))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return false
	}
	var names []string
	for decoder.More() {
		token, err := decoder.Token()
		name, isName := token.(string)
		if err != nil || !isName {
			break
		}
		names = append(names, name)
		var member json.RawMessage
		if err := decoder.Decode(&member); err != nil {
			break
		}
		if name == "entry_type" {
			return slices.Contains(entryTypes, text(member))
		}
	}
	has := func(wanted ...string) bool {
		return !slices.ContainsFunc(wanted, func(name string) bool { return !slices.Contains(names, name) })
	}
	return has("garak_version", "start_time") || has("uuid", "probe_classname", "status") || isHitlog(has)
}

// isHitlog tells a line of a hitlog by its members.
func isHitlog(has func(names ...string) bool) bool {
	return has("attempt_id", "attempt_idx", "detector")
}
