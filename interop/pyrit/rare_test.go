package pyrit

import "testing"

// The samples hold no scenario, loose content, converter's chat or scale: these rows
// are written as PyRIT's own tables would have them.

func TestScenarioIsARun(t *testing.T) {
	w := newWorkspace(t)
	w.load(t, change(
		t, "pyrit/memory-1.1.0.sqlite",
		`CREATE TEMP TABLE run AS SELECT 'aaaaaaaa-0000-4000-8000-000000000001' AS id`,
		`INSERT INTO ScenarioResultEntries (id, scenario_name, scenario_description, scenario_version, pyrit_version,
		   scenario_identifier, objective_target_identifier, scenario_run_state, labels, number_tries, completion_time, timestamp)
		   SELECT id, 'Encoding', '', 1, '1.1.0', '{}', '{}', 'FAILED', '{}', 1, '2026-11-24 00:00:00.000000', '2026-11-24 00:00:00.000000' FROM run`,
		`UPDATE AttackResultEntries SET attribution_parent_id = (SELECT id FROM run)
		   WHERE id IN (SELECT id FROM AttackResultEntries LIMIT 7)`,
	), Options{})
	equalCounts(t, "runs", w.counts(t, `
		SELECT e.name, e.status, count(*)
		FROM execution_plans e JOIN attacks a ON a.execution_id = e.id
		WHERE e.started_at = (SELECT min(started_at) FROM attacks b WHERE b.execution_id = e.id)
		GROUP BY ALL`),
		map[string]int{
			"Encoding|FAILED": 7, "PromptSendingAttack|SUCCEEDED": 73, "RedTeamingAttack|SUCCEEDED": 8,
			"CrescendoAttack|SUCCEEDED": 3, "Unknown|SUCCEEDED": 1,
		})
}

func TestScoresOfEveryKind(t *testing.T) {
	w := newWorkspace(t)
	w.load(t, change(
		t, "pyrit/memory-1.1.0.sqlite",
		`INSERT INTO ScorableContentEntries VALUES
		   ('bbbbbbbb-0000-4000-8000-000000000001', 'loose words', 'x', 'text', '2026-11-24 00:00:00.000000')`,
		`CREATE TEMP TABLE made AS SELECT * FROM ScoreEntries LIMIT 1`,
		`UPDATE made SET id = 'loose', score_type = 'float_scale', score_value = '0.25', score_category = '["a","b"]',
		   prompt_request_response_id = NULL, scorable = NULL,
		   scorable_content_id = 'bbbbbbbb-0000-4000-8000-000000000001'`,
		`INSERT INTO ScoreEntries SELECT * FROM made`,
		`UPDATE made SET id = 'open', score_type = 'true_false', score_value = '', status = 'undetermined',
		   scorable_content_id = NULL,
		   scorable = '{"scorable_type": "message", "message_piece_ids": ["' ||
		     (SELECT prompt_request_response_id FROM ScoreEntries WHERE prompt_request_response_id IS NOT NULL LIMIT 1) || '", "other"]}'`,
		`INSERT INTO ScoreEntries SELECT * FROM made`,
	), Options{})
	equalCounts(t, "scores", w.counts(t, `
		SELECT source_id, type, status, COALESCE(CAST(is_true AS TEXT), '-'), COALESCE(CAST(scale AS TEXT), '-'),
		       array_to_string(categories, ','), COALESCE(content, '-'), conversation_no IS NULL, count(*)
		FROM scores WHERE source_id IN ('loose', 'open') GROUP BY ALL`),
		map[string]int{
			"loose|FLOAT_SCALE|COMPLETE|-|0.25|a,b|loose words|true": 1,
			"open|TRUE_FALSE|UNDETERMINED|-|-|a,b|-|false":           1,
		})
}

func TestConvertersChatAndEarlyFailure(t *testing.T) {
	w := newWorkspace(t)
	w.load(t, change(
		t, "pyrit/memory-0.14.0.sqlite",
		`CREATE TEMP TABLE chat AS SELECT * FROM PromptMemoryEntries WHERE role = 'user' AND converter_identifiers <> '[]' LIMIT 1`,
		`UPDATE chat SET id = 'asks', conversation_id = 'converters-own', converted_value = original_value,
		   attack_identifier = '{}', original_prompt_id = 'asks'`,
		`INSERT INTO PromptMemoryEntries SELECT * FROM chat`,
	), Options{})
	if got := w.counts(t, "SELECT count(*) FROM conversations WHERE purpose = 'CONVERTER' AND source_id = 'converters-own'")[""]; got != 1 {
		t.Error("the converter's chat is not recognised")
	}
	// Three attacks failed before their first message: only the attacker's thread
	// tells what they were.
	if got := w.counts(t, `
		SELECT count(*) FROM attacks
		WHERE attack_class = 'CrescendoAttack' AND outcome = 'ERROR' AND target_hash IS NOT NULL AND attacker_hash IS NOT NULL`)[""]; got != 3 {
		t.Errorf("%d Crescendo attacks that failed early, want 3", got)
	}
}
