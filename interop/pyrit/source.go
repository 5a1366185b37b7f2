package pyrit

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// progressRows is how many rows pass between two words of progress.
const progressRows = 5000

// importer is one import under way.
type importer struct {
	src    storage.Foreign
	stage  storage.Stage
	opts   Options
	counts map[string]*storage.ImportCount
	notes  map[string]int64 // reason -> rows; reasons are fixed texts
	done   int64
	total  int64

	version  string    // pyrit_version of the last row that has one
	first    string    // id of the first attack result or message: names the memory
	clock    time.Time // the last time that could be read
	repeats  int64     // messages that repeat another
	orphaned bool      // contents were read, for scores to refer to
	known    caches
}

func newImporter(src storage.Foreign, stage storage.Stage, opts Options) *importer {
	im := &importer{
		src: src, stage: stage, opts: opts,
		counts: map[string]*storage.ImportCount{},
		notes:  map[string]int64{},
		clock:  time.Unix(0, 0).UTC(),
		known:  newCaches(),
	}
	for _, t := range src.Tables() {
		im.total += t.Rows
		im.counts[t.Name] = &storage.ImportCount{Table: t.Name}
	}
	return im
}

func (im *importer) summary() Summary {
	s := Summary{ToolVersion: im.version}
	if t := im.table(tableMessages); s.ToolVersion == "" && t != nil && !t.has("pyrit_version") {
		switch { // the last two that wrote no version, by what they called a run
		case t.has("orchestrator_identifier"):
			s.ToolVersion = "0.9"
		case t.has("attack_identifier"):
			s.ToolVersion = "0.10"
		}
	}
	for _, t := range im.src.Tables() {
		s.Tables = append(s.Tables, im.counts[t.Name])
	}
	for reason, rows := range im.notes {
		s.Notes = append(s.Notes, fmt.Sprintf("%s (%d)", reason, rows))
	}
	sort.Strings(s.Notes)
	return s
}

func (im *importer) note(reason string) { im.notes[reason]++ }

func (im *importer) tell(phase string, done, total int64) {
	if im.opts.Progress != nil {
		im.opts.Progress(storage.Progress{Phase: phase, Done: done, Total: total, Unit: "rows"})
	}
}

// table is a table of the file, by the columns that are there.
type table struct {
	name    string
	columns []string
	at      map[string]int
	rest    []int // the columns that go to the attributes
}

// table finds a table of the file; nil if it is not there.
func (im *importer) table(name string) *table {
	for _, t := range im.src.Tables() {
		if t.Name == name {
			return newTable(t)
		}
	}
	return nil
}

func newTable(foreign storage.ForeignTable) *table {
	t := &table{name: foreign.Name, columns: foreign.Columns, at: make(map[string]int, len(foreign.Columns))}
	for i, column := range foreign.Columns {
		t.at[column] = i
	}
	return t
}

func (t *table) has(column string) bool {
	_, found := t.at[column]
	return found
}

// place marks the columns that have a place in the model; all others go to the
// attributes.
func (t *table) place(columns ...string) {
	t.rest = t.rest[:0]
	for i, column := range t.columns {
		if !slices.Contains(columns, column) {
			t.rest = append(t.rest, i)
		}
	}
}

// row is one row of a table; a column that is not there reads as NULL.
type row struct {
	t      *table
	values []sql.NullString
	number int64 // from 1
}

func (r *row) get(column string) sql.NullString {
	if i, found := r.t.at[column]; found {
		return r.values[i]
	}
	return sql.NullString{}
}

func (r *row) text(column string) string { return r.get(column).String }

// json is a JSON document, empty for NULL and for JSON's null.
func (r *row) json(column string) string {
	if text := r.text(column); text != "null" {
		return text
	}
	return ""
}

// scan reads a table. fn returns why a row cannot be kept as a row; such a row is
// counted as skipped and kept as a raw record.
func (im *importer) scan(ctx context.Context, t *table, fn func(*row) (unfit string, err error)) error {
	count := im.counts[t.name]
	r := row{t: t}
	return readAhead(ctx, im.src, t.name, t.columns, func(values []sql.NullString) error {
		r.values = values
		r.number++
		count.Read++
		im.done++
		if im.done%progressRows == 0 {
			im.tell("reading", im.done, im.total)
		}
		unfit, err := fn(&r)
		if err != nil || unfit == "" {
			return err
		}
		count.Skipped++
		im.note(t.name + ": " + unfit + "; kept as raw records")
		return im.addRaw(ctx, &r, "skipped:"+strconv.FormatInt(r.number, 10))
	})
}

// tableConverterLinks repeats, a row for each message and converter, what the
// messages' own converter_identifiers hold; it is read only where those are missing.
const tableConverterLinks = "PromptConverterIdentifiers"

