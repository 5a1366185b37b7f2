package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// resultTables are filled in these columns by a batch. Each has a temporary table
// result_* of the same columns with the row's item before them.
var resultTables = []struct{ name, columns, order string }{
	{"attacks", `attack_no, source, source_id, execution_id, attack_class, technique_hash, objective, objective_sha256, prompt_key,
  prompt_no, harm_categories, tags, target_hash, attacker_hash, converter_chain, converter_hashes, conversation_no, outcome,
  outcome_reason, outcome_source, objective_score_no, turns, duration_ms, retries, error_type, error_message, started_at, finished_at,
  attributes`, "attack_no"},
	{"conversations", `conversation_no, source, source_id, attack_no, purpose, why, target_hash, branched_from_no, branched_from_sequence,
  message_count, started_at, last_message_at, attributes`, "conversation_no"},
	{
		"prompt_request_responses", `conversation_no, sequence, piece, source, source_id, original_conversation_no, original_sequence,
  original_piece, role, original_value, converted_value, original_data_type, converted_data_type, converter_hashes, response_error,
  finish_reason, latency_ms, input_tokens, output_tokens, original_sha256, converted_sha256, metadata, created_at, attributes`,
		"conversation_no, sequence, piece",
	},
	{"scores", `score_no, conversation_no, sequence, piece, source, source_id, scorer_hash, type, is_true, scale, raw_value, status,
  categories, rationale, description, objective, is_objective, metadata, created_at, attributes`, "score_no"},
	{"memory_labels", `attack_no, key, value`, "attack_no, key"},
	{"raw_exchanges", `conversation_no, sequence, request, response, content_type, status, kept_at`, "conversation_no, sequence"},
}

const (
	itemColumns = `execution_id, item, attack_no, outcome, error_class, attempts, calls, latency_ms, input_tokens, output_tokens, cost,
  finished_at`
	componentColumns = `hash, kind, name, class_name, module, model, endpoint, parameters, identifier, generator_id, converter_id, scorer_id`
)

// createResults makes the temporary tables of a recorder.
func createResults(ctx context.Context, conn *sql.Conn) error {
	statements := []string{
		`CREATE TEMPORARY TABLE result_new (item BIGINT)`,
		`CREATE TEMPORARY TABLE result_items AS SELECT ` + itemColumns + ` FROM execution_items LIMIT 0`,
		`CREATE TEMPORARY TABLE result_components AS SELECT ` + componentColumns + ` FROM components LIMIT 0`,
	}
	for _, table := range resultTables {
		statements = append(statements, `CREATE TEMPORARY TABLE result_`+table.name+` AS
SELECT CAST(0 AS BIGINT) AS item, `+table.columns+`
FROM `+table.name+`
LIMIT 0`)
	}
	for _, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("make room for results: %w", err)
		}
	}
	return nil
}

// batch is what one transaction records.
type batch struct {
	*recorder
	attack, conversation, score int64 // the next free numbers
	components                  map[string]bool
	done                        map[int64]*itemDone
	order                       []int64
}

// itemDone is an item of the batch, as its event tells it, with what it cost.
type itemDone struct {
	storage.ItemDone
	calls, input, output int64
	cost                 float64
}

// takeNumbers takes the numbers of the batch out of the store and raises its revision.
func (b *batch) takeNumbers(ctx context.Context, tx *sql.Tx, results []*storage.ItemResult) error {
	var attacks, conversations, scores int64
	for _, r := range results {
		if r.Attack != nil {
			attacks++
		}
		scores += int64(len(r.Scores))
		for _, c := range r.Conversations {
			conversations++
			for _, m := range c.Messages {
				scores += int64(len(m.Scores))
			}
		}
	}
	err := tx.QueryRowContext(ctx, `
UPDATE store_info
SET next_attack_no = next_attack_no + CAST($2 AS BIGINT), next_conversation_no = next_conversation_no + CAST($3 AS BIGINT),
  next_score_no = next_score_no + CAST($4 AS BIGINT), revision = revision + 1
WHERE owner_id = $1
RETURNING next_attack_no, next_conversation_no, next_score_no`, b.store.owner, attacks, conversations, scores).Scan(
		&b.attack, &b.conversation, &b.score)
	if err != nil {
		return fmt.Errorf("take numbers: %w", err)
	}
	b.attack -= attacks
	b.conversation -= conversations
	b.score -= scores
	b.components, b.done = map[string]bool{}, make(map[int64]*itemDone, len(results))
	return nil
}

