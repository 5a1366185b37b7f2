package garak

import (
	"encoding/json"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// applied is a converter that an attempt's prompt went through.
type applied struct {
	class      string
	identifier map[string]any
	hash       string
}

// translator is an entry of run.langproviders: a pair of languages and a class.
type translator struct{ languages, class string }

func translatorsOf(raw json.RawMessage) []translator {
	var out []translator
	elements, _ := list(raw)
	for _, element := range elements {
		provider, _ := object(element)
		if class := text(provider["model_type"]); class != "" {
			out = append(out, translator{languages: strings.ReplaceAll(text(provider["language"]), " ", ""), class: class})
		}
	}
	return out
}

// convert finds the converters of an attempt. A prompt is translated first and
// buffed then (Probe.probe). Buffs are not chained: each one makes attempts of its
// own, and names itself in buff_creator; a list would be a chain.
func (a *attempt) convert(translators []translator) {
	if before, after, ok := a.translation(); ok {
		class := "Translation"
		for _, t := range translators {
			if t.languages == before+","+after {
				class = t.class
			}
		}
		a.applied = append(a.applied, applied{class: class, identifier: map[string]any{"translator": class, "from": before, "to": after}})
	}
	if !a.buffed() {
		return
	}
	buffs := texts(a.notes["buff_creator"])
	if one := text(a.notes["buff_creator"]); one != "" {
		buffs = []string{one}
	}
	for _, buff := range buffs {
		class := className(buff, "buffs")
		identifier := map[string]any{"buff": class}
		if language := text(a.notes["LRL_buff_dest_lang"]); language != "" {
			identifier["language"] = language
		}
		a.applied = append(a.applied, applied{class: class, identifier: identifier})
	}
}

// buffed says whether a buff has made the attempt. Until 0.16 at least an attempt and
// what buffs made of it share their notes, so that with buffs_include_original_prompt
// the original has a buff_creator too, and itself as its source.
func (a *attempt) buffed() bool {
	source := text(a.notes["buff_source_attempt_uuid"])
	return !empty(a.notes["buff_creator"]) && (source == "" || source != a.uuid)
}

// translation says from and into which language the prompt went. The note is there
// even where nothing was translated: a probe whose language is "*" has it too, and
// then only a changed text tells, if no buff has changed it.
func (a *attempt) translation() (before, after string, ok bool) {
	turns := turnsOf(a.notes["pre_translation_prompt"])
	if len(turns) == 0 || len(a.threads) == 0 {
		return "", "", false
	}
	last := a.threads[0].lastPrompt()
	if last < 0 {
		return "", "", false
	}
	sent, original := a.threads[0].turns[last], turns[len(turns)-1]
	if original.lang == "*" || original.lang != "" && original.lang == sent.lang {
		return "", "", false
	}
	if original.lang == "" && !a.buffed() && original.firstText() == sent.firstText() {
		return "", "", false
	}
	return original.lang, sent.lang, true
}

// unconvert gives a message that was sent its value before the converters, where
// the notes have it: the prompt before translation, or before the buff that
// translates into rare languages. The turns of the two are matched from the end,
// because a system prompt may have been put before.
func (a *attempt) unconvert(m *storage.Message, i, t int) {
	thread := &a.threads[i]
	if t >= thread.prompt || m.Role == storage.RoleAssistant {
		return
	}
	isLast := t == thread.lastPrompt()
	if turns := turnsOf(a.notes["pre_translation_prompt"]); len(turns) > 0 {
		at := len(turns) - (thread.prompt - t)
		if at >= 0 && turns[at].role == m.Role && len(turns[at].pieces) > 0 {
			m.OriginalValue = turns[at].firstText()
		}
	} else if original := turnsOf(a.notes["original_prompt"]); isLast && len(original) > 0 {
		m.OriginalValue = original[len(original)-1].firstText()
	}
	if isLast || m.OriginalValue != m.ConvertedValue {
		for _, converter := range a.applied {
			m.ConverterHash = append(m.ConverterHash, converter.hash)
		}
	}
}

// buffSource is the attempt whose prompt a buff has changed, for the message that
// carries the prompt. It is in the report only if buffs_include_original_prompt was
// set.
func (a *attempt) buffSource(i, t int) string {
	if t != a.threads[i].lastPrompt() {
		return ""
	}
	return text(a.notes["buff_source_attempt_uuid"])
}

// lastPrompt is the last turn of the user in the prompt, -1 without.
func (t *thread) lastPrompt() int {
	for i := t.prompt - 1; i >= 0; i-- {
		if t.turns[i].role == storage.RoleUser {
			return i
		}
	}
	return -1
}

func (t *turn) firstText() string {
	for _, p := range t.pieces {
		if p.dataType == "text" {
			return p.text
		}
	}
	return ""
}
