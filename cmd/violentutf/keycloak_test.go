package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/keycloak"
)

// TestBrowserSignsInWithKeycloakAndOut: one Keycloak serves all of it, because it takes
// half a minute to start.
func TestBrowserSignsInWithKeycloakAndOut(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: Keycloak takes half a minute to start")
	}
	node, chromium := browser(t)
	idp := keycloak.Start(t)
	base := serveBeside(t, idp.Issuer)

	// In a real Chromium: alice signs in at the page, asks, signs out, and the old cookie is
	// replayed.
	t.Run("at the page", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, node, filepath.Join("e2e", "keycloak.mjs"), "--url", base, "--issuer", idp.Issuer,
			"--username", "alice", "--password", keycloak.DemoPassword("alice"), "--timeout", "90",
			"--screenshot", filepath.Join(t.TempDir(), "keycloak.png"))
		cmd.Dir = filepath.Join(repository, "web")
		cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
		cmd.WaitDelay = 10 * time.Second
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})

	t.Run("Keycloak ends a session by itself", func(t *testing.T) {
		idp.SetClientAttribute(t, "violentutf", "backchannel.logout.url", base+"/auth/backchannel-logout")
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		defer client.CloseIdleConnections()
		get := func(path string) (header http.Header, body string) {
			t.Helper()
			answer, err := client.Get(base + path)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			text, err := io.ReadAll(answer.Body)
			if err != nil {
				t.Fatal(err)
			}
			return answer.Header, string(text)
		}
		begun, _ := get("/auth/login")
		query := idp.FillIn(t, begun.Get("Location"), "bob", keycloak.DemoPassword("bob"), base+"/auth/callback")
		get("/auth/callback?" + query.Encode())
		if _, who := get("/auth/session"); !strings.Contains(who, `"username":"bob"`) || !strings.Contains(who, `"ADMIN"`) {
			t.Fatalf("signed in is %s", who)
		}
		idp.Admin(t, http.MethodPost, "/users/"+idp.UserID(t, "bob")+"/logout", nil, nil)
		patience, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for tick := time.NewTicker(50 * time.Millisecond); ; {
			if _, who := get("/auth/session"); !strings.Contains(who, "bob") {
				break
			}
			select {
			case <-tick.C:
			case <-patience.Done():
				t.Fatal("the session goes on")
			}
		}
	})
}

// serveBeside starts a server whose people sign in with the issuer, until the test ends.
func serveBeside(t *testing.T, issuer string, more ...string) (base string) {
	t.Helper()
	cmd := program(t, append([]string{"serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0"}, more...)...)
	cmd.Env = append(cmd.Env, "VIOLENTUTF_OIDC_ISSUER="+issuer)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		for lines.Scan() { // until the pipe ends
		}
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("the server ended with %v: %s", err, stderr.String())
		}
	})
	lines.Scan()
	base, ok := strings.CutPrefix(lines.Text(), "listening on ")
	if !ok {
		t.Fatalf("printed %q, %s", lines.Text(), stderr.String())
	}
	return base
}
