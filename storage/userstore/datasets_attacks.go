package userstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// OpenAttackPrompts finds the distinct prompts of attacks, in the order of the first
// attack of each, and reads them.
func (s *Store) OpenAttackPrompts(ctx context.Context, what storage.AttackPrompts) (_ storage.PromptReader, err error) {
	r, err := s.newReader(ctx, "chosen", "place BIGINT, attack_no BIGINT, attacks BIGINT, conversation_no BIGINT, sequence BIGINT, piece BIGINT")
	if err != nil {
		return nil, fmt.Errorf("open prompts of attacks: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open prompts of attacks: %w", err), r.Close())
		}
	}()
	q := s.query()
	where := attackFilter(q, what.Filter, 1)
	if q.err != nil {
		return nil, q.err
	}
	statement := `
INSERT INTO chosen
SELECT row_number() OVER (ORDER BY t.first), t.first, t.attacks, NULL, NULL, NULL
FROM (
  SELECT min(a.attack_no) AS first, count(*) AS attacks
  FROM attacks a
  WHERE a.owner_id = $1 AND a.objective IS NOT NULL AND ` + where + `
  GROUP BY COALESCE(a.objective_sha256, md5(a.objective))
) t`
	if what.FirstPrompt {
		statement = `
INSERT INTO chosen
SELECT row_number() OVER (ORDER BY t.attack_no), t.attack_no, t.attacks, t.conversation_no, t.sequence, t.piece
FROM (
  SELECT f.attack_no, f.conversation_no, f.sequence, f.piece,
    count(*) OVER (PARTITION BY f.sum) AS attacks,
    row_number() OVER (PARTITION BY f.sum ORDER BY f.attack_no) AS nth
  FROM (
    SELECT a.attack_no, m.conversation_no, m.sequence, m.piece, m.original_sha256 AS sum,
      row_number() OVER (PARTITION BY a.attack_no ORDER BY m.sequence, m.piece) AS turn
    FROM attacks a
    JOIN prompt_request_responses m ON m.owner_id = a.owner_id AND m.conversation_no = a.conversation_no
      AND m.role = 'USER' AND m.original_data_type = 'text'
    WHERE a.owner_id = $1 AND ` + where + `
  ) f
  WHERE f.turn = 1
) t
WHERE t.nth = 1`
	}
	if _, err := r.bulk.Conn().ExecContext(ctx, statement, q.args...); err != nil {
		return nil, err
	}
	r.read = func(ctx context.Context, after int64, limit int) ([]*storage.Prompt, int64, error) {
		return r.attackPage(ctx, what.FirstPrompt, after, limit)
	}
	return r, r.rewind(ctx, "chosen")
}

// attackPage makes prompts of the attacks behind a place.
func (r *promptReader) attackPage(ctx context.Context, first bool, after int64, limit int) ([]*storage.Prompt, int64, error) {
	type row struct {
		place, attack, attacks        int64
		conversation, sequence, piece sql.NullInt64
	}
	rows, err := collectFrom(ctx, r.bulk.Conn(), "read the numbers of attacks", `
SELECT c.place, c.attack_no, c.attacks, c.conversation_no, c.sequence, c.piece
FROM chosen c
WHERE c.place > CAST($1 AS BIGINT)
ORDER BY c.place
LIMIT CAST($2 AS BIGINT)`, []any{after, int64(limit)}, func(rows *sql.Rows) (row, error) {
		var r row
		return r, rows.Scan(&r.place, &r.attack, &r.attacks, &r.conversation, &r.sequence, &r.piece)
	})
	if err != nil || len(rows) == 0 {
		return nil, after, err
	}
	numbers := make([]int64, len(rows))
	var keys []storage.MessageKey
	for i, row := range rows {
		numbers[i] = row.attack
		if first {
			keys = append(keys, storage.MessageKey{Conversation: row.conversation.Int64, Sequence: row.sequence.Int64, Piece: row.piece.Int64})
		}
	}
	whole := r.store.Reading(nil)
	attacks, err := whole.AttacksByNumber(ctx, numbers)
	if err != nil {
		return nil, after, err
	}
	messages, err := whole.MessagesByKey(ctx, keys)
	if err != nil {
		return nil, after, err
	}
	page := make([]*storage.Prompt, 0, len(rows))
	for i, row := range rows {
		attack := attacks[row.attack]
		if attack == nil {
			return nil, after, storage.Errorf(storage.CodeConflict, "an attack that was being read was deleted meanwhile")
		}
		p := &storage.Prompt{SeedType: "objective", HarmCategories: attack.HarmCategories}
		from := map[string]any{"attack": attack.ID, "attacks": row.attacks, "source": attack.Source, "sourceId": attack.SourceID}
		switch {
		case !first && attack.Objective != nil:
			p.Text = *attack.Objective
		case first && messages[keys[i]] != nil:
			message := messages[keys[i]]
			p.Text, p.SeedType = message.OriginalValue, "prompt"
			from["message"] = message.ID
		default:
			return nil, after, storage.Errorf(storage.CodeConflict, "an attack that was being read was changed meanwhile")
		}
		text, err := json.Marshal(map[string]any{"from": from})
		if err != nil {
			return nil, after, fmt.Errorf("write where a prompt came from: %w", err)
		}
		document := storage.JSON(text)
		p.Metadata = &document
		page = append(page, p)
	}
	return page, rows[len(rows)-1].place, nil
}
