package target

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/violentutf/violentutf/outbound"
)

var errTooLarge = errors.New("the reply is larger than is allowed")

// client makes the connections of one target. Idle ones are kept: a run has up to
// hundreds of calls to one host at once, and outbound's own client keeps ten.
func client(options Options) *http.Client {
	return &http.Client{
		Transport: limitedTransport{most: options.MaxResponse, next: &http.Transport{
			DialContext:         options.Policy.Dialer(nil).DialContext,
			ForceAttemptHTTP2:   true,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConns:        1024, MaxIdleConnsPerHost: 512, IdleConnTimeout: 90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		}},
		// Another origin would get the body, and with it the prompts and what credentials
		// the body or the URL hold.
		CheckRedirect: func(next *http.Request, before []*http.Request) error {
			first := before[0].URL
			switch {
			case len(before) > 3:
				return fmt.Errorf("%w: it sends on more than 3 times", outbound.ErrRefused)
			case next.URL.Scheme != first.Scheme || next.URL.Host != first.Host:
				return fmt.Errorf("%w: it sends on to another host", outbound.ErrRefused)
			}
			return nil
		},
	}
}

// limitedTransport bounds bodies below the SDKs, which read those of errors whole.
type limitedTransport struct {
	next *http.Transport
	most int64
}

func (l limitedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	kept := wireOf(request.Context())
	if kept != nil {
		kept.sent(request)
	}
	response, err := l.next.RoundTrip(request)
	if err == nil {
		response.Body = &limitedBody{ReadCloser: response.Body, left: l.most}
		if kept != nil {
			kept.answered(response)
		}
	}
	return response, err
}

// CloseIdleConnections lets http.Client reach the transport below.
func (l limitedTransport) CloseIdleConnections() { l.next.CloseIdleConnections() }

type limitedBody struct {
	io.ReadCloser
	left int64
}

func (b *limitedBody) Read(into []byte) (int, error) {
	if int64(len(into)) > b.left+1 {
		into = into[:b.left+1] // one more than allowed, to tell the end from too much
	}
	n, err := b.ReadCloser.Read(into)
	if b.left -= int64(n); b.left < 0 {
		return n, errTooLarge
	}
	return n, err
}

func readAll(response *http.Response) ([]byte, error) { return io.ReadAll(response.Body) }

func isEventStream(response *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return kind == "text/event-stream"
}

// scrubber takes credentials out of texts, also as URLs, JSON and Basic write them.
type scrubber struct{ replace *strings.Replacer }

// Shorter values occur in any text; to replace them would tell more than it hides.
const shortestCredential = 4

func newScrubber(credentials map[string]string) *scrubber {
	var forms []string
	add := func(value string) {
		if len(value) < shortestCredential {
			return
		}
		quoted, _ := json.Marshal(value)
		forms = append(forms, value, url.QueryEscape(value), url.PathEscape(value), strings.Trim(string(quoted), `"`),
			base64.StdEncoding.EncodeToString([]byte(value)))
	}
	for _, value := range credentials {
		add(value)
		if scheme, token, found := strings.Cut(value, " "); found && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "basic")) {
			add(token)
		}
	}
	if len(forms) == 0 {
		return &scrubber{}
	}
	// The Replacer takes the first that fits: the longest, so that no tail is left.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, "[credential]")
	}
	return &scrubber{strings.NewReplacer(pairs...)}
}

func (s *scrubber) clean(text string) string {
	if s.replace == nil {
		return text
	}
	return s.replace.Replace(text)
}

// bounded cleans before it cuts: half a credential is none that clean would know.
func (s *scrubber) bounded(text string, most int) string { return bound(s.clean(text), most) }

func bound(text string, most int) string {
	if len(text) <= most {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	cut := most - len("...")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.ToValidUTF8(text[:cut], "") + "..."
}
