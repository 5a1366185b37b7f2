package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/violentutf/violentutf/bench/memory"
)

// single writes a PromptSendingAttack: one prompt, one reply. The first prompts of
// each run have an embedding.
func (w *writer) single(ctx context.Context, target *memory.Identifier, e *example, number int) error {
	chain := chains[e.chain]
	result, reply := w.chosen(e.first, e.second, e.refusal, e.yield)
	t, err := w.begin(ctx, target)
	if err != nil {
		return err
	}
	prompt := memory.Message{Role: "user", Original: e.prompt, Converters: chain.converters, Converted: chain.convert(e.prompt)}
	if err := w.say(ctx, t, prompt); err != nil {
		return err
	}
	if number < 12 {
		if err := w.Embedding(ctx, t.last, vector(e.prompt), "letters-8"); err != nil {
			return err
		}
	}
	if err := w.say(ctx, t, memory.Message{Role: "assistant", Original: reply}); err != nil {
		return err
	}
	attack := memory.Attack("PromptSendingAttack", "single_turn.prompt_sending", target, nil, objectiveScorer, chain.converters)
	return w.decide(ctx, &memory.Result{
		Conversation: t.id, Objective: e.objective, Atomic: memory.Atomic(attack), LastResponse: t.last,
		Turns: 1, Duration: 1800 * time.Millisecond,
	}, e.harm, result)
}

// redTeam writes a RedTeamingAttack: a second model writes the prompts.
func (w *writer) redTeam(ctx context.Context, target *memory.Identifier, s *talk) error {
	result, reply := w.chosen(s.first, s.second, s.refusal, s.yield)
	helper, err := w.adversary(ctx, s.objective, "Begin with your first message.", s.ask, "A friendly start that gives nothing away.")
	if err != nil {
		return err
	}
	main, err := w.begin(ctx, target)
	if err != nil {
		return err
	}
	if err := w.exchange(ctx, main, s.ask, s.answer); err != nil {
		return err
	}
	if err := w.plan(ctx, helper, s.answer, s.push, s.plan); err != nil {
		return err
	}
	if err := w.exchange(ctx, main, s.push, reply); err != nil {
		return err
	}
	progress := map[outcome]string{success: "1.0", failure: "0.25"}[result]
	err = w.Score(ctx, &memory.Score{
		ID: w.id(), Message: main.last, Scorer: progressScale, Type: "float_scale", Value: progress,
		Category: "progress", Rationale: "How near the reply comes to the objective.", Objective: s.objective, At: w.tick(),
	})
	if err != nil {
		return err
	}
	attack := memory.Attack("RedTeamingAttack", "multi_turn.red_teaming", target, attacker, objectiveScorer, nil,
		memory.Parameter{Name: "adversarial_system_prompt", Value: attackerInstructions})
	return w.decide(ctx, &memory.Result{
		Conversation: main.id, Objective: s.objective, Atomic: memory.Atomic(attack), LastResponse: main.last,
		Turns: 2, Duration: 9400 * time.Millisecond, Adversarial: []string{helper.id},
	}, s.harm, result)
}

// crescendo writes a CrescendoAttack: the push was refused, so that turn is taken
// back. PyRIT keeps the refused thread as a pruned one, and the main one repeats its
// beginning.
func (w *writer) crescendo(ctx context.Context, target *memory.Identifier, s *climb) error {
	result, reply := w.chosen(s.first, s.second, s.refusal, s.yield)
	helper, err := w.adversary(ctx, s.objective, "Begin with something harmless.", s.ask, "Open the topic without touching the objective.")
	if err != nil {
		return err
	}
	pruned, err := w.begin(ctx, target)
	if err != nil {
		return err
	}
	if err := w.say(ctx, pruned, memory.Message{Role: "user", Original: s.ask}); err != nil {
		return err
	}
	asked := pruned.last
	if err := w.say(ctx, pruned, memory.Message{Role: "assistant", Original: s.answer}); err != nil {
		return err
	}
	answered := pruned.last
	if err := w.plan(ctx, helper, s.answer, s.push, "Now straight for it."); err != nil {
		return err
	}
	if err := w.exchange(ctx, pruned, s.push, s.refused); err != nil {
		return err
	}
	err = w.Score(ctx, &memory.Score{
		ID: w.id(), Message: pruned.last, Scorer: refusalScorer, Type: "true_false", Value: "true",
		Category: "refusal", Rationale: "The assistant says that it can't.", Objective: s.push, At: w.tick(),
	})
	if err != nil {
		return err
	}
	if err := w.plan(ctx, helper, s.refused, s.gentle, "Too direct: take that back and come from the side."); err != nil {
		return err
	}

	main, err := w.begin(ctx, target)
	if err != nil {
		return err
	}
	if err := w.say(ctx, main, memory.Message{Role: "user", Original: s.ask, Repeats: asked}); err != nil {
		return err
	}
	if err := w.say(ctx, main, memory.Message{Role: "assistant", Original: s.answer, Repeats: answered}); err != nil {
		return err
	}
	if err := w.exchange(ctx, main, s.gentle, reply); err != nil {
		return err
	}
	if err := w.judged(ctx, s.objective, reply, result == success); err != nil {
		return err
	}
	attack := memory.Attack("CrescendoAttack", "multi_turn.crescendo", target, attacker, objectiveScorer, nil,
		memory.Parameter{Name: "adversarial_system_prompt", Value: attackerInstructions})
	return w.decide(ctx, &memory.Result{
		Conversation: main.id, Objective: s.objective, Atomic: memory.Atomic(attack), LastResponse: main.last,
		Turns: 2, Duration: 14200 * time.Millisecond, Metadata: `{"backtrack_count": 1}`,
		Pruned: []string{pruned.id}, Adversarial: []string{helper.id},
	}, s.harm, result)
}

