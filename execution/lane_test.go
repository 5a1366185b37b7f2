package execution

import (
	"context"
	"errors"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/internal/mocktarget"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/storage"
)

// reach opens a target at a scripted endpoint.
func reach(t *testing.T, options mocktarget.Options) (*target.Target, *mocktarget.Endpoint) {
	t.Helper()
	endpoint := mocktarget.New(options)
	server := httptest.NewServer(endpoint)
	t.Cleanup(server.Close)
	opened, err := target.New("OPENAI_COMPATIBLE", storage.JSON(`{"endpoint":"`+server.URL+`/v1","model":"m"}`), map[string]string{"/api_key": "k"},
		target.Options{Policy: outbound.Policy{Private: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}, Timeout: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened, endpoint
}

func ask(l *lane, to *target.Target, prompt string) (*target.Reply, int64, error) {
	return l.call(context.Background(), func(ctx context.Context) (*target.Reply, error) {
		return to.Send(ctx, target.Request{Messages: []target.Message{{Role: "user", Pieces: []target.Piece{{DataType: "text", Text: prompt}}}}})
	}, func() error { return nil })
}

// patient is a lane whose waits are noted and take no time.
func patient(bounds Bounds) (*lane, *[]time.Duration) {
	l := newLane(bounds)
	var mu sync.Mutex
	waits := &[]time.Duration{}
	l.wait = func(ctx context.Context, d time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		*waits = append(*waits, d)
		l.mu.Lock()
		l.closed = time.Time{}
		l.mu.Unlock()
		return ctx.Err()
	}
	return l, waits
}

func TestCallIsTriedAgainWhileThatMayHelp(t *testing.T) {
	for name, c := range map[string]struct {
		fault mocktarget.Fault
		tries int64
		ok    bool
	}{
		"a server's failure":       {mocktarget.Fault{Status: 503}, 3, true},
		"too many requests":        {mocktarget.Fault{Status: 429, RetryAfter: "7"}, 3, true},
		"a connection that breaks": {mocktarget.Fault{Reset: true}, 3, true},
		"a body that never ends":   {mocktarget.Fault{Slow: true}, 3, true},
		"half a document":          {mocktarget.Fault{Malformed: true}, 3, true},
		"a refused request":        {mocktarget.Fault{Status: 400}, 1, false},
		"a wrong key":              {mocktarget.Fault{Status: 401}, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			to, endpoint := reach(t, mocktarget.Options{Fault: func(_ string, call int) mocktarget.Fault {
				if call <= 2 {
					return c.fault
				}
				return mocktarget.Fault{}
			}})
			l, waits := patient(Bounds{})
			reply, tries, err := ask(l, to, "hello")
			if tries != c.tries || (err == nil) != c.ok || endpoint.Calls("hello") != int(c.tries) {
				t.Fatalf("%d tries, %d calls, %v", tries, endpoint.Calls("hello"), err)
			}
			if c.ok && reply.Text() != "hello" {
				t.Errorf("reply %q", reply.Text())
			}
			if c.fault.RetryAfter != "" && (len(*waits) < 2 || (*waits)[0] != 7*time.Second) {
				t.Errorf("waited %v", *waits)
			}
		})
	}
}

func TestTriesEnd(t *testing.T) {
	to, endpoint := reach(t, mocktarget.Options{Fault: func(string, int) mocktarget.Fault { return mocktarget.Fault{Status: 503} }})
	l, _ := patient(Bounds{})
	_, tries, err := ask(l, to, "hello")
	if failed, ok := errors.AsType[*target.Error](err); tries != mostTries || !ok || failed.Class != target.ClassUnavailable || endpoint.Calls("hello") != mostTries {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestCircuitOpensAfterFailuresInARow(t *testing.T) {
	to, endpoint := reach(t, mocktarget.Options{Fault: func(string, int) mocktarget.Fault { return mocktarget.Fault{Status: 401} }})
	l, _ := patient(Bounds{})
	var stop *Stop
	calls := 0
	for ; stop == nil && calls < 2*failuresToOpen; calls++ {
		_, _, err := ask(l, to, "hello")
		errors.As(err, &stop)
	}
	if stop == nil || stop.Reason != storage.ReasonCircuit || calls != failuresToOpen+1 || endpoint.Calls("hello") != failuresToOpen {
		t.Errorf("after %d calls: %v; the endpoint saw %d", calls, stop, endpoint.Calls("hello"))
	}
}

func TestRefusedPromptsOpenNoCircuit(t *testing.T) {
	to, _ := reach(t, mocktarget.Options{Fault: func(string, int) mocktarget.Fault { return mocktarget.Fault{Status: 400} }})
	l, _ := patient(Bounds{})
	for range 2 * failuresToOpen {
		_, _, err := ask(l, to, "hello")
		if failed, ok := errors.AsType[*target.Error](err); !ok || failed.Class != target.ClassBadRequest {
			t.Fatalf("%v", err)
		}
	}
}

func TestBoundsHold(t *testing.T) {
	var mu sync.Mutex
	now, most := 0, 0
	to, _ := reach(t, mocktarget.Options{Latency: 5 * time.Millisecond, Fault: func(string, int) mocktarget.Fault { return mocktarget.Fault{} }})
	l := newLane(Bounds{AtOnce: 3, RequestsPerMinute: 60 * 50}) // 50 a second, 100 at once
	var asking sync.WaitGroup
	began := time.Now()
	for range 125 {
		asking.Go(func() {
			_, _, err := l.call(context.Background(), func(ctx context.Context) (*target.Reply, error) {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				defer func() { mu.Lock(); now--; mu.Unlock() }()
				return to.Send(ctx, target.Request{Messages: []target.Message{{Role: "user", Pieces: []target.Piece{{DataType: "text", Text: "x"}}}}})
			}, func() error { return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	if most > 3 {
		t.Errorf("%d calls at once", most)
	}
	if took := time.Since(began); took < 450*time.Millisecond { // 25 calls behind the first 100
		t.Errorf("125 calls took %s", took)
	}
}

func TestBudgetIsNotExceeded(t *testing.T) {
	for name, c := range map[string]struct {
		budget Budget
		calls  int
	}{
		"calls":  {Budget{Calls: 7}, 7},
		"tokens": {Budget{Tokens: 30}, 3},
		"money":  {Budget{Money: 0.00005, Currency: "EUR"}, 5},
	} {
		t.Run(name, func(t *testing.T) {
			s := &spending{budget: c.budget}
			made := 0
			var err error
			for ; err == nil && made < 100; made++ {
				if err = s.call(); err == nil {
					s.took(6, 4, Price{PerMillionInput: 1, PerMillionOutput: 1})
				}
			}
			if stop, ok := errors.AsType[*Stop](err); !ok || stop.Reason != storage.ReasonBudget || made-1 != c.calls {
				t.Errorf("%d calls, then %v", made-1, err)
			}
		})
	}
}

func TestRunThatGoesOnFindsNoOpenCircuit(t *testing.T) {
	mended := false
	to, _ := reach(t, mocktarget.Options{Fault: func(string, int) mocktarget.Fault {
		if mended {
			return mocktarget.Fault{}
		}
		return mocktarget.Fault{Status: 401}
	}})
	lanes := &Lanes{}
	l := lanes.of("generator", Bounds{})
	for range failuresToOpen {
		_, _, _ = ask(l, to, "hello") // each fails, as TestCircuitOpensAfterFailuresInARow shows
	}
	mended = true
	if _, _, err := ask(l, to, "hello"); err == nil {
		t.Fatal("the circuit did not open")
	}
	if again := lanes.of("generator", Bounds{}); again != l {
		t.Error("the run that goes on has bounds of its own")
	}
	if _, _, err := ask(l, to, "hello"); err != nil {
		t.Errorf("after it was resumed: %v", err)
	}
}
