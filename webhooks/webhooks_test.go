package webhooks_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"go.uber.org/goleak"

	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/webhooks"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = outbound.Policy{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}

// quick are waits with which a test does not wait.
var quick = []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}

// scene is a data folder with alice's workspace.
type scene struct {
	t         *testing.T
	dir       string
	house     *house.House
	log       *lockedText
	alice     *storage.User
	workspace *storage.Workspace
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{t: t, dir: t.TempDir(), log: &lockedText{}}
	s.open()
	t.Cleanup(func() { s.must(s.house.Close(context.Background())) })
	return s
}

// open opens the folder, as after a start.
func (s *scene) open() {
	s.t.Helper()
	var err error
	s.house, err = house.Open(context.Background(), house.Options{Dir: s.dir, Threads: 1, Log: slog.New(slog.NewTextHandler(s.log, nil))})
	s.must(err)
	store, err := s.house.Personal(s.t.Context(), "alice")
	s.must(err)
	s.must(store.Close())
	s.alice, s.workspace, err = s.house.App.EnsureUser(s.t.Context(), "alice", s.house.PersonalFile("alice"))
	s.must(err)
}

func (s *scene) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) hooks(change ...func(*webhooks.Options)) *webhooks.Hooks {
	options := webhooks.Options{
		App: s.house.App, Keeper: s.house.Keeper, Policy: loopback, Store: s.house.StoreOf, Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Waits: quick, Look: time.Millisecond,
	}
	for _, one := range change {
		one(&options)
	}
	return webhooks.New(options)
}

// run sends until the test's end, or until stop.
func (s *scene) run(h *webhooks.Hooks) (stop func()) {
	ctx, end := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.Run(ctx)
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			end()
			<-ended
		})
	}
	s.t.Cleanup(stop)
	return stop
}

// tell makes a webhook of alice's that waits for queued runs.
func (s *scene) tell(h *webhooks.Hooks, name, url string) (key, secret string) {
	s.t.Helper()
	key, secret, err := h.Create(s.t.Context(), s.alice.Key, storage.NewWebhook{
		WorkspaceKey: s.workspace.Key, Name: name, URL: url, Events: []storage.WebhookEvent{storage.EventExecutionQueued}, Active: true,
	})
	s.must(err)
	return key, secret
}

// queue queues a run.
func (s *scene) queue(name string) string {
	s.t.Helper()
	key := uuid.Must(uuid.NewV7()).String()
	store, err := s.house.StoreOf(s.t.Context(), s.workspace.Key)
	s.must(err)
	s.must(store.AddExecution(s.t.Context(), &storage.ExecutionPlan{Key: key, Name: name, Orchestrator: "PROMPT_SENDING", Configuration: "{}", Items: 7, StartedBy: "alice", QueuedAt: time.Now()}))
	s.must(store.Close())
	s.must(s.house.App.QueueExecution(s.t.Context(), &storage.ExecutionState{
		Key: key, WorkspaceKey: s.workspace.Key, UserKey: s.alice.Key, Progress: storage.ExecutionProgress{Total: 7},
	}, 0))
	return key
}

// deliveries lists those of a webhook, newest first.
func (s *scene) deliveries(webhook string) []*storage.WebhookDelivery {
	s.t.Helper()
	pages, err := s.house.App.DeliveriesByWebhook(context.Background(), []string{webhook}, nil, storage.Page{Limit: 100})
	s.must(err)
	return pages[webhook].Nodes()
}

// over waits until all deliveries of a webhook are over and returns the newest.
func (s *scene) over(webhook string) *storage.WebhookDelivery {
	s.t.Helper()
	for range 6000 {
		pending := false
		all := s.deliveries(webhook)
		for _, one := range all {
			pending = pending || one.Status == storage.DeliveryPending
		}
		if !pending && len(all) > 0 {
			return all[0]
		}
		time.Sleep(5 * time.Millisecond) // until the condition
	}
	s.t.Fatalf("not over: %+v\n%s", s.deliveries(webhook)[0], s.log)
	return nil
}

// receiver keeps what it is sent, and answers in turn; the last answer stays.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	got     []received
	answers []func(w http.ResponseWriter, r *http.Request)
}

type received struct {
	header http.Header
	body   []byte
}

