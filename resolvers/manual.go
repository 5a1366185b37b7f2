package resolvers

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) startConversation(ctx context.Context, input graph.StartConversationInput) (*schema.ConversationPayload, error) {
	return r.changeConversation(ctx, change{
		field: "startConversation", id: input.ClientMutationID, input: input, action: "conversation.start", on: named{kind: storage.KindAttack},
		fields: given(map[string]bool{
			"orchestrator": input.Orchestrator != nil, "generator": input.Generator != nil, "name": input.Name != nil,
			"objective": input.Objective != nil, "systemPrompt": input.SystemPrompt != nil, "labels": input.Labels != nil,
		}),
		do: func(ctx context.Context, w work) (made, error) {
			scope, set, err := triage{workspace: input.Workspace, lists: []idList{
				{"orchestrator", storage.KindOrchestrator, onlyOne(input.Orchestrator)}, {"generator", storage.KindGenerator, onlyOne(input.Generator)},
			}}.open(ctx, w)
			if err != nil {
				return made{}, err
			}
			start := execution.Start{Name: input.Name, Objective: input.Objective, SystemPrompt: input.SystemPrompt, Labels: input.Labels}
			if start.Generator, err = theOne(ctx, set, set.Generator, "generator", storage.KindGenerator, input.Generator); err != nil {
				return made{}, err
			}
			orchestrator, err := theOne(ctx, set, set.Orchestrator, "orchestrator", storage.KindOrchestrator, input.Orchestrator)
			if err != nil {
				return made{}, err
			}
			if orchestrator != nil {
				if start.Orchestrator, err = set.Orchestrator.Load(ctx, *orchestrator); err != nil {
					return made{}, err
				}
			}
			by := execution.By{WorkspaceKey: scope.Workspace.Key, UserKey: w.actor.Key, Username: w.actor.Username}
			done, err := r.hand.Start(ctx, set.Store.Reading(nil), by, start)
			if err != nil {
				return made{}, err
			}
			w.act.SubjectKey = strconv.FormatInt(*done.Attack, 10)
			return made{Workspace: scope.Workspace.Key, Row: numbersText(*done.Attack), Rows: []string{numbersText(done.Conversation)}}, nil
		},
	})
}

// onlyOne is a list of what is named.
func onlyOne(id *string) []string {
	if id == nil {
		return nil
	}
	return []string{*id}
}

// theOne is the key of the thing with that id, which must be in the store; nil for no id.
func theOne[T any](ctx context.Context, set *loaders.Set, of *loaders.Loader[string, *T], argument string, kind storage.Kind, id *string) (*string, error) {
	keys, err := theAll(ctx, set, of, argument, kind, onlyOne(id))
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	return &keys[0], nil
}

// theAll are the keys of the things with these ids; nil for nil.
func theAll[T any](ctx context.Context, set *loaders.Set, of *loaders.Loader[string, *T], argument string, kind storage.Kind, ids []string) ([]string, error) {
	if ids == nil {
		return nil, nil
	}
	keys, err := keysOf{set.Store.Key()}.all(argument, kind, ids)
	if err != nil {
		return nil, err
	}
	found, err := of.LoadAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	for _, thing := range found {
		if thing == nil {
			return nil, directives.Missing(argument)
		}
	}
	return keys, nil
}

// saying is what sendMessage and resendMessage share.
type saying struct {
	text            string
	generator       *string
	converters      []string
	scorers         []string
	objectiveScorer *string
}

func (s saying) fields() []string {
	return given(map[string]bool{
		"text": s.text != "", "generator": s.generator != nil, "converters": s.converters != nil, "scorers": s.scorers != nil,
		"objectiveScorer": s.objectiveScorer != nil,
	})
}

// in finds all that it names.
func (s saying) in(ctx context.Context, set *loaders.Set) (m execution.Message, err error) {
	m.Text = s.text
	if m.Generator, err = theOne(ctx, set, set.Generator, "generator", storage.KindGenerator, s.generator); err != nil {
		return m, err
	}
	if m.Converters, err = theAll(ctx, set, set.Converter, "converters", storage.KindConverter, s.converters); err != nil {
		return m, err
	}
	if m.Scorers, err = theAll(ctx, set, set.Scorer, "scorers", storage.KindScorer, s.scorers); err != nil {
		return m, err
	}
	m.ObjectiveScorer, err = theOne(ctx, set, set.Scorer, "objectiveScorer", storage.KindScorer, s.objectiveScorer)
	return m, err
}

