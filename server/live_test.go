package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	"github.com/google/uuid"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/server"
	"github.com/violentutf/violentutf/storage"
)

// liveSite is a site with a run of alice that a test records.
type liveSite struct {
	*site
	events    *events.Local
	alice     string
	workspace string
	store     storage.UserStore
	key, id   string
	recorder  storage.Recorder
}

func newLiveSite(t *testing.T) *liveSite {
	t.Helper()
	l := &liveSite{events: &events.Local{}}
	l.site = newSiteWith(t, func(o *server.Options) { o.Events = l.events })
	l.alice = l.token("alice", auth.RoleUser)
	l.mustAsk(l.alice, `{viewer{workspace{storage{bytes}}}}`, nil)
	_, workspace, err := l.house.App.EnsureUser(t.Context(), "alice", l.house.PersonalFile("alice"))
	if err != nil {
		t.Fatal(err)
	}
	l.workspace = workspace.Key
	if l.store, err = l.house.StoreOf(t.Context(), workspace.Key); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.store.Close() })
	l.key = uuid.Must(uuid.NewV7()).String()
	l.id = storage.ID{Kind: storage.KindExecution, Store: l.store.Key(), Key: l.key}.String()
	if err := l.store.AddExecution(t.Context(), &storage.ExecutionPlan{Key: l.key, Name: "run", Orchestrator: "PROMPT_SENDING", Configuration: "{}", Items: 3, StartedBy: "alice", QueuedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if l.recorder, err = l.store.NewRecorder(t.Context(), openGuard{}, l.key, 1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.recorder.Close() })
	return l
}

type openGuard struct{}

func (openGuard) Seal(_, _, text string) (string, error) { return text, nil }
func (openGuard) Add(string)                             {}
func (openGuard) Clean(text string) (string, bool)       { return text, false }

func (l *liveSite) record(item int64) {
	l.t.Helper()
	now := time.Now()
	if _, err := l.recorder.Record(l.t.Context(), []*storage.ItemResult{{
		Item: item, Outcome: storage.OutcomeSuccess, Attempts: 1, FinishedAt: now,
		Attack: &storage.Attack{AttackClass: "A", Outcome: storage.OutcomeSuccess, OutcomeSource: storage.OutcomeRule, StartedAt: now},
	}}, []storage.LogLine{{Level: "INFO", Text: fmt.Sprintf("item %d", item), Time: now}}); err != nil {
		l.t.Fatal(err)
	}
	l.events.Wake(events.Execution(l.key))
}

func (l *liveSite) status(status storage.ExecutionStatus) {
	l.t.Helper()
	if err := l.recorder.DecideStatus(l.t.Context(), time.Now(), func(context.Context) (storage.StatusEvent, error) { return storage.StatusEvent{Status: status}, nil }); err != nil {
		l.t.Fatal(err)
	}
	l.events.Wake(events.Execution(l.key))
}

type wsMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// dial opens a socket and initialises it with a token.
func (l *liveSite) dial(token string) *websocket.Conn {
	l.t.Helper()
	conn, _, err := websocket.Dial(l.t.Context(), l.http.URL+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}})
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = conn.CloseNow() })
	payload, _ := json.Marshal(map[string]string{"Authorization": "Bearer " + token})
	l.write(conn, wsMessage{Type: "connection_init", Payload: payload})
	return conn
}

func (l *liveSite) write(conn *websocket.Conn, message wsMessage) {
	l.t.Helper()
	if err := wsjson.Write(l.t.Context(), conn, message); err != nil {
		l.t.Fatal(err)
	}
}

// read is the next message that is no ping.
func (l *liveSite) read(conn *websocket.Conn) wsMessage {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 10*time.Second)
	defer cancel()
	for {
		var message wsMessage
		if err := wsjson.Read(ctx, conn, &message); err != nil {
			l.t.Fatal(err)
		}
		if message.Type != "ping" && message.Type != "pong" {
			return message
		}
	}
}

const followRun = `subscription($id:ID!,$after:String){executionEvents(executionId:$id,after:$after){cursor snapshot status completed progress{total done perSecond} items{item attackId outcome} log{text}}}`

func (l *liveSite) subscribe(conn *websocket.Conn, id, query string, variables map[string]any) {
	l.t.Helper()
	payload, _ := json.Marshal(map[string]any{"query": query, "variables": variables})
	l.write(conn, wsMessage{ID: id, Type: "subscribe", Payload: payload})
}

