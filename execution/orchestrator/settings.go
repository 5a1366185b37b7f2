package orchestrator

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// maxScript is how many turns a script has at most.
const maxScript = 100

// Settings are checked parameters, as a run uses them. What a type does not have is zero.
type Settings struct {
	Type                 *storage.OrchestratorType
	Repetitions          int64 // 1 or more
	SystemPrompt         string
	Turns                []string // of a script
	Attacker             string   // key of a generator
	AttackerSystemPrompt string
	FirstPrompt          string
	MaxTurns             int64
	MaxBacktracks        int64
	FeedbackScorer       string // key, empty for the objective's
	RefusalScorer        string // key, empty for rules
	Attacks              *storage.AttackFilter
	KeepRaw              bool // of the target's calls
}

// Check reads what an orchestrator says of itself and tells what is wrong with it, apart
// from what it names: parameters, placeholders, and what its type needs. Nil settings are
// those of no type.
func Check(o *storage.Orchestrator) (*Settings, []*storage.Problem) {
	of := Named(o.Type)
	if of == nil {
		return nil, []*storage.Problem{problem("type", "there is no type of orchestrator %q", "use one of viewer.orchestratorTypes", storage.Plain(o.Type, 80))}
	}
	values, refusals := of.Check(o.Parameters)
	var problems []*storage.Problem
	for _, refusal := range refusals {
		found, _ := storage.ProblemOf(refusal, "", "change the parameter as the message says")
		problems = append(problems, found)
	}
	s := &Settings{
		Type: of, Repetitions: max(values.Integer(Repetitions), 1), SystemPrompt: values.Text(SystemPrompt), Turns: values.Texts(Turns),
		Attacker: values.Text(Attacker), AttackerSystemPrompt: values.Text(AttackerSystemPrompt), FirstPrompt: values.Text(FirstPrompt),
		MaxTurns: values.Integer(MaxTurns), MaxBacktracks: values.Integer(MaxBacktracks),
		KeepRaw: values.Boolean(KeepRawExchanges),
	}
	problems = append(problems, s.checkTexts(values)...)
	for name, key := range map[string]*string{FeedbackScorer: &s.FeedbackScorer, RefusalScorer: &s.RefusalScorer} {
		switch keys := values.Texts(name); {
		case len(keys) == 1:
			*key = keys[0]
		case values.Has(name):
			problems = append(problems, problem("parameters."+name, "%s has %d scorers", "pass a list of exactly one, or leave it out", name, len(keys)))
		}
	}
	if values.Has(Attacks) {
		var err error
		if s.Attacks, err = storage.ReadAttackFilter(values.JSON(Attacks)); err != nil {
			problems = append(problems, problem("parameters.attacks", "the filter cannot be used: %s", "pass a filter as workspace.attacks takes it", err))
		}
	}
	return s, append(problems, needs(o, of)...)
}

