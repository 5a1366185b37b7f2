package target

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

var errNoModels = errors.New("this type of generator has no list of models")

func baseURL(parameter, text string) (*url.URL, error) {
	made, err := url.Parse(strings.TrimSpace(text))
	if err != nil || (made.Scheme != "http" && made.Scheme != "https") || made.Host == "" {
		return nil, storage.BadInput("parameters."+parameter, "%s: pass a URL as https://host/path", parameter)
	}
	if made.User != nil || made.Fragment != "" {
		return nil, storage.BadInput("parameters."+parameter, "%s: a URL with a user or a fragment is not taken; pass the key as a credential", parameter)
	}
	return made, nil
}

func headersOf(values storage.Values) (map[string]string, error) {
	var made map[string]string
	if text := values.JSON("headers"); text != "" && json.Unmarshal([]byte(text), &made) != nil {
		return nil, storage.BadInput("parameters.headers", "headers: pass an object of texts")
	}
	for name, value := range made {
		if name == "" || strings.ContainsAny(name, " \t\r\n:\x00") || strings.ContainsAny(value, "\r\n\x00") {
			return nil, storage.BadInput("parameters.headers", "headers: %.60q is no header with a value of one line", name)
		}
	}
	return made, nil
}

// baseBody is what chat APIs share: extra_body first, then what has a parameter.
// The last brace is left for the messages.
func baseBody(values storage.Values) ([]byte, error) {
	fields := map[string]any{}
	if extra := values.JSON("extra_body"); extra != "" && json.Unmarshal([]byte(extra), &fields) != nil {
		return nil, storage.BadInput("parameters.extra_body", "extra_body: pass an object")
	}
	if fields == nil {
		fields = map[string]any{}
	}
	for _, own := range []string{"messages", "stream", "stream_options"} {
		if _, there := fields[own]; there {
			return nil, storage.BadInput("parameters.extra_body", "extra_body: %s is set by each call", own)
		}
	}
	fields["model"] = values.Text("model")
	for _, name := range []string{"temperature", "top_p"} {
		if values.Has(name) {
			fields[name] = values.Number(name)
		}
	}
	if values.Has("max_tokens") {
		fields[values.Text("max_tokens_field")] = values.Integer("max_tokens")
	}
	made, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("write the request: %w", err)
	}
	return made[:len(made)-1], nil
}

func textOf(pieces []Piece) string {
	var texts []string
	for _, piece := range pieces {
		if piece.DataType == "text" {
			texts = append(texts, piece.Text)
		}
	}
	return strings.Join(texts, "\n")
}

func lastText(messages []Message) string { return textOf(messages[len(messages)-1].Pieces) }

func hasSystem(messages []Message) bool {
	return messages[0].Role == "system" || messages[0].Role == "developer"
}

// functionCall is the value of a function_call or tool_call piece, and with output of a
// function_call_output: the items of OpenAI's Responses API, which PyRIT stores.
type functionCall struct {
	Type      string `json:"type"`
	CallID    string `json:"call_id"`
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments,omitempty"`
	Output    string `json:"output,omitempty"`
}

func callOf(piece Piece) (functionCall, error) {
	var call functionCall
	if err := json.Unmarshal([]byte(piece.Text), &call); err != nil {
		return call, fmt.Errorf("a piece of type %s must be JSON with call_id: %w", piece.DataType, err)
	}
	return call, nil
}

func dataURL(piece Piece) string {
	return "data:" + mediaType(piece) + ";base64," + base64.StdEncoding.EncodeToString(piece.Content)
}

func mediaType(piece Piece) string {
	if piece.MediaType != "" {
		return piece.MediaType
	}
	return http.DetectContentType(piece.Content)
}

type object = map[string]any

// openAIMessages writes a conversation for chat completions.
func openAIMessages(messages []Message, system string) ([]object, error) {
	made := make([]object, 0, len(messages)+1)
	if system != "" && !hasSystem(messages) {
		made = append(made, object{"role": "system", "content": system})
	}
	for _, message := range messages {
		var parts, calls []object
		for _, piece := range message.Pieces {
			switch piece.DataType {
			case "text", "error":
				parts = append(parts, object{"type": "text", "text": piece.Text})
			case "reasoning": // not sent back: providers refuse it
			case "url":
				parts = append(parts, object{"type": "image_url", "image_url": object{"url": piece.Text}})
			case "image_path":
				parts = append(parts, object{"type": "image_url", "image_url": object{"url": dataURL(piece)}})
			case "function_call", "tool_call", "function_call_output":
				call, err := callOf(piece)
				if err != nil {
					return nil, err
				}
				if piece.DataType == "function_call_output" {
					made = append(made, object{"role": "tool", "tool_call_id": call.CallID, "content": call.Output})
					continue
				}
				calls = append(calls, object{"id": call.CallID, "type": "function", "function": object{"name": call.Name, "arguments": call.Arguments}})
			default:
				return nil, fmt.Errorf("chat completions take no %s", piece.DataType)
			}
		}
		if len(parts) == 0 && len(calls) == 0 {
			continue
		}
		one := object{"role": message.Role}
		if message.Role == "simulated_assistant" {
			one["role"] = "assistant"
		}
		switch {
		case len(parts) == 1 && parts[0]["type"] == "text": // the form that every imitation knows
			one["content"] = parts[0]["text"]
		case len(parts) > 0:
			one["content"] = parts
		}
		if len(calls) > 0 {
			one["tool_calls"] = calls
		}
		made = append(made, one)
	}
	return made, nil
}
