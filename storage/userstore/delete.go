package userstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// Delete removes what is selected, with everything that only it has, from a store that
// is still of the revision.
func (s *Store) Delete(ctx context.Context, what storage.Selection, revision int64, allowed func(ctx context.Context) error) error {
	err := s.engine.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := allowed(ctx); err != nil {
			return err
		}
		var now int64
		if err := tx.QueryRowContext(ctx, `
SELECT revision
FROM store_info
WHERE owner_id = $1`, s.owner).Scan(&now); err != nil {
			return err
		}
		if now != revision {
			return storage.Errorf(storage.CodeConflict, "the workspace was changed meanwhile, so nothing was deleted in it: do it again")
		}
		if err := s.checkDelete(ctx, tx, what); err != nil {
			return err
		}
		return s.delete(ctx, tx, what)
	})
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
}

// CheckDelete tells what is in the way of a deletion after a copy.
func (s *Store) CheckDelete(ctx context.Context, what storage.Selection) error {
	if err := s.checkDelete(ctx, s.reader(), what); err != nil || len(what.Attacks) == 0 {
		return err
	}
	var shows int64
	if err := s.reader().QueryRowContext(ctx, `
SELECT (
  SELECT count(*) FROM finding_attacks f
  WHERE f.owner_id = $1 AND f.attack_no IN `+deletedAttacks+` AND f.finding_id NOT IN `+deletedFindings+`
) + (
  SELECT count(*) FROM finding_messages f
  WHERE f.owner_id = $1 AND f.conversation_no IN `+deletedConversations+` AND f.finding_id NOT IN `+deletedFindings+`
)`, s.owner, what.Attacks, append([]string{}, what.Findings...)).Scan(&shows); err != nil {
		return fmt.Errorf("look for evidence: %w", err)
	}
	if shows > 0 {
		return &storage.Error{
			Code: storage.CodeConflict, Field: "attacks",
			Message: fmt.Sprintf("%d pieces of evidence of findings that stay would go: name the findings too, copy instead, or take the evidence out of them first", shows),
		}
	}
	return nil
}

// The findings are $3.
const deletedFindings = `(SELECT unnest(CAST($3 AS TEXT[])))`

// stays counts what would stay and refer to attacks that would go: $2. A reference that
// leads nowhere would lose what the source said.
var stays = []struct{ what, count string }{
	{"conversations that branch from theirs", `
SELECT count(*)
FROM conversations c
WHERE c.owner_id = $1 AND c.branched_from_no IN ` + deletedConversations + `
  AND c.conversation_no NOT IN ` + deletedConversations},
	{"messages that repeat theirs", `
SELECT count(*)
FROM prompt_request_responses m
WHERE m.owner_id = $1 AND m.original_conversation_no IN ` + deletedConversations + `
  AND m.conversation_no NOT IN ` + deletedConversations},
	{"attacks whose objective score is one of theirs", `
SELECT count(*)
FROM attacks a
JOIN scores s ON s.owner_id = a.owner_id AND s.score_no = a.objective_score_no
WHERE a.owner_id = $1 AND a.attack_no NOT IN ` + deletedAttacks + `
  AND (s.conversation_no IN ` + deletedConversations + `
    OR s.conversation_no IS NULL AND s.score_no IN (
      SELECT d.objective_score_no FROM attacks d
      WHERE d.owner_id = $1 AND d.attack_no IN ` + deletedAttacks + `))`},
	{"attacks whose main conversation is one of theirs", `
SELECT count(*)
FROM attacks a
WHERE a.owner_id = $1 AND a.attack_no NOT IN ` + deletedAttacks + ` AND a.conversation_no IN ` + deletedConversations},
}

func (s *Store) checkDelete(ctx context.Context, from reader, what storage.Selection) error {
	if what.Filter != nil {
		return storage.BadInput("filter", "only what is named by its key can be deleted: list the attacks first")
	}
	for _, reference := range stays {
		if len(what.Attacks) == 0 {
			break
		}
		var count int64
		if err := from.QueryRowContext(ctx, reference.count, s.owner, what.Attacks).Scan(&count); err != nil {
			return fmt.Errorf("look for %s: %w", reference.what, err)
		}
		if count > 0 {
			return &storage.Error{
				Code: storage.CodeConflict, Field: "attacks",
				Message: fmt.Sprintf("%d %s would stay behind: take their attacks along, or copy instead", count, reference.what),
			}
		}
	}
	for _, list := range []struct {
		field string
		keys  []string
	}{{"datasets", what.Datasets}, {"generators", what.Generators}, {"converters", what.Converters}, {"scorers", what.Scorers}} {
		if len(list.keys) == 0 {
			continue
		}
		using, err := orchestratorsNaming(ctx, from, s.owner, list.keys)
		if err != nil {
			return fmt.Errorf("look for orchestrators of %s: %w", list.field, err)
		}
		if len(using) > 0 {
			return &storage.Error{
				Code: storage.CodeConflict, Field: list.field,
				Message: fmt.Sprintf("%d orchestrators name some of these %s: copy them, or delete the orchestrators first", len(using), list.field),
			}
		}
	}
	if len(what.Datasets) == 0 {
		return nil
	}
	var used int64
	if err := from.QueryRowContext(ctx, `
SELECT count(*)
FROM attacks a
JOIN dataset_prompts p ON p.owner_id = a.owner_id AND p.prompt_no = a.prompt_no
WHERE a.owner_id = $1 AND p.dataset_id IN (SELECT unnest(CAST($3 AS TEXT[]))) AND a.attack_no NOT IN `+deletedAttacks,
		s.owner, withoutNil(what.Attacks), what.Datasets).Scan(&used); err != nil {
		return fmt.Errorf("look for attacks of datasets: %w", err)
	}
	if used > 0 {
		return &storage.Error{
			Code: storage.CodeConflict, Field: "datasets",
			Message: fmt.Sprintf("%d attacks of this workspace came from prompts of these datasets: copy the datasets, or take those attacks with them", used),
		}
	}
	return nil
}

