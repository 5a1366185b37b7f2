package execution

import (
	"context"
	"sync"
	"time"

	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// Model is a generator as a run calls it: within the generator's bounds, the run's budget,
// and on the account of the item that it works on.
type Model struct {
	target    *target.Target
	component *storage.Component
	lane      *lane
	spending  *spending
	price     Price
	waiting   *waiting // nil in a run
}

// waiting is that a person waits for the reply: one try, for the person can try again, in
// the time that the request leaves, counted as the person's call.
type waiting struct {
	spare time.Duration // of the request's time, to store what came back
	count func(ctx context.Context) error
}

// Component describes what is called.
func (m *Model) Component() *storage.Component { return m.component }

// Send asks for the next message of a conversation.
func (m *Model) Send(ctx context.Context, request target.Request) (*target.Reply, error) {
	reply, tries, err := m.call(ctx, request)
	account := accountFrom(ctx)
	account.mu.Lock()
	defer account.mu.Unlock()
	account.calls += tries
	account.attempts = max(account.attempts, tries)
	account.components[m.component.Hash] = m.component
	if reply != nil {
		input, output := orZero(reply.InputTokens), orZero(reply.OutputTokens)
		account.input += input
		account.output += output
		account.cost += m.price.of(input, output)
		m.spending.took(input, output, m.price)
	}
	return reply, err
}

func (m *Model) call(ctx context.Context, request target.Request) (*target.Reply, int64, error) {
	if m.waiting == nil {
		return m.lane.call(ctx, func(ctx context.Context) (*target.Reply, error) { return m.target.Send(ctx, request) }, m.spending.call)
	}
	return m.lane.callUpTo(ctx, 1, func(ctx context.Context) (*target.Reply, error) {
		if until, bounded := ctx.Deadline(); bounded {
			var cancel context.CancelFunc
			ctx, cancel = context.WithDeadline(ctx, until.Add(-min(m.waiting.spare, time.Until(until)/4)))
			defer cancel()
		}
		return m.target.Send(ctx, request)
	}, func() error {
		if m.waiting.count == nil || !m.target.Calls() {
			return nil
		}
		return m.waiting.count(ctx)
	})
}

// Reply answers one message under a system prompt, for converters and scorers. What was
// said is kept as a conversation of the item.
func (m *Model) Reply(ctx context.Context, system, user string) (string, error) {
	account := accountFrom(ctx)
	began := time.Now()
	talk := &thread{model: m, conversation: newConversation(account.purpose(), m)}
	talk.system(system)
	talk.add(storage.RoleUser, user, began)
	reply, err := talk.send(ctx)
	account.keep(talk.conversation)
	if err != nil {
		return "", err
	}
	return reply.Text(), nil
}

func orZero(value *int64) int64 {
	if value == nil {
		return 0
	}
	return *value
}

func (p Price) of(input, output int64) float64 {
	return (float64(input)*p.PerMillionInput + float64(output)*p.PerMillionOutput) / 1e6
}

// account is what one item took and said beside its attack.
type account struct {
	mu            sync.Mutex
	calls         int64
	attempts      int64 // of the call that took most
	input, output int64
	cost          float64
	components    map[string]*storage.Component
	helpers       []*storage.ResultConversation
	speaking      storage.Purpose
}

type accountKey struct{}

func withAccount(ctx context.Context) (context.Context, *account) {
	a := &account{components: map[string]*storage.Component{}, speaking: storage.PurposeUnknown}
	return context.WithValue(ctx, accountKey{}, a), a
}

// accountFrom is that of the item that is worked on. Outside of one, what is counted is
// lost.
func accountFrom(ctx context.Context) *account {
	if a, ok := ctx.Value(accountKey{}).(*account); ok {
		return a
	}
	_, a := withAccount(ctx)
	return a
}

// as lets replies asked for in fn be kept as conversations of that purpose. An item does
// one thing at a time.
func (a *account) as(purpose storage.Purpose, fn func() error) error {
	a.mu.Lock()
	before := a.speaking
	a.speaking = purpose
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.speaking = before
		a.mu.Unlock()
	}()
	return fn()
}

func (a *account) purpose() storage.Purpose {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.speaking
}

func (a *account) keep(c *storage.ResultConversation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.helpers = append(a.helpers, c)
}

func (a *account) used(components ...*storage.Component) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range components {
		a.components[c.Hash] = c
	}
}
