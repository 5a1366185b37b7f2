package garak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

const (
	maxStatus = 100
	// maxSpread bounds what one line may grow to, in bytes: what an attempt states
	// once is stored with each of its generations.
	maxSpread = 1 << 30
)

// attempt is one line about one prompt. Garak writes it twice: with status 1 when
// the replies are there, with status 2 when the detectors have seen them. Both give
// the same source ids, and the status is the rank, so that the stage keeps the
// later one wherever it stands.
type attempt struct {
	uuid    string
	status  int
	probe   string
	goal    *string
	intent  *string
	notes   members
	threads []thread
	applied []applied // converters, in order
}

// taken are the members of an attempt that have a place of their own; the rest is
// kept in the attributes of its attacks.
var taken = map[string]bool{
	"entry_type": true, "uuid": true, "status": true, "probe_classname": true, "prompt": true, "outputs": true,
	"conversations": true, "messages": true, "detector_results": true, "goal": true, "intent": true,
	"reverse_translation_outputs": true,
}

func (im *importer) attempt(ctx context.Context, entry members) error {
	if im.run == nil || im.run.key() == "" || im.run.started.IsZero() {
		return errors.New("an attempt before the line that tells its run and when it started (start_run setup or init): this is a part of a report, import the whole")
	}
	a, err := im.readAttempt(entry)
	if err != nil {
		return err
	}
	if err := im.stage.Append(ctx, "raw_garak_attempts", im.run.key(), a.uuid, int64(a.status), a.probe,
		text(a.notes["previous_attempt_id"]), im.line); err != nil {
		return err
	}
	shared, unmapped, err := im.scores(ctx, a, entry)
	if err != nil {
		return err
	}
	return im.addAttacks(ctx, a, shared, unmapped)
}

func (im *importer) readAttempt(entry members) (*attempt, error) {
	a := &attempt{uuid: text(entry["uuid"]), probe: probeClass(text(entry["probe_classname"])), status: 1}
	if a.uuid == "" || strings.Contains(a.uuid, "/") {
		return nil, errors.New("an attempt without a usable uuid")
	}
	if raw, ok := entry["status"]; ok {
		status, ok := integer(raw)
		if !ok || status < 0 || status > maxStatus {
			return nil, fmt.Errorf("attempt %s: its status is not 0, 1 or 2", a.uuid)
		}
		a.status = int(status)
	}
	a.goal = optional(text(entry["goal"]))
	a.intent = optional(text(entry["intent"]))
	if several := texts(entry["intent"]); len(several) > 0 {
		a.intent = optional(strings.Join(several, ","))
	}
	a.notes, _ = object(entry["notes"])
	if outputs, ok := list(entry["outputs"]); ok && len(outputs)*len(entry["prompt"]) > maxSpread {
		return nil, fmt.Errorf("attempt %s: %d outputs to a prompt of %d bytes would take more than 1 GiB", a.uuid, len(outputs), len(entry["prompt"]))
	}
	a.threads = threadsOf(entry)
	spread := 0
	for name, member := range entry {
		if !taken[name] {
			spread += len(member)
		}
	}
	if spread*len(a.threads) > maxSpread {
		return nil, fmt.Errorf("attempt %s: its notes with each of %d generations would take more than 1 GiB", a.uuid, len(a.threads))
	}
	a.convert(im.run.translators)
	return a, nil
}

// attributesOf is what each attack of an attempt has in its attributes: members without a
// column, of any version. Empty ones are left out.
func attributesOf(entry members) map[string]any {
	out := map[string]any{}
	for name, member := range entry {
		if !taken[name] && !empty(member) {
			out[name] = member
		}
	}
	return out
}

// addAttacks stages each generation: one attack with one conversation.
func (im *importer) addAttacks(ctx context.Context, a *attempt, shared map[string]any, unmapped map[string]any) error {
	target, err := im.target(ctx)
	if err != nil {
		return err
	}
	attacker, err := im.probe(ctx, a.probe)
	if err != nil {
		return err
	}
	var names, hashes []string
	for i := range a.applied {
		hash, err := im.component(ctx, storage.ComponentConverter, a.applied[i].identifier, storage.Component{ClassName: a.applied[i].class})
		if err != nil {
			return err
		}
		a.applied[i].hash = hash
		names, hashes = append(names, a.applied[i].class), append(hashes, hash)
	}
	for i := range a.threads {
		thread := &a.threads[i]
		id := a.generation(i)
		fields := map[string]any{"generation": i, "status": a.status}
		for name, member := range shared {
			fields[name] = member
		}
		if i == 0 && len(unmapped) > 0 {
			fields["unmapped_scores"] = unmapped
		}
		attributes, err := document(fields)
		if err != nil {
			return err
		}
		turns := thread.replies()
		attack := &storage.StagedAttack{
			Attack: storage.Attack{
				Source: storage.SourceGarak, SourceID: id, AttackClass: a.probe, Probe: optional(a.probe),
				Objective: a.goal, Intent: a.intent, PromptKey: &a.uuid,
				HarmCategories: []string{}, Tags: []string{}, TargetHash: target, AttackerHash: attacker,
				ConverterChain: strings.Join(names, " > "), ConverterHash: hashes,
				Outcome: storage.OutcomeUndetermined, OutcomeSource: storage.OutcomeRule,
				OutcomeReason: optional("no detector has judged it"),
				Turns:         &turns, StartedAt: im.run.started, Attributes: attributes,
			},
			Rank: a.status, Execution: im.run.key(), Conversation: id,
		}
		if a.goal != nil {
			hash := storage.TextHash(*a.goal)
			attack.ObjectiveHash = &hash
		}
		if err := im.stage.AddAttack(ctx, attack); err != nil {
			return err
		}
		if err := im.addThread(ctx, a, i, target); err != nil {
			return err
		}
	}
	return nil
}

