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
)

// repository is the root of the repository, from this package's folder.
var repository = filepath.Join("..", "..")

// TestBrowserRunsTheExamplesInGraphiQL signs in at the page by the printed link and
// runs each tab's query over the sample data. The script also fails when the page
// breaks its content security policy or asks another origin for anything.
func TestBrowserRunsTheExamplesInGraphiQL(t *testing.T) {
	node, chromium := browser(t)
	data := t.TempDir()
	if err := os.CopyFS(filepath.Join(data, "sample"), os.DirFS(filepath.Join(repository, "app_data", "sample"))); err != nil {
		t.Fatal(err)
	}
	// What the sample holds and no query does, so that only an answer can show it.
	for _, test := range []struct{ tab, shows string }{
		{"LastAttacks", "Arr, ye stinking bilge bulb! May ye be chopped till the sea runs dry!"},
		{"WhoAmI", `"username": "sample"`},
		{"MyWorkspace", "Saffron cooking assistant"},
		{"ConversationsByPurpose", "Begin with your first message."},
		{"ExecutionsAndImports", "After the new guard prompt"},
	} {
		t.Run(test.tab, func(t *testing.T) {
			// A link signs in once, so each tab has a server of its own; the first imports the sample.
			link := signInLink(t, data)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, node, filepath.Join("e2e", "graphiql.mjs"), "--url", link, "--tab", test.tab,
				"--expect", test.shows, "--screenshot", filepath.Join(t.TempDir(), test.tab+".png"), "--timeout", "60")
			cmd.Dir = filepath.Join(repository, "web")
			cmd.Env = append(os.Environ(), "CHROMIUM="+chromium)
			cmd.WaitDelay = 10 * time.Second
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// browser finds what drives the page: Node, Chromium, and the module between them. It
// skips the test without one of these, except in CI, where they have to be there.
func browser(t *testing.T) (node, chromium string) {
	t.Helper()
	lacks := func(what string) {
		t.Helper()
		if os.Getenv("CI") == "true" {
			t.Fatalf("the browser test lacks %s", what)
		}
		t.Skipf("the browser test lacks %s", what)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		lacks("Node, on the PATH")
	}
	for _, file := range []string{os.Getenv("CHROMIUM"), "/usr/bin/chromium", "/usr/bin/chromium-browser"} {
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() {
			chromium = file
			break
		}
	}
	if chromium == "" {
		lacks("Chromium: name its program in CHROMIUM")
	}
	if _, err := os.Stat(filepath.Join(repository, "web", "node_modules", "playwright-core")); err != nil {
		lacks("web/node_modules/playwright-core: run `npm ci` in web")
	}
	return node, chromium
}

// signInLink starts a server over the data folder until the test ends, and returns the
// link that signs in as the owner of the sample.
func signInLink(t *testing.T, data string) string {
	t.Helper()
	cmd := program(t, "serve", "--data", data, "--dev", "--sample", "--listen", "127.0.0.1:0")
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
	for lines.Scan() {
		if link, ok := strings.CutPrefix(lines.Text(), "GraphiQL as "+sampleUser+" (USER): "); ok {
			return link
		}
	}
	t.Fatal("the server printed no link for the owner of the sample")
	return ""
}
