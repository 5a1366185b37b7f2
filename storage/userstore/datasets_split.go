package userstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/violentutf/violentutf/storage"
)

// mostParts is how many splits a version can have.
const mostParts = 50

// SplitDataset divides a version into named splits.
func (s *Store) SplitDataset(ctx context.Context, version storage.VersionKey, plan *storage.SplitPlan) error {
	if err := checkParts(plan.Parts); err != nil {
		return err
	}
	made, err := json.Marshal(map[string]any{"seed": plan.Seed, "stratified": plan.Stratified, "parts": plan.Parts})
	if err != nil {
		return fmt.Errorf("write how a split was made: %w", err)
	}
	return s.changing(ctx, "split a dataset", func(ctx context.Context, tx *sql.Tx) error {
		number, err := s.versionNumber(ctx, tx, version)
		if err != nil {
			return err
		}
		version.Number = number
		strata, err := s.strataOf(ctx, tx, version, plan.Stratified)
		if err != nil {
			return err
		}
		sizes, err := partSizes(plan.Parts, strata)
		if err != nil {
			return err
		}
		for _, from := range []string{"dataset_split_members", "dataset_splits"} {
			if _, err := tx.ExecContext(ctx, `
DELETE FROM `+from+`
WHERE owner_id = $1 AND dataset_id = $2 AND version = $3`, s.owner, version.Dataset, number); err != nil {
				return err
			}
		}
		if err := s.divide(ctx, tx, version, plan, strata, sizes); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
INSERT INTO dataset_splits (owner_id, dataset_id, version, name, place, prompts, made_by, author, created_at)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), p.name, p.place,
  (SELECT count(*) FROM dataset_split_members m
    WHERE m.owner_id = $1 AND m.dataset_id = $2 AND m.version = $3 AND m.name = p.name),
  CAST($6 AS TEXT), CAST($7 AS TEXT), CAST($8 AS TIMESTAMP)
FROM (SELECT unnest(CAST($4 AS TEXT[])) AS name, unnest(CAST($5 AS BIGINT[])) AS place) p`,
			s.owner, version.Dataset, number, namesOf(plan.Parts), placesOf(plan.Parts), string(made), plan.Author, plan.At.UTC())
		return err
	})
}

// divide gives every prompt to the part whose range holds its rank in its stratum, which
// the seed shuffles.
func (s *Store) divide(ctx context.Context, tx *sql.Tx, version storage.VersionKey, plan *storage.SplitPlan, strata []stratum, sizes [][]int64) error {
	var names, of []string
	var from, to []int64
	for i, stratum := range strata {
		below := int64(0)
		for j, part := range plan.Parts {
			names, of = append(names, part.Name), append(of, stratum.name)
			from, to = append(from, below), append(to, below+sizes[j][i])
			below += sizes[j][i]
		}
	}
	if len(names) == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `
INSERT INTO dataset_split_members (owner_id, dataset_id, version, name, prompt_no)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), r.name, s.prompt_no
FROM (
  SELECT m.prompt_no, `+stratumOf(plan.Stratified)+` AS stratum,
    row_number() OVER (PARTITION BY `+stratumOf(plan.Stratified)+` ORDER BY `+shuffled("$4", "m.position")+`) - 1 AS place
  FROM dataset_members m
  JOIN dataset_prompts p ON p.owner_id = m.owner_id AND p.prompt_no = m.prompt_no
  WHERE m.owner_id = $1 AND m.dataset_id = $2 AND m.version = $3
) s
JOIN (
  SELECT unnest(CAST($5 AS TEXT[])) AS name, unnest(CAST($6 AS TEXT[])) AS stratum,
    unnest(CAST($7 AS BIGINT[])) AS low, unnest(CAST($8 AS BIGINT[])) AS high
) r ON r.stratum = s.stratum AND s.place >= r.low AND s.place < r.high`,
		s.owner, version.Dataset, version.Number, plan.Seed, names, of, from, to)
	return err
}

// RemoveSplit removes a split of a version.
func (s *Store) RemoveSplit(ctx context.Context, version storage.VersionKey, name string) error {
	return s.changing(ctx, "remove a split", func(ctx context.Context, tx *sql.Tx) error {
		number, err := s.versionNumber(ctx, tx, version)
		if err != nil {
			return err
		}
		var last sql.Result
		for _, from := range []string{"dataset_split_members", "dataset_splits"} {
			if last, err = tx.ExecContext(ctx, `
DELETE FROM `+from+`
WHERE owner_id = $1 AND dataset_id = $2 AND version = $3 AND name = $4`, s.owner, version.Dataset, number, name); err != nil {
				return err
			}
		}
		if rows, err := last.RowsAffected(); err != nil || rows > 0 {
			return err
		}
		return &storage.Error{Code: storage.CodeNotFound, Field: "name", Message: fmt.Sprintf("version %d has no split of this name", number)}
	})
}

// shuffled orders prompts p by a seed: the same everywhere, for md5 is. What has the same
// text is told apart by its place.
func shuffled(seed, place string) string {
	return "md5(CAST(CAST(" + seed + " AS BIGINT) AS TEXT) || ':' || p.sha256 || ':' || CAST(" + place + " AS TEXT)), " + place
}

// stratumOf is the stratum of prompts p.
func stratumOf(stratified bool) string {
	if stratified {
		return "COALESCE(p.harm_categories[1], '')"
	}
	return "CAST('' AS TEXT)"
}

// stratum is a first harm category and how many prompts have it.
type stratum struct {
	name string
	rows int64
}

func (s *Store) strataOf(ctx context.Context, tx *sql.Tx, version storage.VersionKey, stratified bool) ([]stratum, error) {
	rows, err := tx.QueryContext(ctx, `
SELECT g.stratum, count(*)
FROM (
  SELECT `+stratumOf(stratified)+` AS stratum
  FROM dataset_members m
  JOIN dataset_prompts p ON p.owner_id = m.owner_id AND p.prompt_no = m.prompt_no
  WHERE m.owner_id = $1 AND m.dataset_id = $2 AND m.version = $3
) g
GROUP BY g.stratum
ORDER BY g.stratum`, s.owner, version.Dataset, version.Number)
	if err != nil {
		return nil, err
	}
	return scanStrata(rows)
}

func scanStrata(rows *sql.Rows) ([]stratum, error) {
	defer rows.Close()
	var all []stratum
	for rows.Next() {
		var s stratum
		if err := rows.Scan(&s.name, &s.rows); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

func checkParts(parts []storage.SplitPart) error {
	if len(parts) < 2 || len(parts) > mostParts {
		return storage.BadInput("parts", "name 2 to %d parts", mostParts)
	}
	seen := map[string]bool{}
	sum, fractions := 0.0, parts[0].Fraction != nil
	for _, part := range parts {
		switch {
		case strings.TrimSpace(part.Name) == "" || len(part.Name) > 100 || !storable(part.Name):
			return storage.BadInput("parts", "give every part a name of at most 100 bytes")
		case seen[part.Name]:
			return storage.BadInput("parts", "two parts have the same name")
		case (part.Fraction != nil) == (part.Count != nil), (part.Fraction != nil) != fractions:
			return storage.BadInput("parts", "give every part a fraction, or every part a count")
		case part.Fraction != nil && !(*part.Fraction > 0 && *part.Fraction < 1), part.Count != nil && *part.Count < 0:
			return storage.BadInput("parts", "a fraction lies between 0 and 1, and a count is not below 0")
		}
		seen[part.Name] = true
		if fractions {
			sum += *part.Fraction
		}
	}
	if fractions && math.Abs(sum-1) > 1e-9 {
		return storage.BadInput("parts", "the fractions add up to %g instead of 1", sum)
	}
	return nil
}

// partSizes says how many prompts of each stratum each part gets: all of them together,
// each part of the size that it was given.
func partSizes(parts []storage.SplitPart, strata []stratum) ([][]int64, error) {
	total, counted := int64(0), int64(0)
	for _, s := range strata {
		total += s.rows
	}
	for _, part := range parts {
		if part.Count != nil {
			counted += *part.Count
		}
	}
	if parts[0].Count != nil && counted != total {
		return nil, storage.BadInput("parts", "the counts add up to %d, and the version has %d prompts", counted, total)
	}
	// Cumulative shares are rounded, so that the parts are complete whatever their number,
	// and each takes its share of what the ones before left of every stratum.
	left := slices.Clone(strata)
	sizes := make([][]int64, len(parts))
	share, done := 0.0, int64(0)
	for j, part := range parts {
		wanted := total - done
		switch {
		case part.Count != nil:
			wanted = *part.Count
		case j < len(parts)-1:
			share += *part.Fraction
			wanted = int64(math.Round(share*float64(total))) - done
		}
		sizes[j] = allot(left, float64(wanted)/math.Max(float64(total-done), 1), wanted)
		for i := range left {
			left[i].rows -= sizes[j][i]
		}
		done += wanted
	}
	return sizes, nil
}

// allot takes the share of each stratum, wanted in all: the largest remainders get what
// rounding down leaves (Hamilton's method).
func allot(strata []stratum, share float64, wanted int64) []int64 {
	quota := make([]int64, len(strata))
	left := wanted
	for i, s := range strata {
		quota[i] = min(int64(share*float64(s.rows)), s.rows)
		left -= quota[i]
	}
	for left > 0 {
		best, most := -1, -1.0
		for i, s := range strata {
			if rest := share*float64(s.rows) - float64(quota[i]); quota[i] < s.rows && rest > most {
				best, most = i, rest
			}
		}
		if best < 0 {
			break
		}
		quota[best]++
		left--
	}
	return quota
}

func namesOf(parts []storage.SplitPart) []string {
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.Name
	}
	return names
}

func placesOf(parts []storage.SplitPart) []int64 {
	places := make([]int64, len(parts))
	for i := range parts {
		places[i] = int64(i)
	}
	return places
}
