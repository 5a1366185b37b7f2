package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/violentutf/violentutf/auth"
)

const followConversation = `subscription($id:ID!,$after:String){conversationUpdates(conversationId:$id,after:$after){cursor snapshot
	conversation{messageCount} messages{originalValue scores{isObjective}} scores{scorerName} branches{branchedFromSequence}}}`

type conversationUpdate struct {
	Cursor       string
	Snapshot     bool
	Conversation struct{ MessageCount int64 }
	Messages     []struct {
		OriginalValue string
		Scores        []any
	}
	Scores   []any
	Branches []struct{ BranchedFromSequence int64 }
}

func (u conversationUpdate) texts() string {
	var texts []string
	for _, m := range u.Messages {
		texts = append(texts, m.OriginalValue)
	}
	return strings.Join(texts, " ")
}

// update is the next frame of a socket.
func (l *liveSite) update(conn *websocket.Conn) conversationUpdate {
	l.t.Helper()
	message := l.read(conn)
	return decodeUpdate(l.t, message.Payload)
}

func decodeUpdate(t *testing.T, payload []byte) conversationUpdate {
	t.Helper()
	var got struct {
		Data   struct{ ConversationUpdates *conversationUpdate }
		Errors []any
	}
	if err := json.Unmarshal(payload, &got); err != nil || got.Data.ConversationUpdates == nil || len(got.Errors) > 0 {
		t.Fatalf("%v in %s", err, payload)
	}
	return *got.Data.ConversationUpdates
}

// beginConversation begins one of alice's with an ECHO target.
func (l *liveSite) beginConversation() (id string) {
	l.t.Helper()
	made := l.mustAsk(l.alice, `mutation{createGenerator(input:{name:"echo",type:"ECHO"}){generator{id} userErrors{message}}}`, nil)
	begun := l.mustAsk(l.alice, `mutation($g:ID!){startConversation(input:{generator:$g}){conversation{id} userErrors{message}}}`,
		map[string]any{"g": at(made.Data, "createGenerator", "generator", "id")})
	return at(begun.Data, "startConversation", "conversation", "id").(string)
}

// say sends a message and returns its id.
func (l *liveSite) say(conversation, text string) string {
	l.t.Helper()
	said := l.mustAsk(l.alice, `mutation($c:ID!,$t:String!){sendMessage(input:{conversation:$c,text:$t}){prompt{id} userErrors{message}}}`, map[string]any{"c": conversation, "t": text})
	id, ok := at(said.Data, "sendMessage", "prompt", "id").(string)
	if !ok {
		l.t.Fatal(said.body)
	}
	return id
}

func TestAConversationIsFollowedOverASocket(t *testing.T) {
	l := newLiveSite(t)
	id := l.beginConversation()
	l.say(id, "one")
	conn := l.dial(l.alice)
	l.read(conn)
	l.subscribe(conn, "1", followConversation, map[string]any{"id": id})
	first := l.update(conn)
	if !first.Snapshot || first.texts() != "one one" || first.Conversation.MessageCount != 2 {
		t.Fatalf("the snapshot is %+v", first)
	}
	prompt := l.say(id, "two")
	second := l.update(conn)
	if second.Snapshot || second.texts() != "two two" {
		t.Fatalf("%+v", second)
	}
	l.mustAsk(l.alice, `mutation($m:ID!){branchConversation(input:{message:$m}){userErrors{message}}}`, map[string]any{"m": prompt})
	third := l.update(conn)
	if len(third.Messages) != 0 || len(third.Branches) != 1 || third.Branches[0].BranchedFromSequence != 3 {
		t.Fatalf("%+v", third)
	}
	_ = conn.CloseNow() // and comes again
	scorer := l.mustAsk(l.alice, `mutation{createScorer(input:{name:"s",type:"SubStringScorer",parameters:{substring:"x"}}){scorer{id} userErrors{message}}}`, nil)
	l.mustAsk(l.alice, `mutation($c:ID!,$s:ID!){sendMessage(input:{conversation:$c,text:"three",scorers:[$s]}){userErrors{message}}}`,
		map[string]any{"c": id, "s": at(scorer.Data, "createScorer", "scorer", "id")})
	conn = l.dial(l.alice)
	l.read(conn)
	l.subscribe(conn, "2", followConversation, map[string]any{"id": id, "after": second.Cursor})
	fourth := l.update(conn)
	if fourth.Snapshot || fourth.texts() != "three three" || len(fourth.Scores) != 1 || len(fourth.Branches) != 1 || len(fourth.Messages[1].Scores) != 1 {
		t.Errorf("behind the cursor came %+v", fourth)
	}
}

