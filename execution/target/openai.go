package target

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/violentutf/violentutf/storage"
)

// openAI speaks chat completions. The SDK sends; bodies are written and read here,
// because providers that only resemble OpenAI add fields the SDK's types do not have.
type openAI struct {
	// Not made by openai.NewClient: that one reads OPENAI_API_KEY and OPENAI_BASE_URL of
	// the server's environment, and would send the server's key to a user's endpoint.
	client openai.Client
	path   string // of completions, below the client's base URL
	list   string // URL of the list of models, empty for none
	base   []byte // the body's fields that are always the same, without the last brace
	system string
}

func newOpenAI(kind string, values storage.Values, client *http.Client) (*openAI, error) {
	endpoint, err := baseURL("endpoint", values.Text("endpoint"))
	if err != nil {
		return nil, err
	}
	made := &openAI{system: values.Text("system_prompt")}
	if made.base, err = baseBody(values); err != nil {
		return nil, err
	}
	calls := *endpoint
	key := option.WithHeader("Authorization", "Bearer "+values.Text("api_key"))
	switch {
	case kind == TypeGateway:
		key = option.WithHeader("apikey", values.Text("api_key"))
	case values.Text("api") == "AZURE":
		key = option.WithHeader("api-key", values.Text("api_key"))
		deployment := values.Text("deployment")
		if deployment == "" {
			deployment = values.Text("model")
		}
		query := url.Values{"api-version": {values.Text("api_version")}}.Encode()
		models := endpoint.JoinPath("openai", "models")
		models.RawQuery = query
		calls = *endpoint.JoinPath("openai", "deployments", deployment, "chat", "completions")
		made.list, calls.RawQuery = models.String(), query
	default:
		calls = *endpoint.JoinPath("chat", "completions")
		made.list = endpoint.JoinPath("models").String()
	}
	base, path := split(&calls)
	made.path = path
	options := []option.RequestOption{option.WithHTTPClient(client), option.WithMaxRetries(0), option.WithBaseURL(base)}
	if values.Text("api_key") != "" {
		options = append(options, key)
	}
	more, err := headersOf(values)
	if err != nil {
		return nil, err
	}
	for name, value := range more {
		options = append(options, option.WithHeader(name, value))
	}
	made.client = openai.Client{Options: options}
	return made, nil
}

// split cuts a URL after its last slash, because the SDK joins a base and a path.
func split(whole *url.URL) (base, path string) {
	text, query, found := strings.Cut(whole.String(), "?")
	at := strings.LastIndexByte(text, '/') + 1
	base, path = text[:at], "./"+text[at:]
	if found {
		path += "?" + query
	}
	return base, path
}

func (o *openAI) post(ctx context.Context, body []byte) (response *http.Response, err error) {
	err = o.client.Post(ctx, o.path, body, &response)
	return response, err
}

func (o *openAI) models(ctx context.Context) (response *http.Response, err error) {
	if o.list == "" {
		return nil, errNoModels
	}
	at, err := url.Parse(o.list)
	if err != nil {
		return nil, err
	}
	base, path := split(at)
	err = o.client.Get(ctx, path, nil, &response, option.WithBaseURL(base))
	return response, err
}

func (o *openAI) body(request *Request) ([]byte, error) {
	messages, err := openAIMessages(request.Messages, o.system)
	if err != nil {
		return nil, err
	}
	written, err := json.Marshal(messages)
	if err != nil {
		return nil, err
	}
	body := append(append(append(make([]byte, 0, len(o.base)+len(written)+80), o.base...), `,"messages":`...), written...)
	if request.Stream {
		body = append(body, `,"stream":true,"stream_options":{"include_usage":true}`...)
	}
	return append(body, '}'), nil
}

type openAIReply struct {
	Model   string `json:"model"`
	Choices []struct {
		FinishReason string        `json:"finish_reason"`
		Message      openAIMessage `json:"message"`
		Delta        openAIMessage `json:"delta"`
	} `json:"choices"`
	Usage *struct {
		Prompt     int64 `json:"prompt_tokens"`
		Completion int64 `json:"completion_tokens"`
	} `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type openAIMessage struct {
	Content          *string          `json:"content"`
	Refusal          string           `json:"refusal"`
	ReasoningContent string           `json:"reasoning_content"` // vLLM, DeepSeek
	Reasoning        string           `json:"reasoning"`         // Ollama, newer vLLM, OpenRouter
	ToolCalls        []openAIToolCall `json:"tool_calls"`
}

type openAIToolCall struct {
	Index    int    `json:"index,omitempty"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function"`
}

func (o *openAI) whole(body []byte, reply *Reply) error {
	var answer openAIReply
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if len(answer.Choices) == 0 {
		return errors.New("the reply has no choices: " + providerMessage(body))
	}
	o.take(&answer, reply)
	first := answer.Choices[0].Message
	var gathered streamed
	o.gather(&first, &gathered)
	reply.Pieces = gathered.pieces()
	return nil
}

func (o *openAI) take(answer *openAIReply, reply *Reply) {
	if answer.Model != "" {
		reply.Model = answer.Model
	}
	if answer.Usage != nil {
		reply.InputTokens, reply.OutputTokens = &answer.Usage.Prompt, &answer.Usage.Completion
	}
	if len(answer.Choices) > 0 && answer.Choices[0].FinishReason != "" {
		reply.FinishReason = answer.Choices[0].FinishReason
		if reply.FinishReason == "content_filter" {
			reply.ResponseError = "blocked"
		}
	}
}

// gather adds a message, or a part of one. A refusal is the model's own text.
func (o *openAI) gather(message *openAIMessage, into *streamed) {
	into.reasoning.WriteString(message.ReasoningContent)
	if message.ReasoningContent == "" {
		into.reasoning.WriteString(message.Reasoning)
	}
	if message.Content != nil {
		into.text.WriteString(*message.Content)
	}
	into.text.WriteString(message.Refusal)
	for i, call := range message.ToolCalls {
		at := into.call(max(i, call.Index))
		if at.id == "" {
			at.id = call.ID
		}
		at.name += call.Function.Name
		at.arguments += call.Function.Arguments
	}
}

func (o *openAI) event(data []byte, stream *streamed) error {
	if string(data) == "[DONE]" {
		stream.ended = true
		return nil
	}
	var answer openAIReply
	if err := json.Unmarshal(data, &answer); err != nil {
		return err
	}
	if len(answer.Error) > 0 && string(answer.Error) != "null" {
		return errors.New(providerMessage(data))
	}
	o.take(&answer, stream.reply)
	if len(answer.Choices) > 0 {
		o.gather(&answer.Choices[0].Delta, stream)
		stream.ended = stream.ended || answer.Choices[0].FinishReason != ""
	}
	return nil
}
