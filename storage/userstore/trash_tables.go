package userstore

import (
	"slices"
	"strings"
)

// The rows of an entry of the trash stay in their tables and belong to its owner: no
// statement about the workspace, $1, sees them, and they keep every column as it is.
const trashOwner = "trash/"

// trashOwners are the owners of all entries of the workspace.
const trashOwners = `(SELECT '` + trashOwner + `' || e.id FROM trash e WHERE e.owner_id = $1)`

// trashTable is a table whose rows can lie in the trash.
type trashTable struct {
	name string
	// along holds for rows t of the workspace, $1, that go because of what has gone to
	// the owner $2 already; empty where a row only goes when it is chosen.
	along string
	// key, of rows t, and argument tell by what rows are chosen; empty where they never are.
	key, argument string
	// taken says what the rows that go along are, where they only do by a deletion that
	// cascades.
	taken string
}

// trashTables is all that a deletion takes, in this order: what hangs on other rows
// comes after them. A new table with an owner_id gets a line here, or one among the
// tables that a test knows to have nothing to delete.
var trashTables = []trashTable{
	{name: "execution_plans", key: "t.id", argument: "executions"},
	{name: "execution_items", along: gone("execution_id", "execution_plans", "id")},
	{name: "execution_events", along: gone("execution_id", "execution_plans", "id")},
	{name: "execution_fences", along: gone("execution_id", "execution_plans", "id")},
	{name: "attacks", key: "t.attack_no", argument: "attacks"},
	{name: "conversations", along: gone("attack_no", "attacks", "attack_no"), key: "t.conversation_no", argument: "conversations"},
	{name: "prompt_request_responses", along: ofGoneConversation},
	// An objective score may lie on loose content, which no conversation has.
	{name: "scores", along: ofGoneConversation + ` OR (t.conversation_no IS NULL AND ` + gone("score_no", "attacks", "objective_score_no") + `)`},
	{name: "embeddings", along: ofGoneConversation},
	{name: "memory_labels", along: ofGoneAttack + " OR " + ofGoneConversation},
	{name: "attack_tags", along: ofGoneAttack},
	{name: "raw_exchanges", along: ofGoneConversation},
	{name: "annotations", along: ofGoneAttack + " OR " + ofGoneConversation, key: "t.id", argument: "annotations"},
	{name: "findings", key: "t.id", argument: "findings"},
	{name: "finding_attacks", along: gone("finding_id", "findings", "id") + " OR " + ofGoneAttack},
	{name: "finding_messages", along: gone("finding_id", "findings", "id") + " OR " + ofGoneConversation},
	{name: "message_files", along: ofGoneConversation},
	{name: "datasets", key: "t.id", argument: "datasets"},
	{name: "dataset_versions", along: gone("dataset_id", "datasets", "id"), key: versionKey, argument: "datasetVersions"},
	{name: "dataset_members", along: ofGoneVersion},
	{name: "dataset_splits", along: ofGoneVersion},
	{name: "dataset_split_members", along: ofGoneVersion},
	{name: "dataset_files", along: ofGoneVersion},
	// Of a dataset that stays, those that no other version has.
	{name: "dataset_prompts", along: gone("dataset_id", "datasets", "id") + ` OR (` + gone("prompt_no", "dataset_members", "prompt_no") + `
  AND t.prompt_no NOT IN (SELECT m.prompt_no FROM dataset_members m WHERE m.owner_id = $1))`},
	{name: "files", key: "t.sha256", argument: "files", along: gone("sha256", "message_files", "sha256") + `
  AND t.sha256 NOT IN (SELECT f.sha256 FROM message_files f WHERE f.owner_id = $1)
  AND t.sha256 NOT IN (SELECT d.sha256 FROM file_details d WHERE d.owner_id = $1)
  AND t.sha256 NOT IN (SELECT d.sha256 FROM dataset_files d WHERE d.owner_id = $1)`},
	{name: "file_details", along: gone("sha256", "files", "sha256")},
	{name: "file_tags", along: gone("sha256", "files", "sha256")},
	// Links of versions that went before versions had a trash.
	{name: "dataset_files", along: gone("sha256", "files", "sha256") + `
  AND (t.dataset_id, t.version) NOT IN (SELECT v.dataset_id, v.version FROM dataset_versions v WHERE v.owner_id = $1)`},
	{name: "generators", key: "t.id", argument: "generators"},
	{name: "converters", key: "t.id", argument: "converters"},
	{name: "scorers", key: "t.id", argument: "scorers"},
	{name: "orchestrators", key: "t.id", argument: "orchestrators"},
	naming("datasets"), naming("generators"), naming("converters"), naming("scorers"),
	{name: "prices", key: "t.id", argument: "prices"},
	{name: "saved_queries", key: "t.id", argument: "savedQueries"},
	{name: "parameter_files", key: "t.id", argument: "parameterFiles"},
	{name: "templates", key: "t.id", argument: "templates"},
	{name: "taxonomies", key: "t.id", argument: "taxonomies"},
	{name: "taxonomy_entries", along: gone("taxonomy_id", "taxonomies", "id")},
	{name: "user_sessions", key: savedKey, argument: "key"},
	{name: "source_ranks", along: ranked("execution_plans") + " OR " + ranked("attacks") + " OR " + ranked("scores")},
	// garak names the records of a run by the run and their numbers.
	{name: "attributes_raw", along: `EXISTS (
  SELECT 1 FROM execution_plans p
  WHERE p.owner_id = $2 AND p.source = t.source AND starts_with(t.source_id, p.source_id || '/'))`},
}

