package garak

import (
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// maxTypes bounds the entry types that are counted by name: a hostile file could
// have one a line.
const maxTypes = 100

// tally counts lines by entry type and doubts by their text, both in order of
// their first appearance.
type tally struct {
	types  []*storage.ImportCount
	byType map[string]*storage.ImportCount
	doubts []*doubt
	byText map[string]*doubt
}

type doubt struct {
	text  string
	first int64 // line, 0 if it is about the whole file
	times int64
}

func newTally() *tally {
	return &tally{byType: map[string]*storage.ImportCount{}, byText: map[string]*doubt{}}
}

func (t *tally) count(entryType string) *storage.ImportCount {
	if t.byType[entryType] == nil && len(t.types) >= maxTypes {
		entryType = "other"
	}
	count := t.byType[entryType]
	if count == nil {
		count = &storage.ImportCount{Table: entryType}
		t.byType[entryType] = count
		t.types = append(t.types, count)
	}
	return count
}

func (t *tally) readLine(entryType string) { t.count(entryType).Read++ }

func (t *tally) skip(entryType string) {
	count := t.count(entryType)
	count.Read++
	count.Skipped++
}

// note remembers a doubt. The texts are few: nothing of the file is in them.
func (t *tally) note(text string, line int64) {
	d := t.byText[text]
	if d == nil {
		d = &doubt{text: text, first: line}
		t.byText[text] = d
		t.doubts = append(t.doubts, d)
	}
	d.times++
}

func (t *tally) tables() []*storage.ImportCount { return t.types }

func (t *tally) notes() []string {
	var out []string
	for _, d := range t.doubts {
		switch {
		case d.first == 0:
			out = append(out, d.text)
		case d.times == 1:
			out = append(out, fmt.Sprintf("%s (line %d)", d.text, d.first))
		default:
			out = append(out, fmt.Sprintf("%s (%d times, first on line %d)", d.text, d.times, d.first))
		}
	}
	return out
}