func next(number *int64) int64 {
	*number++
	return *number - 1
}

func (b *batch) add(ctx context.Context, r *storage.ItemResult) error {
	if b.done[r.Item] != nil {
		return fmt.Errorf("it is twice in one batch")
	}
	for _, c := range r.Components {
		if err := b.addComponent(ctx, c); err != nil {
			return err
		}
	}
	done := &itemDone{
		ItemDone: storage.ItemDone{Item: r.Item, Outcome: r.Outcome, ErrorClass: r.ErrorClass, LatencyMs: r.Latency.Milliseconds()},
		calls:    r.Calls, input: r.InputTokens, output: r.OutputTokens, cost: r.Cost,
	}
	b.done[r.Item] = done
	b.order = append(b.order, r.Item)
	if r.Attack != nil {
		number := next(&b.attack)
		done.Attack = &number
	}
	var main, objective *int64
	first := b.conversation
	for _, c := range r.Conversations {
		found, err := b.addConversation(ctx, r.Item, done.Attack, first, c)
		if err != nil {
			return err
		}
		if main == nil {
			main = &first
		}
		if objective == nil {
			objective = found
		}
	}
	for _, score := range r.Scores {
		if _, err := b.addScore(ctx, r.Item, score, *score.Message); err != nil {
			return err
		}
	}
	if r.Attack != nil {
		if err := b.addAttack(ctx, r, *done.Attack, main, objective); err != nil {
			return err
		}
	}
	return b.bulk.Append(ctx, "result_items", b.key, r.Item, known(done.Attack), string(r.Outcome), b.maybe(r.ErrorClass), r.Attempts,
		r.Calls, r.Latency.Milliseconds(), r.InputTokens, r.OutputTokens, r.Cost, r.FinishedAt)
}

func (b *batch) addComponent(ctx context.Context, c *storage.Component) error {
	if b.known[c.Hash] || b.components[c.Hash] {
		return nil
	}
	b.components[c.Hash] = true
	return b.bulk.Append(ctx, "result_components", c.Hash, string(c.Kind), b.text(c.Name), b.text(c.ClassName), b.maybe(c.Module),
		b.maybe(c.Model), b.maybe(c.Endpoint), b.text(string(c.Parameters)), b.text(string(c.Identifier)), b.maybe(c.GeneratorID),
		b.maybe(c.ConverterID), b.maybe(c.ScorerID))
}

func (b *batch) addAttack(ctx context.Context, r *storage.ItemResult, number int64, main, objective *int64) error {
	a := r.Attack
	attributes := a.Attributes
	if a.Objective != nil {
		attributes = b.damaged(attributes, "objective", *a.Objective)
	}
	for _, l := range r.Labels {
		if err := b.bulk.Append(ctx, "result_memory_labels", r.Item, number, b.text(l.Key), b.text(l.Value)); err != nil {
			return err
		}
	}
	return b.bulk.Append(ctx, "result_attacks", r.Item, number, string(storage.SourceNative), newID(), b.key, b.text(a.AttackClass),
		b.maybe(a.TechniqueHash), b.maybe(a.Objective), b.maybe(a.ObjectiveHash), b.maybe(a.PromptKey), known(a.PromptNumber),
		b.list(a.HarmCategories), b.list(a.Tags), b.maybe(a.TargetHash), b.maybe(a.AttackerHash), b.text(a.ConverterChain),
		b.list(a.ConverterHash), known(main), string(a.Outcome), b.maybe(a.OutcomeReason), string(a.OutcomeSource), known(objective),
		known(a.Turns), known(a.DurationMs), known(a.Retries), b.maybe(a.ErrorType), b.maybe(a.ErrorMessage), a.StartedAt,
		known(a.FinishedAt), b.document(attributes))
}

