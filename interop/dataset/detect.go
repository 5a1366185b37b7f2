package dataset

import (
	"bytes"
	"encoding/json"
	"path"
	"regexp"
	"strings"

	"github.com/violentutf/violentutf/interop/garak"
)

// endings are those of file names.
var endings = map[string]Format{
	".csv": FormatCSV, ".tsv": FormatTSV, ".tab": FormatTSV, ".json": FormatJSON, ".jsonl": FormatJSONL,
	".ndjson": FormatJSONL, ".yaml": FormatYAML, ".yml": FormatYAML, ".prompt": FormatYAML, // PyRIT's
	".parquet": FormatParquet, ".pq": FormatParquet, ".txt": FormatTXT, ".text": FormatTXT,
}

// Detect tells a file's format by its name and its first bytes, some KiB of them;
// empty for one that is none, or whose name ends like those of other files. The content
// decides where the name says too little: a garak report is JSONL, and many files called
// .json are.
func Detect(name string, head []byte) Format {
	ending := strings.ToLower(path.Ext(name))
	named := endings[ending]
	switch {
	case bytes.HasPrefix(head, []byte("PAR1")):
		return FormatParquet
	case named == FormatParquet:
		return "" // it would begin so
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}) || bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		head = bytes.ReplaceAll(head[2:], []byte{0}, nil) // enough for the signs looked for
	case bytes.IndexByte(head, 0) >= 0 && named == "":
		return ""
	}
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	if garak.Detect(head) {
		return FormatGarak
	}
	if named == "" && len(ending) > 1 {
		return ""
	}
	if (named == "" || named == FormatJSON) && objectPerLine(head) {
		return FormatJSONL
	}
	if named != "" {
		return named
	}
	return byContent(head)
}

// objectPerLine says whether the first line is an object and another follows.
func objectPerLine(head []byte) bool {
	line, rest, _ := bytes.Cut(head, []byte("\n"))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return len(line) > 0 && line[0] == '{' && json.Valid(line) && len(rest) > 0 && rest[0] == '{'
}

// yamlStart is a document's start, an element of a list, or a name with its colon.
var yamlStart = regexp.MustCompile(`^(---|- |[a-z_]+:(\s|$))`)

func byContent(head []byte) Format {
	line, _, _ := bytes.Cut(head, []byte("\n"))
	for bytes.HasPrefix(line, []byte("#")) { // a comment of YAML; in a list of prompts a prompt
		_, head, _ = bytes.Cut(head, []byte("\n"))
		if line, _, _ = bytes.Cut(head, []byte("\n")); yamlStart.Match(line) {
			return FormatYAML
		}
	}
	switch {
	case len(line) == 0:
		return ""
	case line[0] == '[' || line[0] == '{':
		return FormatJSON
	case yamlStart.Match(line):
		return FormatYAML
	}
	for _, by := range []struct {
		separator string
		format    Format
	}{{"\t", FormatTSV}, {",", FormatCSV}, {";", FormatCSV}} {
		columns := strings.Split(strings.TrimSpace(string(line)), by.separator)
		for i := range columns {
			columns[i] = strings.Trim(columns[i], `"`)
		}
		if _, known := propose(columns, nil)[FieldText]; known && len(columns) > 1 {
			return by.format
		}
	}
	return FormatTXT
}
