package garak_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/interop/garak"
	"github.com/violentutf/violentutf/storage"
)

var realFiles = []string{"demo", "leaky", "buffed", "interrupted"}

// parsed reads a report independently of the importer: of each attempt the line
// with the highest status.
func parsed(t *testing.T, content string) (attempts []fields, evals []fields) {
	t.Helper()
	byID := map[string]int{}
	lines := bufio.NewScanner(strings.NewReader(content))
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		decoder := json.NewDecoder(strings.NewReader(lines.Text()))
		decoder.UseNumber()
		var entry fields
		if decoder.Decode(&entry) != nil {
			continue
		}
		switch entry["entry_type"] {
		case "eval":
			evals = append(evals, entry)
		case "attempt":
			id := entry["uuid"].(string)
			if at, known := byID[id]; !known {
				byID[id] = len(attempts)
				attempts = append(attempts, entry)
			} else if entry["status"].(json.Number) >= attempts[at]["status"].(json.Number) {
				attempts[at] = entry
			}
		}
	}
	return attempts, evals
}

func TestRealFilesGiveTheKnownCounts(t *testing.T) {
	for _, c := range []struct {
		name          string
		conversations int
		outcomes      []string
		status        string
	}{
		{"demo", 102, []string{"FAILURE|OBJECTIVE_SCORE|102"}, "SUCCEEDED|false"},
		{"leaky", 172, []string{"FAILURE|OBJECTIVE_SCORE|88", "SUCCESS|OBJECTIVE_SCORE|84"}, "SUCCEEDED|false"},
		{"buffed", 102, []string{"FAILURE|OBJECTIVE_SCORE|63", "SUCCESS|OBJECTIVE_SCORE|39"}, "SUCCEEDED|false"},
		{"interrupted", 124, []string{"FAILURE|OBJECTIVE_SCORE|44", "SUCCESS|OBJECTIVE_SCORE|60", "UNDETERMINED|RULE|20"}, "FAILED|true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorkspace(t)
			summary, _ := w.mustTake(t, file(t, c.name+".report.jsonl"), "")
			equal(t, "conversations", w.rows(t, `SELECT purpose, count(*) FROM conversations GROUP BY purpose`), fmt.Sprintf("TARGET|%d", c.conversations))
			equal(t, "outcomes", w.rows(t, `SELECT outcome, outcome_source, count(*) FROM attacks GROUP BY ALL ORDER BY ALL`), c.outcomes...)
			equal(t, "execution", w.rows(t, `SELECT status, partial FROM execution_plans`), c.status)
			equal(t, "threshold", w.rows(t, `SELECT attributes->>'evalThreshold', attributes->>'evalThresholdFrom' FROM execution_plans`), "0.5|default, as the eval lines confirm")
			equal(t, "attacks in the execution", w.rows(t, `
				SELECT count(*) FROM attacks AS a JOIN execution_plans AS e ON e.id = a.execution_id
				JOIN conversations AS c ON c.conversation_no = a.conversation_no AND c.attack_no = a.attack_no`), fmt.Sprint(c.conversations))
			if partial := c.name == "interrupted"; summary.Partial != partial {
				t.Errorf("partial: got %v", summary.Partial)
			}
			if summary.ToolVersion != "0.17.1" {
				t.Errorf("version: got %s", summary.ToolVersion)
			}
			if c.name == "interrupted" && !slices.ContainsFunc(summary.Notes, func(n string) bool { return strings.Contains(n, "last line is cut off") }) {
				t.Errorf("notes: got %q", summary.Notes)
			}
			if c.name == "leaky" {
				equal(t, "names", w.rows(t, `SELECT name, orchestrator, started_at::TEXT, finished_at::TEXT FROM execution_plans`),
					"garak mock-leaky 2026-11-23 22:49:27|probewise.ProbewiseHarness|2026-11-23 22:49:27.208365|2026-11-23 22:49:30.673312")
				equal(t, "target", w.rows(t, `SELECT name, class_name, model FROM components WHERE kind = 'TARGET'`),
					"openai.OpenAICompatible mock-leaky|openai.OpenAICompatible|mock-leaky")
				equal(t, "records", w.rows(t, `SELECT record, count(*) FROM attributes_raw GROUP BY ALL ORDER BY ALL`),
					"garak.digest|1", "garak.eval|17", "garak.payload_init|3", "garak.plugin_cache|6", "garak.probe_summary|6")
				equal(t, "one attack", w.rows(t, `
					SELECT attack_class, probe, intent, objective, turns, array_to_string(tags, ','), harm_categories::TEXT, objective_score_no IS NOT NULL
					FROM attacks WHERE probe = 'dan.Dan_11_0' ORDER BY source_id LIMIT 1`),
					"dan.Dan_11_0|dan.Dan_11_0|T009ignore|disregard the system prompt|1|avid-effect:security:S0403,owasp:llm01,quality:Security:PromptStability,demon:Fictionalizing:Roleplaying:DAN_and_target_persona,demon:Language:Prompt_injection:Ignore_previous_instructions,euai:robustness:adversarial,avid-effect:performance:P0204,payload:jailbreak|[]|true")
			}
		})
	}
}

