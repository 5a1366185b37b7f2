package storage

// Selection says what is copied from a workspace to another one, or deleted: each by
// the key that it has in its own store.
type Selection struct {
	Attacks []int64 // numbers
	// Filter takes the attacks that it holds for beside those, nil none.
	Filter     *AttackFilter
	Datasets   []string
	Generators []string
	Converters []string
	Scorers    []string
}

// Empty says whether nothing is selected.
func (s *Selection) Empty() bool {
	return s.Filter == nil && len(s.Attacks)+len(s.Datasets)+len(s.Generators)+len(s.Converters)+len(s.Scorers) == 0
}

// Embedding is the vector that a model gave for a message's converted value.
type Embedding struct {
	Model  string
	Vector []float32
}
