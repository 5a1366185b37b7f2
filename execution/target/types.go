package target

import (
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// The types of generators.
const (
	TypeOpenAI    = "OPENAI_COMPATIBLE"
	TypeAnthropic = "ANTHROPIC"
	TypeGateway   = "AI_GATEWAY"
	TypeHTTPREST  = "HTTP_REST"
	TypeEcho      = "ECHO"
)

// The parameters that say how runs call it. They say nothing of the system that is called,
// so components are without them.
const (
	RequestsPerMinute = "requests_per_minute"
	TokensPerMinute   = "tokens_per_minute"
	Concurrency       = "concurrency"     // calls at once
	TimeoutSeconds    = "timeout_seconds" // of one call
	Streamed          = "stream"
)

// Types are the types of generators with what they take, for forms and checks.
func Types() []*storage.ConfiguredType { return types }

var types = []*storage.ConfiguredType{
	{
		Name: TypeOpenAI, Title: "OpenAI-compatible",
		Description: "Chat completions of OpenAI, Azure OpenAI, vLLM, Ollama and others.",
		Parameters: append([]*storage.Parameter{
			{Name: "endpoint", Kind: storage.ParameterText, Default: document(`"https://api.openai.com/v1"`), Description: "Base URL, before /chat/completions; of Azure the resource's."},
			{Name: "api", Kind: storage.ParameterChoice, Choices: []string{"OPENAI", "AZURE"}, Default: document(`"OPENAI"`), Description: "AZURE puts the deployment into the path and the key into the api-key header."},
			{Name: "deployment", Kind: storage.ParameterText, Description: "Azure's deployment; the model's name if absent."},
			{Name: "api_version", Kind: storage.ParameterText, Default: document(`"2024-10-21"`), Description: "Azure's api-version."},
		}, chat...),
	},
	{
		Name: TypeAnthropic, Title: "Anthropic", Description: "The Messages API of Anthropic.",
		Parameters: append([]*storage.Parameter{
			{Name: "endpoint", Kind: storage.ParameterText, Default: document(`"https://api.anthropic.com"`), Description: "Base URL, before /v1/messages."},
		}, chat...),
	},
	{
		Name: TypeGateway, Title: "AI gateway", Description: "A route of APISIX's ai-proxy, which speaks as OpenAI does and takes its key in the header apikey.",
		Parameters: append([]*storage.Parameter{
			{Name: "endpoint", Kind: storage.ParameterText, Required: true, Description: "The whole URL of the route."},
		}, chat...),
	},
	{
		Name: TypeHTTPREST, Title: "HTTP", Description: "Any endpoint that takes a prompt and answers by HTTP.",
		Parameters: []*storage.Parameter{
			{Name: "url", Kind: storage.ParameterText, Required: true, Description: "The URL; {{ prompt }} in it is replaced, escaped."},
			{Name: "method", Kind: storage.ParameterChoice, Choices: []string{"POST", "GET", "PUT", "PATCH"}, Default: document(`"POST"`)},
			headers,
			{Name: "body", Kind: storage.ParameterText, Default: document(`"{\"prompt\": \"{{ prompt }}\"}"`), Description: "The body; {{ prompt }} in it is replaced, escaped as the content type needs."},
			{Name: "content_type", Kind: storage.ParameterText, Default: document(`"application/json"`)},
			{Name: "reply_pointer", Kind: storage.ParameterText, Default: document(`""`), Description: "Where the reply lies, a JSON pointer (RFC 6901) as /choices/0/text; empty for the whole body."},
			bounds[0], bounds[1], bounds[2], bounds[3],
		},
	},
	{Name: TypeEcho, Title: "Echo", Description: "Repeats the prompt, for demonstrations: calls nothing.", Parameters: bounds[:2]},
}

var bounds = []*storage.Parameter{
	{Name: RequestsPerMinute, Kind: storage.ParameterInteger, Minimum: number(1), Description: "How many calls runs may make in a minute; any number if absent."},
	{Name: TokensPerMinute, Kind: storage.ParameterInteger, Minimum: number(1), Description: "How many tokens, in and out, the calls of runs may take in a minute; any number if absent."},
	{Name: Concurrency, Kind: storage.ParameterInteger, Minimum: number(1), Maximum: number(storage.MaxConcurrency), Description: "How many calls runs may make at once, all together; 64 if absent."},
	{Name: TimeoutSeconds, Kind: storage.ParameterInteger, Minimum: number(1), Maximum: number(3600), Description: "How long a call may take, where that is less than the server or the orchestrator allows."},
}

var headers = &storage.Parameter{Name: "headers", Kind: storage.ParameterJSON, Description: "Headers to add: an object of texts."}

// chat is what all models that hold a conversation take.
var chat = []*storage.Parameter{
	{Name: "model", Kind: storage.ParameterText, Required: true},
	{Name: "api_key", Kind: storage.ParameterSecret, Description: "The key: a credential."},
	{Name: "temperature", Kind: storage.ParameterNumber, Minimum: number(0), Maximum: number(2)},
	{Name: "top_p", Kind: storage.ParameterNumber, Minimum: number(0), Maximum: number(1)},
	{Name: "max_tokens", Kind: storage.ParameterInteger, Minimum: number(1), Description: "The most tokens of a reply."},
	{Name: "max_tokens_field", Kind: storage.ParameterChoice, Choices: []string{"max_tokens", "max_completion_tokens"}, Default: document(`"max_tokens"`), Description: "What the provider calls it: OpenAI's reasoning models take the second only."},
	{Name: "system_prompt", Kind: storage.ParameterText, Description: "Put before conversations that have none."},
	headers,
	{Name: "extra_body", Kind: storage.ParameterJSON, Description: "More fields of the request's body: an object."},
	{Name: Streamed, Kind: storage.ParameterBoolean, Description: "Whether replies are asked for in parts, which tells the time to the first: first_token_ms in the metadata of messages."},
	bounds[0], bounds[1], bounds[2], bounds[3],
}

func document(text storage.JSON) *storage.JSON { return &text }

func number(of float64) *float64 { return &of }

// spellings are the types as the original writes them; imported generators keep these.
var spellings = map[string]string{"AI Gateway": TypeGateway, "HTTP REST": TypeHTTPREST}

// TypeName is the name here of a type that may be spelled as the original does.
func TypeName(name string) string {
	if here, known := spellings[name]; known {
		return here
	}
	return name
}

func typeNamed(name string) *storage.ConfiguredType {
	name = TypeName(name)
	for _, one := range types {
		if one.Name == name {
			return one
		}
	}
	return nil
}

func typeNames() string {
	names := make([]string, len(types))
	for i, one := range types {
		names[i] = one.Name
	}
	return strings.Join(names, ", ")
}
