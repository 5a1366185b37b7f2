package memory

import (
	"context"
	"strings"
	"time"
)

// Conversation writes that a conversation was with a target.
func (w *Writer) Conversation(ctx context.Context, id string, target *Identifier) error {
	if err := w.target(ctx, target); err != nil {
		return err
	}
	return w.row(ctx, `
		INSERT INTO "Conversations" (conversation_id, target_identifier, pyrit_version, target_identifier_hash, retries)
		VALUES (?, ?, '1.1.0', ?, 'null')`,
		id, target.JSON, target.Hash)
}

// Message is one piece of a conversation.
type Message struct {
	ID, Conversation string
	Sequence         int
	Role             string // system, user or assistant
	At               time.Time
	Metadata         string        // JSON; empty for {}
	Converters       []*Identifier // in the order of their use
	Original         string        // the text as written
	Converted        string        // the text as sent; empty for the same
	Error            string        // response_error; empty for none
	DataType         string        // empty for text
	Repeats          string        // ID of the piece that this one repeats; empty for none
}

// Message writes a piece, and which converters made it.
func (w *Writer) Message(ctx context.Context, m *Message) error {
	converters := "[]"
	if len(m.Converters) > 0 {
		converters = w.converterList(m.Converters)
	}
	converted := m.Converted
	var originalHash, convertedHash any // PyRIT leaves them out for system prompts
	if m.Role != "system" {
		originalHash = SHA256(m.Original)
		convertedHash = originalHash
	}
	if converted == "" {
		converted = m.Original
	} else if m.Role != "system" {
		convertedHash = SHA256(converted)
	}
	original := m.Repeats
	if original == "" {
		original = m.ID
	}
	dataType := orElse(m.DataType, "text")
	err := w.row(ctx, `
		INSERT INTO "PromptMemoryEntries" (id, role, conversation_id, sequence, timestamp, prompt_metadata,
			converter_identifiers, response_error, original_value_data_type, original_value, original_value_sha256,
			converted_value_data_type, converted_value, converted_value_sha256, original_prompt_id, pyrit_version)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '1.1.0')`,
		m.ID, m.Role, m.Conversation, m.Sequence, Time(m.At), orElse(m.Metadata, "{}"), converters,
		orElse(m.Error, "none"), dataType, m.Original, originalHash, dataType, converted, convertedHash, original)
	if err != nil {
		return err
	}
	for position, converter := range m.Converters {
		if err := w.converter(ctx, converter); err != nil {
			return err
		}
		err := w.row(ctx, `
			INSERT INTO "PromptConverterIdentifiers" (prompt_memory_entry_id, position, converter_identifier_hash)
			VALUES (?, ?, ?)`, m.ID, position, converter.Hash)
		if err != nil {
			return err
		}
	}
	return nil
}

// Score is a scorer's verdict on a piece.
type Score struct {
	ID, Message string
	Scorer      *Identifier
	Type        string // true_false or float_scale
	Value       string // true, false, or a number from 0 to 1
	Category    string // empty for none
	Rationale   string
	Objective   string
	At          time.Time
}

// Score writes a verdict.
func (w *Writer) Score(ctx context.Context, s *Score) error {
	if err := w.scorer(ctx, s.Scorer); err != nil {
		return err
	}
	var category []string
	if s.Category != "" {
		category = []string{s.Category}
	}
	return w.row(ctx, `
		INSERT INTO "ScoreEntries" (id, score_value, score_value_description, score_type, score_category,
			score_rationale, score_metadata, scorer_class_identifier, prompt_request_response_id, timestamp,
			objective, pyrit_version, scorer_identifier_hash, status, scorable)
		VALUES (?, ?, '', ?, ?, ?, '{}', ?, ?, ?, ?, '1.1.0', ?, 'complete', ?)`,
		s.ID, s.Value, s.Type, Strings(category), s.Rationale, s.Scorer.JSON, s.Message, Time(s.At), s.Objective,
		s.Scorer.Hash, `{"scorable_type": "message", "message_piece_ids": ["`+s.Message+`"]}`)
}

// Result is the end of one attack.
type Result struct {
	ID, Conversation string
	Objective        string
	Atomic           *Identifier
	LastResponse     string // ID of a piece; empty for none
	LastScore        string // ID of the objective score; empty for none
	Turns            int
	Duration         time.Duration
	Outcome          string // success, failure, undetermined or error
	Reason           string
	Metadata         string   // JSON; empty for {}
	Pruned           []string // conversations
	Adversarial      []string // conversations
	At               time.Time
	Labels           string // JSON
	ErrorType        string
	ErrorMessage     string
	Scenario         string // ID of the ScenarioResult; empty for none
	HarmCategories   []string
}

