package secret

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Credential is one leaf of parameters that held a secret.
type Credential struct {
	Path  string // JSON pointer (RFC 6901) to the leaf in the clean parameters
	Value string // the whole leaf before; of "Bearer X", "Bearer X"; of a number, its JSON text
}

// Extract gives a copy of parameters without credentials, and the credentials. It
// knows them by the name of their key or header, in maps, in lists of pairs, in
// header text, in JSON written as a string and in URLs, and by the look of well-known
// keys anywhere. A leaf that is a credential becomes Marker; of a leaf that only holds
// one, such as a URL, the rest stays readable. What was found is also taken out of
// every other leaf and key. Booleans, empty texts and placeholders stay. Credentials
// are ordered by path; Restore puts them back.
func Extract(parameters map[string]any) (clean map[string]any, found []Credential) {
	if parameters == nil {
		return nil, nil
	}
	e := extraction{values: map[string]string{}}
	clean, _ = e.walk("", parameters, role{}).(map[string]any)

	s := sweep{scrubber: NewScrubber(), first: e.values, values: map[string]string{}}
	if len(e.values) > 0 {
		s.scrubber.Add(slices.Collect(maps.Values(e.values))...)
		clean, _ = s.walk("", "", clean).(map[string]any)
	}
	for _, path := range slices.Sorted(maps.Keys(s.values)) {
		found = append(found, Credential{Path: path, Value: s.values[path]})
	}
	return clean, found
}

// Restore gives a copy of clean parameters with the credentials at their paths. A
// path that is no longer there is left out.
func Restore(clean map[string]any, credentials []Credential) map[string]any {
	values := make(map[string]string, len(credentials))
	for _, c := range credentials {
		values[c.Path] = c.Value
	}
	restored, _ := restore("", clean, values).(map[string]any)
	return restored
}

func restore(path string, value any, values map[string]string) any {
	if secret, ok := values[path]; ok {
		return secret
	}
	switch value := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(value))
		for key, child := range value {
			out[key] = restore(pointer(path, key), child, values)
		}
		return out
	case []any:
		out := make([]any, len(value))
		for i, child := range value {
			out[i] = restore(pointer(path, strconv.Itoa(i)), child, values)
		}
		return out
	}
	return value
}

// Secrets are the secret parts of the value, without the scheme, URL or header text
// around them; the value itself if it has no such parts. The first serves LastFour.
// Of a text with very many it gives the first ones.
func (c Credential) Secrets() []string {
	var secrets []string
	add := func(more ...string) {
		for _, secret := range more {
			if secret != "" && len(secrets) < mostSecrets && !slices.Contains(secrets, secret) {
				secrets = append(secrets, secret)
			}
		}
	}
	add(schemeSecrets(c.Value)...)
	if parsed, ok := parseJSON(c.Value); ok {
		// Among headers more names are credentials: only where nothing else is found.
		for _, r := range []role{{}, {headers: true}} {
			e := extraction{values: map[string]string{}}
			e.walk("", parsed, r)
			for _, path := range slices.Sorted(maps.Keys(e.values)) {
				add(Credential{Value: e.values[path]}.Secrets()...)
			}
			if len(secrets) > 0 {
				break
			}
		}
	}
	_, parts := cleanText(c.Value, isHeaderText(c.Value))
	for _, part := range parts {
		add(schemeSecrets(part)...)
		add(part)
	}
	if len(secrets) == 0 {
		add(c.Value)
	}
	return secrets
}

// mostSecrets bounds the work for a hostile text. A real one has a handful.
const mostSecrets = 64

// String says where the credential was, never what it is.
func (c Credential) String() string { return "credential at " + c.Path }

// GoString is String, for %#v would print the value.
func (c Credential) GoString() string { return c.String() }

// LogValue is String, for structured logs.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText is String, so that no JSON of a credential holds its value.
func (c Credential) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// extraction takes credentials out where they stand.
type extraction struct {
	values map[string]string // path -> the whole leaf before
	depth  int               // of JSON inside strings
}

// role is what the keys above a value say about it.
type role struct {
	credential bool // every text below is one
	headers    bool // maps, pairs and lines below are HTTP headers
}