func (r *Resolver) sendMessage(ctx context.Context, input graph.SendMessageInput) (*schema.TurnPayload, error) {
	s := saying{input.Text, input.Generator, input.Converters, input.Scorers, input.ObjectiveScorer}
	on := named{kind: storage.KindConversation}
	switch {
	case input.Conversation != nil:
		on = named{storage.KindConversation, *input.Conversation, "conversation"}
	case input.Attack != nil:
		on = named{storage.KindAttack, *input.Attack, "attack"}
	}
	return r.turn(ctx, change{
		field: "sendMessage", id: input.ClientMutationID, input: input, action: "conversation.send", fields: s.fields(), on: on,
	}, func(ctx context.Context, set *loaders.Set, numbers []int64) (*execution.Said, error) {
		number := numbers[0]
		if input.Conversation == nil {
			attack, err := set.Attack.Load(ctx, number)
			if err != nil {
				return nil, err
			}
			if attack == nil || attack.ConversationNumber == nil {
				return nil, directives.Missing("attack")
			}
			number = *attack.ConversationNumber
		}
		m, err := s.in(ctx, set)
		if err != nil {
			return nil, err
		}
		return r.hand.Send(ctx, set.Store.Reading(nil), number, m)
	})
}

func (r *Resolver) resendMessage(ctx context.Context, input graph.ResendMessageInput) (*schema.TurnPayload, error) {
	s := saying{"", input.Generator, input.Converters, input.Scorers, input.ObjectiveScorer}
	if input.Text != nil {
		s.text = *input.Text
	}
	return r.turn(ctx, change{
		field: "resendMessage", id: input.ClientMutationID, input: input, action: "conversation.resend", fields: s.fields(),
		on: named{storage.KindMessage, input.Message, "message"},
	}, func(ctx context.Context, set *loaders.Set, numbers []int64) (*execution.Said, error) {
		m, err := s.in(ctx, set)
		if err != nil {
			return nil, err
		}
		return r.hand.Resend(ctx, set.Store.Reading(nil), storage.MessageKey{Conversation: numbers[0], Sequence: numbers[1], Piece: numbers[2]}, m)
	})
}

// turn makes a change that says something in a conversation, and reads what was said.
func (r *Resolver) turn(ctx context.Context, c change, do func(ctx context.Context, set *loaders.Set, numbers []int64) (*execution.Said, error)) (*schema.TurnPayload, error) {
	c.do = r.inConversation(c, func(ctx context.Context, _ work, set *loaders.Set, numbers []int64) (made, error) {
		done, err := do(ctx, set, numbers)
		if err != nil {
			return made{}, err
		}
		answer := made{Row: numbersText(done.Conversation), Rows: []string{messageText(done.Prompt)}, Failure: done.Failure, Unscored: done.Unscored != ""}
		for _, piece := range done.Reply {
			answer.Rows = append(answer.Rows, messageText(piece))
		}
		return answer, nil
	})
	done, payload, err := r.mutate(ctx, c)
	answer := &schema.TurnPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set == nil {
		return answer, err
	}
	answer.Unscored = done.Unscored
	if done.Failure != "" {
		answer.Failure = &done.Failure
	}
	if answer.Conversation, err = set.Conversation.Load(ctx, numbersIn(done.Row)[0]); err != nil {
		return answer, err
	}
	keys := make([]storage.MessageKey, len(done.Rows))
	for i, row := range done.Rows {
		n := numbersIn(row)
		keys[i] = storage.MessageKey{Conversation: n[0], Sequence: n[1], Piece: n[2]}
	}
	messages, err := set.Message.LoadAll(ctx, keys)
	if err != nil {
		return answer, err
	}
	answer.Prompt, answer.Reply = messages[0], []*storage.Message{}
	for _, piece := range messages[1:] {
		if piece != nil { // deleted since
			answer.Reply = append(answer.Reply, piece)
		}
	}
	return answer, nil
}

