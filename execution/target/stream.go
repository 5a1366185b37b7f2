package target

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/openai/openai-go/v3/packages/ssestream"
)

// mostCalls bounds the index of a function call, which the provider says.
const mostCalls = 256

// streamed gathers the parts of a reply.
type streamed struct {
	reply           *Reply
	text, reasoning strings.Builder
	calls           []*toolCall
	ended           bool
}

type toolCall struct{ id, name, arguments string }

// call is the function call at an index, made when it is named first.
func (s *streamed) call(index int) *toolCall {
	index = min(max(index, 0), mostCalls)
	for len(s.calls) <= index {
		s.calls = append(s.calls, &toolCall{})
	}
	return s.calls[index]
}

func (s *streamed) pieces() []Piece {
	var made []Piece
	if s.reasoning.Len() > 0 {
		made = append(made, Piece{DataType: "reasoning", Text: s.reasoning.String()})
	}
	if s.text.Len() > 0 {
		made = append(made, Piece{DataType: "text", Text: s.text.String()})
	}
	for _, call := range s.calls {
		if call.name == "" && call.id == "" {
			continue
		}
		written, _ := json.Marshal(functionCall{Type: "function_call", CallID: call.id, Name: call.name, Arguments: call.arguments})
		made = append(made, Piece{DataType: "function_call", Text: string(written)})
	}
	return made
}

func (t *Target) stream(ctx context.Context, response *http.Response, reply *Reply, began time.Time) error {
	events := ssestream.NewDecoder(response)
	gathered := streamed{reply: reply}
	for events.Next() {
		data := bytes.TrimSpace(events.Event().Data)
		if len(data) == 0 {
			continue
		}
		if err := t.speak.event(data, &gathered); err != nil {
			return t.malformed(response.StatusCode, err)
		}
		if reply.FirstToken == 0 && (gathered.text.Len() > 0 || gathered.reasoning.Len() > 0 || len(gathered.calls) > 0) {
			reply.FirstToken = time.Since(began)
		}
	}
	if err := events.Err(); err != nil {
		return t.failed(ctx, err)
	}
	if !gathered.ended {
		return t.malformed(response.StatusCode, errors.New("the stream broke off before its end"))
	}
	reply.Pieces = gathered.pieces()
	return nil
}
