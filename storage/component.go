package storage

// ComponentKind is the part that a component plays in a run.
type ComponentKind string

// The kinds of components. ATTACKER is the attack strategy itself.
const (
	ComponentTarget    ComponentKind = "TARGET"
	ComponentConverter ComponentKind = "CONVERTER"
	ComponentScorer    ComponentKind = "SCORER"
	ComponentAttacker  ComponentKind = "ATTACKER"
)

// Component is an immutable description of a target, converter, scorer or
// attacker as it was used. Its hash is the SHA-256 of its kind and canonical JSON.
type Component struct {
	ID         string
	Hash       string
	Kind       ComponentKind
	Name       string // the configured name where there is one, otherwise the class
	ClassName  string
	Module     *string
	Model      *string
	Endpoint   *string
	Parameters JSON // without class, module, model and endpoint
	Identifier JSON // the source's own description, whole
	// The keys of the configured generator, converter or scorer that it came from.
	GeneratorID, ConverterID, ScorerID *string
}

// ComponentFilter narrows a list of components.
type ComponentFilter struct {
	Kind      *ComponentKindIn
	ClassName *TextIn
	Model     *TextIn
	Endpoint  *TextIn
}

// Label is a key and value that a user put on an attack or conversation.
type Label struct {
	Key   string
	Value string
}