func answers(status ...int) []func(http.ResponseWriter, *http.Request) {
	var all []func(http.ResponseWriter, *http.Request)
	for _, one := range status {
		all = append(all, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(one) })
	}
	return all
}

func listen(t *testing.T, answers ...func(w http.ResponseWriter, r *http.Request)) *receiver {
	t.Helper()
	r := &receiver{answers: answers}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.got = append(r.got, received{request.Header, body})
		answer := r.answers[min(len(r.got), len(r.answers))-1]
		r.mu.Unlock()
		answer(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received{}, r.got...)
}

func verifies(t *testing.T, secret string, got received) bool {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return verifier.Verify(got.body, got.header) == nil
}

type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func TestAReceiverThatFailsTwiceIsToldOnceMoreAndCanVerify(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(500, 503, 204)...)
	h := s.hooks()
	webhook, secret := s.tell(h, "ci", r.URL)
	run := s.queue("nightly")
	s.run(h)
	d := s.over(webhook)
	if d.Status != storage.DeliveryDelivered || d.Attempts != 3 || *d.ResponseStatus != 204 || d.Error != nil || d.DeliveredAt == nil {
		t.Errorf("%+v", d)
	}
	got := r.all()
	if len(got) != 3 {
		t.Fatalf("told %d times", len(got))
	}
	for i, one := range got {
		if !verifies(t, secret, one) {
			t.Errorf("attempt %d cannot be verified: %v", i+1, one.header)
		}
		if one.header.Get("Webhook-Id") != d.MessageID() || one.header.Get("Content-Type") != "application/json" {
			t.Errorf("attempt %d: %v", i+1, one.header)
		}
		if string(one.body) != string(got[0].body) {
			t.Errorf("attempt %d has another body: %s", i+1, one.body)
		}
		one.body = append(one.body[:len(one.body):len(one.body)], ' ')
		if verifies(t, secret, one) {
			t.Errorf("attempt %d verifies with another body", i+1)
		}
	}
	var body struct {
		Type      string
		Timestamp time.Time
		Data      struct {
			Workspace struct{ ID, Name string }
			Execution struct {
				ID, Name, Status string
				Progress         struct{ Total, Done int64 }
			}
		}
	}
	if err := json.Unmarshal(got[0].body, &body); err != nil {
		t.Fatal(err)
	}
	id, ok := storage.ParseID(body.Data.Execution.ID)
	if !ok || id.Kind != storage.KindExecution || id.Key != run || id.Store != d.StoreKey || body.Data.Workspace.ID != s.workspace.ID() {
		t.Errorf("ids of %s", got[0].body)
	}
	if body.Type != "execution.queued" || !body.Timestamp.Equal(d.OccurredAt) || body.Data.Execution.Name != "nightly" || body.Data.Execution.Status != "QUEUED" || body.Data.Execution.Progress.Total != 7 {
		t.Errorf("%s", got[0].body)
	}
	if strings.Contains(s.log.String(), secret) || strings.Contains(s.log.String(), r.URL) {
		t.Errorf("the log says too much: %s", s.log)
	}
}

func TestAReceiverThatNeverTakesItIsGivenUp(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(500)...)
	h := s.hooks()
	webhook, _ := s.tell(h, "ci", r.URL)
	s.queue("nightly")
	s.run(h)
	if d := s.over(webhook); d.Status != storage.DeliveryFailed || d.Attempts != int64(len(quick))+1 || *d.Error != storage.DeliveryStatusCode || d.NextAttemptAt != nil {
		t.Errorf("%+v", d)
	}
}

func TestWhatHappenedBeforeACrashIsToldAfterIt(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(204)...)
	webhook, secret := s.tell(s.hooks(), "ci", r.URL)
	s.queue("one")
	s.queue("another")
	// One of them was being sent.
	if abandoned, err := s.house.App.ClaimDelivery(t.Context(), "who crashed", -time.Second); err != nil || abandoned == nil {
		t.Fatal(abandoned, err)
	}
	s.must(s.house.Close(t.Context()))
	s.open()
	if d := s.deliveries(webhook); len(d) != 2 || d[0].Status != storage.DeliveryPending || d[1].Status != storage.DeliveryPending {
		t.Fatalf("after the crash: %+v", d)
	}
	s.run(s.hooks())
	s.over(webhook)
	got := r.all()
	if len(got) != 2 || !verifies(t, secret, got[0]) || !verifies(t, secret, got[1]) {
		t.Errorf("told %d times", len(got))
	}
	for _, d := range s.deliveries(webhook) {
		if d.Status != storage.DeliveryDelivered {
			t.Errorf("%+v", d)
		}
	}
}

