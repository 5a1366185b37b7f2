package execution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/violentutf/violentutf/execution/converter"
	"github.com/violentutf/violentutf/execution/target"
	"github.com/violentutf/violentutf/storage"
)

// chain is a converter chain with what a run records of it.
type chain struct {
	converters converter.Chain
	components []*storage.Component
	hashes     []string
}

func newChain(converters converter.Chain) (*chain, error) {
	components, err := converters.Components()
	if err != nil {
		return nil, err
	}
	made := &chain{converters: converters, components: components, hashes: []string{}}
	for _, c := range components {
		made.hashes = append(made.hashes, c.Hash)
	}
	return made, nil
}

// thread is one conversation with a model, as it is led and as it will be recorded.
type thread struct {
	model        *Model
	conversation *storage.ResultConversation
	sent         []target.Message // what the model knows of it
	sequence     int64            // of the next message
	// raw cleans what went over the wire, which is then kept; nil keeps nothing.
	raw func(text string) string
}

func newConversation(purpose storage.Purpose, model *Model) *storage.ResultConversation {
	return &storage.ResultConversation{Conversation: storage.Conversation{Purpose: purpose, TargetHash: &model.component.Hash}}
}

// turn is a message and the reply to it.
type turn struct {
	prompt, sent string // before and after converters
	reply        *target.Reply
	failure      *target.Error          // instead of a reply
	message      *storage.ResultMessage // the reply's last piece; scores lie on it
	sequence     int64                  // of the prompt
}

// system puts a system prompt before everything else.
func (t *thread) system(text string) {
	if text != "" {
		t.add(storage.RoleSystem, text, time.Now())
	}
}

// add is a message that was not converted.
func (t *thread) add(role storage.Role, text string, now time.Time) *storage.ResultMessage {
	return t.put(role, target.Piece{DataType: "text", Text: text}, text, nil, nil, now)
}

// put is a message of one piece: original is its value before converters.
func (t *thread) put(role storage.Role, piece target.Piece, original string, hashes []string, metadata *storage.JSON, now time.Time) *storage.ResultMessage {
	message := &storage.ResultMessage{Message: storage.Message{
		MessageKey: storage.MessageKey{Sequence: t.sequence}, Role: role, OriginalValue: original, ConvertedValue: piece.Text,
		OriginalDataType: "text", DataType: piece.DataType, ConverterHash: slices.Clone(hashes), ResponseError: "none", Metadata: metadata,
		CreatedAt: now,
	}}
	t.sequence++
	t.conversation.Messages = append(t.conversation.Messages, message)
	t.sent = append(t.sent, target.Message{Role: spoken[role], Pieces: []target.Piece{piece}})
	return message
}

// spoken are the roles as targets know them.
var spoken = map[storage.Role]string{
	storage.RoleSystem: "system", storage.RoleDeveloper: "developer", storage.RoleUser: "user", storage.RoleAssistant: "assistant",
	storage.RoleSimulatedAssistant: "assistant", storage.RoleTool: "tool",
}

// say sends a prompt through converters and takes the reply. A failed call is in the turn;
// an error ends the run or the item.
func (t *thread) say(ctx context.Context, prompt string, through *chain, seed uint64) (*turn, error) {
	said := &turn{prompt: prompt, sent: prompt, sequence: t.sequence}
	var hashes []string
	var metadata *storage.JSON
	if through != nil && len(through.converters) > 0 {
		account := accountFrom(ctx)
		account.used(through.components...)
		hashes = through.hashes
		var steps []converter.Step
		if err := account.as(storage.PurposeConverter, func() (err error) {
			steps, err = through.converters.Steps(ctx, prompt, seed)
			return err
		}); err != nil {
			return nil, err
		}
		said.sent = steps[len(steps)-1].Output
		kept, err := conversionOf(steps, seed)
		if err != nil {
			return nil, err
		}
		metadata = kept
	}
	t.put(storage.RoleUser, target.Piece{DataType: "text", Text: said.sent}, prompt, hashes, metadata, time.Now())
	var err error
	said.reply, err = t.send(ctx)
	if failed, ok := errors.AsType[*target.Error](err); ok && ctx.Err() == nil {
		said.failure, err = failed, nil
	}
	said.message = t.conversation.Messages[len(t.conversation.Messages)-1]
	return said, err
}

