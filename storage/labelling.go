package storage

// Labelling is a label to be set on attacks, or to be taken away from them.
type Labelling struct {
	On    Chosen // attacks alone
	Key   string
	Value *string // nil, where labels are taken away, for every value
}

// Labelled counts what a labelling did.
type Labelled struct {
	Matched int64 // attacks that were meant
	Changed int64 // those whose labels are others now
}

// The longest key and value of a label that a person sets, in bytes.
const (
	MaxLabelKeyBytes   = 200
	MaxLabelValueBytes = 2_000
)

// Check is BAD_USER_INPUT for a labelling of nothing, or one that no store takes.
func (l *Labelling) Check() error {
	if l.On.Empty() {
		return BadInput("attacks", "name the attacks, or give an attackFilter")
	}
	if blank(&l.Key) {
		return BadInput("key", "a label needs a key")
	}
	if err := CheckText("key", &l.Key, MaxLabelKeyBytes); err != nil {
		return err
	}
	return CheckText("value", l.Value, MaxLabelValueBytes)
}
