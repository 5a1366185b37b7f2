package pyrit

import (
	"strings"
	"testing"

	"github.com/violentutf/violentutf/internal/testfiles"
)

// TestRuleAgreesWithTheStatements imports as if the files stated nothing: rule 4 must
// then come to the same outcomes by itself.
func TestRuleAgreesWithTheStatements(t *testing.T) {
	for _, sample := range samples[1:] {
		t.Run(sample.file[6:], func(t *testing.T) {
			w := newWorkspace(t)
			path := testfiles.Path(t, sample.file)
			w.load(t, path, Options{unstated: true})
			ruled := map[string]string{}
			for _, row := range w.rows(t, "SELECT source_id, outcome FROM attacks WHERE outcome_source = 'RULE'") {
				ruled[row[0].String] = row[1].String
			}
			for _, s := range w.source(t, path, tableAttacks) {
				if s["conversation_id"] == "" { // nothing to go by
					continue
				}
				if got, want := ruled[s["id"]], strings.ToUpper(s["outcome"]); got != want {
					t.Errorf("attack %s: %s by rule, stated %s (%s)", s["id"], got, want, s["outcome_reason"])
				}
			}
		})
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.version+" "+sample.file[:12], func(t *testing.T) {
			w := newWorkspace(t)
			path := testfiles.Path(t, sample.file)
			first, _ := w.load(t, path, Options{})
			second, _ := w.load(t, path, Options{})
			if changed := unequal(second); len(changed) > 0 {
				t.Errorf("importing again changed %v", changed)
			}
			for i, c := range second.Tables {
				if before := first.Tables[i]; c.Unchanged != before.Inserted {
					t.Errorf("%s: %d unchanged of %d", c.Table, c.Unchanged, before.Inserted)
				}
			}
		})
	}
}

// TestGrownMemoryAddsWhatIsNew imports a memory as it was before its newest attacks.
func TestGrownMemoryAddsWhatIsNew(t *testing.T) {
	w := newWorkspace(t)
	younger := change(
		t, "pyrit/memory-1.1.0.sqlite",
		`CREATE TEMP TABLE gone AS SELECT id, conversation_id FROM AttackResultEntries ORDER BY rowid DESC LIMIT 5`,
		`CREATE TEMP TABLE threads AS SELECT conversation_id FROM gone
		   UNION SELECT value FROM AttackResultEntries a, json_each(a.pruned_conversation_ids) WHERE a.id IN (SELECT id FROM gone)
		   UNION SELECT value FROM AttackResultEntries a, json_each(a.adversarial_chat_conversation_ids) WHERE a.id IN (SELECT id FROM gone)`,
		`DELETE FROM ScoreEntries WHERE prompt_request_response_id IN
		   (SELECT id FROM PromptMemoryEntries WHERE conversation_id IN (SELECT conversation_id FROM threads))`,
		`DELETE FROM PromptMemoryEntries WHERE conversation_id IN (SELECT conversation_id FROM threads)`,
		`DELETE FROM Conversations WHERE conversation_id IN (SELECT conversation_id FROM threads)`,
		`DELETE FROM AttackResultEntries WHERE id IN (SELECT id FROM gone)`)
	w.load(t, younger, Options{})
	before := w.counts(t, "SELECT 'attacks', count(*) FROM attacks UNION ALL SELECT 'messages', count(*) FROM prompt_request_responses")
	if before["attacks"] != 87 || before["messages"] >= 344 {
		t.Fatalf("the younger memory holds %v", before)
	}
	grown, _ := w.load(t, testfiles.Path(t, "pyrit/memory-1.1.0.sqlite"), Options{})
	for _, c := range grown.Tables {
		// A run of the memory goes on: its end moves.
		if c.Updated > 0 && c.Table != "execution_plans" && c.Table != "executions" {
			t.Errorf("%s: %d rows changed", c.Table, c.Updated)
		}
	}
	equalCounts(t, "after", w.counts(t, `
		SELECT 'attacks', count(*) FROM attacks
		UNION ALL SELECT 'messages', count(*) FROM prompt_request_responses
		UNION ALL SELECT 'conversations', count(*) FROM conversations`),
		map[string]int{"attacks": 92, "messages": 344, "conversations": 132})
	equalCounts(t, "purposes", w.counts(t, "SELECT purpose, count(*) FROM conversations GROUP BY purpose"), samples[2].purposes)
}

func TestNewestResultOfAConversationCounts(t *testing.T) {
	w := newWorkspace(t)
	path := change(
		t, "pyrit/memory-1.1.0.sqlite",
		`CREATE TEMP TABLE again AS SELECT * FROM AttackResultEntries WHERE outcome = 'failure' LIMIT 1`,
		`UPDATE again SET id = '11111111-2222-4333-8444-555555555555', outcome = 'success', timestamp = '2027-01-01 00:00:00.000000'`,
		`INSERT INTO AttackResultEntries SELECT * FROM again`)
	_, summary := w.load(t, path, Options{})
	equalCounts(t, "outcomes", w.counts(t, "SELECT outcome, count(*) FROM attacks GROUP BY outcome"),
		map[string]int{"SUCCESS": 40, "FAILURE": 51, "ERROR": 1})
	if got := w.counts(t, "SELECT count(*) FROM attributes_raw WHERE record = 'pyrit.AttackResultEntries'")[""]; got != 1 {
		t.Errorf("%d older results kept, want 1", got)
	}
	if len(summary.Notes) != 1 {
		t.Errorf("notes: %q", summary.Notes)
	}
	// A memory that grew such a result changes the attack and adds none.
	other := newWorkspace(t)
	other.load(t, testfiles.Path(t, "pyrit/memory-1.1.0.sqlite"), Options{})
	other.load(t, path, Options{})
	equalCounts(t, "outcomes after growing", other.counts(t, "SELECT outcome, count(*) FROM attacks GROUP BY outcome"),
		map[string]int{"SUCCESS": 40, "FAILURE": 51, "ERROR": 1})
}

