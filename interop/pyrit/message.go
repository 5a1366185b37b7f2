package pyrit

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// readMessages reads PromptMemoryEntries. The identifiers of a piece are facts of
// its conversation; the attributes name the component, so that a piece that differs
// from the rest of its conversation keeps its own.
func (im *importer) readMessages(ctx context.Context, t *table) error {
	t.place("id", "role", "conversation_id", "sequence", "timestamp", "labels", "prompt_metadata",
		"converter_identifiers", "prompt_target_identifier", "attack_identifier", "orchestrator_identifier",
		"response_error", "original_value_data_type", "original_value", "original_value_sha256",
		"converted_value_data_type", "converted_value", "converted_value_sha256", "original_prompt_id")
	return im.scan(ctx, t, func(r *row) (string, error) {
		m := storage.StagedMessage{Conversation: r.text("conversation_id")}
		sequence := r.integer("sequence")
		switch {
		case r.text("id") == "":
			return "rows without an id", nil
		case m.Conversation == "":
			return "rows without a conversation", nil
		case sequence == nil:
			return "rows without a sequence", nil
		}
		m.Source, m.SourceID = storage.SourcePyRIT, r.id("id")
		m.Sequence = *sequence
		if im.first == "" {
			im.first = m.SourceID
		}
		if version := r.text("pyrit_version"); version != "" {
			im.version = version
		}
		extras, err := im.body(ctx, r, &m)
		if err != nil {
			return "", err
		}
		m.Attributes = im.attributes(r, extras...)
		if storage.NamesFile(m.OriginalDataType) || storage.NamesFile(m.DataType) {
			if err := im.media(ctx, &m); err != nil {
				return "", err
			}
		}
		return "", im.stage.AddMessage(ctx, &m)
	})
}

// body reads a message and the facts that it tells of its conversation.
func (im *importer) body(ctx context.Context, r *row, m *storage.StagedMessage) (extras []extra, err error) {
	m.CreatedAt, extras = im.time(r, "timestamp")
	if extras, err = im.role(r, m, extras); err != nil {
		return nil, err
	}
	m.OriginalValue = r.text("original_value")
	m.OriginalDataType = orElse(r.text("original_value_data_type"), "text")
	m.OriginalHash = r.text("original_value_sha256")
	if m.OriginalHash == "" { // PyRIT leaves it out for system prompts
		m.OriginalHash = storage.TextHash(m.OriginalValue)
	}
	m.ConvertedValue, m.ConvertedHash = m.OriginalValue, m.OriginalHash
	if converted := r.get("converted_value"); converted.Valid && converted.String != m.OriginalValue {
		m.ConvertedValue = converted.String
		if m.ConvertedHash = r.text("converted_value_sha256"); m.ConvertedHash == "" {
			m.ConvertedHash = storage.TextHash(m.ConvertedValue)
		}
	} else if sha := r.text("converted_value_sha256"); sha != "" {
		m.ConvertedHash = sha
	}
	m.DataType = orElse(r.text("converted_value_data_type"), m.OriginalDataType)
	m.ResponseError = orElse(r.text("response_error"), "none")
	if original := r.id("original_prompt_id"); original != "" && original != m.SourceID {
		m.Original = original
		im.repeats++
	}
	meta := im.metadata(r.text("prompt_metadata"))
	m.Metadata, m.FinishReason = meta.document, meta.finish
	m.InputTokens, m.OutputTokens = meta.input, meta.output
	if meta.judge {
		if err := im.fact(ctx, m.Conversation, factJudge, "1"); err != nil {
			return nil, err
		}
	}
	if m.Role == storage.RoleSystem && strings.Contains(m.OriginalValue, scoreKey) {
		if err := im.fact(ctx, m.Conversation, factAsks, "1"); err != nil {
			return nil, err
		}
	}
	return im.identifiers(ctx, r, m, extras)
}

