package userstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/violentutf/violentutf/storage"
)

// A page of a reader has about pageBytes of texts.
const (
	firstPage = 200
	pageBytes = 8 << 20
)

// promptReader gives prompts whose numbers wait in a temporary table, page by page. It
// belongs to one goroutine.
type promptReader struct {
	store *Store
	bulk  Bulk
	count int64
	// read gives the prompts of the rows behind a place, and the place of the last.
	read  func(ctx context.Context, after int64, limit int) ([]*storage.Prompt, int64, error)
	page  []*storage.Prompt
	place int64
	limit int
}

// OpenPrompts chooses prompts of versions and reads them.
func (s *Store) OpenPrompts(ctx context.Context, what storage.PromptSelection) (_ storage.PromptReader, err error) {
	r, err := s.newReader(ctx, "chosen", "place BIGINT, prompt_no BIGINT, position BIGINT")
	if err != nil {
		return nil, fmt.Errorf("open prompts: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("open prompts: %w", err), r.Close())
		}
	}()
	r.read = r.chosenPage
	for _, from := range what.From {
		if err := r.choose(ctx, from, what.Filter); err != nil {
			return nil, err
		}
	}
	if what.Distinct != nil {
		if err := r.leaveFirst(ctx, what.Distinct); err != nil {
			return nil, err
		}
	}
	if what.Sample != nil {
		if err := r.sample(ctx, what.Sample); err != nil {
			return nil, err
		}
	}
	return r, r.rewind(ctx, "chosen")
}

func (s *Store) newReader(ctx context.Context, table, columns string) (*promptReader, error) {
	bulk, err := s.engine.Bulk(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := bulk.Conn().ExecContext(ctx, "CREATE TEMPORARY TABLE "+table+" ("+columns+")"); err != nil {
		return nil, errors.Join(err, bulk.Close())
	}
	return &promptReader{store: s, bulk: bulk}, nil
}

// rewind begins at the first row of the table.
func (r *promptReader) rewind(ctx context.Context, table string) error {
	r.page, r.place, r.limit = nil, 0, firstPage
	return r.bulk.Conn().QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&r.count)
}

func (r *promptReader) Count() int64 { return r.count }

func (r *promptReader) Close() error { return r.bulk.Close() }

func (r *promptReader) Next(ctx context.Context) (*storage.Prompt, error) {
	if len(r.page) == 0 {
		var err error
		if r.page, r.place, err = r.read(ctx, r.place, r.limit); err != nil {
			return nil, fmt.Errorf("read prompts: %w", err)
		}
		if len(r.page) == 0 {
			return nil, io.EOF
		}
		bytes := 1
		for _, p := range r.page {
			bytes += len(p.Text)
		}
		r.limit = min(max(pageBytes/(bytes/len(r.page)+1), 1), literalKeys)
	}
	p := r.page[0]
	r.page = r.page[1:]
	return p, nil
}

// choose adds the prompts of one version that a filter leaves.
func (r *promptReader) choose(ctx context.Context, from storage.PromptsOf, filter *storage.PromptFilter) error {
	found, err := r.store.DatasetVersionsByKey(ctx, []storage.VersionKey{from.VersionKey})
	if err != nil {
		return err
	}
	version := found[from.VersionKey]
	if version == nil {
		return notThere("sources")
	}
	q := r.store.query()
	where := promptFilter(q, filter, 1)
	if from.Split != "" {
		splits, err := r.store.SplitsByVersion(ctx, []storage.VersionKey{version.VersionKey()})
		if err != nil {
			return err
		}
		known := false
		for _, split := range splits[version.VersionKey()] {
			known = known || split.Name == from.Split
		}
		if !known {
			return &storage.Error{Code: storage.CodeNotFound, Field: "sources", Message: fmt.Sprintf("version %d has no split of this name", version.Number)}
		}
		where += " AND " + promptFilter(q, &storage.PromptFilter{Split: &from.Split}, 1)
	}
	if q.err != nil {
		return q.err
	}
	join := ""
	if filter != nil {
		join = "JOIN dataset_prompts p ON p.owner_id = m.owner_id AND p.prompt_no = m.prompt_no"
	}
	_, err = r.bulk.Conn().ExecContext(ctx, `
INSERT INTO chosen
SELECT (SELECT count(*) FROM chosen) + row_number() OVER (ORDER BY m.position), m.prompt_no, m.position
FROM dataset_members m
`+join+`
WHERE m.owner_id = $1 AND m.dataset_id = CAST(`+q.arg(version.DatasetKey)+` AS TEXT)
  AND m.version = CAST(`+q.arg(version.Number)+` AS BIGINT) AND `+where, q.args...)
	return err
}

