// Package target calls attacked models. A Target is made from the parameters of a
// generator and the credentials that were sealed apart from them; it sends one request
// of a conversation and says what came back, or in which of a few classes the call
// failed. It never tries again: the engine decides that.
package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/storage"
)

// Piece is a part of a message. DataType is one of domain.md's: text, image_path, url,
// reasoning, function_call, function_call_output, tool_call, error. Text is its value;
// an image_path has its bytes in Content instead, because targets read no files.
type Piece struct {
	DataType  string
	Text      string
	MediaType string // of Content, as image/png
	Content   []byte
}

// Message is one turn. Role is system, developer, user, assistant or tool.
type Message struct {
	Role   string
	Pieces []Piece
}

// Request is a conversation up to the message that is to be answered.
type Request struct {
	Messages []Message
	Stream   bool // ask for the reply in parts, which tells the time to its first token
	KeepRaw  bool // keep what was sent and received, in Reply.Raw or Error.Raw
}

// Reply is what a target answered.
type Reply struct {
	Pieces        []Piece
	ResponseError string // none, blocked (by a content filter) or empty: PyRIT's response_error
	FinishReason  string // in the provider's words
	Model         string // as the provider reports it, empty where it does not
	InputTokens   *int64
	OutputTokens  *int64
	Latency       time.Duration
	FirstToken    time.Duration // 0 unless streamed
	Raw           *Exchange     // nil unless asked for, and of ECHO
}

// Text is the text of a reply, without its reasoning.
func (r *Reply) Text() string { return textOf(r.Pieces) }

// Options are what the program, not a user, decides about calls.
type Options struct {
	Policy      outbound.Policy
	Timeout     time.Duration // of a whole call; 2 minutes if 0
	MaxResponse int64         // in bytes; 16 MiB if 0
}

// protocol is the way in which one kind of provider is spoken to.
type protocol interface {
	body(request *Request) ([]byte, error)
	post(ctx context.Context, body []byte) (*http.Response, error)
	// whole reads a complete answer, event one part of a streamed one.
	whole(body []byte, reply *Reply) error
	event(data []byte, stream *streamed) error
	models(ctx context.Context) (*http.Response, error)
}

// Target is one attacked model. Its methods may be called at the same time.
type Target struct {
	kind    string
	plain   storage.Values // the parameters without credentials
	options Options
	scrub   *scrubber
	http    *http.Client
	speak   protocol // nil for ECHO
}

// New makes a target. credentials are JSON pointers into parameters with their values,
// as "/api_key" or "/headers/Authorization". A *storage.Error of CodeBadInput names
// type, parameters.NAME or credentials.
func New(typeName string, parameters storage.JSON, credentials map[string]string, options Options) (*Target, error) {
	of := typeNamed(typeName)
	if of == nil {
		return nil, storage.BadInput("type", "there is no type of generator %q: pass one of %s", typeName, typeNames())
	}
	plain, err := of.Read(parameters)
	if err != nil {
		return nil, err
	}
	if plain.Has("api_key") {
		return nil, storage.BadInput("parameters.api_key", "api_key: pass it as a credential, so that it is sealed")
	}
	merged, err := withCredentials(parameters, credentials)
	if err != nil {
		return nil, err
	}
	values, err := of.Read(merged)
	if err != nil {
		return nil, err
	}
	if options.Timeout <= 0 {
		options.Timeout = 2 * time.Minute
	}
	if own := time.Duration(values.Integer(TimeoutSeconds)) * time.Second; own > 0 {
		options.Timeout = min(options.Timeout, own)
	}
	if options.MaxResponse <= 0 {
		options.MaxResponse = 16 << 20
	}
	made := &Target{kind: of.Name, plain: plain, options: options, scrub: newScrubber(credentials), http: client(options)}
	switch of.Name {
	case TypeEcho:
		return made, nil
	case TypeAnthropic:
		made.speak, err = newAnthropic(values, made.http)
	case TypeHTTPREST:
		made.speak, err = newREST(values, made.http)
	default:
		made.speak, err = newOpenAI(of.Name, values, made.http)
	}
	if err != nil {
		return nil, err
	}
	return made, nil
}

// Calls tells whether sending calls anything: ECHO does not.
func (t *Target) Calls() bool { return t.speak != nil }

// Close gives up the idle connections.
func (t *Target) Close() { t.http.CloseIdleConnections() }

// Send asks the model for its next message. A failure is an *Error.
func (t *Target) Send(ctx context.Context, request Request) (*Reply, error) {
	if !request.KeepRaw {
		return t.send(ctx, request)
	}
	kept := &wire{}
	reply, err := t.send(onWire(ctx, kept), request)
	if reply != nil {
		reply.Raw = t.exchange(kept)
	} else if failure, ok := errors.AsType[*Error](err); ok {
		failure.Raw = t.exchange(kept)
	}
	return reply, err
}

