// Package analytics is the statistics of attacks. Each formula names its source, and its
// values are checked against an independent computation that testdata keeps.
package analytics

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// UsualLevel is the level of confidence where nobody chose one.
const UsualLevel = 0.95

// Interval is where a share lies, both ends between 0 and 1.
type Interval struct {
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

// Wilson is the score interval of a binomial share without continuity correction: of
// successes among those assessed, at a level between 0 and 1. Nil when nothing was
// assessed. It is E. B. Wilson's (Probable inference, the law of succession, and
// statistical inference, JASA 22, 1927), method 3 of R. G. Newcombe (Two-sided confidence
// intervals for the single proportion, Statistics in Medicine 17, 1998).
func Wilson(successes, assessed int64, level float64) *Interval {
	if assessed <= 0 {
		return nil
	}
	n := float64(assessed)
	p := float64(successes) / n
	z := distuv.UnitNormal.Quantile(1 - (1-level)/2)
	z2 := z * z
	centre := (p + z2/(2*n)) / (1 + z2/n)
	half := z / (1 + z2/n) * math.Sqrt(p*(1-p)/n+z2/(4*n*n))
	made := &Interval{Lower: centre - half, Upper: centre + half}
	if successes == 0 {
		made.Lower = 0 // exactly, where rounding leaves a trace
	}
	if successes == assessed {
		made.Upper = 1
	}
	return made
}
