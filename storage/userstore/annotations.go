package userstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/violentutf/violentutf/storage"
)

// standing is, for each attack with a verdict that is not retracted, what its verdicts
// overrule: all that stand remember the same.
const standing = `(
  SELECT n.attack_no, max(n.source_outcome) AS outcome, max(n.source_outcome_reason) AS outcome_reason,
    max(n.source_outcome_source) AS outcome_source
  FROM annotations n
  WHERE n.owner_id = $1 AND n.attack_no IS NOT NULL AND n.verdict IS NOT NULL AND n.retracted_at IS NULL
  GROUP BY n.attack_no
)`

// Annotate adds the annotation to everything that is chosen, and lets a verdict on
// attacks be their outcome.
func (s *Store) Annotate(ctx context.Context, a *storage.NewAnnotation) (int64, error) {
	if err := a.Check(); err != nil {
		return 0, err
	}
	var count int64
	err := s.changing(ctx, "annotate", func(ctx context.Context, tx *sql.Tx) error {
		for _, add := range []func(context.Context, *sql.Tx, *storage.NewAnnotation) (int64, error){
			s.annotateAttacks, s.annotateConversations, s.annotateMessages,
		} {
			added, err := add(ctx, tx, a)
			if err != nil {
				return err
			}
			count += added
		}
		if a.Verdict == nil {
			return nil
		}
		_, err := tx.ExecContext(ctx, decide, s.owner, a.Batch)
		return err
	})
	if err != nil {
		return 0, err
	}
	return count, nil
}

// said is what an annotation says, in the order of saidColumns.
func (q *query) said(a *storage.NewAnnotation) string {
	var verdict any
	if a.Verdict != nil {
		verdict = string(*a.Verdict)
	}
	text := func(value any) string { return "CAST(" + q.arg(value) + " AS TEXT)" }
	return text(a.Batch) + ", " + text(verdict) + ", " + text(given(a.Note)) + ", " + text(given(a.Reason)) + ", " +
		text(a.Author) + ", CAST(" + q.arg(a.At.UTC()) + " AS TIMESTAMP)"
}

const saidColumns = "batch, verdict, note, reason, author, created_at"

func (s *Store) annotateAttacks(ctx context.Context, tx *sql.Tx, a *storage.NewAnnotation) (int64, error) {
	q := s.query()
	where, err := q.chosenAttacks(a.On)
	if err != nil || where == "" {
		return 0, err
	}
	columns, values, join := "", "", ""
	if a.Verdict != nil {
		columns = ", source_outcome, source_outcome_reason, source_outcome_source"
		values = `, COALESCE(p.outcome, a.outcome), CASE WHEN p.attack_no IS NULL THEN a.outcome_reason ELSE p.outcome_reason END,
  COALESCE(p.outcome_source, a.outcome_source)`
		join = "LEFT JOIN " + standing + " p ON p.attack_no = a.attack_no"
	}
	added, err := execCount(ctx, tx, `
INSERT INTO annotations (owner_id, id, attack_no, `+saidColumns+columns+`)
SELECT CAST($1 AS TEXT), CAST(`+q.arg(a.Batch)+` AS TEXT) || '-a' || CAST(a.attack_no AS TEXT), a.attack_no, `+q.said(a)+values+`
FROM attacks a
`+join+`
WHERE a.owner_id = $1 AND `+where, q.args...)
	if err == nil && a.On.Filter == nil && added != distinct(a.On.Attacks) {
		err = notThere("attacks")
	}
	return added, err
}

func (s *Store) annotateConversations(ctx context.Context, tx *sql.Tx, a *storage.NewAnnotation) (int64, error) {
	if len(a.On.Conversations) == 0 {
		return 0, nil
	}
	q := s.query()
	added, err := execCount(ctx, tx, `
INSERT INTO annotations (owner_id, id, conversation_no, `+saidColumns+`)
SELECT CAST($1 AS TEXT), CAST(`+q.arg(a.Batch)+` AS TEXT) || '-c' || CAST(c.conversation_no AS TEXT), c.conversation_no, `+q.said(a)+`
FROM conversations c
WHERE c.owner_id = $1 AND c.conversation_no IN (SELECT unnest(`+q.list(a.On.Conversations, "BIGINT")+`))`, q.args...)
	if err == nil && added != distinct(a.On.Conversations) {
		err = notThere("conversations")
	}
	return added, err
}