func (t *Target) send(ctx context.Context, request Request) (*Reply, error) {
	began := time.Now()
	if len(request.Messages) == 0 {
		return nil, &Error{Class: ClassBadRequest, Message: "the conversation has no message"}
	}
	if ctx.Err() != nil {
		return nil, t.failed(ctx, ctx.Err())
	}
	if t.speak == nil {
		reply := &Reply{Pieces: []Piece{{DataType: "text", Text: lastText(request.Messages)}}, FinishReason: "stop", Model: "echo"}
		return t.finish(reply, began), nil
	}
	limited, cancel := context.WithTimeout(ctx, t.options.Timeout)
	defer cancel()
	request.Stream = request.Stream || t.plain.Boolean(Streamed)
	body, err := t.speak.body(&request)
	if err != nil {
		return nil, &Error{Class: ClassBadRequest, Message: t.scrub.bounded(err.Error(), mostMessage)}
	}
	reply := &Reply{}
	response, err := t.speak.post(limited, body)
	// A redirect that we refuse comes with both; the SDKs' error of a status says nothing
	// that the answer does not.
	if response == nil || (err != nil && response.StatusCode < http.StatusBadRequest) {
		return nil, t.failed(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	switch _, whole := t.speak.(*rest); {
	case response.StatusCode >= 300:
		err = t.refusedBy(response, reply)
	case request.Stream && !whole && isEventStream(response):
		err = t.stream(ctx, response, reply, began)
	default:
		err = t.whole(ctx, response, reply)
	}
	if err != nil {
		return nil, err
	}
	return t.finish(reply, began), nil
}

// Reply asks with a system prompt, which may be empty, and one prompt: what converters
// and scorers need of a model. A blocked reply is a *Error of ClassMalformedReply,
// because there is no text to go on with.
func (t *Target) Reply(ctx context.Context, system, user string) (string, error) {
	var messages []Message
	if system != "" {
		messages = append(messages, Message{Role: "system", Pieces: []Piece{{DataType: "text", Text: system}}})
	}
	messages = append(messages, Message{Role: "user", Pieces: []Piece{{DataType: "text", Text: user}}})
	reply, err := t.Send(ctx, Request{Messages: messages})
	if err != nil {
		return "", err
	}
	if reply.ResponseError != "none" {
		return "", &Error{Class: ClassMalformedReply, Message: "the model's reply is " + reply.ResponseError}
	}
	return reply.Text(), nil
}

func (t *Target) whole(ctx context.Context, response *http.Response, reply *Reply) error {
	body, err := readAll(response)
	if err != nil {
		return t.failed(ctx, err)
	}
	if err := t.speak.whole(body, reply); err != nil {
		return t.malformed(response.StatusCode, err)
	}
	return nil
}

func (t *Target) malformed(status int, err error) *Error {
	return &Error{Class: ClassMalformedReply, Status: status, Message: t.scrub.bounded(err.Error(), mostMessage)}
}

// finish takes credentials out of the reply, which a target may repeat, and says
// whether anything is in it.
func (t *Target) finish(reply *Reply, began time.Time) *Reply {
	reply.Latency = time.Since(began)
	there := false
	for i := range reply.Pieces {
		reply.Pieces[i].Text = t.scrub.clean(reply.Pieces[i].Text)
		there = there || (reply.Pieces[i].DataType != "reasoning" && (reply.Pieces[i].Text != "" || len(reply.Pieces[i].Content) > 0))
	}
	reply.Model, reply.FinishReason = t.scrub.clean(reply.Model), t.scrub.clean(reply.FinishReason)
	switch {
	case reply.ResponseError == "blocked":
		if len(reply.Pieces) == 0 {
			reply.Pieces = []Piece{{DataType: "error", Text: "the provider's content filter blocked this"}}
		}
	case !there:
		reply.ResponseError = "empty"
	default:
		reply.ResponseError = "none"
	}
	return reply
}

func (t *Target) refusedBy(response *http.Response, reply *Reply) error {
	body, err := readAll(response)
	if err != nil {
		body = nil // the status says enough
	}
	if response.StatusCode == http.StatusBadRequest && isContentFilter(body) {
		reply.ResponseError, reply.FinishReason = "blocked", "content_filter"
		reply.Pieces = []Piece{{DataType: "error", Text: bound(t.scrub.clean(providerMessage(body)), mostMessage)}}
		return nil
	}
	return t.answered(response, body)
}

// isContentFilter knows how Azure OpenAI says that its filter stopped the prompt:
// https://learn.microsoft.com/azure/ai-services/openai/concepts/content-filter
func isContentFilter(body []byte) bool {
	var document struct {
		Error struct {
			Code       any `json:"code"`
			InnerError struct {
				Code string `json:"code"`
			} `json:"innererror"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &document) != nil {
		return false
	}
	return fmt.Sprint(document.Error.Code) == "content_filter" || document.Error.InnerError.Code == "ResponsibleAIPolicyViolation"
}

// Bound is a parameter that bounds how often runs call it, 0 for no bound.
func (t *Target) Bound(parameter string) int64 { return t.plain.Integer(parameter) }
