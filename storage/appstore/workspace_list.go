package appstore

import (
	"context"
	"database/sql"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// Workspaces lists the workspaces of a user: the personal one, then the others as
// they were made.
func (s *Store) Workspaces(ctx context.Context, userKey string) ([]*storage.Workspace, error) {
	return s.workspacesOf(ctx, userKey, "w.archived_at IS NULL")
}

// ArchivedWorkspaces lists the workspaces of a user that no other look-up finds, as
// they were made.
func (s *Store) ArchivedWorkspaces(ctx context.Context, userKey string) ([]*storage.Workspace, error) {
	return s.workspacesOf(ctx, userKey, "w.archived_at IS NOT NULL")
}

func (s *Store) workspacesOf(ctx context.Context, userKey, condition string) ([]*storage.Workspace, error) {
	return list(ctx, s.db, "list workspaces", scanWorkspace, `
		SELECT `+workspaceColumns+`
		FROM workspace_members AS m
		JOIN workspaces AS w ON w.id = m.workspace_id
		WHERE m.user_id = $1 AND `+condition+`
		ORDER BY CASE WHEN w.personal_of = $1 THEN 0 ELSE 1 END, w.created_at, w.id`, userKey)
}

// WorkspacesByKey reads workspaces, archived ones too, without the file, the store's
// key and a role.
func (s *Store) WorkspacesByKey(ctx context.Context, keys []string) (map[string]*storage.Workspace, error) {
	uses, err := workspaceUses.byKey(ctx, s.db, keys)
	if err != nil {
		return nil, err
	}
	named := make(map[string]*storage.Workspace, len(uses))
	for key, use := range uses {
		use.File, use.StoreKey = "", ""
		named[key] = &use.Workspace
	}
	return named, nil
}

// Members lists the members of a workspace by name. Whether the viewer may see them
// is up to the caller: it holds a workspace only as a member.
func (s *Store) Members(ctx context.Context, workspaceKey string) ([]*storage.Member, error) {
	byWorkspace, err := s.MembersOf(ctx, []string{workspaceKey})
	if err != nil {
		return nil, err
	}
	return byWorkspace[workspaceKey], nil
}

// MembersOf is Members of several workspaces; an unknown one has none.
func (s *Store) MembersOf(ctx context.Context, workspaceKeys []string) (map[string][]*storage.Member, error) {
	byWorkspace := make(map[string][]*storage.Member, len(workspaceKeys))
	if len(workspaceKeys) == 0 {
		return byWorkspace, nil
	}
	q := &query{}
	q.among("m.workspace_id", workspaceKeys)
	members, err := list(ctx, s.db, "list members", func(row *sql.Rows, found *memberOf) error {
		return found.scan(row)
	}, `
		SELECT m.workspace_id, `+memberColumns+`
		FROM workspace_members AS m
		JOIN users AS u ON u.id = m.user_id
		WHERE `+q.where()+`
		ORDER BY u.username`, q.args...)
	if err != nil {
		return nil, err
	}
	for _, key := range workspaceKeys {
		byWorkspace[key] = []*storage.Member{}
	}
	for _, m := range members {
		byWorkspace[m.workspace] = append(byWorkspace[m.workspace], &m.member)
	}
	return byWorkspace, nil
}

const memberColumns = `m.user_id, u.username, m.role, m.added_at`

type memberOf struct {
	workspace string
	member    storage.Member
}

func (m *memberOf) scan(row *sql.Rows) error {
	var added int64
	err := row.Scan(&m.workspace, &m.member.UserKey, &m.member.Username, &m.member.Role, &added)
	m.member.AddedAt = fromMicros(added)
	return err
}

// AllWorkspaces lists every workspace, archived ones too, with its first owner's
// name. Role is empty: who asks is an administrator, not a member.
func (s *Store) AllWorkspaces(ctx context.Context) ([]*storage.WorkspaceUse, error) {
	return list(ctx, s.db, "list all workspaces", scanWorkspaceUse, `
		SELECT `+workspaceUses.columns+`
		FROM `+workspaceUses.from+`
		ORDER BY w.created_at, w.id`)
}

// ListWorkspaces is AllWorkspaces, page by page.
func (s *Store) ListWorkspaces(ctx context.Context, filter *storage.WorkspaceFilter, by storage.WorkspaceOrder, page storage.Page) (*storage.Connection[storage.WorkspaceUse], error) {
	q := &query{}
	if filter != nil {
		equal(q, "w.kind", filter.Kind)
		q.is("w.archived_at IS NOT NULL", filter.Archived)
	}
	o := order[storage.WorkspaceUse]{name: string(by.Field), desc: by.Direction == storage.Descending}
	switch by.Field {
	case storage.WorkspaceOrderName:
		o.expr, o.value = "w.name", func(w *storage.WorkspaceUse) any { return w.Name }
	case storage.WorkspaceOrderBytes:
		o.expr, o.value = "w.bytes", func(w *storage.WorkspaceUse) any { return w.Bytes }
	case storage.WorkspaceOrderRows:
		o.expr, o.value = "w.rows", func(w *storage.WorkspaceUse) any { return w.Rows }
	case storage.WorkspaceOrderLastWrite: // in seconds, as LastWrite
		o.expr, o.value = "COALESCE(w.last_write / 1000000, -1)", func(w *storage.WorkspaceUse) any {
			if w.LastWrite == nil {
				return int64(-1)
			}
			return *w.LastWrite
		}
	default:
		o.expr, o.value = "w.created_at", func(w *storage.WorkspaceUse) any { return w.CreatedAt.UnixMicro() }
	}
	return workspaceUses.page(ctx, s.db, q, o, page)
}

var workspaceUses = &listing[storage.WorkspaceUse]{
	name: "workspaces", from: "workspaces AS w", key: "w.id",
	columns: `w.id, w.kind, w.name, w.file, w.store_key, w.created_at, w.archived_at, '',
			COALESCE((
				SELECT u.username
				FROM workspace_members AS m
				JOIN users AS u ON u.id = m.user_id
				WHERE m.workspace_id = w.id AND m.role = 'OWNER'
				ORDER BY m.added_at, u.username
				LIMIT 1), ''),
			w.bytes, w.rows, w.last_write`,
	scan:  scanWorkspaceUse,
	keyOf: func(w *storage.WorkspaceUse) string { return w.Key },
}

func scanWorkspaceUse(row *sql.Rows, use *storage.WorkspaceUse) error {
	workspace := scannedWorkspace{}
	var micros *int64
	err := row.Scan(append(workspace.targets(), &use.Owner, &use.Bytes, &use.Rows, &micros)...)
	use.Workspace = workspace.Workspace()
	if micros != nil {
		seconds := *micros / int64(time.Second/time.Microsecond)
		use.LastWrite = &seconds
	}
	return err
}
