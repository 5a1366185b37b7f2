package target

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"
)

// MostRaw is how much of a request, and of a response, is kept, in bytes. What was cut
// off ends in CutMark.
const (
	MostRaw = 256 << 10
	CutMark = "\n[cut]"
)

// Exchange is what went over the wire for one call: head, an empty line and body of each
// side, without the credentials that the call was made with. Response is empty and Status
// 0 where no answer came. The texts have up to twice MostRaw: CutRaw cuts them, once
// whatever else they may hold is taken out.
type Exchange struct {
	Request, Response string
	ContentType       string // of the response
	Status            int
}

// wire gathers an exchange. Of several, where an answer sends on to another place, the
// last one counts.
type wire struct {
	request, head string
	body          []byte // of the response, up to twice what is kept
	contentType   string
	status        int
}

type wireKey struct{}

func onWire(ctx context.Context, w *wire) context.Context {
	return context.WithValue(ctx, wireKey{}, w)
}

// wireOf is nil where nothing is kept.
func wireOf(ctx context.Context) *wire {
	w, _ := ctx.Value(wireKey{}).(*wire)
	return w
}

// secretHeaders hold credentials whatever their value is.
var secretHeaders = map[string]bool{
	"Authorization": true, "Proxy-Authorization": true, "Cookie": true, "Set-Cookie": true, "Api-Key": true, "Apikey": true,
	"X-Api-Key": true, "X-Goog-Api-Key": true, "X-Auth-Token": true, "X-Amz-Security-Token": true,
}

func headOf(first string, headers http.Header) string {
	var head strings.Builder
	head.WriteString(first + "\n")
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range headers[name] {
			if secretHeaders[name] {
				value = "[credential]"
			}
			head.WriteString(name + ": " + value + "\n")
		}
	}
	return head.String()
}

func (w *wire) sent(request *http.Request) {
	*w = wire{request: headOf(fmt.Sprintf("%s %s HTTP/1.1\nHost: %s", request.Method, request.URL.RequestURI(), request.URL.Host), request.Header)}
	if request.GetBody == nil {
		return // none, or one that can be read only once
	}
	if body, err := request.GetBody(); err == nil {
		text, _ := io.ReadAll(body) // of memory
		w.request += "\n" + string(text)
		_ = body.Close()
	}
}

func (w *wire) answered(response *http.Response) {
	w.head = headOf(response.Proto+" "+response.Status, response.Header)
	w.contentType, w.status = response.Header.Get("Content-Type"), response.StatusCode
	response.Body = &keptBody{ReadCloser: response.Body, into: w}
}

// keptBody keeps what is read.
type keptBody struct {
	io.ReadCloser
	into *wire
}

func (b *keptBody) Read(into []byte) (int, error) {
	n, err := b.ReadCloser.Read(into)
	// More than is kept, so that a credential is cleaned before it could be cut in two.
	b.into.body = append(b.into.body, into[:min(n, max(2*MostRaw-len(b.into.body), 0))]...)
	return n, err
}

// exchange is what was gathered, nil for nothing.
func (t *Target) exchange(w *wire) *Exchange {
	if w == nil || w.request == "" {
		return nil
	}
	side := func(text string) string {
		text = t.scrub.clean(text)
		return strings.ToValidUTF8(text[:min(len(text), 2*MostRaw)], "\uFFFD")
	}
	made := &Exchange{Request: side(w.request), ContentType: t.scrub.clean(w.contentType), Status: w.status}
	if w.status != 0 {
		made.Response = side(w.head + "\n" + string(w.body))
	}
	return made
}

// CutRaw is a text of at most MostRaw bytes, which ends in CutMark if it was longer.
func CutRaw(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if len(text) <= MostRaw {
		return text
	}
	cut := MostRaw - len(CutMark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + CutMark
}
