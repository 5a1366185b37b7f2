package userstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/violentutf/violentutf/storage"
)

func (s *Store) findingTable() *table[storage.Finding] {
	return &table[storage.Finding]{
		name: "findings", from: "findings f", alias: "f", keys: []string{"id"}, keyType: "TEXT",
		columns: `f.id, f.title, f.description, f.severity, f.status, f.assignee, f.ticket_url, f.author, f.created_at, f.updated_at`,
		scan: func(scan func(columns ...any) error, f *storage.Finding) error {
			err := scan(&f.Key, &f.Title, &f.Description, &f.Severity, &f.Status, &f.Assignee, &f.TicketURL, &f.Author, &f.CreatedAt, &f.UpdatedAt)
			f.ID = s.id(storage.KindFinding, f.Key)
			return err
		},
		keysOf: func(f *storage.Finding) []any { return []any{f.Key} },
	}
}

// severities is the place of each severity in the order.
var severities = map[storage.Severity]int64{
	storage.SeverityInfo: 1, storage.SeverityLow: 2, storage.SeverityMedium: 3, storage.SeverityHigh: 4, storage.SeverityCritical: 5,
}

func findingOrder(by storage.FindingOrder) order[storage.Finding] {
	desc := by.Direction == storage.Descending
	switch by.Field {
	case storage.FindingOrderSeverity:
		return order[storage.Finding]{
			name: "severity", kind: "BIGINT", desc: desc, computed: true,
			expr:  "CASE f.severity WHEN 'INFO' THEN 1 WHEN 'LOW' THEN 2 WHEN 'MEDIUM' THEN 3 WHEN 'HIGH' THEN 4 ELSE 5 END",
			value: func(f *storage.Finding) any { return severities[f.Severity] },
		}
	case storage.FindingOrderTitle:
		return order[storage.Finding]{name: "title", expr: "f.title", kind: "TEXT", desc: desc, value: func(f *storage.Finding) any { return f.Title }}
	case storage.FindingOrderCreatedAt:
		return order[storage.Finding]{
			name: "created", expr: "f.created_at", kind: "TIMESTAMP", desc: desc,
			value: func(f *storage.Finding) any { return f.CreatedAt },
		}
	default:
		return order[storage.Finding]{
			name: "updated", expr: "f.updated_at", kind: "TIMESTAMP", desc: desc,
			value: func(f *storage.Finding) any { return f.UpdatedAt },
		}
	}
}

func findingFilter(q *query, f *storage.FindingFilter) string {
	if f == nil {
		return "TRUE"
	}
	own := q.match("title", "f.title", f.Title)
	if f.ID != nil {
		named := storage.TextIn{NotIn: q.keys(storage.KindFinding, f.ID.NotIn), IsNull: f.ID.IsNull}
		if f.ID.In != nil {
			named.In = append([]string{}, q.keys(storage.KindFinding, f.ID.In)...)
		}
		own = append(own, q.in("f.id", &named)...)
	}
	if f.Severity != nil {
		own = append(own, q.among("f.severity", plain(f.Severity.In), plain(f.Severity.NotIn))...)
	}
	if f.Status != nil {
		own = append(own, q.among("f.status", plain(f.Status.In), plain(f.Status.NotIn))...)
	}
	own = append(own, q.in("f.assignee", f.Assignee)...)
	own = append(own, q.in("f.author", f.Author)...)
	own = append(own, q.during("f.created_at", f.CreatedAt)...)
	return all(append(own, q.during("f.updated_at", f.UpdatedAt)...))
}

// Findings lists findings.
func (s *Store) Findings(ctx context.Context, filter *storage.FindingFilter, by storage.FindingOrder, page storage.Page) (*storage.Connection[storage.Finding], error) {
	q := s.query()
	return s.findingTable().page(ctx, s, q, findingFilter(q, filter), findingOrder(by), page)
}

// FindingsByKey reads findings.
func (s *Store) FindingsByKey(ctx context.Context, keys []string) (map[string]*storage.Finding, error) {
	return byKey(ctx, s.findingTable(), s, keys)
}

// FindingsByAttack reads the findings that attacks are evidence of, oldest first.
func (s *Store) FindingsByAttack(ctx context.Context, numbers []int64) (map[int64][]*storage.Finding, error) {
	q := s.query()
	return findingsBy(ctx, s, q, numbers, "finding_attacks", "e.attack_no", q.keyed("e.attack_no", numbers, "BIGINT"),
		func(of *int64) []any { return []any{of} })
}

// FindingsByConversation reads the findings that messages of conversations are evidence
// of, oldest first.
func (s *Store) FindingsByConversation(ctx context.Context, numbers []int64) (map[int64][]*storage.Finding, error) {
	q := s.query()
	return findingsBy(ctx, s, q, numbers, "(SELECT DISTINCT owner_id, finding_id, conversation_no FROM finding_messages WHERE owner_id = $1)",
		"e.conversation_no", q.keyed("e.conversation_no", numbers, "BIGINT"), func(of *int64) []any { return []any{of} })
}