// Result writes the end of an attack.
func (w *Writer) Result(ctx context.Context, r *Result) error {
	if err := w.atomic(ctx, r.Atomic); err != nil {
		return err
	}
	return w.row(ctx, `
		INSERT INTO "AttackResultEntries" (id, conversation_id, objective, atomic_attack_identifier, objective_sha256,
			last_response_id, last_score_id, executed_turns, execution_time_ms, outcome, outcome_reason,
			attack_metadata, pruned_conversation_ids, adversarial_chat_conversation_ids, timestamp, pyrit_version,
			labels, error_message, error_type, total_retries, attribution_parent_id, attribution_data,
			targeted_harm_categories, atomic_attack_identifier_hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '1.1.0', ?, ?, ?, 0, ?, 'null', ?, ?)`,
		r.ID, r.Conversation, r.Objective, r.Atomic.JSON, SHA256(r.Objective), orNull(r.LastResponse),
		orNull(r.LastScore), r.Turns, r.Duration.Milliseconds(), r.Outcome, orNull(r.Reason),
		orElse(r.Metadata, "{}"), Strings(r.Pruned), Strings(r.Adversarial), Time(r.At), r.Labels,
		orNull(r.ErrorMessage), orNull(r.ErrorType), orNull(r.Scenario), Strings(r.HarmCategories), r.Atomic.Hash)
}

// Scenario is a run of many attacks.
type Scenario struct {
	ID, Name, Description string
	Target, Scorer        *Identifier
	Labels                string // JSON
	Started, Finished     time.Time
}

// Scenario writes a completed run, which the results of its attacks name.
func (w *Writer) Scenario(ctx context.Context, s *Scenario) error {
	id := NewIdentifier("Scenario", "pyrit.scenario.core.scenario", []Parameter{{"name", s.Name}, {"version", 1}},
		Child{Name: "objective_target", Of: []*Identifier{s.Target}},
		Child{Name: "objective_scorer", Of: []*Identifier{s.Scorer}})
	if err := w.scenario(ctx, id); err != nil {
		return err
	}
	return w.row(ctx, `
		INSERT INTO "ScenarioResultEntries" (id, scenario_name, scenario_description, scenario_version, pyrit_version,
			scenario_identifier, objective_target_identifier, objective_scorer_identifier, scenario_run_state, labels,
			number_tries, completion_time, timestamp, scenario_metadata, scenario_identifier_hash)
		VALUES (?, ?, ?, 1, '1.1.0', ?, ?, ?, 'COMPLETED', ?, 1, ?, ?, '{}', ?)`,
		s.ID, s.Name, s.Description, id.JSON, s.Target.JSON, s.Scorer.JSON, s.Labels,
		Time(s.Finished), Time(s.Started), id.Hash)
}

// Seed is one entry of a dataset.
type Seed struct {
	ID, Dataset, Text string
	Type              string // objective or prompt
	HarmCategories    []string
	AddedBy           string
	At                time.Time
}

// Seed writes an entry of a dataset.
func (w *Writer) Seed(ctx context.Context, s *Seed) error {
	return w.row(ctx, `
		INSERT INTO "SeedPromptEntries" (id, value, value_sha256, data_type, dataset_name, harm_categories, authors,
			"groups", source, date_added, added_by, prompt_metadata, parameters, sequence, seed_type)
		VALUES (?, ?, ?, 'text', ?, ?, 'null', 'null', 'ViolentUTF Graph', ?, ?, '{}', 'null', 0, ?)`,
		s.ID, s.Text, SHA256(s.Text), s.Dataset, Strings(s.HarmCategories), Time(s.At), s.AddedBy, s.Type)
}

// Embedding writes the embedding, a JSON list, of a piece. PyRIT writes the piece's
// ID without dashes here, and only here.
func (w *Writer) Embedding(ctx context.Context, message, vector, model string) error {
	return w.row(ctx, `INSERT INTO "EmbeddingData" (id, embedding, embedding_type_name) VALUES (?, ?, ?)`,
		strings.ReplaceAll(message, "-", ""), vector, model)
}

func orElse(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}
