// Package mocktarget is an OpenAI-compatible endpoint for tests, demonstrations and
// benchmarks: chat completions (streamed too), models, Anthropic's messages, and a REST
// echo. What it answers and how it fails is scripted, and the same each time.
package mocktarget

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Fault is a way in which one call goes wrong; the zero value is none.
type Fault struct {
	Status        int    // answered instead of 200
	RetryAfter    string // the header's value
	Body          string // of a Status
	Reset         bool   // close the connection without an answer
	Malformed     bool   // half a JSON document
	ContentFilter bool   // finish_reason content_filter, or Anthropic's refusal
	Slow          bool   // never end the body before the caller gives up
}

// Options script an endpoint.
type Options struct {
	Latency time.Duration
	Reply   func(prompt string) string               // Echo if nil
	Fault   func(prompt string, call int) Fault      // call counts from 1 for each prompt
	Seen    func(request *http.Request, body []byte) // what was sent, for assertions
}

// Echo repeats the prompt.
func Echo(prompt string) string { return prompt }

// Refuse declines whatever is asked.
func Refuse(string) string { return "I'm sorry, but I can't help with that." }

// Leak gives in for a share of the prompts, chosen by a hash of seed and prompt.
func Leak(share float64, seed uint64, secret string) func(string) string {
	return func(prompt string) string {
		hash := fnv.New64a()
		_, _ = fmt.Fprintf(hash, "%d\n%s", seed, prompt)
		if float64(hash.Sum64()>>11)/(1<<53) < share {
			return "Sure, here it is: " + secret
		}
		return Refuse(prompt)
	}
}

// Judge answers as a scorer's model does: strict JSON, true where the prompt holds mark.
func Judge(mark string) func(string) string {
	return func(prompt string) string {
		value := "False"
		if strings.Contains(prompt, mark) {
			value = "True"
		}
		return `{"score_value":"` + value + `","description":"mock","rationale":"whether the mark was there","metadata":""}`
	}
}

// Endpoint is a http.Handler; serve it with httptest or net/http.
type Endpoint struct {
	options Options
	mu      sync.Mutex
	calls   map[string]int
}

// New makes an endpoint.
func New(options Options) *Endpoint {
	if options.Reply == nil {
		options.Reply = Echo
	}
	return &Endpoint{options: options, calls: map[string]int{}}
}

// Calls is how often a prompt was sent.
func (e *Endpoint) Calls(prompt string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[prompt]
}

type sent struct {
	Model    string          `json:"model"`
	Stream   bool            `json:"stream"`
	Prompt   string          `json:"prompt"`
	System   json.RawMessage `json:"system"`
	Messages []struct {
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
}

func (s *sent) prompt() string {
	if len(s.Messages) == 0 {
		return s.Prompt
	}
	return textOf(s.Messages[len(s.Messages)-1].Content)
}

// length is that of all that was sent, which is what providers count.
func (s *sent) length() int {
	length := len(s.Prompt) + len(textOf(s.System))
	for _, message := range s.Messages {
		length += len(textOf(message.Content))
	}
	return length
}

func textOf(content json.RawMessage) string {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text
	}
	var parts []struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal(content, &parts) // content of no known form is an empty prompt
	for _, part := range parts {
		text += part.Text
	}
	return text
}

// ServeHTTP answers by the end of the path.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/models") {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"mock"},{"id":"mock-large"}]}`)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if e.options.Seen != nil {
		e.options.Seen(r, body)
	}
	var request sent
	if json.Unmarshal(body, &request) != nil {
		http.Error(w, `{"error":{"message":"no JSON"}}`, http.StatusBadRequest)
		return
	}
	prompt := request.prompt()
	e.mu.Lock()
	e.calls[prompt]++
	call := e.calls[prompt]
	e.mu.Unlock()
	if e.options.Latency > 0 {
		select {
		case <-time.After(e.options.Latency):
		case <-r.Context().Done():
			return
		}
	}
	var fault Fault
	if e.options.Fault != nil {
		fault = e.options.Fault(prompt, call)
	}
	if e.fail(w, r, fault) {
		return
	}
	reply, _ := json.Marshal(e.options.Reply(prompt))
	model, _ := json.Marshal(request.Model)
	usage := [2]string{strconv.Itoa(request.length()/4 + 1), strconv.Itoa(len(reply)/4 + 1)}
	finish := "stop"
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/v1/messages"):
		if finish = "end_turn"; fault.ContentFilter {
			finish = "refusal"
		}
		claude(w, request.Stream, string(reply), string(model), finish, usage)
	case len(request.Messages) == 0:
		_, _ = io.WriteString(w, `{"reply":`+string(reply)+`}`)
	default:
		if fault.ContentFilter {
			finish = "content_filter"
		}
		openAI(w, request.Stream, string(reply), string(model), finish, usage)
	}
}

func (e *Endpoint) fail(w http.ResponseWriter, r *http.Request, fault Fault) bool {
	switch {
	case fault.Reset:
		panic(http.ErrAbortHandler)
	case fault.Status != 0:
		if fault.RetryAfter != "" {
			w.Header().Set("Retry-After", fault.RetryAfter)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(fault.Status)
		_, _ = io.WriteString(w, fault.Body)
	case fault.Malformed:
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"choices":[{"mess`)
	case fault.Slow:
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	default:
		return false
	}
	return true
}

func openAI(w http.ResponseWriter, stream bool, reply, model, finish string, usage [2]string) {
	tokens := `"usage":{"prompt_tokens":` + usage[0] + `,"completion_tokens":` + usage[1] + `}`
	if !stream {
		_, _ = io.WriteString(w, `{"id":"mock","object":"chat.completion","model":`+model+`,"choices":[{"index":0,"finish_reason":"`+finish+
			`","message":{"role":"assistant","content":`+reply+`}}],`+tokens+`}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, `data: {"model":`+model+`,"choices":[{"delta":{"content":`+reply+`}}]}`+"\n\n"+
		`data: {"choices":[{"delta":{},"finish_reason":"`+finish+`"}]}`+"\n\n"+`data: {"choices":[],`+tokens+"}\n\ndata: [DONE]\n\n")
}

func claude(w http.ResponseWriter, stream bool, reply, model, finish string, usage [2]string) {
	tokens := `"usage":{"input_tokens":` + usage[0] + `,"output_tokens":` + usage[1] + `}`
	if !stream {
		_, _ = io.WriteString(w, `{"type":"message","model":`+model+`,"stop_reason":"`+finish+`","content":[{"type":"text","text":`+reply+`}],`+tokens+`}`)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "event: message_start\ndata: "+`{"type":"message_start","message":{"model":`+model+`,`+tokens+`}}`+"\n\n"+
		"event: content_block_delta\ndata: "+`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":`+reply+`}}`+"\n\n"+
		"event: message_delta\ndata: "+`{"type":"message_delta","delta":{"stop_reason":"`+finish+`"},"usage":{"output_tokens":`+usage[1]+`}}`+"\n\n"+
		"event: message_stop\ndata: "+`{"type":"message_stop"}`+"\n\n")
}
