package dataset

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/violentutf/violentutf/storage"
)

// openYAML reads a whole document: a list, or an object with one, as PyRIT's seed
// prompts are. JSON's forms are YAML too.
func openYAML(in *text, l limits) (source, error) {
	all, err := in.whole(FormatYAML, l)
	if err != nil {
		return nil, err
	}
	// A node takes about 170 bytes, however short its text is.
	marks := 0
	for _, mark := range []string{"\n", ",", "[", "{", "- ", "? "} {
		marks += bytes.Count(all, []byte(mark))
	}
	if marks > l.marks {
		return nil, storage.BadInput("file", "the YAML has more than %d lines and values: split it, or save it as JSONL", l.marks)
	}
	all, damaged := mend(all, in.replaced)
	decoder := yaml.NewDecoder(bytes.NewReader(all))
	var root, more yaml.Node
	if err := decoder.Decode(&root); errors.Is(err, io.EOF) {
		return nil, storage.BadInput("file", "the YAML has nothing in it: it should be a list of prompts")
	} else if err != nil {
		return nil, badYAML(err, bytes.Count(all, []byte("\n")))
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, storage.BadInput("file", "the file has several YAML documents, or bad YAML after the first: make it one list")
	}
	tree := &yamlTree{sizes: map[*yaml.Node]int64{}, limit: l.expanded}
	if err := tree.refuseBomb(&root); err != nil {
		return nil, err
	}
	rows := &yamlRows{tree: tree, limit: int64(l.row), damaged: damaged, last: int64(bytes.Count(all, []byte("\n"))) + 1}
	top := resolve(root.Content[0])
	switch top.Kind {
	case yaml.SequenceNode:
		rows.nodes = top.Content
		return rows, nil
	case yaml.MappingNode:
	default:
		return nil, storage.BadInput("file", "the YAML is neither a list nor an object with a list of prompts: is it another format?")
	}
	cells, nodes := tree.outline(top)
	doc, list, err := seedDocument(cells)
	if err != nil {
		return nil, err
	}
	if list < 0 {
		rows.nodes = []*yaml.Node{top}
		return rows, nil
	}
	rows.nodes = nodes[list].Content
	return &seeds{rows: rows, doc: doc}, nil
}

// mend replaces what YAML cannot be read with, invalid UTF-8 and U+0000, and tells
// the lines, whose rows are rejected.
func mend(all []byte, replaced bool) (mended []byte, damaged []Reject) {
	line, column := int64(1), int64(1)
	for from := 0; from < len(all) && len(damaged) <= standard.rejects; {
		offset, reason := invalid(all[from:], replaced)
		if offset < 0 {
			break
		}
		line, column = walk(all[from:from+offset], line, column)
		damaged = append(damaged, Reject{Line: line, Column: column, Reason: reason})
		// The rest of the line is rejected with it.
		rest := bytes.IndexByte(all[from+offset:], '\n')
		if rest < 0 {
			break
		}
		from, line, column = from+offset+rest+1, line+1, 1
	}
	if len(damaged) == 0 {
		return all, nil
	}
	out := make([]byte, 0, len(all)+len(all)/8)
	for len(all) > 0 {
		r, size := utf8.DecodeRune(all)
		if r == 0 {
			r = utf8.RuneError
		}
		out, all = utf8.AppendRune(out, r), all[size:]
	}
	return out, damaged
}

var yamlLine = regexp.MustCompile(`line (\d+)`)

// badYAML keeps the line and not the text beside it.
func badYAML(err error, lines int) error {
	line := 1 // which the library does not tell
	if found := yamlLine.FindStringSubmatch(err.Error()); found != nil {
		line, _ = strconv.Atoi(found[1]) // its digits were matched
	}
	if line > lines || strings.Contains(err.Error(), "unexpected end of stream") {
		return cutOff(int64(line))
	}
	return storage.BadInput("file", "line %d is not valid YAML: correct it (quote texts that begin with a sign or have a colon in them)", line)
}

// yamlRows are the elements of a list.
type yamlRows struct {
	tree    *yamlTree
	nodes   []*yaml.Node
	limit   int64
	damaged []Reject
	last    int64 // line of the file
}

func (y *yamlRows) columns() []string { return nil }

func (y *yamlRows) next() (*record, error) {
	if len(y.nodes) == 0 {
		return nil, io.EOF
	}
	node := y.nodes[0]
	y.nodes[0], y.nodes = nil, y.nodes[1:] // a row that was given is let go
	end := y.last
	if len(y.nodes) > 0 {
		end = int64(y.nodes[0].Line) - 1
	}
	rec := &record{line: int64(node.Line), column: int64(node.Column)}
	if i := slices.IndexFunc(y.damaged, func(r Reject) bool { return r.Line >= rec.line && r.Line <= max(end, rec.line) }); i >= 0 {
		rec.reject = &y.damaged[i]
		return rec, nil
	}
	if y.tree.size(node) > y.limit {
		rec.reject = tooLong(rec.line, rec.column, int(y.limit))
		return rec, nil
	}
	row := resolve(node)
	if row.Kind != yaml.MappingNode {
		rec.cells, rec.lone = []cell{{name: textColumn, value: y.tree.value(row)}}, true
		return rec, nil
	}
	var nodes []*yaml.Node
	if rec.cells, nodes = y.tree.cells(row); len(rec.cells) > maxColumns {
		rec.reject = &Reject{Line: rec.line, Column: rec.column, Reason: "the row has more members than any prompt: leave some out"}
	}
	rec.place = func(i int) (int64, int64) { return int64(nodes[i].Line), int64(nodes[i].Column) }
	return rec, nil
}
