package userstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// SetLabels labels attacks.
func (s *Store) SetLabels(ctx context.Context, l *storage.Labelling) (storage.Labelled, error) {
	if l.Value == nil {
		return storage.Labelled{}, errors.New("set labels: there is no value")
	}
	return s.label(ctx, "set labels", l, func(ctx context.Context, tx *sql.Tx, attacks []int64) (int64, error) {
		// Those that have another value under the key, on themselves or on their main
		// conversation, and those that have none.
		changed, err := s.attacksWhere(ctx, tx, attacks,
			negate(shows("key = $3 AND value = $4"))+" OR "+shows("key = $3 AND value <> $4"), l.Key, *l.Value)
		if err != nil || len(changed) == 0 {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, deleteLabels+" AND key = $3", s.owner, changed, l.Key); err != nil {
			return 0, err
		}
		_, err = tx.ExecContext(ctx, `
INSERT INTO memory_labels (owner_id, attack_no, conversation_no, key, value)
SELECT CAST($1 AS TEXT), a.attack_no, NULL, CAST($3 AS TEXT), CAST($4 AS TEXT)
FROM attacks a
WHERE a.owner_id = $1 AND a.attack_no IN `+theseAttacks, s.owner, changed, l.Key, *l.Value)
		return int64(len(changed)), err
	})
}

// RemoveLabels takes a label away from attacks.
func (s *Store) RemoveLabels(ctx context.Context, l *storage.Labelling) (storage.Labelled, error) {
	return s.label(ctx, "remove labels", l, func(ctx context.Context, tx *sql.Tx, attacks []int64) (int64, error) {
		args := []any{l.Key}
		condition := "key = $3"
		if l.Value != nil {
			args, condition = append(args, *l.Value), condition+" AND value = $4"
		}
		changed, err := s.attacksWhere(ctx, tx, attacks, shows(condition), args...)
		if err != nil || len(changed) == 0 {
			return 0, err
		}
		_, err = tx.ExecContext(ctx, deleteLabels+" AND "+condition, append([]any{s.owner, changed}, args...)...)
		return int64(len(changed)), err
	})
}

// shows holds for attacks a with such a label on themselves or their main conversation.
// Both are looked up without the attack: engines make a hash join of that.
func shows(condition string) string {
	return `(a.attack_no IN (
    SELECT attack_no FROM memory_labels
    WHERE owner_id = $1 AND attack_no IS NOT NULL AND ` + condition + `)
  OR COALESCE(a.conversation_no IN (
    SELECT conversation_no FROM memory_labels
    WHERE owner_id = $1 AND conversation_no IS NOT NULL AND ` + condition + `), FALSE))`
}

// theseAttacks are the attacks $2.
const theseAttacks = `(SELECT unnest(CAST($2 AS BIGINT[])))`

const deleteLabels = `
DELETE FROM memory_labels
WHERE owner_id = $1 AND (attack_no IN ` + theseAttacks + ` OR conversation_no IN (
  SELECT a.conversation_no FROM attacks a
  WHERE a.owner_id = $1 AND a.conversation_no IS NOT NULL AND a.attack_no IN ` + theseAttacks + `))`

// label checks a labelling and changes the labels of the attacks that are meant.
func (s *Store) label(ctx context.Context, what string, l *storage.Labelling, change func(ctx context.Context, tx *sql.Tx, attacks []int64) (int64, error)) (storage.Labelled, error) {
	if err := l.Check(); err != nil {
		return storage.Labelled{}, err
	}
	return s.onAttacks(ctx, what, l.On, change)
}

// onAttacks finds the attacks that are meant and changes something of them.
func (s *Store) onAttacks(ctx context.Context, what string, on storage.Chosen, change func(ctx context.Context, tx *sql.Tx, attacks []int64) (int64, error)) (done storage.Labelled, err error) {
	err = s.changing(ctx, what, func(ctx context.Context, tx *sql.Tx) error {
		q := s.query()
		where, err := q.chosenAttacks(on)
		if err != nil {
			return err
		}
		attacks, err := numbersOf(ctx, tx, `
SELECT a.attack_no
FROM attacks a
WHERE a.owner_id = $1 AND `+where, q.args...)
		if err != nil {
			return err
		}
		done.Matched = int64(len(attacks))
		if on.Filter == nil && done.Matched != distinct(on.Attacks) {
			return notThere("attacks")
		}
		if len(attacks) == 0 {
			return nil
		}
		done.Changed, err = change(ctx, tx, attacks)
		return err
	})
	if err != nil {
		return storage.Labelled{}, err
	}
	return done, nil
}

// attacksWhere are those of the attacks, $2, that the condition holds for; its own
// arguments begin at $3.
func (s *Store) attacksWhere(ctx context.Context, tx *sql.Tx, attacks []int64, condition string, args ...any) ([]int64, error) {
	return numbersOf(ctx, tx, `
SELECT a.attack_no
FROM attacks a
WHERE a.owner_id = $1 AND a.attack_no IN `+theseAttacks+` AND (`+condition+`)`, append([]any{s.owner, attacks}, args...)...)
}

// numbersOf reads numbers in a transaction.
func numbersOf(ctx context.Context, tx *sql.Tx, text string, args ...any) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var numbers []int64
	for rows.Next() {
		number, err := scanOne[int64](rows)
		if err != nil {
			return nil, fmt.Errorf("read numbers: %w", err)
		}
		numbers = append(numbers, number)
	}
	return numbers, rows.Err()
}
