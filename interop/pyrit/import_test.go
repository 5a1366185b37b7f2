package pyrit

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/testfiles"
	"github.com/violentutf/violentutf/storage"
)

// samples are the real files and what independent counting found in them.
var samples = []struct {
	file     string
	version  string
	purposes map[string]int
	outcomes map[string]int
	rows     map[string]int // of the store's tables
	loose    int            // scores of what is no message
}{
	{
		testfiles.Original, "0.9",
		map[string]int{"TARGET": 75, "JUDGE": 50, "ATTACKER": 5},
		map[string]int{"SUCCESS|RULE": 27, "FAILURE|RULE": 48},
		map[string]int{"attacks": 75, "prompt_request_responses": 255, "scores": 135, "dataset_prompts": 10, "embeddings": 0},
		0,
	},
	{
		"pyrit/memory-0.14.0.sqlite", "0.14.0",
		map[string]int{"TARGET": 92, "ATTACKER": 11},
		map[string]int{"SUCCESS|STATED": 30, "FAILURE|STATED": 58, "ERROR|STATED": 4},
		map[string]int{"attacks": 92, "prompt_request_responses": 337, "scores": 146, "dataset_prompts": 12, "embeddings": 40},
		0,
	},
	{
		"pyrit/memory-1.1.0.sqlite", "1.1.0",
		map[string]int{"TARGET": 92, "ALTERNATIVE": 12, "ATTACKER": 11, "JUDGE": 17},
		map[string]int{"SUCCESS|STATED": 39, "FAILURE|STATED": 52, "ERROR|STATED": 1},
		map[string]int{"attacks": 92, "prompt_request_responses": 344, "scores": 135, "dataset_prompts": 12, "embeddings": 40},
		0,
	},
	{
		"pyrit/seeded-1.1.0.sqlite", "1.1.0",
		map[string]int{"TARGET": 30, "ALTERNATIVE": 34, "ATTACKER": 6, "JUDGE": 69},
		map[string]int{"SUCCESS|STATED": 15, "FAILURE|STATED": 15},
		map[string]int{"attacks": 30, "prompt_request_responses": 401, "scores": 132, "dataset_prompts": 24, "embeddings": 0},
		0,
	},
	// Of attacks that failed before 1.0 there is no result: their threads are UNKNOWN,
	// and so are the converters' own chats, of which only a system prompt is stored.
	{
		"pyrit/mixed-0.10.0.sqlite", "0.10",
		map[string]int{"TARGET": 23, "ALTERNATIVE": 6, "ATTACKER": 10, "JUDGE": 20, "UNKNOWN": 5},
		map[string]int{"SUCCESS|STATED": 8, "FAILURE|STATED": 12, "UNDETERMINED|STATED": 3},
		map[string]int{"attacks": 23, "prompt_request_responses": 135, "scores": 34, "dataset_prompts": 5, "embeddings": 0},
		4,
	},
	{
		"pyrit/mixed-0.12.1.sqlite", "0.12.1",
		map[string]int{"TARGET": 23, "ALTERNATIVE": 10, "ATTACKER": 10, "JUDGE": 25, "UNKNOWN": 4},
		map[string]int{"SUCCESS|STATED": 8, "FAILURE|STATED": 12, "UNDETERMINED|STATED": 3},
		map[string]int{"attacks": 23, "prompt_request_responses": 160, "scores": 41, "dataset_prompts": 5, "embeddings": 0},
		8,
	},
	{
		"pyrit/mixed-1.0.0.sqlite", "1.0.0",
		map[string]int{"TARGET": 25, "ALTERNATIVE": 8, "ATTACKER": 11, "JUDGE": 20, "UNKNOWN": 2},
		map[string]int{"SUCCESS|STATED": 8, "FAILURE|STATED": 12, "UNDETERMINED|STATED": 3, "ERROR|STATED": 2},
		map[string]int{"attacks": 25, "prompt_request_responses": 179, "scores": 36, "dataset_prompts": 5, "embeddings": 0},
		4,
	},
}