// addConversation returns the number of the objective's score, if it is here.
func (b *batch) addConversation(ctx context.Context, item int64, attack *int64, first int64, c *storage.ResultConversation) (objective *int64, err error) {
	number := next(&b.conversation)
	var from, fromSequence, started, last any
	if c.BranchedFrom != nil {
		from, fromSequence = first+int64(*c.BranchedFrom), known(c.BranchedFromSequence)
	}
	for _, m := range c.Messages {
		if started == nil {
			started = m.CreatedAt
		}
		last = m.CreatedAt
		m.Conversation = number
		if err := b.addMessage(ctx, item, first, m); err != nil {
			return nil, err
		}
		for _, score := range m.Scores {
			no, err := b.addScore(ctx, item, score, m.MessageKey)
			if err != nil {
				return nil, err
			}
			if score.IsObjective {
				objective = &no
			}
		}
	}
	return objective, b.bulk.Append(ctx, "result_conversations", item, number, string(storage.SourceNative), newID(), known(attack),
		string(c.Purpose), b.maybe(c.Why), b.maybe(c.TargetHash), from, fromSequence, int64(len(c.Messages)), started, last,
		b.document(c.Attributes))
}

func (b *batch) addMessage(ctx context.Context, item, first int64, m *storage.ResultMessage) error {
	attributes := b.damaged(m.Attributes, "original_value", m.OriginalValue)
	var converted, convertedHash any
	if m.ConvertedValue != m.OriginalValue {
		converted, convertedHash = b.text(m.ConvertedValue), storage.TextHash(m.ConvertedValue)
		attributes = b.damaged(attributes, "converted_value", m.ConvertedValue)
	}
	var original [3]any
	if m.Original != nil {
		original = [3]any{first + m.Original.Conversation, m.Original.Sequence, m.Original.Piece}
	}
	if m.Raw != nil {
		if err := b.addExchange(ctx, item, m); err != nil {
			return err
		}
	}
	return b.bulk.Append(ctx, "result_prompt_request_responses", item, m.Conversation, m.Sequence, m.Piece, string(storage.SourceNative),
		newID(), original[0], original[1], original[2], string(m.Role), b.text(m.OriginalValue), converted, b.text(m.OriginalDataType),
		b.text(m.DataType), b.list(m.ConverterHash), b.text(m.ResponseError), b.maybe(m.FinishReason), known(m.LatencyMs),
		known(m.InputTokens), known(m.OutputTokens), storage.TextHash(m.OriginalValue), convertedHash, b.document(m.Metadata), m.CreatedAt,
		b.document(attributes))
}

func (b *batch) addExchange(ctx context.Context, item int64, m *storage.ResultMessage) error {
	clean := func(text string) string {
		text, _ = b.guard.Clean(text)
		return text
	}
	return b.bulk.Append(ctx, "result_raw_exchanges", item, m.Conversation, m.Sequence, storedExchange(clean, m.Raw.Request),
		storedExchange(clean, m.Raw.Response), b.maybe(m.Raw.ContentType), known(m.Raw.Status), m.Raw.KeptAt)
}

