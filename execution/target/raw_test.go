package target

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

func TestWhatGoesOverTheWireIsKeptWhereAskedFor(t *testing.T) {
	for _, kind := range []string{TypeOpenAI, TypeGateway, TypeAnthropic, TypeHTTPREST} {
		for _, stream := range []bool{false, true} {
			made := serve(t, mocktarget.New(mocktarget.Options{Reply: func(string) string { return "repeats " + key }}), kind, loopback)
			request := ask("tell me")
			request.Stream = stream
			reply, err := made.Send(t.Context(), request)
			if err != nil || reply.Raw != nil {
				t.Fatalf("%s: kept without being asked: %+v, %v", kind, reply, err)
			}
			request.KeepRaw = true
			if reply, err = made.Send(t.Context(), request); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
			raw := reply.Raw
			if !strings.HasPrefix(raw.Request, "POST /") || !strings.Contains(raw.Request, " HTTP/1.1\nHost: 127.0.0.1:") || !strings.Contains(raw.Request, "\n\n{") || !strings.Contains(raw.Request, "tell me") {
				t.Errorf("%s: sent\n%s", kind, raw.Request)
			}
			if !strings.HasPrefix(raw.Response, "HTTP/1.1 200 OK\n") || !strings.Contains(raw.Response, "\n\n") || !strings.Contains(raw.Response, "repeats [credential]") || raw.Status != 200 || raw.ContentType == "" {
				t.Errorf("%s: answered %d %s\n%s", kind, raw.Status, raw.ContentType, raw.Response)
			}
			all := raw.Request + raw.Response
			if strings.Contains(all, key) || strings.Contains(all, base64.StdEncoding.EncodeToString([]byte(key))) || !strings.Contains(raw.Request, "[credential]") {
				t.Errorf("%s: the exchange holds the credential:\n%s", kind, all)
			}
		}
	}
}

func TestAFailedCallIsKept(t *testing.T) {
	made := serve(t, mocktarget.New(mocktarget.Options{Fault: func(string, int) mocktarget.Fault {
		return mocktarget.Fault{Status: http.StatusUnauthorized, Body: `{"error":{"message":"bad key ` + key + `"}}`}
	}}), TypeOpenAI, loopback)
	request := ask("tell me")
	request.KeepRaw = true
	_, err := made.Send(t.Context(), request)
	failure, ok := errors.AsType[*Error](err)
	if !ok || failure.Raw == nil || failure.Raw.Status != http.StatusUnauthorized || !strings.Contains(failure.Raw.Response, "bad key [credential]") {
		t.Fatalf("%+v", failure)
	}
	gone, err := New(TypeOpenAI, `{"endpoint":"http://127.0.0.1:1/v1","model":"m"}`, map[string]string{"/api_key": key}, loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer gone.Close()
	_, err = gone.Send(t.Context(), request)
	if failure, ok = errors.AsType[*Error](err); !ok || failure.Raw == nil || failure.Raw.Response != "" || !strings.Contains(failure.Raw.Request, "tell me") {
		t.Errorf("without an answer: %+v, %v", failure, err)
	}
}

// Cookies and keys in headers that nobody set as a credential are taken out by their names,
// and what is too long is cut behind what was taken out.
func TestKeptExchangesAreCleanedAndCut(t *testing.T) {
	made := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "session=abcdef")
		_, _ = w.Write([]byte(`{"reply":"` + strings.Repeat("é", MostRaw/2-100) + key + strings.Repeat("x", 2*MostRaw) + `"}`))
	}), TypeHTTPREST, loopback)
	request := ask(strings.Repeat("long ", MostRaw))
	request.KeepRaw = true
	reply, err := made.Send(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	raw := reply.Raw
	if len(raw.Request) > 2*MostRaw || len(raw.Response) > 2*MostRaw {
		t.Errorf("%d and %d bytes before they are cut", len(raw.Request), len(raw.Response))
	}
	if raw.Request, raw.Response = CutRaw(raw.Request), CutRaw(raw.Response); len(raw.Request) > MostRaw || !strings.HasSuffix(raw.Request, CutMark) || len(raw.Response) > MostRaw || !strings.HasSuffix(raw.Response, CutMark) ||
		strings.Contains(raw.Response, "abcdef") || strings.Contains(raw.Response, key[:8]) || !strings.Contains(raw.Response, "Set-Cookie: [credential]") {
		t.Errorf("%d bytes sent, %d answered: %.300s", len(raw.Request), len(raw.Response), raw.Response)
	}
	echo, err := New(TypeEcho, storage.JSON("{}"), nil, loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	if reply, err := echo.Send(t.Context(), request); err != nil || reply.Raw != nil {
		t.Errorf("ECHO keeps %+v, %v", reply, err)
	}
}
