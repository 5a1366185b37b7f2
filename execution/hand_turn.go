package execution

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// Message is what a person says in a conversation. What is nil is as the conversation was
// begun with, if that was by hand.
type Message struct {
	Text            string
	Generator       *string // key; another one than the conversation's begins a branch
	Converters      []string
	Scorers         []string
	ObjectiveScorer *string // one of Scorers
}

// Said is a turn as it is stored.
type Said struct {
	Conversation int64 // a branch of the one that was meant, where that could not go on
	Attack       *int64
	Prompt       storage.MessageKey
	Reply        []storage.MessageKey // its pieces
	// Failure is the class of a call that failed; the reply says so then.
	Failure string
	// Unscored is why scorers did not judge the reply, empty where all did.
	Unscored string
}

// Send says something in a conversation, waits for the reply and stores both at once, with
// the scores. A failed call is stored as a reply that says so. What a tool brought is never
// written to: the turn goes on in a branch of it, as it does with another target.
// CodeNotFound for no conversation, CodeConflict while somebody else writes to it.
func (h *Hand) Send(ctx context.Context, store storage.UserStore, number int64, m Message) (*Said, error) {
	return h.say(ctx, store, number, nil, m)
}

// Resend says something else, or an empty text the same again, in place of a message of the
// user, in a branch from before it. Errors are Send's, and CodeBadInput for a message that
// is not the user's.
func (h *Hand) Resend(ctx context.Context, store storage.UserStore, at storage.MessageKey, m Message) (*Said, error) {
	return h.say(ctx, store, at.Conversation, &at, m)
}

func (h *Hand) say(ctx context.Context, store storage.UserStore, number int64, inPlaceOf *storage.MessageKey, m Message) (*Said, error) {
	argument := "message"
	if inPlaceOf == nil { // a branch disturbs nobody
		argument = "conversation"
		give, err := h.take(store, number)
		if err != nil {
			return nil, err
		}
		defer give()
	}
	// Who has gone finds the reply stored: a call that was made has its cost.
	until, bounded := ctx.Deadline()
	ctx = context.WithoutCancel(ctx)
	if bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, until)
		defer cancel()
	}
	past, err := readPast(ctx, store, number, argument)
	if err != nil {
		return nil, err
	}
	turn := &storage.Turn{In: number, Count: past.count()}
	if inPlaceOf != nil {
		if err := past.cut(*inPlaceOf, &m); err != nil {
			return nil, err
		}
		turn.Branch = &storage.TurnBranch{Before: inPlaceOf.Sequence, Why: byHand}
	}
	if m.Text == "" {
		return nil, storage.BadInput("text", "say something")
	}
	if err := storage.CheckText("text", &m.Text, maxMessage); err != nil {
		return nil, err
	}
	o, err := past.settled(ctx, store, m)
	if err != nil {
		return nil, err
	}
	_, w, err := h.open(ctx, store, o)
	if err != nil {
		return nil, err
	}
	defer w.Close() //nolint:errcheck // there is nothing to close but connections
	said, err := past.goOn(ctx, w, m, turn)
	if err != nil {
		return nil, err
	}
	done, err := store.RecordTurn(ctx, h.Guard(), turn)
	if err != nil {
		return nil, err
	}
	h.wake(store, number, done.Conversation)
	said.Conversation, said.Attack = done.Conversation, done.Attack
	for _, one := range turn.Messages {
		key := storage.MessageKey{Conversation: done.Conversation, Sequence: one.Sequence, Piece: one.Piece}
		if one.Role == storage.RoleUser {
			said.Prompt = key
		} else {
			said.Reply = append(said.Reply, key)
		}
	}
	return said, nil
}

// past is a conversation as it is when somebody goes on with it.
type past struct {
	conversation *storage.Conversation
	attack       *storage.Attack // nil for none
	messages     []*storage.Message
	kept         []*storage.Message // of messages those before the turn
}