// addThread stages the conversation of a generation and its messages.
func (im *importer) addThread(ctx context.Context, a *attempt, i int, target *string) error {
	thread, id := &a.threads[i], a.generation(i)
	fields := map[string]any{}
	if !empty(thread.notes) {
		fields["notes"] = thread.notes
	}
	attributes, err := document(fields)
	if err != nil {
		return err
	}
	err = im.stage.AddConversation(ctx, &storage.StagedConversation{
		Conversation: storage.Conversation{
			Source: storage.SourceGarak, SourceID: id, Purpose: storage.PurposeTarget, TargetHash: target, Attributes: attributes,
		},
		Rank: a.status, Attack: id,
	})
	if err != nil {
		return err
	}
	// A parent has to be shorter than its branch, so a thread that is all history
	// (a prompt that ends in a reply, unanswered) has none.
	prefix, history := "", thread.history()
	if history == len(thread.turns) {
		history = 0
	}
	if history > 0 {
		prefix = thread.fingerprint(history)
	}
	if err := im.stage.Append(ctx, "raw_garak_threads", im.run.key(), a.probe, a.uuid, id, im.line,
		thread.fingerprint(len(thread.turns)), prefix, int64(history)); err != nil {
		return err
	}
	for t := range thread.turns {
		if err := im.addTurn(ctx, a, i, t); err != nil {
			return err
		}
	}
	return nil
}

func (im *importer) addTurn(ctx context.Context, a *attempt, i, t int) error {
	turn := &a.threads[i].turns[t]
	for p, piece := range turn.pieces {
		id := messageID(a.generation(i), t, p)
		fields := map[string]any{}
		if p == 0 {
			for name, member := range turn.details {
				fields[name] = member
			}
			if string(turn.role) != strings.ToUpper(turn.said) {
				fields["role"] = turn.said
			}
		}
		attributes, err := document(fields)
		if err != nil {
			return err
		}
		message := &storage.StagedMessage{
			Message: storage.Message{
				MessageKey: storage.MessageKey{Sequence: int64(t)},
				Source:     storage.SourceGarak, SourceID: id, Role: turn.role,
				OriginalValue: piece.text, ConvertedValue: piece.text,
				OriginalDataType: piece.dataType, DataType: piece.dataType,
				ConverterHash: []string{}, ResponseError: "none", CreatedAt: im.run.started, Attributes: attributes,
			},
			Rank: a.status, Conversation: a.generation(i),
		}
		if p == 0 && piece.dataType == "text" {
			a.unconvert(&message.Message, i, t)
		}
		message.OriginalHash = storage.TextHash(message.OriginalValue)
		message.ConvertedHash = storage.TextHash(message.ConvertedValue)
		if err := im.stage.AddMessage(ctx, message); err != nil {
			return err
		}
		if source := a.buffSource(i, t); p == 0 && source != "" && message.OriginalValue == message.ConvertedValue {
			if err := im.stage.Append(ctx, "raw_garak_buffs", id, messageID(source+"/0", t, 0), im.line); err != nil {
				return err
			}
		}
	}
	return nil
}

// generation is the source id of a generation's attack and of its conversation.
func (a *attempt) generation(i int) string { return fmt.Sprintf("%s/%d", a.uuid, i) }

// messageID is the source id of a piece: the number is left out of the first.
func messageID(generation string, turn, piece int) string {
	if piece == 0 {
		return fmt.Sprintf("%s/%d", generation, turn)
	}
	return fmt.Sprintf("%s/%d.%d", generation, turn, piece)
}

// rawJSON writes a list of JSON values as one.
func rawJSON(elements []json.RawMessage) json.RawMessage {
	written, err := json.Marshal(elements)
	if err != nil { // they were read from JSON
		return json.RawMessage("null")
	}
	return written
}
