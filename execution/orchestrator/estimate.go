package orchestrator

import (
	"math"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// Method says how an estimate comes about, for people.
const Method = "Tokens are characters / 4, at least / 5, at most / 2; texts of other scripts and encodings can take more. " +
	"A reply has 256 tokens, at least 1, at most max_tokens or 1 024. Converters are tried on the first prompts. " +
	"An attacker needs all of its turns, at least one; Crescendo at most those that are taken back besides. " +
	"A judge answers at once, at most the second time. Retries are not counted."

// What is assumed where nothing is known, in tokens.
var (
	anyReply    = storage.Span{Least: 1, Likely: 256, Most: 1024}
	judgePrompt = storage.Span{Least: 200, Likely: 350, Most: 600} // the rubric and the form of the answer
	judgement   = storage.Span{Least: 20, Likely: 80, Most: 300}
	judgeCalls  = storage.Span{Least: 1, Likely: 1, Most: 2} // with the one repair
	rewriteAsk  = storage.Span{Least: 60, Likely: 100, Most: 200}
)

// Parts are what an orchestrator is made of, as far as an estimate needs to know.
type Parts struct {
	Prompts    int64   // rows of the dataset, or prompts given
	Characters float64 // the mean of a prompt's
	Chains     []Chain // none: one that changes nothing
	Target     string  // key of the generator
	Scorers    []Asks  // without those of Settings' parameters
	Feedback   *Asks   // nil where the objective's scorer is
	Refusal    *Asks   // nil for rules
	ToScore    int64   // attacks that the filter of SCORING holds for
	Replies    int64   // of them, where each is scored
	Generators map[string]Generator
	Concurrent int64
}

// Chain is one chain of converters.
type Chain struct {
	Growth float64  // characters behind it for each before it
	Models []string // keys of the generators that it asks for each message
}

// Asks are the generators that a scorer asks for each verdict.
type Asks struct {
	Models    []string
	Objective bool
}

// Generator is what is known of a generator.
type Generator struct {
	MaxTokens            int64 // of a reply, 0 for no bound
	RequestsPerMinute    int64 // 0 for no bound
	TokensPerMinute      int64
	LatencySeconds       float64 // of its last test, 0 where unknown
	SystemPromptOfItsOwn string
}

// EstimateOf says what a run would take. Costs and the generators themselves are the
// caller's to add.
func EstimateOf(s *Settings, p Parts) *storage.Estimate {
	e := &estimate{settings: s, parts: p, loads: map[loadKey]*storage.Load{}}
	chains := p.Chains
	if len(chains) == 0 {
		chains = []Chain{{Growth: 1}}
	}
	made := &storage.Estimate{Method: Method, Costs: []*storage.Cost{}, Unpriced: []string{}}
	switch s.Type.Name {
	case Scoring:
		made.Items = p.ToScore
		replies := 1.0
		if s.EachReply && p.ToScore > 0 {
			replies = float64(p.Replies) / float64(p.ToScore)
		}
		e.judge(float64(p.ToScore), even(replies), tokens(p.Characters), anyReply, p.Scorers)
	case Manual:
	default:
		prompts := p.Prompts
		if s.Type.Name == MultiPrompt && prompts == 0 {
			prompts = 1
		}
		each := prompts * s.Repetitions
		made.Items = each * int64(len(chains))
		for _, chain := range chains {
			e.through(chain, float64(each))
		}
	}
	made.Loads = e.order
	total := storage.Load{}
	for _, load := range e.order {
		total.Calls, total.Input, total.Output = total.Calls.Plus(load.Calls), total.Input.Plus(load.Input), total.Output.Plus(load.Output)
	}
	made.Calls, made.Input, made.Output = &total.Calls, &total.Input, &total.Output
	made.Seconds = e.seconds()
	return made
}

type loadKey struct {
	generator string
	part      storage.CallPart
}

type estimate struct {
	settings *Settings
	parts    Parts
	loads    map[loadKey]*storage.Load
	order    []*storage.Load
}

func (e *estimate) add(generator string, part storage.CallPart, calls, input, output storage.Span) {
	if generator == "" { // of a draft that names none yet
		return
	}
	key := loadKey{generator, part}
	load := e.loads[key]
	if load == nil {
		load = &storage.Load{GeneratorKey: generator, Part: part}
		e.loads[key], e.order = load, append(e.order, load)
	}
	load.Calls, load.Input, load.Output = load.Calls.Plus(calls), load.Input.Plus(input), load.Output.Plus(output)
}

// through adds the attacks of one chain.
func (e *estimate) through(chain Chain, attacks float64) {
	s := e.settings
	prompt := tokens(e.parts.Characters)
	reply := e.reply(e.parts.Target)
	system := tokens(float64(len([]rune(e.systemPrompt()))))
	turns, message := even(1), prompt
	switch s.Type.Name {
	case MultiPrompt:
		turns = even(float64(len(s.Turns)))
		characters := 0.0
		for _, turn := range s.Turns {
			characters += float64(len([]rune(placeholder.ReplaceAllString(turn, "")))) + e.parts.Characters*float64(strings.Count(turn, "{{"))
		}
		message = tokens(characters / math.Max(float64(len(s.Turns)), 1))
	case RedTeaming, Crescendo:
		turns = storage.Span{Least: 1, Likely: float64(s.MaxTurns), Most: float64(s.MaxTurns + s.MaxBacktracks)}
		message = e.reply(s.Attacker)
		told := tokens(float64(len([]rune(s.AttackerSystemPrompt)))).Plus(prompt)
		input, output := talk(turns, told, reply, message)
		e.add(s.Attacker, storage.CallAttacker, turns.By(attacks), input.By(attacks), output.By(attacks))
	}
	sent := message.By(chain.Growth)
	input, output := talk(turns, system, sent, reply)
	e.add(e.parts.Target, storage.CallTarget, turns.By(attacks), input.By(attacks), output.By(attacks))
	for _, model := range chain.Models {
		calls := turns.By(attacks)
		e.add(model, storage.CallConverter, calls, calls.Times(message.Plus(rewriteAsk)), calls.Times(message))
	}
	e.judged(attacks, turns, prompt.Plus(sent), reply)
}

// judged adds what scorers ask: those that steer an attack of each reply, others of the
// last one.
func (e *estimate) judged(attacks float64, turns, before, reply storage.Span) {
	steered := e.settings.Type.PromptsAreObjectives
	for _, scorer := range e.parts.Scorers {
		replies := even(1)
		if steered && scorer.Objective {
			replies = turns
		}
		e.judge(attacks, replies, before, reply, []Asks{scorer})
	}
	for _, scorer := range []*Asks{e.parts.Feedback, e.parts.Refusal} {
		if scorer != nil && steered {
			e.judge(attacks, turns, before, reply, []Asks{*scorer})
		}
	}
}

func (e *estimate) judge(attacks float64, replies, before, reply storage.Span, scorers []Asks) {
	for _, scorer := range scorers {
		for _, model := range scorer.Models {
			calls := replies.Times(judgeCalls).By(attacks)
			e.add(model, storage.CallScorer, calls, calls.Times(judgePrompt.Plus(before).Plus(reply)), calls.Times(judgement))
		}
	}
}

func (e *estimate) systemPrompt() string {
	if e.settings.SystemPrompt != "" {
		return e.settings.SystemPrompt
	}
	return e.parts.Generators[e.parts.Target].SystemPromptOfItsOwn
}

func (e *estimate) reply(generator string) storage.Span {
	most := float64(e.parts.Generators[generator].MaxTokens)
	if most == 0 {
		return anyReply
	}
	return storage.Span{Least: 1, Likely: math.Min(anyReply.Likely, most), Most: most}
}

// talk is what the calls of one conversation take, each of which has all that was said
// before: turns messages of the one length and replies of the other.
func talk(turns, system, message, reply storage.Span) (input, output storage.Span) {
	of := func(t, system, message, reply float64) float64 {
		return t*system + message*t*(t+1)/2 + reply*t*(t-1)/2
	}
	return storage.Span{
		Least:  of(turns.Least, system.Least, message.Least, reply.Least),
		Likely: of(turns.Likely, system.Likely, message.Likely, reply.Likely),
		Most:   of(turns.Most, system.Most, message.Most, reply.Most),
	}, turns.Times(reply)
}

// seconds is how long the slowest bound takes: a rate limit of one generator, or the
// latencies of all calls side by side.
func (e *estimate) seconds() *storage.Span {
	var longest storage.Span
	var latency storage.Span
	known := false
	at := func(bound storage.Span) {
		known = true
		longest = storage.Span{Least: math.Max(longest.Least, bound.Least), Likely: math.Max(longest.Likely, bound.Likely), Most: math.Max(longest.Most, bound.Most)}
	}
	asked := map[string]*storage.Load{}
	for _, load := range e.order {
		if asked[load.GeneratorKey] == nil {
			asked[load.GeneratorKey] = &storage.Load{}
		}
		sum := asked[load.GeneratorKey]
		sum.Calls, sum.Input = sum.Calls.Plus(load.Calls), sum.Input.Plus(load.Input).Plus(load.Output)
	}
	for key, sum := range asked {
		of := e.parts.Generators[key]
		if of.RequestsPerMinute > 0 {
			at(sum.Calls.By(60 / float64(of.RequestsPerMinute)))
		}
		if of.TokensPerMinute > 0 {
			at(sum.Input.By(60 / float64(of.TokensPerMinute)))
		}
		latency = latency.Plus(sum.Calls.By(of.LatencySeconds / math.Max(float64(e.parts.Concurrent), 1)))
	}
	if latency.Likely > 0 {
		at(latency)
	}
	if !known {
		return nil
	}
	return &longest
}

func tokens(characters float64) storage.Span {
	return storage.Span{Least: characters / 5, Likely: characters / 4, Most: characters / 2}
}

func even(n float64) storage.Span { return storage.Span{Least: n, Likely: n, Most: n} }
