package server_test

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

const makeWebhook = `mutation($url:String!){createWebhook(input:{name:"ci",url:$url,events:[EXECUTION_QUEUED]}){secret webhook{id} userErrors{message}}}`

// newHooked is a site whose webhooks may reach receivers of this machine.
func newHooked(t *testing.T) *site {
	t.Helper()
	return newSiteWith(t, func(o *server.Options) { o.Outbound.Private = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
}

// A run from its start to its end, by the server as it is: the webhook is told each step,
// and of nothing that was sent or answered.
func TestTheServerTellsWebhooksOfARun(t *testing.T) {
	s := newHooked(t)
	model := httptest.NewServer(mocktarget.New(mocktarget.Options{Reply: func(string) string { return "a reply to keep" }}))
	t.Cleanup(model.Close)
	got := make(chan string, 10)
	var secret string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			var verifier *standardwebhooks.Webhook
			if verifier, err = standardwebhooks.NewWebhook(secret); err == nil {
				err = verifier.Verify(body, r.Header)
			}
		}
		if err != nil {
			body = []byte(err.Error())
		}
		got <- string(body)
	}))
	t.Cleanup(receiver.Close)
	token := s.token("alice", auth.RoleUser)
	a := s.mustAsk(token, `mutation($url:String!){createWebhook(input:{name:"ci",url:$url,events:[EXECUTION_QUEUED,EXECUTION_STARTED,EXECUTION_SUCCEEDED]}){secret webhook{id}}}`, map[string]any{"url": receiver.URL})
	secret = at(a.Data, "createWebhook", "secret").(string)
	webhook := at(a.Data, "createWebhook", "webhook", "id")

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(ctx, listener, func() {}) }()
	a = s.mustAsk(token, `mutation($g:JSON!){createGenerator(input:{name:"mock",type:"OPENAI_COMPATIBLE",parameters:$g}){generator{id}}}`,
		map[string]any{"g": map[string]any{"endpoint": model.URL + "/v1", "model": "mock", "api_key": "sk-mock-0123456789abcdef"}})
	a = s.mustAsk(token, `mutation($g:ID!){createOrchestrator(input:{name:"nightly",type:"PROMPT_SENDING",generator:$g,prompts:["a prompt to keep"]}){orchestrator{id}}}`,
		map[string]any{"g": at(a.Data, "createGenerator", "generator", "id")})
	a = s.mustAsk(token, `mutation($o:ID!){startExecution(input:{orchestrator:$o}){execution{id} userErrors{message}}}`,
		map[string]any{"o": at(a.Data, "createOrchestrator", "orchestrator", "id")})
	run, ok := at(a.Data, "startExecution", "execution", "id").(string)
	if !ok {
		t.Fatal(a.body)
	}
	told := map[string]bool{}
	for len(told) < 3 {
		select {
		case body := <-got:
			var message struct {
				Type string
				Data struct {
					Execution struct{ ID, Name, Status string }
				}
			}
			if err := json.Unmarshal([]byte(body), &message); err != nil || told[message.Type] || message.Data.Execution.ID != run || message.Data.Execution.Name != "nightly" {
				t.Fatal(body)
			}
			if strings.Contains(body, "to keep") {
				t.Errorf("it tells too much: %s", body)
			}
			told[message.Type] = true
		case err := <-ended:
			t.Fatalf("the server ended: %v", err)
		}
	}
	if !told["execution.queued"] || !told["execution.started"] || !told["execution.succeeded"] {
		t.Errorf("told %v", told)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	a = s.mustAsk(token, `query($id:ID!){node(id:$id){... on Webhook{deliveries(first:1){totalCount nodes{event execution{name}}}}}}`, map[string]any{"id": webhook})
	if at(a.Data, "node", "deliveries", "nodes", 0, "execution", "name") != "nightly" || at(a.Data, "node", "deliveries", "totalCount") != 3.0 {
		t.Errorf("%s", a.body)
	}
}

