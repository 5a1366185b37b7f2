package execution

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/configured"
	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/execution/orchestrator"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// Hand leads conversations with targets for people, a turn at a time: MANUAL. It needs no
// engine, for a person waits for each reply. Safe for concurrent use.
type Hand struct {
	Things *configured.Things
	Lanes  *Lanes // those of the engine
	Guard  func() storage.Guard
	Events events.Waker

	mu   sync.Mutex
	busy map[string]bool // ids of conversations to which somebody writes
}

const (
	// timeToStore is what a turn leaves of the time of its request.
	timeToStore = 2 * time.Second
	// maxMessage is how long a message of a person may be, in bytes.
	maxMessage = storage.MaxPromptBytes
	// byHand is why a branch is there.
	byHand = "branched by hand"
)

// Start is a conversation that begins.
type Start struct {
	Orchestrator *storage.Orchestrator // a stored one of the type MANUAL, or nil
	Generator    *string               // key of the attacked one; nil for the orchestrator's
	Name         *string
	Objective    *string
	SystemPrompt *string // nil for the orchestrator's
	Labels       []*storage.Label
}

// Start begins an attack, whose conversation has at most a system prompt yet, in a run of
// its own. CodeBadInput and CodeConflict for what cannot be begun.
func (h *Hand) Start(ctx context.Context, store storage.UserStore, by By, start Start) (*storage.TurnDone, error) {
	o, err := start.settled()
	if err != nil {
		return nil, err
	}
	plan, w, err := h.open(ctx, store, o)
	if err != nil {
		return nil, err
	}
	defer w.Close() //nolint:errcheck // there is nothing to close but connections
	settings, _ := orchestrator.Check(o)
	model := w.models[*o.GeneratorKey]
	talk := &thread{model: model, conversation: newConversation(storage.PurposeTarget, model)}
	talk.system(settings.SystemPrompt)
	configuration, err := plan.JSON()
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	execution := &storage.ExecutionPlan{
		Key: uuid.Must(uuid.NewV7()).String(), Name: o.Name, Orchestrator: o.Type, Configuration: configuration, StartedBy: by.Username, QueuedAt: now,
	}
	if start.Orchestrator != nil {
		execution.OrchestratorKey = &start.Orchestrator.Key
	}
	if start.Objective != nil && *start.Objective == "" {
		start.Objective = nil
	}
	var turns int64
	attack := &storage.Attack{
		AttackClass: storage.ClassManual, Objective: start.Objective, HarmCategories: []string{}, Tags: append([]string{}, o.Tags...),
		TargetHash: &model.component.Hash, ConverterHash: []string{}, Turns: &turns, StartedAt: now,
	}
	if start.Objective != nil {
		attack.ObjectiveHash = hashOf(*start.Objective)
	}
	attack.Outcome, attack.OutcomeSource, attack.OutcomeReason = outcomeOf(nil, nil, false)
	done, err := store.RecordTurn(ctx, h.Guard(), &storage.Turn{
		Begins:   &storage.NewAttack{Execution: execution, Attack: attack, Labels: o.Labels},
		Messages: talk.conversation.Messages, Components: []*storage.Component{model.component},
	})
	if err == nil {
		h.Events.Wake(events.Executions(by.WorkspaceKey))
	}
	return done, err
}

// settled is the orchestrator of the run.
func (s Start) settled() (*storage.Orchestrator, error) {
	o := &storage.Orchestrator{Type: orchestrator.Manual, Name: "by hand", Parameters: "{}"}
	if s.Orchestrator != nil {
		if s.Orchestrator.Type != orchestrator.Manual {
			return nil, storage.BadInput("orchestrator", "it is of the type %s: name one of the type %s", s.Orchestrator.Type, orchestrator.Manual)
		}
		copied := *s.Orchestrator
		o = &copied
	}
	if s.Generator != nil {
		o.GeneratorKey = s.Generator
	}
	if o.GeneratorKey == nil {
		return nil, storage.BadInput("generator", "name the generator to attack, or an orchestrator that does")
	}
	for field, text := range map[string]*string{"objective": s.Objective, "systemPrompt": s.SystemPrompt} {
		if err := storage.CheckText(field, text, maxMessage); err != nil {
			return nil, err
		}
	}
	if s.Name != nil {
		var err error
		if o.Name, err = configured.CheckName(*s.Name); err != nil {
			return nil, err
		}
	}
	if s.Labels != nil {
		if err := configured.CheckLabels(s.Labels); err != nil {
			return nil, err
		}
		o.Labels = s.Labels
	}
	if s.SystemPrompt != nil {
		parameters, err := json.Marshal(map[string]string{orchestrator.SystemPrompt: *s.SystemPrompt})
		if err != nil {
			return nil, err
		}
		o.Parameters = storage.JSON(parameters)
	}
	return o, nil
}