// rawKeys are the keys of tables without a place whose key is no single id.
var rawKeys = map[string][]string{
	"TargetIdentifierChildren":           {"parent_hash", "position"},
	"ScorerIdentifierChildren":           {"parent_hash", "position"},
	tableConverterLinks:                  {"prompt_memory_entry_id", "position"},
	"AttackRequestConverterIdentifiers":  {"attack_identifier_hash", "position"},
	"AttackResponseConverterIdentifiers": {"attack_identifier_hash", "position"},
	"AttackTechniqueSeedIdentifiers":     {"attack_technique_identifier_hash", "position"},
	"AtomicAttackSeedIdentifiers":        {"atomic_attack_identifier_hash", "position"},
	"TargetIdentifiers":                  {"hash"},
	"ScorerIdentifiers":                  {"hash"},
	"ScenarioIdentifiers":                {"hash"},
	"ConverterIdentifiers":               {"hash"},
	"SeedIdentifiers":                    {"hash"},
	"AttackIdentifiers":                  {"hash"},
	"AttackTechniqueIdentifiers":         {"hash"},
	"AtomicAttackIdentifiers":            {"hash"},
	"pyrit_memory_alembic_version":       {"version_num"},
}

// readOthers keeps every table without a place as raw records, and remembers of the
// identifier tables what columns of hashes refer to.
func (im *importer) readOthers(ctx context.Context) error {
	placed := []string{
		tableMessages, tableScores, tableContents, tableAttacks,
		tableConversations, tableSeeds, tableEmbeddings, tableScenarios,
	}
	messages := im.table(tableMessages) // Detect has seen it
	for _, foreign := range im.src.Tables() {
		if slices.Contains(placed, foreign.Name) {
			continue
		}
		if foreign.Name == tableConverterLinks && messages.has("converter_identifiers") {
			im.counts[foreign.Name].Read = foreign.Rows
			im.done += foreign.Rows
			continue
		}
		t := newTable(foreign)
		err := im.scan(ctx, t, func(r *row) (string, error) {
			if err := im.remember(ctx, r); err != nil {
				return "", err
			}
			return "", im.addRaw(ctx, r, rawKey(r))
		})
		if err != nil {
			return fmt.Errorf("import %s: %w", t.name, err)
		}
	}
	return nil
}

// rawKey is the primary key of a raw record, or the row's number where none is known.
func rawKey(r *row) string {
	columns := rawKeys[r.t.name]
	if columns == nil {
		columns = []string{"id"}
	}
	parts := make([]string, 0, len(columns))
	for _, column := range columns {
		value := r.get(column)
		if !value.Valid {
			return "row:" + strconv.FormatInt(r.number, 10)
		}
		parts = append(parts, value.String)
	}
	return strings.Join(parts, "/")
}

// addRaw keeps a whole row, without its NULLs.
func (im *importer) addRaw(ctx context.Context, r *row, key string) error {
	var body object
	for i, column := range r.t.columns {
		if r.values[i].Valid {
			body.add(column, im.value(r.values[i].String))
		}
	}
	return im.stage.AddRaw(ctx, &storage.StagedRaw{
		Source: storage.SourcePyRIT, SourceID: key, Record: "pyrit." + r.t.name, Body: body.json(),
	})
}

// extra is an attribute that is no column as it stands.
type extra struct{ name, json string }

// attributes makes a row's attributes of the columns without a place.
func (im *importer) attributes(r *row, extras ...extra) *storage.JSON {
	var key strings.Builder
	for _, i := range r.t.rest {
		if v := r.values[i]; v.Valid {
			key.WriteString(r.t.columns[i])
			key.WriteByte(0)
			key.WriteString(v.String)
			key.WriteByte(0)
		}
	}
	for _, e := range extras {
		key.WriteString(e.name)
		key.WriteByte(1)
		key.WriteString(e.json)
		key.WriteByte(1)
	}
	if key.Len() == 0 {
		return nil
	}
	if known, found := im.known.attributes.get(key.String()); found {
		return known
	}
	var body object
	for _, i := range r.t.rest {
		if v := r.values[i]; v.Valid && v.String != "null" {
			body.add(r.t.columns[i], im.value(v.String))
		}
	}
	for _, e := range extras {
		body.add(e.name, e.json)
	}
	var made *storage.JSON
	if !body.empty() {
		text := body.json()
		made = &text
	}
	im.known.attributes.put(key.String(), made)
	return made
}

// value is a column's text as JSON: itself if it is an object or a list, without
// credentials, otherwise a string.
func (im *importer) value(text string) string {
	if text != "" && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text)) {
		return im.clean(text)
	}
	return quote(text)
}

// object writes a JSON object member by member, in the given order.
type object struct{ text strings.Builder }

func (o *object) add(name, json string) {
	if o.text.Len() > 0 {
		o.text.WriteByte(',')
	}
	o.text.WriteString(quote(name))
	o.text.WriteByte(':')
	o.text.WriteString(json)
}

func (o *object) empty() bool { return o.text.Len() == 0 }

func (o *object) json() storage.JSON { return storage.JSON("{" + o.text.String() + "}") }

// quote writes a JSON string without escaping HTML.
func quote(text string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // a string cannot fail
	return strings.TrimSuffix(out.String(), "\n")
}
