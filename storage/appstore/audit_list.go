package appstore

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// AuditEvents lists the log, oldest first unless ordered otherwise.
func (s *Store) AuditEvents(ctx context.Context, filter *storage.AuditFilter, by storage.AuditOrder, page storage.Page) (*storage.Connection[storage.AuditEvent], error) {
	q := &query{}
	if f := filter; f != nil {
		equal(q, "actor_id", f.ActorKey)
		equal(q, "actor", f.Actor)
		q.startsWith("action", f.ActionPrefix)
		equal(q, "kind", f.Kind)
		equal(q, "outcome", f.Outcome)
		equal(q, "subject_type", f.SubjectType)
		equal(q, "subject_id", f.SubjectKey)
		equal(q, "workspace_id", f.WorkspaceKey)
		equal(q, "request_id", f.RequestID)
		equal(q, "intent", f.Intent)
		q.during("occurred_at", f.OccurredAt)
	}
	return auditListing.page(ctx, s.db, q, order[storage.AuditEvent]{
		name: "seq", expr: "seq", desc: by.Direction == storage.Descending,
		value: func(e *storage.AuditEvent) any { return e.Seq },
	}, page)
}

// AuditEventsByKey reads rows of the log.
func (s *Store) AuditEventsByKey(ctx context.Context, keys []string) (map[string]*storage.AuditEvent, error) {
	return auditListing.byKey(ctx, s.db, keys)
}

var auditListing = &listing[storage.AuditEvent]{
	name: "audit events", columns: auditColumns, from: "audit_logs", key: "id",
	scan:  scanAudit,
	keyOf: func(e *storage.AuditEvent) string { return e.Key },
}
