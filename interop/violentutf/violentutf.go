// Package violentutf reads a user's file of the original ViolentUTF: its DuckDB
// tables of generators, converters, scorers, datasets and sessions, beside a PyRIT
// memory that package pyrit reads.
//
// The original kept credentials in plain text inside parameters. Here they are
// sealed, and scrubbed from every text of the file: configured things are read
// before everything else.
package violentutf

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/violentutf/violentutf/interop/pyrit"
	"github.com/violentutf/violentutf/storage"
)

// The tables of the original's own.
const (
	tableDatasets = "datasets"
	tablePrompts  = "dataset_prompts"
	tableSessions = "user_sessions"
)

var ownTables = []string{
	string(storage.KindGenerators), string(storage.KindConverters), string(storage.KindScorers),
	tableDatasets, tablePrompts, tableSessions,
}

// Detect tells whether the tables are those of the original's user file.
func Detect(tables []storage.ForeignTable) bool {
	found := 0
	for _, t := range tables {
		if slices.Contains(ownTables, t.Name) && slices.Contains(t.Columns, "id") {
			found++
		}
	}
	return found >= 3
}

// Import reads src into stage, all but the commit; the PyRIT tables with package
// pyrit. Rows that make no sense are skipped, counted and kept as raw records
// "violentutf.<table>".
func Import(ctx context.Context, src storage.Foreign, stage storage.Stage, opts pyrit.Options) (pyrit.Summary, error) {
	im := &importer{src: src, stage: stage, notes: map[string]int64{}, clock: time.Unix(0, 0).UTC()}
	for _, step := range []struct {
		table string
		read  func(context.Context, *row) (string, error)
	}{
		{string(storage.KindGenerators), im.configured(storage.KindGenerators)},
		{string(storage.KindConverters), im.configured(storage.KindConverters)},
		{string(storage.KindScorers), im.configured(storage.KindScorers)},
		{tableDatasets, im.dataset},
		{tablePrompts, im.prompt},
		{tableSessions, im.session},
	} {
		if err := im.scan(ctx, step.table, step.read); err != nil {
			return pyrit.Summary{}, fmt.Errorf("import %s: %w", step.table, err)
		}
	}
	summary, err := pyrit.Import(ctx, without{src}, stage, opts)
	if err != nil {
		return pyrit.Summary{}, err
	}
	summary.Tables = append(im.counts, summary.Tables...)
	for reason, rows := range im.notes {
		summary.Notes = append(summary.Notes, fmt.Sprintf("%s (%d)", reason, rows))
	}
	slices.Sort(summary.Notes)
	return summary, nil
}

// without is the file without the original's own tables.
type without struct{ storage.Foreign }

func (w without) Tables() []storage.ForeignTable {
	return slices.DeleteFunc(slices.Clone(w.Foreign.Tables()), func(t storage.ForeignTable) bool {
		return slices.Contains(ownTables, t.Name)
	})
}

// importer is one import under way.
type importer struct {
	src    storage.Foreign
	stage  storage.Stage
	counts []*storage.ImportCount
	notes  map[string]int64 // reason -> rows
	clock  time.Time        // the last time that could be read
}

// row is one row of a table. Columns that are taken have a place in the model; the
// rest become attributes.
type row struct {
	table   string
	columns []string
	values  []sql.NullString
	taken   map[string]bool
	number  int64
}

// take reads a column, NULL if it is not there.
func (r *row) take(column string) sql.NullString {
	if i := slices.Index(r.columns, column); i >= 0 {
		r.taken[column] = true
		return r.values[i]
	}
	return sql.NullString{}
}

// scan reads a table if it is there. read returns why a row cannot be kept as one.
func (im *importer) scan(ctx context.Context, name string, read func(context.Context, *row) (string, error)) error {
	at := slices.IndexFunc(im.src.Tables(), func(t storage.ForeignTable) bool { return t.Name == name })
	if at < 0 {
		return nil
	}
	count := &storage.ImportCount{Table: name}
	im.counts = append(im.counts, count)
	r := &row{table: name, columns: im.src.Tables()[at].Columns}
	return im.src.Scan(ctx, name, r.columns, func(values []sql.NullString) error {
		count.Read++
		r.values, r.number, r.taken = values, count.Read, map[string]bool{}
		unfit, err := read(ctx, r)
		if err != nil || unfit == "" {
			return err
		}
		count.Skipped++
		im.notes[name+": "+unfit+"; kept as raw records"]++
		r.taken = map[string]bool{}
		body := storage.JSON("{}")
		if rest := im.rest(r); rest != nil {
			body = *rest
		}
		return im.stage.AddRaw(ctx, &storage.StagedRaw{
			Source: storage.SourceViolentUTF, SourceID: fmt.Sprintf("row:%d", r.number),
			Record: "violentutf." + name, Body: body,
		})
	})
}

// time takes a time. One that cannot be read becomes that of the row before, and its
// text an attribute.
func (im *importer) time(r *row, column string) time.Time {
	value := r.take(column)
	if t, ok := pyrit.ParseTime(value.String); ok {
		im.clock = t
		return t
	}
	im.notes[r.table+": rows without a readable "+column+" took the time of the row before"]++
	delete(r.taken, column)
	return im.clock
}

// rest makes the attributes of the columns that were not taken.
func (im *importer) rest(r *row) *storage.JSON {
	left := map[string]any{}
	for i, column := range r.columns {
		if v := r.values[i]; v.Valid && !r.taken[column] {
			left[column] = im.tree(v.String)
		}
	}
	if len(left) == 0 {
		return nil
	}
	made, err := storage.CanonicalJSON(left)
	if err != nil {
		return nil // texts and decoded JSON always encode
	}
	return &made
}
