// Package garak imports garak's report.jsonl, with the hitlog beside it: versions
// 0.9 to 0.17, read by field and not by version. What a line means is described in
// garak's own source (attempt.py, evaluators/base.py, harnesses/base.py,
// probes/base.py and command.py of the versions named above).
package garak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// maxLine is how many bytes a line may have unless Options says otherwise.
const maxLine = 64 << 20

// progressEvery is how many bytes lie between two calls of Options.Progress.
const progressEvery = 1 << 20

// Options are the importer's choices; the zero value is right for most.
type Options struct {
	// Progress is told how many bytes of the report were read; may be nil.
	Progress func(storage.Progress)
	// MaxLine is the longest line that is read, in bytes; 0 means 64 MiB.
	MaxLine int
}

// Summary tells what the report was. The counts of stored rows are the stage's.
type Summary struct {
	ToolVersion string // garak's, of the last run
	RunID       string // of the last run
	// Tables counts the lines by entry type: read, and skipped (a last line cut off).
	Tables []*storage.ImportCount
	Notes  []string // what was read with a doubt
	// Partial says that a run stopped before its end, or that the last line was cut.
	Partial bool
}

// ErrHitlog says that a hitlog came without its report.
var ErrHitlog = errors.New("this is a garak hitlog, which repeats only the hits: import the .report.jsonl it belongs to, and a hitlog beside it is read along")

// Import stages what a report holds; the caller commits. size is the report's
// length in bytes for the progress, 0 while unknown; hitlog may be nil. Memory does
// not grow with the report: it is read once, line by line, and what only a later
// line decides (the primary detector, the threshold) is decided over the staged rows.
//
// A line that is not JSON is an error that names it, except the last line of a
// report, which an interrupted run leaves unfinished: that is counted and noted.
func Import(ctx context.Context, report io.Reader, size int64, hitlog io.Reader, stage storage.Stage, opts Options) (Summary, error) {
	if opts.MaxLine <= 0 {
		opts.MaxLine = maxLine
	}
	if opts.Progress == nil {
		opts.Progress = func(storage.Progress) {}
	}
	im := &importer{stage: stage, opts: opts, log: newTally(), known: map[string]bool{}}
	if err := im.read(ctx, report, size, hitlog); err != nil {
		return Summary{}, err
	}
	return im.summary(), nil
}

// importer is one import: where it stands in the file.
type importer struct {
	stage storage.Stage
	opts  Options
	log   *tally

	line    int64 // of the file that is being read, from 1
	run     *run
	last    *run // the last one that was closed
	partial bool

	known map[string]bool // hashes of the components staged so far
}

func (im *importer) read(ctx context.Context, report io.Reader, size int64, hitlog io.Reader) error {
	for _, table := range rawTables {
		if err := im.stage.Create(ctx, table.name, table.columns); err != nil {
			return err
		}
	}
	if err := im.readLines(ctx, "garak report", report, size, im.entry); err != nil {
		return err
	}
	if err := im.closeRun(ctx); err != nil {
		return err
	}
	if im.last == nil {
		return errors.New("garak report: no run in it, not even the line that starts one")
	}
	if hitlog != nil {
		if err := im.readLines(ctx, "garak hitlog", hitlog, 0, im.hit); err != nil {
			return err
		}
	}
	im.opts.Progress(storage.Progress{Phase: "deriving", Unit: "rows"})
	return im.derive(ctx)
}

// readLines gives every JSON value of the file to take, in order. what names the
// file in errors.
func (im *importer) readLines(ctx context.Context, what string, from io.Reader, size int64, take func(context.Context, json.RawMessage) error) error {
	lines := newLineReader(from, im.opts.MaxLine)
	var told int64
	var broken error // of a line that only the end of the file excuses
	for {
		line, err := lines.next()
		im.line = lines.number
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if lines.read-told >= progressEvery {
			told = lines.read
			im.opts.Progress(storage.Progress{Phase: "reading", Done: lines.read, Total: size, Unit: "bytes"})
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if len(line) == 0 {
			continue
		}
		if broken != nil {
			return broken
		}
		values, err := splitValues(line)
		if err != nil {
			broken = fmt.Errorf("%s: line %d is not JSON (%w): repair or remove it, nothing was imported", what, im.line, err)
			if !cutOff(lines, err) {
				return broken
			}
			continue
		}
		if values.repaired {
			im.log.note("NaN or Infinity, which JSON does not have, was read as null", im.line)
		}
		if values.damaged {
			im.log.note("invalid UTF-8 was read as U+FFFD", im.line)
		}
		for _, raw := range values.list {
			if err := take(ctx, raw); err != nil {
				return fmt.Errorf("%s: line %d: %w", what, im.line, err)
			}
		}
	}
	if broken != nil {
		im.partial = true
		im.log.skip("cut off")
		im.log.note(what+": its last line is cut off, as an interrupted run leaves it; it was skipped", im.line)
	}
	im.opts.Progress(storage.Progress{Phase: "reading", Done: lines.read, Total: size, Unit: "bytes"})
	return nil
}

func (im *importer) summary() Summary {
	return Summary{
		ToolVersion: im.last.version,
		RunID:       im.last.id,
		Tables:      im.log.tables(),
		Notes:       im.log.notes(),
		Partial:     im.partial,
	}
}

// parseTime reads the time of a run: garak writes local time without a zone, which
// is taken as UTC.
func parseTime(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