func (r *Resolver) branchConversation(ctx context.Context, input graph.BranchConversationInput) (*schema.ConversationPayload, error) {
	c := change{
		field: "branchConversation", id: input.ClientMutationID, input: input, action: "conversation.branch",
		on: named{storage.KindMessage, input.Message, "message"},
	}
	c.do = r.inConversation(c, func(ctx context.Context, _ work, set *loaders.Set, numbers []int64) (made, error) {
		done, err := r.hand.Branch(ctx, set.Store.Reading(nil), storage.MessageKey{Conversation: numbers[0], Sequence: numbers[1], Piece: numbers[2]})
		if err != nil {
			return made{}, err
		}
		return made{Rows: []string{numbersText(done.Conversation)}}, nil
	})
	return r.changeConversation(ctx, c)
}

func (r *Resolver) chooseMainConversation(ctx context.Context, input graph.ChooseMainConversationInput) (*schema.ConversationPayload, error) {
	c := change{
		field: "chooseMainConversation", id: input.ClientMutationID, input: input, action: "conversation.choose",
		on: named{storage.KindConversation, input.Conversation, "conversation"},
	}
	c.do = r.inConversation(c, func(ctx context.Context, _ work, set *loaders.Set, numbers []int64) (made, error) {
		attack, err := r.hand.Choose(ctx, set.Store.Reading(nil), numbers[0])
		if err != nil {
			return made{}, err
		}
		return made{Row: numbersText(attack)}, nil
	})
	return r.changeConversation(ctx, c)
}

// inConversation gives do the store that holds what the change is on, and the numbers of
// its key.
func (r *Resolver) inConversation(c change, do func(ctx context.Context, w work, set *loaders.Set, numbers []int64) (made, error)) func(ctx context.Context, w work) (made, error) {
	return func(ctx context.Context, w work) (made, error) {
		if c.on.argument == "" {
			return made{}, storage.BadInput("conversation", "name a conversation or an attack")
		}
		scope, parsed, err := directives.ChangingThing(ctx, c.on.id, c.on.kind)
		if err != nil {
			return made{}, refused(c.on.argument, err)
		}
		set, err := scope.Open(ctx)
		if err != nil {
			return made{}, err
		}
		numbers, numbered := parsed.Numbers(numbersOf[c.on.kind])
		if !numbered {
			return made{}, directives.Missing(c.on.argument)
		}
		w.act.WorkspaceKey = scope.Workspace.Key
		done, err := do(ctx, w, set, numbers)
		if e, ok := errors.AsType[*storage.Error](err); ok && e.Code == storage.CodeNotFound && e.Field == "" {
			err = directives.Missing(c.on.argument) // as of another's
		}
		done.Workspace = scope.Workspace.Key
		return done, err
	}
}

// changeConversation makes a change and reads its attack, Row, and conversation, Rows.
func (r *Resolver) changeConversation(ctx context.Context, c change) (*schema.ConversationPayload, error) {
	done, payload, err := r.mutate(ctx, c)
	answer := &schema.ConversationPayload{WorkspacePayload: schema.WorkspacePayload{Payload: payload}}
	if done == nil || err != nil {
		return answer, err
	}
	set, err := r.setNow(ctx, done, &answer.WorkspacePayload)
	if set == nil {
		return answer, err
	}
	if done.Row != "" {
		if answer.Attack, err = set.Attack.Load(ctx, numbersIn(done.Row)[0]); err != nil {
			return answer, err
		}
	}
	if len(done.Rows) > 0 {
		answer.Conversation, err = set.Conversation.Load(ctx, numbersIn(done.Rows[0])[0])
	}
	return answer, err
}

// numbersText writes the numbers of a key as the app store keeps them.
func numbersText(numbers ...int64) string {
	texts := make([]string, len(numbers))
	for i, number := range numbers {
		texts[i] = strconv.FormatInt(number, 10)
	}
	return strings.Join(texts, "-")
}

func messageText(key storage.MessageKey) string {
	return numbersText(key.Conversation, key.Sequence, key.Piece)
}

// numbersIn reads what numbersText wrote.
func numbersIn(text string) []int64 {
	var numbers []int64
	for part := range strings.SplitSeq(text, "-") {
		number, _ := strconv.ParseInt(part, 10, 64) // our own text
		numbers = append(numbers, number)
	}
	return numbers
}
