package target

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// Checked is what a trial call told.
type Checked struct {
	OK      bool
	Latency time.Duration
	Status  int    // of HTTP, 0 without an answer or where it was a success
	Reply   string // at most 500 bytes
	Model   string
	Class   Class  // empty if OK
	Message string // what went wrong
}

// Check calls the model once with a harmless prompt.
func (t *Target) Check(ctx context.Context) Checked {
	began := time.Now()
	reply, err := t.Send(ctx, Request{Messages: []Message{
		{Role: "user", Pieces: []Piece{{DataType: "text", Text: "Reply with the single word: ready"}}},
	}})
	if err != nil {
		made := Checked{Latency: time.Since(began), Class: ClassUnavailable, Message: err.Error()}
		if failure, ok := errors.AsType[*Error](err); ok {
			made.Class, made.Status, made.Message = failure.Class, failure.Status, failure.Message
		}
		return made
	}
	return Checked{OK: true, Latency: reply.Latency, Reply: bound(reply.Text(), mostMessage), Model: reply.Model}
}

// Models lists the models that the provider offers, by their ids. A *storage.Error of
// CodeBadInput says that the type has no such list; other failures are an *Error.
func (t *Target) Models(ctx context.Context) ([]string, error) {
	if t.speak == nil {
		return nil, storage.BadInput("type", "%s has no list of models", t.kind)
	}
	limited, cancel := context.WithTimeout(ctx, t.options.Timeout)
	defer cancel()
	response, err := t.speak.models(limited)
	switch {
	case errors.Is(err, errNoModels):
		return nil, storage.BadInput("type", "%s has no list of models", t.kind)
	case response == nil, err != nil && response.StatusCode < 400:
		return nil, t.failed(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := readAll(response)
	if response.StatusCode >= 300 {
		return nil, t.answered(response, body)
	}
	if err != nil {
		return nil, t.failed(ctx, err)
	}
	var list struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, t.malformed(response.StatusCode, err)
	}
	names := make([]string, len(list.Data))
	for i, one := range list.Data {
		names[i] = t.scrub.clean(one.ID)
	}
	return names, nil
}
