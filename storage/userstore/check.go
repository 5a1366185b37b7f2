package userstore

import (
	"context"
	"fmt"
	"strings"
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
	{"raw exchanges that share their message", `
		SELECT count(*)
		FROM (
			SELECT conversation_no
			FROM raw_exchanges
			WHERE owner_id = $1
			GROUP BY conversation_no, sequence
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
	{"messages that repeat one that is not there", `
		SELECT count(*)
		FROM prompt_request_responses AS m
		LEFT JOIN prompt_request_responses AS o ON o.owner_id = m.owner_id AND o.conversation_no = m.original_conversation_no
			AND o.sequence = m.original_sequence AND o.piece = m.original_piece
		WHERE m.owner_id = $1 AND m.original_conversation_no IS NOT NULL AND o.conversation_no IS NULL`},
	{"conversations that branch from one that is not there", `
		SELECT count(*)
		FROM conversations AS c
		LEFT JOIN conversations AS b ON b.owner_id = c.owner_id AND b.conversation_no = c.branched_from_no
		WHERE c.owner_id = $1 AND c.branched_from_no IS NOT NULL AND b.conversation_no IS NULL`},
	{"attacks whose objective score is not there", `
		SELECT count(*)
		FROM attacks AS a
		LEFT JOIN scores AS s ON s.owner_id = a.owner_id AND s.score_no = a.objective_score_no
		WHERE a.owner_id = $1 AND a.objective_score_no IS NOT NULL AND s.score_no IS NULL`},
	{"attacks whose main conversation is not there", `
		SELECT count(*)
		FROM attacks AS a
		LEFT JOIN conversations AS c ON c.owner_id = a.owner_id AND c.conversation_no = a.conversation_no
		WHERE a.owner_id = $1 AND a.conversation_no IS NOT NULL AND c.conversation_no IS NULL`},
	{"scores on messages that are not there", `
		SELECT count(*)
		FROM scores AS s
		LEFT JOIN prompt_request_responses AS m ON m.owner_id = s.owner_id AND m.conversation_no = s.conversation_no
			AND m.sequence = s.sequence AND m.piece = s.piece
		WHERE s.owner_id = $1 AND s.conversation_no IS NOT NULL AND m.conversation_no IS NULL`},
	{"annotations on what is not there", `
		SELECT count(*)
		FROM annotations AS n
		LEFT JOIN attacks AS a ON a.owner_id = n.owner_id AND a.attack_no = n.attack_no
		LEFT JOIN conversations AS c ON c.owner_id = n.owner_id AND c.conversation_no = n.conversation_no
		WHERE n.owner_id = $1 AND a.attack_no IS NULL AND c.conversation_no IS NULL`},
	{"attacks whose outcome is not that of their newest verdict", `
		SELECT count(*)
		FROM attacks AS a
		JOIN (
			SELECT attack_no, verdict, row_number() OVER (PARTITION BY attack_no ORDER BY created_at DESC, id DESC) AS place
			FROM annotations
			WHERE owner_id = $1 AND attack_no IS NOT NULL AND verdict IS NOT NULL AND retracted_at IS NULL
		) AS n ON n.attack_no = a.attack_no AND n.place = 1
		WHERE a.owner_id = $1 AND (a.outcome_source <> 'HUMAN' OR a.outcome <> n.verdict)`},
	{"evidence that is not there", `
		SELECT count(*)
		FROM finding_attacks AS e
		LEFT JOIN attacks AS a ON a.owner_id = e.owner_id AND a.attack_no = e.attack_no
		WHERE e.owner_id = $1 AND a.attack_no IS NULL`},
	{"prompts of versions that are not there", `
		SELECT count(*)
		FROM dataset_members AS m
		LEFT JOIN dataset_prompts AS p ON p.owner_id = m.owner_id AND p.prompt_no = m.prompt_no
		LEFT JOIN dataset_versions AS v ON v.owner_id = m.owner_id AND v.dataset_id = m.dataset_id AND v.version = m.version
		WHERE m.owner_id = $1 AND (p.prompt_no IS NULL OR v.version IS NULL)`},
	{"versions that count their prompts wrong, or whose places have gaps", `
		SELECT count(*)
		FROM dataset_versions AS v
		LEFT JOIN (
			SELECT dataset_id, version, count(*) AS prompts, count(DISTINCT position) AS places, max(position) + 1 AS until,
				count(DISTINCT origin_no) AS origins
			FROM dataset_members
			WHERE owner_id = $1
			GROUP BY dataset_id, version
		) AS m ON m.dataset_id = v.dataset_id AND m.version = v.version
		WHERE v.owner_id = $1 AND (v.prompts <> COALESCE(m.prompts, 0) OR m.prompts <> m.places OR m.prompts <> m.until OR m.prompts <> m.origins)`},
	{"datasets without their newest version", `
		SELECT count(*)
		FROM datasets AS d
		LEFT JOIN dataset_versions AS v ON v.owner_id = d.owner_id AND v.dataset_id = d.id AND v.version = d.version
		WHERE d.owner_id = $1 AND v.version IS NULL`},
	{"screens that a person saved twice under a key", `
		SELECT count(*)
		FROM (
			SELECT session_key
			FROM user_sessions
			WHERE owner_id = $1 AND user_id IS NOT NULL
			GROUP BY user_id, session_key
			HAVING count(*) > 1
		) AS twice`},
	{"saved queries, parameter files or templates that share their name", `
		SELECT count(*)
		FROM (
			SELECT kept.kind
			FROM (
				SELECT 'q' AS kind, name FROM saved_queries WHERE owner_id = $1
				UNION ALL
				SELECT 'p', name FROM parameter_files WHERE owner_id = $1
				UNION ALL
				SELECT 't', name FROM templates WHERE owner_id = $1
			) AS kept
			GROUP BY kept.kind, kept.name
			HAVING count(*) > 1
		) AS twice`},
	{"rows of another workspace, or of no entry of the trash", foreignRows()},
	{"numbers beyond the counters", `
		SELECT count(*)
		FROM store_info AS i
		WHERE i.owner_id = $1
			AND (i.next_attack_no <= (SELECT COALESCE(max(attack_no), 0) FROM attacks WHERE owner_id = $1)
				OR i.next_conversation_no <= (SELECT COALESCE(max(conversation_no), 0) FROM conversations WHERE owner_id = $1)
				OR i.next_score_no <= (SELECT COALESCE(max(score_no), 0) FROM scores WHERE owner_id = $1)
				OR i.next_prompt_no <= (SELECT COALESCE(max(prompt_no), 0) FROM dataset_prompts WHERE owner_id = $1))`},
}

// foreignRows counts them in all tables that a deletion takes from.
func foreignRows() string {
	tables := TrashTables()
	counts := make([]string, len(tables))
	for i, table := range tables {
		counts[i] = "(SELECT count(*) FROM " + table + " WHERE owner_id <> $1 AND owner_id NOT IN " + trashOwners + ")"
	}
	return "SELECT " + strings.Join(counts, " + ")
}

// Check tells what is wrong with the store's rows; nothing is good.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	var problems []string
	for _, check := range checks {
		var rows int64
		if err := s.reader().QueryRowContext(ctx, check.count, s.owner).Scan(&rows); err != nil {
			return problems, fmt.Errorf("check for %s: %w", check.problem, err)
		}
		if rows > 0 {
			problems = append(problems, fmt.Sprintf("%d %s", rows, check.problem))
		}
	}
	return problems, nil
}
