package target

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"

	"github.com/violentutf/violentutf/storage"
)

// rest calls any HTTP endpoint with the last message's text. It knows no conversation.
type rest struct {
	client                     *http.Client
	method, url, template, typ string
	headers                    map[string]string
	reply                      pointer
	escape                     func(string) string
}

func newREST(values storage.Values, client *http.Client) (*rest, error) {
	// The prompt must not choose the host: it is filled in for the check as for a call.
	template := values.Text("url")
	one, err := baseURL("url", fill(template, "a", url.QueryEscape))
	if err != nil {
		return nil, err
	}
	if two, err := baseURL("url", fill(template, "b", url.QueryEscape)); err != nil || two.Host != one.Host {
		return nil, storage.BadInput("parameters.url", "url: the prompt cannot be part of the host")
	}
	made := &rest{
		client: client, method: values.Text("method"), url: template, template: values.Text("body"),
		typ: values.Text("content_type"), escape: func(text string) string { return text },
	}
	if made.headers, err = headersOf(values); err != nil {
		return nil, err
	}
	if made.reply, err = parsePointer(values.Text("reply_pointer")); err != nil {
		return nil, storage.BadInput("parameters.reply_pointer", "reply_pointer: %s", err)
	}
	switch kind, _, _ := mime.ParseMediaType(made.typ); kind {
	case "application/json":
		made.escape = insideJSON
		if !json.Valid([]byte(fill(made.template, "a", insideJSON))) && made.method != http.MethodGet {
			return nil, storage.BadInput("parameters.body", `body: it must be JSON with the placeholder inside a text, as {"prompt": "{{ prompt }}"}`)
		}
	case "application/x-www-form-urlencoded":
		made.escape = url.QueryEscape
	}
	return made, nil
}

// body is the prompt itself: post needs it for the URL too.
func (r *rest) body(request *Request) ([]byte, error) {
	last := request.Messages[len(request.Messages)-1]
	for _, piece := range last.Pieces {
		if piece.DataType != "text" {
			return nil, fmt.Errorf("HTTP_REST takes text only, not %s", piece.DataType)
		}
	}
	return []byte(textOf(last.Pieces)), nil
}

func (r *rest) post(ctx context.Context, prompt []byte) (*http.Response, error) {
	var body []byte
	if r.method != http.MethodGet {
		body = []byte(fill(r.template, string(prompt), r.escape))
	}
	request, err := http.NewRequestWithContext(ctx, r.method, fill(r.url, string(prompt), url.QueryEscape), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", r.typ)
	}
	for name, value := range r.headers {
		request.Header.Set(name, value)
	}
	return r.client.Do(request)
}

func (r *rest) whole(body []byte, reply *Reply) error {
	if len(r.reply) == 0 {
		reply.Pieces = []Piece{{DataType: "text", Text: string(body)}}
		return nil
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil {
		return fmt.Errorf("the reply is no JSON: %w", err)
	}
	found, there := r.reply.find(tree)
	if !there {
		return errors.New("the reply has nothing at reply_pointer")
	}
	text, isText := found.(string)
	if !isText && found != nil {
		written, err := json.Marshal(found)
		if err != nil {
			return err
		}
		text = string(written)
	}
	reply.Pieces = []Piece{{DataType: "text", Text: text}}
	return nil
}

func (r *rest) event([]byte, *streamed) error { return errors.New("HTTP_REST does not stream") }

func (r *rest) models(context.Context) (*http.Response, error) { return nil, errNoModels }

// TakesPrompt tells whether the prompt stands anywhere in what HTTP_REST sends by these
// parameters, which its type has checked.
func TakesPrompt(parameters storage.JSON) bool {
	values, _ := typeNamed(TypeHTTPREST).Check(parameters)
	sent := values.Text("url")
	if values.Text("method") != http.MethodGet {
		sent += values.Text("body")
	}
	return placeholder.MatchString(sent)
}
