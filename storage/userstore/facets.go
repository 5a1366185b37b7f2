package userstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/taxonomy"
)

// facetColumn says where a dimension's values come from: an expression over the rows that
// are counted and the joined tables.
type facetColumn struct {
	value string
	joins string
	many  bool // a row may have several values, each once
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

var conversationFacets = map[storage.Facet]facetColumn{
	storage.FacetPurpose: {value: "c.purpose"},
	storage.FacetSource:  {value: "c.source"},
	storage.FacetTarget:  {value: "k.name", joins: joinConversationTarget},
	storage.FacetModel:   {value: "k.model", joins: joinConversationTarget},
	storage.FacetLabel: {value: "v.value", many: true, joins: `LEFT JOIN (SELECT l.conversation_no, l.key || '=' || l.value AS value FROM memory_labels l
		WHERE l.owner_id = $1 AND l.conversation_no IS NOT NULL
		UNION
		SELECT x.conversation_no, l.key || '=' || l.value FROM conversations x
		JOIN memory_labels l ON l.owner_id = x.owner_id AND l.attack_no = x.attack_no WHERE x.owner_id = $1
		) v ON v.conversation_no = c.conversation_no`},
}

const joinConversationTarget = "LEFT JOIN components k ON k.owner_id = c.owner_id AND k.hash = c.target_hash"

var messageFacets = map[storage.Facet]facetColumn{
	storage.FacetRole:          {value: "m.role"},
	storage.FacetDataType:      {value: "m.converted_data_type"},
	storage.FacetResponseError: {value: "m.response_error"},
	storage.FacetFinishReason:  {value: "m.finish_reason"},
	storage.FacetSource:        {value: "m.source"},
	storage.FacetPurpose: {
		value: "c.purpose",
		joins: "LEFT JOIN conversations c ON c.owner_id = m.owner_id AND c.conversation_no = m.conversation_no",
	},
}

var executionFacets = map[storage.Facet]facetColumn{
	storage.FacetStatus:           {value: "e.status"},
	storage.FacetOrigin:           {value: "e.origin"},
	storage.FacetSource:           {value: "e.source"},
	storage.FacetOrchestratorType: {value: "e.orchestrator"},
	storage.FacetStartedBy:        {value: "e.started_by"},
}

var findingFacets = map[storage.Facet]facetColumn{
	storage.FacetSeverity: {value: "f.severity"},
	storage.FacetStatus:   {value: "f.status"},
	storage.FacetAssignee: {value: "f.assignee"},
	storage.FacetAuthor:   {value: "f.author"},
}

var configuredFacets = map[storage.Facet]facetColumn{
	storage.FacetType:   {value: "g.type"},
	storage.FacetStatus: {value: "g.status"},
}

// AttackFacet counts the attacks by the values of a dimension.
func (s *Store) AttackFacet(ctx context.Context, facet storage.Facet, filter *storage.AttackFilter, limit int) ([]*storage.FacetValue, error) {
	q := s.query()
	return countBy(ctx, s, q, s.attackTable(), facetColumns, facet, attackFilter(q, filter, 1), limit)
}

// ConversationFacet counts conversations.
func (s *Store) ConversationFacet(ctx context.Context, facet storage.Facet, filter *storage.ConversationFilter, limit int) ([]*storage.FacetValue, error) {
	q := s.query()
	return countBy(ctx, s, q, s.conversationTable(), conversationFacets, facet, conversationFilter(q, filter, 1), limit)
}

// MessageFacet counts messages, each piece.
func (s *Store) MessageFacet(ctx context.Context, facet storage.Facet, filter *storage.MessageFilter, limit int) ([]*storage.FacetValue, error) {
	q := s.query()
	return countBy(ctx, s, q, s.messageTable(), messageFacets, facet, messageFilter(q, filter, 1), limit)
}

// ExecutionFacet counts runs.
func (s *Store) ExecutionFacet(ctx context.Context, facet storage.Facet, filter *storage.ExecutionFilter, limit int) ([]*storage.FacetValue, error) {
	q := s.query()
	return countBy(ctx, s, q, s.executionTable(), executionFacets, facet, executionFilter(q, filter), limit)
}

// FindingFacet counts findings.
func (s *Store) FindingFacet(ctx context.Context, facet storage.Facet, filter *storage.FindingFilter, limit int) ([]*storage.FacetValue, error) {
	q := s.query()
	return countBy(ctx, s, q, s.findingTable(), findingFacets, facet, findingFilter(q, filter), limit)
}

// ConfiguredFacet counts generators, converters or scorers.
func (s *Store) ConfiguredFacet(ctx context.Context, kind storage.ConfiguredKind, facet storage.Facet, filter *storage.ConfiguredFilter, limit int) ([]*storage.FacetValue, error) {
	q := s.query()
	rows := configuredRows(s, kind, storage.KindGenerator, func(c *storage.Configured) *storage.Configured { return c })
	return countBy(ctx, s, q, rows, configuredFacets, facet, configuredFilter(q, filter), limit)
}

// countBy counts the rows of a table that the condition holds for by a dimension, most
// frequent first; a row with several values counts once for each.
func countBy[T any](ctx context.Context, s *Store, q *query, t *table[T], columns map[storage.Facet]facetColumn, facet storage.Facet, condition string, limit int) ([]*storage.FacetValue, error) {
	column, ok := columns[facet]
	if !ok {
		return nil, storage.BadInput("facet", "there is no facet %s of %s", facet, t.name)
	}
	if q.err != nil {
		return nil, q.err
	}
	distinct := ""
	if column.many {
		distinct = "DISTINCT "
	}
	return s.counted(ctx, q, "count "+t.name+" by "+string(facet), `
  SELECT `+distinct+t.keyColumns()+`, `+column.value+` AS value
  FROM `+t.from+`
  `+column.joins+`
  WHERE `+t.alias+`.owner_id = $1 AND `+condition, limit)
}

// TaxonomyFacet counts attacks by what their tags name. An attack without any counts
// once for none.
func (s *Store) TaxonomyFacet(ctx context.Context, of *string, filter *storage.AttackFilter, limit int) ([]*storage.FacetValue, error) {
	q := s.query()
	condition := attackFilter(q, filter, 1)
	tags, values := []string{}, []string{}
	for _, known := range taxonomy.All() {
		if of != nil && *of != known.Key {
			continue
		}
		for _, entry := range known.Entries {
			value := known.Key
			if of != nil {
				value = entry.Code
			}
			for _, spelling := range entry.Spellings() {
				tags, values = append(tags, spelling), append(values, value)
			}
		}
	}
	own := `SELECT e.code, o.name FROM taxonomy_entries e JOIN taxonomies o ON o.owner_id = e.owner_id AND o.id = e.taxonomy_id WHERE e.owner_id = $1`
	if of != nil {
		own = `SELECT e.code, e.code FROM taxonomy_entries e JOIN taxonomies o ON o.owner_id = e.owner_id AND o.id = e.taxonomy_id
      WHERE e.owner_id = $1 AND ` + q.namedOr(storage.KindTaxonomy, []string{*of}, "o.id", "o.name")
	}
	if q.err != nil {
		return nil, q.err
	}
	return s.counted(ctx, q, "count attacks by taxonomy", `
  SELECT DISTINCT a.attack_no, v.value
  FROM attacks a
  LEFT JOIN (
    SELECT t.attack_no, n.value
    FROM (SELECT x.attack_no, unnest(x.tags) AS tag FROM attacks x WHERE x.owner_id = $1) t
    JOIN (
      SELECT unnest(`+q.texts(tags)+`) AS tag, unnest(`+q.texts(values)+`) AS value
      UNION ALL
      `+own+`
    ) n ON n.tag = t.tag
  ) v ON v.attack_no = a.attack_no
  WHERE a.owner_id = $1 AND `+condition, limit)
}

// counted counts the rows of a statement by their value.
func (s *Store) counted(ctx context.Context, q *query, what, rows string, limit int) ([]*storage.FacetValue, error) {
	return collect(ctx, s, what, `
SELECT valued.value, count(*) AS rows_of
FROM (`+rows+`
) valued
GROUP BY valued.value
ORDER BY rows_of DESC, valued.value ASC NULLS LAST
LIMIT `+strconv.Itoa(max(limit, 0)), q.args, func(rows *sql.Rows) (*storage.FacetValue, error) {
		v := &storage.FacetValue{}
		return v, rows.Scan(&v.Value, &v.Count)
	})
}
