package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// AddFinding adds a finding with its first evidence.
func (s *Store) AddFinding(ctx context.Context, f *storage.Finding, evidence storage.Chosen) error {
	change := storage.FindingChange{Title: &f.Title, Description: f.Description, Assignee: f.Assignee, TicketURL: f.TicketURL}
	if err := change.Check(); err != nil {
		return err
	}
	return s.changing(ctx, "add a finding", func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `
INSERT INTO findings (owner_id, id, title, description, severity, status, assignee, ticket_url, author, created_at, updated_at)
VALUES ($1, $2, $3, NULLIF(CAST($4 AS TEXT), ''), $5, $6, NULLIF(CAST($7 AS TEXT), ''), NULLIF(CAST($8 AS TEXT), ''), $9, $10, $10)`,
			s.owner, f.Key, f.Title, given(f.Description), string(f.Severity), string(f.Status), given(f.Assignee), given(f.TicketURL),
			f.Author, f.CreatedAt.UTC()); err != nil {
			return err
		}
		_, err := s.addEvidence(ctx, tx, f.Key, evidence)
		return err
	})
}

// ChangeFinding changes a finding.
func (s *Store) ChangeFinding(ctx context.Context, key string, change storage.FindingChange, now time.Time) error {
	if err := change.Check(); err != nil {
		return err
	}
	return s.changing(ctx, "change a finding", func(ctx context.Context, tx *sql.Tx) error {
		status, err := s.findingStatus(ctx, tx, key)
		if err != nil {
			return err
		}
		if change.Status != nil {
			if err := status.To(*change.Status); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `
UPDATE findings
SET title = COALESCE(CAST($3 AS TEXT), title),
  description = NULLIF(COALESCE(CAST($4 AS TEXT), description), ''),
  severity = COALESCE(CAST($5 AS TEXT), severity),
  status = COALESCE(CAST($6 AS TEXT), status),
  assignee = NULLIF(COALESCE(CAST($7 AS TEXT), assignee), ''),
  ticket_url = NULLIF(COALESCE(CAST($8 AS TEXT), ticket_url), ''),
  updated_at = $9
WHERE owner_id = $1 AND id = $2`, s.owner, key, given(change.Title), given(change.Description), given((*string)(change.Severity)),
			given((*string)(change.Status)), given(change.Assignee), given(change.TicketURL), now.UTC())
		return err
	})
}

// AddEvidence adds attacks and messages to a finding.
func (s *Store) AddEvidence(ctx context.Context, key string, evidence storage.Chosen, now time.Time) (int64, error) {
	return s.evidence(ctx, "add evidence", key, evidence, now, s.addEvidence)
}

// RemoveEvidence takes attacks and messages out of a finding.
func (s *Store) RemoveEvidence(ctx context.Context, key string, evidence storage.Chosen, now time.Time) (int64, error) {
	return s.evidence(ctx, "remove evidence", key, evidence, now, s.removeEvidence)
}

func (s *Store) evidence(ctx context.Context, what, key string, evidence storage.Chosen, now time.Time,
	change func(ctx context.Context, tx *sql.Tx, key string, evidence storage.Chosen) (int64, error),
) (count int64, err error) {
	if evidence.Empty() {
		return 0, storage.BadInput("attacks", "name attacks or messages, or give an attackFilter")
	}
	err = s.changing(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := s.findingStatus(ctx, tx, key); err != nil {
			return err
		}
		var err error
		if count, err = change(ctx, tx, key, evidence); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
UPDATE findings
SET updated_at = $3
WHERE owner_id = $1 AND id = $2`, s.owner, key, now.UTC())
		return err
	})
	return count, err
}

func (s *Store) addEvidence(ctx context.Context, tx *sql.Tx, key string, evidence storage.Chosen) (int64, error) {
	attacks, err := s.addAttacks(ctx, tx, key, evidence)
	if err != nil {
		return 0, err
	}
	messages, err := s.addMessages(ctx, tx, key, evidence.Messages)
	if err != nil {
		return 0, err
	}
	for table, field := range map[string]string{"finding_attacks": "attacks", "finding_messages": "messages"} {
		var rows int64
		if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM `+table+`
WHERE owner_id = $1 AND finding_id = $2`, s.owner, key).Scan(&rows); err != nil {
			return 0, err
		}
		if rows > storage.MaxEvidence {
			return 0, storage.BadInput(field, "a finding has at most %d %s as evidence, not %d", storage.MaxEvidence, field, rows)
		}
	}
	return attacks + messages, nil
}