// naming are the orchestrators that name things of a table which have gone.
func naming(table string) trashTable {
	return trashTable{
		name: "orchestrators", along: `t.uses && ARRAY(SELECT g.id FROM ` + table + ` g WHERE g.owner_id = $2)`,
		argument: table, taken: "orchestrators that name these " + table,
	}
}

// TrashTables are the names of the tables whose rows can lie in the trash, each once:
// rows of one may go for several reasons.
func TrashTables() []string {
	var names []string
	for _, t := range trashTables {
		if !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	return names
}

const (
	// versionKey is the text of a storage.VersionKey.
	versionKey = `t.dataset_id || '-' || CAST(t.version AS TEXT)`
	// savedKey is of what a person saved; what was imported is nobody's to delete.
	savedKey = `CASE WHEN t.user_id IS NOT NULL THEN t.source_id END`
)

const ofGoneVersion = `(t.dataset_id, t.version) IN (SELECT g.dataset_id, g.version FROM dataset_versions g WHERE g.owner_id = $2)`

var (
	ofGoneAttack       = gone("attack_no", "attacks", "attack_no")
	ofGoneConversation = gone("conversation_no", "conversations", "conversation_no")
)

// gone holds for rows t that name a row which has gone.
func gone(column, parent, key string) string {
	return `t.` + column + ` IN (SELECT g.` + key + ` FROM ` + parent + ` g WHERE g.owner_id = $2)`
}

func ranked(table string) string {
	return `(t.kind = '` + table + `' AND (t.source, t.source_id) IN (SELECT g.source, g.source_id FROM ` + table + ` g WHERE g.owner_id = $2))`
}

// reference is a column of rows that can stay without what it names.
type reference struct {
	name  string // in trash_links
	what  string // refers, for people
	table string
	to    string // the table that is referred to
	// row tells which columns of trash_links hold the row's key, and by which columns of
	// its own; refers the same of what is emptied; found names the column of to for the
	// columns by which the row is found.
	row, refers columns
	found       columns
	argument    string // by which what is referred to is chosen
	// firm says that the row cannot do without.
	firm bool
}

// columns are pairs of column names.
type columns [][2]string

// references are all of them. A conversation whose attack goes goes too, but it may be
// restored without it.
var references = []reference{
	{
		name: "branch", what: "conversations that branch from theirs", table: "conversations", to: "conversations", argument: "conversations",
		row: columns{{"number", "conversation_no"}}, refers: columns{{"to_number", "branched_from_no"}, {"to_sequence", "branched_from_sequence"}},
		found: columns{{"branched_from_no", "conversation_no"}},
	},
	{
		name: "original", what: "messages that repeat theirs", table: "prompt_request_responses", to: "prompt_request_responses", argument: "conversations",
		row:    columns{{"number", "conversation_no"}, {"sequence", "sequence"}, {"piece", "piece"}},
		refers: columns{{"to_number", "original_conversation_no"}, {"to_sequence", "original_sequence"}, {"to_piece", "original_piece"}},
		found:  columns{{"original_conversation_no", "conversation_no"}, {"original_sequence", "sequence"}, {"original_piece", "piece"}},
	},
	ofAttack("objective score", "attacks whose objective score is one of theirs", "objective_score_no", "scores", "score_no", "conversations"),
	ofAttack("main conversation", "attacks whose main conversation is one of theirs", "conversation_no", "conversations", "conversation_no", "conversations").firmly(),
	ofAttack("prompt", "attacks that came from their prompts", "prompt_no", "dataset_prompts", "prompt_no", "datasets"),
	{
		name: "execution", what: "attacks of these runs", table: "attacks", to: "execution_plans", argument: "executions",
		row: columns{{"number", "attack_no"}}, refers: columns{{"to_key", "execution_id"}}, found: columns{{"execution_id", "id"}},
	},
	ofComponent("generators", "generator_id"), ofComponent("converters", "converter_id"), ofComponent("scorers", "scorer_id"),
	{
		name: "orchestrator", what: "runs that were made by them", table: "execution_plans", to: "orchestrators", argument: "orchestrators",
		row: columns{{"key", "id"}}, refers: columns{{"to_key", "orchestrator_id"}}, found: columns{{"orchestrator_id", "id"}},
	},
	{
		name: "attack", what: "conversations of theirs", table: "conversations", to: "attacks", argument: "attacks",
		row: columns{{"number", "conversation_no"}}, refers: columns{{"to_number", "attack_no"}}, found: columns{{"attack_no", "attack_no"}},
	},
}

func ofAttack(name, what, column, to, key, argument string) reference {
	return reference{
		name: name, what: what, table: "attacks", to: to, argument: argument,
		row: columns{{"number", "attack_no"}}, refers: columns{{"to_number", column}}, found: columns{{column, key}},
	}
}

func ofComponent(to, column string) reference {
	return reference{
		name: column, what: "components that runs used and that came from them", table: "components", to: to, argument: to,
		row: columns{{"key", "hash"}}, refers: columns{{"to_key", column}}, found: columns{{column, "id"}},
	}
}

func (r reference) firmly() reference {
	r.firm = true
	return r
}

// on joins rows t that refer to rows p that are referred to.
func (r reference) on() string {
	return r.found.join(" AND ", func(column, key string) string { return "t." + column + " = p." + key })
}

// join writes each pair.
func (c columns) join(separator string, write func(first, second string) string) string {
	texts := make([]string, len(c))
	for i, pair := range c {
		texts[i] = write(pair[0], pair[1])
	}
	return strings.Join(texts, separator)
}

func (c columns) firsts() string {
	return c.join(", ", func(first, _ string) string { return first })
}

// of are the second ones, of rows t.
func (c columns) of(alias string) string {
	return c.join(", ", func(_, second string) string { return alias + "." + second })
}

// hanging are the rows that are of two other rows, or can be deleted before what they
// are of: they come back when both are there.
var hanging = []struct{ table, column, parent, key string }{
	{"annotations", "attack_no", "attacks", "attack_no"},
	{"annotations", "conversation_no", "conversations", "conversation_no"},
	{"finding_attacks", "attack_no", "attacks", "attack_no"},
	{"finding_attacks", "finding_id", "findings", "id"},
	{"finding_messages", "conversation_no", "conversations", "conversation_no"},
	{"finding_messages", "finding_id", "findings", "id"},
}

// shared are rows that rows of several entries may need: each lies with one of them, and
// goes over to another that is restored before it, or stays when it is purged.
var shared = []struct {
	key    string
	namers []string // the tables that name it, by a column of that name
	parts  []string // the tables that it is in, with that column; the last one tells where it lies
}{
	{key: "sha256", namers: []string{"message_files", "dataset_files"}, parts: []string{"file_tags", "file_details", "files"}},
	{key: "prompt_no", namers: []string{"dataset_members"}, parts: []string{"dataset_prompts"}},
}

// namedBy are the keys that rows of owners name, with the owner.
func namedBy(namers []string, key, owners string) string {
	texts := make([]string, len(namers))
	for i, namer := range namers {
		texts[i] = `SELECT m.` + key + `, m.owner_id FROM ` + namer + ` m WHERE ` + owners
	}
	return strings.Join(texts, " UNION ALL ")
}
