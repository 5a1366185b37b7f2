package house

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/interop"
	"github.com/violentutf/violentutf/storage"
)

// What follows is done for whoever may run programs on the machine, on record as
// storage.ActorCommand.

// ImportByCommand is ImportInto, on record.
func (h *House) ImportByCommand(ctx context.Context, username, workspaceName, path string, opts interop.Options) (imp *storage.Import, err error) {
	row := byCommand("import.file", map[string]any{"user": username, "workspace": workspaceName, "file": filepath.Base(path), "dryRun": opts.DryRun})
	err = h.App.Audited(ctx, row, func(ctx context.Context, row *storage.AuditAct) (err error) {
		workspace, err := h.writable(ctx, username, workspaceName)
		if err != nil {
			return err
		}
		row.SubjectType, row.SubjectKey, row.WorkspaceKey = "Workspace", workspace.Key, workspace.Key
		imp, err = h.take(ctx, workspace, path, opts)
		return err
	})
	return imp, err
}

// UserChange is what a command does to a user.
type UserChange string

// The changes of users.
const (
	UserBind    UserChange = "bind"    // the next identity with the name takes the user over
	UserDisable UserChange = "disable" // lock out, at once
	UserEnable  UserChange = "enable"
)

// ChangeUser changes a user, on record. CodeNotFound for an unknown one, CodeConflict for
// binding one that is bound.
func (h *House) ChangeUser(ctx context.Context, change UserChange, username string) (user *storage.User, err error) {
	switch change {
	case UserBind, UserDisable, UserEnable:
	default:
		return nil, storage.BadInput("change", "a user can be bound, disabled or enabled, not %q", string(change))
	}
	action, detail := "user.allow_binding", map[string]any{"user": username}
	if change != UserBind {
		action, detail["disabled"] = "user.set_disabled", change == UserDisable
	}
	row := byCommand(action, detail)
	err = h.App.Audited(ctx, row, func(ctx context.Context, row *storage.AuditAct) (err error) {
		known, err := h.App.UserByUsername(ctx, username)
		if err != nil {
			return err
		}
		row.SubjectType, row.SubjectKey = "User", known.Key
		if change == UserBind {
			user, err = h.App.AllowBinding(ctx, username)
			return err
		}
		user, err = h.App.SetUserDisabled(ctx, known.Key, change == UserDisable)
		return err
	})
	return user, err
}

// IssueToken makes a token of the development issuer, on record: whose, as what and for how
// long, never the token.
func (h *House) IssueToken(ctx context.Context, username string, role auth.Role, life time.Duration) (token string, err error) {
	if err := auth.ValidUsername(username); err != nil {
		return "", storage.BadInput("user", "%v", err)
	}
	row := byCommand("token.issue", map[string]any{"user": username, "role": role, "life": life.String()})
	err = h.App.Audited(ctx, row, func(ctx context.Context, row *storage.AuditAct) error {
		switch known, err := h.App.UserByUsername(ctx, username); {
		case err == nil:
			row.SubjectType, row.SubjectKey = "User", known.Key
		case storage.CodeOf(err) != storage.CodeNotFound: // an unknown one is made at the first request
			return err
		}
		issuer, err := auth.OpenDevIssuer(h.ConfigDir())
		if err != nil {
			return err
		}
		token, _, err = issuer.Issue(username, role, life)
		return err
	})
	return token, err
}

func byCommand(action string, detail map[string]any) storage.AuditAct {
	if detail == nil {
		detail = map[string]any{}
	}
	text, _ := json.Marshal(detail) // texts and truths are always JSON
	if len(text) > storage.MaxAuditDetail {
		text = []byte(`{"detail":"left out: it does not fit a row"}`)
	}
	return storage.AuditAct{Actor: storage.ActorCommand, Action: action, Detail: storage.JSON(text)}
}

// ByCommand puts on record what do does for a user in a workspace that the user may change;
// the empty name means the personal one, which is made on first use. Errors are do's, and
// ImportInto's.
func (h *House) ByCommand(ctx context.Context, action, username, workspaceName string, detail map[string]any, do func(ctx context.Context, workspace *storage.Workspace, row *storage.AuditAct) error) error {
	if detail == nil {
		detail = map[string]any{}
	}
	detail["user"], detail["workspace"] = username, workspaceName
	return h.App.Audited(ctx, byCommand(action, detail), func(ctx context.Context, row *storage.AuditAct) error {
		workspace, err := h.writable(ctx, username, workspaceName)
		if err != nil {
			return err
		}
		row.WorkspaceKey = workspace.Key
		return do(ctx, workspace, row)
	})
}
