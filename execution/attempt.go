package execution

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/violentutf/violentutf/execution/scorer"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// judge is a scorer of a run.
type judge struct {
	scorer    scorer.Scorer
	component *storage.Component
	objective bool // it decides outcomes; at most one of a run's does
}

// strategy is a way to attack: what an orchestrator's type does with one item. It leads
// conversations through the attempt, which keeps them, and returns the turn that decides;
// nil when there is none.
type strategy interface {
	attack(ctx context.Context, a *attempt) (*turn, error)
}

// attempt is one item under way.
type attempt struct {
	class     string // of the attack, PyRIT's name where it has one
	prompt    *storage.Prompt
	objective string
	through   *chain
	seed      uint64
	target    *Model
	judges    []*judge
	labels    []*storage.Label
	tags      []string
	raw       func(text string) string // as thread's, of conversations with the target

	began   time.Time
	threads []*thread // with the target, in the order in which they began
	main    *thread
	turns   int64
}

// open begins a conversation with the target, which is the main one until another is.
func (a *attempt) open(systemPrompt string) *thread {
	t := &thread{model: a.target, conversation: newConversation(storage.PurposeTarget, a.target), raw: a.raw}
	t.system(systemPrompt)
	a.threads = append(a.threads, t)
	a.main = t
	return t
}

// takeBack lets a branch from before a sequence be the main conversation, and keeps the
// one that led nowhere with the reason.
func (a *attempt) takeBack(from *thread, before int64, why string) *thread {
	from.conversation.Purpose, from.conversation.Why = storage.PurposeAlternative, &why
	branch := from.branch(slices.Index(a.threads, from), before)
	branch.conversation.Purpose = storage.PurposeTarget
	a.threads = append(a.threads, branch)
	a.main = branch
	return branch
}

// say is a turn with the target.
func (a *attempt) say(ctx context.Context, t *thread, prompt string) (*turn, error) {
	a.turns++
	// Each turn has its own stream of the seed.
	return t.say(ctx, prompt, a.through, a.seed+uint64(a.turns-1)*0xbf58476d1ce4e5b9)
}

// score lets scorers judge a turn, and puts what they say on its message.
func (a *attempt) score(ctx context.Context, said *turn, judges ...*judge) ([]scorer.Verdict, error) {
	account := accountFrom(ctx)
	subject := scorer.Subject{
		Reply: said.message.ConvertedValue, DataType: said.message.DataType, ResponseError: said.message.ResponseError,
		Prompt: said.prompt, SentPrompt: said.sent, Objective: a.objective,
	}
	if said.reply != nil {
		subject.Reply = said.reply.Text()
	}
	verdicts := make([]scorer.Verdict, len(judges))
	for i, j := range judges {
		if err := account.as(storage.PurposeJudge, func() (err error) {
			verdicts[i], err = j.scorer.Score(ctx, subject)
			return err
		}); err != nil {
			return nil, err
		}
		account.used(j.component)
		said.message.Scores = append(said.message.Scores, j.scoreOf(&verdicts[i], a.objective))
	}
	return verdicts, nil
}

func (j *judge) scoreOf(v *scorer.Verdict, objective string) *storage.Score {
	return &storage.Score{
		ScorerHash: j.component.Hash, Type: v.Type, Value: v.IsTrue, ScaleValue: v.Scale, RawValue: maybe(v.RawValue), Status: v.Status,
		Categories: append([]string{}, v.Categories...), Rationale: maybe(v.Rationale), Objective: maybe(objective), IsObjective: j.objective,
		CreatedAt: time.Now(),
	}
}

