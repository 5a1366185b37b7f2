package pyrit

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// readConversations reads the Conversations of 1.x.
func (im *importer) readConversations(ctx context.Context, t *table) error {
	t.place("conversation_id", "target_identifier")
	return im.scan(ctx, t, func(r *row) (string, error) {
		id := r.text("conversation_id")
		if id == "" {
			return "rows without an id", nil
		}
		target, err := im.component(ctx, storage.ComponentTarget, im.identifier(r, "target_identifier"))
		if err != nil {
			return "", err
		}
		var attributes any
		if made := im.attributes(r); made != nil {
			attributes = string(*made)
		}
		return "", im.stage.Append(ctx, "raw_conversations", id, null(target.hash), attributes)
	})
}

// readAttacks reads AttackResultEntries. What depends on the conversation (start,
// converters, harm categories, run...) is derived afterwards.
//
// Of several results of one conversation the newest counts; it is known by the id of
// the oldest, so that a memory that has grown changes the attack instead of adding
// one. Its own id is then an attribute, and the others stay raw records.
func (im *importer) readAttacks(ctx context.Context, t *table) error {
	repeated, err := im.repeatedResults(ctx, t)
	if err != nil {
		return err
	}
	named := false
	t.place("id", "conversation_id", "objective", "attack_identifier", "atomic_attack_identifier",
		"atomic_attack_identifier_hash", "objective_sha256", "last_score_id", "executed_turns",
		"execution_time_ms", "outcome", "outcome_reason", "pruned_conversation_ids",
		"adversarial_chat_conversation_ids", "timestamp", "labels", "error_message", "error_type",
		"total_retries", "attribution_parent_id", "targeted_harm_categories")
	return im.scan(ctx, t, func(r *row) (string, error) {
		id := r.id("id")
		if id == "" {
			return "rows without an id", nil
		}
		if !named {
			named, im.first = true, id
		}
		if version := r.text("pyrit_version"); version != "" {
			im.version = version
		}
		a := storage.StagedAttack{Conversation: mainConversation(r)}
		a.Source, a.SourceID = storage.SourcePyRIT, id
		var extras []extra
		if conversation := r.get("conversation_id"); conversation.Valid && conversation.String == "" {
			extras = append(extras, extra{"conversation_id", `""`})
		}
		if again := repeated[r.number]; again != "" {
			if again == superseded {
				if err := im.references(ctx, r); err != nil {
					return "", err
				}
				return "", im.addRaw(ctx, r, id)
			}
			a.SourceID = again
			extras = append(extras, extra{"id", quote(id)})
		}
		extras, err := im.result(ctx, r, &a, extras)
		if err != nil {
			return "", err
		}
		if err := im.references(ctx, r); err != nil {
			return "", err
		}
		a.Attributes = im.attributes(r, extras...)
		return "", im.stage.AddAttack(ctx, &a)
	})
}

// mainConversation is the conversation of a result. A tree of attacks all of whose
// branches were pruned has none, but its branches and attackers belong to something:
// an empty conversation that is known by the result's id.
func mainConversation(r *row) string {
	return orElse(r.text("conversation_id"), r.id("id"))
}

// superseded marks a result that does not count any more.
const superseded = "-"