// A secret is shown once: it is neither in the data folder in clear, nor in the log, nor
// in what anybody can ask for.
func TestNoSecretOfAWebhookIsKept(t *testing.T) {
	s := newHooked(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	t.Cleanup(receiver.Close)
	token := s.token("alice", auth.RoleUser)
	a := s.mustAsk(token, makeWebhook, map[string]any{"url": receiver.URL + "/of-alice"})
	id := map[string]any{"id": at(a.Data, "createWebhook", "webhook", "id")}
	secrets := []string{at(a.Data, "createWebhook", "secret").(string)}
	a = s.mustAsk(token, `mutation($id:ID!){rotateWebhookSecret(input:{id:$id}){secret}}`, id)
	secrets = append(secrets, at(a.Data, "rotateWebhookSecret", "secret").(string))
	a = s.mustAsk(token, `mutation($id:ID!){testWebhook(input:{id:$id}){delivery{status error responseStatus durationMs}}}`, id)
	if at(a.Data, "testWebhook", "delivery", "error") != "STATUS" {
		t.Errorf("%s", a.body)
	}
	a = s.mustAsk(token, `query($id:ID!){node(id:$id){... on Webhook{name url secret{isSet lastFour updatedAt} deliveries{nodes{id status}}}}}`, id)
	if at(a.Data, "node", "secret", "lastFour") != secrets[1][len(secrets[1])-4:] || at(a.Data, "node", "url") != receiver.URL+"/of-alice" {
		t.Errorf("%s", a.body)
	}
	if err := s.house.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	places := map[string]string{"the log": s.log.String(), "an answer": a.body}
	err := filepath.WalkDir(s.house.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		places[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for place, text := range places {
		found = found || strings.Contains(text, "/of-alice") // so the app store is among them
		for _, secret := range secrets {
			if strings.Contains(text, strings.TrimPrefix(secret, "whsec_")) {
				t.Errorf("a secret stands in %s", place)
			}
		}
	}
	if !found {
		t.Error("the app store was not searched")
	}
	if strings.Contains(places["the log"], receiver.URL) {
		t.Error("the address stands in the log")
	}
}

func TestAWebhookIsSeenByItsWorkspaceAlone(t *testing.T) {
	s := newStage(t)
	mine := s.play("Mutation.testWebhook", "alice")
	made := s.play("Mutation.createWebhook", "alice")
	ids := map[string]any{"ids": []any{at(made, "createWebhook", "webhook", "id"), at(mine, "testWebhook", "delivery", "id")}}
	const query = `query($ids:[ID!]!){nodes(ids:$ids){__typename ... on Webhook{name url} ... on WebhookDelivery{status webhook{name url}}}}`
	for who, want := range map[string]string{
		"alice":   `[{"__typename":"Webhook","name":"our CI","url":"` + s.endpoint + `/v1"},{"__typename":"WebhookDelivery","status":"DELIVERED","webhook":{"name":"our CI","url":"` + s.endpoint + `/v1"}}]`,
		"ed":      `[{"__typename":"Webhook","name":"our CI","url":"` + s.endpoint + `/v1"},{"__typename":"WebhookDelivery","status":"DELIVERED","webhook":{"name":"our CI","url":"` + s.endpoint + `/v1"}}]`,
		"vi":      `[{"__typename":"Webhook","name":"our CI","url":null},{"__typename":"WebhookDelivery","status":"DELIVERED","webhook":{"name":"our CI","url":null}}]`,
		"mallory": `[null,null]`,
		"root":    `[null,null]`,
	} {
		if a := s.ask(s.tokenOf(who), query, ids); !strings.Contains(a.body, `"nodes":`+want) {
			t.Errorf("%s sees %s", who, a.body)
		}
	}
	a := s.mustAsk(s.tokenOf("mallory"), `{viewer{workspaces{webhooks{totalCount nodes{name}}}}}`, nil)
	if strings.Contains(a.body, "our CI") {
		t.Errorf("%s", a.body)
	}
	// The other's red team has the same key of nothing: the id of a store that is hers.
	theirs, _ := storage.ParseID(at(made, "createWebhook", "webhook", "id").(string))
	other, _ := storage.ParseID(at(s.mustAsk(s.tokenOf("mallory"), `{viewer{workspace(name:"red team"){attacks(first:1){nodes{id}}}}}`, nil).Data, "viewer", "workspace", "attacks", "nodes", 0, "id").(string))
	theirs.Store = other.Store
	forged := map[string]any{"ids": []any{theirs.String()}, "id": theirs.String()}
	if a := s.ask(s.tokenOf("mallory"), query, map[string]any{"ids": forged["ids"]}); !strings.Contains(a.body, `"nodes":[null]`) {
		t.Errorf("a forged id finds %s", a.body)
	}
	for _, mutation := range []string{"deleteWebhook", "testWebhook", "rotateWebhookSecret", "updateWebhook"} {
		a := s.ask(s.tokenOf("mallory"), `mutation($id:ID!){`+mutation+`(input:{id:$id}){userErrors{code field}}}`, map[string]any{"id": forged["id"]})
		if a.problem() != string(storage.CodeNotFound) {
			t.Errorf("%s by a forged id: %s", mutation, a.body)
		}
	}
}

// The ping is sent, and nobody can note what became of it: it is not sent a second time
// under the same name.
func TestATestWhoseEndIsLostIsNotRepeated(t *testing.T) {
	s := newStage(t)
	pings := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { pings++ }))
	t.Cleanup(receiver.Close)
	token := s.tokenOf("alice")
	a := s.mustAsk(token, makeWebhook, map[string]any{"url": receiver.URL})
	id := map[string]any{"id": at(a.Data, "createWebhook", "webhook", "id")}
	mend := s.breakAt(`BEFORE UPDATE ON webhook_deliveries`)
	const test = `mutation($id:ID!){testWebhook(input:{id:$id,clientMutationId:"once"}){delivery{status} userErrors{code}}}`
	first := s.ask(token, test, id)
	mend()
	second := s.ask(token, test, id)
	if first.problem() != string(storage.CodeInternal) || second.problem() != string(storage.CodeConflict) || pings != 1 {
		t.Errorf("%s, then %s: %d pings", first.body, second.body, pings)
	}
}

func TestTestsOfWebhooksAreLimited(t *testing.T) {
	s := newHooked(t)
	pings := 0
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { pings++ }))
	t.Cleanup(receiver.Close)
	s.set(t, "rate.call.per_minute.user", "2")
	server.RefreshRates(t, s.server)
	token := s.token("alice", auth.RoleUser)
	a := s.mustAsk(token, makeWebhook, map[string]any{"url": receiver.URL})
	id := map[string]any{"id": at(a.Data, "createWebhook", "webhook", "id")}
	var last answer
	for range 3 {
		last = s.ask(token, `mutation($id:ID!){testWebhook(input:{id:$id}){delivery{status}}}`, id)
	}
	if last.problem() != string(storage.CodeRateLimited) || pings != 2 {
		t.Errorf("%d pings: %s", pings, last.body)
	}
}
