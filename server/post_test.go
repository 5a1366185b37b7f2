package server_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestUnreadableBodiesAreRefusedWithoutBeingShown(t *testing.T) {
	s := newSite(t)
	for _, test := range []struct {
		body, accept string
		status       int
	}{
		{`{"query": "secret-in-a-body`, "", http.StatusBadRequest},
		{`{"query": "` + strings.Repeat("x", 2<<20) + `"}`, "", http.StatusRequestEntityTooLarge},
		{`{"query": "{ nothing }"}`, "", http.StatusUnprocessableEntity},
		{`{"query": "{ nothing }"}`, "application/graphql-response+json", http.StatusBadRequest},
		{`{"query": "{ server { version } }"}`, "application/graphql-response+json", http.StatusOK},
	} {
		request, err := http.NewRequest(http.MethodPost, s.http.URL+"/graphql", strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Request-Id", "asked-1")
		if test.accept != "" {
			request.Header.Set("Accept", test.accept)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		answer := string(raw)
		if response.StatusCode != test.status || strings.Contains(answer, "secret-in-a-body") {
			t.Errorf("%.60s: status %d, want %d: %.200s", test.body, response.StatusCode, test.status, answer)
		}
		if response.StatusCode != http.StatusOK && (!strings.Contains(answer, `"code":"BAD_USER_INPUT"`) || !strings.Contains(answer, `"requestId":"asked-1"`)) {
			t.Errorf("%.60s: no code or request id in %.200s", test.body, answer)
		}
		if want := test.accept; want != "" && response.Header.Get("Content-Type") != want {
			t.Errorf("%.60s: content type %s, want %s", test.body, response.Header.Get("Content-Type"), want)
		}
	}
}