// chosenPage reads the chosen prompts behind a place.
func (r *promptReader) chosenPage(ctx context.Context, after int64, limit int) ([]*storage.Prompt, int64, error) {
	type row struct{ place, number, position int64 }
	rows, err := collectFrom(ctx, r.bulk.Conn(), "read the numbers of prompts", `
SELECT c.place, c.prompt_no, c.position
FROM chosen c
WHERE c.place > CAST($1 AS BIGINT)
ORDER BY c.place
LIMIT CAST($2 AS BIGINT)`, []any{after, int64(limit)}, func(rows *sql.Rows) (row, error) {
		var r row
		return r, rows.Scan(&r.place, &r.number, &r.position)
	})
	if err != nil || len(rows) == 0 {
		return nil, after, err
	}
	numbers := make([]int64, len(rows))
	for i, row := range rows {
		numbers[i] = row.number
	}
	found, err := r.store.PromptsByNumber(ctx, numbers)
	if err != nil {
		return nil, after, err
	}
	page := make([]*storage.Prompt, len(rows))
	for i, row := range rows {
		p := found[row.number]
		if p == nil {
			return nil, after, storage.Errorf(storage.CodeConflict, "a version that was being read was deleted meanwhile")
		}
		at := *p // a prompt may be chosen twice
		at.Index = row.position
		page[i] = &at
	}
	return page, rows[len(rows)-1].place, nil
}

// leaveFirst leaves, of prompts for which the function gives the same text, the first.
func (r *promptReader) leaveFirst(ctx context.Context, distinct func(string) string) error {
	if _, err := r.bulk.Conn().ExecContext(ctx, "CREATE TEMPORARY TABLE normal (place BIGINT, sum TEXT)"); err != nil {
		return err
	}
	if err := r.rewind(ctx, "chosen"); err != nil {
		return err
	}
	for place := int64(0); ; {
		page, last, err := r.read(ctx, place, firstPage)
		if err != nil {
			return err
		}
		if len(page) == 0 {
			break
		}
		// Without a sample yet, places have no gaps.
		for i, p := range page {
			sum := sha256.Sum256([]byte(distinct(p.Text)))
			if err := r.bulk.Append(ctx, "normal", place+1+int64(i), hex.EncodeToString(sum[:])); err != nil {
				return err
			}
		}
		place = last
	}
	if err := r.bulk.Flush(ctx); err != nil {
		return err
	}
	_, err := r.bulk.Conn().ExecContext(ctx, `
DELETE FROM chosen
WHERE place NOT IN (SELECT min(n.place) FROM normal n GROUP BY n.sum)`)
	return err
}

// sample leaves a part of what is chosen.
func (r *promptReader) sample(ctx context.Context, wanted *storage.Sample) error {
	if (wanted.Count == nil) == (wanted.Fraction == nil) {
		return storage.BadInput("sample", "give either count or fraction")
	}
	if wanted.Count != nil && *wanted.Count < 0 || wanted.Fraction != nil && !(*wanted.Fraction >= 0 && *wanted.Fraction <= 1) {
		return storage.BadInput("sample", "a count is not below 0, and a fraction lies between 0 and 1")
	}
	valued := `
  SELECT c.place, ` + stratumOf(wanted.Stratified) + ` AS stratum, row_number() OVER (
    PARTITION BY ` + stratumOf(wanted.Stratified) + ` ORDER BY ` + shuffled("$2", "c.place") + `) AS rank
  FROM chosen c
  JOIN dataset_prompts p ON p.owner_id = $1 AND p.prompt_no = c.prompt_no`
	rows, err := r.bulk.Conn().QueryContext(ctx, `
SELECT v.stratum, count(*)
FROM (`+valued+`
) v
GROUP BY v.stratum
ORDER BY v.stratum`, r.store.owner, wanted.Seed)
	if err != nil {
		return err
	}
	strata, err := scanStrata(rows)
	if err != nil {
		return err
	}
	total := int64(0)
	names := make([]string, len(strata))
	for i, s := range strata {
		names[i] = s.name
		total += s.rows
	}
	count, share := total, 1.0
	if wanted.Fraction != nil {
		count, share = int64(math.Round(*wanted.Fraction*float64(total))), *wanted.Fraction
	} else if *wanted.Count < total {
		count, share = *wanted.Count, float64(*wanted.Count)/float64(total)
	}
	_, err = r.bulk.Conn().ExecContext(ctx, `
DELETE FROM chosen
WHERE place NOT IN (
  SELECT v.place
  FROM (`+valued+`
  ) v
  JOIN (SELECT unnest(CAST($3 AS TEXT[])) AS stratum, unnest(CAST($4 AS BIGINT[])) AS quota) s ON s.stratum = v.stratum
  WHERE v.rank <= s.quota
)`, r.store.owner, wanted.Seed, names, allot(strata, share, count))
	return err
}
