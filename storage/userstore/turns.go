package userstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// RecordTurn stores a turn by the way of results: rows wait in temporary tables and are
// taken over in one transaction, as if it were item 0 of a run.
func (s *Store) RecordTurn(ctx context.Context, guard storage.Guard, turn *storage.Turn) (_ *storage.TurnDone, err error) {
	bulk, err := s.engine.Bulk(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin to record a turn: %w", err)
	}
	defer func() { err = errors.Join(err, bulk.Close()) }()
	if err := createResults(ctx, bulk.Conn()); err != nil {
		return nil, err
	}
	t := &turnBatch{
		batch: batch{recorder: &recorder{cleaner: cleaner{guard}, store: s, bulk: bulk, known: map[string]bool{}}},
		turn:  turn, done: &storage.TurnDone{},
	}
	if turn.Begins != nil {
		t.key = turn.Begins.Execution.Key
	}
	if err := bulk.WithTx(ctx, t.record); err != nil {
		return nil, fmt.Errorf("record a turn: %w", err)
	}
	return t.done, nil
}

// turnBatch is the transaction of one turn.
type turnBatch struct {
	batch
	turn *storage.Turn
	done *storage.TurnDone
}

func (t *turnBatch) record(ctx context.Context, tx *sql.Tx) error {
	if t.turn.Begins == nil {
		if err := t.find(ctx, tx); err != nil {
			return err
		}
	}
	result := &storage.ItemResult{Conversations: t.turn.Helpers, Components: t.turn.Components}
	if begins := t.turn.Begins; begins != nil {
		main := &storage.ResultConversation{
			Conversation: storage.Conversation{Purpose: storage.PurposeTarget, TargetHash: begins.Attack.TargetHash}, Messages: t.turn.Messages,
		}
		result.Conversations = append([]*storage.ResultConversation{main}, t.turn.Helpers...)
		result.Attack, result.Labels = begins.Attack, begins.Labels
		if err := t.takeNumbers(ctx, tx, []*storage.ItemResult{result}); err != nil {
			return err
		}
		return t.begin(ctx, tx, result)
	}
	counted := &storage.ItemResult{Conversations: t.turn.Helpers}
	if t.turn.Branch != nil {
		counted.Conversations = append([]*storage.ResultConversation{{}}, t.turn.Helpers...)
	}
	for _, m := range t.turn.Messages {
		counted.Scores = append(counted.Scores, m.Scores...)
	}
	if err := t.takeNumbers(ctx, tx, []*storage.ItemResult{counted}); err != nil {
		return err
	}
	return t.goOn(ctx, tx, result)
}

// find reads the conversation as it is now.
func (t *turnBatch) find(ctx context.Context, tx *sql.Tx) error {
	var count int64
	err := tx.QueryRowContext(ctx, `
SELECT c.message_count, c.attack_no
FROM conversations c
WHERE c.owner_id = $1 AND c.conversation_no = $2`, t.store.owner, t.turn.In).Scan(&count, &t.done.Attack)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return storage.Errorf(storage.CodeNotFound, "there is no such conversation")
	case err != nil:
		return err
	case count != t.turn.Count && t.turn.Branch == nil: // what a branch repeats does not change
		return storage.Errorf(storage.CodeConflict, "somebody else wrote to the conversation meanwhile: read it again, or branch it")
	}
	t.done.Conversation = t.turn.In
	return nil
}

// begin stores a run with its only attack.
func (t *turnBatch) begin(ctx context.Context, tx *sql.Tx, result *storage.ItemResult) error {
	if err := t.store.addPlan(ctx, tx, t.turn.Begins.Execution, storage.ExecutionSucceeded); err != nil {
		return err
	}
	t.done.Conversation = t.conversation
	attack := t.attack
	t.done.Attack = &attack
	if err := t.add(ctx, result); err != nil {
		return err
	}
	if err := t.bulk.Flush(ctx); err != nil {
		return err
	}
	return t.takeOver(ctx, tx, []int64{0})
}

