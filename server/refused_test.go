package server_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/violentutf/violentutf/auth"
)

// rawAttack is a request that no client of ours sends.
type rawAttack struct {
	name        string
	method      string
	path        string // after /graphql
	contentType string
	body        string
	anonymous   bool
	header      http.Header
	want        string // what the answer must hold; empty: anything but data
}

const made = `mutation { createWorkspace(input: {name: \"forged\"}) { workspace { name } } }`

func TestRequestsOfForeignFormsAreRefused(t *testing.T) {
	s := newSite(t)
	token := s.token("alice", auth.RoleUser)
	mutation := `{"query": "` + made + `"}`
	inURL := "?query=" + url.QueryEscape(strings.ReplaceAll(made, `\"`, `"`))
	for _, attack := range []rawAttack{
		{name: "a form", method: "POST", contentType: "application/x-www-form-urlencoded", body: strings.TrimPrefix(inURL, "?")},
		{name: "a form that holds JSON", method: "POST", contentType: "application/x-www-form-urlencoded", body: mutation},
		{name: "plain text", method: "POST", contentType: "text/plain", body: mutation},
		{name: "plain text that mentions JSON", method: "POST", contentType: "text/plain; x=application/json", body: mutation},
		{name: "no content type", method: "POST", body: mutation},
		{name: "a multipart form", method: "POST", contentType: "multipart/form-data; boundary=x", body: "--x\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" + mutation + "\r\n--x--\r\n"},
		{name: "application/graphql", method: "POST", contentType: "application/graphql", body: strings.ReplaceAll(made, `\"`, `"`)},
		{name: "a mutation by GET", method: "GET", path: inURL},
		{name: "a mutation by GET with a content type", method: "GET", path: inURL, contentType: "application/json"},
		{name: "a mutation by GET that says it is a POST", method: "GET", path: inURL, header: http.Header{"X-Http-Method-Override": {"POST"}}},
		{name: "a mutation by HEAD", method: "HEAD", path: inURL},
		{name: "PUT", method: "PUT", contentType: "application/json", body: mutation},
		{name: "DELETE", method: "DELETE", contentType: "application/json", body: mutation},
		{name: "a query in the URL of a POST", method: "POST", path: inURL, contentType: "application/json", body: `{}`},
		{name: "many in one body", method: "POST", contentType: "application/json", body: "[" + mutation + "," + mutation + "]"},
		{name: "a query that is a number", method: "POST", contentType: "application/json", body: `{"query": 1}`, want: "BAD_USER_INPUT"},
		{name: "a query that is null", method: "POST", contentType: "application/json", body: `{"query": null}`, want: "BAD_USER_INPUT"},
		{name: "variables that are a list", method: "POST", contentType: "application/json", body: `{"query": "{viewer{username}}", "variables": []}`, want: "BAD_USER_INPUT"},
		{name: "an operation that is not there", method: "POST", contentType: "application/json", body: `{"query": "query A{viewer{username}}", "operationName": "B"}`, want: "BAD_USER_INPUT"},
		{name: "a persisted query that nobody kept", method: "POST", contentType: "application/json", body: `{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "00"}}}`},
		{name: "too many tokens", method: "POST", contentType: "application/json", body: `{"query": "{` + strings.Repeat("viewer ", 20_000) + `}"}`, want: "BAD_USER_INPUT"},
		{name: "a string without end", method: "POST", contentType: "application/json", body: `{"query": "{viewer{workspace(name:\"x`, want: "BAD_USER_INPUT"},
		{name: "a byte that is no UTF-8", method: "POST", contentType: "application/json", body: "{\"query\": \"{viewer{workspace(name:\\\"\xff\\\"){id}}}\"}", want: "NOT_FOUND"},
		{name: "half a surrogate", method: "POST", contentType: "application/json", body: `{"query": "{viewer{workspace(name:\"\\ud800\"){id}}}"}`},
		{name: "a token in the URL", method: "GET", path: "?access_token=" + token + "&query=%7Bviewer%7Busername%7D%7D", anonymous: true, want: "UNAUTHENTICATED"},
		{name: "a token in the body", method: "POST", contentType: "application/json", anonymous: true, body: `{"query": "{viewer{username}}", "access_token": "` + token + `"}`, want: "UNAUTHENTICATED"},
		{name: "a token in a cookie of one's own", method: "POST", contentType: "application/json", anonymous: true, body: `{"query": "{viewer{username}}"}`, header: http.Header{"Cookie": {"token=" + token + "; Authorization=Bearer " + token}}, want: "UNAUTHENTICATED"},
		{name: "an identity in a header", method: "POST", contentType: "application/json", anonymous: true, body: `{"query": "{viewer{username}}"}`, header: http.Header{"X-User": {"alice"}, "X-Userinfo": {"eyJzdWIiOiJhbGljZSJ9"}, "X-Forwarded-User": {"alice"}}, want: "UNAUTHENTICATED"},
		{name: "two tokens", method: "POST", contentType: "application/json", anonymous: true, body: `{"query": "{viewer{username}}"}`, header: http.Header{"Authorization": {"Bearer " + token, "Bearer " + token}}, want: "UNAUTHENTICATED"},
		{name: "a token of the scheme Basic", method: "POST", contentType: "application/json", anonymous: true, body: `{"query": "{viewer{username}}"}`, header: http.Header{"Authorization": {"Basic " + token}}, want: "UNAUTHENTICATED"},
		{name: "an API key that is none", method: "POST", contentType: "application/json", anonymous: true, body: `{"query": "{viewer{username}}"}`, header: http.Header{"Authorization": {"Bearer vutf_0000"}}, want: "UNAUTHENTICATED"},
	} {
		t.Run(attack.name, func(t *testing.T) {
			request, err := http.NewRequest(attack.method, s.http.URL+"/graphql"+attack.path, strings.NewReader(attack.body))
			if err != nil {
				t.Fatal(err)
			}
			for name, values := range attack.header {
				request.Header[name] = values
			}
			if attack.contentType != "" {
				request.Header.Set("Content-Type", attack.contentType)
			}
			if !attack.anonymous {
				request.Header.Set("Authorization", "Bearer "+token)
			}
			request.Header["X-Request-Id"] = []string{"a b\tc"}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			raw, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			answer := string(raw)
			if !strings.Contains(answer, attack.want) || strings.Contains(answer, "forged") || strings.Contains(answer, `"username"`) {
				t.Errorf("status %d: %.300s", response.StatusCode, answer)
			}
			if attack.want == "" && response.StatusCode == http.StatusOK && !strings.Contains(answer, `"errors"`) {
				t.Errorf("it is answered: %.300s", answer)
			}
			if strings.Contains(answer, `"INTERNAL"`) || response.StatusCode >= http.StatusInternalServerError {
				t.Errorf("it is a fault of the server: %d, %.300s", response.StatusCode, answer)
			}
			if found := internals.FindString(answer); found != "" {
				t.Errorf("the answer shows %q: %.300s", found, answer)
			}
			if response.Header.Get("X-Request-Id") == "a b\tc" {
				t.Error("the request has the name that the client made up")
			}
		})
	}
	workspaces := s.mustAsk(token, `{ viewer { workspaces { name } archivedWorkspaces { name } } }`, nil)
	if strings.Contains(workspaces.body, "forged") {
		t.Errorf("a forged request was done: %s", workspaces.body)
	}
}

// internals are what no client may see.
var internals = regexp.MustCompile(`(?i)select .*from|insert into|\.go:\d+|goroutine|runtime error|panic|sqlite|duckdb|/tmp/|\.db\b`)