// FindingsByMessage reads the findings that messages are evidence of, oldest first.
func (s *Store) FindingsByMessage(ctx context.Context, keys []storage.MessageKey) (map[storage.MessageKey][]*storage.Finding, error) {
	q := s.query()
	return findingsBy(ctx, s, q, keys, "finding_messages", "e.conversation_no, e.sequence, e.piece", q.messageKeys("e", keys),
		func(of *storage.MessageKey) []any { return []any{&of.Conversation, &of.Sequence, &of.Piece} })
}

// findingsBy reads the findings of evidence e, whose columns are the key that into scans.
func findingsBy[K comparable](ctx context.Context, s *Store, q *query, keys []K, table, columns, condition string, into func(*K) []any) (map[K][]*storage.Finding, error) {
	found := make(map[K][]*storage.Finding, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	type evidence struct {
		of      K
		finding storage.Finding
	}
	t := s.findingTable()
	rows, err := collect(ctx, s, "read findings of evidence", `
SELECT `+columns+`, `+t.columns+`
FROM `+table+` e
JOIN findings f ON f.owner_id = e.owner_id AND f.id = e.finding_id
WHERE e.owner_id = $1 AND `+condition+`
ORDER BY f.created_at, f.id`, q.args, func(rows *sql.Rows) (*evidence, error) {
		e := &evidence{}
		return e, t.scan(func(columns ...any) error { return rows.Scan(append(into(&e.of), columns...)...) }, &e.finding)
	})
	for _, row := range rows {
		found[row.of] = append(found[row.of], &row.finding)
	}
	return found, err
}

// MessagesByFinding reads the first messages that are evidence of findings, in their
// order.
func (s *Store) MessagesByFinding(ctx context.Context, keys []string, limit int) (map[string][]*storage.Message, error) {
	found := make(map[string][]*storage.Message, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	type evidence struct {
		finding string
		message storage.Message
	}
	q, t := s.query(), s.messageTable()
	rows, err := collect(ctx, s, "read messages of findings", `
SELECT e.finding_id, `+t.columns+`
FROM (
  SELECT e.finding_id, e.conversation_no, e.sequence, e.piece,
    row_number() OVER (PARTITION BY e.finding_id ORDER BY e.conversation_no, e.sequence, e.piece) AS place
  FROM finding_messages e
  WHERE e.owner_id = $1 AND `+q.keyed("e.finding_id", keys, "TEXT")+`
) e
JOIN prompt_request_responses m ON m.owner_id = $1 AND m.conversation_no = e.conversation_no
  AND m.sequence = e.sequence AND m.piece = e.piece
WHERE e.place <= `+strconv.Itoa(limit)+`
ORDER BY m.conversation_no, m.sequence, m.piece`, q.args, func(rows *sql.Rows) (*evidence, error) {
		e := &evidence{}
		return e, t.scan(func(columns ...any) error { return rows.Scan(append([]any{&e.finding}, columns...)...) }, &e.message)
	})
	for _, row := range rows {
		found[row.finding] = append(found[row.finding], &row.message)
	}
	return found, err
}

// RunsByFinding reads the earliest and the latest run of the attacks of findings, by
// when the attacks began.
func (s *Store) RunsByFinding(ctx context.Context, keys []string) (map[string]*storage.FindingRuns, error) {
	found := make(map[string]*storage.FindingRuns, len(keys))
	if len(keys) == 0 {
		return found, nil
	}
	q := s.query()
	type run struct{ finding, execution string }
	rows, err := collect(ctx, s, "read runs of findings", `
SELECT e.finding_id, a.execution_id
FROM finding_attacks e
JOIN attacks a ON a.owner_id = e.owner_id AND a.attack_no = e.attack_no
WHERE e.owner_id = $1 AND a.execution_id IS NOT NULL AND `+q.keyed("e.finding_id", keys, "TEXT")+`
GROUP BY e.finding_id, a.execution_id
ORDER BY min(a.started_at), a.execution_id`, q.args, func(rows *sql.Rows) (run, error) {
		var r run
		return r, rows.Scan(&r.finding, &r.execution)
	})
	for _, row := range rows {
		if runs := found[row.finding]; runs != nil {
			runs.Last = row.execution
		} else {
			found[row.finding] = &storage.FindingRuns{First: row.execution, Last: row.execution}
		}
	}
	return found, err
}

// findingAttacks are the attacks that are evidence of findings.
const findingAttacks = `SELECT e.finding_id AS parent, e.attack_no FROM finding_attacks e WHERE e.owner_id = $1`
