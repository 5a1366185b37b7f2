package garak_test

import (
	"fmt"
	"testing"
)

func pluginCache(primary string, tags ...any) fields {
	return fields{"entry_type": "plugin_cache", "run": runID, "plugin_cache": fields{
		"probes": fields{"probes.p.P": fields{"primary_detector": primary, "tags": tags}},
	}}
}

func TestPrimaryDetectorDecidesWhereItRan(t *testing.T) {
	c := turns("user", "hi", "assistant", "one")
	judged := func(uuid string, results fields) fields {
		return attempt(uuid, turns("user", "hi"), []any{c}, fields{"detector_results": results})
	}
	entries := append(begin(nil),
		judged("u1", fields{"d.Main": []any{0}, "d.Other": []any{1}}),
		judged("u2", fields{"d.Main": []any{0.5}, "d.Other": []any{0}}),
		judged("u3", fields{"d.Other": []any{1}}),
		judged("u4", fields{"d.Other": []any{0}, "d.Third": []any{nil}}),
		judged("u5", fields{"d.Main": []any{nil}, "d.Other": []any{1}}),
		judged("u6", fields{"d.Other": []any{nil}}),
		judged("u7", fields{}),
		// The line that says which is the primary one may come last.
		pluginCache("d.Main", "owasp:llm01", "x"), end())
	w := newWorkspace(t)
	w.mustTake(t, report(t, entries...), "")
	equal(t, "outcomes", w.rows(t, `
		SELECT a.source_id, a.outcome, a.outcome_source, a.outcome_reason, s.source_id, array_to_string(a.tags, ',')
		FROM attacks AS a LEFT JOIN scores AS s ON s.score_no = a.objective_score_no ORDER BY a.source_id`),
		"u1/0|FAILURE|OBJECTIVE_SCORE|primary detector d.Main|u1/d.Main/0|owasp:llm01,x",
		"u2/0|SUCCESS|OBJECTIVE_SCORE|primary detector d.Main|u2/d.Main/0|owasp:llm01,x",
		"u3/0|SUCCESS|RULE|detector d.Other|NULL|owasp:llm01,x",
		"u4/0|FAILURE|RULE|no detector was hit|NULL|owasp:llm01,x",
		"u5/0|UNDETERMINED|OBJECTIVE_SCORE|no detector came to a verdict|u5/d.Main/0|owasp:llm01,x",
		"u6/0|UNDETERMINED|RULE|no detector came to a verdict|NULL|owasp:llm01,x",
		"u7/0|UNDETERMINED|RULE|no detector has judged it|NULL|owasp:llm01,x")
}

func TestThresholdIsToldByTheEvalLines(t *testing.T) {
	scores := []any{0.1, 0.4, 0.6, 0.8}
	for _, c := range []struct {
		passed    any
		stated    any
		threshold string
		successes string
	}{
		{2, nil, "0.5|default, as the eval lines confirm", "2"},
		{3, nil, "0.8|eval lines", "1"},
		{1, nil, "0.4|eval lines", "3"},
		{4, nil, "1.0|eval lines", "0"},
		{0, nil, "0.1|eval lines", "4"},
		{3, 0.5, "0.5|run.eval_threshold", "2"},
		{nil, nil, "0.5|default", "2"},
	} {
		t.Run(fmt.Sprint(c.passed, c.stated), func(t *testing.T) {
			settings := fields{}
			if c.stated != nil {
				settings["run.eval_threshold"] = c.stated
			}
			thread := turns("user", "hi", "assistant", "one")
			entries := append(begin(settings), attempt("u", turns("user", "hi"), []any{thread, thread, thread, thread}, fields{"detector_results": fields{"d.D": scores}}))
			if c.passed != nil {
				entries = append(entries, fields{"entry_type": "eval", "probe": "p.P", "detector": "d.D", "passed": c.passed, "nones": 0, "total_evaluated": 4})
			}
			w := newWorkspace(t)
			w.mustTake(t, report(t, entries...), "")
			equal(t, "threshold", w.rows(t, `SELECT attributes->>'evalThreshold', attributes->>'evalThresholdFrom' FROM execution_plans`), c.threshold)
			equal(t, "successes", w.rows(t, `SELECT count(*) FROM attacks WHERE outcome = 'SUCCESS'`), c.successes)
			equal(t, "hits", w.rows(t, `SELECT count(*) FROM scores WHERE is_true`), c.successes)
		})
	}
}

// An earlier line of an attempt may have more in it, or stand after the later one.
func TestHighestStatusWinsWhereverItStands(t *testing.T) {
	long := turns("user", "hi", "assistant", "one", "user", "more", "assistant", "two")
	short := turns("user", "hi", "assistant", "one")
	early := attempt("u", turns("user", "hi"), []any{long, long}, fields{"status": 1})
	late := attempt("u", turns("user", "hi"), []any{short}, fields{"detector_results": fields{"d.D": []any{1}}})
	for name, entries := range map[string][]any{"in order": {early, late}, "turned round": {late, early}} {
		t.Run(name, func(t *testing.T) {
			w := newWorkspace(t)
			w.mustTake(t, report(t, append(append(begin(nil), entries...), end())...), "")
			equal(t, "messages", w.rows(t, plainMessages), "u/0/0|USER|hi", "u/0/1|ASSISTANT|one")
			equal(t, "outcomes", w.rows(t, allOutcomes), "u/0|SUCCESS|RULE|1")
		})
	}
}