// addAttacks adds the attacks that are chosen, in no statement more for a filter that
// holds for many: beyond what a finding may have, nothing is written.
func (s *Store) addAttacks(ctx context.Context, tx *sql.Tx, key string, on storage.Chosen) (int64, error) {
	q := s.query()
	where, err := q.chosenAttacks(on)
	if err != nil || where == "" {
		return 0, err
	}
	found, err := numbersOf(ctx, tx, `
SELECT a.attack_no
FROM attacks a
WHERE a.owner_id = $1 AND `+where+`
LIMIT `+strconv.Itoa(storage.MaxEvidence+1), q.args...)
	if err != nil {
		return 0, err
	}
	if on.Filter == nil && int64(len(found)) != distinct(on.Attacks) {
		return 0, notThere("attacks")
	}
	if len(found) > storage.MaxEvidence {
		return 0, storage.BadInput("attackFilter", "a finding has at most %d attacks as evidence, and this holds for more: narrow it", storage.MaxEvidence)
	}
	if len(found) == 0 {
		return 0, nil
	}
	return execCount(ctx, tx, `
INSERT INTO finding_attacks (owner_id, finding_id, attack_no)
SELECT DISTINCT CAST($1 AS TEXT), CAST($2 AS TEXT), unnest(CAST($3 AS BIGINT[]))
ON CONFLICT DO NOTHING`, s.owner, key, found)
}

func (s *Store) addMessages(ctx context.Context, tx *sql.Tx, key string, keys []storage.MessageKey) (int64, error) {
	if len(keys) == 0 {
		return 0, nil
	}
	q := s.query()
	condition := q.messageKeys("m", keys)
	var found int64
	if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM prompt_request_responses m
WHERE m.owner_id = $1 AND `+condition, q.args...).Scan(&found); err != nil {
		return 0, err
	}
	if found != distinct(keys) {
		return 0, notThere("messages")
	}
	return execCount(ctx, tx, `
INSERT INTO finding_messages (owner_id, finding_id, conversation_no, sequence, piece)
SELECT m.owner_id, CAST(`+q.arg(key)+` AS TEXT), m.conversation_no, m.sequence, m.piece
FROM prompt_request_responses m
WHERE m.owner_id = $1 AND `+condition+`
ON CONFLICT DO NOTHING`, q.args...)
}

func (s *Store) removeEvidence(ctx context.Context, tx *sql.Tx, key string, evidence storage.Chosen) (int64, error) {
	var removed int64
	of := s.query()
	where, err := of.chosenAttacks(evidence)
	if err != nil {
		return 0, err
	}
	if where != "" {
		if removed, err = execCount(ctx, tx, `
DELETE FROM finding_attacks
WHERE owner_id = $1 AND attack_no IN (SELECT a.attack_no FROM attacks a WHERE a.owner_id = $1 AND `+where+`) AND finding_id = `+of.arg(key), of.args...); err != nil {
			return 0, err
		}
	}
	if len(evidence.Messages) == 0 {
		return removed, nil
	}
	q := s.query()
	n, err := execCount(ctx, tx, `
DELETE FROM finding_messages
WHERE owner_id = $1 AND `+q.messageKeys("finding_messages", evidence.Messages)+` AND finding_id = `+q.arg(key), q.args...)
	return removed + n, err
}

// findingStatus is CodeNotFound for a finding that is not there.
func (s *Store) findingStatus(ctx context.Context, tx *sql.Tx, key string) (storage.FindingStatus, error) {
	rows, err := tx.QueryContext(ctx, `
SELECT status
FROM findings
WHERE owner_id = $1 AND id = $2`, s.owner, key)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return "", fmt.Errorf("look for a finding: %w", err)
		}
		return "", notThere("id")
	}
	var status storage.FindingStatus
	return status, rows.Scan(&status)
}