func TestImportGivesBackWhatTheFilesHold(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.version+" "+sample.file[:12], func(t *testing.T) {
			w := newWorkspace(t)
			path := testfiles.Path(t, sample.file)
			if !Detect(w.open(t, path).Tables()) {
				t.Error("not detected")
			}
			_, summary := w.load(t, path, Options{})
			if summary.ToolVersion != sample.version {
				t.Errorf("version %q, want %q", summary.ToolVersion, sample.version)
			}
			if len(summary.Notes) > 0 {
				t.Errorf("notes: %q", summary.Notes)
			}
			for _, table := range summary.Tables {
				if got := len(w.source(t, path, table.Table)); int64(got) != table.Read {
					t.Errorf("%s: read %d of %d rows", table.Table, table.Read, got)
				}
			}
			equalCounts(t, "purposes", w.counts(t, "SELECT purpose, count(*) FROM conversations GROUP BY purpose"), sample.purposes)
			equalCounts(t, "outcomes", w.counts(t, "SELECT outcome, outcome_source, count(*) FROM attacks GROUP BY ALL"), sample.outcomes)
			for table, want := range sample.rows {
				where := ""
				if table == "dataset_prompts" {
					where = " WHERE source = 'PYRIT'"
				}
				if got := w.counts(t, "SELECT count(*) FROM "+table+where)[""]; got != want {
					t.Errorf("%s: %d rows, want %d", table, got, want)
				}
			}
			for what, statement := range map[string]string{
				"attacks without their conversation": `SELECT count(*) FROM attacks WHERE conversation_no IS NULL`,
				"attacks without an execution":       `SELECT count(*) FROM attacks a WHERE NOT EXISTS (SELECT 1 FROM execution_plans e WHERE e.id = a.execution_id)`,
				"helpers without an attack": `SELECT count(*) FROM conversations
					WHERE purpose IN ('TARGET', 'ALTERNATIVE', 'ATTACKER') AND attack_no IS NULL`,
			} {
				if got := w.counts(t, statement)[""]; got != 0 {
					t.Errorf("%s: %d", what, got)
				}
			}
			if got := w.counts(t, `SELECT count(*) FROM scores WHERE conversation_no IS NULL`)[""]; got != sample.loose {
				t.Errorf("scores without a message: %d, want %d", got, sample.loose)
			}
		})
	}
}