// Every attempt of an iterative probe repeats what was said before it.
func TestIterativeProbeStoresTheHistoryOnce(t *testing.T) {
	next := func(uuid string, said ...any) fields {
		prompt := turns(said[:len(said)-2]...)
		return attempt(uuid, prompt, []any{turns(said...)}, fields{"detector_results": fields{"any.AnyOutput": ones(len(said) / 4)}})
	}
	first := attempt("a", turns("user", "q1"), []any{turns("user", "q1", "assistant", "r1"), turns("user", "q1", "assistant", "R1")}, fields{"detector_results": fields{"any.AnyOutput": []any{1, 1}}})
	entries := append(begin(nil),
		first,
		next("b", "user", "q1", "assistant", "r1", "user", "q2", "assistant", "r2"),
		next("c", "user", "q1", "assistant", "R1", "user", "Q2", "assistant", "R2"),
		next("d", "user", "q1", "assistant", "r1", "user", "q2", "assistant", "r2", "user", "q3", "assistant", "r3"),
		next("e", "user", "q1", "assistant", "r1", "user", "q2'", "assistant", "r2'"),
		next("f", "user", "script", "assistant", "ed", "user", "q", "assistant", "r"),
		// A prompt that ends in a reply and got no answer is not its own branch.
		attempt("g", turns("user", "q", "assistant", "prefill"), []any{turns("user", "q", "assistant", "prefill")}, nil),
		end())
	w := newWorkspace(t)
	w.mustTake(t, report(t, entries...), "")
	equal(t, "messages", w.rows(t, plainMessages),
		"a/0/0|USER|q1", "a/0/1|ASSISTANT|r1", "a/1/0|USER|q1", "a/1/1|ASSISTANT|R1",
		"b/0/2|USER|q2", "b/0/3|ASSISTANT|r2", "c/0/2|USER|Q2", "c/0/3|ASSISTANT|R2",
		"d/0/4|USER|q3", "d/0/5|ASSISTANT|r3", "e/0/2|USER|q2'", "e/0/3|ASSISTANT|r2'",
		"f/0/0|USER|script", "f/0/1|ASSISTANT|ed", "f/0/2|USER|q", "f/0/3|ASSISTANT|r",
		"g/0/0|USER|q", "g/0/1|ASSISTANT|prefill")
	equal(t, "branches", w.rows(t, `
		SELECT c.source_id, p.source_id, c.branched_from_sequence FROM conversations AS c
		JOIN conversations AS p ON p.conversation_no = c.branched_from_no ORDER BY c.source_id`),
		"b/0|a/0|2", "c/0|a/1|2", "d/0|b/0|4", "e/0|a/0|2")
	equal(t, "leaves and turns", w.rows(t, `SELECT source_id, attributes->>'leaf', turns FROM attacks ORDER BY source_id`),
		"a/0|false|1", "a/1|false|1", "b/0|false|2", "c/0|true|2", "d/0|true|3", "e/0|true|2", "f/0|true|2", "g/0|true|1")
	equal(t, "scores of repeated turns", w.rows(t, `
		SELECT s.source_id, m.source_id FROM scores AS s
		LEFT JOIN prompt_request_responses AS m ON m.conversation_no = s.conversation_no AND m.sequence = s.sequence
		WHERE s.source_id LIKE 'd/%' ORDER BY s.source_id`),
		"d/any.AnyOutput/0|a/0/1", "d/any.AnyOutput/1|b/0/3", "d/any.AnyOutput/2|d/0/5")
}

func ones(n int) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = 1
	}
	return out
}

func TestLeavesOfAProbeThatNamesThePreviousAttempt(t *testing.T) {
	c := turns("user", "hi", "assistant", "one")
	entries := append(begin(nil),
		attempt("a", turns("user", "hi"), []any{c}, nil),
		attempt("b", turns("user", "hi"), []any{c}, fields{"notes": fields{"previous_attempt_id": "a"}}))
	w := newWorkspace(t)
	w.mustTake(t, report(t, entries...), "")
	equal(t, "leaves", w.rows(t, `SELECT source_id, attributes->>'leaf' FROM attacks ORDER BY source_id`), "a/0|false", "b/0|true")
}

