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

func TestWhatAGetMayNotAskIsRefusedWithACode(t *testing.T) {
	s := newSite(t)
	for _, test := range []struct {
		query, allow string
		status       int
	}{
		{"query=mutation{createWorkspace(input:{name:%22x%22}){workspace{name}}}", http.MethodPost, http.StatusMethodNotAllowed},
		{"query={server{version}}&variables=[", "", http.StatusBadRequest},
		{"query={server{version}}&extensions=1", "", http.StatusBadRequest},
		{"query=%zz", "", http.StatusBadRequest},
		{"query={nothing}", "", http.StatusUnprocessableEntity},
		{"query=subscription{__typename}", "", http.StatusUnprocessableEntity},
		{"query=query($a:Boolean!){server@include(if:$a){version}}&variables={%22a%22:true}", "", http.StatusOK},
	} {
		response, body := s.get("/graphql?"+test.query, map[string]string{"X-Request-Id": "asked-1"})
		if response.StatusCode != test.status || response.Header.Get("Allow") != test.allow {
			t.Errorf("%s: %d, %v", test.query, response.StatusCode, response.Header)
		}
		if refused := !strings.Contains(body, `"version"`); refused && (!strings.Contains(body, `"code":"BAD_USER_INPUT"`) || !strings.Contains(body, `"requestId":"asked-1"`)) {
			t.Errorf("%s: no code or request id in %s", test.query, body)
		}
	}
}

func TestTheSchemaIsShownToWhoIsSignedInAlone(t *testing.T) {
	r := newRealm(t, nil)
	for _, query := range []string{`{__schema{queryType{name}}}`, `{__type(name:"Query"){name}}`} {
		if a := r.browser().query(query, nil); a.code() != "UNAUTHENTICATED" || strings.Contains(r.log.String(), "introspection disabled") {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
}

func TestWhatNoTransportReadsSaysWhatToSend(t *testing.T) {
	s := newSite(t)
	for name, c := range map[string]struct {
		method, media string
		status        int
	}{
		"another method": {http.MethodPut, "application/json", http.StatusMethodNotAllowed},
		"a plain text":   {http.MethodPost, "text/plain", http.StatusUnsupportedMediaType},
		"no type":        {http.MethodPost, "", http.StatusUnsupportedMediaType},
		"with a charset": {http.MethodPost, "application/json; charset=utf-8", http.StatusOK},
	} {
		request, err := http.NewRequest(c.method, s.http.URL+"/graphql", strings.NewReader(`{"query":"{server{version}}"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", c.media)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != c.status || c.status != http.StatusOK && !strings.Contains(string(body), `"BAD_USER_INPUT"`) {
			t.Errorf("%s: %s %s", name, answer.Status, body)
		}
	}
}
