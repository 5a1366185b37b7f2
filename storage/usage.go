package storage

import "context"

// Usage answers where configured things and components were used.
type Usage interface {
	// ComponentsOf lists the components that came from each configured thing, by name.
	ComponentsOf(ctx context.Context, kind ConfiguredKind, keys []string, page Page) (map[string]*Connection[Component], error)
	// ScoresOf lists the scores of each parent, oldest first.
	ScoresOf(ctx context.Context, edge ScoreEdge, parents []string, page Page) (map[string]*Connection[Score], error)
	// PromptsBefore finds for each message the first piece of the user's message that it
	// answers: the last one before it in its conversation. Without one it is absent.
	PromptsBefore(ctx context.Context, keys []MessageKey) (map[MessageKey]*Message, error)
	// RecordTests stores what the tests of generators gave. One that is gone is left out.
	RecordTests(ctx context.Context, tests []GeneratorTest) error
}

// ScoreEdge is how a parent names its scores.
type ScoreEdge string

// The edges to scores.
const (
	ScoresOfComponent ScoreEdge = "component" // parent: component hash
	ScoresOfScorer    ScoreEdge = "scorer"    // parent: key of a configured scorer
)

// GeneratorTest is what the test of a generator gave.
type GeneratorTest struct {
	Key    string
	Status string
	Result JSON
}