type streamed struct {
	Data struct {
		ExecutionEvents struct {
			Cursor    string
			Snapshot  bool
			Status    *string
			Completed bool
			Progress  *struct{ Total, Done int64 }
			Items     []struct {
				Item     int64
				AttackID string
				Outcome  string
			}
			Log []struct{ Text string }
		}
	}
	Errors []struct {
		Message    string
		Extensions map[string]any
	}
}

func decodeStreamed(t *testing.T, payload []byte) streamed {
	t.Helper()
	var got streamed
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatalf("%v in %s", err, payload)
	}
	return got
}

func TestARunIsFollowedOverASocket(t *testing.T) {
	l := newLiveSite(t)
	conn := l.dial(l.alice)
	if ack := l.read(conn); ack.Type != "connection_ack" {
		t.Fatalf("%+v", ack)
	}
	l.subscribe(conn, "1", followRun, map[string]any{"id": l.id})
	first := decodeStreamed(t, l.read(conn).Payload).Data.ExecutionEvents
	if !first.Snapshot || *first.Status != "QUEUED" || first.Progress.Total != 3 || first.Completed {
		t.Fatalf("the snapshot is %+v", first)
	}
	l.status(storage.ExecutionRunning)
	if next := decodeStreamed(t, l.read(conn).Payload).Data.ExecutionEvents; next.Snapshot || *next.Status != "RUNNING" || next.Progress != nil {
		t.Fatalf("%+v", next)
	}
	l.record(0)
	second := decodeStreamed(t, l.read(conn).Payload).Data.ExecutionEvents
	if second.Status != nil || second.Progress.Done != 1 || len(second.Items) != 1 || second.Items[0].Outcome != "SUCCESS" || second.Log[0].Text != "item 0" {
		t.Fatalf("%+v", second)
	}
	node := l.mustAsk(l.alice, `query($id:ID!){node(id:$id){... on Attack{attackClass}}}`, map[string]any{"id": second.Items[0].AttackID})
	if at(node.Data, "node", "attackClass") != "A" {
		t.Errorf("the attack is %v", node.Data)
	}
	_ = conn.CloseNow() // and comes again
	l.record(1)
	conn = l.dial(l.alice)
	l.read(conn)
	l.subscribe(conn, "2", followRun, map[string]any{"id": l.id, "after": second.Cursor})
	l.record(2)
	l.status(storage.ExecutionSucceeded)
	var items []int64
	for {
		message := l.read(conn)
		if message.Type == "complete" {
			break
		}
		got := decodeStreamed(t, message.Payload)
		if len(got.Errors) > 0 || got.Data.ExecutionEvents.Snapshot {
			t.Fatalf("%+v", got)
		}
		for _, item := range got.Data.ExecutionEvents.Items {
			items = append(items, item.Item)
		}
		second = got.Data.ExecutionEvents
	}
	if fmt.Sprint(items) != "[1 2]" || !second.Completed || *second.Status != "SUCCEEDED" {
		t.Errorf("behind the cursor came %v, at last %+v", items, second)
	}
}

func TestASocketStaysWhoseClientAnswersPings(t *testing.T) {
	l := newLiveSite(t)
	conn := l.dial(l.alice)
	l.read(conn)
	l.write(conn, wsMessage{Type: "pong"})
	l.subscribe(conn, "1", followRun, map[string]any{"id": l.id})
	l.read(conn)
	for item := range int64(3) {
		l.record(item)
		if next := decodeStreamed(t, l.read(conn).Payload).Data.ExecutionEvents; next.Progress.Done != item+1 {
			t.Fatalf("%+v", next)
		}
	}
}

func TestARunIsFollowedByServerSentEvents(t *testing.T) {
	l := newLiveSite(t)
	l.record(0)
	l.record(1)
	l.record(2)
	l.status(storage.ExecutionSucceeded)
	body, _ := json.Marshal(map[string]any{"query": followRun, "variables": map[string]any{"id": l.id, "after": ""}})
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, l.http.URL+"/graphql/stream", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("Authorization", "Bearer "+l.alice)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if media := response.Header.Get("Content-Type"); media != "text/event-stream" {
		t.Fatalf("%d %s", response.StatusCode, media)
	}
	var items []int64
	completed := false
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "" {
			event := decodeStreamed(t, []byte(data)).Data.ExecutionEvents
			for _, item := range event.Items {
				items = append(items, item.Item)
			}
			completed = completed || event.Completed
		}
	}
	if fmt.Sprint(items) != "[0 1 2]" || !completed {
		t.Errorf("came %v, completed %t", items, completed)
	}
}

