package appstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// maxAuditText is the size of a row's other texts, in bytes.
const maxAuditText = 256

// Audited writes the intent, runs fn and writes its outcome. If the intent cannot be
// written, fn does not run. The outcome is written even when the context has ended.
func (s *Store) Audited(ctx context.Context, act storage.AuditAct, fn func(ctx context.Context, act *storage.AuditAct) error) error {
	intent, err := s.BeginAudit(ctx, act)
	if err != nil {
		return err
	}
	end := func(outcome storage.AuditOutcome, code storage.Code) error {
		if checkAct(&act) != nil { // fn spoiled it: that it was done must be on record all the same
			act.Detail = `{"detail":"left out: it does not fit a row"}`
		}
		return s.EndAudit(context.WithoutCancel(ctx), intent, act, outcome, code)
	}
	returned := false
	defer func() {
		if !returned { // a panic goes on, and is on record
			_ = end(storage.AuditFailed, storage.CodeInternal)
		}
	}()
	err = fn(ctx, &act)
	returned = true
	switch code := storage.CodeOf(err); code {
	case "":
		if err := end(storage.AuditSucceeded, ""); err != nil {
			return fmt.Errorf("%s was done, but its outcome is not in the audit log: %w", act.Action, err)
		}
		return nil
	case storage.CodeForbidden, storage.CodeUnauthenticated:
		return alsoFailed(err, end(storage.AuditDenied, code))
	default:
		return alsoFailed(err, end(storage.AuditFailed, code))
	}
}

// alsoFailed keeps err as it is unless something else failed after it.
func alsoFailed(err, later error) error {
	if later == nil {
		return err
	}
	return errors.Join(err, later)
}

// BeginAudit writes an intent and returns its id.
func (s *Store) BeginAudit(ctx context.Context, act storage.AuditAct) (string, error) {
	return s.addToChain(ctx, &storage.AuditEvent{AuditAct: act, Kind: storage.AuditKindIntent})
}

// EndAudit writes the outcome of an intent.
func (s *Store) EndAudit(ctx context.Context, intent string, act storage.AuditAct, outcome storage.AuditOutcome, code storage.Code) error {
	_, err := s.addToChain(ctx, &storage.AuditEvent{
		AuditAct: act, Kind: storage.AuditKindOutcome, Intent: intent, Outcome: outcome, Code: code,
	})
	return err
}

// RecordAudit writes what needs no intent.
func (s *Store) RecordAudit(ctx context.Context, act storage.AuditAct, outcome storage.AuditOutcome, code storage.Code) error {
	_, err := s.addToChain(ctx, &storage.AuditEvent{AuditAct: act, Kind: storage.AuditKindEvent, Outcome: outcome, Code: code})
	return err
}

// addToChain adds a row to the end of the chain. There is one write transaction at a time,
// so the order of the rows is that of what they tell.
func (s *Store) addToChain(ctx context.Context, event *storage.AuditEvent) (string, error) {
	if s.audit.chain == nil {
		return "", errors.New("write the audit log: the store was opened without an audit key")
	}
	if err := checkAct(&event.AuditAct); err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("write the audit log: %w", err)
	}
	event.Key = id.String()
	err = s.db.WithTx(ctx, func(tx Runner) error {
		last, err := lastLink(ctx, tx)
		if err != nil {
			return err
		}
		event.Seq, event.Previous = last.seq+1, last.mac
		event.OccurredAt = fromMicros(s.now().UnixMicro())
		event.MAC = s.audit.mac(event)
		_, err = exec(ctx, tx, "write the audit log", `
			INSERT INTO audit_logs (`+auditColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
			append(auditRow(event), event.MAC)...)
		return err
	})
	return event.Key, err
}

// link is a row as the next one sees it.
type link struct {
	seq int64
	mac string
}

func lastLink(ctx context.Context, db Runner) (*link, error) {
	last, err := first(ctx, db, "find the end of the audit log", func(row *sql.Rows, into *link) error {
		return row.Scan(&into.seq, &into.mac)
	}, `
		SELECT seq, mac
		FROM audit_logs
		ORDER BY seq DESC
		LIMIT 1`)
	if err == nil && last == nil {
		last = &link{mac: auditGenesis}
	}
	return last, err
}

const auditColumns = `seq, id, occurred_at, kind, intent, actor_id, actor, action, subject_type, subject_id,
			workspace_id, outcome, code, ip, user_agent, request_id, detail, previous, mac`

// auditRow is what auditColumns hold, but the MAC.
func auditRow(e *storage.AuditEvent) []any {
	return []any{
		e.Seq, e.Key, e.OccurredAt.UnixMicro(), string(e.Kind), e.Intent, e.ActorKey, e.Actor, e.Action, e.SubjectType, e.SubjectKey,
		e.WorkspaceKey, string(e.Outcome), string(e.Code), e.IP, e.UserAgent, e.RequestID, string(e.Detail), e.Previous,
	}
}

func scanAudit(row *sql.Rows, e *storage.AuditEvent) error {
	var at int64
	err := row.Scan(
		&e.Seq, &e.Key, &at, &e.Kind, &e.Intent, &e.ActorKey, &e.Actor, &e.Action, &e.SubjectType, &e.SubjectKey,
		&e.WorkspaceKey, &e.Outcome, &e.Code, &e.IP, &e.UserAgent, &e.RequestID, &e.Detail, &e.Previous, &e.MAC)
	e.OccurredAt = fromMicros(at)
	return err
}

var dotted = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_]*(\.[a-zA-Z][a-zA-Z0-9_]*)*$`)

// checkAct makes the texts fit for a row and refuses what cannot be made so.
func checkAct(act *storage.AuditAct) error {
	for _, text := range []*string{
		&act.ActorKey, &act.Actor, &act.SubjectType, &act.SubjectKey, &act.WorkspaceKey, &act.UserAgent, &act.RequestID,
	} {
		*text = storage.Plain(*text, maxAuditText)
	}
	act.IP = storage.Plain(act.IP, maxAddress)
	switch {
	case act.Actor == "":
		return storage.BadInput("actor", "the audit log needs an actor: a username, %q or %q", storage.ActorCommand, storage.ActorSystem)
	case len(act.Action) > maxAuditText || !dotted.MatchString(act.Action):
		return storage.BadInput("action", "the action %q is not dotted words, as workspace.invite", storage.Plain(act.Action, maxAuditText))
	case len(act.Detail) > storage.MaxAuditDetail:
		return storage.BadInput("detail", "the audit log takes %d bytes of detail, not %d: name what changed, leave out the values",
			storage.MaxAuditDetail, len(act.Detail))
	case act.Detail != "" && !isObject(act.Detail):
		return storage.BadInput("detail", "the detail of the audit log must be a JSON object")
	}
	return nil
}

func isObject(text storage.JSON) bool {
	var object map[string]json.RawMessage
	return utf8.ValidString(string(text)) && json.Unmarshal([]byte(text), &object) == nil && object != nil
}
