package appstore

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// PurgeDeliveries forgets old deliveries.
func (s *Store) PurgeDeliveries(ctx context.Context) (int64, error) {
	setting, err := declared(storage.WebhookDays)
	if err != nil {
		return 0, err
	}
	stored, err := first(ctx, s.db, "read setting", scanSetting, `
		SELECT `+settingColumns+`
		FROM system_config
		WHERE name = $1`, setting.Key)
	if err != nil {
		return 0, err
	}
	kept := time.Duration(valued(*setting, stored).Int()) * 24 * time.Hour
	return exec(ctx, s.db, "forget deliveries", `
		DELETE FROM webhook_deliveries
		WHERE created_at < $1`, s.now().Add(-kept).UnixMicro())
}

var deliveryListing = &listing[storage.WebhookDelivery]{
	name: "webhook deliveries", key: "d.id",
	columns: `d.id, d.webhook_id, d.workspace_id, w.store_key, d.message, d.event, d.execution_id, d.facts, d.redelivery_of,
			d.status, d.attempts, d.response_status, d.error, d.duration_ms, d.next_attempt_at, d.occurred_at, d.created_at, d.delivered_at`,
	from:  "webhook_deliveries AS d JOIN workspaces AS w ON w.id = d.workspace_id",
	scan:  func(row *sql.Rows, into *storage.WebhookDelivery) error { return scanDelivery(row, into) },
	keyOf: func(d *storage.WebhookDelivery) string { return d.Key },
}

// scanDelivery reads the listing's columns and whatever columns follow them.
func scanDelivery(row *sql.Rows, into *storage.WebhookDelivery, rest ...any) error {
	var store sql.NullString
	var next, delivered *int64
	var occurred, created int64
	err := row.Scan(append([]any{
		&into.Key, &into.WebhookKey, &into.WorkspaceKey, &store, &into.Message, &into.Event, &into.ExecutionKey, &into.Facts, &into.RedeliveryOf,
		&into.Status, &into.Attempts, &into.ResponseStatus, &into.Error, &into.DurationMs, &next, &occurred, &created, &delivered,
	}, rest...)...)
	if err != nil {
		return err
	}
	into.NextAttemptAt, into.DeliveredAt = maybeMicros(next), maybeMicros(delivered)
	into.OccurredAt, into.CreatedAt = fromMicros(occurred), fromMicros(created)
	into.StoreKey, err = storeKey(store.String)
	return err
}

// DeliveriesByKey reads deliveries.
func (s *Store) DeliveriesByKey(ctx context.Context, keys []string) (map[string]*storage.WebhookDelivery, error) {
	return deliveryListing.byKey(ctx, s.db, keys)
}

// LastDeliveries finds the newest delivery of webhooks.
func (s *Store) LastDeliveries(ctx context.Context, webhooks []string) (map[string]*storage.WebhookDelivery, error) {
	last := make(map[string]*storage.WebhookDelivery, len(webhooks))
	if len(webhooks) == 0 {
		return last, nil
	}
	q := &query{}
	q.among("newest.webhook_id", webhooks)
	rows, err := list(ctx, s.db, "find the last deliveries", deliveryListing.scan, `
		SELECT `+deliveryListing.columns+`
		FROM `+deliveryListing.from+`
		WHERE d.id IN (
			SELECT max(newest.id)
			FROM webhook_deliveries AS newest
			WHERE `+q.where()+`
			GROUP BY newest.webhook_id)`, q.args...)
	for _, row := range rows {
		last[row.WebhookKey] = row
	}
	return last, err
}

// DeliveriesByWebhook lists the deliveries of webhooks, newest first: keys are in the
// order of time.
func (s *Store) DeliveriesByWebhook(ctx context.Context, webhooks []string, filter *storage.WebhookDeliveryFilter, page storage.Page) (map[string]*storage.Connection[storage.WebhookDelivery], error) {
	pages := make(map[string]*storage.Connection[storage.WebhookDelivery], len(webhooks))
	if len(webhooks) == 0 {
		return pages, nil
	}
	narrowed := func(column string, keys []string) *query {
		q := &query{}
		q.among(column, keys)
		if filter != nil && filter.Status != nil {
			within(q, "d.status", filter.Status.In, filter.Status.NotIn)
		}
		if filter != nil && filter.Event != nil {
			within(q, "d.event", filter.Event.In, filter.Event.NotIn)
		}
		return q
	}
	q := narrowed("d.webhook_id", webhooks)
	for _, webhook := range webhooks {
		if err := beyondDelivery(q, webhook, page); err != nil {
			return nil, err
		}
	}
	direction := "DESC"
	if page.Backward {
		direction = "ASC"
	}
	// Rows of each webhook in its own number, so that one statement pages them all.
	rows, err := list(ctx, s.db, "list deliveries", deliveryListing.scan, `
		SELECT `+deliveryListing.columns+`
		FROM (
			SELECT d.*, row_number() OVER (PARTITION BY d.webhook_id ORDER BY d.id `+direction+`) AS place
			FROM webhook_deliveries AS d
			WHERE `+q.where()+`) AS d
		JOIN workspaces AS w ON w.id = d.workspace_id
		WHERE d.place <= `+q.arg(page.Limit+1)+`
		ORDER BY d.webhook_id, d.id `+direction, q.args...)
	if err != nil {
		return nil, err
	}
	of := map[string][]*storage.WebhookDelivery{}
	for _, row := range rows {
		of[row.WebhookKey] = append(of[row.WebhookKey], row)
	}
	for _, webhook := range webhooks {
		counted := narrowed("d.webhook_id", []string{webhook})
		pages[webhook] = storage.NewConnection(page, of[webhook], func(d *storage.WebhookDelivery) string {
			return storage.Cursor{List: deliveryList(webhook), Number: d.Key}.String()
		}, func(ctx context.Context) (int64, error) {
			return number(ctx, s.db, "count deliveries", `
		SELECT count(*)
		FROM webhook_deliveries AS d
		WHERE `+counted.where(), counted.args...)
		})
	}
	return pages, nil
}

func deliveryList(webhook string) string { return "webhook deliveries/" + webhook }

// beyondDelivery adds what the page's cursors demand, which are of one webhook's list.
func beyondDelivery(q *query, webhook string, page storage.Page) error {
	for _, end := range []struct{ field, text, operator string }{{"after", page.After, "<"}, {"before", page.Before, ">"}} {
		if end.text == "" {
			continue
		}
		c, err := storage.ParseCursor(end.field, end.text, deliveryList(webhook))
		if err != nil {
			return err
		}
		if strings.ContainsRune(c.Number, 0) {
			return storage.BadInput(end.field, "%s is not a cursor of this server: pass an endCursor or startCursor unchanged", end.field)
		}
		q.and("d.id " + end.operator + " " + q.arg(c.Number))
	}
	return nil
}

// within narrows a column to values and from others; nil lists narrow nothing.
func within[V ~string](q *query, column string, in, notIn []V) {
	one := func(values []V, operator, none string) {
		switch {
		case values == nil:
		case len(values) == 0:
			q.and(none)
		default:
			places := make([]string, len(values))
			for i, value := range values {
				places[i] = q.arg(string(value))
			}
			q.and(column + " " + operator + " (" + strings.Join(places, ", ") + ")")
		}
	}
	one(in, "IN", "FALSE")
	one(notIn, "NOT IN", "TRUE")
}
