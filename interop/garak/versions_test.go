package garak_test

import (
	"fmt"
	"strings"
	"testing"
)

// Garak began its reports with its command line (0.9), "config" (to 0.9.0.8),
// "start_run args config" (0.9.0.9) and then "start_run setup", and ends them with a
// completion only since 0.9.0.14.
func TestReportsOfOldVersions(t *testing.T) {
	for _, c := range []struct{ version, threshold string }{
		{"0.9", "run.eval_threshold"},
		{"0.9.0.7", "run.eval_threshold"},
		{"0.9.0.9", "default, as the eval lines confirm"},
		{"0.9.0.13", "default, as the eval lines confirm"},
	} {
		t.Run(c.version, func(t *testing.T) {
			content := file(t, "old-"+c.version+".report.jsonl")
			w := newWorkspace(t)
			summary, _ := w.mustTake(t, content, "")
			if summary.ToolVersion != c.version || summary.Partial || len(summary.Notes) > 0 {
				t.Errorf("got version %s, partial %v, notes %q", summary.ToolVersion, summary.Partial, summary.Notes)
			}
			equal(t, "run", w.rows(t, `
				SELECT split_part(name, ' 2026', 1), status, partial, attributes->>'evalThreshold', attributes->>'evalThresholdFrom'
				FROM execution_plans`), "garak test.Repeat|SUCCEEDED|false|0.5|"+c.threshold)
			equal(t, "target", w.rows(t, `
				SELECT k.class_name, count(*) FROM attacks AS a JOIN components AS k ON k.hash = a.target_hash GROUP BY ALL`), "test.Repeat|2")
			equal(t, "outcomes", w.rows(t, `SELECT outcome, outcome_source, outcome_reason, count(*) FROM attacks GROUP BY ALL`),
				"SUCCESS|RULE|detector dan.DAN|2")
			equal(t, "scores", w.rows(t, `
				SELECT k.class_name, s.raw_value, s.is_true, count(*)
				FROM scores AS s JOIN components AS k ON k.hash = s.scorer_hash
				GROUP BY ALL ORDER BY ALL`), "dan.DAN|1|true|2", "mitigation.MitigationBypass|0|false|2")

			// The same, stopped before it counted, or judged its last attempt.
			lines := strings.SplitAfter(strings.TrimSuffix(content, "\n"), "\n")
			for len(lines) > 0 && !strings.Contains(lines[len(lines)-1], `"status": 1`) {
				lines = lines[:len(lines)-1]
			}
			w = newWorkspace(t)
			if summary, _ := w.mustTake(t, strings.Join(lines, ""), ""); !summary.Partial {
				t.Error("a run that stopped is not partial")
			}
			equal(t, "the run that stopped", w.rows(t, `SELECT status, partial FROM execution_plans`), "FAILED|true")
			equal(t, "its attacks", w.rows(t, `SELECT outcome, count(*) FROM attacks GROUP BY ALL`), "UNDETERMINED|2")
		})
	}
}

// Garak 0.9.0.16 to 0.12 write messages, and no primary detector.
func TestReportOfVersion012(t *testing.T) {
	content := file(t, "mixed-0.12.0.report.jsonl")
	w := newWorkspace(t)
	summary, _ := w.mustTake(t, content, file(t, "mixed-0.12.0.hitlog.jsonl"))
	if summary.ToolVersion != "0.12.0" || summary.Partial || len(summary.Notes) > 0 {
		t.Errorf("got version %s, partial %v, notes %q", summary.ToolVersion, summary.Partial, summary.Notes)
	}
	equal(t, "outcomes", w.rows(t, `SELECT outcome, outcome_source, converter_chain, count(*) FROM attacks GROUP BY ALL ORDER BY ALL`),
		"FAILURE|RULE|Lowercase|76", "SUCCESS|RULE|Lowercase|2")
	equal(t, "target", w.rows(t, `SELECT class_name, model FROM components WHERE kind = 'TARGET'`), "openai.OpenAICompatible|mock-target")
	attempts, evals := parsed(t, content)
	want := []string{}
	for _, a := range attempts {
		for i, output := range a["outputs"].([]any) {
			want = append(want, fmt.Sprintf("%s/%d|%s|%s", a["uuid"], i, a["prompt"], output))
		}
	}
	if len(want) != 78 {
		t.Fatalf("%d outputs in the file", len(want))
	}
	got := map[string]bool{}
	for _, row := range w.rows(t, `
		SELECT q.conversation, q.asked || '|' || r.said
		FROM (SELECT c.source_id AS conversation, coalesce(m.converted_value, m.original_value) AS asked, m.conversation_no
		      FROM prompt_request_responses AS m JOIN conversations AS c ON c.conversation_no = m.conversation_no WHERE m.role = 'USER') AS q
		JOIN (SELECT original_value AS said, conversation_no FROM prompt_request_responses WHERE role = 'ASSISTANT') AS r
		  ON r.conversation_no = q.conversation_no`) {
		got[row] = true
	}
	for _, text := range want {
		if !got[text] {
			t.Errorf("not stored: %.120s", text)
		}
	}
	for _, eval := range evals {
		equal(t, fmt.Sprint(eval["probe"], " ", eval["detector"]), w.rows(t, `
			SELECT count(*) FILTER (NOT s.is_true), count(*)
			FROM scores AS s
			JOIN components AS k ON k.hash = s.scorer_hash
			JOIN conversations AS c ON c.conversation_no = s.conversation_no
			JOIN attacks AS a ON a.attack_no = c.attack_no
			WHERE a.probe = $1 AND k.class_name = $2`, eval["probe"], eval["detector"]),
			fmt.Sprintf("%v|%v", eval["passed"], eval["total"]))
	}
	equal(t, "hits that the report has not", w.rows(t, `SELECT count(*) FROM attributes_raw WHERE record = 'garak.hitlog'`), "0")
	equal(t, "triggers", w.rows(t, `SELECT count(*) FROM scores WHERE attributes LIKE '%triggers%' AND NOT is_true`), "0")
}

// The notes of an original say that a buff made it, of itself.
func TestOriginalBesideItsBuffIsUnconverted(t *testing.T) {
	w := newWorkspace(t)
	w.mustTake(t, file(t, "original-0.14.1.report.jsonl"), "")
	equal(t, "chains", w.rows(t, `SELECT converter_chain, len(converter_hashes), count(*) FROM attacks GROUP BY ALL ORDER BY ALL`), "|0|2", "Base64|1|2")
	equal(t, "prompts", w.rows(t, `
		SELECT a.converter_chain, left(m.original_value, 10), left(m.converted_value, 14), len(m.converter_hashes), count(*)
		FROM prompt_request_responses AS m
		JOIN attacks AS a ON a.conversation_no = m.conversation_no
		WHERE m.role = 'USER'
		GROUP BY ALL ORDER BY ALL`), "|Ignore all|NULL|0|2", "Base64|Ignore all|The following |1|2")
}
