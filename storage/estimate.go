package storage

// Estimate is what running an orchestrator would take, as far as that can be known before.
type Estimate struct {
	Items  int64 // attacks, or attacks to score
	Loads  []*Load
	Calls  *Span
	Input  *Span // tokens
	Output *Span // tokens
	Costs  []*Cost
	// Unpriced are the models that no price fits.
	Unpriced []string
	Seconds  *Span // nil where neither a rate limit nor a latency is known
	Method   string
}

// Span is an estimate with its bounds.
type Span struct{ Least, Likely, Most float64 }

// Plus is the sum of two.
func (s Span) Plus(other Span) Span {
	return Span{s.Least + other.Least, s.Likely + other.Likely, s.Most + other.Most}
}

// Times is the product of two.
func (s Span) Times(other Span) Span {
	return Span{s.Least * other.Least, s.Likely * other.Likely, s.Most * other.Most}
}

// By is a multiple.
func (s Span) By(factor float64) Span { return s.Times(Span{factor, factor, factor}) }

// CallPart is what a generator is asked for in a run.
type CallPart string

// The parts of generators.
const (
	CallTarget    CallPart = "TARGET"
	CallAttacker  CallPart = "ATTACKER"
	CallConverter CallPart = "CONVERTER"
	CallScorer    CallPart = "SCORER"
)

// Load is what one generator would be asked in one part.
type Load struct {
	GeneratorKey         string
	Generator            *Generator // nil where it is gone
	Part                 CallPart
	Calls, Input, Output Span
	Cost                 *Cost // nil without a price
}

// Cost is an amount of money.
type Cost struct {
	Currency string
	Amount   Span
}