// goOn adds messages to a conversation that is there, or to a new branch of it.
func (t *turnBatch) goOn(ctx context.Context, tx *sql.Tx, result *storage.ItemResult) error {
	if t.turn.Branch != nil {
		t.done.Conversation = next(&t.conversation)
		if err := t.branch(ctx, tx, t.done.Conversation); err != nil {
			return err
		}
	}
	var objective *int64
	for _, m := range t.turn.Messages {
		m.Conversation = t.done.Conversation
		found, err := t.addScored(ctx, 0, 0, m)
		if err != nil {
			return err
		}
		if found != nil {
			objective = found
		}
	}
	for _, c := range result.Components {
		if err := t.addComponent(ctx, c); err != nil {
			return err
		}
	}
	for _, c := range result.Conversations {
		if _, err := t.addConversation(ctx, 0, t.done.Attack, t.conversation, c); err != nil {
			return err
		}
	}
	if d := t.turn.Decision; d != nil && objective != nil && t.done.Attack != nil {
		if err := t.addDecision(ctx, 0, &storage.Decision{Attack: *t.done.Attack, Outcome: d.Outcome, Reason: d.Reason}, *objective); err != nil {
			return err
		}
	}
	if err := t.bulk.Flush(ctx); err != nil {
		return err
	}
	if err := t.takeOver(ctx, tx, []int64{0}); err != nil {
		return err
	}
	return t.sumUp(ctx, tx)
}

// branch repeats what was said before a sequence in a new conversation: each message names
// the one that it repeats, on which its scores lie.
func (t *turnBatch) branch(ctx context.Context, tx *sql.Tx, number int64) error {
	id := newID()
	if _, err := tx.ExecContext(ctx, `
INSERT INTO conversations (owner_id, conversation_no, source, source_id, attack_no, purpose, why, target_hash, branched_from_no,
  branched_from_sequence, message_count)
SELECT c.owner_id, CAST($3 AS BIGINT), 'NATIVE', CAST($4 AS TEXT), c.attack_no,
  CASE WHEN c.attack_no IS NULL THEN c.purpose ELSE 'ALTERNATIVE' END, CAST($5 AS TEXT), COALESCE(CAST($6 AS TEXT), c.target_hash),
  c.conversation_no, CAST($7 AS BIGINT), 0
FROM conversations c
WHERE c.owner_id = $1 AND c.conversation_no = $2`, t.store.owner, t.turn.In, number, id, t.text(t.turn.Branch.Why),
		t.maybe(t.turn.Branch.TargetHash), t.turn.Branch.Before); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO prompt_request_responses (owner_id, conversation_no, sequence, piece, source, source_id, original_conversation_no,
  original_sequence, original_piece, `+repeatedColumns("")+`)
SELECT m.owner_id, CAST($3 AS BIGINT), m.sequence, m.piece, 'NATIVE',
  CAST($4 AS TEXT) || '-' || CAST(m.sequence AS TEXT) || '-' || CAST(m.piece AS TEXT), COALESCE(m.original_conversation_no, m.conversation_no),
  COALESCE(m.original_sequence, m.sequence), COALESCE(m.original_piece, m.piece), `+repeatedColumns("m.")+`
FROM prompt_request_responses m
WHERE m.owner_id = $1 AND m.conversation_no = $2 AND m.sequence < CAST($5 AS BIGINT)
ORDER BY m.sequence, m.piece`, t.store.owner, t.turn.In, number, id, t.turn.Branch.Before); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
INSERT INTO message_files (owner_id, conversation_no, sequence, piece, part, sha256)
SELECT f.owner_id, CAST($3 AS BIGINT), f.sequence, f.piece, f.part, f.sha256
FROM message_files f
WHERE f.owner_id = $1 AND f.conversation_no = $2 AND f.sequence < CAST($4 AS BIGINT)`, t.store.owner, t.turn.In, number, t.turn.Branch.Before)
	return err
}

// repeatedColumns are those of a message that a branch repeats as they are.
func repeatedColumns(of string) string {
	return of + "role, " + of + "original_value, " + of + "converted_value, " + of + "original_data_type, " + of + "converted_data_type, " +
		of + "converter_hashes, " + of + "response_error, " + of + "finish_reason, " + of + "latency_ms, " + of + "input_tokens, " +
		of + "output_tokens, " + of + "original_sha256, " + of + "converted_sha256, " + of + "metadata, " + of + "created_at, " + of + "attributes"
}