var placeholder = regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`)

// places are the placeholders of a text.
func places(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range placeholder.FindAllStringSubmatch(text, -1) {
		found[match[1]] = true
	}
	return found
}

// Fill puts values where their placeholders are; placeholders of other names stay.
func Fill(text string, values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		if value, known := values[placeholder.FindStringSubmatch(found)[1]]; known {
			return value
		}
		return found
	})
}

func (s *Settings) checkTexts(values storage.Values) []*storage.Problem {
	var problems []*storage.Problem
	if values.Has(AttackerSystemPrompt) && !places(s.AttackerSystemPrompt)[PlaceOfObjective] {
		problems = append(problems, problem("parameters."+AttackerSystemPrompt, "the attacker is not told its objective", "put {{ objective }} where the objective belongs"))
	}
	if values.Has(Turns) && (len(s.Turns) == 0 || len(s.Turns) > maxScript) {
		problems = append(problems, problem("parameters."+Turns, "a script has 1 to %d turns, not %d", "change the list of turns", maxScript, len(s.Turns)))
	}
	for _, text := range []struct {
		name  string
		texts []string
		known []string
	}{
		{Turns, s.Turns, []string{PlaceOfPrompt}},
		{AttackerSystemPrompt, []string{s.AttackerSystemPrompt}, []string{PlaceOfObjective, PlaceOfMaxTurns}},
		{FirstPrompt, []string{s.FirstPrompt}, []string{PlaceOfObjective}},
	} {
		unknown := places(strings.Join(text.texts, "\n"))
		for _, name := range text.known {
			delete(unknown, name)
		}
		if len(unknown) > 0 {
			problems = append(problems, warning("parameters."+text.name, "a placeholder has no value and stays as it is", fmt.Sprintf("use {{ %s }}", strings.Join(text.known, " }} or {{ "))))
		}
	}
	return problems
}

// needs compares what an orchestrator has with what its type needs.
func needs(o *storage.Orchestrator, of *storage.OrchestratorType) []*storage.Problem {
	var problems []*storage.Problem
	for _, part := range []struct {
		field, what string
		need        storage.Need
		there       bool
		remedy      string
	}{
		{"generator", "a generator to attack", of.Generator, o.GeneratorKey != nil, "name one of workspace.generators"},
		{"prompts", "a dataset or prompts", of.Prompts, o.DatasetKey != nil || len(o.Prompts) > 0, "name a dataset, or give prompts"},
		{"chains", "converters", of.Converters, len(o.Chains) > 0, "name chains of converters"},
		{"scorers", "a scorer", of.Scorers, len(o.Scorers) > 0, "name one of workspace.scorers"},
		{"scorers", "a scorer that decides the outcome", of.ObjectiveScorer, o.ObjectiveScorer != nil, "mark one of the scorers as the objective's"},
	} {
		switch {
		case part.need == storage.NeedRequired && !part.there:
			problems = append(problems, problem(part.field, "%s needs %s", part.remedy, of.Name, part.what))
		case part.need == storage.NeedNone && part.there:
			problems = append(problems, warning(part.field, fmt.Sprintf("%s makes no use of %s", of.Name, part.what), "leave it out"))
		}
	}
	if of.Name == MultiPrompt && (o.DatasetKey != nil || len(o.Prompts) > 0) {
		values, _ := of.Check(o.Parameters)
		if turns := values.Texts(Turns); len(turns) > 0 && !places(strings.Join(turns, "\n"))[PlaceOfPrompt] {
			problems = append(problems, warning("parameters."+Turns, "the prompts stand nowhere in the script", "put {{ prompt }} where the prompt belongs, or leave the prompts out"))
		}
	}
	return problems
}

// References are the parameters that name things of the workspace, as far as they can be
// read: those of a draft may not fit.
func References(o *storage.Orchestrator) []storage.Named {
	of := Named(o.Type)
	if of == nil {
		return nil
	}
	values, _ := of.Check(o.Parameters)
	var names []storage.Named
	for _, parameter := range of.Parameters {
		table, keys := storage.KindGenerators, []string{values.Text(parameter.Name)}
		switch parameter.Kind {
		case storage.ParameterGenerator:
		case storage.ParameterScorers:
			table, keys = storage.KindScorers, values.Texts(parameter.Name)
		default:
			continue
		}
		for _, key := range keys {
			if key != "" {
				names = append(names, storage.Named{Table: table, Key: key, Argument: "parameters." + parameter.Name})
			}
		}
	}
	return names
}

func problem(field, format, remedy string, arguments ...any) *storage.Problem {
	return &storage.Problem{Severity: storage.ProblemError, Field: strings.Split(field, "."), Message: fmt.Sprintf(format, arguments...), Remedy: remedy}
}

func warning(field, message, remedy string) *storage.Problem {
	return &storage.Problem{Severity: storage.ProblemWarning, Field: strings.Split(field, "."), Message: message, Remedy: remedy}
}
