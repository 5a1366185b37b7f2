package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) attackTable() *table[storage.Attack] {
	whole := &table[storage.Attack]{
		name: "attacks", from: "attacks a", alias: "a", keys: []string{"attack_no"}, keyType: "BIGINT",
		columns: `a.attack_no, a.source, a.source_id, a.attack_class, a.technique_hash, a.objective, a.objective_sha256,
  a.prompt_key, a.prompt_no, a.harm_categories, a.tags, a.probe, a.intent, a.target_hash, a.attacker_hash,
  a.converter_chain, a.converter_hashes, a.execution_id, a.conversation_no, a.outcome, a.outcome_reason,
  a.outcome_source, a.objective_score_no, a.turns, a.duration_ms, a.retries, a.error_type, a.error_message,
  a.started_at, a.finished_at, a.attributes`,
		scan: func(scan func(columns ...any) error, a *storage.Attack) error {
			err := scan(&a.Number, &a.Source, &a.SourceID, &a.AttackClass, &a.TechniqueHash, &a.Objective, &a.ObjectiveHash,
				&a.PromptKey, &a.PromptNumber, (*textList)(&a.HarmCategories), (*textList)(&a.Tags), &a.Probe, &a.Intent,
				&a.TargetHash, &a.AttackerHash, &a.ConverterChain, (*textList)(&a.ConverterHash), &a.ExecutionID,
				&a.ConversationNumber, &a.Outcome, &a.OutcomeReason, &a.OutcomeSource, &a.ObjectiveScoreNumber, &a.Turns,
				&a.DurationMs, &a.Retries, &a.ErrorType, &a.ErrorMessage, &a.StartedAt, &a.FinishedAt, &a.Attributes)
			a.ID = s.numberID(storage.KindAttack, a.Number)
			return err
		},
		keysOf: func(a *storage.Attack) []any { return []any{a.Number} },
	}
	return whole.narrow(s.wanted, map[string]string{
		"source_id": "sourceId replay", "technique_hash": "technique", "objective": "objective replay", "objective_sha256": "objectiveSha256",
		"prompt_key": "promptKey", "harm_categories": "harmCategories replay", "tags": "tags taxonomyTags", "probe": "probe", "intent": "intent",
		"converter_chain": "converterChain", "converter_hashes": "converters", "outcome_reason": "outcomeReason",
		"error_type": "error", "error_message": "error", "finished_at": "finishedAt", "attributes": "attributes",
	})
}

func attackOrder(by storage.AttackOrder) order[storage.Attack] {
	desc := by.Direction == storage.Descending
	switch by.Field {
	case storage.AttackOrderStartedAt:
		return order[storage.Attack]{
			name: "started", expr: "a.started_at", kind: "TIMESTAMP", desc: desc,
			value: func(a *storage.Attack) any { return a.StartedAt },
		}
	case storage.AttackOrderTurns:
		return nullsLast("turns", "a.turns", "BIGINT", desc, func(a *storage.Attack) any { return given(a.Turns) })
	case storage.AttackOrderDuration:
		return nullsLast("duration", "a.duration_ms", "BIGINT", desc, func(a *storage.Attack) any { return given(a.DurationMs) })
	default:
		return order[storage.Attack]{name: "number", desc: desc}
	}
}

// given is the value or an untyped nil.
func given[V any](value *V) any {
	if value == nil {
		return nil
	}
	return *value
}

// Attacks lists attacks.
func (s *Store) Attacks(ctx context.Context, filter *storage.AttackFilter, by storage.AttackOrder, page storage.Page) (*storage.Connection[storage.Attack], error) {
	q := s.query()
	return s.attackTable().page(ctx, s, q, attackFilter(q, filter, 1), attackOrder(by), page)
}

// AttacksByNumber reads attacks.
func (s *Store) AttacksByNumber(ctx context.Context, numbers []int64) (map[int64]*storage.Attack, error) {
	return byKey(ctx, s.attackTable(), s, numbers)
}

// componentAttacks are the parts that a component can play in an attack.
const componentAttacks = `SELECT a.target_hash AS parent, a.attack_no FROM attacks a WHERE a.owner_id = $1
	UNION
	SELECT a.attacker_hash, a.attack_no FROM attacks a WHERE a.owner_id = $1
	UNION
	SELECT a.technique_hash, a.attack_no FROM attacks a WHERE a.owner_id = $1
	UNION
	SELECT unnest(a.converter_hashes), a.attack_no FROM attacks a WHERE a.owner_id = $1
	UNION
	SELECT s.scorer_hash, c.attack_no FROM scores s
	JOIN conversations c ON c.owner_id = s.owner_id AND c.conversation_no = s.conversation_no
	WHERE s.owner_id = $1 AND c.attack_no IS NOT NULL`