func (s *Store) annotateMessages(ctx context.Context, tx *sql.Tx, a *storage.NewAnnotation) (int64, error) {
	if len(a.On.Messages) == 0 {
		return 0, nil
	}
	q := s.query()
	added, err := execCount(ctx, tx, `
INSERT INTO annotations (owner_id, id, conversation_no, sequence, piece, `+saidColumns+`)
SELECT CAST($1 AS TEXT), CAST(`+q.arg(a.Batch)+` AS TEXT) || '-e' || CAST(m.conversation_no AS TEXT) || '-' || CAST(m.sequence AS TEXT) || '-' || CAST(m.piece AS TEXT),
  m.conversation_no, m.sequence, m.piece, `+q.said(a)+`
FROM prompt_request_responses m
WHERE m.owner_id = $1 AND `+q.messageKeys("m", a.On.Messages), q.args...)
	if err == nil && added != distinct(a.On.Messages) {
		err = notThere("messages")
	}
	return added, err
}

// RetractAnnotation takes annotations back. An attack whose last standing verdict goes
// gets the outcome back that its source gave it.
func (s *Store) RetractAnnotation(ctx context.Context, r *storage.Retraction) (int64, error) {
	if err := storage.CheckText("reason", r.Reason, storage.MaxReasonBytes); err != nil {
		return 0, err
	}
	var count int64
	err := s.changing(ctx, "retract annotations", func(ctx context.Context, tx *sql.Tx) error {
		var batch string
		err := tx.QueryRowContext(ctx, `
SELECT COALESCE(max(batch), '')
FROM annotations
WHERE owner_id = $1 AND id = $2`, s.owner, r.Key).Scan(&batch)
		if err != nil {
			return err
		}
		if batch == "" {
			return notThere("id")
		}
		count, err = execCount(ctx, tx, `
UPDATE annotations
SET retracted_at = $3, retracted_by = $4, retraction_reason = $5
WHERE owner_id = $1 AND batch = $2 AND retracted_at IS NULL AND (id = $6 OR CAST($7 AS BOOLEAN))`,
			s.owner, batch, r.At.UTC(), r.By, given(r.Reason), r.Key, r.Whole)
		if err != nil {
			return err
		}
		if count == 0 {
			return &storage.Error{Code: storage.CodeConflict, Field: "id", Message: "it was retracted before"}
		}
		_, err = tx.ExecContext(ctx, decide, s.owner, batch)
		return err
	})
	if err != nil {
		return 0, err
	}
	return count, nil
}

// decide sets the outcomes of the attacks of a batch, $2.
var decide = decideOf(`
    SELECT b.attack_no FROM annotations b
    WHERE b.owner_id = $1 AND b.batch = $2 AND b.verdict IS NOT NULL AND b.attack_no IS NOT NULL`)

// decideOf sets the outcomes of attacks, which a query selects: the newest verdict that
// stands, and without one what the source says, which the verdict that was retracted last
// remembers.
func decideOf(attacks string) string {
	return `
UPDATE attacks AS a
SET outcome = f.outcome, outcome_reason = f.outcome_reason, outcome_source = f.outcome_source
FROM (
  SELECT n.attack_no,
    CASE WHEN n.retracted_at IS NULL THEN n.verdict ELSE n.source_outcome END AS outcome,
    CASE WHEN n.retracted_at IS NULL THEN n.reason ELSE n.source_outcome_reason END AS outcome_reason,
    CASE WHEN n.retracted_at IS NULL THEN 'HUMAN' ELSE n.source_outcome_source END AS outcome_source,
    row_number() OVER (PARTITION BY n.attack_no
      ORDER BY CASE WHEN n.retracted_at IS NULL THEN 0 ELSE 1 END, n.retracted_at DESC NULLS LAST, n.created_at DESC, n.id DESC) AS place
  FROM annotations n
  WHERE n.owner_id = $1 AND n.verdict IS NOT NULL AND n.attack_no IN (` + attacks + `)
) AS f
WHERE a.owner_id = $1 AND f.place = 1 AND f.attack_no = a.attack_no`
}

// chosenAttacks is the condition on attacks a that were chosen, empty for none.
func (q *query) chosenAttacks(on storage.Chosen) (string, error) {
	var either []string
	if len(on.Attacks) > 0 {
		either = append(either, "a.attack_no IN (SELECT unnest("+q.list(on.Attacks, "BIGINT")+"))")
	}
	if on.Filter != nil {
		either = append(either, attackFilter(q, on.Filter, 1))
	}
	if len(either) == 0 || q.err != nil {
		return "", q.err
	}
	return oneOf(either), nil
}

