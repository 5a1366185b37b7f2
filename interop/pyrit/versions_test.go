package pyrit

import (
	"testing"

	"github.com/violentutf/violentutf/internal/testfiles"
)

// 0.10 has no seed_type, only a flag; 1.0 has no flag, only the type.
func TestObjectivesAreObjectivesInEveryVersion(t *testing.T) {
	for _, sample := range []string{"pyrit/mixed-0.10.0.sqlite", "pyrit/mixed-0.12.1.sqlite", "pyrit/mixed-1.0.0.sqlite"} {
		w := newWorkspace(t)
		w.load(t, testfiles.Path(t, sample), Options{})
		equalCounts(t, sample, w.counts(t, "SELECT seed_type, count(*) FROM dataset_prompts GROUP BY seed_type"),
			map[string]int{"prompt": 3, "objective": 2})
	}
}

// Until 0.14 a scorer stores of its own chat only the system prompt, with nothing but
// the attack's identifier, and since 0.12 that names no scored message.
func TestPromptThatAsksForAScoreIsAJudges(t *testing.T) {
	w := newWorkspace(t)
	path := testfiles.Path(t, "pyrit/mixed-0.12.1.sqlite")
	w.load(t, path, Options{})
	purposes := map[string]string{}
	for _, row := range w.rows(t, "SELECT source_id, purpose FROM conversations") {
		purposes[row[0].String] = row[1].String
	}
	asked := scanAll(t, openSQLite(t, path), `
		SELECT DISTINCT conversation_id FROM PromptMemoryEntries
		WHERE role = 'system' AND original_value LIKE '%score_value%'`)
	if len(asked) != 25 {
		t.Errorf("%d prompts ask for a score, want 25", len(asked))
	}
	for _, row := range asked {
		if got := purposes[row[0].String]; got != "JUDGE" {
			t.Errorf("conversation %s is %s", row[0].String, got)
		}
	}
	// What an attack result refers to stays what it says, and so does the thread of an
	// orchestrator, whose target may have such a prompt.
	asking := `UPDATE PromptMemoryEntries SET original_value = 'Answer with a score_value.' WHERE role = 'system'`
	orchestrated := []string{
		`ALTER TABLE PromptMemoryEntries RENAME COLUMN attack_identifier TO orchestrator_identifier`,
		`DELETE FROM AttackResultEntries`,
	}
	for _, statements := range [][]string{nil, orchestrated} {
		before, after := newWorkspace(t), newWorkspace(t)
		before.load(t, change(t, "pyrit/memory-0.14.0.sqlite", statements...), Options{})
		after.load(t, change(t, "pyrit/memory-0.14.0.sqlite", append(statements, asking)...), Options{})
		const purposes = "SELECT purpose, count(*) FROM conversations GROUP BY purpose"
		equalCounts(t, "asked for a score", after.counts(t, purposes), before.counts(t, purposes))
	}
}

// A tree of attacks all of whose branches were pruned names no conversation, but its
// branches and attackers.
func TestTreeWithoutABranchLeftKeepsItsThreads(t *testing.T) {
	w := newWorkspace(t)
	w.load(t, testfiles.Path(t, "pyrit/mixed-0.12.1.sqlite"), Options{})
	equalCounts(t, "threads", w.counts(t, `
		SELECT a.objective, c.purpose, COALESCE(c.why, '-'), count(*)
		FROM attacks a JOIN conversations c ON c.attack_no = a.attack_no
		WHERE a.attack_class = 'TreeOfAttacksWithPruningAttack' AND a.target_hash IS NOT NULL
		GROUP BY ALL`),
		map[string]int{
			"Tree|TARGET|-": 1, "Tree|ALTERNATIVE|pruned": 2, "Tree|ATTACKER|-": 2,
			"Mute tree|TARGET|-": 1, "Mute tree|ALTERNATIVE|pruned": 2, "Mute tree|ATTACKER|-": 2,
		})
	equalCounts(t, "what the source says", w.counts(t, `
		SELECT attributes->>'conversation_id', count(*) FROM attacks
		WHERE attack_class = 'TreeOfAttacksWithPruningAttack' GROUP BY ALL`), map[string]int{"": 2})
}

// 0.13 names the conversations of a scenario in its result, and completes it before
// its first attack.
func TestScenarioEndsWithItsLastAttack(t *testing.T) {
	w := newWorkspace(t)
	w.load(t, testfiles.Path(t, "pyrit/scenario-0.13.0.sqlite"), Options{})
	equalCounts(t, "runs", w.counts(t, `
		SELECT e.name, e.status, count(*)
		FROM execution_plans e
		JOIN attacks a ON a.execution_id = e.id AND a.started_at >= e.started_at AND a.finished_at <= e.finished_at
		GROUP BY ALL`), map[string]int{"Encoding|SUCCEEDED": 52})
}
