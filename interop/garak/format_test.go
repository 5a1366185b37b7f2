package garak_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/interop/garak"
)

const (
	allMessages = `
		SELECT m.source_id, m.role, m.original_value, coalesce(m.converted_value, m.original_value), array_to_string(list_transform(m.converter_hashes, h -> (SELECT class_name FROM components WHERE hash = h)), ' > ')
		FROM prompt_request_responses AS m ORDER BY m.source_id`
	plainMessages = `SELECT source_id, role, original_value FROM prompt_request_responses ORDER BY source_id`
	allOutcomes   = `SELECT source_id, outcome, outcome_source, turns FROM attacks ORDER BY source_id`
	allScores     = `
		SELECT k.class_name, s.raw_value, s.is_true, s.is_objective, coalesce(m.source_id, 'loose')
		FROM scores AS s JOIN components AS k ON k.hash = s.scorer_hash
		LEFT JOIN prompt_request_responses AS m ON m.conversation_no = s.conversation_no AND m.sequence = s.sequence AND m.piece = s.piece
		ORDER BY s.source_id`
)

// Garak 0.9: no entry_type, no run id, prompt and outputs as texts.
func TestReportOfVersion09(t *testing.T) {
	w := newWorkspace(t)
	content := report(t,
		"Namespace(verbose=0, model_type='test', api_key='sk-live-0123456789abcdef')",
		fields{"garak_version": "0.9", "start_time": "2023-06-01T10:00:00"},
		fields{"uuid": "u1", "status": 1, "probe_classname": "Dan", "probe_params": fields{}, "targets": nil, "prompt": "hello", "outputs": []any{"one", nil}, "notes": fields{}, "detector_results": fields{}},
		fields{"uuid": "u1", "status": 2, "probe_classname": "Dan", "probe_params": fields{}, "targets": nil, "prompt": "hello", "outputs": []any{"one", nil}, "notes": fields{}, "detector_results": fields{"dan.DAN": []any{1, nil}}},
		fields{"uuid": "u2", "status": 1, "probe_classname": "Dan", "prompt": "bye", "outputs": nil, "notes": fields{}, "detector_results": fields{}},
	)
	w.mustTake(t, content, "")
	equal(t, "messages", w.rows(t, plainMessages), "u1/0/0|USER|hello", "u1/0/1|ASSISTANT|one", "u1/1/0|USER|hello", "u2/0/0|USER|bye")
	equal(t, "outcomes", w.rows(t, allOutcomes), "u1/0|SUCCESS|RULE|1", "u1/1|UNDETERMINED|RULE|0", "u2/0|UNDETERMINED|RULE|0")
	equal(t, "a reply that is null is scored on what got none", w.rows(t, allScores), "dan.DAN|1|true|false|u1/0/1", "dan.DAN|NULL|NULL|false|u1/1/0")
	equal(t, "credential in the command line", w.rows(t, `SELECT count(*) FROM attributes_raw WHERE body LIKE '%0123456789abcdef%'`), "0")
	equal(t, "the command line", w.rows(t, `SELECT record FROM attributes_raw`), "garak.text")
}