func TestTwoSendersTellEverythingOnce(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(204)...)
	h := s.hooks()
	const runs = 25
	var keys []string
	for _, name := range []string{"a", "b"} {
		key, _ := s.tell(h, name, r.URL)
		keys = append(keys, key)
	}
	for range runs {
		s.queue("nightly")
	}
	s.run(h)
	s.run(s.hooks())
	s.over(keys[0])
	s.over(keys[1])
	if got := r.all(); len(got) != 2*runs {
		t.Errorf("told %d times, want %d", len(got), 2*runs)
	}
}

func TestASlowReceiverKeepsNobodyElseWaiting(t *testing.T) {
	s := newScene(t)
	release := make(chan struct{})
	slow := listen(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	fine := listen(t, answers(204)...)
	h := s.hooks()
	waiting, _ := s.tell(h, "slow", slow.URL)
	other, _ := s.tell(h, "fine", fine.URL)
	for range 3 {
		s.queue("nightly")
	}
	s.run(h)
	s.over(other)
	if got := fine.all(); len(got) != 3 {
		t.Errorf("told %d times", len(got))
	}
	if n := len(slow.all()); n > 1 {
		t.Errorf("a slow receiver is told %d things at once", n)
	}
	close(release)
	s.over(waiting)
}

func TestAnAnswerThatDoesNotComeIsATimeout(t *testing.T) {
	s := newScene(t)
	r := listen(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	h := s.hooks(func(o *webhooks.Options) { o.Timeout, o.Waits = 50*time.Millisecond, quick[:1] })
	webhook, _ := s.tell(h, "ci", r.URL)
	s.queue("nightly")
	s.run(h)
	if d := s.over(webhook); d.Status != storage.DeliveryFailed || *d.Error != storage.DeliveryTimeout || d.ResponseStatus != nil || d.Attempts != 2 {
		t.Errorf("%+v", d)
	}
}

func TestWhatIsUnderWayAtTheEndIsSentByTheNext(t *testing.T) {
	s := newScene(t)
	began := make(chan struct{}, 10)
	hang := func(_ http.ResponseWriter, r *http.Request) {
		began <- struct{}{}
		<-r.Context().Done()
	}
	r := listen(t, append([]func(http.ResponseWriter, *http.Request){hang}, answers(204)...)...)
	h := s.hooks()
	webhook, _ := s.tell(h, "ci", r.URL)
	s.queue("nightly")
	stop := s.run(h)
	<-began
	stop()
	if d := s.deliveries(webhook)[0]; d.Status != storage.DeliveryPending || d.Attempts != 0 {
		t.Errorf("given back as %+v", d)
	}
	s.run(s.hooks())
	if d := s.over(webhook); d.Status != storage.DeliveryDelivered || d.Attempts != 1 {
		t.Errorf("%+v", d)
	}
}

func TestAReceiverThatIsGoneStopsItsWebhook(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(410)...)
	h := s.hooks()
	webhook, _ := s.tell(h, "ci", r.URL)
	s.queue("one")
	s.queue("another")
	s.run(h)
	s.over(webhook)
	s.queue("later")
	found, err := s.house.App.WebhooksByKey(t.Context(), []string{webhook})
	if err != nil || found[webhook].Active || *found[webhook].InactiveReason != storage.WebhookGone {
		t.Errorf("%+v, %v", found[webhook], err)
	}
	if got := r.all(); len(got) != 1 || len(s.deliveries(webhook)) != 2 {
		t.Errorf("told %d times", len(got))
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	s := newScene(t)
	elsewhere := listen(t, answers(204)...)
	r := listen(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	h := s.hooks()
	webhook, _ := s.tell(h, "ci", r.URL)
	s.queue("nightly")
	s.run(h)
	if d := s.over(webhook); d.Status != storage.DeliveryFailed || *d.Error != storage.DeliveryRedirected || *d.ResponseStatus != 307 {
		t.Errorf("%+v", d)
	}
	if got := elsewhere.all(); len(got) != 0 {
		t.Errorf("followed %d times", len(got))
	}
}

func TestAnEndlessAnswerIsNotReadToItsEnd(t *testing.T) {
	s := newScene(t)
	r := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<10)
		for { // until nobody reads
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	})
	h := s.hooks()
	webhook, _ := s.tell(h, "ci", r.URL)
	s.queue("nightly")
	s.run(h)
	if d := s.over(webhook); d.Status != storage.DeliveryDelivered || *d.ResponseStatus != 200 {
		t.Errorf("%+v", d)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	s := newScene(t)
	r := listen(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	h := s.hooks()
	webhook, _ := s.tell(h, "ci", r.URL)
	s.queue("nightly")
	before := time.Now()
	s.run(h)
	for s.deliveries(webhook)[0].Error == nil {
		time.Sleep(time.Millisecond) // until the condition
	}
	if d := s.deliveries(webhook)[0]; d.Status != storage.DeliveryPending || d.NextAttemptAt.Before(before.Add(time.Hour)) || d.Attempts != 1 {
		t.Errorf("%+v", d)
	}
}

func TestPrivateAddressesAreRefusedWhenTheyAreCalled(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(204)...)
	named := strings.Replace(r.URL, "127.0.0.1", "localhost", 1)
	strict := s.hooks(func(o *webhooks.Options) { o.Policy = outbound.Policy{} })
	if _, _, err := strict.Create(t.Context(), s.alice.Key, storage.NewWebhook{
		WorkspaceKey: s.workspace.Key, Name: "ci", URL: r.URL, Events: []storage.WebhookEvent{storage.EventExecutionQueued},
	}); storage.CodeOf(err) != storage.CodeBadInput {
		t.Errorf("its address is taken: %v", err)
	}
	// What a name is resolved to, nobody knows before it is called; and a policy may change.
	webhook, _ := s.tell(strict, "by name", named)
	before, _ := s.tell(s.hooks(), "allowed before", r.URL)
	s.queue("nightly")
	s.run(strict)
	for _, key := range []string{webhook, before} {
		if d := s.over(key); d.Status != storage.DeliveryFailed || *d.Error != storage.DeliveryRefused || d.Attempts != 1 || d.ResponseStatus != nil {
			t.Errorf("%+v", d)
		}
	}
	if key, _, err := strict.Ping(t.Context(), s.alice.Key, s.workspace.Key, webhook); err != nil || s.deliveries(webhook)[0].Key != key || *s.deliveries(webhook)[0].Error != storage.DeliveryRefused {
		t.Errorf("a test: %v", err)
	}
	if got := r.all(); len(got) != 0 {
		t.Errorf("called %d times", len(got))
	}
}

func TestBadURLsAreRefused(t *testing.T) {
	s := newScene(t)
	h := s.hooks()
	for _, url := range []string{
		"", "ci.example", "ftp://ci.example/", "https://", "https:///path", "https://user:pass@ci.example/", "https://user@ci.example/",
		"https://ci.example/#part", "https://ci.example:0/", "https://ci.example:99999/", "https://ci.example/?api_key=0123456789abcdef0123",
		"http://10.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://169.254.169.254/latest/meta-data", "http://100.64.0.1/", "http://[fd00:ec2::254]/", "http://0.0.0.0/",
		"https://ci.example/" + strings.Repeat("x", 2000), "https://ci.example/\x00a",
	} {
		_, _, err := h.Create(t.Context(), s.alice.Key, storage.NewWebhook{
			WorkspaceKey: s.workspace.Key, Name: "ci" + url[:min(len(url), 9)], URL: url, Events: []storage.WebhookEvent{storage.EventExecutionQueued},
		})
		if storage.CodeOf(err) != storage.CodeBadInput || strings.Contains(err.Error(), "pass@") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestTheSecretBeforeSignsForAWhile(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(204)...)
	h := s.hooks()
	webhook, first := s.tell(h, "ci", r.URL)
	second, err := h.Rotate(t.Context(), s.alice.Key, s.workspace.Key, webhook, 1)
	s.must(err)
	s.queue("nightly")
	s.run(h)
	s.over(webhook)
	third, err := h.Rotate(t.Context(), s.alice.Key, s.workspace.Key, webhook, 0)
	s.must(err)
	s.queue("nightly")
	s.over(webhook)
	for i, want := range [][3]bool{{true, true, false}, {false, false, true}} {
		got := r.all()[i]
		if is := [3]bool{verifies(t, first, got), verifies(t, second, got), verifies(t, third, got)}; is != want {
			t.Errorf("delivery %d verifies with %v, want %v", i+1, is, want)
		}
	}
}

func TestSecretsOutliveARotationOfTheKeys(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(204)...)
	h := s.hooks()
	webhook, first := s.tell(h, "ci", r.URL)
	second, err := h.Rotate(t.Context(), s.alice.Key, s.workspace.Key, webhook, 1)
	s.must(err)
	if done, err := s.house.RotateKeys(t.Context()); err != nil || done.Resealed != 2 || done.Removed != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	s.must(s.house.Close(t.Context()))
	s.open()
	if status, err := s.house.KeyStatus(t.Context()); err != nil || len(status.Sealed) != 1 || status.Sealed[0].Count != 2 || !status.Sealed[0].Known {
		t.Errorf("%+v, %v", status, err)
	}
	s.queue("nightly")
	s.run(s.hooks())
	if d := s.over(webhook); d.Status != storage.DeliveryDelivered {
		t.Errorf("%+v: %s", d, s.log)
	}
	if got := r.all()[0]; !verifies(t, first, got) || !verifies(t, second, got) {
		t.Error("a secret is another one")
	}
}

func TestARedeliveryIsTheSameMessage(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(400, 400, 400, 400, 204)...)
	h := s.hooks()
	webhook, secret := s.tell(h, "ci", r.URL)
	s.queue("nightly")
	s.run(h)
	failed := s.over(webhook)
	if failed.Status != storage.DeliveryFailed {
		t.Fatalf("%+v", failed)
	}
	again, err := h.Redeliver(t.Context(), s.alice.Key, s.workspace.Key, failed.Key)
	s.must(err)
	d := s.over(webhook)
	if d.Key != again || d.Status != storage.DeliveryDelivered || *d.RedeliveryOf != failed.Key {
		t.Errorf("%+v", d)
	}
	got := r.all()
	last := got[len(got)-1]
	if !verifies(t, secret, last) || string(last.body) != string(got[0].body) || last.header.Get("Webhook-Id") != got[0].header.Get("Webhook-Id") {
		t.Errorf("%s as %v", last.body, last.header)
	}
}

func TestAPingIsSentAtOnce(t *testing.T) {
	s := newScene(t)
	r := listen(t, answers(204, 500)...)
	h := s.hooks() // nobody runs it
	webhook, secret := s.tell(h, "ci", r.URL)
	for i, want := range []storage.DeliveryStatus{storage.DeliveryDelivered, storage.DeliveryFailed} {
		key, began, err := h.Ping(t.Context(), s.alice.Key, s.workspace.Key, webhook)
		if d := s.deliveries(webhook)[0]; err != nil || !began || d.Key != key || d.Status != want || d.Attempts != 1 {
			t.Errorf("%+v, %v", d, err)
		}
		got := r.all()[i]
		if !verifies(t, secret, got) || !strings.Contains(string(got.body), `"type":"ping"`) || !strings.Contains(string(got.body), `"name":"ci"`) {
			t.Errorf("%s", got.body)
		}
	}
}

func TestAReceiverWithABadCertificateIsNotTold(t *testing.T) {
	s := newScene(t)
	r := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("told") }))
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	r.StartTLS()
	t.Cleanup(r.Close)
	nobody := httptest.NewServer(nil)
	nobody.Close()
	h := s.hooks()
	for url, want := range map[string]storage.DeliveryError{
		r.URL: storage.DeliveryTLS, nobody.URL: storage.DeliveryUnreachable, strings.Replace(r.URL, "https", "http", 1): storage.DeliveryStatusCode,
	} {
		webhook, _ := s.tell(h, url, url)
		if _, _, err := h.Ping(t.Context(), s.alice.Key, s.workspace.Key, webhook); err != nil || *s.deliveries(webhook)[0].Error != want {
			t.Errorf("%s: %+v, %v, want %s", url, s.deliveries(webhook)[0], err, want)
		}
	}
}