// execCount runs a statement and tells how many rows it changed.
func execCount(ctx context.Context, tx *sql.Tx, text string, args ...any) (int64, error) {
	result, err := tx.ExecContext(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// distinct counts keys, each once: a client may name a thing twice.
func distinct[K comparable](keys []K) int64 {
	seen := make(map[K]struct{}, len(keys))
	for _, key := range keys {
		seen[key] = struct{}{}
	}
	return int64(len(seen))
}

func notThere(argument string) error {
	return &storage.Error{
		Code: storage.CodeNotFound, Field: argument,
		Message: "there is nothing with this id that you may change: pass an id as the server gave it",
	}
}

const (
	annotationColumns = `n.id, n.attack_no, n.conversation_no, n.sequence, n.piece, n.verdict, n.note, n.reason, n.author, n.created_at,
  n.retracted_at, n.retracted_by, n.retraction_reason`
	annotationQuery = `
SELECT ` + annotationColumns + `
FROM annotations n
WHERE n.owner_id = $1 AND `
)

const annotationOrder = `
ORDER BY n.created_at, n.id`

func (s *Store) scanAnnotation(rows *sql.Rows) (*storage.Annotation, error) {
	n := &storage.Annotation{}
	return n, s.annotationInto(rows.Scan, n)
}

func (s *Store) annotationInto(scan func(columns ...any) error, n *storage.Annotation) error {
	var conversation, sequence, piece *int64
	err := scan(&n.Key, &n.AttackNumber, &conversation, &sequence, &piece, &n.Verdict, &n.Note, &n.Reason, &n.Author,
		&n.CreatedAt, &n.RetractedAt, &n.RetractedBy, &n.RetractionReason)
	if n.ConversationNumber = conversation; conversation != nil && sequence != nil && piece != nil {
		n.ConversationNumber, n.Message = nil, &storage.MessageKey{Conversation: *conversation, Sequence: *sequence, Piece: *piece}
	}
	n.ID = s.id(storage.KindAnnotation, n.Key)
	return err
}

// AnnotationsByAttack reads the annotations on attacks themselves, oldest first.
func (s *Store) AnnotationsByAttack(ctx context.Context, numbers []int64) (map[int64][]*storage.Annotation, error) {
	q := s.query()
	return annotationsOn(ctx, s, q, numbers, q.keyed("n.attack_no", numbers, "BIGINT"),
		func(n *storage.Annotation) int64 { return *n.AttackNumber })
}

// AnnotationsByConversation reads the annotations on conversations themselves, oldest
// first.
func (s *Store) AnnotationsByConversation(ctx context.Context, numbers []int64) (map[int64][]*storage.Annotation, error) {
	q := s.query()
	return annotationsOn(ctx, s, q, numbers, "n.sequence IS NULL AND "+q.keyed("n.conversation_no", numbers, "BIGINT"),
		func(n *storage.Annotation) int64 { return *n.ConversationNumber })
}

// AnnotationsByMessage reads the annotations on messages, oldest first.
func (s *Store) AnnotationsByMessage(ctx context.Context, keys []storage.MessageKey) (map[storage.MessageKey][]*storage.Annotation, error) {
	if len(keys) == 0 {
		return map[storage.MessageKey][]*storage.Annotation{}, nil
	}
	q := s.query()
	return annotationsOn(ctx, s, q, keys, q.messageKeys("n", keys), func(n *storage.Annotation) storage.MessageKey { return *n.Message })
}

func annotationsOn[K comparable](ctx context.Context, s *Store, q *query, keys []K, condition string, key func(*storage.Annotation) K) (map[K][]*storage.Annotation, error) {
	found := make(map[K][]*storage.Annotation, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	rows, err := collect(ctx, s, "read annotations", annotationQuery+condition+annotationOrder, q.args, s.scanAnnotation)
	for _, row := range rows {
		found[key(row)] = append(found[key(row)], row)
	}
	return found, err
}

// AnnotationsByKey reads annotations.
func (s *Store) AnnotationsByKey(ctx context.Context, keys []string) (map[string]*storage.Annotation, error) {
	found := make(map[string]*storage.Annotation, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q := s.query()
	rows, err := collect(ctx, s, "read annotations", annotationQuery+q.keyed("n.id", keys, "TEXT"), q.args, s.scanAnnotation)
	for _, row := range rows {
		found[row.Key] = row
	}
	return found, err
}

// AnnotationsOfBatch reads the first annotations of a batch.
func (s *Store) AnnotationsOfBatch(ctx context.Context, batch string, limit int) ([]*storage.Annotation, error) {
	return collect(ctx, s, "read annotations", annotationQuery+`n.batch = $2
ORDER BY n.attack_no NULLS LAST, n.conversation_no, n.sequence, n.piece
LIMIT `+strconv.Itoa(limit), []any{s.owner, batch}, s.scanAnnotation)
}
