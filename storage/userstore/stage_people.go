package userstore

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// peopleTables are the temporary tables of what people said.
var peopleTables = map[string]string{
	"stage_annotations": `source TEXT, attack_source_id TEXT, conversation_source_id TEXT, message_source_id TEXT, batch TEXT, verdict TEXT,
		note TEXT, reason TEXT, author TEXT, created_at TIMESTAMP, retracted_at TIMESTAMP, retracted_by TEXT, retraction_reason TEXT,
		source_outcome TEXT, source_outcome_reason TEXT, source_outcome_source TEXT, ord BIGINT`,
	"stage_tag_words": `source TEXT, attack_source_id TEXT, tag TEXT, present BOOLEAN, author TEXT, created_at TIMESTAMP, ord BIGINT`,
	"stage_findings": `id TEXT, title TEXT, description TEXT, severity TEXT, status TEXT, assignee TEXT, ticket_url TEXT, author TEXT,
		created_at TIMESTAMP, updated_at TIMESTAMP, ord BIGINT`,
	"stage_evidence": `finding_id TEXT, source TEXT, attack_source_id TEXT, message_source_id TEXT`,
	"stage_exchanges": `source TEXT, message_source_id TEXT, request TEXT, response TEXT, content_type TEXT, status BIGINT,
		kept_at TIMESTAMP, ord BIGINT`,

	"merge_annotations":      `ord BIGINT, id TEXT, attack_no BIGINT, conversation_no BIGINT, sequence BIGINT, piece BIGINT, known BOOLEAN`,
	"merge_tag_words":        `ord BIGINT, attack_no BIGINT, known BOOLEAN`,
	"merge_findings":         `ord BIGINT, id TEXT, known BOOLEAN`,
	"merge_finding_attacks":  `ord BIGINT, finding_id TEXT, attack_no BIGINT, known BOOLEAN`,
	"merge_finding_messages": `ord BIGINT, finding_id TEXT, conversation_no BIGINT, sequence BIGINT, piece BIGINT, known BOOLEAN`,
	"merge_exchanges":        `ord BIGINT, conversation_no BIGINT, sequence BIGINT, known BOOLEAN`,
}

func (st *stage) AddAnnotation(ctx context.Context, a *storage.StagedAnnotation) error {
	return st.bulk.Append(ctx, "stage_annotations", string(a.Source), st.reference(a.Attack), st.reference(a.Conversation),
		st.reference(a.Message), st.text(a.Batch), text(a.Verdict), st.maybe(a.Note), st.maybe(a.Reason), st.text(a.Author), a.CreatedAt,
		known(a.RetractedAt), st.maybe(a.RetractedBy), st.maybe(a.RetractionReason), text(a.SourceOutcome), st.maybe(a.SourceOutcomeReason),
		text(a.SourceOutcomeSource), st.next())
}

func (st *stage) AddTagWord(ctx context.Context, w *storage.StagedTagWord) error {
	return st.bulk.Append(ctx, "stage_tag_words", string(w.Source), st.text(w.Attack), st.text(w.Tag), w.Present, st.text(w.Author), w.At, st.next())
}

func (st *stage) AddFinding(ctx context.Context, f *storage.Finding) error {
	return st.bulk.Append(ctx, "stage_findings", st.text(f.Key), st.text(f.Title), st.maybe(f.Description), string(f.Severity), string(f.Status),
		st.maybe(f.Assignee), st.maybe(f.TicketURL), st.text(f.Author), f.CreatedAt, f.UpdatedAt, st.next())
}

func (st *stage) AddEvidence(ctx context.Context, e *storage.StagedEvidence) error {
	return st.bulk.Append(ctx, "stage_evidence", st.text(e.Finding), string(e.Source), st.reference(e.Attack), st.reference(e.Message))
}

func (st *stage) AddExchange(ctx context.Context, x *storage.StagedExchange) error {
	return st.bulk.Append(ctx, "stage_exchanges", string(x.Source), st.text(x.Message), st.text(x.Request), st.text(x.Response),
		st.maybe(x.ContentType), known(x.Status), x.KeptAt, st.next())
}