// Garak 0.9.0.16 to 0.12: messages, a list of threads.
func TestReportWithMessages(t *testing.T) {
	w := newWorkspace(t)
	said := func(texts ...any) []any {
		out := []any{}
		for i, text := range texts {
			out = append(out, fields{"role": []string{"user", "assistant"}[i%2], "content": text})
		}
		return out
	}
	setup := begin(nil)
	delete(setup[0].(fields), "plugins.target_type")
	delete(setup[0].(fields), "plugins.target_name")
	setup[0].(fields)["plugins.model_type"] = "huggingface"
	setup[0].(fields)["plugins.model_name"] = "gpt2"
	old := func(uuid string, messages []any, more fields) fields {
		entry := fields{"entry_type": "attempt", "uuid": uuid, "seq": 0, "status": 2, "probe_classname": "atkgen.Tox", "prompt": "a", "outputs": []any{}, "detector_results": fields{}, "notes": fields{}, "goal": "g", "messages": messages, "lang": "en"}
		for k, v := range more {
			entry[k] = v
		}
		return entry
	}
	content := report(t, append(setup,
		old("u1", []any{said("a", "b", "c", "d"), said("a", "B", "c", "D")}, fields{"detector_results": fields{"x.Last": []any{0, 1}, "x.All": []any{0, 0.5, 0, 0}, "x.Odd": []any{1, 1, 1}}}),
		old("u2", said("only"), nil),
		fields{"entry_type": "eval", "probe": "atkgen.Tox", "detector": "detector.x.Last", "passed": 1, "total": 2},
	)...)
	summary, _ := w.mustTake(t, content, "")
	equal(t, "messages", w.rows(t, plainMessages),
		"u1/0/0|USER|a", "u1/0/1|ASSISTANT|b", "u1/0/2|USER|c", "u1/0/3|ASSISTANT|d",
		"u1/1/0|USER|a", "u1/1/1|ASSISTANT|B", "u1/1/2|USER|c", "u1/1/3|ASSISTANT|D", "u2/0/0|USER|only")
	equal(t, "scores lie on the last reply, or on each", w.rows(t, allScores),
		"x.All|0|false|false|u1/0/1", "x.All|0.5|true|false|u1/0/3", "x.All|0|false|false|u1/1/1", "x.All|0|false|false|u1/1/3",
		"x.Last|0|false|false|u1/0/3", "x.Last|1|true|false|u1/1/3")
	equal(t, "outcomes", w.rows(t, allOutcomes), "u1/0|SUCCESS|RULE|2", "u1/1|SUCCESS|RULE|2", "u2/0|UNDETERMINED|RULE|0")
	equal(t, "scores that fit nothing", w.rows(t, `SELECT source_id, attributes->>'$.unmapped_scores' FROM attacks ORDER BY source_id`), `u1/0|{"x.Odd":[1,1,1]}`, "u1/1|NULL", "u2/0|NULL")
	if len(summary.Notes) == 0 || !strings.Contains(summary.Notes[0], "neither one score for each output") {
		t.Errorf("notes: %q", summary.Notes)
	}
	equal(t, "target", w.rows(t, `SELECT name, model FROM components WHERE kind = 'TARGET'`), "huggingface gpt2|gpt2")
}

func TestMediaAreMessagesOfTheirType(t *testing.T) {
	w := newWorkspace(t)
	seen := fields{"text": "look", "lang": "en", "data_path": "pics/a.png", "data_type": []any{"image/png", nil}, "data_checksum": "abc", "notes": fields{"x": 1}}
	c := fields{"turns": []any{
		fields{"role": "system", "content": fields{"text": "be nice"}},
		fields{"role": "user", "content": seen},
		fields{"role": "assistant", "content": fields{"text": nil, "data_path": "out/b.wav", "data_type": nil}},
	}}
	w.mustTake(t, report(t, append(begin(nil), attempt("u", c, []any{c}, nil), end())...), "")
	equal(t, "pieces", w.rows(t, `SELECT source_id, sequence, piece, role, original_value, converted_data_type, attributes FROM prompt_request_responses ORDER BY ALL`),
		"u/0/0|0|0|SYSTEM|be nice|text|NULL",
		`u/0/1|1|0|USER|look|text|{"data_checksum":"abc","data_type":["image/png",null],"lang":"en","notes":{"x":1}}`,
		"u/0/1.1|1|1|USER|pics/a.png|image_path|NULL",
		"u/0/2|2|0|ASSISTANT|out/b.wav|audio_path|NULL")
}

func TestBytesThatPythonOrACrashLeaves(t *testing.T) {
	content := report(t, append(begin(nil),
		attempt("u", turns("user", "hi"), []any{turns("user", "hi", "assistant", "one"), turns("user", "hi", "assistant", "two \x01NaN\" end")}, fields{"detector_results": fields{"d.D": []any{"@NaN@", 1}}}),
		end())...)
	content = strings.Replace(content, `"@NaN@"`, "NaN", 1)
	content = strings.Replace(content, "one", "o\xffe\\u0000", 2)
	content = "\xef\xbb\xbf" + strings.ReplaceAll(content, "\n", "\r\n") + "\x00\x00\x00\x00"
	content = strings.Replace(content, "\r\n{\"conv", "\r\n\x00\x00\r\n\r\n{\"conv", 1)

	w := newWorkspace(t)
	summary, _ := w.mustTake(t, content, "")
	equal(t, "messages", w.rows(t, plainMessages), "u/0/0|USER|hi", "u/0/1|ASSISTANT|o\uFFFDe\u2400", "u/1/0|USER|hi", "u/1/1|ASSISTANT|two \x01NaN\" end")
	equal(t, "outcomes", w.rows(t, allOutcomes), "u/0|UNDETERMINED|RULE|1", "u/1|SUCCESS|RULE|1")
	if got := strings.Join(summary.Notes, "\n"); !strings.Contains(got, "NaN") || !strings.Contains(got, "UTF-8") || summary.Partial {
		t.Errorf("notes: %s; partial %v", got, summary.Partial)
	}
}

