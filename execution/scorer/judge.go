package scorer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// maxJudgement is the longest reply of a judge that is read, in bytes.
const maxJudgement = 64 << 10

// judgement is what a judge must reply: one JSON object of these members.
type judgement struct {
	Value     json.RawMessage `json:"score_value"`
	Rationale *string         `json:"rationale"`
}

// judging makes the scorer that asks a model. form says what score_value may be, for the
// judge to read; verdict reads it, and its error is what the judge is told to repair.
func judging(of storage.ScoreType, model Model, rubric, form string, verdict func(value json.RawMessage, rationale string) (Verdict, error)) *built {
	system := systemPrompt(rubric, form)
	return &built{
		of: of, model: model, needsText: true,
		also: map[string]any{"system_prompt": system},
		judge: func(ctx context.Context, subject Subject) (Verdict, error) {
			return ask(ctx, of, model, system, form, subject, verdict)
		},
	}
}

// ask puts the question, and once more with what was wrong with the first answer.
func ask(ctx context.Context, of storage.ScoreType, model Model, system, form string, subject Subject, verdict func(json.RawMessage, string) (Verdict, error)) (Verdict, error) {
	question := userPrompt(subject)
	var wrong error
	for try := range 2 {
		user := question
		if try > 0 {
			user = repairPrompt(question, wrong, form)
		}
		text, err := model.Reply(ctx, system, user)
		if ended := ctx.Err(); ended != nil {
			return Verdict{}, ended
		}
		if err != nil {
			return undetermined(of, cut("The judge could not be asked: "+err.Error(), 500)), nil
		}
		var made Verdict
		if made, wrong = readJudgement(text, verdict); wrong == nil {
			return made, nil
		}
	}
	return undetermined(of, cut("The judge did not answer in the form asked for, twice: "+wrong.Error(), 500)), nil
}

// readJudgement is strict: one object, no member that was not asked for, nothing around
// it but a code fence. A judge that chats was perhaps talked into it.
func readJudgement(text string, verdict func(json.RawMessage, string) (Verdict, error)) (Verdict, error) {
	if len(text) > maxJudgement {
		return Verdict{}, fmt.Errorf("the answer is longer than %d bytes", maxJudgement)
	}
	text = unfenced(text)
	if text == "" {
		return Verdict{}, errors.New("the answer is empty")
	}
	if err := onlyOnce(text); err != nil {
		return Verdict{}, err
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var read judgement
	if err := decoder.Decode(&read); err != nil {
		return Verdict{}, errors.New("the answer is not the JSON object asked for")
	}
	if decoder.More() {
		return Verdict{}, errors.New("something follows the JSON object")
	}
	if len(read.Value) == 0 || bytes.Equal(read.Value, []byte("null")) {
		return Verdict{}, errors.New("score_value is missing")
	}
	if read.Rationale == nil {
		return Verdict{}, errors.New("rationale is missing")
	}
	return verdict(read.Value, *read.Rationale)
}

// onlyOnce refuses an object that names a member twice: Go would take the last one, and
// a person may have read the first.
func onlyOnce(text string) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return errors.New("the answer is not a JSON object")
	}
	seen := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return errors.New("the answer is not JSON")
		}
		// encoding/json takes names of any case: so does this.
		key := strings.ToLower(fmt.Sprint(name))
		if seen[key] {
			return fmt.Errorf("the answer names %q twice", key)
		}
		seen[key] = true
		var skipped json.RawMessage
		if err := decoder.Decode(&skipped); err != nil {
			return errors.New("the answer is not JSON")
		}
	}
	return nil
}

// readBoolean takes true, false, and both as texts, as PyRIT's judges write them.
func readBoolean(value json.RawMessage) (bool, error) {
	switch strings.ToLower(strings.Trim(string(value), `"`)) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errors.New("score_value must be true or false")
}

// readNumber takes a number, also as a text, between two bounds.
func readNumber(value json.RawMessage, least, most float64) (float64, error) {
	var got float64
	if json.Unmarshal([]byte(strings.Trim(string(value), `"`)), &got) != nil {
		return 0, errors.New("score_value must be a number")
	}
	if got < least || got > most {
		return 0, fmt.Errorf("score_value must lie between %v and %v", least, most)
	}
	return got, nil
}