// text is a value of a closed set, or NULL.
func text[E ~string](value *E) any {
	if value == nil {
		return nil
	}
	return string(*value)
}

// peopleKeys give what people said its keys, after everything that it is on.
var peopleKeys = []keyStatement{
	{"merge_annotations", "", `
		INSERT INTO merge_annotations
		SELECT r.ord, r.id, r.attack_no, r.conversation_no, r.sequence, r.piece, t.id IS NOT NULL
		FROM (
			SELECT s.ord, a.no AS attack_no, COALESCE(m.conversation_no, c.no) AS conversation_no, m.sequence, m.piece,
				s.batch || CASE
					WHEN a.no IS NOT NULL THEN '-a' || CAST(a.no AS TEXT)
					WHEN c.no IS NOT NULL THEN '-c' || CAST(c.no AS TEXT)
					ELSE '-e' || CAST(m.conversation_no AS TEXT) || '-' || CAST(m.sequence AS TEXT) || '-' || CAST(m.piece AS TEXT) END AS id
			FROM stage_annotations AS s
			LEFT JOIN merge_attacks AS a ON a.source = s.source AND a.source_id = s.attack_source_id
			LEFT JOIN merge_conversations AS c ON c.source = s.source AND c.source_id = s.conversation_source_id
			LEFT JOIN merge_messages AS m ON m.source = s.source AND m.source_id = s.message_source_id
			WHERE a.no IS NOT NULL OR c.no IS NOT NULL OR m.piece IS NOT NULL
		) AS r
		LEFT JOIN annotations AS t ON t.owner_id = $1 AND t.id = r.id`},
	{"merge_tag_words", "", `
		INSERT INTO merge_tag_words
		SELECT s.ord, a.no, t.tag IS NOT NULL
		FROM stage_tag_words AS s
		JOIN merge_attacks AS a ON a.source = s.source AND a.source_id = s.attack_source_id
		LEFT JOIN attack_tags AS t ON t.owner_id = $1 AND t.attack_no = a.no AND t.tag = s.tag`},
	{"merge_findings", "", `
		INSERT INTO merge_findings
		SELECT s.ord, s.id, t.id IS NOT NULL
		FROM stage_findings AS s
		LEFT JOIN findings AS t ON t.owner_id = $1 AND t.id = s.id`},
	{"merge_finding_attacks", "", `
		INSERT INTO merge_finding_attacks
		SELECT row_number() OVER (ORDER BY s.finding_id, s.no), s.finding_id, s.no, t.attack_no IS NOT NULL
		FROM (
			SELECT DISTINCT e.finding_id, a.no
			FROM stage_evidence AS e
			JOIN merge_attacks AS a ON a.source = e.source AND a.source_id = e.attack_source_id
		) AS s
		LEFT JOIN finding_attacks AS t ON t.owner_id = $1 AND t.finding_id = s.finding_id AND t.attack_no = s.no`},
	{"merge_finding_messages", "", `
		INSERT INTO merge_finding_messages
		SELECT row_number() OVER (ORDER BY s.finding_id, s.conversation_no, s.sequence, s.piece), s.finding_id, s.conversation_no, s.sequence,
			s.piece, t.piece IS NOT NULL
		FROM (
			SELECT DISTINCT e.finding_id, m.conversation_no, m.sequence, m.piece
			FROM stage_evidence AS e
			JOIN merge_messages AS m ON m.source = e.source AND m.source_id = e.message_source_id
		) AS s
		LEFT JOIN finding_messages AS t ON t.owner_id = $1 AND t.finding_id = s.finding_id AND t.conversation_no = s.conversation_no
			AND t.sequence = s.sequence AND t.piece = s.piece`},
	{"merge_exchanges", "", `
		INSERT INTO merge_exchanges
		SELECT s.ord, s.conversation_no, s.sequence, t.sequence IS NOT NULL
		FROM (
			SELECT max(x.ord) AS ord, m.conversation_no, m.sequence
			FROM stage_exchanges AS x
			JOIN merge_messages AS m ON m.source = x.source AND m.source_id = x.message_source_id
			GROUP BY m.conversation_no, m.sequence
		) AS s
		LEFT JOIN raw_exchanges AS t ON t.owner_id = $1 AND t.conversation_no = s.conversation_no AND t.sequence = s.sequence`},
}

