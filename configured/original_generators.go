package configured

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// placeOfPrompt stands in bodies and URLs of HTTP_REST.
const placeOfPrompt = "{{ prompt }}"

var originalGenerators = map[string]reading{
	"AI Gateway": readGateway, "apisix_ai_gateway": readGateway, target.TypeGateway: readGateway,
	"HTTP REST": readHTTP, "HTTPTarget": readHTTP, target.TypeHTTPREST: readHTTP,
	"AzureMLChatTarget": readAzureML, "CrucibleTarget": readCrucible,
}

// readGateway reads "AI Gateway", a route of APISIX. The original found the route's
// address by the provider and the model, from its own configuration.
func readGateway(p tree) (string, error) {
	p.rename("max_requests_per_minute", target.RequestsPerMinute)
	delete(p, "provider")
	if strings.HasPrefix(p.text("model"), "o1") { // takes neither, so that the original sent neither
		delete(p, "temperature")
		delete(p, "max_tokens")
	}
	more := map[string]any{}
	for _, name := range []string{"frequency_penalty", "presence_penalty", "seed"} {
		value := p.take(name)
		if number, ok := value.(json.Number); ok && name != "seed" {
			if penalty, err := number.Float64(); err == nil && penalty == 0 {
				continue // as without one
			}
		}
		if value != nil {
			more[name] = value
		}
	}
	if len(more) > 0 {
		p.preset("extra_body", more)
	}
	endpoint := p.text("endpoint")
	if endpoint == "" {
		return "", storage.BadInput("parameters.endpoint", "endpoint: the original found the route by its provider and model, and kept no address: set endpoint to the whole URL of that route")
	}
	// A route ends in something of its own, the base of an API in its version.
	if parsed, err := url.Parse(endpoint); err == nil && strings.HasSuffix(strings.TrimSuffix(parsed.Path, "/"), "/v1") {
		parsed.Path = strings.TrimSuffix(parsed.Path, "/") + "/chat/completions"
		p["endpoint"] = parsed.String()
	}
	return target.TypeGateway, nil
}

// readHTTP reads "HTTP REST": either an address with what goes around the request, or the
// text of a whole request.
func readHTTP(p tree) (string, error) {
	p.rename("max_requests_per_minute", target.RequestsPerMinute)
	p.rename("timeout", target.TimeoutSeconds)
	if _, whole := p["http_request"]; whole {
		return target.TypeHTTPREST, readRequest(p)
	}
	p.rename("endpoint", "url")
	headers, err := headersIn(p)
	if err != nil {
		return "", err
	}
	setHeaders(p, headers)
	return target.TypeHTTPREST, nil
}

// headersIn takes the headers, an object or its JSON.
func headersIn(p tree) (map[string]any, error) {
	switch value := p.take("headers").(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		return value, nil
	case string:
		headers := map[string]any{}
		if json.Unmarshal([]byte(value), &headers) == nil {
			return headers, nil
		}
	}
	return nil, storage.BadInput("parameters.headers", `headers: they are no object of texts: write {"Name": "value"}`)
}

// setHeaders sets the headers, of which the content type has a parameter of its own.
func setHeaders(p tree, headers map[string]any) {
	for name, value := range headers {
		if http.CanonicalHeaderKey(name) == "Content-Type" {
			p.preset("content_type", value)
			delete(headers, name)
		}
	}
	if len(headers) > 0 {
		p["headers"] = headers
	}
}

// readRequest reads the text of an HTTP/1.1 request with a place for the prompt, which is
// found by a regular expression.
func readRequest(p tree) error {
	bad := func(why string) error {
		return storage.BadInput("parameters.http_request", "http_request: %s: write a request line, headers with Host, an empty line and the body; or set url, headers and body in its place", why)
	}
	text := strings.ReplaceAll(strings.TrimLeft(p.text("http_request"), "\r\n\t "), "\r\n", "\n")
	delete(p, "http_request")
	pattern, scheme := "{PROMPT}", "https"
	if given, ok := p.take("prompt_regex_string").(string); ok && given != "" {
		pattern = given
	}
	if tls, ok := p.take("use_tls").(bool); ok && !tls {
		scheme = "http"
	}
	finds, err := regexp.Compile(pattern)
	if err != nil {
		return storage.BadInput("parameters.prompt_regex_string", "prompt_regex_string: it is no regular expression that can be read here: write RE2, or {PROMPT}")
	}
	head, body, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	words := strings.Fields(lines[0])
	if len(words) < 2 {
		return bad("its first line is no request line")
	}
	headers, host := map[string]any{}, ""
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name = http.CanonicalHeaderKey(strings.TrimSpace(name)); {
		case !ok:
			return bad("it has a line that is no header")
		case name == "Host":
			host = value
		case name == "Content-Length" || name == "Connection" || name == "Accept-Encoding" || name == "Transfer-Encoding":
		default:
			headers[name] = value
		}
	}
	address := finds.ReplaceAllLiteralString(words[1], placeOfPrompt)
	if !strings.Contains(words[1], "://") {
		if host == "" {
			return bad("it has no header Host")
		}
		address = scheme + "://" + host + address
	}
	setHeaders(p, headers)
	p.preset("method", strings.ToUpper(words[0]))
	p.preset("url", address)
	if body = strings.TrimRight(body, "\n"); body != "" {
		p.preset("content_type", "text/plain")
		p.preset("body", finds.ReplaceAllLiteralString(body, placeOfPrompt))
	}
	return nil
}

// readAzureML reads PyRIT 0.9's target of Azure Machine Learning's endpoints.
func readAzureML(p tree) (string, error) {
	p.rename("max_requests_per_minute", target.RequestsPerMinute)
	settings := map[string]any{"return_full_text": false}
	for _, name := range []string{"max_new_tokens", "temperature", "top_p", "repetition_penalty"} {
		if value := p.take(name); value != nil {
			settings[name] = value
		}
	}
	return postingTo(p, "Authorization", "Bearer ", "/output", map[string]any{"input_data": map[string]any{
		"input_string": []any{map[string]any{"role": "user", "content": placeOfPrompt}}, "parameters": settings,
	}})
}

// readCrucible reads PyRIT 0.9's target of Crucible's challenges.
func readCrucible(p tree) (string, error) {
	p.rename("max_requests_per_minute", target.RequestsPerMinute)
	return postingTo(p, "X-API-Key", "", "", map[string]any{"data": placeOfPrompt})
}

// postingTo makes an HTTP_REST of an endpoint that takes its key in a header.
func postingTo(p tree, header, scheme, reply string, body map[string]any) (string, error) {
	p.rename("endpoint", "url")
	headers, err := headersIn(p)
	if err != nil {
		return "", err
	}
	if key, ok := p.take("api_key").(string); ok {
		headers[header] = scheme + key
	}
	setHeaders(p, headers)
	text, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	p.preset("body", string(text))
	if reply != "" {
		p.preset("reply_pointer", reply)
	}
	return target.TypeHTTPREST, nil
}