// readPast reads a conversation as a whole: the target is told all of it. argument names it.
func readPast(ctx context.Context, store storage.UserStore, number int64, argument string) (*past, error) {
	found, err := store.ConversationsByNumber(ctx, []int64{number})
	if err != nil {
		return nil, err
	}
	p := &past{conversation: found[number]}
	switch c := p.conversation; {
	case c == nil:
		return nil, storage.Errorf(storage.CodeNotFound, "there is no such conversation")
	case !slices.Contains([]storage.Purpose{storage.PurposeTarget, storage.PurposeAlternative, storage.PurposeUnknown}, c.Purpose):
		return nil, storage.BadInput(argument, "this is the conversation of a %s: name one with a target", c.Purpose)
	case c.MessageCount > storage.MaxThread:
		return nil, storage.Errorf(storage.CodeConflict, "the conversation has more than %d messages, which no target is sent", storage.MaxThread)
	}
	pages, err := store.MessagesByConversation(ctx, []int64{number}, nil, storage.Page{Limit: storage.MaxThread})
	if err != nil {
		return nil, err
	}
	if page := pages[number]; page != nil {
		p.messages = page.Nodes()
	}
	p.kept = p.messages
	if p.conversation.AttackNumber == nil {
		return p, nil
	}
	attacks, err := store.AttacksByNumber(ctx, []int64{*p.conversation.AttackNumber})
	p.attack = attacks[*p.conversation.AttackNumber]
	return p, err
}

func (p *past) count() int64 { return int64(len(p.messages)) }

func (p *past) message(at storage.MessageKey) *storage.Message {
	for _, m := range p.messages {
		if m.MessageKey == at {
			return m
		}
	}
	return nil
}

// cut forgets a message and what follows it.
func (p *past) cut(at storage.MessageKey, m *Message) error {
	was := p.message(at)
	switch {
	case was == nil:
		return storage.Errorf(storage.CodeNotFound, "there is no such message")
	case was.Role != storage.RoleUser || was.OriginalDataType != "text":
		return storage.BadInput("message", "it is no text of the user's: only what was sent can be sent again")
	}
	m.Text = cmp.Or(m.Text, was.OriginalValue)
	p.kept = p.messages[:slices.IndexFunc(p.messages, func(one *storage.Message) bool { return one.Sequence == at.Sequence })]
	return nil
}

// settled is the orchestrator of the turn: what the person named, and otherwise what the
// conversation was begun with.
func (p *past) settled(ctx context.Context, store storage.UserStore, m Message) (*storage.Orchestrator, error) {
	o := &storage.Orchestrator{Type: orchestrator.Manual, Parameters: "{}"}
	if p.attack != nil && p.attack.Source == storage.SourceNative && p.attack.ExecutionID != nil {
		stored, err := store.ExecutionPlan(ctx, *p.attack.ExecutionID)
		if err != nil && storage.CodeOf(err) != storage.CodeNotFound {
			return nil, err
		}
		if err == nil {
			plan, err := ReadPlan(stored.Configuration)
			if err != nil {
				return nil, err
			}
			o.GeneratorKey = plan.Orchestrator.GeneratorKey
			if plan.Orchestrator.Type == orchestrator.Manual {
				o.Scorers, o.ObjectiveScorer = plan.Orchestrator.Scorers, plan.Orchestrator.ObjectiveScorer
				o.Chains, o.CallTimeoutSeconds = plan.Orchestrator.Chains[:min(1, len(plan.Orchestrator.Chains))], plan.Orchestrator.CallTimeoutSeconds
			}
		}
	}
	if m.Generator != nil {
		o.GeneratorKey = m.Generator
	}
	if o.GeneratorKey == nil {
		return nil, storage.BadInput("generator", "name the generator to send to: the conversation came with an import")
	}
	if m.Converters != nil {
		if len(m.Converters) > storage.MaxChain {
			return nil, storage.BadInput("converters", "a chain has at most %d converters, not %d", storage.MaxChain, len(m.Converters))
		}
		o.Chains = [][]string{m.Converters}
	}
	if m.Scorers != nil {
		if len(m.Scorers) > storage.MaxScorers {
			return nil, storage.BadInput("scorers", "name at most %d scorers, not %d", storage.MaxScorers, len(m.Scorers))
		}
		o.Scorers, o.ObjectiveScorer = m.Scorers, nil
	}
	if m.ObjectiveScorer != nil {
		if !slices.Contains(o.Scorers, *m.ObjectiveScorer) {
			o.Scorers = append(slices.Clone(o.Scorers), *m.ObjectiveScorer)
		}
		o.ObjectiveScorer = m.ObjectiveScorer
	}
	return o, nil
}

