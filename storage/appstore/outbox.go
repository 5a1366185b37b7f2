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
// did: neither is stored without the other. They are due after a while.
func (s *Store) announce(ctx context.Context, tx Runner, event storage.WebhookEvent, e *storage.ExecutionState, after time.Duration) error {
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
	var all []*outgoing
	for _, hook := range hooks {
		if slices.Contains(hook.events, string(event)) {
			all = append(all, &outgoing{
				webhook: hook.key, workspace: e.WorkspaceKey, message: message.String(), event: event, execution: e.Key, facts: facts, occurred: now, after: after,
			})
		}
	}
	_, err = enqueue(ctx, tx, now, all...)
	return err
}

// announceKey is announce for a run that changed in this transaction.
func (s *Store) announceKey(ctx context.Context, tx Runner, event storage.WebhookEvent, key string) error {
	state, err := oneExecution(ctx, tx, key)
	if err != nil {
		return err
	}
	return s.announce(ctx, tx, event, state, 0)
}

// tellAtOnce lets webhooks be told without delay that a run is queued.
func (s *Store) tellAtOnce(ctx context.Context, tx Runner, key string) error {
	_, err := exec(ctx, tx, "tell webhooks of an execution", `
		UPDATE webhook_deliveries
		SET next_attempt_at = $2
		WHERE execution_id = $1 AND event = 'EXECUTION_QUEUED' AND status = 'PENDING' AND attempts = 0`, key, s.now().UnixMicro())
	return err
}

// tellNothing takes back what webhooks were to be told of a run.
func tellNothing(ctx context.Context, tx Runner, key string) error {
	_, err := exec(ctx, tx, "tell webhooks nothing of an execution", `
		DELETE FROM webhook_deliveries
		WHERE execution_id = $1`, key)
	return err
}

// outgoing is a delivery to be enqueued.
type outgoing struct {
	webhook, workspace, message string
	event                       storage.WebhookEvent
	execution                   string
	facts                       storage.JSON
	of                          *string // the delivery that it repeats
	occurred                    int64
	after                       time.Duration // until it is due
	sender                      *string       // who sends it at once, until
	until                       int64
}

// enqueue adds deliveries and returns the last one's key.
func enqueue(ctx context.Context, tx Runner, now int64, all ...*outgoing) (key string, err error) {
	if len(all) == 0 {
		return "", nil
	}
	q, rows := &query{}, make([]string, len(all))
	for i, o := range all {
		id, err := uuid.NewV7()
		if err != nil {
			return "", fmt.Errorf("enqueue a delivery: %w", err)
		}
		key = id.String()
		attempts := 0
		if o.sender != nil {
			attempts = 1
		}
		var places []string
		for _, value := range []any{
			key, o.webhook, o.workspace, o.message, string(o.event), o.execution, string(o.facts), o.of, string(storage.DeliveryPending),
			attempts, now + o.after.Microseconds(), o.sender, o.until, o.occurred, now,
		} {
			places = append(places, q.arg(value))
		}
		rows[i] = "(" + strings.Join(places, ", ") + ")"
	}
	_, err = exec(ctx, tx, "enqueue deliveries", `
		INSERT INTO webhook_deliveries (id, webhook_id, workspace_id, message, event, execution_id, facts, redelivery_of,
			status, attempts, next_attempt_at, lease_owner, lease_until, occurred_at, created_at)
		VALUES `+strings.Join(rows, ", "), q.args...)
	return key, err
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
		key, err := enqueue(ctx, tx, now.UnixMicro(), &outgoing{
			webhook: webhookKey, workspace: workspaceKey, message: message.String(), event: storage.EventPing, facts: "{}",
			occurred: now.UnixMicro(), sender: &sender, until: now.Add(lease).UnixMicro(),
		})
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
		made, err = enqueue(ctx, tx, s.now().UnixMicro(), &outgoing{
			webhook: d.WebhookKey, workspace: d.WorkspaceKey, message: d.Message, event: d.Event, execution: d.ExecutionKey,
			facts: d.Facts, of: &d.Key, occurred: d.OccurredAt.UnixMicro(),
		})
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
