// Package pyrit reads PyRIT's memory: 0.9 (DuckDB) and 0.10 to 1.1 (SQLite, and
// DuckDB until it was dropped). A file is read by the tables and columns that are
// there, never by its version, so that versions in between and after import too.
//
// Nothing of a file is lost. A column has its place in the model or stands in the
// row's attributes as {"column": value}; NULLs and what can be derived again are
// left out. A table without a place is kept row by row as raw records
// "pyrit.<Table>".
//
// Messages and scores go to the stage while the file is scanned. What a
// conversation was for and what became of an attack is derived afterwards by SQL
// over the stage's temporary tables, so that memory does not grow with the file.
package pyrit

import (
	"context"
	"fmt"
	"slices"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/storage/files"
)

// Options of an import.
type Options struct {
	// ObjectiveScorer names the scorer, by class, whose verdict decides where the
	// file states none and its scorers differ. Empty: none does.
	ObjectiveScorer string
	// Media is where the files that messages name by a path are looked for; nil
	// follows no path.
	Media *files.Source
	// Progress, if set, is told of the rows read and the phases, on the caller's
	// goroutine.
	Progress func(storage.Progress)

	// unstated makes the import forget what the file states of outcomes and
	// objective scores: for the test of the rule against the statements.
	unstated bool
}

// Summary tells what was read.
type Summary struct {
	ToolVersion string
	// Tables counts the rows of the file's own tables; only Read and Skipped are set.
	Tables []*storage.ImportCount
	Notes  []string
}

// Detect tells whether the tables are those of a PyRIT memory.
func Detect(tables []storage.ForeignTable) bool {
	for _, t := range tables {
		if t.Name == tableMessages {
			return slices.Contains(t.Columns, "id") && slices.Contains(t.Columns, "conversation_id")
		}
	}
	return false
}

// The tables that have a place in the model.
const (
	tableMessages      = "PromptMemoryEntries"
	tableScores        = "ScoreEntries"
	tableContents      = "ScorableContentEntries"
	tableAttacks       = "AttackResultEntries"
	tableConversations = "Conversations"
	tableSeeds         = "SeedPromptEntries"
	tableEmbeddings    = "EmbeddingData"
	tableScenarios     = "ScenarioResultEntries"
)

// Import reads src into stage, all but the commit. An error means that the file
// could not be read or the stage not be filled; a row that makes no sense is
// skipped, counted and kept as a raw record.
func Import(ctx context.Context, src storage.Foreign, stage storage.Stage, opts Options) (Summary, error) {
	im := newImporter(src, stage, opts)
	for _, create := range rawTables {
		if err := stage.Create(ctx, create.table, create.columns); err != nil {
			return Summary{}, fmt.Errorf("prepare import of PyRIT memory: %w", err)
		}
	}
	// Identifiers, contents and seeds come first: later rows refer to them.
	for _, step := range []struct {
		table string
		read  func(context.Context, *table) error
	}{
		{tableContents, im.readContents},
		{tableSeeds, im.readSeeds},
		{tableScenarios, im.readScenarios},
		{tableConversations, im.readConversations},
		{tableMessages, im.readMessages},
		{tableEmbeddings, im.readEmbeddings},
		{tableScores, im.readScores},
		{tableAttacks, im.readAttacks},
	} {
		if step.table == tableContents {
			if err := im.readOthers(ctx); err != nil {
				return Summary{}, err
			}
		}
		t := im.table(step.table)
		if t == nil {
			continue
		}
		if err := step.read(ctx, t); err != nil {
			return Summary{}, fmt.Errorf("import %s: %w", t.name, err)
		}
	}
	im.tell("deriving", 0, 0)
	if err := im.derive(ctx); err != nil {
		return Summary{}, err
	}
	return im.summary(), nil
}