// goOn takes the turn and fills in what is to be stored.
func (p *past) goOn(ctx context.Context, w *assembly, m Message, turn *storage.Turn) (*Said, error) {
	model := w.models[*w.plan.Orchestrator.GeneratorKey]
	if turn.Branch == nil && (p.conversation.Source != storage.SourceNative || p.conversation.TargetHash == nil || *p.conversation.TargetHash != model.component.Hash) {
		turn.Branch = &storage.TurnBranch{Before: p.next(), Why: byHand}
	}
	if turn.Branch != nil {
		turn.Branch.TargetHash = &model.component.Hash
	}
	ctx, account := withAccount(ctx)
	talk := &thread{model: model, conversation: newConversation(storage.PurposeTarget, model), sent: p.sent(), sequence: p.next()}
	a := &attempt{target: model, judges: w.judges}
	if len(w.chains) > 0 {
		a.through = w.chains[0]
	}
	if p.attack != nil && p.attack.Objective != nil {
		a.objective = *p.attack.Objective
	}
	turned, err := talk.say(ctx, m.Text, a.through, newSeed())
	if err != nil {
		return nil, forCaller(err)
	}
	said := &Said{}
	if turned.failure != nil {
		said.Failure = string(turned.failure.Class)
	} else if said.Unscored, err = p.judge(ctx, a, turned, turn); err != nil {
		return nil, err
	}
	turn.Messages, turn.Helpers = talk.conversation.Messages, account.helpers
	for _, c := range account.components {
		turn.Components = append(turn.Components, c)
	}
	if a.through != nil {
		turn.ConverterChain, turn.ConverterHash = a.through.converters.Text(), a.through.hashes
	}
	return said, nil
}

// judge scores the reply. A scorer that fails loses no reply.
func (p *past) judge(ctx context.Context, a *attempt, turned *turn, turn *storage.Turn) (unscored string, err error) {
	verdict, err := a.decide(ctx, turned)
	if err != nil {
		failed, stopped := errors.AsType[*target.Error](err)
		switch mistake, known := errors.AsType[*storage.Error](err); {
		case ctx.Err() != nil:
			return "", err // there is no time to store it either
		case stopped:
			return failed.Message, nil
		case known:
			return mistake.Message, nil
		}
		if halt, ok := errors.AsType[*Stop](err); ok {
			return halt.Message, nil
		}
		return "", err
	}
	// What is said beside the main conversation decides nothing.
	main := p.attack != nil && p.attack.ConversationNumber != nil && *p.attack.ConversationNumber == p.conversation.Number
	if main && turn.Branch == nil && a.decides() != nil {
		outcome, _, reason := outcomeOf(verdict, nil, true)
		turn.Decision = &storage.Decision{Attack: p.attack.Number, Outcome: outcome, Reason: reason}
	}
	return "", nil
}

// next is the sequence of what is said next.
func (p *past) next() int64 {
	if len(p.kept) == 0 {
		return 0
	}
	return p.kept[len(p.kept)-1].Sequence + 1
}

// sent is what the target is told of it. A message whose call failed, and the error in
// place of the reply, are left out: the target knows of neither.
func (p *past) sent() []target.Message {
	var sent []target.Message
	for i := 0; i < len(p.kept); {
		message := target.Message{Role: spoken[p.kept[i].Role]}
		failed := false
		first := p.kept[i]
		for ; i < len(p.kept) && p.kept[i].Sequence == first.Sequence; i++ {
			message.Pieces = append(message.Pieces, target.Piece{DataType: p.kept[i].DataType, Text: p.kept[i].ConvertedValue})
			failed = failed || p.kept[i].DataType == "error"
		}
		if !failed {
			sent = append(sent, message)
			continue
		}
		if last := len(sent) - 1; last >= 0 && sent[last].Role == spoken[storage.RoleUser] {
			sent = sent[:last]
		}
	}
	return sent
}