func TestOddRowsAreKept(t *testing.T) {
	w := newWorkspace(t)
	path := change(
		t, "pyrit/memory-1.1.0.sqlite",
		`ALTER TABLE PromptMemoryEntries ADD COLUMN mood TEXT`,
		`CREATE TABLE Notebook (id TEXT PRIMARY KEY, page TEXT)`,
		`INSERT INTO Notebook VALUES ('n1', 'first'), ('n2', '{"api_key": "sk-abcdefabcdefabcdefabcdef123456"}')`,
		`CREATE TEMP TABLE odd AS SELECT * FROM PromptMemoryEntries WHERE role = 'user' LIMIT 1`,
		`UPDATE odd SET id = 'odd-role', role = 'oracle', sequence = 7, timestamp = 'yesterday', mood = 'blue'`,
		`INSERT INTO PromptMemoryEntries SELECT * FROM odd`,
		`UPDATE odd SET id = 'nowhere', conversation_id = ''`,
		`INSERT INTO PromptMemoryEntries SELECT * FROM odd`)
	_, summary := w.load(t, path, Options{})
	row := w.rows(t, "SELECT role, sequence, attributes FROM prompt_request_responses WHERE source_id = 'odd-role'")
	if len(row) != 1 || row[0][0].String != "USER" || row[0][1].String != "7" {
		t.Fatalf("the odd message is %v", row)
	}
	checkAttributes(t, "odd-role", row[0][2].String, map[string]string{"mood": "blue", "role": "oracle", "timestamp": "yesterday"})
	equalCounts(t, "raw records", w.counts(t, `
		SELECT record, source_id, count(*) FROM attributes_raw
		WHERE record IN ('pyrit.Notebook', 'pyrit.PromptMemoryEntries') GROUP BY ALL`),
		map[string]int{"pyrit.Notebook|n1": 1, "pyrit.Notebook|n2": 1, "pyrit.PromptMemoryEntries|skipped:346": 1})
	if got := w.counts(t, "SELECT count(*) FROM attributes_raw WHERE contains(body, 'sk-abcdef')")[""]; got != 0 {
		t.Error("a credential in an unknown table stayed readable")
	}
	for _, table := range summary.Tables {
		if table.Table == tableMessages && (table.Read != 346 || table.Skipped != 1) {
			t.Errorf("messages: %+v", *table)
		}
	}
	if len(summary.Notes) != 3 {
		t.Errorf("notes: %q", summary.Notes)
	}
}

func TestScorerNamedByTheUserDecides(t *testing.T) {
	path := change(
		t, "pyrit/memory-0.14.0.sqlite",
		`UPDATE AttackResultEntries SET outcome = 'unheard of', last_score_id = NULL`,
		// A second opinion that says the opposite of every verdict.
		`CREATE TEMP TABLE second AS SELECT * FROM ScoreEntries WHERE scorer_class_identifier LIKE '{"class_name": "SubString%'`,
		`UPDATE second SET id = 'second-' || id, score_value = CASE score_value WHEN 'true' THEN 'false' ELSE 'true' END,
		   scorer_class_identifier = '{"class_name": "ContraryScorer"}'`,
		`INSERT INTO ScoreEntries SELECT * FROM second`)
	undecided := newWorkspace(t)
	undecided.load(t, path, Options{})
	equalCounts(t, "without a name", undecided.counts(t, "SELECT outcome, outcome_source, count(*) FROM attacks GROUP BY ALL"),
		map[string]int{"UNDETERMINED|RULE": 88, "ERROR|RULE": 4})
	decided := newWorkspace(t)
	decided.load(t, path, Options{ObjectiveScorer: "ContraryScorer"})
	equalCounts(t, "with a name", decided.counts(t, "SELECT outcome, outcome_source, count(*) FROM attacks GROUP BY ALL"),
		map[string]int{"SUCCESS|OBJECTIVE_SCORE": 58, "FAILURE|OBJECTIVE_SCORE": 30, "ERROR|RULE": 4})
}

func TestBranchKnowsWhereItLeft(t *testing.T) {
	w := newWorkspace(t)
	w.load(t, testfiles.Path(t, "pyrit/seeded-1.1.0.sqlite"), Options{})
	for _, row := range w.rows(t, `
		SELECT c.source_id, c.branched_from_sequence,
		       (SELECT min(m.sequence) FROM prompt_request_responses m
		        WHERE m.conversation_no = c.conversation_no AND m.original_conversation_no IS NULL)
		FROM conversations c WHERE c.branched_from_no IS NOT NULL`) {
		if row[1] != row[2] {
			t.Errorf("conversation %s: left at %s, its own messages begin at %s", row[0].String, row[1].String, row[2].String)
		}
	}
	if got := w.counts(t, "SELECT count(*) FROM prompt_request_responses WHERE original_conversation_no IS NOT NULL")[""]; got != 16 {
		t.Errorf("%d messages repeat another, want 16", got)
	}
	if got := w.counts(t, "SELECT count(*) FROM attacks WHERE prompt_no IS NOT NULL")[""]; got != 30 {
		t.Errorf("%d attacks know their seed, want 30", got)
	}
}