// peopleMerged are the tables of what people said. A retraction that stands here stays;
// all else is as it was first written.
var peopleMerged = []merged{
	{
		table: "annotations", keys: "merge_annotations", identity: []string{"id"},
		fixed: []string{
			"batch", "attack_no", "conversation_no", "sequence", "piece", "verdict", "note", "reason", "author", "created_at",
			"source_outcome", "source_outcome_reason", "source_outcome_source",
		},
		columns: []string{"retracted_at", "retracted_by", "retraction_reason"}, order: "r.ord",
		// All verdicts on an attack that stand remember the same source.
		rows: `SELECT k.id, s.batch, k.attack_no, k.conversation_no, k.sequence, k.piece, s.verdict, s.note, s.reason, s.author, s.created_at,
				CASE WHEN s.verdict IS NULL OR p.attack_no IS NULL THEN s.source_outcome ELSE p.outcome END AS source_outcome,
				CASE WHEN s.verdict IS NULL OR p.attack_no IS NULL THEN s.source_outcome_reason ELSE p.outcome_reason END AS source_outcome_reason,
				CASE WHEN s.verdict IS NULL OR p.attack_no IS NULL THEN s.source_outcome_source ELSE p.outcome_source END AS source_outcome_source,
				COALESCE(t.retracted_at, s.retracted_at) AS retracted_at,
				CASE WHEN t.retracted_at IS NULL THEN s.retracted_by ELSE t.retracted_by END AS retracted_by,
				CASE WHEN t.retracted_at IS NULL THEN s.retraction_reason ELSE t.retraction_reason END AS retraction_reason, k.ord, k.known
			FROM merge_annotations AS k
			JOIN stage_annotations AS s ON s.ord = k.ord
			LEFT JOIN annotations AS t ON t.owner_id = $1 AND t.id = k.id
			LEFT JOIN ` + standing + ` AS p ON p.attack_no = k.attack_no`,
	},
	{
		table: "attack_tags", keys: "merge_tag_words", identity: []string{"attack_no", "tag"}, fixed: []string{"present", "author", "created_at"},
		order: "r.ord",
		rows: `SELECT k.attack_no, s.tag, s.present, s.author, s.created_at, k.ord, k.known
			FROM merge_tag_words AS k
			JOIN stage_tag_words AS s ON s.ord = k.ord`,
	},
	{
		table: "findings", keys: "merge_findings", identity: []string{"id"}, order: "r.ord",
		fixed: []string{"title", "description", "severity", "status", "assignee", "ticket_url", "author", "created_at", "updated_at"},
		rows: `SELECT s.*, k.known
			FROM merge_findings AS k
			JOIN stage_findings AS s ON s.ord = k.ord`,
	},
	{
		table: "finding_attacks", keys: "merge_finding_attacks", identity: []string{"finding_id", "attack_no"}, order: "r.ord",
		rows: `SELECT k.finding_id, k.attack_no, k.ord, k.known FROM merge_finding_attacks AS k`,
	},
	{
		table: "finding_messages", keys: "merge_finding_messages", identity: []string{"finding_id", "conversation_no", "sequence", "piece"}, order: "r.ord",
		rows: `SELECT k.finding_id, k.conversation_no, k.sequence, k.piece, k.ord, k.known FROM merge_finding_messages AS k`,
	},
	{
		table: "raw_exchanges", keys: "merge_exchanges", identity: []string{"conversation_no", "sequence"},
		fixed: []string{"request", "response", "content_type", "status", "kept_at"}, order: "r.conversation_no, r.sequence",
		rows: `SELECT k.conversation_no, k.sequence, s.request, s.response, s.content_type, s.status, s.kept_at, k.ord, k.known
			FROM merge_exchanges AS k
			JOIN stage_exchanges AS s ON s.ord = k.ord`,
	},
}