func withoutNil(numbers []int64) []int64 {
	if numbers == nil {
		return []int64{}
	}
	return numbers
}

func (s *Store) delete(ctx context.Context, tx *sql.Tx, what storage.Selection) error {
	if err := s.deleteAttacks(ctx, tx, what.Attacks); err != nil {
		return err
	}
	for _, from := range []struct {
		table, key string
		keys       []string
	}{
		{"dataset_split_members", "dataset_id", what.Datasets},
		{"dataset_splits", "dataset_id", what.Datasets},
		{"dataset_members", "dataset_id", what.Datasets},
		{"dataset_versions", "dataset_id", what.Datasets},
		{"dataset_prompts", "dataset_id", what.Datasets},
		{"datasets", "id", what.Datasets},
		{string(storage.KindGenerators), "id", what.Generators},
		{string(storage.KindConverters), "id", what.Converters},
		{string(storage.KindScorers), "id", what.Scorers},
		{"finding_attacks", "finding_id", what.Findings},
		{"finding_messages", "finding_id", what.Findings},
		{"findings", "id", what.Findings},
	} {
		if len(from.keys) == 0 {
			continue
		}
		if _, err := tx.ExecContext(ctx, `
DELETE FROM `+from.table+`
WHERE owner_id = $1 AND `+from.key+` IN (SELECT unnest(CAST($2 AS TEXT[])))`, s.owner, from.keys); err != nil {
			return fmt.Errorf("%s: %w", from.table, err)
		}
	}
	return s.raiseRevision(ctx, tx)
}

// The attacks are $2; what hangs on them is deleted before they are.
const (
	deletedAttacks       = `(SELECT unnest(CAST($2 AS BIGINT[])))`
	deletedConversations = `(
  SELECT c.conversation_no FROM conversations c
  WHERE c.owner_id = $1 AND c.attack_no IN ` + deletedAttacks + `)`
)

var deleteOfAttacks = []string{
	`DELETE FROM source_ranks AS k
USING attacks AS a
WHERE k.owner_id = $1 AND k.kind = 'attacks' AND k.source = a.source AND k.source_id = a.source_id
  AND a.owner_id = $1 AND a.attack_no IN ` + deletedAttacks,
	`DELETE FROM source_ranks AS k
USING scores AS s
WHERE k.owner_id = $1 AND k.kind = 'scores' AND k.source = s.source AND k.source_id = s.source_id
  AND s.owner_id = $1 AND s.conversation_no IN ` + deletedConversations,
	// An objective score may lie on loose content, which no conversation has.
	`DELETE FROM scores
WHERE owner_id = $1 AND conversation_no IS NULL AND score_no IN (
  SELECT a.objective_score_no FROM attacks a
  WHERE a.owner_id = $1 AND a.attack_no IN ` + deletedAttacks + `)`,
	`DELETE FROM annotations
WHERE owner_id = $1 AND (attack_no IN ` + deletedAttacks + ` OR conversation_no IN ` + deletedConversations + `)`,
	`DELETE FROM attack_tags WHERE owner_id = $1 AND attack_no IN ` + deletedAttacks,
	`DELETE FROM raw_exchanges WHERE owner_id = $1 AND conversation_no IN ` + deletedConversations,
	`DELETE FROM finding_attacks WHERE owner_id = $1 AND attack_no IN ` + deletedAttacks,
	`DELETE FROM finding_messages WHERE owner_id = $1 AND conversation_no IN ` + deletedConversations,
	`DELETE FROM scores WHERE owner_id = $1 AND conversation_no IN ` + deletedConversations,
	`DELETE FROM embeddings WHERE owner_id = $1 AND conversation_no IN ` + deletedConversations,
	`DELETE FROM files
WHERE owner_id = $1
  AND sha256 IN (
    SELECT f.sha256 FROM message_files f
    WHERE f.owner_id = $1 AND f.conversation_no IN ` + deletedConversations + `)
  AND sha256 NOT IN (
    SELECT f.sha256 FROM message_files f
    WHERE f.owner_id = $1 AND f.conversation_no NOT IN ` + deletedConversations + `)`,
	`DELETE FROM message_files WHERE owner_id = $1 AND conversation_no IN ` + deletedConversations,
	`DELETE FROM memory_labels
WHERE owner_id = $1 AND (attack_no IN ` + deletedAttacks + ` OR conversation_no IN ` + deletedConversations + `)`,
	`DELETE FROM prompt_request_responses WHERE owner_id = $1 AND conversation_no IN ` + deletedConversations,
	`DELETE FROM conversations WHERE owner_id = $1 AND attack_no IN ` + deletedAttacks,
	`DELETE FROM attacks WHERE owner_id = $1 AND attack_no IN ` + deletedAttacks,
}

func (s *Store) deleteAttacks(ctx context.Context, tx *sql.Tx, numbers []int64) error {
	if len(numbers) == 0 {
		return nil
	}
	for _, statement := range deleteOfAttacks {
		if _, err := tx.ExecContext(ctx, statement, s.owner, numbers); err != nil {
			return fmt.Errorf("attacks: %w", err)
		}
	}
	return nil
}
