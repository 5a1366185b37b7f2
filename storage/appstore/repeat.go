package appstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// repeatable is how long a mutation's id is remembered.
const repeatable = 24 * time.Hour

// ClaimMutation returns nil when the mutation is to be done, and the first answer when
// it was. CodeConflict for an id that is in use.
func (s *Store) ClaimMutation(ctx context.Context, userKey, mutationID, requestHash string) (*storage.JSON, error) {
	if mutationID == "" || mutationID != storage.Plain(mutationID, storage.MaxMutationID) {
		return nil, storage.BadInput("clientMutationId", "a clientMutationId must have 1 to %d bytes of printable characters", storage.MaxMutationID)
	}
	var answer *storage.JSON
	now := s.now()
	err := s.db.WithTx(ctx, func(tx Runner) error {
		claimed, err := exec(ctx, tx, "claim a mutation", `
			INSERT INTO idempotency_keys (user_id, mutation_id, request_sha256, expires_at)
			VALUES ($1, $2, $3, $4)
			ON CONFLICT (user_id, mutation_id) DO UPDATE
			SET request_sha256 = excluded.request_sha256, answer = NULL, expires_at = excluded.expires_at
			WHERE idempotency_keys.expires_at <= $5`,
			userKey, mutationID, requestHash, now.Add(repeatable).UnixMicro(), now.UnixMicro())
		if err != nil || claimed > 0 {
			return err
		}
		answer, err = firstAnswer(ctx, tx, userKey, mutationID, requestHash)
		return err
	})
	return answer, err
}

// firstAnswer is that of a mutation which was claimed before.
func firstAnswer(ctx context.Context, tx Runner, userKey, mutationID, requestHash string) (*storage.JSON, error) {
	type claim struct {
		hash   string
		answer *storage.JSON
	}
	found, err := first(ctx, tx, "find a mutation", func(row *sql.Rows, into *claim) error {
		return row.Scan(&into.hash, &into.answer)
	}, `
		SELECT request_sha256, answer
		FROM idempotency_keys
		WHERE user_id = $1 AND mutation_id = $2`, userKey, mutationID)
	switch {
	case err != nil:
		return nil, err
	case found == nil || found.answer == nil && found.hash == requestHash:
		return nil, inUseAlready("a mutation with this clientMutationId still runs, or was interrupted: " +
			"look whether it was done, and send it with a new id if it was not")
	case found.hash != requestHash:
		return nil, inUseAlready("another mutation had this clientMutationId: use a new id for each")
	}
	return found.answer, nil
}

func inUseAlready(message string) error {
	return &storage.Error{Code: storage.CodeConflict, Field: "clientMutationId", Message: message}
}

// FinishMutation keeps the answer of a claimed mutation.
func (s *Store) FinishMutation(ctx context.Context, userKey, mutationID string, answer storage.JSON) error {
	if len(answer) > storage.MaxRepeatedAnswer || !json.Valid([]byte(answer)) {
		return storage.BadInput("answer", "the answer that is kept must be JSON of at most %d bytes", storage.MaxRepeatedAnswer)
	}
	changed, err := exec(ctx, s.db, "finish a mutation", `
		UPDATE idempotency_keys
		SET answer = $3
		WHERE user_id = $1 AND mutation_id = $2 AND answer IS NULL`, userKey, mutationID, string(answer))
	if err == nil && changed == 0 {
		err = storage.Errorf(storage.CodeNotFound, "there is no running mutation of that clientMutationId")
	}
	return err
}

// ReleaseMutation gives up the claim of a mutation that did nothing.
func (s *Store) ReleaseMutation(ctx context.Context, userKey, mutationID string) error {
	_, err := exec(ctx, s.db, "release a mutation", `
		DELETE FROM idempotency_keys
		WHERE user_id = $1 AND mutation_id = $2 AND answer IS NULL`, userKey, mutationID)
	return err
}

// PurgeMutations forgets those of yesterday.
func (s *Store) PurgeMutations(ctx context.Context) (int64, error) {
	return exec(ctx, s.db, "purge mutations", `
		DELETE FROM idempotency_keys
		WHERE expires_at <= $1`, s.now().UnixMicro())
}
