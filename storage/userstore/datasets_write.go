package userstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// AddDataset adds a dataset with its first version.
func (s *Store) AddDataset(ctx context.Context, d *storage.NewDataset, next storage.NextPrompt, allowed storage.Allowed) (int64, error) {
	configuration := string(d.Configuration)
	if configuration == "" {
		configuration = "{}"
	}
	w := &versionWriter{store: s, key: d.Key, made: d.NewVersion, allowed: allowed, fill: func(ctx context.Context, w *versionWriter) error {
		return w.append(ctx, next)
	}}
	w.begin = func(ctx context.Context, tx *sql.Tx) error {
		if err := s.nameIsFree(ctx, tx, "datasets", d.Key, &d.Name); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
INSERT INTO datasets (owner_id, id, source, source_id, name, description, author, source_type, format, configuration, tags, status,
  version, created_at, updated_at)
VALUES ($1, $2, 'NATIVE', $2, $3, NULLIF(CAST($4 AS TEXT), ''), $5, $6, $7, $8, $9, $10, 1, $11, $11)`,
			s.owner, d.Key, d.Name, given(d.Description), d.Author, d.SourceType, d.Format, configuration, append([]string{}, d.Tags...),
			storage.StatusReady, d.CreatedAt.UTC())
		return err
	}
	version, err := w.writeOrStream(ctx, next)
	if err != nil {
		return 0, fmt.Errorf("add a dataset: %w", err)
	}
	return version.PromptCount, nil
}

// AddDatasetVersion adds a version with the prompts that next gives.
func (s *Store) AddDatasetVersion(ctx context.Context, key string, base int64, made storage.NewVersion, next storage.NextPrompt, allowed storage.Allowed) (*storage.DatasetVersion, error) {
	w := s.nextVersion(key, base, made, allowed)
	w.fill = func(ctx context.Context, w *versionWriter) error { return w.append(ctx, next) }
	version, err := w.writeOrStream(ctx, next)
	if err != nil {
		return nil, fmt.Errorf("add a version of a dataset: %w", err)
	}
	return version, nil
}

// ChangePrompts adds a version that differs from the newest by a few prompts. The others
// are never read.
func (s *Store) ChangePrompts(ctx context.Context, key string, base int64, made storage.NewVersion, change storage.PromptChange, allowed storage.Allowed) (*storage.DatasetVersion, error) {
	gone := append([]int64{}, change.Remove...)
	for _, p := range change.Edit {
		gone = append(gone, p.Replaces)
	}
	switch {
	case change.Empty():
		return nil, storage.BadInput("add", "name prompts to add, edit or remove")
	case distinct(gone) != int64(len(gone)):
		return nil, storage.BadInput("edit", "name each prompt once, to edit or to remove it")
	case change.At != nil && *change.At < 0:
		return nil, storage.BadInput("at", "at counts from 0")
	}
	w := s.nextVersion(key, base, made, allowed)
	w.fill = func(ctx context.Context, w *versionWriter) error {
		for _, p := range change.Edit {
			if err := w.add(ctx, p, nil, theOneThere); err != nil {
				return err
			}
		}
		at := int64(lastNumber)
		if change.At != nil {
			at = *change.At
		}
		for _, p := range change.Add {
			added := *p
			added.Replaces = 0
			if err := w.add(ctx, &added, at, beforeTheOneThere); err != nil {
				return err
			}
		}
		return nil
	}
	w.rest = func(ctx context.Context, tx *sql.Tx) error {
		var known int64
		if err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM dataset_members m
WHERE m.owner_id = $1 AND m.dataset_id = $2 AND m.version = $3 AND m.prompt_no IN (SELECT unnest(CAST($4 AS BIGINT[])))`,
			s.owner, key, base, gone).Scan(&known); err != nil {
			return err
		}
		if known != int64(len(gone)) {
			return notThere("prompts")
		}
		_, err := tx.ExecContext(ctx, `
INSERT INTO new_members (place, side, ord, fresh, prompt_no, replaces)
SELECT m.position, $5, 0, NULL, m.prompt_no, NULL
FROM dataset_members m
WHERE m.owner_id = $1 AND m.dataset_id = $2 AND m.version = $3 AND m.prompt_no NOT IN (SELECT unnest(CAST($4 AS BIGINT[])))`,
			s.owner, key, base, gone, theOneThere)
		return err
	}
	version, err := w.write(ctx)
	if err != nil {
		return nil, fmt.Errorf("change prompts: %w", err)
	}
	return version, nil
}

