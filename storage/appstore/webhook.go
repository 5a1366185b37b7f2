package appstore

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"

	"github.com/violentutf/violentutf/storage"
)

var webhookListing = &listing[storage.Webhook]{
	name: "webhooks", key: "h.id", scan: scanWebhook,
	columns: `h.id, h.workspace_id, w.store_key, h.name, h.url, h.events, h.active, h.inactive_reason,
			h.secret_last_four, h.secret_set_at, u.username, h.created_at, h.updated_at`,
	from: `webhooks AS h
		JOIN workspaces AS w ON w.id = h.workspace_id
		JOIN users AS u ON u.id = h.created_by`,
	keyOf: func(w *storage.Webhook) string { return w.Key },
}

func scanWebhook(row *sql.Rows, into *storage.Webhook) error {
	var store sql.NullString
	var events texts
	var lastFour string
	var secretAt, created, updated int64
	err := row.Scan(&into.Key, &into.WorkspaceKey, &store, &into.Name, &into.URL, &events, &into.Active, &into.InactiveReason,
		&lastFour, &secretAt, &into.CreatedBy, &created, &updated)
	if err != nil {
		return err
	}
	into.Events = make([]storage.WebhookEvent, len(events))
	for i, event := range events {
		into.Events[i] = storage.WebhookEvent(event)
	}
	into.Secret = &storage.Credential{IsSet: true, UpdatedAt: maybeMicros(&secretAt)}
	if lastFour != "" {
		into.Secret.LastFour = &lastFour
	}
	into.CreatedAt, into.UpdatedAt = fromMicros(created), fromMicros(updated)
	into.StoreKey, err = storeKey(store.String)
	return err
}

// storeKey decodes the key of a store as a workspace's row has it.
func storeKey(stored string) (string, error) {
	raw, err := hex.DecodeString(stored)
	return string(raw), err
}

// asEditor runs fn when the user may change what is in the workspace, in the same
// transaction as the check.
func (s *Store) asEditor(ctx context.Context, actor, workspaceKey string, fn func(tx Runner) error) error {
	return s.db.WithTx(ctx, func(tx Runner) error {
		a, err := actingIn(ctx, tx, actor, workspaceKey)
		switch {
		case err != nil:
			return err
		case a.workspace.ArchivedAt != nil:
			return storage.Errorf(storage.CodeConflict, "the workspace %q is archived: unarchive it first", a.workspace.Name)
		case a.workspace.Role == storage.MemberViewer:
			return storage.Errorf(storage.CodeForbidden, "you may only read this workspace: an owner of it can make you an EDITOR")
		}
		return fn(tx)
	})
}

// CreateWebhook adds a webhook.
func (s *Store) CreateWebhook(ctx context.Context, actor string, w *storage.NewWebhook) error {
	return s.asEditor(ctx, actor, w.WorkspaceKey, func(tx Runner) error {
		count, err := number(ctx, tx, "count webhooks", `
		SELECT count(*)
		FROM webhooks
		WHERE workspace_id = $1`, w.WorkspaceKey)
		switch {
		case err != nil:
			return err
		case count >= storage.MostWebhooks:
			return storage.Errorf(storage.CodeConflict, "a workspace may have %d webhooks: delete one first", storage.MostWebhooks)
		}
		if err := webhookNameIsFree(ctx, tx, w.WorkspaceKey, w.Key, w.Name); err != nil {
			return err
		}
		now := s.now().UnixMicro()
		_, err = exec(ctx, tx, "create a webhook", `
		INSERT INTO webhooks (id, workspace_id, name, url, events, active, inactive_reason, secret, secret_last_four,
			secret_set_at, created_by, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $10)`,
			w.Key, w.WorkspaceKey, w.Name, w.URL, eventTexts(w.Events).column(), w.Active, inactive(w.Active), w.Secret.Sealed, w.Secret.LastFour, now, actor)
		return err
	})
}

func eventTexts(events []storage.WebhookEvent) texts {
	list := make(texts, len(events))
	for i, event := range events {
		list[i] = string(event)
	}
	return list
}

// inactive is why somebody's choice leaves a webhook inactive.
func inactive(active bool) any {
	if active {
		return nil
	}
	return string(storage.WebhookStopped)
}

func webhookNameIsFree(ctx context.Context, tx Runner, workspaceKey, key, name string) error {
	taken, err := number(ctx, tx, "find webhooks with a name", `
		SELECT count(*)
		FROM webhooks
		WHERE workspace_id = $1 AND name = $2 AND id <> $3`, workspaceKey, name, key)
	if err == nil && taken > 0 {
		err = &storage.Error{Code: storage.CodeConflict, Field: "name", Message: "another webhook of the workspace has this name: choose another one"}
	}
	return err
}

func noWebhook() error {
	return &storage.Error{Code: storage.CodeNotFound, Field: "id", Message: "there is no such webhook: pass an id of one"}
}

