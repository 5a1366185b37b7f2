package appstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

// AuditIntegrity reads the whole chain, a row at a time, and names the first row that
// is not as it was written.
func (s *Store) AuditIntegrity(ctx context.Context) (*storage.AuditReport, error) {
	if s.audit.chain == nil {
		return nil, errors.New("check the audit log: the store was opened without an audit key")
	}
	report := &storage.AuditReport{MAC: auditGenesis}
	bad, err := s.firstBad(ctx, report)
	if err != nil || bad == nil {
		return report, err
	}
	report.Fault, err = s.explain(ctx, report, bad)
	return report, err
}

// firstBad follows the chain in report and returns the first row that does not
// continue it, nil at the chain's end.
func (s *Store) firstBad(ctx context.Context, report *storage.AuditReport) (*storage.AuditEvent, error) {
	storage.MeterFrom(ctx).AppStatements.Add(1)
	rows, err := s.db.Query(ctx, `
		SELECT `+auditColumns+`
		FROM audit_logs
		ORDER BY seq`)
	if err != nil {
		return nil, fmt.Errorf("check the audit log: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var row storage.AuditEvent
		if err := scanAudit(rows, &row); err != nil {
			return nil, fmt.Errorf("check the audit log: %w", err)
		}
		report.Rows++
		if row.Seq != report.Last+1 || row.Previous != report.MAC || !equalMAC(row.MAC, s.audit.mac(&row)) {
			return &row, nil
		}
		report.Last, report.MAC = row.Seq, row.MAC
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("check the audit log: %w", err)
	}
	return nil, nil
}

// explain tells what became of the row that should follow report.Last; bad stands in
// its place, or is the next one where there is none.
func (s *Store) explain(ctx context.Context, report *storage.AuditReport, bad *storage.AuditEvent) (*storage.AuditFault, error) {
	fault := &storage.AuditFault{Seq: report.Last + 1}
	if bad.Seq == fault.Seq {
		fault.Key = bad.Key
		if bad.Previous == report.MAC {
			fault.Kind, fault.Detail = storage.AuditChanged, "its columns do not give its MAC"
			return fault, nil
		}
	}
	// The row that was written here names the row before it, wherever it is now.
	moved, err := first(ctx, s.db, "check the audit log", func(row *sql.Rows, into *int64) error { return row.Scan(into) }, `
		SELECT seq
		FROM audit_logs
		WHERE previous = $1`, report.MAC)
	if err != nil {
		return nil, err
	}
	switch {
	case moved != nil:
		fault.Kind, fault.Detail = storage.AuditReordered, fmt.Sprintf("the row that was written here stands at seq %d", *moved)
	case bad.Seq != fault.Seq:
		fault.Kind, fault.Detail = storage.AuditRemoved, fmt.Sprintf("the next row has seq %d", bad.Seq)
	case s.laterSeq(bad) > 0:
		fault.Kind, fault.Detail = storage.AuditRemoved, fmt.Sprintf("a row of seq %d was moved into the gap", s.laterSeq(bad))
	default:
		fault.Kind, fault.Detail = storage.AuditChanged, "it does not name the row before it"
	}
	return fault, nil
}

// mostRenumbered is how many removed rows are told apart from a changed one.
const mostRenumbered = 100_000

// laterSeq returns the number that a row had before it was renumbered, 0 when its MAC
// was made under none.
func (s *Store) laterSeq(row *storage.AuditEvent) int64 {
	original := *row
	for range mostRenumbered {
		original.Seq++
		if equalMAC(row.MAC, s.audit.mac(&original)) {
			return original.Seq
		}
	}
	return 0
}

// AuditCheckpoint signs where the chain ends now.
func (s *Store) AuditCheckpoint(ctx context.Context) (*storage.AuditCheckpoint, error) {
	if s.audit.chain == nil {
		return nil, errors.New("sign a checkpoint of the audit log: the store was opened without an audit key")
	}
	last, err := lastLink(ctx, s.db)
	if err != nil {
		return nil, err
	}
	count, err := rowsUpTo(ctx, s.db, last.seq)
	if err != nil {
		return nil, err
	}
	c := &storage.AuditCheckpoint{Count: count, Seq: last.seq, MAC: last.mac, At: fromMicros(s.now().UnixMicro())}
	c.Signature = s.audit.signature(c)
	return c, nil
}

// VerifyCheckpoint returns what is wrong with the chain up to a checkpoint, nil when
// all of it is there.
func (s *Store) VerifyCheckpoint(ctx context.Context, c storage.AuditCheckpoint) (*storage.AuditFault, error) {
	if s.audit.checkpoint == nil {
		return nil, errors.New("verify a checkpoint of the audit log: the store was opened without an audit key")
	}
	if !equalMAC(c.Signature, s.audit.signature(&c)) {
		return nil, storage.BadInput("checkpoint", "the checkpoint was not signed by this installation, or was changed: pass one as it was given out")
	}
	if c.Seq == 0 {
		return nil, nil
	}
	last, err := lastLink(ctx, s.db)
	if err != nil {
		return nil, err
	}
	if last.seq < c.Seq {
		return &storage.AuditFault{
			Seq: last.seq + 1, Kind: storage.AuditRemoved,
			Detail: fmt.Sprintf("the log ends at seq %d, the checkpoint's at %d", last.seq, c.Seq),
		}, nil
	}
	there, err := first(ctx, s.db, "find the checkpoint's row", scanAudit, `
		SELECT `+auditColumns+`
		FROM audit_logs
		WHERE seq = $1`, c.Seq)
	if err != nil {
		return nil, err
	}
	switch {
	case there == nil:
		return &storage.AuditFault{Seq: c.Seq, Kind: storage.AuditRemoved, Detail: "the checkpoint's last row is gone"}, nil
	case there.MAC != c.MAC:
		return &storage.AuditFault{
			Seq: c.Seq, Key: there.Key, Kind: storage.AuditRemoved,
			Detail: "another row stands where the checkpoint's last row was: rows were cut off and others written",
		}, nil
	}
	count, err := rowsUpTo(ctx, s.db, c.Seq)
	if err != nil {
		return nil, err
	}
	if count != c.Count {
		return &storage.AuditFault{
			Seq: c.Seq, Key: there.Key, Kind: storage.AuditRemoved,
			Detail: fmt.Sprintf("there are %d rows up to here, the checkpoint counted %d: the check of the chain names the first that is gone", count, c.Count),
		}, nil
	}
	return nil, nil
}

func rowsUpTo(ctx context.Context, db Runner, seq int64) (int64, error) {
	return number(ctx, db, "count the audit log", `
		SELECT count(*)
		FROM audit_logs
		WHERE seq <= $1`, seq)
}
