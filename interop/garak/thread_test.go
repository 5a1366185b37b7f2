package garak

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/violentutf/violentutf/storage"
)

// FuzzAttempt reads lines as attempts, without a store.
func FuzzAttempt(f *testing.F) {
	for _, seed := range []string{
		`{"uuid": "u", "status": 2, "prompt": {"turns": [{"role": "user", "content": {"text": "a", "lang": "en"}}]}, "conversations": [{"turns": [{"role": "user", "content": {"text": "a"}}, {"role": "assistant", "content": null}]}], "outputs": [null], "reverse_translation_outputs": [{"text": "b"}], "notes": {"pre_translation_prompt": {"turns": [{"role": "user", "content": {"text": "c", "lang": "fr"}}]}, "buff_creator": "B"}, "intent": ["x", "y"]}`,
		`{"uuid": "u", "prompt": "a", "outputs": ["b", null, {"data_path": "x.png"}], "notes": {"pre_translation_prompt": "c", "original_prompt": "d", "buff_creator": ["A", "B"]}}`,
		`{"uuid": "u", "prompt": null, "messages": [[{"role": "assistant", "content": "b"}], []], "notes": 3}`,
		`{"uuid": "u", "prompt": [NaN, {"role": "system", "content": 3}], "messages": [{"role": "user", "content": {"image": 1}}]} {"x": 1`,
	} {
		f.Add([]byte(seed))
	}
	im := &importer{run: &run{translators: []translator{{languages: "fr,en", class: "T"}}}}
	f.Fuzz(func(t *testing.T, line []byte) {
		Detect(line)
		all, err := splitValues(line)
		if err != nil {
			return
		}
		for _, raw := range all.list {
			entry, ok := object(raw)
			if !ok {
				continue
			}
			typeOf(entry)
			compareMembers(t, raw, entry)
			a, err := im.readAttempt(entry)
			if err != nil {
				continue
			}
			if len(a.threads) == 0 {
				t.Error("an attempt without a generation")
			}
			var outputs []place
			for i := range a.threads {
				thread := &a.threads[i]
				if last := thread.lastReply(); last >= 0 {
					outputs = append(outputs, place{i, last})
				}
				if thread.history() > thread.prompt || thread.prompt > len(thread.turns) {
					t.Errorf("history %d, prompt %d of %d turns", thread.history(), thread.prompt, len(thread.turns))
				}
				thread.fingerprint(len(thread.turns))
				for n := range thread.turns {
					a.unconvert(&storage.Message{Role: thread.turns[n].role}, i, n)
					a.buffSource(i, n)
				}
			}
			a.backTranslated(entry["reverse_translation_outputs"], outputs, attributesOf(entry))
			for _, at := range outputs {
				if err := a.lay(&storage.StagedScore{}, at); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

// compareMembers checks the splitting against encoding/json, all the way down.
func compareMembers(t *testing.T, raw json.RawMessage, got members) {
	t.Helper()
	var want map[string]json.RawMessage
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(got) {
		t.Fatalf("%q: %d members, not %d", raw, len(got), len(want))
	}
	for name, value := range want {
		compare(t, got[name], value)
	}
}

func compare(t *testing.T, got, want json.RawMessage) {
	t.Helper()
	if !bytes.Equal(bytes.TrimSpace(got), bytes.TrimSpace(want)) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if m, ok := object(got); ok {
		compareMembers(t, want, m)
	}
	if elements, ok := list(got); ok {
		var all []json.RawMessage
		if err := json.Unmarshal(want, &all); err != nil {
			t.Fatal(err)
		}
		if len(all) != len(elements) {
			t.Fatalf("%q: %d elements, not %d", want, len(elements), len(all))
		}
		for i := range all {
			compare(t, elements[i], all[i])
		}
	}
	var s string
	if json.Unmarshal(want, &s) == nil && text(got) != s {
		t.Fatalf("got text %q, want %q", text(got), s)
	}
}