// ChangeWebhook changes a webhook.
func (s *Store) ChangeWebhook(ctx context.Context, actor, workspaceKey, key string, c storage.WebhookChange) error {
	return s.asEditor(ctx, actor, workspaceKey, func(tx Runner) error {
		now := s.now().UnixMicro()
		changed, err := exec(ctx, tx, "change a webhook", `
		UPDATE webhooks
		SET updated_at = $3
		WHERE id = $1 AND workspace_id = $2`, key, workspaceKey, now)
		switch {
		case err != nil:
			return err
		case changed == 0:
			return noWebhook()
		}
		if c.Name != nil {
			if err := webhookNameIsFree(ctx, tx, workspaceKey, key, *c.Name); err != nil {
				return err
			}
			if err := setOfWebhook(ctx, tx, key, `name = $2`, *c.Name); err != nil {
				return err
			}
		}
		if c.URL != nil {
			if err := setOfWebhook(ctx, tx, key, `url = $2`, *c.URL); err != nil {
				return err
			}
		}
		if c.Events != nil {
			if err := setOfWebhook(ctx, tx, key, `events = $2`, eventTexts(c.Events).column()); err != nil {
				return err
			}
		}
		if c.Active != nil {
			if err := s.activate(ctx, tx, key, *c.Active, inactive(*c.Active)); err != nil {
				return err
			}
		}
		if c.Secret == nil {
			return nil
		}
		return setOfWebhook(ctx, tx, key, `previous_secret = secret, previous_until = $2, secret = $3, secret_last_four = $4, secret_set_at = $5`,
			c.PreviousUntil.UnixMicro(), c.Secret.Sealed, c.Secret.LastFour, now)
	})
}

func setOfWebhook(ctx context.Context, tx Runner, key, set string, args ...any) error {
	_, err := exec(ctx, tx, "change a webhook", `
		UPDATE webhooks
		SET `+set+`
		WHERE id = $1`, append([]any{key}, args...)...)
	return err
}

// activate lets a webhook be told of events, or stops it with all that waits for it. What
// is under way stays: its sender ends it.
func (s *Store) activate(ctx context.Context, tx Runner, key string, active bool, reason any) error {
	if err := setOfWebhook(ctx, tx, key, `active = $2, inactive_reason = $3`, active, reason); err != nil || active {
		return err
	}
	_, err := exec(ctx, tx, "stop deliveries", `
		UPDATE webhook_deliveries
		SET status = 'FAILED', error = $2, next_attempt_at = NULL
		WHERE webhook_id = $1 AND status = 'PENDING' AND lease_until <= $3`, key, string(storage.DeliveryInactive), s.now().UnixMicro())
	return err
}

// DeleteWebhook deletes a webhook and its deliveries.
func (s *Store) DeleteWebhook(ctx context.Context, actor, workspaceKey, key string) error {
	return s.asEditor(ctx, actor, workspaceKey, func(tx Runner) error {
		if _, err := exec(ctx, tx, "delete deliveries", `
		DELETE FROM webhook_deliveries
		WHERE webhook_id = $1 AND workspace_id = $2`, key, workspaceKey); err != nil {
			return err
		}
		changed, err := exec(ctx, tx, "delete a webhook", `
		DELETE FROM webhooks
		WHERE id = $1 AND workspace_id = $2`, key, workspaceKey)
		if err == nil && changed == 0 {
			err = noWebhook()
		}
		return err
	})
}

// WebhooksOf lists a workspace's webhooks, newest first.
func (s *Store) WebhooksOf(ctx context.Context, workspaceKey string, page storage.Page) (*storage.Connection[storage.Webhook], error) {
	q := &query{}
	equal(q, "h.workspace_id", &workspaceKey)
	return webhookListing.page(ctx, s.db, q, order[storage.Webhook]{
		name: "created", expr: "h.created_at", desc: true,
		value: func(w *storage.Webhook) any { return w.CreatedAt.UnixMicro() },
	}, page)
}

// WebhooksByKey reads webhooks.
func (s *Store) WebhooksByKey(ctx context.Context, keys []string) (map[string]*storage.Webhook, error) {
	return webhookListing.byKey(ctx, s.db, keys)
}

// SealedWebhooks lists sealed secrets, for a rotation of the keys.
func (s *Store) SealedWebhooks(ctx context.Context, after storage.SealedWebhook, limit int) ([]*storage.SealedWebhook, error) {
	return list(ctx, s.db, "list sealed secrets of webhooks", func(row *sql.Rows, into *storage.SealedWebhook) error {
		return row.Scan(&into.Webhook, &into.Workspace, &into.Field, &into.Sealed)
	}, `
		SELECT id, workspace_id, field, sealed
		FROM (
			SELECT id, workspace_id, 'secret' AS field, secret AS sealed
			FROM webhooks
			WHERE id >= $1
			UNION ALL
			SELECT id, workspace_id, 'previous_secret' AS field, previous_secret AS sealed
			FROM webhooks
			WHERE id >= $1) AS secrets
		WHERE sealed <> '' AND (id > $1 OR field > $2)
		ORDER BY id, field
		LIMIT $3`, after.Webhook, string(after.Field), limit)
}

// ReplaceWebhookSecrets stores each new text where the old one still is: whoever made a
// new secret in between has sealed it with the new key.
func (s *Store) ReplaceWebhookSecrets(ctx context.Context, changes []*storage.ResealedWebhook) error {
	return s.db.WithTx(ctx, func(tx Runner) error {
		for _, change := range changes {
			column := string(change.Field)
			if change.Field != storage.FieldSecret && change.Field != storage.FieldPreviousSecret {
				return fmt.Errorf("replace a sealed secret: there is no field %q", column)
			}
			if _, err := exec(ctx, tx, "replace a sealed secret", `
		UPDATE webhooks
		SET `+column+` = $3
		WHERE id = $1 AND `+column+` = $2`, change.Webhook, change.Sealed, change.New); err != nil {
				return err
			}
		}
		return nil
	})
}