func TestEveryMessageIsItsSource(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.version+" "+sample.file[:12], func(t *testing.T) {
			w := newWorkspace(t)
			path := testfiles.Path(t, sample.file)
			w.load(t, path, Options{})
			stored := map[string][]string{}
			for _, row := range w.rows(t, `
				SELECT m.source_id, c.source_id, m.sequence, lower(m.role), m.original_value,
				       COALESCE(m.converted_value, m.original_value), m.original_data_type, m.converted_data_type,
				       m.response_error, m.original_sha256, COALESCE(m.converted_sha256, m.original_sha256),
				       COALESCE(m.metadata, ''), strftime(m.created_at, '%Y-%m-%d %H:%M:%S.%f'),
				       COALESCE(o.source_id, m.source_id), len(m.converter_hashes),
				       COALESCE(m.input_tokens, -1), COALESCE(m.output_tokens, -1), COALESCE(m.finish_reason, ''),
				       COALESCE(m.attributes, '{}'), COALESCE(c.target_hash, '')
				FROM prompt_request_responses m
				JOIN conversations c ON c.conversation_no = m.conversation_no
				LEFT JOIN prompt_request_responses o ON o.conversation_no = m.original_conversation_no
				  AND o.sequence = m.original_sequence AND o.piece = m.original_piece`) {
				fields := make([]string, len(row))
				for i, v := range row {
					fields[i] = v.String
				}
				stored[fields[0]] = fields
			}
			source := w.source(t, path, tableMessages)
			if len(source) != len(stored) {
				t.Fatalf("%d messages stored, %d in the source", len(stored), len(source))
			}
			for _, s := range source {
				got := stored[s["id"]]
				if got == nil {
					t.Fatalf("message %s is not stored", s["id"])
				}
				var tokens struct {
					In1 *int64  `json:"token_usage_prompt_tokens"`
					In2 *int64  `json:"token_usage_input_tokens"`
					Out *int64  `json:"token_usage_completion_tokens"`
					Ou2 *int64  `json:"token_usage_output_tokens"`
					Fin *string `json:"finish_reason"`
				}
				if err := json.Unmarshal([]byte(s["prompt_metadata"]), &tokens); err != nil {
					t.Fatal(err)
				}
				sha := func(column, text string) string {
					if s[column] == "" {
						return storage.TextHash(text)
					}
					return s[column]
				}
				var converters []any
				_ = json.Unmarshal([]byte(s["converter_identifiers"]), &converters)
				for i, want := range []string{
					s["id"], s["conversation_id"], s["sequence"], s["role"], s["original_value"], s["converted_value"],
					s["original_value_data_type"], s["converted_value_data_type"], s["response_error"],
					sha("original_value_sha256", s["original_value"]), sha("converted_value_sha256", s["converted_value"]),
					s["prompt_metadata"], moment(t, s["timestamp"]), s["original_prompt_id"], number(int64(len(converters))),
					either(tokens.In1, tokens.In2), either(tokens.Out, tokens.Ou2), text(tokens.Fin),
				} {
					if got[i] != want {
						t.Errorf("message %s, field %d: %q, want %q", s["id"], i, got[i], want)
					}
				}
				checkAttributes(t, s["id"], got[18], map[string]string{
					"pyrit_version": s["pyrit_version"], "labels": s["labels"],
				})
				if got[19] == "" {
					t.Errorf("message %s: its conversation has no target", s["id"])
				}
			}
		})
	}
}

// checkAttributes compares members of an attributes object; an empty object or text
// need not be there.
func checkAttributes(t *testing.T, id, attributes string, want map[string]string) {
	t.Helper()
	var got map[string]json.RawMessage
	if err := json.Unmarshal([]byte(attributes), &got); err != nil {
		t.Fatalf("%s: attributes %q: %v", id, attributes, err)
	}
	for name, value := range want {
		if value == "" || value == "{}" || value == "null" {
			continue
		}
		have := string(got[name])
		var unquoted string
		if json.Unmarshal([]byte(have), &unquoted) == nil {
			have = unquoted
		}
		if have != value {
			t.Errorf("%s: attribute %s is %q, want %q", id, name, have, value)
		}
	}
}

func TestEveryScoreIsItsSource(t *testing.T) {
	for _, sample := range samples {
		t.Run(sample.version+" "+sample.file[:12], func(t *testing.T) {
			w := newWorkspace(t)
			path := testfiles.Path(t, sample.file)
			w.load(t, path, Options{})
			stored := map[string][]string{}
			for _, row := range w.rows(t, `
				SELECT s.source_id, COALESCE(m.source_id, ''), lower(s.type), COALESCE(s.raw_value, ''),
				       COALESCE(CAST(s.is_true AS TEXT), ''), array_to_string(s.categories, ','),
				       COALESCE(s.rationale, ''), COALESCE(s.description, ''), COALESCE(s.objective, ''),
				       COALESCE(s.metadata, ''), strftime(s.created_at, '%Y-%m-%d %H:%M:%S.%f'), k.class_name
				FROM scores s
				JOIN components k ON k.hash = s.scorer_hash
				LEFT JOIN prompt_request_responses m ON m.conversation_no = s.conversation_no
				  AND m.sequence = s.sequence AND m.piece = s.piece`) {
				fields := make([]string, len(row))
				for i, v := range row {
					fields[i] = v.String
				}
				stored[fields[0]] = fields
			}
			source := w.source(t, path, tableScores)
			if len(source) != len(stored) {
				t.Fatalf("%d scores stored, %d in the source", len(stored), len(source))
			}
			for _, s := range source {
				got := stored[s["id"]]
				if got == nil {
					t.Fatalf("score %s is not stored", s["id"])
				}
				objective := s["objective"]
				if objective == "" {
					objective = s["task"]
				}
				category := strings.Join(list(s["score_category"]), ",")
				verdict := strings.ToLower(s["score_value"])
				if s["score_type"] != "true_false" {
					verdict = ""
				}
				metadata := s["score_metadata"]
				if metadata != "" && metadata[0] != '{' {
					metadata = quote(metadata)
				}
				scorer := decode(s["scorer_class_identifier"])
				for i, want := range []string{
					s["id"], s["prompt_request_response_id"], s["score_type"], s["score_value"],
					verdict, category, s["score_rationale"], s["score_value_description"],
					objective, metadata, moment(t, s["timestamp"]), class(scorer),
				} {
					if got[i] != want {
						t.Errorf("score %s, field %d: %q, want %q", s["id"], i, got[i], want)
					}
				}
			}
		})
	}
}

