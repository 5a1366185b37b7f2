package userstore

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// AddFile adds a file that a user hands over.
func (s *Store) AddFile(ctx context.Context, f *storage.File, change storage.FileChange) (known bool, err error) {
	if err := change.Check(); err != nil {
		return false, err
	}
	err = s.changing(ctx, "add a file", func(ctx context.Context, tx *sql.Tx) error {
		if known, err = s.hasFile(ctx, tx, f.Hash); err != nil {
			return err
		}
		if !known {
			if _, err := tx.ExecContext(ctx, `
INSERT INTO files (owner_id, sha256, name, media_type, bytes, created_at)
VALUES ($1, $2, $3, $4, $5, $6)`, s.owner, f.Hash, f.Name, f.MediaType, f.Bytes, f.CreatedAt.UTC()); err != nil {
				return err
			}
		}
		return s.describeFile(ctx, tx, f.Hash, *f.Author, change, f.CreatedAt)
	})
	return known, err
}

// ChangeFile changes what is said of a file.
func (s *Store) ChangeFile(ctx context.Context, hash, author string, change storage.FileChange, now time.Time) error {
	if err := change.Check(); err != nil {
		return err
	}
	return s.changing(ctx, "change a file", func(ctx context.Context, tx *sql.Tx) error {
		found, err := s.hasFile(ctx, tx, hash)
		if err == nil && !found {
			err = notThere("id")
		}
		if err != nil {
			return err
		}
		return s.describeFile(ctx, tx, hash, author, change, now)
	})
}

