package userstore

import (
	"context"
	"fmt"
)

// checks find rows that break what the tables without a primary key promise. Each
// counts the rows at fault.
var checks = []struct{ problem, count string }{
	{"messages that share their place", `
		SELECT count(*)
		FROM (
			SELECT conversation_no
			FROM prompt_request_responses
			WHERE owner_id = $1
			GROUP BY conversation_no, sequence, piece
			HAVING count(*) > 1
		) AS twice`},
	{"scores that share their number", `
		SELECT count(*)
		FROM (SELECT score_no FROM scores WHERE owner_id = $1 GROUP BY score_no HAVING count(*) > 1) AS twice`},
	{"attacks that share their number", `
		SELECT count(*)
		FROM (SELECT attack_no FROM attacks WHERE owner_id = $1 GROUP BY attack_no HAVING count(*) > 1) AS twice`},
	{"conversations that share their number", `
		SELECT count(*)
		FROM (SELECT conversation_no FROM conversations WHERE owner_id = $1 GROUP BY conversation_no HAVING count(*) > 1) AS twice`},
	{"prompts that share their number", `
		SELECT count(*)
		FROM (SELECT prompt_no FROM dataset_prompts WHERE owner_id = $1 GROUP BY prompt_no HAVING count(*) > 1) AS twice`},
	{"labels that an attack or conversation has twice", `
		SELECT count(*)
		FROM (
			SELECT key
			FROM memory_labels
			WHERE owner_id = $1
			GROUP BY attack_no, conversation_no, key
			HAVING count(*) > 1
		) AS twice`},
	{"messages without their conversation", `
		SELECT count(*)
		FROM prompt_request_responses AS m
		LEFT JOIN conversations AS c ON c.owner_id = m.owner_id AND c.conversation_no = m.conversation_no
		WHERE m.owner_id = $1 AND c.conversation_no IS NULL`},
	{"conversations that count their messages wrong", `
		SELECT count(*)
		FROM conversations AS c
		LEFT JOIN (
			SELECT conversation_no, count(*) AS messages
			FROM prompt_request_responses
			WHERE owner_id = $1
			GROUP BY conversation_no
		) AS m ON m.conversation_no = c.conversation_no
		WHERE c.owner_id = $1 AND c.message_count <> COALESCE(m.messages, 0)`},
	{"rows of another workspace", `
		SELECT count(*) FROM attacks WHERE owner_id <> $1`},
	{"numbers beyond the counters", `
		SELECT count(*)
		FROM store_info AS i
		WHERE i.owner_id = $1
			AND (i.next_attack_no <= (SELECT COALESCE(max(attack_no), 0) FROM attacks WHERE owner_id = $1)
				OR i.next_conversation_no <= (SELECT COALESCE(max(conversation_no), 0) FROM conversations WHERE owner_id = $1)
				OR i.next_score_no <= (SELECT COALESCE(max(score_no), 0) FROM scores WHERE owner_id = $1))`},
}

// Check tells what is wrong with the store's rows; nothing is good.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	var problems []string
	for _, check := range checks {
		var rows int64
		if err := s.engine.Read().QueryRowContext(ctx, check.count, s.owner).Scan(&rows); err != nil {
			return problems, fmt.Errorf("check for %s: %w", check.problem, err)
		}
		if rows > 0 {
			problems = append(problems, fmt.Sprintf("%d %s", rows, check.problem))
		}
	}
	return problems, nil
}