func TestEveryAttackResultIsItsSource(t *testing.T) {
	for _, sample := range samples[1:] {
		t.Run(sample.version+" "+sample.file[:12], func(t *testing.T) {
			w := newWorkspace(t)
			path := testfiles.Path(t, sample.file)
			w.load(t, path, Options{})
			stored := map[string][]string{}
			for _, row := range w.rows(t, `
				SELECT a.source_id, c.source_id, a.objective, a.objective_sha256, lower(a.outcome),
				       COALESCE(a.outcome_reason, ''), COALESCE(s.source_id, ''), a.turns, a.duration_ms, a.retries,
				       COALESCE(a.error_type, ''), COALESCE(a.error_message, ''),
				       strftime(a.finished_at, '%Y-%m-%d %H:%M:%S.%f'), array_to_string(a.harm_categories, ','),
				       a.attributes
				FROM attacks a
				JOIN conversations c ON c.conversation_no = a.conversation_no
				LEFT JOIN scores s ON s.score_no = a.objective_score_no AND s.is_objective`) {
				fields := make([]string, len(row))
				for i, v := range row {
					fields[i] = v.String
				}
				stored[fields[0]] = fields
			}
			for _, s := range w.source(t, path, tableAttacks) {
				got := stored[s["id"]]
				if got == nil {
					t.Fatalf("attack %s is not stored", s["id"])
				}
				conversation := orElse(s["conversation_id"], s["id"]) // a tree without a branch left
				harm := strings.Join(list(s["targeted_harm_categories"]), ",")
				if harm == "" { // then they are the seed's
					harm = got[13]
				}
				for i, want := range []string{
					s["id"], conversation, s["objective"], s["objective_sha256"], s["outcome"],
					s["outcome_reason"], s["last_score_id"], s["executed_turns"], s["execution_time_ms"],
					s["total_retries"], s["error_type"], s["error_message"], moment(t, s["timestamp"]), harm,
				} {
					if got[i] != want {
						t.Errorf("attack %s, field %d: %q, want %q", s["id"], i, got[i], want)
					}
				}
				checkAttributes(t, s["id"], got[14], map[string]string{
					"pyrit_version": s["pyrit_version"], "last_response_id": s["last_response_id"],
					"error_traceback": s["error_traceback"], "retry_events_json": s["retry_events_json"],
					"attack_metadata": s["attack_metadata"],
				})
			}
		})
	}
}

func either(values ...*int64) string {
	for _, v := range values {
		if v != nil {
			return number(*v)
		}
	}
	return "-1"
}

func number(n int64) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// moment writes a source's time with all six digits.
func moment(t *testing.T, source string) string {
	t.Helper()
	made, err := time.Parse("2006-01-02 15:04:05", source)
	if err != nil {
		t.Fatal(err)
	}
	return made.Format("2006-01-02 15:04:05.000000")
}
