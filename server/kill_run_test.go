//go:build !race

package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/storage"
)

const (
	killedItems = 5000
	killings    = 20
	// mostRepeated is a batch of results with what is under way beside it, of one kill.
	mostRepeated = 512 + 2*64
)

// The process that works on a run is killed twenty times, at random. The next one goes on
// by itself: every item is recorded once, and few calls are made twice.
func TestRunSurvivesKillsAtRandomMoments(t *testing.T) {
	dir := t.TempDir()
	copyFolder(t, furnished(t), dir)
	endpoint := mocktarget.New(mocktarget.Options{Latency: 20 * time.Millisecond})
	model := httptest.NewServer(endpoint)
	defer model.Close()
	issuer, err := auth.OpenDevIssuer(dir + "/config")
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := issuer.Issue("alice", auth.RoleUser, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	prompts := make([]string, killedItems/10)
	for i := range prompts {
		prompts[i] = fmt.Sprintf("prompt %d", i)
	}
	p := startProcess(t, dir)
	made := p.ask(t, token, `mutation($g: JSON!) { createGenerator(input: {name: "mock", type: "OPENAI_COMPATIBLE", parameters: $g}) { generator { id } userErrors { message } } }`,
		map[string]any{"g": map[string]any{"endpoint": model.URL + "/v1", "model": "mock", "api_key": "sk-mock-0123456789abcdef"}})
	generator := at(made, "createGenerator", "generator", "id")
	made = p.ask(t, token, `mutation($g: ID!, $p: [String!]!) { createOrchestrator(input: {name: "o", type: "PROMPT_SENDING", generator: $g, prompts: $p, parameters: {repetitions: 10}, concurrency: 32}) { orchestrator { id } userErrors { message } } }`,
		map[string]any{"g": generator, "p": prompts})
	made = p.ask(t, token, `mutation($o: ID!) { startExecution(input: {orchestrator: $o}) { execution { id } userErrors { message } } }`,
		map[string]any{"o": at(made, "createOrchestrator", "orchestrator", "id")})
	id := at(made, "startExecution", "execution", "id")
	random := rand.New(rand.NewPCG(20, 5000))
	for range killings {
		done := p.done(t, token, id)
		moment := done + 1 + random.Int64N(max((killedItems-done)/killings, 2))
		for p.done(t, token, id) < moment {
			time.Sleep(time.Duration(random.Int64N(30)) * time.Millisecond)
		}
		p.kill()
		p = startProcess(t, dir)
	}
	until := time.Now().Add(2 * time.Minute)
	for p.done(t, token, id) < killedItems {
		if time.Now().After(until) {
			t.Fatalf("after the last kill it came to %d items", p.done(t, token, id))
		}
		time.Sleep(50 * time.Millisecond)
	}
	var run map[string]any
	for run["status"] != "SUCCEEDED" {
		if time.Now().After(until) {
			t.Fatalf("it does not end: %v", run)
		}
		a := p.ask(t, token, `query($id: ID!) { node(id: $id) { ... on Execution { status summary { attacks } progress { total done } items(first: 1) { totalCount } conversations(first: 1) { totalCount } } } }`, map[string]any{"id": id})
		run, _ = at(a, "node").(map[string]any)
	}
	for what, got := range map[string]any{
		"attacks": at(run, "summary", "attacks"), "items": at(run, "items", "totalCount"), "conversations": at(run, "conversations", "totalCount"), "done": at(run, "progress", "done"),
	} {
		if got != float64(killedItems) {
			t.Errorf("%v %s, want %d", got, what, killedItems)
		}
	}
	p.kill()
	calls := 0
	for _, prompt := range prompts {
		calls += endpoint.Calls(prompt)
	}
	t.Logf("%d kills: %d of %d calls were made twice", killings, calls-killedItems, killedItems)
	if calls < killedItems || calls-killedItems > killings*mostRepeated {
		t.Errorf("%d calls for %d items", calls, killedItems)
	}
	s := newStageIn(t, dir)
	s.sound()
	eachItemOnce(t, s)
}

// eachItemOnce reads the items of alice's run: all numbers of the plan, each once, and each
// with an attack of its own.
func eachItemOnce(t *testing.T, s *stage) {
	t.Helper()
	ctx := context.Background()
	_, workspace, err := s.house.App.EnsureUser(ctx, "alice", s.house.PersonalFile("alice"))
	if err != nil {
		t.Fatal(err)
	}
	store, err := s.house.StoreOf(ctx, workspace.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	runs, err := store.Executions(ctx, &storage.ExecutionFilter{Origin: &storage.OriginIn{In: []storage.Origin{storage.OriginNative}}}, storage.ExecutionOrder{Field: storage.ExecutionOrderStartedAt}, storage.Page{Limit: 2})
	if err != nil || len(runs.Nodes()) != 1 {
		t.Fatalf("%v, %v", runs, err)
	}
	key := runs.Nodes()[0].Key
	page, attacks, next := storage.Page{Limit: storage.MaxPageSize}, map[int64]bool{}, int64(0)
	for {
		items, err := store.ItemsByExecution(ctx, []string{key}, nil, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items[key].Nodes() {
			if item.Item != next || item.AttackNumber == nil || attacks[*item.AttackNumber] {
				t.Fatalf("item %d is %+v", next, item)
			}
			attacks[*item.AttackNumber] = true
			next++
		}
		if !items[key].PageInfo.HasNextPage {
			break
		}
		page.After = *items[key].PageInfo.EndCursor
	}
	if next != killedItems {
		t.Errorf("%d items", next)
	}
}

// ask sends a document and returns its data.
func (p *process) ask(t *testing.T, token, query string, variables map[string]any) map[string]any {
	t.Helper()
	text := <-p.send(token, query, variables)
	var a answer
	if err := json.Unmarshal([]byte(text), &a); err != nil || a.problem() != "" {
		t.Fatalf("%s answers %q: %v", query, text, err)
	}
	return a.Data
}

// done is how many items of a run are recorded.
func (p *process) done(t *testing.T, token string, id any) int64 {
	t.Helper()
	a := p.ask(t, token, `query($id: ID!) { node(id: $id) { ... on Execution { progress { done } } } }`, map[string]any{"id": id})
	done, _ := at(a, "node", "progress", "done").(float64)
	return int64(done)
}
