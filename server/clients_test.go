package server_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// The clients that integrations use, graphql-ws and graphql-sse of npm, follow a run to its
// end, and miss nothing when they lose their connection.
func TestNpmClientsFollowARunToItsEnd(t *testing.T) {
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join("..", "web", "node_modules", "graphql-sse"))
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the test lacks Node or its modules: %v", err)
		}
		t.Skipf("the test lacks Node or its modules (run `npm ci` in web): %v", err)
	}
	const items = 3000
	s := newStage(t)
	token := s.tokenOf("alice")
	made := s.mustAsk(token, `mutation($p: JSON!) { createGenerator(input: {name: "mock", type: "OPENAI_COMPATIBLE", parameters: $p}) { generator { id } userErrors { message } } }`,
		map[string]any{"p": map[string]any{"endpoint": s.endpoint + "/v1", "model": "mock", "api_key": "sk-mock-0123456789abcdef"}})
	made = s.mustAsk(token, `mutation($g: ID!) { createOrchestrator(input: {name: "o", type: "PROMPT_SENDING", generator: $g, prompts: ["Hello", "You", "There"], parameters: {repetitions: 1000}, concurrency: 8}) { orchestrator { id } userErrors { message } } }`,
		map[string]any{"g": at(made.Data, "createGenerator", "generator", "id")})
	made = s.mustAsk(token, `mutation($o: ID!) { startExecution(input: {orchestrator: $o}) { execution { id } userErrors { message } } }`,
		map[string]any{"o": at(made.Data, "createOrchestrator", "orchestrator", "id")})
	id, _ := at(made.Data, "startExecution", "execution", "id").(string)
	if id == "" {
		t.Fatal(made.body)
	}
	ctx, end := context.WithTimeout(t.Context(), 2*time.Minute)
	defer end()
	cmd := exec.CommandContext(ctx, node, filepath.Join("e2e", "follow.mjs"), "--url", s.http.URL, "--token", token, "--execution", id, "--items", strconv.Itoa(items), "--timeout", "100")
	cmd.Dir = filepath.Join("..", "web")
	cmd.WaitDelay = 10 * time.Second
	var working sync.WaitGroup
	working.Go(func() { s.server.WorkOnRuns(ctx) })
	out, err := cmd.CombinedOutput()
	end()
	working.Wait()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%s", out)
}
