package userstore

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// stage is an import under way: temporary tables on a connection of its own.
type stage struct {
	store *Store
	bulk  Bulk
	cleaner
	ord int64 // order of arrival, the same count for all tables

	keepConfigured bool
	required       func(ctx context.Context) error
}

var _ storage.Stage = (*stage)(nil)

// NewStage begins an import.
func (s *Store) NewStage(ctx context.Context, guard storage.Guard) (storage.Stage, error) {
	bulk, err := s.engine.Bulk(ctx)
	if err != nil {
		return nil, fmt.Errorf("begin import: %w", err)
	}
	st := &stage{store: s, bulk: bulk, cleaner: cleaner{guard}}
	for _, tables := range []map[string]string{stageTables, mergeTables, peopleTables} {
		for _, table := range slices.Sorted(maps.Keys(tables)) {
			if err := st.create(ctx, table, tables[table]); err != nil {
				_ = bulk.Close()
				return nil, err
			}
		}
	}
	return st, nil
}

func (st *stage) create(ctx context.Context, table, columns string) error {
	if _, err := st.bulk.Conn().ExecContext(ctx, "CREATE TEMPORARY TABLE "+table+" ("+columns+")"); err != nil {
		return fmt.Errorf("create %s: %w", table, err)
	}
	return nil
}

func (st *stage) Close() error { return st.bulk.Close() }

func (st *stage) KeepConfigured() { st.keepConfigured = true }

func (st *stage) Require(allowed func(ctx context.Context) error) { st.required = allowed }

func (st *stage) Scrub(credential string) { st.guard.Add(credential) }

func (st *stage) Seal(kind storage.ConfiguredKind, rowID, plaintext string) (string, error) {
	return st.guard.Seal(string(kind), rowID, plaintext)
}

func (st *stage) Create(ctx context.Context, table, columns string) error {
	if !strings.HasPrefix(table, "raw_") {
		return fmt.Errorf("an importer's own table must be named raw_*, not %s", table)
	}
	return st.create(ctx, table, columns)
}

func (st *stage) Append(ctx context.Context, table string, values ...any) error {
	for i, value := range values {
		switch v := value.(type) {
		case string:
			values[i] = st.text(v)
		case *string:
			values[i] = st.maybe(v)
		}
	}
	return st.bulk.Append(ctx, table, values...)
}

