package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/violentutf/violentutf/internal/keycloak"
)

// TestBrowserSignsInWithKeycloakAndOut signs alice in at the page in a real Chromium with
// a real Keycloak, runs a query as her, signs out, and replays the old cookie.
func TestBrowserSignsInWithKeycloakAndOut(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: Keycloak takes half a minute to start")
	}
	node, chromium := browser(t)
	idp := keycloak.Start(t)
	base := serveBeside(t, idp.Issuer)
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