func (r role) names(key string) bool {
	return isCredentialName(key) || r.headers && isCredentialHeader(key)
}

// below is the role of a map's child.
func (r role) below(key string, child any) role {
	text, isText := child.(string)
	if isHeadersName(key) {
		// auth_header holds a header's value, api_key_header often only its name.
		valueOf := isText && isCredentialName(nameOfHeader(key)) && !headerName.MatchString(text)
		return role{credential: r.credential || valueOf, headers: true}
	}
	spared := isText && isDescribing(key)
	return role{credential: r.credential && !spared || r.names(key), headers: r.headers}
}

func (e *extraction) walk(path string, value any, r role) any {
	switch value := value.(type) {
	case nil, bool:
		return value
	case map[string]any:
		return e.walkMap(path, value, r)
	case []any:
		return e.walkList(path, value, r)
	case string:
		return e.leaf(path, value, r)
	}
	// Numbers, and typed maps and lists from Go code, in the form that JSON gives them.
	text, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	parsed, ok := decodeJSON(string(text))
	if _, number := parsed.(json.Number); !ok || number {
		if r.credential {
			e.values[path] = string(text)
			return Marker
		}
		return value
	}
	return e.walk(path, parsed, r)
}

func (e *extraction) walkMap(path string, value map[string]any, r role) any {
	named := e.pairRole(value, r)
	out := make(map[string]any, len(value))
	for key, child := range value {
		below := r.below(key, child)
		if named.credential && slices.Contains([]string{"value", "values", "val", "content"}, strings.ToLower(key)) {
			below = named
		}
		out[key] = e.walk(pointer(path, key), child, below)
	}
	return out
}

// pairRole is for maps like {"name": "Authorization", "value": "..."}.
func (e *extraction) pairRole(value map[string]any, r role) role {
	for key, child := range value {
		name, ok := child.(string)
		if !ok || !slices.Contains([]string{"name", "key", "header", "field"}, strings.ToLower(key)) {
			continue
		}
		if r.names(name) || isHeaderLike(name) && isCredentialHeader(name) {
			return role{credential: true, headers: r.headers}
		}
	}
	return r
}

func (e *extraction) walkList(path string, value []any, r role) any {
	out := make([]any, len(value))
	for i, child := range value {
		below := r
		// ["Authorization", "Bearer x"]: a header as a list of two.
		if name, ok := value[0].(string); ok && i == 1 && len(value) == 2 && (r.headers || isHeaderLike(name)) && isCredentialHeader(name) {
			below.credential = true
		}
		out[i] = e.walk(pointer(path, strconv.Itoa(i)), child, below)
	}
	return out
}

func (e *extraction) leaf(path, text string, r role) any {
	if isPlaceholder(text) {
		return text
	}
	if r.credential {
		e.values[path] = text
		return Marker
	}
	cleaned := e.inside(text, r)
	if cleaned == text {
		return text
	}
	e.values[path] = text
	if isPlaceholder(cleaned) { // "Bearer [sealed]"
		return Marker
	}
	return cleaned
}

// deepestJSON bounds JSON inside a string inside JSON..., each level of which doubles
// the backslashes; what lies deeper is read as plain text.
const deepestJSON = 8

// inside cleans a text that is no credential as a whole.
func (e *extraction) inside(text string, r role) string {
	if parsed, ok := parseJSON(text); ok && e.depth < deepestJSON {
		nested := extraction{values: map[string]string{}, depth: e.depth + 1}
		cleaned := nested.walk("", parsed, r)
		if len(nested.values) > 0 {
			text = encodeJSON(cleaned)
		}
	}
	cleaned, _ := cleanText(text, r.headers)
	return cleaned
}

// parseJSON reads a text that is a JSON object or list.
func parseJSON(text string) (any, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return nil, false
	}
	return decodeJSON(text)
}

// decodeJSON keeps numbers as they are written.
func decodeJSON(text string) (any, bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil, false
	}
	_, err := decoder.Token()
	return value, err == io.EOF
}

func encodeJSON(value any) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return Marker
	}
	return strings.TrimSuffix(out.String(), "\n")
}

// pointer appends a step to a JSON pointer (RFC 6901 section 3).
func pointer(path, step string) string {
	return path + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(step)
}
