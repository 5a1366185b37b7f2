package userstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// spelled is the rows of (tag, spelling) of a tagging: $3 and $4 of a statement.
const spelled = `(SELECT unnest(CAST($3 AS TEXT[])) AS tag, unnest(CAST($4 AS TEXT[])) AS spelling)`

// tagged is, for each of the attacks $2 and each tag, whether the attack has a spelling of
// it: attack_no, tag, has.
const tagged = `(
  SELECT a.attack_no, w.tag, a.tags && w.spellings AS has
  FROM attacks a
  CROSS JOIN (SELECT p.tag, array_agg(p.spelling) AS spellings FROM ` + spelled + ` p GROUP BY p.tag) w
  WHERE a.owner_id = $1 AND a.attack_no IN ` + theseAttacks + `
)`

// AddTags tags attacks.
func (s *Store) AddTags(ctx context.Context, t *storage.Tagging) (storage.Labelled, error) {
	return s.tag(ctx, "add tags", t, `
SELECT CAST($1 AS TEXT), t.attack_no, t.tag, TRUE, CAST($5 AS TEXT), CAST($6 AS TIMESTAMP)
FROM `+tagged+` t
WHERE NOT t.has`, `
SELECT t.attack_no, a.tags || t.tags AS tags
FROM (SELECT x.attack_no, array_agg(x.tag ORDER BY x.tag) AS tags FROM `+tagged+` x WHERE NOT x.has GROUP BY x.attack_no) t
JOIN attacks a ON a.owner_id = $1 AND a.attack_no = t.attack_no`)
}

// RemoveTags takes tags away. Each spelling is remembered, because a file may bring any.
func (s *Store) RemoveTags(ctx context.Context, t *storage.Tagging) (storage.Labelled, error) {
	return s.tag(ctx, "remove tags", t, `
SELECT DISTINCT CAST($1 AS TEXT), t.attack_no, p.spelling, FALSE, CAST($5 AS TEXT), CAST($6 AS TIMESTAMP)
FROM `+tagged+` t
JOIN `+spelled+` p ON p.tag = t.tag
WHERE t.has`, `
SELECT t.attack_no, COALESCE(k.tags, CAST(ARRAY[] AS TEXT[])) AS tags
FROM (SELECT DISTINCT x.attack_no FROM `+tagged+` x WHERE x.has) t
LEFT JOIN (
  SELECT u.attack_no, array_agg(u.tag ORDER BY u.place) AS tags
  FROM (
    SELECT a.attack_no, unnest(a.tags) AS tag, generate_subscripts(a.tags, 1) AS place
    FROM attacks a
    WHERE a.owner_id = $1 AND a.attack_no IN `+theseAttacks+`
  ) u
  WHERE u.tag NOT IN (SELECT p.spelling FROM `+spelled+` p)
  GROUP BY u.attack_no
) k ON k.attack_no = t.attack_no`)
}

// tag writes people's words, and lets the tags of attacks follow: words selects the rows
// of attack_tags, tags the attacks that change with their new tags. Both read the tags as
// they were.
func (s *Store) tag(ctx context.Context, what string, t *storage.Tagging, words, tags string) (storage.Labelled, error) {
	if err := t.Check(); err != nil {
		return storage.Labelled{}, err
	}
	var names, spellings []string
	for _, tag := range t.Tags {
		for _, spelling := range tag.Spellings() {
			names, spellings = append(names, tag.Tag), append(spellings, spelling)
		}
	}
	return s.onAttacks(ctx, what, t.On, func(ctx context.Context, tx *sql.Tx, attacks []int64) (int64, error) {
		if _, err := tx.ExecContext(ctx, `
INSERT INTO attack_tags (owner_id, attack_no, tag, present, author, created_at)`+words+`
ON CONFLICT (owner_id, attack_no, tag) DO UPDATE
SET present = excluded.present, author = excluded.author, created_at = excluded.created_at`,
			s.owner, attacks, names, spellings, t.Author, t.At.UTC()); err != nil {
			return 0, err
		}
		return execCount(ctx, tx, `
UPDATE attacks AS a
SET tags = f.tags
FROM (`+tags+`) AS f
WHERE a.owner_id = $1 AND a.attack_no = f.attack_no`, s.owner, attacks, names, spellings)
	})
}

// TagWordsByAttack reads people's words about tags, by tag.
func (s *Store) TagWordsByAttack(ctx context.Context, numbers []int64) (map[int64][]*storage.TagWord, error) {
	found := make(map[int64][]*storage.TagWord, len(numbers))
	if len(numbers) == 0 {
		return found, nil
	}
	type of struct {
		attack int64
		word   storage.TagWord
	}
	q := s.query()
	rows, err := collect(ctx, s, "read words about tags", `
SELECT w.attack_no, w.tag, w.present, w.author, w.created_at
FROM attack_tags w
WHERE w.owner_id = $1 AND `+q.keyed("w.attack_no", numbers, "BIGINT")+`
ORDER BY w.attack_no, w.tag`, q.args, func(rows *sql.Rows) (*of, error) {
		r := &of{}
		return r, rows.Scan(&r.attack, &r.word.Tag, &r.word.Present, &r.word.Author, &r.word.At)
	})
	for _, row := range rows {
		found[row.attack] = append(found[row.attack], &row.word)
	}
	return found, err
}
