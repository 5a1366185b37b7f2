package execution

import (
	"fmt"
	"sync"

	"github.com/violentutf/violentutf/storage"
)

// Budget is what a run may take; zero is no bound.
type Budget struct {
	Calls    int64
	Tokens   int64
	Money    float64
	Currency string
}

// Price is what a generator takes in the budget's currency.
type Price struct{ PerMillionInput, PerMillionOutput float64 }

// spending counts what a run took, those of its earlier engines with it.
type spending struct {
	budget Budget
	mu     sync.Mutex
	calls  int64
	tokens int64
	money  float64
}

// call counts a call before it is made, and refuses it when the budget is used up.
func (s *spending) call() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.budget.Calls > 0 && s.calls >= s.budget.Calls:
		return usedUp("%d calls", s.budget.Calls)
	case s.budget.Tokens > 0 && s.tokens >= s.budget.Tokens:
		return usedUp("%d tokens", s.budget.Tokens)
	case s.budget.Money > 0 && s.money >= s.budget.Money:
		return usedUp("%.2f %s", s.budget.Money, s.budget.Currency)
	}
	s.calls++
	return nil
}

func usedUp(format string, args ...any) error {
	return &Stop{Reason: storage.ReasonBudget, Message: fmt.Sprintf("the budget of "+format+" is used up: raise it, and resume the run", args...)}
}

// took counts what a reply took.
func (s *spending) took(input, output int64, price Price) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens += input + output
	s.money += (float64(input)*price.PerMillionInput + float64(output)*price.PerMillionOutput) / 1e6
}