// nextVersion writes a version after base, which must be the newest.
func (s *Store) nextVersion(key string, base int64, made storage.NewVersion, allowed storage.Allowed) *versionWriter {
	w := &versionWriter{store: s, key: key, base: base, made: made, allowed: allowed}
	w.begin = func(ctx context.Context, tx *sql.Tx) error {
		newest, err := s.newestVersion(ctx, tx, key)
		if err != nil {
			return err
		}
		if newest != base {
			return storage.Errorf(storage.CodeConflict, "version %d is not the newest any more, which is %d: read that and decide anew", base, newest)
		}
		_, err = tx.ExecContext(ctx, `
UPDATE datasets
SET version = $3, updated_at = $4
WHERE owner_id = $1 AND id = $2`, s.owner, key, base+1, made.At.UTC())
		return err
	}
	return w
}

// newestVersion is CodeNotFound for a dataset that is not there.
func (s *Store) newestVersion(ctx context.Context, tx *sql.Tx, key string) (int64, error) {
	numbers, err := numbersOf(ctx, tx, `
SELECT version
FROM datasets
WHERE owner_id = $1 AND id = $2`, s.owner, key)
	if err != nil {
		return 0, err
	}
	if len(numbers) == 0 {
		return 0, notThere("id")
	}
	return numbers[0], nil
}

// versionWriter makes one version: its prompts wait in temporary tables, which spill to
// disk, and become rows in one transaction.
type versionWriter struct {
	store   *Store
	key     string // of the dataset
	base    int64  // the version before, 0 for none
	made    storage.NewVersion
	allowed storage.Allowed
	fill    func(ctx context.Context, w *versionWriter) error // before the transaction
	begin   func(ctx context.Context, tx *sql.Tx) error
	rest    func(ctx context.Context, tx *sql.Tx) error // members to add to those of fill

	bulk       Bulk
	ord, fresh int64
}

// Which comes first of a new prompt and the one at the place that it names.
const (
	beforeTheOneThere = int64(0)
	theOneThere       = int64(1)
)

// The wide rows of new prompts are apart from the narrow ones of all, which alone are
// sorted and joined.
var versionTables = map[string]string{
	"new_prompts": `fresh BIGINT, seed_type TEXT, role TEXT, name TEXT, text TEXT, data_type TEXT, harm_categories TEXT[],
		parameters TEXT, metadata TEXT, sha256 TEXT, group_id TEXT, sequence BIGINT`,
	"new_members": `place BIGINT, side BIGINT, ord BIGINT, fresh BIGINT, prompt_no BIGINT, replaces BIGINT`,
	"new_places":  `position BIGINT, prompt_no BIGINT, origin_no BIGINT, fresh BIGINT, known BOOLEAN`,
}

func (w *versionWriter) writeOrStream(ctx context.Context, next storage.NextPrompt) (*storage.DatasetVersion, error) {
	if w.made.AllNew {
		return w.stream(ctx, next)
	}
	return w.write(ctx)
}

func (w *versionWriter) write(ctx context.Context) (_ *storage.DatasetVersion, err error) {
	if w.bulk, err = w.store.engine.Bulk(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.bulk.Close()) }()
	for table, columns := range versionTables {
		if _, err := w.bulk.Conn().ExecContext(ctx, "CREATE TEMPORARY TABLE "+table+" ("+columns+")"); err != nil {
			return nil, fmt.Errorf("create %s: %w", table, err)
		}
	}
	if err := w.fill(ctx, w); err != nil {
		return nil, err
	}
	var version *storage.DatasetVersion
	err = w.bulk.WithTx(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		if w.allowed != nil {
			if err := w.allowed(ctx); err != nil {
				return err
			}
		}
		if err := w.begin(ctx, tx); err != nil {
			return err
		}
		if w.rest != nil {
			if err := w.rest(ctx, tx); err != nil {
				return err
			}
		}
		if version, err = w.rows(ctx, tx); err != nil {
			return err
		}
		return w.store.raiseRevision(ctx, tx)
	})
	return version, err
}

