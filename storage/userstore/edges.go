package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/violentutf/violentutf/storage"
)

// The edges to findings and runs, as rows of (parent, id).
const (
	executionFindings = `SELECT a.execution_id AS parent, e.finding_id AS id FROM finding_attacks e
	JOIN attacks a ON a.owner_id = e.owner_id AND a.attack_no = e.attack_no
	WHERE e.owner_id = $1 AND a.execution_id IS NOT NULL
	UNION
	SELECT a.execution_id, e.finding_id FROM finding_messages e
	JOIN conversations c ON c.owner_id = e.owner_id AND c.conversation_no = e.conversation_no
	JOIN attacks a ON a.owner_id = c.owner_id AND a.attack_no = c.attack_no
	WHERE e.owner_id = $1 AND a.execution_id IS NOT NULL`

	componentExecutions = `SELECT DISTINCT p.parent, a.execution_id AS id FROM (` + componentAttacks + `) p
	JOIN attacks a ON a.owner_id = $1 AND a.attack_no = p.attack_no
	WHERE a.execution_id IS NOT NULL`

	findingExecutions = `SELECT DISTINCT e.finding_id AS parent, a.execution_id AS id FROM finding_attacks e
	JOIN attacks a ON a.owner_id = e.owner_id AND a.attack_no = e.attack_no
	WHERE e.owner_id = $1 AND a.execution_id IS NOT NULL`
)

// FindingsOf lists the findings of each parent, last changed first.
func (s *Store) FindingsOf(ctx context.Context, edge storage.FindingEdge, parents []string, filter *storage.FindingFilter, page storage.Page) (map[string]*storage.Connection[storage.Finding], error) {
	if edge != storage.FindingsOfExecution {
		return nil, fmt.Errorf("list findings: no edge %q", edge)
	}
	q := s.query()
	return nested(ctx, s.findingTable(), s, q, nest{parent: "edge.parent", kind: "TEXT", edges: executionFindings}, parents,
		func() string { return findingFilter(q, filter) }, findingOrder(storage.FindingOrder{Direction: storage.Descending}), page)
}

// ExecutionsOf lists the runs of each parent, the latest first.
func (s *Store) ExecutionsOf(ctx context.Context, edge storage.ExecutionEdge, parents []string, filter *storage.ExecutionFilter, page storage.Page) (map[string]*storage.Connection[storage.Execution], error) {
	n := nest{parent: "edge.parent", kind: "TEXT"}
	switch edge {
	case storage.ExecutionsOfComponent:
		n.edges = componentExecutions
	case storage.ExecutionsOfFinding:
		n.edges = findingExecutions
	default:
		return nil, fmt.Errorf("list executions: no edge %q", edge)
	}
	q := s.query()
	latest := nullsLast("started", "e.started_at", "TIMESTAMP", true, func(e *storage.Execution) any { return given(e.StartedAt) })
	return nested(ctx, s.executionTable(), s, q, n, parents, func() string { return executionFilter(q, filter) }, latest, page)
}

// ConversationsByExecution lists the conversations of the attacks of each run, by number.
func (s *Store) ConversationsByExecution(ctx context.Context, keys []string, filter *storage.ConversationFilter, page storage.Page) (map[string]*storage.Connection[storage.Conversation], error) {
	q := s.query()
	n := nest{parent: "edge.parent", kind: "TEXT", edges: `SELECT a.execution_id AS parent, x.conversation_no FROM conversations x
	JOIN attacks a ON a.owner_id = x.owner_id AND a.attack_no = x.attack_no
	WHERE x.owner_id = $1 AND a.execution_id IS NOT NULL`}
	return nested(ctx, s.conversationTable(), s, q, n, keys, func() string { return conversationFilter(q, filter, 1) }, order[storage.Conversation]{name: "number"}, page)
}

// ScoresByExecution lists the scores on messages of the attacks of each run.
func (s *Store) ScoresByExecution(ctx context.Context, keys []string, page storage.Page) (map[string]*storage.Connection[storage.Score], error) {
	n := nest{parent: "edge.parent", kind: "TEXT", edges: `SELECT a.execution_id AS parent, x.score_no FROM scores x
	JOIN conversations c ON c.owner_id = x.owner_id AND c.conversation_no = x.conversation_no
	JOIN attacks a ON a.owner_id = c.owner_id AND a.attack_no = c.attack_no
	WHERE x.owner_id = $1 AND a.execution_id IS NOT NULL`}
	return nested(ctx, s.scoreTable(), s, s.query(), n, keys, func() string { return "TRUE" }, order[storage.Score]{
		name: "created", expr: "s.created_at", kind: "TIMESTAMP",
		value: func(score *storage.Score) any { return score.CreatedAt },
	}, page)
}

// executionParts select (parent, hash) of the components that played a part in runs.
var executionParts = map[storage.ComponentKind]string{
	storage.ComponentTarget:    `SELECT a.execution_id AS parent, a.target_hash AS hash FROM attacks a WHERE a.owner_id = $1 AND `,
	storage.ComponentConverter: `SELECT a.execution_id AS parent, unnest(a.converter_hashes) AS hash FROM attacks a WHERE a.owner_id = $1 AND `,
	storage.ComponentScorer: `SELECT a.execution_id AS parent, x.scorer_hash AS hash FROM scores x
  JOIN conversations c ON c.owner_id = x.owner_id AND c.conversation_no = x.conversation_no
  JOIN attacks a ON a.owner_id = c.owner_id AND a.attack_no = c.attack_no
  WHERE x.owner_id = $1 AND `,
}

