package userstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/violentutf/violentutf/storage"
)

// facetColumn says where a dimension's values come from: an expression over
// attacks a and the joined tables.
type facetColumn struct {
	value string
	joins string
	many  bool // an attack may have several values, each once
}

// unnested gives every element of a list, or NULL for an empty one.
func unnested(list string) string {
	return "unnest(CASE WHEN COALESCE(array_length(" + list + ", 1), 0) > 0 THEN " + list + " ELSE CAST(ARRAY[NULL] AS TEXT[]) END)"
}

const (
	joinTarget    = "LEFT JOIN components k ON k.owner_id = a.owner_id AND k.hash = a.target_hash"
	joinGenerator = joinTarget + " LEFT JOIN generators g ON g.owner_id = k.owner_id AND g.id = k.generator_id"
	joinDataset   = `LEFT JOIN dataset_prompts p ON p.owner_id = a.owner_id AND p.prompt_no = a.prompt_no
		LEFT JOIN datasets d ON d.owner_id = p.owner_id AND d.id = p.dataset_id`
	joinExecution = "LEFT JOIN execution_plans e ON e.owner_id = a.owner_id AND e.id = a.execution_id"
	joinScorer    = `LEFT JOIN (SELECT c.attack_no, k.name AS value FROM conversations c
		JOIN ` + scored + ` s ON s.conversation_no = c.conversation_no
		JOIN components k ON k.owner_id = $1 AND k.hash = s.scorer_hash
		WHERE c.owner_id = $1 AND c.attack_no IS NOT NULL AND c.purpose = 'TARGET') v ON v.attack_no = a.attack_no`
	joinLabel = `LEFT JOIN (SELECT a.attack_no, l.key || '=' || l.value AS value FROM attacks a
		JOIN memory_labels l ON l.owner_id = a.owner_id AND l.attack_no = a.attack_no WHERE a.owner_id = $1
		UNION
		SELECT a.attack_no, l.key || '=' || l.value FROM attacks a
		JOIN memory_labels l ON l.owner_id = a.owner_id AND l.conversation_no = a.conversation_no WHERE a.owner_id = $1
		) v ON v.attack_no = a.attack_no`
)

// joinMessage gives a column of the messages m of each attack.
func joinMessage(column string) string {
	return `LEFT JOIN (SELECT DISTINCT c.attack_no, m.` + column + ` AS value FROM conversations c
		JOIN prompt_request_responses m ON m.owner_id = c.owner_id AND m.conversation_no = c.conversation_no
		WHERE c.owner_id = $1 AND c.attack_no IS NOT NULL) v ON v.attack_no = a.attack_no`
}

// facetColumns holds every dimension; its values are what AttackFilter takes.
var facetColumns = map[storage.Facet]facetColumn{
	storage.FacetOutcome:       {value: "a.outcome"},
	storage.FacetOutcomeSource: {value: "a.outcome_source"},
	storage.FacetAttackClass:   {value: "a.attack_class"},
	storage.FacetTechnique:     {value: "a.technique_hash"},
	storage.FacetTarget:        {value: "k.name", joins: joinTarget},
	storage.FacetModel:         {value: "k.model", joins: joinTarget},
	storage.FacetGenerator:     {value: "g.name", joins: joinGenerator},
	storage.FacetDataset:       {value: "d.name", joins: joinDataset},
	storage.FacetHarmCategory:  {value: unnested("a.harm_categories"), many: true},
	storage.FacetTag:           {value: unnested("a.tags"), many: true},
	storage.FacetProbe:         {value: "a.probe"},
	storage.FacetIntent:        {value: "a.intent"},
	storage.FacetConverter:     {value: "NULLIF(unnest(" + chain + "), '')", many: true},
	storage.FacetChain:         {value: "a.converter_chain"},
	storage.FacetScorer:        {value: "v.value", joins: joinScorer, many: true},
	storage.FacetLabel:         {value: "v.value", joins: joinLabel, many: true},
	storage.FacetExecution:     {value: "e.name", joins: joinExecution},
	storage.FacetSource:        {value: "a.source"},
	storage.FacetErrorType:     {value: "a.error_type"},
	storage.FacetResponseError: {value: "v.value", joins: joinMessage("response_error"), many: true},
	storage.FacetRole:          {value: "v.value", joins: joinMessage("role"), many: true},
	storage.FacetTurns:         {value: "CAST(a.turns AS TEXT)"},
}

// AttackFacet counts the attacks by the values of a dimension, most frequent first;
// an attack with several values counts once for each.
func (s *Store) AttackFacet(ctx context.Context, facet storage.Facet, filter *storage.AttackFilter, limit int) ([]*storage.FacetValue, error) {
	column, ok := facetColumns[facet]
	if !ok {
		return nil, storage.BadInput("facet", "there is no facet %s", facet)
	}
	q := s.query()
	condition := attackFilter(q, filter, 1)
	if q.err != nil {
		return nil, q.err
	}
	distinct := ""
	if column.many {
		distinct = "DISTINCT "
	}
	return collect(ctx, s, "count attacks by "+string(facet), `
SELECT valued.value, count(*) AS attacks
FROM (
  SELECT `+distinct+`a.attack_no, `+column.value+` AS value
  FROM attacks a
  `+column.joins+`
  WHERE a.owner_id = $1 AND `+condition+`
) valued
GROUP BY valued.value
ORDER BY attacks DESC, valued.value ASC NULLS LAST
LIMIT `+strconv.Itoa(max(limit, 0)), q.args, func(rows *sql.Rows) (*storage.FacetValue, error) {
		v := &storage.FacetValue{}
		return v, rows.Scan(&v.Value, &v.Count)
	})
}