func (im *importer) role(r *row, m *storage.StagedMessage, extras []extra) ([]extra, error) {
	switch role := strings.ToLower(r.text("role")); role {
	case "system", "user", "assistant", "simulated_assistant", "tool", "developer":
		m.Role = storage.Role(strings.ToUpper(role))
	default:
		m.Role = storage.RoleUser
		im.note(r.t.name + ": rows of an unknown role are read as user")
		extras = append(extras, extra{"role", quote(r.text("role"))})
	}
	return extras, nil
}

// identifiers reads what a piece tells of its target, attack and converters.
func (im *importer) identifiers(ctx context.Context, r *row, m *storage.StagedMessage, extras []extra) ([]extra, error) {
	used, err := im.converters(ctx, r.json("converter_identifiers"))
	if err != nil {
		return nil, err
	}
	m.ConverterHash = used.hashes
	if target := r.json("prompt_target_identifier"); target != "" {
		component, err := im.component(ctx, storage.ComponentTarget, target)
		if err != nil {
			return nil, err
		}
		if component.hash != "" {
			extras = append(extras, extra{"prompt_target_identifier", `{"component":"` + component.hash + `"}`})
			if err := im.fact(ctx, m.Conversation, factTarget, component.hash); err != nil {
				return nil, err
			}
		}
	}
	inAttack := false
	for _, column := range []string{"orchestrator_identifier", "attack_identifier"} {
		text := r.json(column)
		if text == "" || text == "{}" {
			continue
		}
		inAttack = true
		attribute, err := im.attackOf(ctx, m.Conversation, column, text)
		if err != nil {
			return nil, err
		}
		extras = append(extras, extra{column, attribute})
	}
	if len(used.hashes) > 0 && m.Role == storage.RoleUser {
		// A converter that asks a model sends its text as it is and signs it.
		if !inAttack && m.OriginalValue == m.ConvertedValue {
			err = im.fact(ctx, m.Conversation, factConverter, "1")
		}
		if err == nil {
			err = im.stage.Append(ctx, "raw_chains", m.Conversation, m.Sequence, used.text, used.hashes)
		}
		if err != nil {
			return nil, err
		}
	}
	return im.conversationFacts(ctx, r, m.Conversation, extras)
}

// conversationFacts reads labels and harm categories, which lie on pieces until 0.14.
func (im *importer) conversationFacts(ctx context.Context, r *row, conversation string, extras []extra) ([]extra, error) {
	if text := r.json("labels"); text != "" && text != "{}" {
		// The whole text stands in the attributes too: pieces of one conversation may differ.
		extras = append(extras, extra{"labels", im.value(text)})
		if im.newFact(conversation, factLabel, text) {
			for key, value := range im.labels(text) {
				if err := im.stage.Append(ctx, "raw_labels", conversation, key, value); err != nil {
					return nil, err
				}
			}
		}
	}
	if text := r.json("targeted_harm_categories"); text != "" && text != "[]" {
		for _, category := range im.list(text) {
			if err := im.fact(ctx, conversation, factHarm, category); err != nil {
				return nil, err
			}
		}
	}
	return extras, nil
}

// attackOf reads the orchestrator of 0.9 or the attack of 0.10 to 0.14 and returns
// what stands for it in the attributes: its component, or the identifier itself where
// it names a run, which a component does not.
func (im *importer) attackOf(ctx context.Context, conversation, column, text string) (string, error) {
	made, err := im.strategyOf(ctx, text)
	if err != nil {
		return "", err
	}
	attribute := `{"component":"` + made.attacker + `"}`
	if made.ofRun {
		attribute = im.value(text)
	}
	if !im.newFact(conversation, column, attribute) {
		return attribute, nil
	}
	identifier := decode(text)
	facts := []struct{ name, value string }{
		{factClass, made.class}, {factAttacker, made.attacker}, {factObjectiveTarget, made.target},
	}
	if scored := first(identifier, "scored_prompt_id"); scored != nil {
		facts = append(facts, struct{ name, value string }{factScored, dashed(*scored)})
	}
	if column == "orchestrator_identifier" {
		run := made.class // an orchestrator without an id: all of its class are one run
		if id := first(identifier, "id"); id != nil {
			run = *id
		}
		facts = append(facts, struct{ name, value string }{factRun, run})
		if multiTurn(identifier) {
			facts = append(facts, struct{ name, value string }{factMultiTurn, "1"})
		}
	}
	for _, f := range facts {
		if f.value == "" {
			continue
		}
		if err := im.fact(ctx, conversation, f.name, f.value); err != nil {
			return "", err
		}
	}
	return attribute, nil
}