// ComponentsByExecution reads the components that played a part in runs.
func (s *Store) ComponentsByExecution(ctx context.Context, kind storage.ComponentKind, keys []string) (map[string][]*storage.Component, error) {
	found := make(map[string][]*storage.Component, len(keys))
	part, known := executionParts[kind]
	if !known {
		return nil, fmt.Errorf("read components of executions: no part %q", kind)
	}
	if len(keys) == 0 {
		return found, nil
	}
	type used struct {
		execution string
		component storage.Component
	}
	q, t := s.query(), s.componentTable()
	rows, err := collect(ctx, s, "read components of executions", `
SELECT u.parent, `+t.columns+`
FROM (SELECT DISTINCT p.parent, p.hash FROM (`+part+q.keyed("a.execution_id", keys, "TEXT")+`) p) u
JOIN components k ON k.owner_id = $1 AND k.hash = u.hash
ORDER BY k.name, k.hash`, q.args, func(rows *sql.Rows) (*used, error) {
		u := &used{}
		return u, t.scan(func(columns ...any) error { return rows.Scan(append([]any{&u.execution}, columns...)...) }, &u.component)
	})
	for _, row := range rows {
		found[row.execution] = append(found[row.execution], &row.component)
	}
	return found, err
}

// OutcomesByPrompt reads how prompts fared last on each target.
func (s *Store) OutcomesByPrompt(ctx context.Context, numbers []int64) (map[int64][]*storage.TargetOutcome, error) {
	found := make(map[int64][]*storage.TargetOutcome, len(numbers))
	if len(numbers) == 0 {
		return found, nil
	}
	type last struct {
		prompt  int64
		outcome storage.TargetOutcome
	}
	q := s.query()
	rows, err := collect(ctx, s, "read last outcomes by target", `
SELECT newest.prompt_no, newest.target_hash, newest.attack_no, newest.outcome, newest.started_at
FROM (
  SELECT a.prompt_no, a.target_hash, a.attack_no, a.outcome, a.started_at,
    row_number() OVER (PARTITION BY a.prompt_no, a.target_hash ORDER BY a.started_at DESC, a.attack_no DESC) AS n
  FROM attacks a
  WHERE a.owner_id = $1 AND `+q.keyed("a.prompt_no", numbers, "BIGINT")+`
) newest
WHERE newest.n = 1
ORDER BY newest.started_at DESC, newest.attack_no DESC`, q.args, func(rows *sql.Rows) (*last, error) {
		l := &last{}
		err := rows.Scan(&l.prompt, &l.outcome.TargetHash, &l.outcome.AttackNumber, &l.outcome.Outcome, &l.outcome.StartedAt)
		l.outcome.AttackID = s.numberID(storage.KindAttack, l.outcome.AttackNumber)
		return l, err
	})
	for _, row := range rows {
		found[row.prompt] = append(found[row.prompt], &row.outcome)
	}
	return found, err
}

// LabelKeys counts labels. A key comes before its values, which have fewer attacks.
func (s *Store) LabelKeys(ctx context.Context, filter *storage.AttackFilter, limit int) ([]*storage.LabelKey, error) {
	q := s.query()
	condition := attackFilter(q, filter, 1)
	if q.err != nil {
		return nil, q.err
	}
	type counted struct {
		key   string
		value *string
		whole bool
		count int64
	}
	rows, err := collect(ctx, s, "count labels", `
WITH chosen AS (
  SELECT a.attack_no, a.conversation_no
  FROM attacks a
  WHERE a.owner_id = $1 AND `+condition+`
), labelled AS (
  SELECT c.attack_no, l.key, l.value
  FROM chosen c
  JOIN memory_labels l ON l.owner_id = $1 AND l.attack_no = c.attack_no
  UNION
  SELECT c.attack_no, l.key, l.value
  FROM chosen c
  JOIN memory_labels l ON l.owner_id = $1 AND l.conversation_no = c.conversation_no
), counted AS (
  SELECT l.key, NULL AS value, TRUE AS whole, count(DISTINCT l.attack_no) AS attacks
  FROM labelled l
  GROUP BY l.key
  UNION ALL
  SELECT l.key, l.value, FALSE, count(*)
  FROM labelled l
  GROUP BY l.key, l.value
)
SELECT t.key, CAST(t.value AS TEXT), t.whole, t.attacks
FROM counted t
ORDER BY t.attacks DESC, t.whole DESC, t.key, t.value
LIMIT `+strconv.Itoa(max(limit, 0)), q.args, func(rows *sql.Rows) (*counted, error) {
		c := &counted{}
		return c, rows.Scan(&c.key, &c.value, &c.whole, &c.count)
	})
	keys, byKey := []*storage.LabelKey{}, map[string]*storage.LabelKey{}
	for _, row := range rows {
		if row.whole {
			byKey[row.key] = &storage.LabelKey{Key: row.key, Count: row.count, Values: []*storage.FacetValue{}}
			keys = append(keys, byKey[row.key])
		} else if key := byKey[row.key]; key != nil {
			key.Values = append(key.Values, &storage.FacetValue{Value: row.value, Count: row.count})
		}
	}
	return keys, err
}
