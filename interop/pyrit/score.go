package pyrit

import (
	"context"
	"math"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// readContents reads ScorableContentEntries: what was scored without being a
// message. The whole row stays a raw record; scores take the text from here.
func (im *importer) readContents(ctx context.Context, t *table) error {
	im.orphaned = true
	return im.scan(ctx, t, func(r *row) (string, error) {
		if err := im.stage.Append(ctx, "raw_contents", r.id("id"), r.text("value")); err != nil {
			return "", err
		}
		return "", im.addRaw(ctx, r, rawKey(r))
	})
}

// readScores reads ScoreEntries.
func (im *importer) readScores(ctx context.Context, t *table) error {
	t.place("id", "score_value", "score_value_description", "score_type", "score_category",
		"score_rationale", "score_metadata", "scorer_class_identifier", "prompt_request_response_id",
		"timestamp", "task", "objective", "status", "scorable",
		// The hash of the identifier stands in the identifier itself.
		"scorer_identifier_hash", "scorable_content_id")
	orchestrated := false
	if messages := im.table(tableMessages); messages != nil {
		orchestrated = messages.has("orchestrator_identifier")
	}
	return im.scan(ctx, t, func(r *row) (string, error) {
		if r.text("id") == "" {
			return "rows without an id", nil
		}
		s := storage.StagedScore{}
		s.Source, s.SourceID = storage.SourcePyRIT, r.id("id")
		extras, err := im.judgement(ctx, r, &s)
		if err != nil {
			return "", err
		}
		if content := r.id("scorable_content_id"); content != "" {
			extras = append(extras, extra{"scorable_content_id", quote(content)})
			if err := im.stage.Append(ctx, "raw_scored_contents", s.SourceID, content); err != nil {
				return "", err
			}
		}
		if orchestrated && s.Objective != nil && *s.Objective != "" {
			// SQL cannot hash alike in both engines, and only 0.9's attacks need it.
			if err := im.stage.Append(ctx, "raw_tasks", s.SourceID, storage.TextHash(*s.Objective)); err != nil {
				return "", err
			}
		}
		s.Attributes = im.attributes(r, extras...)
		return "", im.stage.AddScore(ctx, &s)
	})
}

func (im *importer) judgement(ctx context.Context, r *row, s *storage.StagedScore) (extras []extra, err error) {
	s.CreatedAt, extras = im.time(r, "timestamp")
	scorer, err := im.component(ctx, storage.ComponentScorer, im.scorerIdentifier(r))
	if err != nil {
		return nil, err
	}
	s.ScorerHash, s.ScorerName = scorer.hash, scorer.class
	s.RawValue = r.optional("score_value")
	extras = append(extras, scoreValue(r, s)...)
	s.Categories = im.list(r.text("score_category"))
	s.Rationale = r.optional("score_rationale")
	s.Description = r.optional("score_value_description")
	s.Metadata = document(r.text("score_metadata"))
	s.Objective = r.optional("objective")
	if task := r.optional("task"); s.Objective == nil {
		s.Objective = task
	} else if task != nil && *task != *s.Objective {
		extras = append(extras, extra{"task", quote(*task)})
	}
	s.IsObjective = im.opts.ObjectiveScorer != "" && s.ScorerName == im.opts.ObjectiveScorer
	return append(extras, im.scored(r, s)...), nil
}

// scorerIdentifier is the scorer's identifier: of all identifier columns it alone has
// another name than its column of hashes.
func (im *importer) scorerIdentifier(r *row) string {
	if text := r.json("scorer_class_identifier"); text != "" && text != "{}" {
		return text
	}
	text, _ := im.known.identifiers.get(r.text("scorer_identifier_hash"))
	return orElse(text, `{"class_name":"Unknown"}`)
}

// scoreValue reads value, type and status: True and true, a scale, or a category.
func scoreValue(r *row, s *storage.StagedScore) (extras []extra) {
	value := r.text("score_value")
	known := false
	switch kind := r.text("score_type"); kind {
	case "true_false":
		s.Type = storage.ScoreTrueFalse
		if verdict, err := strconv.ParseBool(strings.ToLower(value)); err == nil {
			s.Value, known = &verdict, true
		}
	case "float_scale":
		s.Type = storage.ScoreFloatScale
		if scale, err := strconv.ParseFloat(value, 64); err == nil && !math.IsNaN(scale) && !math.IsInf(scale, 0) {
			s.ScaleValue, known = &scale, true
		}
	default:
		s.Type, known = storage.ScoreCategory, value != ""
		extras = append(extras, extra{"score_type", quote(kind)})
	}
	s.Status = storage.ScoreUndetermined
	switch status := r.text("status"); {
	case status == "" && known, strings.EqualFold(status, "complete"):
		s.Status = storage.ScoreComplete
	case status == "", strings.EqualFold(status, "undetermined"):
	default:
		extras = append(extras, extra{"status", quote(status)})
	}
	return extras
}

// scored finds the scored piece. scorable (1.x) names all pieces of a message; the
// score lies on the first.
func (im *importer) scored(r *row, s *storage.StagedScore) []extra {
	s.Message = r.id("prompt_request_response_id")
	text := r.json("scorable")
	if text == "" {
		return nil
	}
	if s.Message != "" && text == `{"scorable_type": "message", "message_piece_ids": ["`+s.Message+`"]}` {
		return nil // says nothing more
	}
	if s.Message == "" {
		if pieces, _ := decode(text)["message_piece_ids"].([]any); len(pieces) > 0 {
			if id, isText := pieces[0].(string); isText {
				s.Message = dashed(id)
			}
		}
	}
	return []extra{{"scorable", im.value(text)}}
}