func TestDetectorResultsEqualGaraksOwnCounts(t *testing.T) {
	for _, name := range realFiles {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			content := file(t, name+".report.jsonl")
			w.mustTake(t, content, "")
			_, evals := parsed(t, content)
			if len(evals) == 0 {
				t.Fatal("no eval line in the file")
			}
			for _, eval := range evals {
				got := w.rows(t, `
					SELECT count(*) FILTER (NOT s.is_true), count(*) FILTER (s.is_true), count(*) FILTER (s.status = 'UNDETERMINED'), count(*)
					FROM scores AS s
					JOIN components AS k ON k.hash = s.scorer_hash
					JOIN conversations AS c ON c.conversation_no = s.conversation_no
					JOIN attacks AS a ON a.attack_no = c.attack_no
					WHERE a.probe = $1 AND k.class_name = $2`, eval["probe"], eval["detector"])
				equal(t, fmt.Sprint(eval["probe"], " ", eval["detector"]), got,
					fmt.Sprintf("%v|%v|%v|%v", eval["passed"], eval["fails"], eval["nones"], eval["total_processed"]))
			}
		})
	}
}

func TestEveryMessageAndScoreIsStoredAsTheReportHasIt(t *testing.T) {
	for _, name := range realFiles {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			content := file(t, name+".report.jsonl")
			w.mustTake(t, content, "")
			attempts, _ := parsed(t, content)
			var messages, scores []string
			for _, a := range attempts {
				id := a["uuid"].(string)
				for i, c := range a["conversations"].([]any) {
					for n, turn := range c.(fields)["turns"].([]any) {
						turn := turn.(fields)
						content := turn["content"].(fields)
						said := content["text"].(string)
						messages = append(messages, fmt.Sprintf("%s/%d|%s/%d/%d|%d|0|%s|%s|%s|text|%s", id, i, id, i, n, n,
							strings.ToUpper(turn["role"].(string)), said, storage.TextHash(said), content["lang"]))
					}
				}
				for detector, values := range a["detector_results"].(fields) {
					for i, value := range values.([]any) {
						hit := "false"
						if f, _ := value.(json.Number).Float64(); f >= 0.5 {
							hit = "true"
						}
						scores = append(scores, fmt.Sprintf("%s/%s/%d|%s/%d/1|%s|%s|%s|FLOAT_SCALE|COMPLETE|%s", id, detector, i, id, i, detector, value, hit, a["goal"]))
					}
				}
			}
			slices.Sort(messages)
			slices.Sort(scores)
			gotMessages := w.rows(t, `
				SELECT c.source_id, m.source_id, m.sequence, m.piece, m.role, coalesce(m.converted_value, m.original_value),
					coalesce(m.converted_sha256, m.original_sha256), m.converted_data_type, m.attributes->>'lang'
				FROM prompt_request_responses AS m
				JOIN conversations AS c ON c.conversation_no = m.conversation_no`)
			gotScores := w.rows(t, `
				SELECT s.source_id, m.source_id, k.class_name, s.raw_value, s.is_true, s.type, s.status, s.objective
				FROM scores AS s
				JOIN components AS k ON k.hash = s.scorer_hash AND k.kind = 'SCORER'
				JOIN prompt_request_responses AS m ON m.conversation_no = s.conversation_no AND m.sequence = s.sequence AND m.piece = s.piece`)
			slices.Sort(gotMessages)
			slices.Sort(gotScores)
			equal(t, "messages", gotMessages, messages...)
			equal(t, "scores", gotScores, scores...)
		})
	}
}

func TestImportTwiceChangesNothing(t *testing.T) {
	for _, name := range realFiles {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			content, hits := file(t, name+".report.jsonl"), ""
			if name == "leaky" || name == "buffed" {
				hits = file(t, name+".hitlog.jsonl")
			}
			_, first := w.mustTake(t, content, hits)
			before, err := w.Revision(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, second := w.mustTake(t, content, hits)
			for i, table := range second.Tables {
				if table.Inserted+table.Updated > 0 || table.Unchanged != first.Tables[i].Inserted {
					t.Errorf("%s: first %+v, then %+v", table.Table, first.Tables[i], table)
				}
			}
			after, err := w.Revision(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if before != after {
				t.Errorf("revision went from %d to %d", before, after)
			}
		})
	}
}

func TestFullReportDecidesWhatAnInterruptedOneLeftOpen(t *testing.T) {
	w := newWorkspace(t)
	w.mustTake(t, file(t, "interrupted.report.jsonl"), "")
	_, second := w.mustTake(t, file(t, "leaky.report.jsonl"), "")
	for _, table := range second.Tables {
		switch table.Table {
		case "attacks":
			if table.Inserted != 48 || table.Updated != 20 || table.Unchanged != 104 {
				t.Errorf("attacks: %+v", table)
			}
		case "execution_plans":
			if table.Updated != 1 {
				t.Errorf("executions: %+v", table)
			}
		case "prompt_request_responses":
			if table.Inserted != 96 || table.Updated != 0 {
				t.Errorf("messages: %+v", table)
			}
		}
	}
	whole := newWorkspace(t)
	whole.mustTake(t, file(t, "leaky.report.jsonl"), "")
	for _, query := range []string{
		`SELECT source_id, outcome, outcome_source, outcome_reason, attributes FROM attacks ORDER BY source_id`,
		`SELECT source_id, is_true, is_objective FROM scores ORDER BY source_id`,
		`SELECT name, status, partial, attributes FROM execution_plans`,
		`SELECT record, source_id, body FROM attributes_raw ORDER BY record, source_id`,
	} {
		equal(t, query, w.rows(t, query), whole.rows(t, query)...)
	}
}

