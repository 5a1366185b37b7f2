package server_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

func TestHealthIsOnRecordOnceAMinute(t *testing.T) {
	r := newRealm(t, nil)
	for range 3 {
		for _, path := range []string{"/healthz", "/readyz"} {
			if answer := r.browser().get(path); answer.StatusCode != http.StatusOK {
				t.Errorf("%s: %s", path, answer.Status)
			}
		}
	}
	found, err := r.house.App.HealthChecks(t.Context(), nil, storage.Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]storage.HealthStatus{}
	for _, edge := range found.Edges {
		seen[edge.Node.Component] = edge.Node.Status
	}
	if len(found.Edges) != 2 || seen["server"] != storage.HealthUp || seen["app store"] != storage.HealthUp {
		t.Errorf("on record: %v", seen)
	}
}

func TestFailuresThatNobodyIsToldAreCounted(t *testing.T) {
	r := newRealm(t, nil)
	for _, name := range []string{"alice", "bob"} {
		engine := &os.PathError{Op: "open", Path: "/secret/" + name, Err: syscall.EIO}
		r.server.Fail(t.Context(), "Workspace.attacks", fmt.Errorf("open the store %q of 42: %w", name, engine))
	}
	r.server.Fail(t.Context(), "Workspace.attacks", errors.New("another failure"))
	found, err := r.house.App.ErrorLogs(t.Context(), storage.Page{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, edge := range found.Edges {
		counts[edge.Node.Where+": "+edge.Node.Message] = edge.Node.Count
	}
	want := map[string]int64{"Workspace.attacks: another failure": 1, "Workspace.attacks: open the store ? of ?: open ? syscall.Errno": 2}
	if !maps.Equal(counts, want) {
		t.Errorf("on record: %v, want %v", counts, want)
	}
}

// forwarded signs a request as the gateway of docs/keycloak.md does.
func forwarded(request *http.Request, key, body, user, subject, roles, nonce string) {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	sum := sha256.Sum256([]byte(body))
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(strings.Join([]string{
		"violentutf-forwarded-v1", request.Method, request.URL.RequestURI(), hex.EncodeToString(sum[:]), user, subject, roles, stamp, nonce,
	}, "\n")))
	for name, value := range map[string]string{
		auth.ForwardedUser: user, auth.ForwardedSubject: subject, auth.ForwardedRoles: roles, auth.ForwardedTimestamp: stamp,
		auth.ForwardedNonce: nonce, auth.ForwardedSignature: hex.EncodeToString(mac.Sum(nil)),
	} {
		request.Header.Set(name, value)
	}
}

func TestAGatewaysWordCountsWithItsSignatureOnly(t *testing.T) {
	const key = "0123456789abcdef0123456789abcdef"
	r := newRealm(t, func(o *server.Options) {
		var err error
		if o.Forwarded, err = auth.OpenForwarded(auth.ForwardedOptions{Key: []byte(key), Issuer: "https://idp.example"}); err != nil {
			t.Fatal(err)
		}
	})
	body := `{"query":"{ viewer { username roles } }"}`
	ask := func(change func(*http.Request)) reply {
		request := httptest.NewRequest(http.MethodPost, "/graphql", bytes.NewReader([]byte(body)))
		request.Header.Set("Content-Type", "application/json")
		forwarded(request, key, body, "carol", "id-carol", "USER", auth.NewSessionToken().Hash()[:32])
		change(request)
		answer := httptest.NewRecorder()
		r.server.Handler().ServeHTTP(answer, request)
		return reply{answer.Code, answer.Header(), answer.Body.String()}
	}
	if a := ask(func(*http.Request) {}); a.status != http.StatusOK || !strings.Contains(a.body, `"carol"`) {
		t.Errorf("signed: %d %s", a.status, a.body)
	}
	for name, change := range map[string]func(*http.Request){
		"another user":   func(r *http.Request) { r.Header.Set(auth.ForwardedUser, "admin") },
		"more roles":     func(r *http.Request) { r.Header.Set(auth.ForwardedRoles, "USER,ADMIN") },
		"no signature":   func(r *http.Request) { r.Header.Del(auth.ForwardedSignature) },
		"the user alone": func(r *http.Request) { r.Header = http.Header{auth.ForwardedUser: {"admin"}} },
	} {
		if a := ask(change); a.status != http.StatusUnauthorized || strings.Contains(a.body, `"carol"`) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	body = strings.Repeat(" ", 1<<20) + body
	if a := ask(func(*http.Request) {}); a.status != http.StatusRequestEntityTooLarge || a.code() != "BAD_USER_INPUT" {
		t.Errorf("too long: %d %s", a.status, a.body)
	}
}