func TestAConversationIsFollowedByServerSentEvents(t *testing.T) {
	l := newLiveSite(t)
	id := l.beginConversation()
	l.say(id, "one")
	body, _ := json.Marshal(map[string]any{"query": followConversation, "variables": map[string]any{"id": id}})
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, l.http.URL+"/graphql/stream", bytes.NewReader(body))
	for name, value := range map[string]string{"Content-Type": "application/json", "Accept": "text/event-stream", "Authorization": "Bearer " + l.alice} {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	var told []string
	for len(told) < 2 && lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "" {
			told = append(told, decodeUpdate(t, []byte(data)).texts())
			if len(told) == 1 {
				l.say(id, "two")
			}
		}
	}
	if strings.Join(told, ", ") != "one one, two two" {
		t.Errorf("came %v", told)
	}
}

func TestAnothersConversationIsNotFollowed(t *testing.T) {
	l := newLiveSite(t)
	id := l.beginConversation()
	bob := l.token("bob", auth.RoleUser)
	l.mustAsk(bob, `{viewer{workspace{storage{bytes}}}}`, nil)
	conn := l.dial(bob)
	l.read(conn)
	var answers []string
	for _, named := range []string{id, "nonsense"} {
		l.subscribe(conn, named, followConversation, map[string]any{"id": named})
		answer := ""
		for {
			message := l.read(conn)
			if message.Type == "complete" {
				break
			}
			var got struct{ Errors []struct{ Message string } }
			if json.Unmarshal(message.Payload, &got) == nil && len(got.Errors) > 0 {
				answer += got.Errors[0].Message
			}
			if message.Type == "error" {
				answer += string(message.Payload)
				break
			}
		}
		answers = append(answers, answer)
	}
	if answers[0] == "" || answers[0] != answers[1] {
		t.Errorf("another's is answered %q, none %q", answers[0], answers[1])
	}
}

func TestScoresOfARunAreToldToWhoFollowsTheConversation(t *testing.T) {
	l := newLiveSite(t)
	id := l.beginConversation()
	l.say(id, "one")
	conn := l.dial(l.alice)
	l.read(conn)
	l.subscribe(conn, "1", followConversation, map[string]any{"id": id})
	l.update(conn)
	scorer := l.mustAsk(l.alice, `mutation{createScorer(input:{name:"s",type:"SubStringScorer",parameters:{substring:"one"}}){scorer{id} userErrors{message}}}`, nil)
	made := l.mustAsk(l.alice, `mutation($s:ID!){createOrchestrator(input:{name:"again",type:"SCORING",scorers:[$s],objectiveScorer:$s,
		parameters:{attacks:{attackClass:{in:["ManualAttack"]}},update_outcome:true}}){orchestrator{id} userErrors{message}}}`,
		map[string]any{"s": at(scorer.Data, "createScorer", "scorer", "id")})
	started := l.mustAsk(l.alice, `mutation($o:ID!){startExecution(input:{orchestrator:$o}){execution{id} userErrors{message}}}`,
		map[string]any{"o": at(made.Data, "createOrchestrator", "orchestrator", "id")})
	run, ok := at(started.Data, "startExecution", "execution", "id").(string)
	if !ok {
		t.Fatal(started.body)
	}
	working, stop := context.WithCancel(t.Context())
	var engine sync.WaitGroup
	engine.Go(func() { l.server.WorkOnRuns(working) })
	told := l.update(conn)
	if len(told.Scores) != 1 || len(told.Messages) != 0 {
		t.Errorf("%+v", told)
	}
	stop()
	engine.Wait()
	a := l.mustAsk(l.alice, `query($id:ID!,$c:ID!){node(id:$id){... on Execution{items(first:5){nodes{attack{outcome outcomeSource}}}}} conversation:node(id:$c){... on Conversation{attack{outcome}}}}`, map[string]any{"id": run, "c": id})
	if at(a.Data, "node", "items", "nodes", 0, "attack", "outcome") != "SUCCESS" || at(a.Data, "conversation", "attack", "outcome") != "SUCCESS" {
		t.Errorf("%s", a.body)
	}
}