func TestTwoValuesOnOneLine(t *testing.T) {
	c := turns("user", "hi", "assistant", "one")
	content := report(t, append(begin(nil), attempt("u", turns("user", "hi"), []any{c}, nil), end())...)
	content = strings.TrimSuffix(content, "\n") + `{"entry_type": "digest", "meta": {}}` + "\n"
	w := newWorkspace(t)
	w.mustTake(t, content, "")
	equal(t, "records", w.rows(t, `SELECT record, body FROM attributes_raw`), `garak.digest|{"entry_type": "digest", "meta": {}}`)
}

func TestBadLineInTheMiddleStoresNothing(t *testing.T) {
	c := turns("user", "hi", "assistant", "one")
	good := report(t, append(begin(nil), attempt("u", turns("user", "hi"), []any{c}, nil))...)
	last := report(t, end())
	for name, content := range map[string]string{
		"cut off":            good + `{"entry_type": "attempt", "uuid": "v` + "\n" + last,
		"not JSON":           good + "Traceback (most recent call last):\n" + last,
		"no uuid":            good + `{"entry_type": "attempt", "status": 2}` + "\n" + last,
		"a wrong status":     good + `{"entry_type": "attempt", "uuid": "v", "status": "done"}` + "\n" + last,
		"too many values":    good + "[0" + strings.Repeat(",0", 2_000_001) + "]\n" + last,
		"too many documents": good + strings.Repeat("0 ", 1001) + "\n" + last,
		"not JSON, last":     good + "Traceback (most recent call last):\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			_, _, err := w.take(t, strings.NewReader(content), nil, garak.Options{})
			if err == nil || !strings.Contains(err.Error(), "line 4") {
				t.Fatalf("got %v", err)
			}
			equal(t, "attacks", w.rows(t, `SELECT count(*) FROM attacks`), "0")
		})
	}
}

func TestReportWithoutItsBeginningIsRefused(t *testing.T) {
	c := turns("user", "hi", "assistant", "one")
	for _, content := range []string{
		report(t, attempt("u", turns("user", "hi"), []any{c}, nil)),
		report(t, end()),
		`{"entry_type": "init", "run`,
		"",
	} {
		if _, _, err := newWorkspace(t).take(t, strings.NewReader(content), nil, garak.Options{}); err == nil {
			t.Errorf("%.40q was imported", content)
		}
	}
}

// endless gives a line of so many bytes without holding it.
type endless struct{ left, given int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = 'x'
	}
	e.left -= n
	e.given += n
	return n, nil
}

func TestLineOf200MegabytesIsRefusedInBoundedMemory(t *testing.T) {
	w := newWorkspace(t)
	long := &endless{left: 200 << 20}
	content := io.MultiReader(strings.NewReader(report(t, begin(nil)...)+`{"entry_type": "attempt", "uuid": "`), long, strings.NewReader("\"}\n"))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	_, _, err := w.take(t, content, nil, garak.Options{})
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "line 3 is longer than 67108864 bytes") {
		t.Fatalf("got %v", err)
	}
	if long.given > 65<<20 {
		t.Errorf("%d bytes of the line were read", long.given)
	}
	if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 256<<20 {
		t.Errorf("the heap has grown by %d MB", grown>>20)
	}
	equal(t, "attacks", w.rows(t, `SELECT count(*) FROM attacks`), "0")
}

