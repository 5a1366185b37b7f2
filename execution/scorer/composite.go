package scorer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// compositeKinds are the types that combine other scorers of the workspace.
func compositeKinds() []kind {
	return []kind{
		{&storage.ConfiguredType{
			Name: "TrueFalseCompositeScorer", Title: "Combination",
			Description: "Combines true-or-false scorers: all, any, or more than half of them.",
			Parameters: []*storage.Parameter{
				{Name: "aggregator", Kind: storage.ParameterChoice, Choices: []string{"AND", "OR", "MAJORITY"}, Required: true, Description: "How many of the scorers must say true."},
				{Name: "scorers", Kind: storage.ParameterScorers, Required: true, Description: "The scorers, of true or false."},
			},
		}, makeComposite},
		{&storage.ConfiguredType{
			Name: "TrueFalseInverterScorer", Title: "Inverter",
			Description: "Says the opposite of a true-or-false scorer; what is undetermined stays so.",
			Parameters: []*storage.Parameter{
				{Name: "scorer", Kind: storage.ParameterScorers, Required: true, Description: "One scorer, of true or false."},
			},
		}, makeInverter},
		{&storage.ConfiguredType{
			Name: "FloatScaleThresholdScorer", Title: "Threshold",
			Description: "True when a scorer on a scale gives at least the threshold.",
			Parameters: []*storage.Parameter{
				{Name: "scorer", Kind: storage.ParameterScorers, Required: true, Description: "One scorer, on a scale."},
				{Name: "threshold", Kind: storage.ParameterNumber, Required: true, Minimum: number(0), Maximum: number(1), Description: "The least value that is true."},
			},
		}, makeThreshold},
	}
}

func makeComposite(b *builder, values storage.Values) (*built, error) {
	children, err := b.inside("scorers", values.Texts("scorers"))
	if err != nil {
		return nil, err
	}
	for i, child := range children {
		if child.of != storage.ScoreTrueFalse {
			return nil, storage.BadInput("parameters.scorers", "scorers: %q gives no true or false, put a FloatScaleThresholdScorer around it", values.Texts("scorers")[i])
		}
	}
	aggregator := values.Text("aggregator")
	return combining(children, func(ctx context.Context, subject Subject) (Verdict, error) {
		var yes, no int
		var open, reasons, categories []string
		for _, child := range children {
			verdict, err := child.Score(ctx, subject)
			if err != nil {
				return Verdict{}, err
			}
			name := child.component.ClassName
			reasons = append(reasons, name+" ("+said(verdict)+"): "+verdict.Rationale)
			switch {
			case verdict.IsTrue == nil:
				open = append(open, name)
			case *verdict.IsTrue:
				yes++
			default:
				no++
			}
			for _, category := range verdict.Categories {
				if !slices.Contains(categories, category) {
					categories = append(categories, category)
				}
			}
		}
		why := aggregator + " of " + strings.Join(reasons, "; ")
		is, decided := decide(aggregator, yes, no, len(open))
		if !decided {
			verdict := undetermined(storage.ScoreTrueFalse, fmt.Sprintf("Undecided without %s. %s", strings.Join(open, ", "), why))
			verdict.Categories = categories
			return verdict, nil
		}
		return trueFalse(is, why, categories...), nil
	}), nil
}

// decide combines verdicts by Kleene's logic: an open one matters only when the others
// do not decide already. A majority is more than half of all, as in PyRIT.
func decide(aggregator string, yes, no, open int) (is, decided bool) {
	all := yes + no + open
	switch aggregator {
	case "AND":
		return no == 0, no > 0 || open == 0
	case "OR":
		return yes > 0, yes > 0 || open == 0
	default:
		return 2*yes > all, 2*yes > all || 2*(yes+open) <= all
	}
}

func makeInverter(b *builder, values storage.Values) (*built, error) {
	child, err := b.single(values, storage.ScoreTrueFalse)
	if err != nil {
		return nil, err
	}
	return combining([]*built{child}, func(ctx context.Context, subject Subject) (Verdict, error) {
		inner, err := child.Score(ctx, subject)
		if err != nil {
			return Verdict{}, err
		}
		why := "Opposite of " + child.component.ClassName + " (" + said(inner) + "): " + inner.Rationale
		if inner.IsTrue == nil {
			return undetermined(storage.ScoreTrueFalse, why), nil
		}
		return trueFalse(!*inner.IsTrue, why, inner.Categories...), nil
	}), nil
}

func makeThreshold(b *builder, values storage.Values) (*built, error) {
	child, err := b.single(values, storage.ScoreFloatScale)
	if err != nil {
		return nil, err
	}
	threshold := values.Number("threshold")
	return combining([]*built{child}, func(ctx context.Context, subject Subject) (Verdict, error) {
		inner, err := child.Score(ctx, subject)
		if err != nil {
			return Verdict{}, err
		}
		why := fmt.Sprintf("%s (%s) against %v: %s", child.component.ClassName, said(inner), threshold, inner.Rationale)
		if inner.Scale == nil {
			return undetermined(storage.ScoreTrueFalse, why), nil
		}
		return trueFalse(*inner.Scale >= threshold, why, inner.Categories...), nil
	}), nil
}

// single makes the one scorer of the parameter scorer, which must give the type.
func (b *builder) single(values storage.Values, of storage.ScoreType) (*built, error) {
	keys := values.Texts("scorer")
	if len(keys) != 1 {
		return nil, storage.BadInput("parameters.scorer", "scorer: pass a list of exactly one scorer, not %d", len(keys))
	}
	children, err := b.inside("scorer", keys)
	if err != nil {
		return nil, err
	}
	if children[0].of != of {
		return nil, storage.BadInput("parameters.scorer", "scorer: %q gives %s, take one that gives %s", keys[0], children[0].of, of)
	}
	return children[0], nil
}

func combining(children []*built, judge func(context.Context, Subject) (Verdict, error)) *built {
	return &built{of: storage.ScoreTrueFalse, judge: judge, combines: true, children: children}
}

// said is a verdict in a word.
func said(verdict Verdict) string {
	switch {
	case verdict.Status != storage.ScoreComplete:
		return "undetermined"
	case verdict.Scale != nil:
		return fmt.Sprintf("%.3g", *verdict.Scale)
	default:
		return fmt.Sprint(*verdict.IsTrue)
	}
}