func maybe(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// decides is the scorer of the objective, nil without one.
func (a *attempt) decides() *judge {
	for _, j := range a.judges {
		if j.objective {
			return j
		}
	}
	return nil
}

// run makes the attempt and returns what came of it.
func (a *attempt) run(ctx context.Context, item int64, by strategy) (*storage.ItemResult, error) {
	a.began = time.Now()
	ctx, account := withAccount(ctx)
	decisive, err := by.attack(ctx, a)
	var verdict *scorer.Verdict
	if err == nil && decisive != nil && decisive.failure == nil {
		verdict, err = a.decide(ctx, decisive)
	}
	failure, err := failureOf(ctx, err)
	if err != nil {
		return nil, err
	}
	if failure == nil && decisive != nil {
		failure = decisive.failure
	}
	return a.result(item, account, verdict, failure), nil
}

// decide scores the decisive turn by every scorer that has not judged it yet.
func (a *attempt) decide(ctx context.Context, decisive *turn) (*scorer.Verdict, error) {
	var verdict *scorer.Verdict
	for _, j := range a.judges {
		if known := verdictOf(decisive.message.Scores, j); known != nil {
			if j.objective {
				verdict = known
			}
			continue
		}
		verdicts, err := a.score(ctx, decisive, j)
		if err != nil {
			return nil, err
		}
		if j.objective {
			verdict = &verdicts[0]
		}
	}
	return verdict, nil
}

func verdictOf(scores []*storage.Score, j *judge) *scorer.Verdict {
	for _, s := range scores {
		if s.ScorerHash == j.component.Hash && s.IsObjective == j.objective {
			v := &scorer.Verdict{Type: s.Type, IsTrue: s.Value, Scale: s.ScaleValue, Status: s.Status}
			if s.Rationale != nil {
				v.Rationale = *s.Rationale
			}
			return v
		}
	}
	return nil
}

// failureOf parts what went wrong with the item from what ends the run. A converter or
// scorer whose text or model fails is the item's failure.
func failureOf(ctx context.Context, err error) (*target.Error, error) {
	if err == nil || ctx.Err() != nil {
		return nil, err
	}
	if _, stops := errors.AsType[*Stop](err); stops {
		return nil, err
	}
	if failed, ok := errors.AsType[*target.Error](err); ok {
		return failed, nil
	}
	if mistake, ok := errors.AsType[*storage.Error](err); ok {
		return &target.Error{Class: target.ClassBadRequest, Message: mistake.Message}, nil
	}
	return nil, err
}

// result is what the store records.
func (a *attempt) result(item int64, account *account, verdict *scorer.Verdict, failure *target.Error) *storage.ItemResult {
	now := time.Now()
	took := now.Sub(a.began).Milliseconds()
	retries := max(account.attempts-1, 0)
	made := &storage.Attack{
		AttackClass: a.class, Objective: maybe(a.objective), HarmCategories: []string{}, Tags: append([]string{}, a.tags...),
		TargetHash: &a.target.component.Hash, ConverterHash: []string{}, Turns: &a.turns, DurationMs: &took, Retries: &retries,
		StartedAt: a.began, FinishedAt: &now,
	}
	if a.objective != "" {
		made.ObjectiveHash = hashOf(a.objective)
	}
	if a.prompt != nil {
		made.PromptKey, made.HarmCategories = hashOf(a.prompt.Text), append([]string{}, a.prompt.HarmCategories...)
		if a.prompt.Number > 0 {
			made.PromptNumber = &a.prompt.Number
		}
	}
	if a.through != nil {
		made.ConverterChain, made.ConverterHash = a.through.converters.Text(), a.through.hashes
	}
	made.Outcome, made.OutcomeSource, made.OutcomeReason = outcomeOf(verdict, failure, a.decides() != nil)
	result := &storage.ItemResult{
		Item: item, Attack: made, Conversations: a.conversations(account.helpers), Labels: a.labels, Outcome: made.Outcome,
		Attempts: max(account.attempts, 1), Calls: account.calls, Latency: now.Sub(a.began), InputTokens: account.input,
		OutputTokens: account.output, Cost: account.cost, FinishedAt: now,
	}
	if failure != nil {
		class, message := string(failure.Class), failure.Message
		made.ErrorType, made.ErrorMessage, result.ErrorClass = &class, &message, &class
	}
	for _, c := range account.components {
		result.Components = append(result.Components, c)
	}
	return result
}

// outcomeOf follows domain.md: what cannot be called is an ERROR, what nothing judged is
// UNDETERMINED.
func outcomeOf(verdict *scorer.Verdict, failure *target.Error, judged bool) (storage.Outcome, storage.OutcomeSource, *string) {
	switch {
	case failure != nil:
		return storage.OutcomeError, storage.OutcomeRule, maybe("the call failed: " + string(failure.Class))
	case !judged:
		return storage.OutcomeUndetermined, storage.OutcomeRule, maybe("no scorer judges the objective")
	case verdict == nil || verdict.IsTrue == nil:
		reason := "the scorer came to no verdict"
		if verdict != nil && verdict.Rationale != "" {
			reason = verdict.Rationale
		}
		return storage.OutcomeUndetermined, storage.OutcomeObjectiveScore, &reason
	case *verdict.IsTrue:
		return storage.OutcomeSuccess, storage.OutcomeObjectiveScore, maybe(verdict.Rationale)
	}
	return storage.OutcomeFailure, storage.OutcomeObjectiveScore, maybe(verdict.Rationale)
}

// conversations puts the main one first, as the store wants it, and lets branches name
// their places anew.
func (a *attempt) conversations(helpers []*storage.ResultConversation) []*storage.ResultConversation {
	order := []*thread{}
	if a.main != nil {
		order = append(order, a.main)
	}
	for _, t := range a.threads {
		if t != a.main {
			order = append(order, t)
		}
	}
	placed := make([]int, len(a.threads)) // old place to new
	for i, t := range order {
		placed[slices.Index(a.threads, t)] = i
	}
	all := make([]*storage.ResultConversation, 0, len(order)+len(helpers))
	for _, t := range order {
		if from := t.conversation.BranchedFrom; from != nil {
			moved := placed[*from]
			t.conversation.BranchedFrom = &moved
		}
		for _, m := range t.conversation.Messages {
			if m.Original != nil {
				moved := *m.Original
				moved.Conversation = int64(placed[moved.Conversation])
				m.Original = &moved
			}
		}
		all = append(all, t.conversation)
	}
	return append(all, helpers...)
}

func hashOf(text string) *string {
	hash := storage.TextHash(text)
	return &hash
}