// describeFile writes down what is said of a file that is there. The author stays who
// first said something.
func (s *Store) describeFile(ctx context.Context, tx *sql.Tx, hash, author string, change storage.FileChange, now time.Time) error {
	if _, err := tx.ExecContext(ctx, `
INSERT INTO file_details (owner_id, sha256, name, description, author, updated_at)
SELECT f.owner_id, f.sha256, f.name, NULL, CAST($3 AS TEXT), CAST($4 AS TIMESTAMP)
FROM files f
WHERE f.owner_id = $1 AND f.sha256 = $2
ON CONFLICT DO NOTHING`, s.owner, hash, author, now.UTC()); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
UPDATE file_details
SET name = COALESCE(CAST($3 AS TEXT), name),
  description = NULLIF(COALESCE(CAST($4 AS TEXT), description), ''),
  updated_at = $5
WHERE owner_id = $1 AND sha256 = $2`, s.owner, hash, given(change.Name), given(change.Description), now.UTC()); err != nil {
		return err
	}
	if change.Tags == nil {
		return nil
	}
	// Not those that stay: a key that is deleted and inserted in one transaction is a
	// conflict in some engines.
	if _, err := tx.ExecContext(ctx, `
DELETE FROM file_tags
WHERE owner_id = $1 AND sha256 = $2 AND tag NOT IN (SELECT unnest(CAST($3 AS TEXT[])))`, s.owner, hash, change.Tags); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `
INSERT INTO file_tags (owner_id, sha256, tag)
SELECT DISTINCT CAST($1 AS TEXT), CAST($2 AS TEXT), unnest(CAST($3 AS TEXT[]))
ON CONFLICT DO NOTHING`, s.owner, hash, change.Tags)
	return err
}

// LinkDatasetFile notes from which file a version of a dataset was read.
func (s *Store) LinkDatasetFile(ctx context.Context, dataset string, version int64, hash string) error {
	return s.changing(ctx, "link a dataset to its file", func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `
INSERT INTO dataset_files (owner_id, dataset_id, version, sha256)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING`, s.owner, dataset, version, hash)
		return err
	})
}

func (s *Store) hasFile(ctx context.Context, tx *sql.Tx, hash string) (bool, error) {
	var files int64
	err := tx.QueryRowContext(ctx, `
SELECT count(*)
FROM files
WHERE owner_id = $1 AND sha256 = $2`, s.owner, hash).Scan(&files)
	return files > 0, err
}

// describedFiles are files with what is said of them.
const describedFiles = `(
  SELECT b.owner_id, b.sha256, COALESCE(x.name, b.name) AS name, b.media_type, b.bytes, b.created_at, x.description,
    t.tags, x.author, x.updated_at
  FROM files b
  LEFT JOIN file_details x ON x.owner_id = b.owner_id AND x.sha256 = b.sha256
  LEFT JOIN (
    SELECT g.sha256, array_agg(g.tag ORDER BY g.tag) AS tags
    FROM file_tags g
    WHERE g.owner_id = $1
    GROUP BY g.sha256
  ) t ON t.sha256 = b.sha256
  WHERE b.owner_id = $1
) f`

func (s *Store) fileTable() *table[storage.File] {
	return &table[storage.File]{
		name: "files", from: describedFiles, alias: "f", keys: []string{"sha256"}, keyType: "TEXT",
		columns: `f.sha256, f.name, f.media_type, f.bytes, f.created_at, f.description, f.tags, f.author, f.updated_at`,
		scan: func(scan func(columns ...any) error, f *storage.File) error {
			err := scan(&f.Hash, &f.Name, &f.MediaType, &f.Bytes, &f.CreatedAt, &f.Description, (*textList)(&f.Tags), &f.Author, &f.UpdatedAt)
			f.Owner, f.ID = s.owner, s.id(storage.KindFile, f.Hash)
			return err
		},
		keysOf: func(f *storage.File) []any { return []any{f.Hash} },
	}
}

func fileOrder(by storage.FileOrder) order[storage.File] {
	desc := by.Direction == storage.Descending
	switch by.Field {
	case storage.FileOrderName:
		return order[storage.File]{
			name: "name", expr: `f.name COLLATE "C"`, kind: "TEXT", desc: desc, computed: true,
			value: func(f *storage.File) any { return f.Name },
		}
	case storage.FileOrderBytes:
		return order[storage.File]{name: "bytes", expr: "f.bytes", kind: "BIGINT", desc: desc, value: func(f *storage.File) any { return f.Bytes }}
	default:
		return order[storage.File]{
			name: "created", expr: "f.created_at", kind: "TIMESTAMP", desc: desc,
			value: func(f *storage.File) any { return f.CreatedAt },
		}
	}
}

func fileFilter(q *query, f *storage.FileFilter) string {
	if f == nil {
		return "TRUE"
	}
	own := append(q.match("name", "f.name", f.Name), q.in("f.media_type", f.MediaType)...)
	own = append(own, q.inList("f.tags", f.Tag)...)
	own = append(own, q.in("f.author", f.Author)...)
	own = append(own, q.between("f.bytes", f.Bytes)...)
	own = append(own, q.during("f.created_at", f.CreatedAt)...)
	if f.InUse != nil {
		own = append(own, truth(`(f.sha256 IN (SELECT u.sha256 FROM message_files u WHERE u.owner_id = $1)
  OR f.sha256 IN (SELECT u.sha256 FROM `+filesOfDatasets+` u))`, *f.InUse))
	}
	return all(own)
}

// filesOfDatasets are the files of versions of datasets that are there.
const filesOfDatasets = `(
  SELECT DISTINCT l.sha256, d.id, d.name
  FROM dataset_files l
  JOIN dataset_versions v ON v.owner_id = l.owner_id AND v.dataset_id = l.dataset_id AND v.version = l.version
  JOIN datasets d ON d.owner_id = l.owner_id AND d.id = l.dataset_id
  WHERE l.owner_id = $1)`

// Files lists files.
func (s *Store) Files(ctx context.Context, filter *storage.FileFilter, by storage.FileOrder, page storage.Page) (*storage.Connection[storage.File], error) {
	q := s.query()
	return s.fileTable().page(ctx, s, q, fileFilter(q, filter), fileOrder(by), page)
}

// FilesByHash reads files.
func (s *Store) FilesByHash(ctx context.Context, hashes []string) (map[string]*storage.File, error) {
	return byKey(ctx, s.fileTable(), s, hashes)
}

// FileTypes counts the files of each media type.
func (s *Store) FileTypes(ctx context.Context, filter *storage.FileFilter, limit int) ([]*storage.FacetValue, error) {
	q := s.query()
	condition := fileFilter(q, filter)
	if q.err != nil {
		return nil, q.err
	}
	return collect(ctx, s, "count files by media type", `
SELECT f.media_type, count(*) AS files
FROM `+describedFiles+`
WHERE `+condition+`
GROUP BY f.media_type
ORDER BY files DESC, f.media_type
LIMIT CAST(`+q.arg(int64(max(limit, 0)))+` AS BIGINT)`, q.args, func(rows *sql.Rows) (*storage.FacetValue, error) {
		v := &storage.FacetValue{}
		return v, rows.Scan(&v.Value, &v.Count)
	})
}

// FileUses finds what refers to files: one statement for messages, one for datasets.
func (s *Store) FileUses(ctx context.Context, hashes []string, most int) (map[string]*storage.FileUse, error) {
	found := make(map[string]*storage.FileUse, len(hashes))
	if len(hashes) == 0 {
		return found, nil
	}
	for _, hash := range hashes {
		found[hash] = &storage.FileUse{Messages: []storage.MessageKey{}, Datasets: []string{}}
	}
	hashes = slices.Compact(slices.Sorted(slices.Values(hashes)))
	q := s.query()
	type message struct {
		hash  string
		count int64
		key   storage.MessageKey
	}
	messages, err := collect(ctx, s, "read messages of files", `
SELECT u.sha256, u.total, u.conversation_no, u.sequence, u.piece
FROM (
  SELECT m.sha256, m.conversation_no, m.sequence, m.piece, count(*) OVER (PARTITION BY m.sha256) AS total,
    row_number() OVER (PARTITION BY m.sha256 ORDER BY m.conversation_no, m.sequence, m.piece) AS n
  FROM (
    SELECT DISTINCT l.sha256, l.conversation_no, l.sequence, l.piece
    FROM message_files l
    WHERE l.owner_id = $1 AND `+q.keyed("l.sha256", hashes, "TEXT")+`
  ) m
) u
WHERE u.n <= CAST(`+q.arg(int64(most))+` AS BIGINT)
ORDER BY u.sha256, u.n`, q.args, func(rows *sql.Rows) (message, error) {
		var m message
		return m, rows.Scan(&m.hash, &m.count, &m.key.Conversation, &m.key.Sequence, &m.key.Piece)
	})
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		use := found[m.hash]
		use.MessageCount, use.Messages = m.count, append(use.Messages, m.key)
	}
	q = s.query()
	type dataset struct {
		hash, key string
		count     int64
	}
	datasets, err := collect(ctx, s, "read datasets of files", `
SELECT u.sha256, u.total, u.id
FROM (
  SELECT d.sha256, d.id, count(*) OVER (PARTITION BY d.sha256) AS total,
    row_number() OVER (PARTITION BY d.sha256 ORDER BY d.name, d.id) AS n
  FROM `+filesOfDatasets+` d
  WHERE `+q.keyed("d.sha256", hashes, "TEXT")+`
) u
WHERE u.n <= CAST(`+q.arg(int64(most))+` AS BIGINT)
ORDER BY u.sha256, u.n`, q.args, func(rows *sql.Rows) (dataset, error) {
		var d dataset
		return d, rows.Scan(&d.hash, &d.count, &d.key)
	})
	for _, d := range datasets {
		use := found[d.hash]
		use.DatasetCount, use.Datasets = d.count, append(use.Datasets, d.key)
	}
	return found, err
}