func (b *batch) addScore(ctx context.Context, item int64, s *storage.Score, on storage.MessageKey) (int64, error) {
	number := next(&b.score)
	return number, b.bulk.Append(ctx, "result_scores", item, number, on.Conversation, on.Sequence, on.Piece, string(storage.SourceNative),
		newID(), s.ScorerHash, string(s.Type), known(s.Value), known(s.ScaleValue), b.maybe(s.RawValue), string(s.Status),
		b.list(s.Categories), b.maybe(s.Rationale), b.maybe(s.Description), b.maybe(s.Objective), s.IsObjective, b.document(s.Metadata),
		s.CreatedAt, b.document(s.Attributes))
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// merge makes the rows of new items the store's, and returns those items.
func (b *batch) merge(ctx context.Context, tx *sql.Tx) ([]int64, error) {
	fresh, err := numbersOf(ctx, tx, `
INSERT INTO execution_items (owner_id, `+itemColumns+`)
SELECT CAST($1 AS TEXT), `+itemColumns+`
FROM result_items
ON CONFLICT DO NOTHING
RETURNING item`, b.store.owner)
	if err != nil {
		return nil, err
	}
	slices.Sort(fresh) // RETURNING has no order
	if len(fresh) > 0 {
		if err := b.takeOver(ctx, tx, fresh); err != nil {
			return nil, err
		}
	}
	for _, table := range append([]string{"items", "components", "new"}, resultNames()...) {
		if _, err := tx.ExecContext(ctx, "DELETE FROM result_"+table); err != nil {
			return nil, err
		}
	}
	return fresh, nil
}

func resultNames() []string {
	names := make([]string, len(resultTables))
	for i, table := range resultTables {
		names[i] = table.name
	}
	return names
}

func (b *batch) takeOver(ctx context.Context, tx *sql.Tx, fresh []int64) error {
	if _, err := tx.ExecContext(ctx, `
INSERT INTO result_new (item)
SELECT unnest(CAST($1 AS BIGINT[]))`, fresh); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
INSERT INTO components (owner_id, `+componentColumns+`)
SELECT CAST($1 AS TEXT), `+componentColumns+`
FROM result_components
ON CONFLICT DO NOTHING`, b.store.owner); err != nil {
		return fmt.Errorf("components: %w", err)
	}
	for _, table := range resultTables {
		if _, err := tx.ExecContext(ctx, `
INSERT INTO `+table.name+` (owner_id, `+table.columns+`)
SELECT CAST($1 AS TEXT), `+table.columns+`
FROM result_`+table.name+`
WHERE item IN (SELECT item FROM result_new)
ORDER BY `+table.order, b.store.owner); err != nil {
			return fmt.Errorf("%s: %w", table.name, err)
		}
	}
	return nil
}

// events tell what was recorded, and count it.
func (b *batch) events(recorded *storage.Recorded, lines []storage.LogLine) ([]*storage.ExecutionEvent, error) {
	var events []*storage.ExecutionEvent
	fresh := make(map[int64]bool, len(recorded.Items))
	for _, item := range recorded.Items {
		fresh[item] = true
	}
	told := storage.ItemsEvent{}
	for _, item := range b.order {
		if fresh[item] {
			told.Items = append(told.Items, b.done[item].ItemDone)
			b.done[item].countIn(&recorded.Progress)
		}
	}
	told.Progress = recorded.Progress
	if len(told.Items) > 0 {
		text, err := body(told)
		if err != nil {
			return nil, err
		}
		events = append(events, &storage.ExecutionEvent{Kind: storage.EventItems, Body: text})
	}
	if len(lines) > 0 {
		clean := make([]storage.LogLine, len(lines))
		for i, line := range lines {
			clean[i] = storage.LogLine{Level: line.Level, Text: b.text(line.Text), Time: line.Time.UTC().Truncate(time.Microsecond)}
		}
		text, err := body(clean)
		if err != nil {
			return nil, err
		}
		events = append(events, &storage.ExecutionEvent{Kind: storage.EventLog, Body: text})
	}
	return events, nil
}

func (d *itemDone) countIn(p *storage.ExecutionProgress) {
	p.Done++
	switch d.Outcome {
	case storage.OutcomeSuccess:
		p.Successes++
	case storage.OutcomeFailure:
		p.Failures++
	case storage.OutcomeError:
		p.Errors++
	default:
		p.Undetermined++
	}
	p.Calls += d.calls
	p.InputTokens += d.input
	p.OutputTokens += d.output
	p.Cost += d.cost
}