// open opens all that a person's orchestrator names, as it is now.
func (h *Hand) open(ctx context.Context, store storage.UserStore, o *storage.Orchestrator) (*Plan, *assembly, error) {
	plan, err := fixedPlan(ctx, h.Things, store, o)
	if err != nil {
		return nil, nil, gone(err)
	}
	w := &assembly{
		preparer: &Preparer{Things: h.Things, Lanes: h.Lanes}, store: store, plan: plan, spending: &spending{},
		models: map[string]*Model{}, built: map[string]*judge{}, waiting: &waiting{spare: timeToStore, count: h.Things.Count},
	}
	if err := w.openParts(ctx); err != nil {
		return nil, nil, errors.Join(gone(err), w.Close())
	}
	return plan, w, nil
}

// gone turns what is not there any more into what the caller can mend: names that the
// caller gave were looked up before.
func gone(err error) error {
	if storage.CodeOf(err) == storage.CodeNotFound {
		return storage.Errorf(storage.CodeConflict, "a generator, converter or scorer that the conversation was begun with is gone: name others")
	}
	return err
}

// Branch begins another conversation of the same attack, which repeats a conversation up to
// and with a message. CodeNotFound for none.
func (h *Hand) Branch(ctx context.Context, store storage.UserStore, at storage.MessageKey) (*storage.TurnDone, error) {
	past, err := readPast(ctx, store, at.Conversation, "message")
	if err != nil {
		return nil, err
	}
	if past.message(at) == nil {
		return nil, storage.Errorf(storage.CodeNotFound, "there is no such message")
	}
	done, err := store.RecordTurn(ctx, h.Guard(), &storage.Turn{
		In: at.Conversation, Count: past.count(), Branch: &storage.TurnBranch{Before: at.Sequence + 1, Why: byHand},
	})
	if err == nil {
		h.wake(store, at.Conversation)
	}
	return done, err
}

// Choose lets a conversation be the main one of its attack, whose number it returns. Errors
// are ChooseMainConversation's.
func (h *Hand) Choose(ctx context.Context, store storage.UserStore, number int64) (int64, error) {
	attack, err := store.ChooseMainConversation(ctx, number)
	if err == nil {
		h.wake(store, number)
	}
	return attack, err
}

// take lets one write to a conversation at a time: CodeConflict for everybody else.
func (h *Hand) take(store storage.UserStore, number int64) (give func(), err error) {
	id := conversationID(store, number)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy[id] {
		return nil, storage.Errorf(storage.CodeConflict, "a message is being sent to the conversation: wait for its reply, or branch the conversation")
	}
	if h.busy == nil {
		h.busy = map[string]bool{}
	}
	h.busy[id] = true
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.busy, id)
	}, nil
}

func (h *Hand) wake(store storage.UserStore, numbers ...int64) {
	for _, number := range numbers {
		h.Events.Wake(events.Conversation(conversationID(store, number)))
	}
}

func conversationID(store storage.UserStore, number int64) string {
	return storage.ID{Kind: storage.KindConversation, Store: store.Key(), Key: storage.NumberKey(number)}.String()
}

// forCaller turns what stopped a call into what the caller can mend.
func forCaller(err error) error {
	if failed, ok := errors.AsType[*target.Error](err); ok {
		return storage.Errorf(storage.CodeConflict, "a generator that is asked before the target answered %s: %s", failed.Class, failed.Message)
	}
	if stopped, ok := errors.AsType[*Stop](err); ok {
		return storage.Errorf(storage.CodeConflict, "%s", stopped.Message)
	}
	return err
}