// conversionOf is what metadata keeps of a conversion: the seed, and each step's output
// but the last, which is the message.
func conversionOf(steps []converter.Step, seed uint64) (*storage.JSON, error) {
	type step struct {
		Type   string `json:"type"`
		Output string `json:"output,omitempty"`
	}
	kept := make([]step, len(steps))
	for i, s := range steps {
		kept[i] = step{Type: s.Type, Output: s.Output}
	}
	kept[len(kept)-1].Output = ""
	// Seeds are written as text: JSON's numbers end at 2^53 in most readers.
	text, err := json.Marshal(map[string]any{"converterSeed": fmt.Sprint(seed), "converterSteps": kept})
	document := storage.JSON(text)
	return &document, err
}

// send asks for the next message and adds it. A failed call is added as an error, as
// PyRIT keeps it.
func (t *thread) send(ctx context.Context) (*target.Reply, error) {
	reply, err := t.model.Send(ctx, target.Request{Messages: t.sent, KeepRaw: t.raw != nil})
	now := time.Now()
	if err != nil {
		failed, ok := errors.AsType[*target.Error](err)
		if !ok || ctx.Err() != nil {
			return nil, err
		}
		message := t.put(storage.RoleAssistant, target.Piece{DataType: "error", Text: failed.Message}, failed.Message, nil, nil, now)
		message.OriginalDataType, message.ResponseError = "error", "unknown"
		message.Raw = t.exchange(failed.Raw, now)
		return nil, failed
	}
	t.take(reply, now)
	return reply, nil
}

// take adds a reply, each of its pieces a row of the same message.
func (t *thread) take(reply *target.Reply, now time.Time) {
	pieces := reply.Pieces
	if len(pieces) == 0 {
		pieces = []target.Piece{{DataType: "text"}}
	}
	latency := reply.Latency.Milliseconds()
	for i, piece := range pieces {
		message := &storage.ResultMessage{Message: storage.Message{
			MessageKey: storage.MessageKey{Sequence: t.sequence, Piece: int64(i)}, Role: storage.RoleAssistant, OriginalValue: piece.Text,
			ConvertedValue: piece.Text, OriginalDataType: piece.DataType, DataType: piece.DataType, ConverterHash: []string{},
			ResponseError: reply.ResponseError, CreatedAt: now,
		}}
		if i == 0 {
			message.Raw = t.exchange(reply.Raw, now)
			message.LatencyMs, message.InputTokens, message.OutputTokens = &latency, reply.InputTokens, reply.OutputTokens
			if reply.FinishReason != "" {
				message.FinishReason = &reply.FinishReason
			}
			if reply.FirstToken > 0 {
				metadata := storage.JSON(fmt.Sprintf(`{"first_token_ms":%d}`, reply.FirstToken.Milliseconds()))
				message.Metadata = &metadata
			}
		}
		t.conversation.Messages = append(t.conversation.Messages, message)
	}
	t.sequence++
	t.sent = append(t.sent, target.Message{Role: "assistant", Pieces: pieces})
}

// exchange is what is kept of a call, nil for nothing.
func (t *thread) exchange(raw *target.Exchange, now time.Time) *storage.RawExchange {
	if t.raw == nil || raw == nil {
		return nil
	}
	kept := &storage.RawExchange{Request: target.CutRaw(t.raw(raw.Request)), Response: target.CutRaw(t.raw(raw.Response)), ContentType: maybe(t.raw(raw.ContentType)), KeptAt: now}
	if raw.Status != 0 {
		status := int64(raw.Status)
		kept.Status = &status
	}
	return kept
}

// branch is another conversation that repeats this one up to before a sequence. at is the
// place of this one among the result's conversations.
func (t *thread) branch(at int, before int64) *thread {
	copied := &thread{model: t.model, conversation: newConversation(t.conversation.Purpose, t.model), sequence: before, raw: t.raw}
	copied.conversation.BranchedFrom, copied.conversation.BranchedFromSequence = &at, &before
	for _, message := range t.conversation.Messages {
		if message.Sequence >= before {
			break
		}
		repeated := &storage.ResultMessage{Message: message.Message}
		if repeated.Original == nil {
			repeated.Original = &storage.MessageKey{Conversation: int64(at), Sequence: message.Sequence, Piece: message.Piece}
		}
		copied.conversation.Messages = append(copied.conversation.Messages, repeated)
	}
	// Pieces of one message share a sequence, and are one message to the model.
	copied.sent = slices.Clone(t.sent[:before])
	return copied
}
