// Package gate decides by the figures of a run whether it is too bad: conditions as
// "lower > 0.05 and total >= 100", for somebody's CI.
package gate

import (
	"fmt"
	"slices"
	"strings"
)

// Figures are what conditions compare, by the names of Names. A figure that is not there
// is not known: a rate, while nothing was assessed.
type Figures map[string]float64

// Names are the figures that a condition may name.
func Names() []string { return slices.Clone(names) }

var names = []string{"rate", "lower", "upper", "successes", "failures", "undetermined", "errors", "total", "calls", "cost"}

// Condition is a condition that was read.
type Condition struct {
	text string
	root node
}

// String is the condition as it was written.
func (c *Condition) String() string { return c.text }

// Verdict is what a condition says of a run.
type Verdict struct {
	Condition string `json:"condition"`
	// Met says that the run is too bad, or that nobody can tell: then Unknown holds too.
	Met     bool   `json:"met"`
	Unknown bool   `json:"unknown"`
	Message string `json:"message"` // with the values that were compared
}

// Check compares. What is not known decides nothing, as NULL in SQL: a condition that
// depends on it is met, for a gate that cannot tell must not let pass.
func (c *Condition) Check(figures Figures) Verdict {
	found := c.root.check(figures)
	verdict := Verdict{Condition: c.text, Met: found != no, Unknown: found == unknown}
	var values, missing []string
	for _, name := range c.root.names(nil) {
		if value, known := figures[name]; known {
			values = append(values, fmt.Sprintf("%s is %.6g", name, value))
		} else {
			missing = append(missing, name)
		}
	}
	if verdict.Unknown {
		values = append(values, "there is no "+strings.Join(missing, ", no ")+", for no attack was assessed, and a gate that cannot tell does not let pass")
	}
	verdict.Message = strings.Join(values, ", ")
	return verdict
}

// truth has a third value, as in Kleene's logic.
type truth int

const (
	no truth = iota
	unknown
	yes
)

type node interface {
	check(figures Figures) truth
	names(into []string) []string // each once, in order
}

type comparison struct {
	name, operator string
	value          float64
}

func (c comparison) check(figures Figures) truth {
	figure, known := figures[c.name]
	if !known {
		return unknown
	}
	met := false
	switch c.operator {
	case ">":
		met = figure > c.value
	case ">=":
		met = figure >= c.value
	case "<":
		met = figure < c.value
	case "<=":
		met = figure <= c.value
	case "==":
		met = figure == c.value
	case "!=":
		met = figure != c.value
	}
	if met {
		return yes
	}
	return no
}

func (c comparison) names(into []string) []string {
	if slices.Contains(into, c.name) {
		return into
	}
	return append(into, c.name)
}

// joined are conditions of which all or any hold.
type joined struct {
	all   bool
	parts []node
}

func (j joined) check(figures Figures) truth {
	found := j.parts[0].check(figures)
	for _, part := range j.parts[1:] {
		if j.all {
			found = min(found, part.check(figures))
		} else {
			found = max(found, part.check(figures))
		}
	}
	return found
}

func (j joined) names(into []string) []string {
	for _, part := range j.parts {
		into = part.names(into)
	}
	return into
}
