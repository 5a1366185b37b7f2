package generate

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/violentutf/violentutf/bench/memory"
)

// The ninety days that the memory spans, whatever its size.
const (
	span  = 90 * 24 * time.Hour
	weeks = 13
)

var begin = time.Date(2026, time.August, 3, 6, 0, 0, 0, time.UTC)

// strategy is an attack class against one target with one converter chain.
type strategy struct {
	class  int // of classes
	chain  int // of chains
	atomic *memory.Identifier
}

type generator struct {
	w          *memory.Writer
	random     random
	attacks    int
	step       time.Duration // from one attack to the next
	targets    []*memory.Identifier
	scorer     *memory.Identifier
	chains     [][]*memory.Identifier
	strategies [][]strategy // by target
	objectives []objective
	runs       []string // IDs of the scenarios, one a week
}

func newGenerator(w *memory.Writer, opts Options) *generator {
	g := &generator{
		w: w, random: random{state: opts.Seed}, attacks: opts.Messages / conversationMessages,
		objectives: objectives(),
	}
	g.step = span / time.Duration(g.attacks)
	g.scorer = memory.Scorer("SubStringScorer", "substring_scorer", "true_false", nil,
		memory.Parameter{Name: "substring", Value: "Of course"},
		memory.Parameter{Name: "text_matcher", Value: "ExactTextMatching"})
	g.chains = chains()
	for _, t := range targets {
		target := memory.Target(t.endpoint, t.model)
		g.targets = append(g.targets, target)
		var of []strategy
		for class, c := range classes {
			for chain, converters := range g.chains {
				attack := memory.Attack(c.name, c.module, target, nil, g.scorer, converters)
				of = append(of, strategy{class: class, chain: chain, atomic: memory.Atomic(attack)})
			}
		}
		g.strategies = append(g.strategies, of)
	}
	return g
}

func (g *generator) seeds(ctx context.Context) error {
	for _, o := range g.objectives {
		err := g.w.Seed(ctx, &memory.Seed{
			ID: g.random.uuid(), Dataset: o.dataset, Text: o.text, Type: "objective",
			HarmCategories: o.harms, AddedBy: "generator", At: begin,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) scenarios(ctx context.Context) error {
	for week := range weeks {
		started := begin.Add(span * time.Duration(week) / weeks)
		s := memory.Scenario{
			ID: g.random.uuid(), Name: fmt.Sprintf("Week %02d", week+1), Description: "All targets, all objectives",
			Target: g.targets[0], Scorer: g.scorer, Labels: "{}",
			Started: started, Finished: started.Add(span / weeks),
		}
		if err := g.w.Scenario(ctx, &s); err != nil {
			return err
		}
		g.runs = append(g.runs, s.ID)
	}
	return nil
}

// The outcomes of attacks, in the order of their weights.
var outcomes = []string{"success", "failure", "undetermined", "error"}

// attack writes the n-th attack: its conversation, its score and its result.
func (g *generator) attack(ctx context.Context, n int) error {
	r := &g.random
	target := r.below(len(g.targets))
	class, chain := r.below(len(classes)), r.weighted(chainWeights)
	s := &g.strategies[target][class*len(g.chains)+chain]
	o := &g.objectives[r.below(len(g.objectives))]
	// Targets differ in how often they give in: 10 % to 30 %, 20 % over all.
	success := 10 + 4*target
	outcome := r.weighted([]int{success, 85 - success, 10, 5})

	c := thread{
		id: r.uuid(), objective: o, outcome: outcomes[outcome], chain: chain,
		at: begin.Add(g.step * time.Duration(n)),
		// Ten messages end before the next attack begins, so that times rise with rows.
		gap: min(6*time.Second, g.step/(conversationMessages+2)),
	}
	if err := g.w.Conversation(ctx, c.id, g.targets[target]); err != nil {
		return err
	}
	last, err := g.messages(ctx, &c)
	if err != nil {
		return err
	}
	result := memory.Result{
		ID: r.uuid(), Conversation: c.id, Objective: o.text, Atomic: s.atomic, LastResponse: last,
		Turns: classes[s.class].turns, Outcome: c.outcome, Reason: reasons[c.outcome],
		At:       c.at.Add(c.gap * (conversationMessages + 1)),
		Labels:   `{"op": "` + r.pick(operations) + `", "user": "` + r.pick(users) + `"}`,
		Scenario: g.runs[n*weeks/g.attacks], HarmCategories: o.harms,
	}
	result.Duration = result.At.Sub(c.at)
	switch c.outcome {
	case "success", "failure":
		result.LastScore = r.uuid()
		err := g.w.Score(ctx, &memory.Score{
			ID: result.LastScore, Message: last, Scorer: g.scorer, Type: "true_false",
			Value: strconv.FormatBool(c.outcome == "success"), Category: "compliance", Rationale: rationales[c.outcome],
			Objective: o.text, At: result.At,
		})
		if err != nil {
			return err
		}
	case "error":
		result.ErrorType, result.ErrorMessage = "RateLimitError", "The target answered 429 after 3 tries"
	}
	return g.w.Result(ctx, &result)
}

// thread is what the messages of one conversation have in common.
type thread struct {
	id        string
	objective *objective
	outcome   string
	chain     int
	at        time.Time
	gap       time.Duration
}

// messages writes a conversation and returns the ID of its last message.
func (g *generator) messages(ctx context.Context, c *thread) (string, error) {
	r := &g.random
	history := 0
	var m memory.Message
	for sequence := range conversationMessages {
		last := sequence == conversationMessages-1
		m = memory.Message{
			ID: r.uuid(), Conversation: c.id, Sequence: sequence, Role: "user",
			At: c.at.Add(c.gap*time.Duration(sequence) + time.Duration(r.below(900))*time.Microsecond),
		}
		if sequence%turnMessages == 0 {
			m.Original = c.objective.text
			if sequence > 0 {
				m.Original = prompt(r, c.objective)
			}
			m.Converters = g.chains[c.chain]
			m.Converted = convert(c.chain, m.Original)
			history += tokens(m.Original)
		} else {
			m.Role = "assistant"
			m.Original = reply(r, c.objective, last && c.outcome == "success")
			written := tokens(m.Original)
			m.Metadata = usage(history, written)
			history += written
			if last && c.outcome == "error" {
				m.Original, m.Metadata = `{"status_code": 429, "message": "Too many requests"}`, ""
				m.Error, m.DataType = "unknown", "error"
			}
		}
		if err := g.w.Message(ctx, &m); err != nil {
			return "", err
		}
	}
	return m.ID, nil
}

// tokens is about four characters each, as OpenAI's tokenizers make of English.
func tokens(text string) int { return len(text)/4 + 1 }

func usage(input, output int) string {
	return `{"token_usage_input_tokens": ` + strconv.Itoa(input) +
		`, "token_usage_output_tokens": ` + strconv.Itoa(output) +
		`, "token_usage_total_tokens": ` + strconv.Itoa(input+output) + `, "finish_reason": "stop"}`
}
