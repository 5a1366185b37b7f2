package userstore

import (
	"context"
	"database/sql"

	"github.com/violentutf/violentutf/storage"
)

// AnnotationsToCopy reads the annotations on attacks and on what is part of them.
func (s *Store) AnnotationsToCopy(ctx context.Context, attacks []int64) ([]*storage.KeptAnnotation, error) {
	if len(attacks) == 0 {
		return nil, nil
	}
	q := s.query()
	list := q.list(attacks, "BIGINT")
	return collect(ctx, s, "read annotations to copy", `
SELECT `+annotationColumns+`, n.batch, n.source_outcome, n.source_outcome_reason, n.source_outcome_source
FROM annotations n
LEFT JOIN conversations c ON c.owner_id = n.owner_id AND c.conversation_no = n.conversation_no
WHERE n.owner_id = $1 AND (n.attack_no IN (SELECT unnest(`+list+`)) OR c.attack_no IN (SELECT unnest(`+list+`)))`+annotationOrder,
		q.args, func(rows *sql.Rows) (*storage.KeptAnnotation, error) {
			k := &storage.KeptAnnotation{}
			return k, s.annotationInto(func(columns ...any) error {
				return rows.Scan(append(columns, &k.Batch, &k.SourceOutcome, &k.SourceOutcomeReason, &k.SourceOutcomeSource)...)
			}, &k.Annotation)
		})
}

// AttacksToShow reads the attacks that show findings.
func (s *Store) AttacksToShow(ctx context.Context, findings []string) ([]int64, int64, error) {
	if len(findings) == 0 {
		return nil, 0, nil
	}
	q := s.query()
	list := q.texts(findings)
	type shown struct {
		attack *int64
		rows   int64
	}
	rows, err := collect(ctx, s, "read what shows findings", `
SELECT t.attack_no, count(*)
FROM (
  SELECT e.attack_no
  FROM finding_attacks e
  WHERE e.owner_id = $1 AND e.finding_id IN (SELECT unnest(`+list+`))
  UNION ALL
  SELECT c.attack_no
  FROM finding_messages e
  JOIN conversations c ON c.owner_id = e.owner_id AND c.conversation_no = e.conversation_no
  WHERE e.owner_id = $1 AND e.finding_id IN (SELECT unnest(`+list+`))
) t
GROUP BY t.attack_no
ORDER BY t.attack_no NULLS LAST`, q.args, func(rows *sql.Rows) (shown, error) {
		var r shown
		return r, rows.Scan(&r.attack, &r.rows)
	})
	var attacks []int64
	var beside int64
	for _, row := range rows {
		if row.attack == nil {
			beside = row.rows
		} else {
			attacks = append(attacks, *row.attack)
		}
	}
	return attacks, beside, err
}
