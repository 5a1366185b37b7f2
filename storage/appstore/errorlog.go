package appstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/violentutf/violentutf/storage"
)

// RecordError counts a failure.
func (s *Store) RecordError(ctx context.Context, failure storage.Failure) error {
	if failure.Fingerprint == "" {
		return errors.New("record an error: it has no fingerprint")
	}
	_, err := exec(ctx, s.db, "record an error", `
		INSERT INTO error_logs (fingerprint, place, kind, message, request_id, first_seen, last_seen, occurrences)
		VALUES ($1, $2, $3, $4, $5, $6, $6, 1)
		ON CONFLICT (fingerprint) DO UPDATE
		SET place = excluded.place, kind = excluded.kind, message = excluded.message, request_id = excluded.request_id,
			last_seen = excluded.last_seen, occurrences = error_logs.occurrences + 1`,
		storage.Plain(failure.Fingerprint, maxAuditText), storage.Plain(failure.Where, maxAuditText), storage.Plain(failure.Kind, maxAuditText),
		storage.Plain(failure.Message, storage.MaxErrorMessage), storage.Plain(failure.RequestID, maxAuditText), s.now().UnixMicro())
	return err
}

// ErrorLogs lists the kinds of failures, the last seen first.
func (s *Store) ErrorLogs(ctx context.Context, page storage.Page) (*storage.Connection[storage.ErrorLog], error) {
	return errorListing.page(ctx, s.db, &query{}, order[storage.ErrorLog]{
		name: "last_seen", expr: "last_seen", desc: true,
		value: func(e *storage.ErrorLog) any { return e.LastSeen.UnixMicro() },
	}, page)
}

// ErrorLogsByKey reads kinds of failures by their fingerprints.
func (s *Store) ErrorLogsByKey(ctx context.Context, fingerprints []string) (map[string]*storage.ErrorLog, error) {
	return errorListing.byKey(ctx, s.db, fingerprints)
}

var errorListing = &listing[storage.ErrorLog]{
	name: "errors", from: "error_logs", key: "fingerprint",
	columns: `fingerprint, place, kind, message, request_id, first_seen, last_seen, occurrences`,
	scan: func(row *sql.Rows, e *storage.ErrorLog) error {
		var firstSeen, lastSeen int64
		err := row.Scan(&e.Fingerprint, &e.Where, &e.Kind, &e.Message, &e.RequestID, &firstSeen, &lastSeen, &e.Count)
		e.FirstSeen, e.LastSeen = fromMicros(firstSeen), fromMicros(lastSeen)
		return err
	},
	keyOf: func(e *storage.ErrorLog) string { return e.Fingerprint },
}