// sumUp counts the conversation's messages, and the turns of an attack of ours whose main
// conversation it is. What a tool says of its own attacks stays.
func (t *turnBatch) sumUp(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `
UPDATE conversations AS c
SET message_count = f.messages, started_at = f.started_at, last_message_at = f.last_message_at
FROM (
  SELECT count(*) AS messages, min(m.created_at) AS started_at, max(m.created_at) AS last_message_at
  FROM prompt_request_responses m
  WHERE m.owner_id = $1 AND m.conversation_no = $2
) AS f
WHERE c.owner_id = $1 AND c.conversation_no = $2`, t.store.owner, t.done.Conversation); err != nil {
		return err
	}
	if t.done.Attack == nil {
		return nil
	}
	if err := t.store.countTurns(ctx, tx, *t.done.Attack); err != nil || t.turn.ConverterChain == "" {
		return err
	}
	_, err := tx.ExecContext(ctx, `
UPDATE attacks
SET converter_chain = $3, converter_hashes = CAST($4 AS TEXT[])
WHERE owner_id = $1 AND attack_no = $2 AND conversation_no = $5 AND source = 'NATIVE' AND attack_class = $6`,
		t.store.owner, *t.done.Attack, t.turn.ConverterChain, t.turn.ConverterHash, t.done.Conversation, storage.ClassManual)
	return err
}

// countTurns counts what the user said in the main conversation of an attack of ours.
func (s *Store) countTurns(ctx context.Context, tx *sql.Tx, attack int64) error {
	_, err := tx.ExecContext(ctx, `
UPDATE attacks AS a
SET turns = f.turns, finished_at = COALESCE(f.finished_at, a.finished_at)
FROM (
  SELECT k.attack_no, count(DISTINCT CASE WHEN m.role = 'USER' THEN m.sequence END) AS turns, max(m.created_at) AS finished_at
  FROM attacks k
  JOIN prompt_request_responses m ON m.owner_id = k.owner_id AND m.conversation_no = k.conversation_no
  WHERE k.owner_id = $1 AND k.attack_no = $2
  GROUP BY k.attack_no
) AS f
WHERE a.owner_id = $1 AND a.attack_no = f.attack_no AND a.source = 'NATIVE'`, s.owner, attack)
	return err
}

// ChooseMainConversation lets a conversation be the main one of its attack.
func (s *Store) ChooseMainConversation(ctx context.Context, number int64) (int64, error) {
	var attack int64
	err := s.changing(ctx, "choose a main conversation", func(ctx context.Context, tx *sql.Tx) error {
		var purpose storage.Purpose
		var of, main *int64
		err := tx.QueryRowContext(ctx, `
SELECT c.purpose, a.attack_no, a.conversation_no
FROM conversations c
LEFT JOIN attacks a ON a.owner_id = c.owner_id AND a.attack_no = c.attack_no
WHERE c.owner_id = $1 AND c.conversation_no = $2`, s.owner, number).Scan(&purpose, &of, &main)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return storage.Errorf(storage.CodeNotFound, "there is no such conversation")
		case err != nil:
			return err
		case of == nil, purpose != storage.PurposeTarget && purpose != storage.PurposeAlternative:
			return storage.BadInput("conversation", "it is no thread of an attack with its target: choose one whose purpose is TARGET or ALTERNATIVE")
		case main != nil && *main == number:
			return storage.Errorf(storage.CodeConflict, "it is the main conversation already")
		}
		attack = *of
		if _, err := tx.ExecContext(ctx, `
UPDATE attacks
SET conversation_no = CAST($3 AS BIGINT)
WHERE owner_id = $1 AND attack_no = $2`, s.owner, attack, number); err != nil {
			return err
		}
		// What a tool calls its conversations stays: a later import says it again.
		if _, err := tx.ExecContext(ctx, `
UPDATE conversations
SET purpose = CASE WHEN conversation_no = CAST($3 AS BIGINT) THEN 'TARGET' ELSE 'ALTERNATIVE' END,
  why = CASE WHEN conversation_no = CAST($3 AS BIGINT) THEN NULL ELSE 'another one was chosen' END
WHERE owner_id = $1 AND attack_no = $2 AND source = 'NATIVE' AND (conversation_no = CAST($3 AS BIGINT) OR conversation_no = CAST($4 AS BIGINT))`,
			s.owner, attack, number, given(main)); err != nil {
			return err
		}
		return s.countTurns(ctx, tx, attack)
	})
	return attack, err
}
