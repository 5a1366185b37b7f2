package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/violentutf/violentutf/interop/garak"
	"github.com/violentutf/violentutf/storage"
)

// maxDistinct is more prompts than garak's probes have, and bounds the memory for
// telling them apart to some 50 MiB.
const maxDistinct = 1_000_000

// attempts are the prompts of a garak report, each text once, with the probe that
// sent it first. Of a conversation that is the user's last turn.
type attempts struct {
	lines *lines
	row   int // bytes of a prompt
	seen  map[[16]byte]struct{}
}

func openGarak(in *text, l limits) source {
	cut := newLines(in, l)
	cut.limit = l.held // an attempt's line has its outputs too
	return &attempts{lines: cut, row: l.row, seen: map[[16]byte]struct{}{}}
}

func (a *attempts) columns() []string {
	return []string{textColumn, "probe", "goal", "intent", "language"}
}

func (a *attempts) next() (*record, error) {
	for {
		line, err := a.lines.next()
		if err != nil {
			return nil, err
		}
		number := a.lines.number
		if a.lines.tooLong {
			return &record{reject: tooLong(number, 1, a.lines.limit)}, nil
		}
		// A crash leaves NULs in a file's last block.
		line = bytes.TrimRight(withoutNaN(line), " \t\x00")
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		cells, offsets, at, err := members(line, rawValue)
		if err != nil {
			if a.lines.atEnd() && (!a.lines.newline || errors.Is(err, io.ErrUnexpectedEOF)) {
				return nil, cutOff(number)
			}
			bad := &Reject{Reason: "is not valid JSON (" + brief(err) + "): correct it"}
			bad.Line, bad.Column = walk(line[:min(at, len(line))], number, 1)
			return &record{reject: bad}, nil
		}
		if find(cells, "attempt_id") >= 0 && find(cells, "detector") >= 0 {
			return nil, storage.BadInput("file", "%v", garak.ErrHitlog)
		}
		if !isAttempt(cells) {
			continue
		}
		rec, err := a.attempt(line, cells, offsets, number)
		if rec != nil || err != nil {
			return rec, err
		}
	}
}

// rawValue copies a member: of most lines only a few are looked into.
func rawValue(decoder *json.Decoder) (any, error) {
	var raw json.RawMessage
	err := decoder.Decode(&raw)
	return raw, err
}

func isAttempt(cells []cell) bool {
	if entry := member(cells, "entry_type"); entry != nil {
		return entry == "attempt"
	}
	return find(cells, "uuid") >= 0 && find(cells, "probe_classname") >= 0 && find(cells, "status") >= 0 // 0.9
}

// member decodes a member, nil without.
func member(cells []cell, name string) any {
	raw, _ := value(cells, name).(json.RawMessage)
	var decoded any
	if json.Unmarshal(raw, &decoded) != nil {
		return nil
	}
	return decoded
}

// attempt gives nil for a prompt that was there already, or that has no text.
func (a *attempts) attempt(line []byte, cells []cell, offsets []int, number int64) (*record, error) {
	i := find(cells, "prompt")
	if i < 0 {
		return nil, nil
	}
	rec := &record{line: number}
	_, rec.column = walk(line[:offsets[i]], number, 1)
	raw, _ := cells[i].value.(json.RawMessage)
	if rec.reject = check(raw, number, rec.column, a.lines.replaced); rec.reject != nil {
		return rec, nil
	}
	if lone := unpaired(raw); lone >= 0 {
		rec.reject = &Reject{Line: number, Reason: "has an unpaired surrogate, which is no character: correct the \\u escape"}
		_, rec.reject.Column = walk(raw[:lone], number, rec.column)
		return rec, nil
	}
	prompt, language := lastOfUser(member(cells, "prompt"))
	if strings.TrimSpace(prompt) == "" {
		return nil, nil
	}
	if len(prompt) > a.row {
		rec.reject = tooLong(number, rec.column, a.row)
		return rec, nil
	}
	sum := sha256.Sum256([]byte(prompt))
	key := [16]byte(sum[:16])
	if _, known := a.seen[key]; known {
		return nil, nil
	}
	if len(a.seen) == maxDistinct {
		return nil, storage.BadInput("file", "the report has more than %d different prompts: split it", maxDistinct)
	}
	a.seen[key] = struct{}{}
	probe, _ := member(cells, "probe_classname").(string)
	rec.cells = []cell{
		{textColumn, prompt},
		{"probe", strings.TrimPrefix(strings.TrimPrefix(probe, "garak."), "probes.")},
		{"goal", member(cells, "goal")},
		{"intent", member(cells, "intent")},
		{"language", language},
	}
	return rec, nil
}

// lastOfUser reads a prompt of any version: a text, a message, a list of messages, or
// a conversation of turns.
func lastOfUser(prompt any) (said, language string) {
	switch prompt := prompt.(type) {
	case string:
		return prompt, ""
	case []any:
		for _, turn := range prompt {
			message, _ := turn.(map[string]any)
			if role, _ := message["role"].(string); role != "" && role != "user" {
				continue
			}
			content, inner := message["content"]
			if !inner {
				content = turn
			}
			if text, lang := lastOfUser(content); text != "" {
				said, language = text, lang
			}
		}
	case map[string]any:
		if turns, ok := prompt["turns"].([]any); ok {
			return lastOfUser(turns)
		}
		said, _ = prompt["text"].(string)
		language, _ = prompt["lang"].(string)
	}
	return said, language
}

// withoutNaN writes 0 for NaN and Infinity, which Python writes and JSON has not, and
// space for the rest of them: the places of what follows stay.
func withoutNaN(line []byte) []byte {
	inString, escaped := false, false
	for i, c := range line {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped, inString = c == '\\', c != '"'
		case c == '"':
			inString = true
		case c == 'N' || c == 'I':
			for _, word := range []string{"NaN", "Infinity"} {
				if bytes.HasPrefix(line[i:], []byte(word)) {
					copy(line[i:], "0       "[:len(word)])
				}
			}
		}
	}
	return line
}
