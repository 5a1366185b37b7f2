package execution

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// Bounds are what a generator bears. Zero is no bound.
type Bounds struct {
	AtOnce            int   // calls
	RequestsPerMinute int64 //
	TokensPerMinute   int64 // in and out
}

const (
	mostTries      = 5 // of one call
	firstPause     = 500 * time.Millisecond
	longestPause   = 30 * time.Second // unless the provider asks for more
	mostRetryAfter = 10 * time.Minute // and what is believed of that
	failuresToOpen = 20               // in a row
	openFor        = 30 * time.Second
)

// Lanes are the ways to generators, one each for the whole process: runs that call the
// same generator share its bounds. The zero value is ready.
type Lanes struct {
	mu    sync.Mutex
	lanes map[string]*lane
	wait  func(ctx context.Context, d time.Duration) error // sleep if nil
}

// lane is the way to one generator.
type lane struct {
	bounds   Bounds
	places   chan struct{} // nil for no bound
	requests *rate.Limiter
	tokens   *rate.Limiter
	wait     func(ctx context.Context, d time.Duration) error

	mu      sync.Mutex
	closed  time.Time // until then the provider wants no calls
	circuit *gobreaker.CircuitBreaker[*target.Reply]
}

// of is the lane of a generator, whose bounds are those of the newest run that asks. A run
// that begins or goes on finds no open circuit: somebody may have mended the generator,
// and a run with many calls would not come through a circuit that lets one try.
func (l *Lanes) of(key string, bounds Bounds) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.lanes[key]; known != nil && known.bounds == bounds {
		known.mend()
		return known
	}
	if l.lanes == nil {
		l.lanes = map[string]*lane{}
	}
	made := newLane(bounds)
	if l.wait != nil {
		made.wait = l.wait
	}
	l.lanes[key] = made
	return made
}

func newLane(bounds Bounds) *lane {
	made := &lane{bounds: bounds, requests: perMinute(bounds.RequestsPerMinute), tokens: perMinute(bounds.TokensPerMinute), wait: sleep, circuit: newCircuit()}
	if bounds.AtOnce > 0 {
		made.places = make(chan struct{}, bounds.AtOnce)
	}
	return made
}

// mend closes a circuit that is open.
func (l *lane) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.circuit.State() != gobreaker.StateClosed {
		l.circuit = newCircuit()
	}
}

func (l *lane) through() *gobreaker.CircuitBreaker[*target.Reply] {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.circuit
}

func newCircuit() *gobreaker.CircuitBreaker[*target.Reply] {
	return gobreaker.NewCircuitBreaker[*target.Reply](gobreaker.Settings{
		Timeout: openFor,
		ReadyToTrip: func(counts gobreaker.Counts) bool {
			return counts.ConsecutiveFailures >= failuresToOpen
		},
		IsSuccessful: func(err error) bool { return !isDown(err) },
	})
}

// perMinute lets bursts of two seconds through.
func perMinute(most int64) *rate.Limiter {
	if most <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(float64(most)/60), int(max(1, most/30)))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// isDown tells whether an error says that the target does not work, whatever is asked.
func isDown(err error) bool {
	failed, ok := errors.AsType[*target.Error](err)
	if !ok {
		return false
	}
	switch failed.Class {
	case target.ClassUnavailable, target.ClassTimeout, target.ClassUnauthorized, target.ClassNotFound, target.ClassRefusedAddress:
		return true
	}
	return false
}

// mayPass tells whether the same call may do better later.
func mayPass(err error) bool {
	failed, ok := errors.AsType[*target.Error](err)
	if !ok {
		return false
	}
	switch failed.Class {
	case target.ClassRateLimited, target.ClassUnavailable, target.ClassTimeout, target.ClassMalformedReply:
		return true
	}
	return false
}

// call makes one call, again while that may help, within the lane's bounds. tried is told
// before each try, and may refuse it; tries is how many there were.
func (l *lane) call(ctx context.Context, send func(ctx context.Context) (*target.Reply, error), tried func() error) (reply *target.Reply, tries int64, err error) {
	return l.callUpTo(ctx, mostTries, send, tried)
}

func (l *lane) callUpTo(ctx context.Context, most int64, send func(ctx context.Context) (*target.Reply, error), tried func() error) (reply *target.Reply, tries int64, err error) {
	pauses := &backoff.ExponentialBackOff{InitialInterval: firstPause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: longestPause}
	pauses.Reset()
	for {
		if err := l.enter(ctx); err != nil {
			return nil, tries, err
		}
		if err := tried(); err != nil {
			l.leave(nil)
			return nil, tries, err
		}
		tries++
		reply, err = l.through().Execute(func() (*target.Reply, error) { return send(ctx) })
		l.leave(reply)
		switch {
		case err == nil || ctx.Err() != nil:
			return reply, tries, err
		case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
			return nil, tries - 1, &Stop{Reason: storage.ReasonCircuit, Message: fmt.Sprintf(
				"the generator failed %d times in a row: test it, and resume the run", failuresToOpen)}
		case !mayPass(err) || tries >= most:
			return nil, tries, err
		}
		if err := l.wait(ctx, l.pause(err, pauses.NextBackOff())); err != nil {
			return nil, tries, err
		}
	}
}

// pause is how long to wait after a failure. What the provider asks for holds for every
// call of the lane.
func (l *lane) pause(err error, otherwise time.Duration) time.Duration {
	failed, ok := errors.AsType[*target.Error](err)
	if !ok || failed.RetryAfter <= 0 {
		return otherwise
	}
	asked := min(failed.RetryAfter, mostRetryAfter)
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(asked); until.After(l.closed) {
		l.closed = until
	}
	return asked
}

// enter waits until the bounds let a call through.
func (l *lane) enter(ctx context.Context) error {
	if l.places != nil {
		select {
		case l.places <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	err := l.admitted(ctx)
	if err != nil {
		l.leave(nil)
	}
	return err
}

func (l *lane) admitted(ctx context.Context) error {
	l.mu.Lock()
	closed := time.Until(l.closed)
	l.mu.Unlock()
	if closed > 0 {
		if err := l.wait(ctx, closed); err != nil {
			return err
		}
	}
	if err := l.requests.Wait(ctx); err != nil {
		return err
	}
	return l.tokens.Wait(ctx) // one now, the rest when it is known what the call took
}

// leave gives the place back, and charges the tokens of a reply to the calls to come.
func (l *lane) leave(reply *target.Reply) {
	if l.places != nil {
		<-l.places
	}
	if reply == nil || l.bounds.TokensPerMinute <= 0 {
		return
	}
	if took := tokensOf(reply); took > 1 {
		burst := l.tokens.Burst()
		for left := int(took - 1); left > 0; left -= burst {
			l.tokens.ReserveN(time.Now(), min(left, burst))
		}
	}
}

func tokensOf(reply *target.Reply) (sum int64) {
	for _, tokens := range []*int64{reply.InputTokens, reply.OutputTokens} {
		if tokens != nil {
			sum += *tokens
		}
	}
	return sum
}