// multiTurn tells whether an orchestrator has a model of its own that writes the
// prompts, in a thread that begins with a system prompt.
func multiTurn(identifier map[string]any) bool {
	if class(identifier) == "RedTeamingOrchestrator" {
		return true
	}
	module := first(identifier, "__module__", "class_module")
	return module != nil && strings.Contains(*module, ".orchestrator.multi_turn.")
}

// The facts of conversations in raw_facts.
const (
	factJudge           = "judge"
	factAsks            = "asks" // for a score_value, in its system prompt
	factScored          = "scored"
	factConverter       = "converter"
	factTarget          = "target"
	factClass           = "class"
	factAttacker        = "attacker"
	factRun             = "run"
	factObjectiveTarget = "objective"
	factMultiTurn       = "multi"
	factLabel           = "label"
	factHarm            = "harm"
)

// fact notes something about a conversation, mostly once: the SQL takes repeats.
func (im *importer) fact(ctx context.Context, conversation, name, value string) error {
	if !im.newFact(conversation, name, value) {
		return nil
	}
	return im.stage.Append(ctx, "raw_facts", conversation, name, value)
}

func (im *importer) newFact(conversation, name, value string) bool {
	key := conversation + "\x00" + name + "\x00" + value
	if _, found := im.known.facts.get(key); found {
		return false
	}
	im.known.facts.put(key, struct{}{})
	return true
}

// scoreKey is the member in which every scorer's model is to answer. 1.x asks for it
// by a JSON schema, all versions by the system prompt; of a judge's chat 0.10 to 0.14
// store that prompt alone, and since 0.12 nothing else tells what it was for.
const scoreKey = "score_value"

// metadata is what prompt_metadata tells.
type metadata struct {
	document      *storage.JSON
	input, output *int64
	finish        *string
	judge         bool // asks for a score_value
}

func (im *importer) metadata(text string) metadata {
	if text == "" || text == "null" {
		return metadata{}
	}
	if made, found := im.known.metadata.get(text); found {
		return made
	}
	made := metadata{document: document(text)}
	tree := decode(text)
	// token_usage_prompt_tokens until 0.14, token_usage_input_tokens in 1.1.
	made.input = count(tree, "token_usage_input_tokens", "token_usage_prompt_tokens", "input_tokens", "prompt_tokens")
	made.output = count(tree, "token_usage_output_tokens", "token_usage_completion_tokens", "output_tokens", "completion_tokens")
	made.finish = first(tree, "finish_reason")
	schema := members(tree["json_schema"])
	if text, isText := tree["json_schema"].(string); isText {
		schema = decode(text)
	}
	if nested := members(schema["schema"]); nested != nil {
		schema = nested
	}
	_, made.judge = members(schema["properties"])[scoreKey]
	im.known.metadata.put(text, made)
	return made
}

func count(tree map[string]any, names ...string) *int64 {
	for _, name := range names {
		switch v := tree[name].(type) {
		case json.Number:
			return parseInteger(v.String())
		case string:
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return &n
			}
		}
	}
	return nil
}

func orElse(text, otherwise string) string {
	if text != "" {
		return text
	}
	return otherwise
}