// append takes all prompts that next gives.
func (w *versionWriter) append(ctx context.Context, next storage.NextPrompt) error {
	for {
		p, err := next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if p.Number != 0 {
			w.ord++
			err = w.bulk.Append(ctx, "new_members", w.ord, theOneThere, w.ord, nil, p.Number, nil)
		} else {
			err = w.add(ctx, p, w.ord+1, theOneThere)
		}
		if err != nil {
			return err
		}
	}
}

// add takes a new prompt; at nil is the place of the one that it replaces.
func (w *versionWriter) add(ctx context.Context, p *storage.Prompt, at any, side int64) error {
	w.ord++
	w.fresh++
	var replaces any
	if p.Replaces != 0 {
		replaces = p.Replaces
	}
	if err := w.bulk.Append(ctx, "new_members", at, side, w.ord, w.fresh, nil, replaces); err != nil {
		return err
	}
	text := storableText(p.Text)
	sum := sha256.Sum256([]byte(text))
	harms := make([]string, len(p.HarmCategories))
	for i, harm := range p.HarmCategories {
		harms[i] = storableText(harm)
	}
	return w.bulk.Append(ctx, "new_prompts", w.fresh, storableText(orText(p.SeedType, "prompt")), storableOr(p.Role), storableOr(p.Name),
		text, storableText(orText(p.DataType, "text")), harms, storableOr((*string)(p.Parameters)), storableOr((*string)(p.Metadata)),
		hex.EncodeToString(sum[:]), storableOr(p.GroupID), known(p.Sequence))
}

// rows makes the rows of the version.
func (w *versionWriter) rows(ctx context.Context, tx *sql.Tx) (*storage.DatasetVersion, error) {
	s, number := w.store, w.base+1
	version, next, err := w.version(ctx, tx)
	if err != nil {
		return nil, err
	}
	if err := w.place(ctx, tx, next); err != nil {
		return nil, err
	}
	if version.PromptCount, err = execCount(ctx, tx, `
INSERT INTO dataset_members (owner_id, dataset_id, version, position, prompt_no, origin_no)
SELECT CAST($1 AS TEXT), CAST($2 AS TEXT), CAST($3 AS BIGINT), n.position, n.prompt_no, n.origin_no
FROM new_places n
ORDER BY n.position`, s.owner, w.key, number); err != nil {
		return nil, err
	}
	// The id of a prompt has to be the only one of all workspaces, for copies.
	if _, err := tx.ExecContext(ctx, `
INSERT INTO dataset_prompts (owner_id, prompt_no, dataset_id, version, source, source_id, position, seed_type, role, name, text,
  data_type, harm_categories, parameters, metadata, sha256, group_id, sequence, created_at)
SELECT CAST($1 AS TEXT), n.prompt_no, CAST($2 AS TEXT), CAST($3 AS BIGINT), 'NATIVE', CAST($2 AS TEXT) || '/' || CAST(n.prompt_no AS TEXT),
  n.position, p.seed_type, p.role, p.name, p.text, p.data_type, p.harm_categories, p.parameters, p.metadata, p.sha256, p.group_id,
  p.sequence, CAST($4 AS TIMESTAMP)
FROM new_prompts p
JOIN new_places n ON n.fresh = p.fresh`, s.owner, w.key, number, version.CreatedAt); err != nil {
		return nil, err
	}
	if version.HarmCategories, err = s.harmsOf(ctx, tx, w.key, number); err != nil {
		return nil, err
	}
	return version, w.finish(ctx, tx, version, w.fresh)
}