func TestStreamsAreRefused(t *testing.T) {
	l := newLiveSite(t)
	bob := l.token("bob", auth.RoleUser)
	l.mustAsk(bob, `{viewer{workspace{storage{bytes}}}}`, nil)
	conn := l.dial(bob)
	l.read(conn)
	for name, c := range map[string]struct {
		query     string
		variables map[string]any
		code      string
	}{
		"another's run":     {followRun, map[string]any{"id": l.id}, "NOT_FOUND"},
		"no run":            {followRun, map[string]any{"id": "nonsense"}, "NOT_FOUND"},
		"another's runs":    {`subscription($w:ID!){workspaceExecutions(workspace:$w){executionId}}`, map[string]any{"w": storage.ID{Kind: storage.KindWorkspace, Key: l.workspace}.String()}, "NOT_FOUND"},
		"a query":           {`{viewer{username}}`, nil, "BAD_USER_INPUT"},
		"an unknown field":  {`subscription{x}`, nil, "BAD_USER_INPUT"},
		"a foreign cursor":  {followRun, map[string]any{"id": l.id, "after": "abc"}, "NOT_FOUND"},
		"two subscriptions": {`subscription($id:ID!){a:executionEvents(executionId:$id){cursor} b:executionEvents(executionId:$id){cursor}}`, map[string]any{"id": l.id}, "BAD_USER_INPUT"},
	} {
		l.subscribe(conn, name, c.query, c.variables)
		var got string
		for {
			message := l.read(conn)
			if message.ID != name {
				continue
			}
			if message.Type == "complete" {
				break
			}
			got += string(message.Payload)
			if message.Type == "error" {
				break
			}
		}
		if !strings.Contains(got, `"`+c.code+`"`) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if a := l.ask(l.alice, followRun, map[string]any{"id": l.id}); len(a.Errors) != 1 || a.Errors[0].Extensions["code"] != "BAD_USER_INPUT" {
		t.Errorf("a subscription by POST: %s", a.body)
	}
}

func TestSocketOfABadCredentialIsClosed(t *testing.T) {
	l := newLiveSite(t)
	conn := l.dial("nonsense")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	var err error
	for err == nil {
		_, _, err = conn.Read(ctx)
	}
	if code := websocket.CloseStatus(err); code != 4403 {
		t.Errorf("closed with %d: %v", code, err)
	}
}

func TestSocketEndsWithItsCredential(t *testing.T) {
	l := newLiveSite(t)
	token, _, err := l.issuer.Issue("alice", auth.RoleUser, 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	conn := l.dial(token)
	l.read(conn)
	l.subscribe(conn, "1", followRun, map[string]any{"id": l.id})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for err == nil {
		_, _, err = conn.Read(ctx)
	}
	if code := websocket.CloseStatus(err); code != 4401 {
		t.Errorf("closed with %d: %v", code, err)
	}
}

func TestRunsOfAWorkspaceAreFollowed(t *testing.T) {
	l := newLiveSite(t)
	user, _, err := l.house.App.EnsureUser(t.Context(), "alice", "")
	if err != nil {
		t.Fatal(err)
	}
	conn := l.dial(l.alice)
	l.read(conn)
	l.subscribe(conn, "1", `subscription{workspaceExecutions{executionId status progress{total}}}`, nil)
	if first := l.read(conn); !strings.Contains(string(first.Payload), `"workspaceExecutions":[]`) {
		t.Fatalf("%s", first.Payload)
	}
	if err := l.house.App.QueueExecution(t.Context(), &storage.ExecutionState{Key: l.key, WorkspaceKey: l.workspace, UserKey: user.Key, Progress: storage.ExecutionProgress{Total: 3}}, 0); err != nil {
		t.Fatal(err)
	}
	l.events.Wake(events.Executions(l.workspace))
	if next := l.read(conn); !strings.Contains(string(next.Payload), l.id) || !strings.Contains(string(next.Payload), `"status":"QUEUED"`) {
		t.Fatalf("%s", next.Payload)
	}
	if _, err := l.house.App.CommandExecution(t.Context(), l.workspace, l.key, storage.ExecutionCancelled); err != nil {
		t.Fatal(err)
	}
	l.events.Wake(events.Executions(l.workspace))
	if last := l.read(conn); !strings.Contains(string(last.Payload), `"status":"CANCELLED"`) {
		t.Fatalf("%s", last.Payload)
	}
}
