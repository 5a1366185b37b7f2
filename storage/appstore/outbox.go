package appstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

// executionEvents are what webhooks are told when a run comes to a state by a command or
// at its end.
var executionEvents = map[storage.ExecutionStatus]storage.WebhookEvent{
	storage.ExecutionQueued:    storage.EventExecutionResumed,
	storage.ExecutionPaused:    storage.EventExecutionPaused,
	storage.ExecutionSucceeded: storage.EventExecutionSucceeded,
	storage.ExecutionFailed:    storage.EventExecutionFailed,
	storage.ExecutionCancelled: storage.EventExecutionCancelled,
}

// announce enqueues deliveries of what happened to a run, in the transaction in which it
// did: neither is stored without the other.
func (s *Store) announce(ctx context.Context, tx Runner, event storage.WebhookEvent, e *storage.ExecutionState) error {
	type wanting struct {
		key    string
		events texts
	}
	hooks, err := list(ctx, tx, "find webhooks to tell", func(row *sql.Rows, into *wanting) error {
		return row.Scan(&into.key, &into.events)
	}, `
		SELECT id, events
		FROM webhooks
		WHERE workspace_id = $1 AND active`, e.WorkspaceKey)
	if err != nil {
		return err
	}
	facts, err := storage.FactsOf(e)
	if err != nil {
		return fmt.Errorf("tell webhooks: %w", err)
	}
	now := s.now().UnixMicro()
	message, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("tell webhooks: %w", err)
	}
	for _, hook := range hooks { // as many as storage.MostWebhooks
		if !slices.Contains(hook.events, string(event)) {
			continue
		}
		if _, err := enqueue(ctx, tx, &outgoing{
			webhook: hook.key, workspace: e.WorkspaceKey, message: message.String(), event: event, execution: e.Key, facts: facts, occurred: now,
		}, now); err != nil {
			return err
		}
	}
	return nil
}

// announceKey is announce for a run that changed in this transaction.
func (s *Store) announceKey(ctx context.Context, tx Runner, event storage.WebhookEvent, key string) error {
	state, err := oneExecution(ctx, tx, key)
	if err != nil {
		return err
	}
	return s.announce(ctx, tx, event, state)
}

// outgoing is a delivery to be enqueued.
type outgoing struct {
	webhook, workspace, message string
	event                       storage.WebhookEvent
	execution                   string
	facts                       storage.JSON
	of                          *string // the delivery that it repeats
	occurred                    int64
	sender                      *string // who sends it at once, until
	until                       int64
}

// enqueue adds a delivery that is due now, and returns its key.
func enqueue(ctx context.Context, tx Runner, o *outgoing, now int64) (string, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", fmt.Errorf("enqueue a delivery: %w", err)
	}
	attempts := 0
	if o.sender != nil {
		attempts = 1
	}
	_, err = exec(ctx, tx, "enqueue a delivery", `
		INSERT INTO webhook_deliveries (id, webhook_id, workspace_id, message, event, execution_id, facts, redelivery_of,
			status, attempts, next_attempt_at, lease_owner, lease_until, occurred_at, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'PENDING', $9, $10, $11, $12, $13, $10)`,
		id.String(), o.webhook, o.workspace, o.message, string(o.event), o.execution, string(o.facts), o.of,
		attempts, now, o.sender, o.until, o.occurred)
	return id.String(), err
}

// BeginPing adds a ping that its sender sends at once.
func (s *Store) BeginPing(ctx context.Context, actor, workspaceKey, webhookKey, sender string, lease time.Duration) (*storage.Sending, error) {
	var ping *storage.Sending
	err := s.asEditor(ctx, actor, workspaceKey, func(tx Runner) error {
		hooks, err := webhookListing.byKey(ctx, tx, []string{webhookKey})
		if err != nil {
			return err
		}
		if hook := hooks[webhookKey]; hook == nil || hook.WorkspaceKey != workspaceKey {
			return noWebhook()
		}
		message, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("begin a ping: %w", err)
		}
		now := s.now()
		key, err := enqueue(ctx, tx, &outgoing{
			webhook: webhookKey, workspace: workspaceKey, message: message.String(), event: storage.EventPing, facts: "{}",
			occurred: now.UnixMicro(), sender: &sender, until: now.Add(lease).UnixMicro(),
		}, now.UnixMicro())
		if err != nil {
			return err
		}
		ping, err = s.sendingOf(ctx, tx, key, sender)
		return err
	})
	if err != nil {
		return nil, err
	}
	return ping, nil
}

// Redeliver enqueues what a delivery told once more.
func (s *Store) Redeliver(ctx context.Context, actor, workspaceKey, key string) (string, error) {
	var made string
	err := s.asEditor(ctx, actor, workspaceKey, func(tx Runner) error {
		found, err := deliveryListing.byKey(ctx, tx, []string{key})
		if err != nil {
			return err
		}
		d := found[key]
		if d == nil || d.WorkspaceKey != workspaceKey {
			return &storage.Error{Code: storage.CodeNotFound, Field: "id", Message: "there is no such delivery: pass an id of one"}
		}
		if d.Status == storage.DeliveryPending {
			return &storage.Error{Code: storage.CodeConflict, Field: "id", Message: "this delivery is on its way: wait until it is DELIVERED or FAILED"}
		}
		hooks, err := webhookListing.byKey(ctx, tx, []string{d.WebhookKey})
		if err != nil {
			return err
		}
		if hook := hooks[d.WebhookKey]; !hook.Active && d.Event != storage.EventPing {
			return &storage.Error{Code: storage.CodeConflict, Field: "id", Message: "the webhook is not active: activate it first"}
		}
		made, err = enqueue(ctx, tx, &outgoing{
			webhook: d.WebhookKey, workspace: d.WorkspaceKey, message: d.Message, event: d.Event, execution: d.ExecutionKey,
			facts: d.Facts, of: &d.Key, occurred: d.OccurredAt.UnixMicro(),
		}, s.now().UnixMicro())
		return err
	})
	return made, err
}