// version is the next one, still without prompts, and the number of its first new one.
func (w *versionWriter) version(ctx context.Context, tx *sql.Tx) (*storage.DatasetVersion, int64, error) {
	s, number := w.store, w.base+1
	made, err := json.Marshal(w.made.MadeBy)
	if err != nil {
		return nil, 0, fmt.Errorf("write how a version was made: %w", err)
	}
	var next int64
	if err := tx.QueryRowContext(ctx, `
SELECT next_prompt_no
FROM store_info
WHERE owner_id = $1`, s.owner).Scan(&next); err != nil {
		return nil, 0, err
	}
	return &storage.DatasetVersion{
		ID:         s.id(storage.KindVersion, storage.VersionKey{Dataset: w.key, Number: number}.String()),
		DatasetKey: w.key, Number: number, MadeBy: storage.JSON(made), Author: &w.made.Author, CreatedAt: w.made.At.UTC().Truncate(time.Microsecond),
	}, next, nil
}

// finish stores a version whose prompts are there, so many of them new.
func (w *versionWriter) finish(ctx context.Context, tx *sql.Tx, version *storage.DatasetVersion, fresh int64) error {
	if _, err := tx.ExecContext(ctx, `
UPDATE store_info
SET next_prompt_no = next_prompt_no + CAST($2 AS BIGINT)
WHERE owner_id = $1`, w.store.owner, fresh); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
INSERT INTO dataset_versions (owner_id, dataset_id, version, prompts, harm_categories, made_by, author, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, w.store.owner, w.key, version.Number, version.PromptCount, version.HarmCategories,
		string(version.MadeBy), w.made.Author, version.CreatedAt)
	return err
}

// place gives the members their places and new prompts their numbers from next on.
func (w *versionWriter) place(ctx context.Context, tx *sql.Tx, next int64) error {
	s := w.store
	if _, err := tx.ExecContext(ctx, `
INSERT INTO new_places
SELECT row_number() OVER (ORDER BY COALESCE(n.place, b.position), n.side, n.ord) - 1,
  COALESCE(n.prompt_no, CAST($4 AS BIGINT) - 1 + n.fresh),
  COALESCE(b.origin_no, CAST($4 AS BIGINT) - 1 + n.fresh, 0),
  n.fresh,
  COALESCE(n.prompt_no, n.replaces) IS NULL OR b.prompt_no IS NOT NULL
FROM new_members n
LEFT JOIN dataset_members b ON b.owner_id = $1 AND b.dataset_id = $2 AND b.version = $3
  AND b.prompt_no = COALESCE(n.prompt_no, n.replaces)`, s.owner, w.key, w.base, next); err != nil {
		return err
	}
	if w.base == 0 && w.fresh == w.ord {
		return nil
	}
	var unknown, twice int64
	if err := tx.QueryRowContext(ctx, `
SELECT count(CASE WHEN NOT n.known THEN 1 END), count(*) - count(DISTINCT n.origin_no)
FROM new_places n`).Scan(&unknown, &twice); err != nil {
		return err
	}
	if unknown > 0 {
		return notThere("prompts")
	}
	if twice > 0 {
		return storage.BadInput("prompts", "%d prompts stand in the version twice, or two replace the same one", twice)
	}
	return nil
}

// harmsOf are the harm categories of a version's prompts, sorted.
func (s *Store) harmsOf(ctx context.Context, tx *sql.Tx, key string, number int64) ([]string, error) {
	rows, err := tx.QueryContext(ctx, `
SELECT DISTINCT h.category
FROM (
  SELECT unnest(p.harm_categories) AS category
  FROM dataset_members m
  JOIN dataset_prompts p ON p.owner_id = m.owner_id AND p.prompt_no = m.prompt_no
  WHERE m.owner_id = $1 AND m.dataset_id = $2 AND m.version = $3
) h
WHERE h.category IS NOT NULL
ORDER BY h.category`, s.owner, key, number)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	harms := []string{}
	for rows.Next() {
		harm, err := scanOne[string](rows)
		if err != nil {
			return nil, err
		}
		harms = append(harms, harm)
	}
	return harms, rows.Err()
}

// storableText is a text without what no engine takes.
func storableText(text string) string {
	if storable(text) {
		return text
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\u2400")
}

func storableOr(text *string) any {
	if text == nil {
		return nil
	}
	return storableText(*text)
}

func orText(text, standard string) string {
	if text == "" {
		return standard
	}
	return text
}