func TestTranslationAndBuffsAreConverters(t *testing.T) {
	in := func(language, text string) fields {
		return fields{"turns": []any{fields{"role": "user", "content": fields{"text": text, "lang": language}}}}
	}
	thread := func(language, text string) []any {
		asked := in(language, text)["turns"].([]any)
		return []any{fields{"turns": append(append([]any{}, asked...), fields{"role": "assistant", "content": fields{"text": "oui", "lang": language}})}}
	}
	entries := append(begin(fields{"run.langproviders": []any{fields{"language": "en,fr", "model_type": "local.Translator"}}}),
		attempt("a", in("fr", "bonjour"), thread("fr", "bonjour"), fields{
			"notes": fields{"pre_translation_prompt": in("en", "hello")}, "reverse_translation_outputs": []any{fields{"text": "yes", "lang": "en"}},
		}),
		attempt("b", in("fr", "Ym9uam91cg=="), thread("fr", "Ym9uam91cg=="), fields{
			"notes": fields{"pre_translation_prompt": in("en", "hello"), "buff_creator": "Base64", "buff_source_attempt_uuid": "a"},
		}),
		attempt("c", in("en", "Same"), thread("en", "Same"), fields{"notes": fields{"pre_translation_prompt": in("*", "Same")}}),
		attempt("d", in("en", "Plain Text"), thread("en", "Plain Text"), nil),
		attempt("e", in("en", "plain text"), thread("en", "plain text"), fields{"notes": fields{"buff_creator": "Lowercase", "buff_source_attempt_uuid": "d"}}),
		attempt("f", in("ET", "tere"), thread("ET", "tere"), fields{"notes": fields{"buff_creator": "LRLBuff", "LRL_buff_dest_lang": "ET", "original_prompt": "hello"}}),
		attempt("g", in("en", "lost"), thread("en", "lost"), fields{"notes": fields{"buff_creator": "Lowercase", "buff_source_attempt_uuid": "nowhere"}}),
	)
	w := newWorkspace(t)
	w.mustTake(t, report(t, entries...), "")
	equal(t, "chains", w.rows(t, `SELECT source_id, converter_chain, len(converter_hashes) FROM attacks ORDER BY source_id`),
		"a/0|local.Translator|1", "b/0|local.Translator > Base64|2", "c/0||0", "d/0||0", "e/0|Lowercase|1", "f/0|LRLBuff|1", "g/0|Lowercase|1")
	equal(t, "prompts", w.rows(t, `
		SELECT source_id, original_value, coalesce(converted_value, original_value), len(converter_hashes), original_sha256 = sha256(original_value), coalesce(converted_sha256, original_sha256) = sha256(coalesce(converted_value, original_value))
		FROM prompt_request_responses WHERE role = 'USER' ORDER BY source_id`),
		"a/0/0|hello|bonjour|1|true|true", "b/0/0|hello|Ym9uam91cg==|2|true|true", "c/0/0|Same|Same|0|true|true", "d/0/0|Plain Text|Plain Text|0|true|true",
		"e/0/0|Plain Text|plain text|1|true|true", "f/0/0|hello|tere|1|true|true", "g/0/0|lost|lost|1|true|true")
	equal(t, "back-translation", w.rows(t, `SELECT attributes->>'$.reverse_translation.text' FROM prompt_request_responses WHERE source_id = 'a/0/1'`), "yes")
	equal(t, "notes", w.rows(t, `SELECT attributes->>'$.notes.buff_source_attempt_uuid' FROM attacks WHERE source_id = 'e/0'`), "d")
}

func TestCredentialsOfTheSettingsAreNowhere(t *testing.T) {
	const key = "sk-live-4f9a8b7c6d5e4f3a2b1c"
	said := "the key is " + key
	entries := append(begin(fields{"plugins.generators": fields{"openai": fields{"api_key": key, "temperature": 0.5}}, "run.seed": 7}),
		attempt("u", turns("user", said), []any{turns("user", said, "assistant", said)}, fields{"goal": said, "notes": fields{"x": said}, "detector_results": fields{"d.D": []any{1}}}),
		fields{"entry_type": "something new", "text": said}, end())
	hits := report(t, fields{"attempt_id": "other", "attempt_idx": 0, "detector": "d.D", "run_id": runID, "prompt": said, "triggers": []any{said}}) +
		report(t, fields{"attempt_id": "u", "attempt_idx": 0, "detector": "d.D", "run_id": runID, "prompt": said, "triggers": []any{said}})
	w := newWorkspace(t)
	w.mustTake(t, report(t, entries...), hits)
	for _, table := range w.rows(t, `SELECT table_name FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()`) {
		equal(t, table, w.rows(t, `SELECT count(*) FROM `+table+` AS x WHERE CAST(x AS TEXT) LIKE '%4f9a8b7c6d5e4f3a2b1c%'`), "0")
	}
	equal(t, "settings", w.rows(t, `SELECT configuration->>'$."run.seed"' FROM execution_plans`), "7")
	equal(t, "unknown lines", w.rows(t, `SELECT record FROM attributes_raw ORDER BY record`), "garak.hitlog", "garak.something new")
	equal(t, "options", w.rows(t, `SELECT parameters->>'$.openai.temperature' FROM components WHERE kind = 'TARGET'`), "0.5")
}