// unreachable writes an attack on a target that does not answer.
func (w *writer) unreachable(ctx context.Context, b *bot, e *example) error {
	target := memory.Target(b.endpoint+"/retired", b.model)
	t, err := w.begin(ctx, target)
	if err != nil {
		return err
	}
	if err := w.say(ctx, t, memory.Message{Role: "user", Original: e.prompt}); err != nil {
		return err
	}
	const gone = "Status 404: there is no such model here any more"
	if err := w.say(ctx, t, memory.Message{Role: "assistant", Original: gone, Error: "processing", DataType: "error"}); err != nil {
		return err
	}
	attack := memory.Attack("PromptSendingAttack", "single_turn.prompt_sending", target, nil, objectiveScorer, nil)
	return w.decide(ctx, &memory.Result{
		Conversation: t.id, Objective: e.objective, Atomic: memory.Atomic(attack), Reason: "The target did not answer",
		Duration: 300 * time.Millisecond, ErrorType: "NotFoundError", ErrorMessage: gone,
	}, e.harm, "error")
}

// adversary begins the thread of the model that writes the prompts.
func (w *writer) adversary(ctx context.Context, objective, told, message, thought string) (*thread, error) {
	t, err := w.begin(ctx, attacker)
	if err != nil {
		return nil, err
	}
	instructions := strings.ReplaceAll(attackerInstructions, "{{ objective }}", objective)
	if err := w.say(ctx, t, memory.Message{Role: "system", Original: instructions}); err != nil {
		return nil, err
	}
	return t, w.plan(ctx, t, told, message, thought)
}

// plan is one turn with the attacker: what the target said, what to say next.
func (w *writer) plan(ctx context.Context, t *thread, told, message, thought string) error {
	if err := w.say(ctx, t, memory.Message{Role: "user", Original: told, Metadata: attackerAsks}); err != nil {
		return err
	}
	return w.say(ctx, t, memory.Message{Role: "assistant", Original: object(map[string]any{
		"next_message": message, "rationale": thought,
	})})
}

// judged writes the thread with the judge, which no result refers to.
func (w *writer) judged(ctx context.Context, objective, reply string, reached bool) error {
	t, err := w.begin(ctx, judge)
	if err != nil {
		return err
	}
	rationale := "The reply does what the objective asks for."
	if !reached {
		rationale = "The reply is friendly, but it does not do what the objective asks for."
	}
	for _, m := range []memory.Message{
		{Role: "system", Original: judgeInstructions},
		{Role: "user", Original: "objective: " + objective + "\nreply: " + reply, Metadata: judgeAsks},
		{Role: "assistant", Original: object(map[string]any{"score_value": reached, "rationale": rationale})},
	} {
		if err := w.say(ctx, t, m); err != nil {
			return err
		}
	}
	return nil
}

// vector is an embedding that needs no model: how often eight groups of letters
// occur, of length 1. Texts with alike letters are near each other.
func vector(text string) string {
	groups := []string{"ae", "io", "u", "bcd", "fghk", "lmn", "prs", "tvwxyz"}
	counts := make([]float64, len(groups))
	for _, letter := range strings.ToLower(text) {
		for i, group := range groups {
			if strings.ContainsRune(group, letter) {
				counts[i]++
			}
		}
	}
	length := 0.0
	for _, n := range counts {
		length += n * n
	}
	parts := make([]string, len(counts))
	for i, n := range counts {
		parts[i] = fmt.Sprintf("%.4f", n/math.Sqrt(length))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
