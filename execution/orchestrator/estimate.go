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
	"A judge answers at once, at most the second time. Retries are not counted, nor what a failed call or a blocked reply spares."

// What is assumed where nothing is known, in tokens.
var (
	anyReply    = storage.Span{Least: 1, Likely: 256, Most: 1024}
	judgePrompt = storage.Span{Least: 200, Likely: 450, Most: 1500} // the form of the answer, and what is around the rubric
	judgement   = storage.Span{Least: 20, Likely: 80, Most: 300}
	judgeCalls  = storage.Span{Least: 1, Likely: 1, Most: 2} // with the one repair
	rewriteAsk  = storage.Span{Least: 20, Likely: 100, Most: 400}
	feedback    = storage.Span{Least: 3, Likely: 60, Most: 400} // around a reply that an attacker is told
)

// Parts are what an orchestrator is made of, as far as an estimate needs to know.
type Parts struct {
	Prompts    int64   // rows of the dataset, or prompts given
	Characters float64 // the mean of a prompt's
	Chains     []Chain // none: one that changes nothing
	Target     string  // key of the generator
	Scorers    []Asks  // without those of Settings' parameters
	Feedback   *Asks   // nil where the objective's scorer is
	Refusal    *Asks   // nil for rules, which ask nobody
	ToScore    int64   // attacks that the filter of SCORING holds for
	Generators map[string]Generator
	Concurrent int64
}

// Chain is one chain of converters.
type Chain struct {
	Growth float64 // characters behind it for each before it, apart from what models rewrite
	Models []Rewriter
}

// Rewriter is a generator that a converter asks for each message.
type Rewriter struct {
	Generator string
	Maybe     bool // not for each
	EachWord  bool // as often as the message has words that are chosen
}

// Asks are the generators that a scorer asks for each verdict.
type Asks struct {
	Key       string // the scorer's
	Models    []string
	Rubric    float64 // characters of its parameters, and of those of scorers in it
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
		e.judge(float64(p.ToScore), even(1), tokens(p.Characters), anyReply, p.Scorers)
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
		written := turns
		if s.FirstPrompt != "" {
			written = less(turns)
		}
		told := tokens(float64(len([]rune(s.AttackerSystemPrompt)))).Plus(prompt)
		input, output := talk(written, told, reply.Plus(feedback), message)
		e.add(s.Attacker, storage.CallAttacker, written.By(attacks), input.By(attacks), output.By(attacks))
	}
	sent := e.rewritten(chain, turns.By(attacks), message)
	input, output := talk(turns, system, sent, reply)
	e.add(e.parts.Target, storage.CallTarget, turns.By(attacks), input.By(attacks), output.By(attacks))
	before := prompt.Plus(message)
	if chain.Growth != 1 || len(chain.Models) > 0 {
		before = before.Plus(sent)
	}
	e.judged(attacks, turns, before, reply)
}

// rewritten adds what the converters of a chain ask, and returns what they make of a
// message.
func (e *estimate) rewritten(chain Chain, messages, message storage.Span) storage.Span {
	sent := message
	for _, model := range chain.Models {
		each, whole := even(1), sent
		if model.EachWord {
			each = storage.Span{Likely: math.Max(sent.Likely/2, 1), Most: sent.Most + 1}
			whole = storage.Span{Least: 1, Likely: 2, Most: sent.Most}
		}
		if model.Maybe {
			each.Least = 0
		}
		made := storage.Span{Least: 1, Likely: whole.Likely, Most: math.Max(whole.Most, e.reply(model.Generator).Most)}
		calls := messages.Times(each)
		e.add(model.Generator, storage.CallConverter, calls, calls.Times(whole.Plus(rewriteAsk)), calls.Times(made))
		sent = storage.Span{Least: math.Min(sent.Least, 1), Likely: sent.Likely, Most: math.Max(sent.Most, made.Most*each.Most)}
	}
	return sent.By(chain.Growth)
}

// judged adds what scorers ask. Those that steer an attack are asked of more replies than
// the last one, of which all are.
func (e *estimate) judged(attacks float64, turns, before, reply storage.Span) {
	steered := e.settings.Type.PromptsAreObjectives
	judged := func(replies storage.Span, scorer Asks) { e.judge(attacks, replies, before, reply, []Asks{scorer}) }
	for _, scorer := range e.parts.Scorers {
		switch {
		case steered && scorer.Objective: // not of what is taken back
			most := float64(e.settings.MaxTurns)
			judged(storage.Span{Least: 1, Likely: math.Min(turns.Likely, most), Most: most}, scorer)
		case steered && e.parts.Refusal != nil && e.parts.Refusal.Key == scorer.Key: // it has judged the last one
		default:
			judged(even(1), scorer)
		}
	}
	if steered && e.parts.Feedback != nil { // nobody needs it after the last turn
		judged(less(turns), *e.parts.Feedback)
	}
	if steered && e.parts.Refusal != nil {
		judged(turns, *e.parts.Refusal)
	}
}

func (e *estimate) judge(attacks float64, replies, before, reply storage.Span, scorers []Asks) {
	for _, scorer := range scorers {
		rubric := tokens(scorer.Rubric)
		rubric.Least = 0 // of a scorer in it, which may be short
		for _, model := range scorer.Models {
			calls := replies.Times(judgeCalls).By(attacks)
			e.add(model, storage.CallScorer, calls, calls.Times(judgePrompt.Plus(rubric).Plus(before).Plus(reply)), calls.Times(judgement))
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

func less(turns storage.Span) storage.Span {
	return storage.Span{Least: turns.Least - 1, Likely: turns.Likely - 1, Most: turns.Most - 1}
}

func even(n float64) storage.Span { return storage.Span{Least: n, Likely: n, Most: n} }
