package storage

// Agreement compares the verdicts of a scorer with others on the same messages.
type Agreement struct {
	BothTrue  int64
	BothFalse int64
	TrueHere  int64 // true of the scorer, false of the others
	TrueThere int64 // false of the scorer, true of the others
}

// Add counts one message.
func (a *Agreement) Add(here, there bool) {
	switch {
	case here && there:
		a.BothTrue++
	case here:
		a.TrueHere++
	case there:
		a.TrueThere++
	default:
		a.BothFalse++
	}
}

// Compared is how many messages have both verdicts.
func (a *Agreement) Compared() int64 { return a.BothTrue + a.BothFalse + a.TrueHere + a.TrueThere }

// Rate is the share on which both say the same, nil without any.
func (a *Agreement) Rate() *float64 {
	if a.Compared() == 0 {
		return nil
	}
	rate := float64(a.BothTrue+a.BothFalse) / float64(a.Compared())
	return &rate
}

// Kappa is how much more often both say the same than by chance (Cohen 1960): 1 always,
// 0 as by chance. It is nil where chance alone would always do.
func (a *Agreement) Kappa() *float64 {
	if a.Compared() == 0 {
		return nil
	}
	all := float64(a.Compared())
	here, there := float64(a.BothTrue+a.TrueHere)/all, float64(a.BothTrue+a.TrueThere)/all
	chance := here*there + (1-here)*(1-there)
	if chance == 1 {
		return nil
	}
	kappa := (*a.Rate() - chance) / (1 - chance)
	return &kappa
}

// ScorerAgreement is the agreement with the saved scores of one scorer.
type ScorerAgreement struct {
	ScorerName string
	Agreement  *Agreement
}
