package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestHoldingAndAbsentTokensGoThrough(t *testing.T) {
	c := &clock{noon}
	d := openDev(t, t.TempDir(), c)
	token, _, err := d.Issue("alice", RoleAdmin, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	handler := byToken(d, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		viewer := ViewerFrom(r.Context())
		if viewer == nil {
			fmt.Fprint(w, "anonymous ", viewer.HasRole(RoleUser))
			return
		}
		fmt.Fprint(w, viewer.Username, viewer.HasRole(RoleAdmin), viewer.HasRole(RoleUser))
	}))
	for header, want := range map[string]string{"": "anonymous false", "Bearer " + token: "alicetrue false", "bEARER   " + token + " ": "alicetrue false"} {
		if answer := ask(handler, header); answer.Code != http.StatusOK || answer.Body.String() != want {
			t.Errorf("%.10q: %d %s", header, answer.Code, answer.Body)
		}
	}
	c.at = noon.Add(2 * time.Hour)
	if answer := ask(handler, "Bearer "+token); answer.Code != http.StatusUnauthorized || !strings.Contains(answer.Body.String(), "expired") {
		t.Errorf("expired: %d %s", answer.Code, answer.Body)
	}
}

func TestTokensThatDoNotHoldAreRefused(t *testing.T) {
	handler := byToken(openDev(t, t.TempDir(), &clock{noon}), unreached(t))
	for _, header := range []string{"Bearer", "Bearer ", "Bearer hush.hush.hush", "Bearer a b", "Bearer a, Bearer b", "Basic dTpwYXNz", "hush", " "} {
		answer := ask(handler, header)
		if answer.Code != http.StatusUnauthorized {
			t.Errorf("%q: %d", header, answer.Code)
		}
		if got := answer.Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, `Bearer error="invalid_token", error_description="`) {
			t.Errorf("%q: WWW-Authenticate %s", header, got)
		}
		if code := errorCode(t, answer); code != "UNAUTHENTICATED" {
			t.Errorf("%q: code %s", header, code)
		}
		if strings.Contains(fmt.Sprint(answer.Header(), answer.Body), "hush") {
			t.Errorf("%q: the answer quotes the token", header)
		}
	}
	twice := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	twice.Header["Authorization"] = []string{"Bearer a", "Bearer b"}
	if _, present, err := BearerToken(twice); !present || !errors.Is(err, ErrInvalid) {
		t.Errorf("two headers: %v, %v", present, err)
	}
}

// unreachable is an issuer whose keys cannot be fetched.
type unreachable struct{}

func (unreachable) Verify(context.Context, string) (*Viewer, error) {
	return nil, errors.New("connect to identity provider at 10.0.0.1: refused")
}

func TestAnUncheckedTokenIsToldFromABadOne(t *testing.T) {
	answer := ask(byToken(unreachable{}, unreached(t)), "Bearer abc")
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("WWW-Authenticate") != "" {
		t.Errorf("%d %v", answer.Code, answer.Header())
	}
	if strings.Contains(answer.Body.String(), "10.0.0.1") || errorCode(t, answer) != "INTERNAL" {
		t.Errorf("body %s", answer.Body)
	}
}

func TestCodeSignsInOnceWithinAnHour(t *testing.T) {
	c := &clock{noon}
	codes := NewCodes()
	codes.now = c.now
	code, late := codes.Create("alice", RoleAdmin), codes.Create("bob", RoleUser)
	if len(code) != 43 || code == late {
		t.Errorf("codes %q and %q", code, late)
	}
	if _, _, ok := codes.Redeem("guess"); ok {
		t.Error("a guess signs in")
	}
	if username, role, ok := codes.Redeem(code); !ok || username != "alice" || role != RoleAdmin {
		t.Errorf("got %s %s %v", username, role, ok)
	}
	if _, _, ok := codes.Redeem(code); ok {
		t.Error("a code signs in twice")
	}
	c.at = noon.Add(time.Hour)
	if _, _, ok := codes.Redeem(late); ok {
		t.Error("a code signs in after an hour")
	}
}

func TestCodesAreBoundedAndTheOldestEnds(t *testing.T) {
	c := &clock{noon}
	codes := NewCodes()
	codes.now = c.now
	var all []string
	for range liveCodes + 1 {
		c.at = c.at.Add(time.Second)
		all = append(all, codes.Create("alice", RoleUser))
	}
	if len(codes.live) != liveCodes {
		t.Errorf("holds %d", len(codes.live))
	}
	if _, _, ok := codes.Redeem(all[0]); ok {
		t.Error("the oldest still signs in")
	}
	if _, _, ok := codes.Redeem(all[1]); !ok {
		t.Error("the second oldest does not sign in")
	}
}

func TestUsernames(t *testing.T) {
	for _, good := range []string{"a", "alice", "alice.b_c-d@example+x", "Zoë", "用户1", strings.Repeat("x", 64)} {
		if err := ValidUsername(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", ".hidden", "a/b", `a\b`, "..", "a b", "a\x00", "a\n", "a\u202e", "a\xff", "a:b", strings.Repeat("x", 65)} {
		if err := ValidUsername(bad); err == nil || !strings.Contains(err.Error(), "use 1 to 64") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestRolesAreReadInAnyCase(t *testing.T) {
	if role, err := ParseRole("auditor"); err != nil || role != RoleAuditor {
		t.Errorf("got %q, %v", role, err)
	}
	if _, err := ParseRole("root"); err == nil {
		t.Error("root is a role")
	}
}

// byToken asks for the token of a request as a server does.
func byToken(v Verifier, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, present, err := BearerToken(r)
		ctx := r.Context()
		if present && err == nil {
			var viewer *Viewer
			viewer, err = v.Verify(ctx, token)
			ctx = WithViewer(ctx, viewer)
		}
		if err != nil {
			Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// ask sends a request; without a header text, none is sent.
func ask(handler http.Handler, header string) *httptest.ResponseRecorder {
	request := httptest.NewRequest(http.MethodPost, "/graphql", nil)
	if header != "" {
		request.Header.Set("Authorization", header)
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	return answer
}

func unreached(t *testing.T) http.Handler {
	return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request went through") })
}

func errorCode(t *testing.T, answer *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil || len(body.Errors) != 1 || body.Errors[0].Message == "" {
		t.Fatalf("body %s, %v", answer.Body, err)
	}
	return body.Errors[0].Extensions.Code
}
