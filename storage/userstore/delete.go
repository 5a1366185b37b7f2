package userstore

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// Delete removes what is selected, with everything that only it has, from a store that
// is still of the revision.
func (s *Store) Delete(ctx context.Context, what storage.Selection, revision int64) error {
	if what.Filter != nil {
		return storage.BadInput("filter", "only what is named by its key can be deleted: list the attacks first")
	}
	err := s.engine.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
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
		if err := s.deleteAttacks(ctx, tx, what.Attacks); err != nil {
			return err
		}
		if err := s.deleteDatasets(ctx, tx, what.Datasets); err != nil {
			return err
		}
		for table, keys := range map[storage.ConfiguredKind][]string{
			storage.KindGenerators: what.Generators, storage.KindConverters: what.Converters, storage.KindScorers: what.Scorers,
		} {
			if len(keys) == 0 {
				continue
			}
			if _, err := tx.ExecContext(ctx, `
DELETE FROM `+string(table)+`
WHERE owner_id = $1 AND id IN (SELECT unnest(CAST($2 AS TEXT[])))`, s.owner, keys); err != nil {
				return err
			}
		}
		_, err := tx.ExecContext(ctx, `
UPDATE store_info
SET revision = revision + 1
WHERE owner_id = $1`, s.owner)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	return nil
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
	`DELETE FROM scores WHERE owner_id = $1 AND conversation_no IN ` + deletedConversations,
	`DELETE FROM embeddings WHERE owner_id = $1 AND conversation_no IN ` + deletedConversations,
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

func (s *Store) deleteDatasets(ctx context.Context, tx *sql.Tx, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	const prompts = `
  SELECT p.prompt_no FROM dataset_prompts p
  WHERE p.owner_id = $1 AND p.dataset_id IN (SELECT unnest(CAST($2 AS TEXT[])))`
	var used int64
	if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM attacks a
WHERE a.owner_id = $1 AND a.prompt_no IN (`+prompts+`)`, s.owner, keys).Scan(&used); err != nil {
		return fmt.Errorf("datasets: %w", err)
	}
	if used > 0 {
		return &storage.Error{
			Code: storage.CodeConflict, Field: "datasets",
			Message: fmt.Sprintf("%d attacks of this workspace came from prompts of these datasets: copy the datasets, or take those attacks with them", used),
		}
	}
	for _, statement := range []string{
		`DELETE FROM dataset_prompts WHERE owner_id = $1 AND dataset_id IN (SELECT unnest(CAST($2 AS TEXT[])))`,
		`DELETE FROM datasets WHERE owner_id = $1 AND id IN (SELECT unnest(CAST($2 AS TEXT[])))`,
	} {
		if _, err := tx.ExecContext(ctx, statement, s.owner, keys); err != nil {
			return fmt.Errorf("datasets: %w", err)
		}
	}
	return nil
}
