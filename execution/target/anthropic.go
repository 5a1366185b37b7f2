package target

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/violentutf/violentutf/storage"
)

// claude speaks the Messages API.
type claude struct {
	client anthropic.Client // not by NewClient, which reads the environment: see openAI
	base   []byte
	system string
}

func newAnthropic(values storage.Values, client *http.Client) (*claude, error) {
	endpoint, err := baseURL("endpoint", values.Text("endpoint"))
	if err != nil {
		return nil, err
	}
	if !values.Has("max_tokens") {
		values["max_tokens"] = int64(4096) // the API needs one
	}
	values["max_tokens_field"] = "max_tokens"
	made := &claude{system: values.Text("system_prompt")}
	if made.base, err = baseBody(values); err != nil {
		return nil, err
	}
	options := []option.RequestOption{
		option.WithHTTPClient(client), option.WithMaxRetries(0), option.WithBaseURL(endpoint.String()),
		option.WithHeader("anthropic-version", "2023-06-01"),
	}
	if key := values.Text("api_key"); key != "" {
		options = append(options, option.WithHeader("x-api-key", key))
	}
	more, err := headersOf(values)
	if err != nil {
		return nil, err
	}
	for name, value := range more {
		options = append(options, option.WithHeader(name, value))
	}
	made.client = anthropic.Client{Options: options}
	return made, nil
}

func (c *claude) post(ctx context.Context, body []byte) (response *http.Response, err error) {
	err = c.client.Post(ctx, "v1/messages", body, &response)
	return response, err
}

func (c *claude) models(ctx context.Context) (response *http.Response, err error) {
	err = c.client.Get(ctx, "v1/models?limit=1000", nil, &response)
	return response, err
}

func (c *claude) body(request *Request) ([]byte, error) {
	system := []string{}
	if c.system != "" && !hasSystem(request.Messages) {
		system = append(system, c.system)
	}
	messages := []object{}
	for _, message := range request.Messages {
		role := "user"
		switch message.Role {
		case "system", "developer":
			system = append(system, textOf(message.Pieces))
			continue
		case "assistant", "simulated_assistant":
			role = "assistant"
		}
		blocks := []object{}
		for _, piece := range message.Pieces {
			block, err := claudeBlock(piece)
			if err != nil {
				return nil, err
			}
			if block != nil {
				blocks = append(blocks, block)
			}
		}
		if len(blocks) > 0 {
			messages = append(messages, object{"role": role, "content": blocks})
		}
	}
	fields := object{"messages": messages}
	if len(system) > 0 {
		fields["system"] = strings.Join(system, "\n\n")
	}
	if request.Stream {
		fields["stream"] = true
	}
	written, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	body := append(append(make([]byte, 0, len(c.base)+len(written)), c.base...), ',')
	return append(body, written[1:]...), nil
}

func claudeBlock(piece Piece) (object, error) {
	switch piece.DataType {
	case "text", "error":
		if piece.Text == "" {
			return nil, nil // the API refuses empty blocks
		}
		return object{"type": "text", "text": piece.Text}, nil
	case "reasoning":
		return nil, nil
	case "url":
		return object{"type": "image", "source": object{"type": "url", "url": piece.Text}}, nil
	case "image_path":
		data := base64.StdEncoding.EncodeToString(piece.Content)
		return object{"type": "image", "source": object{"type": "base64", "media_type": mediaType(piece), "data": data}}, nil
	case "function_call", "tool_call":
		call, err := callOf(piece)
		if err == nil && !json.Valid([]byte(call.Arguments)) {
			err = errors.New("the arguments of a function_call must be JSON")
		}
		return object{"type": "tool_use", "id": call.CallID, "name": call.Name, "input": json.RawMessage(call.Arguments)}, err
	case "function_call_output":
		call, err := callOf(piece)
		return object{"type": "tool_result", "tool_use_id": call.CallID, "content": call.Output}, err
	}
	return nil, fmt.Errorf("the Messages API takes no %s", piece.DataType)
}

type claudeBlockReply struct {
	Type     string          `json:"type"`
	Text     string          `json:"text"`
	Thinking string          `json:"thinking"`
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	Input    json.RawMessage `json:"input"`
}

type claudeUsage struct {
	Input  *int64 `json:"input_tokens"`
	Output *int64 `json:"output_tokens"`
}

type claudeReply struct {
	Model      string             `json:"model"`
	StopReason string             `json:"stop_reason"`
	Content    []claudeBlockReply `json:"content"`
	Usage      claudeUsage        `json:"usage"`
}

func (c *claude) take(answer *claudeReply, reply *Reply) {
	if answer.Model != "" {
		reply.Model = answer.Model
	}
	if answer.StopReason != "" {
		reply.FinishReason = answer.StopReason
		if answer.StopReason == "refusal" { // streaming classifiers stepped in
			reply.ResponseError = "blocked"
		}
	}
	if answer.Usage.Input != nil {
		reply.InputTokens = answer.Usage.Input
	}
	if answer.Usage.Output != nil {
		reply.OutputTokens = answer.Usage.Output
	}
}

func (c *claude) whole(body []byte, reply *Reply) error {
	var answer claudeReply
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if answer.Content == nil {
		return errors.New("the reply has no content: " + providerMessage(body))
	}
	c.take(&answer, reply)
	var gathered streamed
	for i, block := range answer.Content {
		gathered.text.WriteString(block.Text)
		gathered.reasoning.WriteString(block.Thinking)
		if block.Type == "tool_use" {
			*gathered.call(i) = toolCall{block.ID, block.Name, string(block.Input)}
		}
	}
	reply.Pieces = gathered.pieces()
	return nil
}

func (c *claude) event(data []byte, stream *streamed) error {
	var part struct {
		Type    string           `json:"type"`
		Index   int              `json:"index"`
		Message *claudeReply     `json:"message"`
		Block   claudeBlockReply `json:"content_block"`
		Usage   claudeUsage      `json:"usage"`
		Delta   struct {
			Text        string `json:"text"`
			Thinking    string `json:"thinking"`
			PartialJSON string `json:"partial_json"`
			StopReason  string `json:"stop_reason"`
		} `json:"delta"`
	}
	if err := json.Unmarshal(data, &part); err != nil {
		return err
	}
	if part.Type == "error" {
		return errors.New(providerMessage(data))
	}
	if part.Message != nil {
		c.take(part.Message, stream.reply)
	}
	c.take(&claudeReply{StopReason: part.Delta.StopReason, Usage: part.Usage}, stream.reply)
	stream.text.WriteString(part.Block.Text + part.Delta.Text)
	stream.reasoning.WriteString(part.Block.Thinking + part.Delta.Thinking)
	if part.Block.Type == "tool_use" {
		*stream.call(part.Index) = toolCall{id: part.Block.ID, name: part.Block.Name}
	}
	if part.Delta.PartialJSON != "" {
		stream.call(part.Index).arguments += part.Delta.PartialJSON
	}
	stream.ended = stream.ended || part.Type == "message_stop"
	return nil
}
