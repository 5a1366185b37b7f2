package garak

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// place is a reply that a score can be about.
type place struct{ thread, turn int }

// scores stages the detectors' scores. It gives the attributes that every attack of
// the attempt has, and the scores that belong to no reply in particular.
//
// Detectors look at outputs, the last reply of each generation, and a few
// (any.AnyOutput) at every reply of every generation, one thread after the other. So
// a list as long as the outputs, or else as long as all replies, belongs to them by
// index; any other list is kept in the attributes whole.
func (im *importer) scores(ctx context.Context, a *attempt, entry members) (shared, unmapped map[string]any, err error) {
	shared, unmapped = attributesOf(entry), map[string]any{}
	var outputs, replies []place
	for i := range a.threads {
		for t := range a.threads[i].turns {
			if a.threads[i].turns[t].role == storage.RoleAssistant {
				replies = append(replies, place{i, t})
			}
		}
		if last := a.threads[i].lastReply(); last >= 0 {
			outputs = append(outputs, place{i, last})
		}
	}
	a.backTranslated(entry["reverse_translation_outputs"], outputs, shared)

	results, _ := object(entry["detector_results"])
	for _, name := range slices.Sorted(maps.Keys(results)) {
		values, isList := list(results[name])
		if !isList {
			values = []json.RawMessage{results[name]}
		}
		if len(values) == 0 { // a detector may pass an attempt over
			continue
		}
		places := outputs
		if len(values) != len(outputs) {
			places = replies
		}
		if len(values) != len(places) {
			im.log.note("a detector gave neither one score for each output nor one for each reply: its scores are in the attributes of the attack, unmapped_scores", im.line)
			unmapped[name] = rawJSON(values)
			places = nil
		}
		for k, value := range values {
			var at *place
			if places != nil {
				at = &places[k]
			}
			if err := im.score(ctx, a, detectorClass(name), k, value, at); err != nil {
				return nil, nil, err
			}
		}
	}
	return shared, unmapped, nil
}

// score stages one score and notes it for the verdicts, which need the threshold;
// one without a place is only noted, because garak's counts have it.
func (im *importer) score(ctx context.Context, a *attempt, detector string, k int, raw json.RawMessage, at *place) error {
	value, known := number(raw)
	switch string(raw) {
	case "true":
		value, known = 1, true
	case "false":
		value, known = 0, true
	}
	var noted any
	if known {
		noted = value
	}
	id, attack := "", ""
	if at != nil {
		id, attack = scoreID(a.uuid, detector, k), a.generation(at.thread)
	}
	if err := im.stage.Append(ctx, "raw_garak_scores", im.run.key(), a.uuid, a.probe, detector, attack, id, noted, im.line); err != nil {
		return err
	}
	if at == nil {
		return nil
	}
	hash, err := im.detector(ctx, detector)
	if err != nil {
		return err
	}
	score := &storage.StagedScore{
		Score: storage.Score{
			Source: storage.SourceGarak, SourceID: id, ScorerHash: hash, ScorerName: detector,
			Type: storage.ScoreFloatScale, Status: storage.ScoreUndetermined,
			Categories: []string{}, Objective: a.goal, CreatedAt: im.run.started,
		},
		Rank: a.status,
	}
	if !empty(raw) {
		score.RawValue = optional(strings.TrimSpace(string(raw)))
	}
	if known {
		score.Status, score.ScaleValue = storage.ScoreComplete, &value
	}
	if err := a.lay(score, *at); err != nil {
		return err
	}
	return im.stage.AddScore(ctx, score)
}

// lay puts a score on its reply. Where the generator gave none (null), the score is
// about that: it lies on the message that got no reply.
func (a *attempt) lay(score *storage.StagedScore, at place) error {
	turns := a.threads[at.thread].turns
	for t := at.turn; t >= 0; t-- {
		if len(turns[t].pieces) > 0 {
			score.Message = messageID(a.generation(at.thread), t, 0)
			break
		}
	}
	if score.Message == "" {
		none := ""
		score.Content = &none
	}
	if len(turns[at.turn].pieces) > 0 {
		return nil
	}
	attributes, err := document(map[string]any{"reply": nil})
	score.Attributes = attributes
	return err
}

func scoreID(uuid, detector string, k int) string {
	return fmt.Sprintf("%s/%s/%d", uuid, detector, k)
}

// backTranslated notes at each output what it became in the probe's language, which
// is what the detectors of that language have seen.
func (a *attempt) backTranslated(raw json.RawMessage, outputs []place, shared map[string]any) {
	translated, ok := list(raw)
	if empty(raw) {
		return
	}
	if !ok || len(translated) != len(outputs) {
		shared["reverse_translation_outputs"] = raw
		return
	}
	for k, at := range outputs {
		if turn := &a.threads[at.thread].turns[at.turn]; !empty(translated[k]) && len(turn.pieces) > 0 {
			turn.details["reverse_translation"] = translated[k]
		}
	}
}