// generatorAttacks are the attacks on any component that came from a generator.
const generatorAttacks = `SELECT k.generator_id AS parent, a.attack_no FROM attacks a
	JOIN components k ON k.owner_id = a.owner_id AND k.hash = a.target_hash
	WHERE a.owner_id = $1 AND k.generator_id IS NOT NULL`

// converterAttacks are the attacks through any component that came from a converter.
const converterAttacks = `SELECT DISTINCT k.converter_id AS parent, used.attack_no
	FROM (SELECT unnest(a.converter_hashes) AS hash, a.attack_no FROM attacks a WHERE a.owner_id = $1) used
	JOIN components k ON k.owner_id = $1 AND k.hash = used.hash
	WHERE k.converter_id IS NOT NULL`

// AttacksOf lists the attacks of each parent. A cursor under several parents, or
// under another than its own, is BAD_USER_INPUT.
func (s *Store) AttacksOf(ctx context.Context, edge storage.AttackEdge, parents []string, filter *storage.AttackFilter, by storage.AttackOrder, page storage.Page) (map[string]*storage.Connection[storage.Attack], error) {
	q := s.query()
	n := nest{parent: "edge.parent", kind: "TEXT"}
	switch edge {
	case storage.AttacksOfComponent:
		n.edges = componentAttacks
	case storage.AttacksOfGenerator:
		n.edges = generatorAttacks
	case storage.AttacksOfConverter:
		n.edges = converterAttacks
	case storage.AttacksOfFinding:
		n.edges = findingAttacks
	case storage.AttacksOfExecution:
		n.parent = "a.execution_id"
	case storage.AttacksOfPrompt:
		return s.attacksOfPrompts(ctx, q, parents, filter, by, page)
	default:
		return nil, fmt.Errorf("list attacks: no edge %q", edge)
	}
	return nested(ctx, s.attackTable(), s, q, n, parents, func() string { return attackFilter(q, filter, 1) }, attackOrder(by), page)
}

// attacksOfPrompts is AttacksOf with numbers for parents.
func (s *Store) attacksOfPrompts(ctx context.Context, q *query, parents []string, filter *storage.AttackFilter, by storage.AttackOrder, page storage.Page) (map[string]*storage.Connection[storage.Attack], error) {
	numbers := make([]int64, 0, len(parents))
	for _, parent := range parents {
		number, err := strconv.ParseInt(parent, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("list attacks of prompts: %w", err)
		}
		numbers = append(numbers, number)
	}
	byNumber, err := nested(ctx, s.attackTable(), s, q, nest{parent: "a.prompt_no", kind: "BIGINT"}, numbers,
		func() string { return attackFilter(q, filter, 1) }, attackOrder(by), page)
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*storage.Connection[storage.Attack], len(byNumber))
	for number, connection := range byNumber {
		pages[strconv.FormatInt(number, 10)] = connection
	}
	return pages, nil
}

// LabelsByAttack reads the labels of attacks and of their main conversations, by
// key and value.
func (s *Store) LabelsByAttack(ctx context.Context, numbers []int64) (map[int64][]*storage.Label, error) {
	return s.labels(ctx, numbers, func(list string) string {
		return `
SELECT l.attack_no AS number, l.key, l.value
FROM memory_labels l
WHERE l.owner_id = $1 AND l.attack_no IN (SELECT unnest(` + list + `))
UNION
SELECT a.attack_no, l.key, l.value
FROM attacks a
JOIN memory_labels l ON l.owner_id = a.owner_id AND l.conversation_no = a.conversation_no
WHERE a.owner_id = $1 AND a.attack_no IN (SELECT unnest(` + list + `))
ORDER BY number, key, value`
	})
}

// OwnLabelsByAttack reads the labels of attacks alone.
func (s *Store) OwnLabelsByAttack(ctx context.Context, numbers []int64) (map[int64][]*storage.Label, error) {
	return s.labels(ctx, numbers, func(list string) string {
		return `
SELECT l.attack_no AS number, l.key, l.value
FROM memory_labels l
WHERE l.owner_id = $1 AND l.attack_no IN (SELECT unnest(` + list + `))
ORDER BY number, key, value`
	})
}

func (s *Store) labels(ctx context.Context, numbers []int64, text func(list string) string) (map[int64][]*storage.Label, error) {
	labels := make(map[int64][]*storage.Label, len(numbers))
	if len(numbers) == 0 {
		return labels, nil
	}
	q := s.query()
	statement := text(q.list(numbers, "BIGINT"))
	type labelled struct {
		number int64
		label  storage.Label
	}
	rows, err := collect(ctx, s, "read labels", statement, q.args, func(rows *sql.Rows) (*labelled, error) {
		l := &labelled{}
		return l, rows.Scan(&l.number, &l.label.Key, &l.label.Value)
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		labels[row.number] = append(labels[row.number], &row.label)
	}
	return labels, nil
}