// mostSending is how many deliveries of one workspace are under way at once.
const mostSending = 4

// ClaimDelivery gives the sender a delivery that is due.
func (s *Store) ClaimDelivery(ctx context.Context, sender string, lease time.Duration) (*storage.Sending, error) {
	// Most of the time nothing is due, and that a reader can tell.
	due, err := s.nextDue(ctx, s.db)
	if err != nil || due == nil {
		return nil, err
	}
	var claimed *storage.Sending
	err = s.db.WithTx(ctx, func(tx Runner) error {
		due, err := s.nextDue(ctx, tx)
		if err != nil || due == nil {
			return err
		}
		if _, err := exec(ctx, tx, "claim a delivery", `
		UPDATE webhook_deliveries
		SET lease_owner = $2, lease_until = $3, attempts = attempts + 1
		WHERE id = $1`, *due, sender, s.now().Add(lease).UnixMicro()); err != nil {
			return err
		}
		claimed, err = s.sendingOf(ctx, tx, *due, sender)
		return err
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// nextDue finds the delivery that is to be sent next, nil when none is.
func (s *Store) nextDue(ctx context.Context, db Runner) (*string, error) {
	return first(ctx, db, "find the next delivery", func(row *sql.Rows, into *string) error { return row.Scan(into) }, `
		SELECT d.id
		FROM webhook_deliveries AS d
		JOIN webhooks AS h ON h.id = d.webhook_id AND (h.active OR d.event = 'PING')
		JOIN workspaces AS w ON w.id = d.workspace_id AND w.archived_at IS NULL
		WHERE d.status = 'PENDING' AND d.next_attempt_at <= $1 AND d.lease_until <= $1
			AND d.webhook_id NOT IN (
				SELECT webhook_id
				FROM webhook_deliveries
				WHERE status = 'PENDING' AND lease_until > $1)
			AND d.workspace_id NOT IN (
				SELECT workspace_id
				FROM webhook_deliveries
				WHERE status = 'PENDING' AND lease_until > $1
				GROUP BY workspace_id
				HAVING count(*) >= $2)
		ORDER BY d.next_attempt_at, d.id
		LIMIT 1`, s.now().UnixMicro(), mostSending)
}

// sendingOf reads a delivery with what it takes to send it.
func (s *Store) sendingOf(ctx context.Context, tx Runner, key, sender string) (*storage.Sending, error) {
	found, err := first(ctx, tx, "read a delivery", func(row *sql.Rows, into *storage.Sending) error {
		return scanDelivery(row, &into.WebhookDelivery, &into.WebhookName, &into.WorkspaceName, &into.URL, &into.Secret, &into.Previous)
	}, `
		SELECT `+deliveryListing.columns+`, h.name, w.name, h.url, h.secret,
			CASE WHEN h.previous_until > $2 THEN h.previous_secret ELSE '' END
		FROM `+deliveryListing.from+`
		JOIN webhooks AS h ON h.id = d.webhook_id
		WHERE d.id = $1`, key, s.now().UnixMicro())
	if err != nil || found == nil {
		return nil, err
	}
	found.Sender = sender
	return found, nil
}

// heldBy is the condition that nobody took a delivery over: $1 is the delivery, $2 the
// sender, $3 the attempt.
const heldBy = `id = $1 AND lease_owner = $2 AND attempts = $3 AND status = 'PENDING'`

// EndDelivery stores what became of an attempt.
func (s *Store) EndDelivery(ctx context.Context, sending *storage.Sending, r storage.DeliveryResult) error {
	return s.db.WithTx(ctx, func(tx Runner) error {
		hooks, err := webhookListing.byKey(ctx, tx, []string{sending.WebhookKey})
		hook := hooks[sending.WebhookKey]
		if err != nil || hook == nil {
			return err
		}
		status, failure := r.Status, r.Error
		if status == storage.DeliveryPending && !hook.Active {
			status, failure = storage.DeliveryFailed, new(storage.DeliveryInactive)
		}
		var next, delivered any
		switch status {
		case storage.DeliveryPending:
			next = r.Next.UnixMicro()
		case storage.DeliveryDelivered:
			delivered = s.now().UnixMicro()
		}
		changed, err := exec(ctx, tx, "end a delivery", `
		UPDATE webhook_deliveries
		SET status = $4, response_status = $5, error = $6, duration_ms = $7, next_attempt_at = $8, delivered_at = $9,
			lease_owner = NULL, lease_until = 0
		WHERE `+heldBy, sending.Key, sending.Sender, sending.Attempts,
			string(status), r.ResponseStatus, (*string)(failure), r.Duration.Milliseconds(), next, delivered)
		if err != nil || changed == 0 || failure == nil || *failure != storage.DeliveryGone || !hook.Active {
			return err
		}
		return s.activate(ctx, tx, sending.WebhookKey, false, string(storage.WebhookGone))
	})
}

// ReleaseDelivery gives back what was not sent.
func (s *Store) ReleaseDelivery(ctx context.Context, sending *storage.Sending) error {
	_, err := exec(ctx, s.db, "release a delivery", `
		UPDATE webhook_deliveries
		SET lease_owner = NULL, lease_until = 0, attempts = attempts - 1
		WHERE `+heldBy, sending.Key, sending.Sender, sending.Attempts)
	return err
}

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