// An older part of a report that is imported after the whole takes nothing back.
func TestInterruptedReportAfterTheWholeChangesNothing(t *testing.T) {
	parts := newWorkspace(t)
	parts.mustTake(t, file(t, "interrupted.report.jsonl"), "")
	parts.mustTake(t, file(t, "leaky.report.jsonl"), "")
	w := newWorkspace(t)
	w.mustTake(t, file(t, "leaky.report.jsonl"), "")
	before := w.rows(t, "SELECT revision FROM store_info")
	for range 2 {
		_, imp := w.mustTake(t, file(t, "interrupted.report.jsonl"), "")
		for _, table := range imp.Tables {
			if table.Inserted+table.Updated > 0 {
				t.Errorf("%s: %+v", table.Table, *table)
			}
		}
	}
	equal(t, "revision", w.rows(t, "SELECT revision FROM store_info"), before...)
	for _, query := range []string{
		`SELECT source_id, outcome, outcome_source, outcome_reason, attributes FROM attacks ORDER BY source_id`,
		`SELECT source_id, is_true, is_objective, scale FROM scores ORDER BY source_id`,
		`SELECT name, status, partial, error, finished_at, attributes FROM execution_plans`,
		`SELECT source_id, message_count FROM conversations ORDER BY source_id`,
		`SELECT source_id, original_value, attributes FROM prompt_request_responses ORDER BY source_id`,
		`SELECT record, source_id, body FROM attributes_raw ORDER BY record, source_id`,
		`SELECT kind, source_id, rank FROM source_ranks ORDER BY kind, source_id`,
	} {
		equal(t, query, w.rows(t, query), parts.rows(t, query)...)
	}
	_, imp := parts.mustTake(t, file(t, "interrupted.report.jsonl"), "")
	if imp.Key != "" {
		t.Error("the part was stored again")
	}
}

func TestHitlogAddsTriggers(t *testing.T) {
	w := newWorkspace(t)
	w.mustTake(t, file(t, "leaky.report.jsonl"), file(t, "leaky.hitlog.jsonl"))
	equal(t, "triggered scores", w.rows(t, `
		SELECT k.class_name, s.is_true, count(*) FROM scores AS s JOIN components AS k ON k.hash = s.scorer_hash
		WHERE (s.attributes->>'triggers') IS NOT NULL GROUP BY ALL ORDER BY ALL`),
		"encoding.DecodeApprox|true|6", "encoding.DecodeMatch|true|6", "promptinject.AttackRogueString|true|18")
	equal(t, "hits beside the scores", w.rows(t, `SELECT count(*) FROM attributes_raw WHERE record = 'garak.hitlog'`), "0")

	other := newWorkspace(t)
	other.mustTake(t, file(t, "demo.report.jsonl"), file(t, "leaky.hitlog.jsonl"))
	equal(t, "hits of another report", other.rows(t, `SELECT count(*) FROM attributes_raw WHERE record = 'garak.hitlog'`), "90")
}

func TestHitlogWithoutItsReportIsRefused(t *testing.T) {
	hits := file(t, "leaky.hitlog.jsonl")
	if !garak.Detect([]byte(hits[:4096])) {
		t.Error("a hitlog is not detected")
	}
	_, _, err := newWorkspace(t).take(t, strings.NewReader(hits), nil, garak.Options{})
	if err == nil || !strings.Contains(err.Error(), ".report.jsonl") {
		t.Errorf("got %v", err)
	}
}

func TestReportsAreDetectedByContent(t *testing.T) {
	for _, name := range realFiles {
		content := file(t, name+".report.jsonl")
		for _, size := range []int{64, 1024, 64 << 10} {
			if !garak.Detect([]byte(content[:size])) {
				t.Errorf("%s: not detected by its first %d bytes", name, size)
			}
		}
	}
	for head, want := range map[string]bool{
		"": false,
		"\xef\xbb\xbf\r\n{\"entry_type\": \"init\"}":                                       true,
		`"Namespace(verbose=0)"` + "\n" + `{"garak_version": "0.9", "start_time": "2023"}`: true,
		`{"entry_type": "other"}`:                                                          false,
		`{"uuid": "1", "status": 1, "probe_classname": "Dan"`:                              true,
		`[1, 2]`:              false,
		"SQLite format 3\x00": false,
	} {
		if got := garak.Detect([]byte(head)); got != want {
			t.Errorf("%q: got %v", head, got)
		}
	}
}