func (st *stage) Exec(ctx context.Context, statement string, args ...any) (int64, error) {
	if err := st.bulk.Flush(ctx); err != nil {
		return 0, err
	}
	result, err := st.bulk.Conn().ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (st *stage) Query(ctx context.Context, statement string, args ...any) (*sql.Rows, error) {
	if err := st.bulk.Flush(ctx); err != nil {
		return nil, err
	}
	return st.bulk.Conn().QueryContext(ctx, statement, args...)
}

// next is the place of the next row in the order of arrival.
func (st *stage) next() int64 {
	st.ord++
	return st.ord
}

func (st *stage) AddComponent(ctx context.Context, c *storage.Component) error {
	return st.bulk.Append(ctx, "stage_components", c.Hash, string(c.Kind), st.text(c.Name), st.text(c.ClassName),
		st.maybe(c.Module), st.maybe(c.Model), st.maybe(c.Endpoint), st.text(string(c.Parameters)),
		st.text(string(c.Identifier)), st.maybe(c.GeneratorID), st.maybe(c.ConverterID), st.maybe(c.ScorerID))
}

func (st *stage) AddConfigured(ctx context.Context, c *storage.StagedConfigured) error {
	var credential, lastFour any
	if c.Sealed != "" {
		credential = c.Sealed
	}
	if c.LastFour != "" {
		lastFour = c.LastFour
	}
	return st.bulk.Append(ctx, "stage_"+string(c.Kind), st.next(), int64(0), string(c.Source), st.text(c.SourceID), st.text(c.Key),
		st.text(c.Name), st.text(c.Type), st.text(string(c.Parameters)), credential, lastFour, st.text(c.Status),
		st.document(c.LastTest), c.CreatedAt, c.UpdatedAt, st.document(c.Attributes))
}

func (st *stage) AddDataset(ctx context.Context, d *storage.StagedDataset) error {
	return st.bulk.Append(ctx, "stage_datasets", st.next(), int64(0), string(d.Source), st.text(d.SourceID), st.text(d.Key),
		st.text(d.Name), st.text(d.SourceType), st.text(d.Format), st.text(string(d.Configuration)), st.list(d.Tags),
		st.text(d.Status), d.CreatedAt, d.UpdatedAt, st.document(d.Attributes))
}

func (st *stage) AddPrompt(ctx context.Context, p *storage.StagedPrompt) error {
	return st.bulk.Append(ctx, "stage_prompts", st.next(), int64(0), string(p.Source), st.text(p.SourceID),
		string(p.DatasetSource), st.text(p.Dataset), p.Index, st.text(p.SeedType), st.maybe(p.Role), st.maybe(p.Name),
		st.text(p.Text), st.text(p.DataType), st.list(p.HarmCategories), st.document(p.Parameters),
		st.document(p.Metadata), p.Hash, st.maybe(p.GroupID), known(p.Sequence), p.CreatedAt,
		st.document(st.damaged(p.Attributes, "text", p.Text)))
}

func (st *stage) AddExecution(ctx context.Context, e *storage.Execution) error {
	return st.bulk.Append(ctx, "stage_executions", st.next(), int64(0), string(e.Source), st.text(e.SourceID),
		uuid.Must(uuid.NewV7()).String(), string(e.Origin), st.text(e.Name), st.maybe(e.Orchestrator), string(e.Status),
		e.Partial, st.document(e.Configuration), st.maybe(e.Error), known(e.StartedAt), known(e.FinishedAt),
		st.document(e.Attributes))
}

func (st *stage) AddAttack(ctx context.Context, a *storage.StagedAttack) error {
	attributes := a.Attributes
	if a.Objective != nil {
		attributes = st.damaged(attributes, "objective", *a.Objective)
	}
	return st.bulk.Append(ctx, "stage_attacks", st.next(), int64(a.Rank), string(a.Source), st.text(a.SourceID),
		st.reference(a.Execution), st.text(a.AttackClass), st.maybe(a.TechniqueHash), st.maybe(a.Objective),
		st.maybe(a.ObjectiveHash), st.maybe(a.PromptKey), st.reference(a.Prompt), st.list(a.HarmCategories),
		st.list(a.Tags), st.maybe(a.Probe), st.maybe(a.Intent), st.maybe(a.TargetHash), st.maybe(a.AttackerHash),
		st.text(a.ConverterChain), st.list(a.ConverterHash), st.reference(a.Conversation), string(a.Outcome),
		st.maybe(a.OutcomeReason), string(a.OutcomeSource), st.reference(a.ObjectiveScore), known(a.Turns),
		known(a.DurationMs), known(a.Retries), st.maybe(a.ErrorType), st.maybe(a.ErrorMessage), a.StartedAt,
		known(a.FinishedAt), st.document(attributes))
}

func (st *stage) AddConversation(ctx context.Context, c *storage.StagedConversation) error {
	return st.bulk.Append(ctx, "stage_conversations", st.next(), int64(c.Rank), string(c.Source), st.text(c.SourceID),
		st.reference(c.Attack), string(c.Purpose), st.maybe(c.Why), st.maybe(c.TargetHash), st.reference(c.BranchedFrom),
		known(c.BranchedFromSequence), st.document(c.Attributes))
}

func (st *stage) AddMessage(ctx context.Context, m *storage.StagedMessage) error {
	attributes := st.damaged(m.Attributes, "original_value", m.OriginalValue)
	var converted, convertedHash any
	if m.ConvertedValue != m.OriginalValue {
		converted = st.text(m.ConvertedValue)
		attributes = st.damaged(attributes, "converted_value", m.ConvertedValue)
	}
	if m.ConvertedHash != m.OriginalHash {
		convertedHash = m.ConvertedHash
	}
	return st.bulk.Append(ctx, "stage_messages", st.next(), int64(m.Rank), string(m.Source), st.text(m.SourceID),
		st.text(m.Conversation), m.Sequence, st.reference(m.Original), string(m.Role), st.text(m.OriginalValue), converted,
		st.text(m.OriginalDataType), st.text(m.DataType), st.list(m.ConverterHash), st.text(m.ResponseError),
		st.maybe(m.FinishReason), known(m.LatencyMs), known(m.InputTokens), known(m.OutputTokens), m.OriginalHash,
		convertedHash, st.document(m.Metadata), m.CreatedAt, st.document(attributes))
}

func (st *stage) AddScore(ctx context.Context, s *storage.StagedScore) error {
	return st.bulk.Append(ctx, "stage_scores", st.next(), int64(s.Rank), string(s.Source), st.text(s.SourceID),
		st.reference(s.Message), st.maybe(s.Content), s.ScorerHash, string(s.Type), known(s.Value), known(s.ScaleValue),
		st.maybe(s.RawValue), string(s.Status), st.list(s.Categories), st.maybe(s.Rationale), st.maybe(s.Description),
		st.maybe(s.Objective), s.IsObjective, st.document(s.Metadata), s.CreatedAt, st.document(s.Attributes))
}

func (st *stage) AddLabel(ctx context.Context, l *storage.StagedLabel) error {
	return st.bulk.Append(ctx, "stage_labels", string(l.Source), st.reference(l.Attack), st.reference(l.Conversation),
		st.text(l.Key), st.text(l.Value))
}

func (st *stage) AddEmbedding(ctx context.Context, e *storage.StagedEmbedding) error {
	return st.bulk.Append(ctx, "stage_embeddings", st.next(), int64(0), string(e.Source), st.text(e.Message+"/"+e.Model),
		st.text(e.Message), st.text(e.Model), int64(len(e.Vector)), e.Vector)
}

func (st *stage) AddSession(ctx context.Context, s *storage.StagedSession) error {
	return st.bulk.Append(ctx, "stage_sessions", st.next(), int64(0), string(s.Source), st.text(s.SourceID),
		st.text(s.SessionKey), st.text(string(s.Body)), s.CreatedAt, s.UpdatedAt, known(s.ExpiresAt),
		st.document(s.Attributes))
}

func (st *stage) AddRaw(ctx context.Context, r *storage.StagedRaw) error {
	return st.bulk.Append(ctx, "stage_raw", st.next(), int64(0), string(r.Source), st.text(r.SourceID), st.text(r.Record),
		st.text(string(r.Body)))
}

func (st *stage) AddRank(ctx context.Context, r *storage.SourceRank) error {
	return st.bulk.Append(ctx, "stage_ranks", r.Table, string(r.Source), r.SourceID, r.Rank)
}

func (st *stage) AddMedium(ctx context.Context, m *storage.StagedMedium) error {
	return st.bulk.Append(ctx, "stage_media", string(m.Source), st.text(m.Message), string(m.Part), m.File.Hash,
		st.text(m.File.Name), m.File.MediaType, m.File.Bytes, m.File.CreatedAt)
}

// known is the value itself, or NULL.
func known[T any](value *T) any {
	if value == nil {
		return nil
	}
	return *value
}