// repeatedResults tells, by row number, which results share their conversation with
// others: the newest has the id of the oldest, the others are superseded. The map is
// as large as the number of such results, not of the file.
func (im *importer) repeatedResults(ctx context.Context, t *table) (map[int64]string, error) {
	if !t.has("conversation_id") {
		return nil, nil
	}
	number := int64(0)
	clock := im.clock
	columns := []string{"id", "conversation_id", "timestamp"}
	narrow := newTable(storage.ForeignTable{Name: t.name, Columns: slices.DeleteFunc(columns, func(c string) bool { return !t.has(c) })})
	r := row{t: narrow}
	err := im.src.Scan(ctx, t.name, narrow.columns, func(values []sql.NullString) error {
		number++
		r.values = values
		if r.text("conversation_id") == "" || r.text("id") == "" {
			return nil
		}
		if made, ok := ParseTime(r.text("timestamp")); ok {
			clock = made
		}
		return im.stage.Append(ctx, "raw_results", number, r.id("id"), r.text("conversation_id"), clock)
	})
	if err != nil {
		return nil, err
	}
	rows, err := im.stage.Query(ctx, `
		WITH placed AS (
			SELECT place, id, conversation,
			       ROW_NUMBER() OVER (PARTITION BY conversation ORDER BY created_at DESC, place DESC) AS newness,
			       ROW_NUMBER() OVER (PARTITION BY conversation ORDER BY created_at, place) AS age,
			       COUNT(*) OVER (PARTITION BY conversation) AS results
			FROM raw_results
		)
		SELECT p.place, CASE WHEN p.newness = 1 THEN o.id ELSE '-' END
		FROM placed p
		JOIN placed o ON o.conversation = p.conversation AND o.age = 1
		WHERE p.results > 1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	repeated := map[int64]string{}
	for rows.Next() {
		var place int64
		var id string
		if err := rows.Scan(&place, &id); err != nil {
			return nil, err
		}
		repeated[place] = id
	}
	if len(repeated) > 0 {
		im.notes["AttackResultEntries: of several results of one conversation the newest counts; the others are raw records"] = int64(len(repeated))
	}
	return repeated, rows.Err()
}

// result reads one attack result.
func (im *importer) result(ctx context.Context, r *row, a *storage.StagedAttack, extras []extra) ([]extra, error) {
	finished, lost := im.time(r, "timestamp")
	extras = append(extras, lost...)
	a.StartedAt, a.FinishedAt = finished, &finished
	a.Objective = r.optional("objective")
	a.ObjectiveHash = r.optional("objective_sha256")
	if a.ObjectiveHash == nil && a.Objective != nil && *a.Objective != "" {
		hash := storage.TextHash(*a.Objective)
		a.ObjectiveHash = &hash
	}
	a.PromptKey = a.ObjectiveHash
	a.HarmCategories = im.list(r.text("targeted_harm_categories"))
	a.Tags = []string{}
	extras, err := im.describeResult(ctx, r, a, extras)
	if err != nil {
		return nil, err
	}
	for column, into := range map[string]**int64{
		"executed_turns": &a.Turns, "execution_time_ms": &a.DurationMs, "total_retries": &a.Retries,
	} {
		if *into = r.integer(column); *into == nil && r.text(column) != "" {
			extras = append(extras, extra{column, quote(r.text(column))})
		}
	}
	slices.SortFunc(extras, func(a, b extra) int { return strings.Compare(a.name, b.name) })
	a.ErrorType, a.ErrorMessage = r.optional("error_type"), r.optional("error_message")
	a.OutcomeReason = r.optional("outcome_reason")
	a.ObjectiveScore = r.id("last_score_id")
	extras = append(extras, im.outcome(r, a)...)
	a.Execution = r.id("attribution_parent_id")
	for key, value := range im.labels(r.text("labels")) {
		label := storage.StagedLabel{Source: a.Source, Attack: a.SourceID, Label: storage.Label{Key: key, Value: value}}
		if err := im.stage.AddLabel(ctx, &label); err != nil {
			return nil, err
		}
	}
	return extras, nil
}

// outcome takes what the source states; everything else is left to the derivation.
func (im *importer) outcome(r *row, a *storage.StagedAttack) []extra {
	stated := r.text("outcome")
	outcome := storage.Outcome(strings.ToUpper(stated))
	if im.opts.unstated {
		a.ObjectiveScore = ""
		return nil
	}
	switch outcome {
	case storage.OutcomeSuccess, storage.OutcomeFailure, storage.OutcomeUndetermined, storage.OutcomeError:
		a.Outcome, a.OutcomeSource = outcome, storage.OutcomeStated
		return nil
	}
	if stated == "" {
		return nil
	}
	return []extra{{"outcome", quote(stated)}}
}

// describeResult reads the identifiers. The atomic attack's identifier holds the
// attack's (the only one in 1.x, which may be missing where the attack failed early).
func (im *importer) describeResult(ctx context.Context, r *row, a *storage.StagedAttack, extras []extra) ([]extra, error) {
	atomicHash := r.text("atomic_attack_identifier_hash")
	atomic := im.identifier(r, "atomic_attack_identifier")
	made, err := im.strategyOf(ctx, atomic)
	if err != nil {
		return nil, err
	}
	if own := r.json("attack_identifier"); own != "" && own != "{}" {
		described, err := im.strategyOf(ctx, own)
		if err != nil {
			return nil, err
		}
		attribute := `{"component":"` + described.attacker + `"}`
		if described.ofRun {
			attribute = im.value(own)
		}
		extras = append(extras, extra{"attack_identifier", attribute})
		both := *described
		both.technique, both.seeds = made.technique, made.seeds
		made = &both
	}
	a.AttackClass, a.TechniqueHash = made.class, pointer(made.technique)
	a.TargetHash, a.AttackerHash = pointer(made.target), pointer(made.attacker)
	a.ConverterChain, a.ConverterHash = made.converters.text, made.converters.hashes
	for place, sha := range made.seeds {
		if err := im.stage.Append(ctx, "raw_seeds", a.SourceID, sha, int64(place)); err != nil {
			return nil, err
		}
	}
	if atomicHash != "" {
		extras = append(extras, extra{"atomic_attack_identifier_hash", quote(atomicHash)})
		if im.table("AtomicAttackSeedIdentifiers") != nil {
			if err := im.stage.Append(ctx, "raw_atomics", a.SourceID, atomicHash); err != nil {
				return nil, err
			}
		}
		if im.table("AtomicAttackIdentifiers") != nil {
			return extras, nil // the identifier is one of its raw records
		}
	}
	if atomic == "" {
		return extras, nil
	}
	key := storage.TextHash(atomic)
	if _, kept := im.known.atomics.get(key); !kept {
		im.known.atomics.put(key, struct{}{})
		err := im.stage.AddRaw(ctx, &storage.StagedRaw{
			Source: storage.SourcePyRIT, SourceID: key, Record: rawAtomic, Body: storage.JSON(im.value(atomic)),
		})
		if err != nil {
			return nil, err
		}
	}
	return append(extras, extra{"atomic_attack_identifier", `{"raw":"` + key + `"}`}), nil
}

// rawAtomic is the record of an atomic attack's identifier, by its text's SHA-256,
// where the file has no table of them. Attacks name it in their attributes.
const rawAtomic = "pyrit.AtomicAttackIdentifier"

// references notes which conversations belong to a result. They name its main
// conversation, because of several results only one becomes the attack.
func (im *importer) references(ctx context.Context, r *row) error {
	conversation := mainConversation(r)
	if err := im.stage.Append(ctx, "raw_refs", conversation, conversation, int64(1)); err != nil {
		return err
	}
	for _, kind := range []struct {
		column   string
		priority int64
	}{{"pruned_conversation_ids", 2}, {"adversarial_chat_conversation_ids", 3}} {
		text := r.json(kind.column)
		if text == "" || text == "[]" {
			continue
		}
		var ids []string
		if json.Unmarshal([]byte(text), &ids) != nil {
			im.note(r.t.name + ": " + kind.column + " that is no list of ids")
			ids = list(text)
		}
		for _, id := range ids {
			if err := im.stage.Append(ctx, "raw_refs", id, conversation, kind.priority); err != nil {
				return err
			}
		}
	}
	return nil
}
