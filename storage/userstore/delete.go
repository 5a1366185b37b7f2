package userstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// Delete removes what is selected, with everything that only it has, from a store that
// is still of the revision: it goes through the trash, and out of it at once.
func (s *Store) Delete(ctx context.Context, what storage.Selection, revision int64, allowed func(ctx context.Context) error) error {
	return s.changing(ctx, "delete", func(ctx context.Context, tx *sql.Tx) error {
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
		g, err := s.takeAway(ctx, tx, what)
		if err != nil {
			return err
		}
		if err := g.part(ctx); err != nil {
			return err
		}
		_, err = s.purge(ctx, tx, []string{g.entry})
		return err
	})
}

// CheckDelete tells what is in the way of a deletion after a copy: it deletes, looks and
// takes it back.
func (s *Store) CheckDelete(ctx context.Context, what storage.Selection) error {
	err := s.engine.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) error {
		g, err := s.takeAway(ctx, tx, what)
		if err != nil {
			return err
		}
		for _, found := range g.found {
			if found.What == evidenceOfFindings {
				return &storage.Error{
					Code: storage.CodeConflict, Field: "attacks",
					Message: fmt.Sprintf("%d pieces of evidence of findings that stay would go: name the findings too, copy instead, or take the evidence out of them first", found.Count),
				}
			}
		}
		return errUndone
	})
	if errors.Is(err, errUndone) {
		return nil
	}
	return fmt.Errorf("check a deletion: %w", err)
}

// takeAway takes what is selected out of the workspace. What stays may not lose what it
// refers to, but a component may lose the thing that it came from.
func (s *Store) takeAway(ctx context.Context, tx *sql.Tx, what storage.Selection) (*going, error) {
	if what.Filter != nil {
		return nil, storage.BadInput("filter", "only what is named by its key can be deleted: list the attacks first")
	}
	if err := s.hasHistory(ctx, tx, what.Datasets); err != nil {
		return nil, err
	}
	g := &going{store: s, tx: tx, entry: uuid.Must(uuid.NewV7()).String(), lenient: true}
	err := g.take(ctx, &storage.Deletion{
		Numbered: map[string][]int64{"attacks": what.Attacks},
		Keyed: map[string][]string{
			"datasets": what.Datasets, "generators": what.Generators, "converters": what.Converters, "scorers": what.Scorers,
			"findings": what.Findings,
		},
	})
	if err != nil {
		return nil, err
	}
	for _, found := range g.found {
		switch r := found.reference; {
		case found.along:
			return nil, &storage.Error{
				Code: storage.CodeConflict, Field: found.argument,
				Message: fmt.Sprintf("there are %d %s: copy them, or delete the orchestrators first", found.Count, found.What),
			}
		case r == nil || r.table == "components":
		case r.to == "dataset_prompts":
			return nil, &storage.Error{
				Code: storage.CodeConflict, Field: r.argument,
				Message: fmt.Sprintf("%d attacks of this workspace came from prompts of these datasets: copy the datasets, or take those attacks with them", found.Count),
			}
		default:
			return nil, &storage.Error{
				Code: storage.CodeConflict, Field: "attacks",
				Message: fmt.Sprintf("%d %s would stay behind: take their attacks along, or copy instead", found.Count, found.What),
			}
		}
	}
	return g, nil
}

// hasHistory is CodeConflict for datasets of which a copy would leave something behind: it
// has the newest version alone.
func (s *Store) hasHistory(ctx context.Context, tx *sql.Tx, datasets []string) error {
	if len(datasets) == 0 {
		return nil
	}
	var history int64
	if err := tx.QueryRowContext(ctx, `
SELECT (
  SELECT count(*) FROM dataset_versions v
  WHERE v.owner_id = $1 AND v.dataset_id IN (SELECT unnest(CAST($2 AS TEXT[]))) AND (v.version > 1 OR v.used_at IS NOT NULL)
) + (
  SELECT count(*) FROM dataset_splits s
  WHERE s.owner_id = $1 AND s.dataset_id IN (SELECT unnest(CAST($2 AS TEXT[])))
)`, s.owner, datasets).Scan(&history); err != nil {
		return fmt.Errorf("look for versions of datasets: %w", err)
	}
	if history > 0 {
		return &storage.Error{
			Code: storage.CodeConflict, Field: "datasets",
			Message: "these datasets have older versions, versions that were used, or splits, which a copy does not take along: copy instead",
		}
	}
	return nil
}
