package secret

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// shortestScrubbed is the length in bytes from which a value is taken out of texts;
// a shorter one would be found in words that have nothing to do with it.
const shortestScrubbed = 6

// commonWords are what people write where a program insists on some key. They are no
// secrets, and taking them out of every text would destroy data.
var commonWords = []string{
	"openai", "ollama", "lm-studio", "secret", "password", "passwd", "api_key", "apikey", "api-key",
	"token", "bearer", "default", "example", "changeme", "not-needed", "not_needed", "no-key",
	"no-key-required", "sk-no-key-required", "placeholder", "unused", "anonymous", "string",
	"undefined", "basic auth", "unknown", "public",
}

// fewValues is up to how many values looking for one after the other is faster than
// one pass for all.
const fewValues = 64

// Scrubber takes known credentials out of texts. It is made for many texts and few
// values, and safe for concurrent use.
type Scrubber struct {
	adding sync.Mutex
	known  atomic.Pointer[known]
}

// known never changes once a Scrubber has it.
type known struct {
	values []string          // longest first: a shorter one inside would leave a rest
	all    *strings.Replacer // only for many values
}

// NewScrubber makes a Scrubber that knows no value yet.
func NewScrubber() *Scrubber {
	s := &Scrubber{}
	s.known.Store(&known{})
	return s
}

// Add remembers values and what is secret inside them: the token of a Bearer or Basic
// value, the password and the keys of a URL, the values of header lines and of JSON
// text; each also as JSON and URLs escape it. Values below six bytes and words that
// people write in place of a key ("not-needed") are not remembered. Many values are
// better added at once.
func (s *Scrubber) Add(values ...string) {
	forms := make(map[string]bool)
	for _, value := range values {
		for _, secret := range append(Credential{Value: value}.Secrets(), value) {
			for _, form := range escapedForms(secret) {
				if isScrubbed(form) {
					forms[form] = true
				}
			}
		}
	}
	s.adding.Lock()
	defer s.adding.Unlock()
	for _, value := range s.known.Load().values {
		forms[value] = true
	}
	next := &known{values: slices.SortedFunc(maps.Keys(forms), func(a, b string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a, b))
	})}
	if len(next.values) > fewValues {
		pairs := make([]string, 0, 2*len(next.values))
		for _, value := range next.values {
			pairs = append(pairs, value, Marker)
		}
		next.all = strings.NewReplacer(pairs...)
	}
	s.known.Store(next)
}

// Clean gives the text with each known value replaced by Marker, and whether there was
// one; if not, the text itself without a copy.
func (s *Scrubber) Clean(text string) (string, bool) {
	known := s.known.Load()
	if known.all != nil {
		cleaned := known.all.Replace(text)
		return cleaned, cleaned != text
	}
	found := false
	for _, value := range known.values {
		if strings.Contains(text, value) {
			text = strings.ReplaceAll(text, value, Marker)
			found = true
		}
	}
	return text, found
}

// String says how many values there are, never which.
func (s *Scrubber) String() string {
	return fmt.Sprintf("secret.Scrubber(%d values)", len(s.known.Load().values))
}

// GoString is String, for %#v would print the values.
func (s *Scrubber) GoString() string { return s.String() }

// isScrubbed leaves out what would hit Marker itself, again and again.
func isScrubbed(value string) bool {
	return len(value) >= shortestScrubbed && !strings.Contains(Marker, value) && !isPlaceholder(value) &&
		!slices.Contains(commonWords, strings.ToLower(strings.TrimSpace(value)))
}

// schemeSecrets are the token of "Bearer X" or "Basic X", and the user's password in
// the latter (RFC 7617).
func schemeSecrets(value string) []string {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
	rest = strings.TrimSpace(rest)
	if !ok || !isScheme(scheme) || rest == "" {
		return nil
	}
	secrets := []string{rest}
	if raw, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "basic") {
		if _, password, ok := strings.Cut(string(raw), ":"); ok && password != "" {
			secrets = append(secrets, password)
		}
	}
	return secrets
}

// escapedForms are a value and how it reads inside JSON, with and without ASCII only,
// and inside URLs, also unescaped when it came out of one.
func escapedForms(value string) []string {
	forms := []string{
		value, jsonText(value, true), jsonText(value, false), asciiJSON(value),
		url.QueryEscape(value), url.PathEscape(value),
	}
	if plain, err := url.PathUnescape(value); err == nil {
		forms = append(forms, plain)
	}
	return forms
}

// jsonText is how value reads between the quotes of a JSON string.
func jsonText(value string, escapeHTML bool) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(escapeHTML)
	if err := encoder.Encode(value); err != nil {
		return value
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(out.String(), "\n"), `"`), `"`)
}

// asciiJSON is what Python's json.dumps writes by default.
func asciiJSON(value string) string {
	var out strings.Builder
	for _, r := range jsonText(value, false) {
		switch {
		case r < 0x80:
			out.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
	}
	return out.String()
}
