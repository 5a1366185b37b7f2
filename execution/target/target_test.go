package target

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/storage"
)

var loopback = Options{
	Policy:  outbound.Policy{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
	Timeout: 5 * time.Second,
}

const key = "sk-very-secret-0001"

func serve(t testing.TB, handler http.Handler, kind string, options Options) *Target {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	parameters := storage.JSON(`{"endpoint":"` + server.URL + `/v1","model":"m"}`)
	if kind == TypeHTTPREST {
		parameters = storage.JSON(`{"url":"` + server.URL + `/rest","reply_pointer":"/reply"}`)
	}
	credentials := map[string]string{"/api_key": key}
	if kind == TypeHTTPREST {
		credentials = map[string]string{"/headers/Authorization": "Bearer " + key}
	}
	made, err := New(kind, parameters, credentials, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}

func ask(text string) Request {
	return Request{Messages: []Message{{Role: "user", Pieces: []Piece{{DataType: "text", Text: text}}}}}
}

func TestEveryTypeAnswersAndSendsItsOwnKeyOnly(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "of-the-server")
	t.Setenv("ANTHROPIC_API_KEY", "of-the-server")
	for kind, header := range map[string]string{TypeOpenAI: "Authorization", TypeGateway: "apikey", TypeAnthropic: "x-api-key", TypeHTTPREST: "Authorization"} {
		for _, stream := range []bool{false, true} {
			var sent http.Header
			made := serve(t, mocktarget.New(mocktarget.Options{Seen: func(r *http.Request, _ []byte) { sent = r.Header.Clone() }}), kind, loopback)
			request := ask(`a "quoted" <prompt> {{ prompt }}`)
			request.Stream = stream
			reply, err := made.Send(t.Context(), request)
			if err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			if reply.Text() != `a "quoted" <prompt> {{ prompt }}` || reply.ResponseError != "none" {
				t.Errorf("%s stream %t: got %+v", kind, stream, reply)
			}
			if stream && kind != TypeHTTPREST && (reply.FirstToken == 0 || reply.InputTokens == nil) {
				t.Errorf("%s: no time to the first token, or no usage: %+v", kind, reply)
			}
			if got := sent.Get(header); !strings.HasSuffix(got, key) {
				t.Errorf("%s: %s is %q", kind, header, got)
			}
			for name, values := range sent {
				if strings.Contains(strings.Join(values, " "), "of-the-server") {
					t.Errorf("%s: the server's own key went out in %s", kind, name)
				}
			}
		}
	}
}

func TestFailuresHaveAClass(t *testing.T) {
	for name, test := range map[string]struct {
		fault mocktarget.Fault
		class Class
	}{
		"429":       {mocktarget.Fault{Status: 429, RetryAfter: "7"}, ClassRateLimited},
		"500":       {mocktarget.Fault{Status: 500}, ClassUnavailable},
		"401":       {mocktarget.Fault{Status: 401, Body: `{"error":{"message":"bad key ` + key + `"}}`}, ClassUnauthorized},
		"404":       {mocktarget.Fault{Status: 404, Body: `not json`}, ClassNotFound},
		"400":       {mocktarget.Fault{Status: 400}, ClassBadRequest},
		"408":       {mocktarget.Fault{Status: 408}, ClassTimeout},
		"reset":     {mocktarget.Fault{Reset: true}, ClassUnavailable},
		"malformed": {mocktarget.Fault{Malformed: true}, ClassMalformedReply},
		"slow":      {mocktarget.Fault{Slow: true}, ClassTimeout},
	} {
		for _, kind := range []string{TypeOpenAI, TypeAnthropic, TypeHTTPREST} {
			options := loopback
			if name == "slow" {
				options.Timeout = 50 * time.Millisecond
			}
			endpoint := mocktarget.New(mocktarget.Options{Fault: func(string, int) mocktarget.Fault { return test.fault }})
			_, err := serve(t, endpoint, kind, options).Send(t.Context(), ask("p"))
			failure, ok := errors.AsType[*Error](err)
			if !ok || failure.Class != test.class || strings.Contains(failure.Error(), key) {
				t.Errorf("%s %s: got %v, want %s", kind, name, err, test.class)
			}
			if name == "429" && ok && failure.RetryAfter != 7*time.Second {
				t.Errorf("%s: retry after %v", kind, failure.RetryAfter)
			}
			if name != "reset" && endpoint.Calls("p") != 1 { // net/http itself may repeat on a dead connection
				t.Errorf("%s %s: called %d times", kind, name, endpoint.Calls("p"))
			}
		}
	}
}

func TestBlockedAndEmptyAreReplies(t *testing.T) {
	azure := `{"error":{"code":"content_filter","message":"filtered"}}`
	for name, test := range map[string]struct {
		fault mocktarget.Fault
		want  string
	}{
		"filter": {mocktarget.Fault{ContentFilter: true}, "blocked"},
		"azure":  {mocktarget.Fault{Status: 400, Body: azure}, "blocked"},
		"empty":  {mocktarget.Fault{}, "empty"},
	} {
		for _, kind := range []string{TypeOpenAI, TypeAnthropic} {
			made := serve(t, mocktarget.New(mocktarget.Options{
				Reply: func(string) string { return "" }, Fault: func(string, int) mocktarget.Fault { return test.fault },
			}), kind, loopback)
			reply, err := made.Send(t.Context(), ask("p"))
			if err != nil || reply.ResponseError != test.want {
				t.Errorf("%s %s: got %+v, %v", kind, name, reply, err)
			}
		}
	}
}

func TestPrivateAddressesAndOtherHostsAreRefused(t *testing.T) {
	other := httptest.NewServer(mocktarget.New(mocktarget.Options{}))
	t.Cleanup(other.Close)
	for name, made := range map[string]*Target{
		"private":  serve(t, mocktarget.New(mocktarget.Options{}), TypeOpenAI, Options{}),
		"redirect": serve(t, http.RedirectHandler(other.URL+"/v1/chat/completions", http.StatusTemporaryRedirect), TypeOpenAI, loopback),
	} {
		_, err := made.Send(t.Context(), ask("p"))
		if failure, ok := errors.AsType[*Error](err); !ok || failure.Class != ClassRefusedAddress {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCancellationIsHonouredAtOnce(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	made := serve(t, mocktarget.New(mocktarget.Options{Latency: time.Minute, Seen: func(*http.Request, []byte) { cancel() }}), TypeOpenAI, loopback)
	_, err := made.Send(ctx, ask("p"))
	if failure, ok := errors.AsType[*Error](err); !ok || failure.Class != ClassCancelled {
		t.Errorf("got %v", err)
	}
}

func TestRepliesAndRawTextHoldNoCredential(t *testing.T) {
	made := serve(t, mocktarget.New(mocktarget.Options{}), TypeOpenAI, loopback)
	request := ask("say " + key)
	request.KeepRaw = true
	reply, err := made.Send(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if all := reply.Text() + reply.Raw.Request + reply.Raw.Response; strings.Contains(all, key) || reply.Text() != "say [credential]" {
		t.Errorf("got %q", all)
	}
	component, err := made.Component("g")
	if err != nil || component.ClassName != "OpenAIChatTarget" || strings.Contains(string(component.Identifier), key) {
		t.Errorf("got %+v, %v", component, err)
	}
	if models, err := made.Models(t.Context()); err != nil || len(models) != 2 {
		t.Errorf("got %v, %v", models, err)
	}
}

func FuzzPointerAndTemplate(f *testing.F) {
	f.Add("/a/0/~1", `x"{{ prompt }}`)
	f.Fuzz(func(t *testing.T, text, prompt string) {
		if at, err := parsePointer(text); err == nil && len(at) > 0 {
			tree, err := at.put(nil, prompt)
			if found, there := at.find(tree); err != nil || !there || found != prompt {
				t.Errorf("%q: got %v, %v", text, found, err)
			}
		}
		if made := fill(`"{{prompt}}"`, prompt, insideJSON); len(made) < 2 || made[len(made)-1] != '"' {
			t.Errorf("got %q", made)
		}
	})
}

func BenchmarkSend(b *testing.B) {
	made := serve(b, mocktarget.New(mocktarget.Options{}), TypeOpenAI, loopback)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := made.Send(context.Background(), ask("p")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkSendREST is the same call without a provider's SDK, to tell its cost.
func BenchmarkSendREST(b *testing.B) {
	made := serve(b, mocktarget.New(mocktarget.Options{}), TypeHTTPREST, loopback)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := made.Send(context.Background(), ask("p")); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestTypesAreKnownAsTheOriginalSpellsThem(t *testing.T) {
	for spelled, test := range map[string]struct {
		parameters storage.JSON
		kind       string
	}{
		"AI Gateway": {`{"endpoint":"https://gateway.example/ai","model":"m"}`, TypeGateway},
		"HTTP REST":  {`{"url":"https://model.example/ask"}`, TypeHTTPREST},
	} {
		made, err := New(spelled, test.parameters, nil, loopback)
		if err != nil || made.kind != test.kind {
			t.Errorf("%s: %v, %v", spelled, made, err)
			continue
		}
		made.Close()
	}
}