func TestAttemptThatWouldSpreadTooFarIsRefused(t *testing.T) {
	outputs := strings.TrimSuffix(strings.Repeat("null,", 400_000), ",")
	content := report(t, begin(nil)...) + `{"entry_type": "attempt", "uuid": "u", "status": 1, "prompt": "` + strings.Repeat("x", 4000) + `", "outputs": [` + outputs + "]}\n"
	_, _, err := newWorkspace(t).take(t, strings.NewReader(content), nil, garak.Options{})
	if err == nil || !strings.Contains(err.Error(), "1 GiB") {
		t.Errorf("got %v", err)
	}
}

var errDisk = errors.New("disk gone")

type failing struct{ io.Reader }

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = errDisk
	}
	return n, err
}

func TestReadErrorIsNotAnEnd(t *testing.T) {
	content := report(t, begin(nil)...)
	_, _, err := newWorkspace(t).take(t, failing{strings.NewReader(content)}, nil, garak.Options{})
	if !errors.Is(err, errDisk) {
		t.Errorf("got %v", err)
	}
}

func TestTwoRunsInOneFile(t *testing.T) {
	c := turns("user", "hi", "assistant", "one")
	second := begin(fields{"plugins.target_name": "other", "run.eval_threshold": 1})
	second[0].(fields)["transient.run_id"] = "r2"
	second[1].(fields)["run"] = "r2"
	scored := fields{"detector_results": fields{"d.D": []any{0.7}}}
	entries := append(begin(nil), attempt("u1", turns("user", "hi"), []any{c}, scored))
	entries = append(entries, second...)
	entries = append(entries, attempt("u2", turns("user", "hi"), []any{c}, scored), fields{"entry_type": "completion", "end_time": "2026-01-02T04:00:00"})
	w := newWorkspace(t)
	summary, _ := w.mustTake(t, report(t, entries...), "")
	equal(t, "runs", w.rows(t, `
		SELECT e.source_id, e.status, e.attributes->>'evalThreshold', e.attributes->>'evalThresholdFrom', a.source_id, a.outcome, k.model
		FROM execution_plans AS e JOIN attacks AS a ON a.execution_id = e.id JOIN components AS k ON k.hash = a.target_hash ORDER BY a.source_id`),
		runID+"|FAILED|0.5|default|u1/0|SUCCESS|echo", "r2|SUCCEEDED|1.0|run.eval_threshold|u2/0|FAILURE|other")
	if !summary.Partial {
		t.Error("the first run has no completion")
	}
}

func FuzzReport(f *testing.F) {
	w := newWorkspace(f)
	c := turns("user", "hi", "assistant", "one")
	f.Add([]byte(report(f, append(begin(nil), attempt("u", turns("user", "hi"), []any{c, c}, fields{"detector_results": fields{"d.D": []any{0, 1}}}), end())...)), []byte(`{"attempt_id": "u", "attempt_idx": 0, "detector": "d.D", "run_id": "x", "triggers": ["a"]}`))
	start := report(f, begin(nil)...)
	for i, line := range []string{
		`{"entry_type": "attempt", "uuid": "u", "prompt": {"turns": [1, null, {"role": 3}]}, "outputs": {"text": null}, "conversations": [null, {"turns": {}}, []], "notes": [], "detector_results": [1]}`,
		`{"entry_type": "attempt", "uuid": "u", "messages": [[{"role": "user"}], 7], "detector_results": {"": {}, "d": [true, "0.5", {}]}, "notes": {"pre_translation_prompt": 5, "buff_creator": ["a", 1], "buff_source_attempt_uuid": "u"}}`,
		`{"entry_type": "plugin_cache", "plugin_cache": {"probes": {"p": 1, "q": {"tags": 4}}, "harnesses": []}}`,
		`{"entry_type": "eval", "probe": [], "detector": null, "passed": -1, "total": 99999999999}`,
		`NaN {"a": Infinity} "b" [1`,
	} {
		f.Add([]byte(fmt.Sprint(start, line, "\n", line)), []byte(strings.Repeat("[", i)))
	}
	f.Fuzz(func(t *testing.T, content, hits []byte) {
		_, _, _ = w.take(t, strings.NewReader(string(content)), strings.NewReader(string(hits)), garak.Options{MaxLine: 1 << 20})
		garak.Detect(content)
	})
}
