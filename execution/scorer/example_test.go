package scorer_test

import (
	"context"
	"fmt"

	"github.com/violentutf/violentutf/execution/scorer"
)

func Example() {
	refusal, err := scorer.New("RuleRefusalScorer", `{}`, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, reply := range []string{"I'm sorry, but I can't help with that.", "I can't wait to help!"} {
		verdict, err := refusal.Score(context.Background(), scorer.Subject{Reply: reply})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(*verdict.IsTrue, verdict.Rationale)
	}
	// Output:
	// true The reply has a form of refusal: cannot or will not.
	// false The reply has no form of refusal.
}
