package storage

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// MostWebhooks is how many webhooks a workspace may have.
const MostWebhooks = 20

// Webhook is an address that is told of a workspace's events. The app store keeps it,
// because it also keeps what happens to runs.
type Webhook struct {
	Key            string // UUIDv7
	WorkspaceKey   string
	StoreKey       string // of the workspace, for ids
	Name           string // of no other webhook of the workspace
	URL            string // an http or https URL without credentials
	Events         []WebhookEvent
	Active         bool
	InactiveReason *WebhookInactiveReason // nil while it is active
	Secret         *Credential            // what signs; it is never readable
	CreatedBy      string                 // a username
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// MessageID is the event's id as receivers see it.
func (d *WebhookDelivery) MessageID() string { return "msg_" + d.Message }

// WebhookEvent is what webhooks are told of.
type WebhookEvent string

// The events. A ping is sent by a test alone.
const (
	EventExecutionQueued    WebhookEvent = "EXECUTION_QUEUED"
	EventExecutionStarted   WebhookEvent = "EXECUTION_STARTED"
	EventExecutionPaused    WebhookEvent = "EXECUTION_PAUSED"
	EventExecutionResumed   WebhookEvent = "EXECUTION_RESUMED"
	EventExecutionSucceeded WebhookEvent = "EXECUTION_SUCCEEDED"
	EventExecutionFailed    WebhookEvent = "EXECUTION_FAILED"
	EventExecutionCancelled WebhookEvent = "EXECUTION_CANCELLED"
	EventPing               WebhookEvent = "PING"
)

// webhookTypes are the events as receivers read them.
var webhookTypes = map[WebhookEvent]string{
	EventExecutionQueued:    "execution.queued",
	EventExecutionStarted:   "execution.started",
	EventExecutionPaused:    "execution.paused",
	EventExecutionResumed:   "execution.resumed",
	EventExecutionSucceeded: "execution.succeeded",
	EventExecutionFailed:    "execution.failed",
	EventExecutionCancelled: "execution.cancelled",
	EventPing:               "ping",
}

// Type is the event as the body of a delivery names it: execution.succeeded.
func (e WebhookEvent) Type() string { return webhookTypes[e] }

// CheckWebhookEvents returns the events that a webhook may want, each once and sorted.
func CheckWebhookEvents(events []WebhookEvent) ([]WebhookEvent, error) {
	if len(events) == 0 {
		return nil, BadInput("events", "name at least one event")
	}
	for _, event := range events {
		if event == EventPing || event.Type() == "" {
			return nil, BadInput("events", "%s is no event that a webhook can wait for: a ping is sent by testWebhook", event)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(events))), nil
}

// WebhookInactiveReason is why a webhook is told nothing.
type WebhookInactiveReason string

// The reasons.
const (
	WebhookStopped WebhookInactiveReason = "USER" // somebody deactivated it
	WebhookGone    WebhookInactiveReason = "GONE" // its receiver answered 410
)

// DeliveryStatus is how far a delivery came.
type DeliveryStatus string

// The states of a delivery.
const (
	DeliveryPending   DeliveryStatus = "PENDING"
	DeliveryDelivered DeliveryStatus = "DELIVERED"
	DeliveryFailed    DeliveryStatus = "FAILED"
)

// DeliveryError is a class of reasons why an attempt failed. A text of the receiver's has
// no place in the app store.
type DeliveryError string

// The classes.
const (
	DeliveryRefused     DeliveryError = "ADDRESS_REFUSED" // of the network, for good
	DeliveryUnresolved  DeliveryError = "NAME_NOT_RESOLVED"
	DeliveryTLS         DeliveryError = "TLS"
	DeliveryUnreachable DeliveryError = "CONNECTION"
	DeliveryTimeout     DeliveryError = "TIMEOUT"
	DeliveryStatusCode  DeliveryError = "STATUS"   // the receiver answered no 2xx
	DeliveryRedirected  DeliveryError = "REDIRECT" // which is not followed
	DeliveryGone        DeliveryError = "GONE"     // 410, for good
	DeliveryInactive    DeliveryError = "INACTIVE" // the webhook was deactivated meanwhile
	DeliveryNotBuilt    DeliveryError = "INTERNAL" // it could not be made; the log says why
)

// WebhookDelivery is one event on its way to one webhook: keys and counts. Its body is
// made when it is sent.
type WebhookDelivery struct {
	Key            string // UUIDv7
	WebhookKey     string
	WorkspaceKey   string
	StoreKey       string // of the workspace, for ids
	Message        string // UUID: the event's, which is sent again under the same
	Event          WebhookEvent
	ExecutionKey   string // empty for a ping
	Facts          JSON   // DeliveryFacts of an execution, as they were
	RedeliveryOf   *string
	Status         DeliveryStatus
	Attempts       int64
	ResponseStatus *int64
	Error          *DeliveryError
	DurationMs     *int64     // of the last attempt
	NextAttemptAt  *time.Time // while it is PENDING
	OccurredAt     time.Time  // of the event
	CreatedAt      time.Time
	DeliveredAt    *time.Time
}

// DeliveryFacts are how a run stood when something happened to it.
type DeliveryFacts struct {
	Status     ExecutionStatus   `json:"status"`
	Reason     *ExecutionReason  `json:"reason"`
	Progress   ExecutionProgress `json:"progress"`
	QueuedAt   time.Time         `json:"queuedAt"`
	StartedAt  *time.Time        `json:"startedAt"`
	FinishedAt *time.Time        `json:"finishedAt"`
}

// FactsOf are a run's facts as a delivery keeps them.
func FactsOf(e *ExecutionState) (JSON, error) {
	text, err := json.Marshal(DeliveryFacts{e.Status, e.Reason, e.Progress, e.QueuedAt, e.StartedAt, e.FinishedAt})
	return JSON(text), err
}

// NewWebhook is a webhook to be made. Its secret is sealed.
type NewWebhook struct {
	Key          string
	WorkspaceKey string
	Name         string
	URL          string
	Events       []WebhookEvent
	Active       bool
	Secret       NewCredential
}

// WebhookChange is what is to change of a webhook; nil leaves a field.
type WebhookChange struct {
	Name   *string
	URL    *string
	Events []WebhookEvent
	Active *bool
	// Secret is a new one. The one before signs too until PreviousUntil.
	Secret        *NewCredential
	PreviousUntil time.Time
}

// Sending is a delivery that one sender sends, with what it takes. Whoever takes it over
// has counted another attempt, and from then on this one ends nothing.
type Sending struct {
	WebhookDelivery
	Sender        string
	WebhookName   string
	WorkspaceName string
	URL           string
	Secret        string // sealed
	Previous      string // sealed; empty where no other secret signs
}

// DeliveryResult is what became of an attempt.
type DeliveryResult struct {
	Status         DeliveryStatus // PENDING is tried again at Next
	ResponseStatus *int64
	Error          *DeliveryError
	Duration       time.Duration
	Next           time.Time
}

// WebhookDeliveryFilter narrows a list of deliveries.
type WebhookDeliveryFilter struct {
	Status *DeliveryStatusIn
	Event  *WebhookEventIn
}

// DeliveryStatusIn narrows how far deliveries came.
type DeliveryStatusIn struct{ In, NotIn []DeliveryStatus }

// WebhookEventIn narrows what deliveries tell of.
type WebhookEventIn struct{ In, NotIn []WebhookEvent }

// SealedWebhook is a sealed secret of a webhook and where it lies.
type SealedWebhook struct {
	Webhook   string
	Workspace string
	Field     WebhookSecretField
	Sealed    string
}

// WebhookSecretField is a column with a sealed secret.
type WebhookSecretField string

// The columns.
const (
	FieldSecret         WebhookSecretField = "secret"
	FieldPreviousSecret WebhookSecretField = "previous_secret"
)

// ResealedWebhook is a sealed secret with what replaces it.
type ResealedWebhook struct {
	SealedWebhook
	New string
}

// Webhooks tell others of what happens in workspaces. Whatever happens to a run enqueues
// its deliveries in the same transaction. Changes are for editors of the workspace:
// CodeNotFound for who is no member, CodeForbidden for who may only read it, CodeConflict
// where it is archived.
type Webhooks interface {
	// CreateWebhook adds a webhook, whose name and URL the caller has checked.
	// CodeConflict for a name that another one has, and for one too many.
	CreateWebhook(ctx context.Context, actor string, webhook *NewWebhook) error
	// ChangeWebhook changes a webhook. One that becomes inactive sends nothing that waits.
	// CodeNotFound for none, CodeConflict for a name that another one has.
	ChangeWebhook(ctx context.Context, actor, workspaceKey, key string, change WebhookChange) error
	// DeleteWebhook deletes a webhook and its deliveries. CodeNotFound for none.
	DeleteWebhook(ctx context.Context, actor, workspaceKey, key string) error
	// WebhooksOf lists a workspace's webhooks, newest first.
	WebhooksOf(ctx context.Context, workspaceKey string, page Page) (*Connection[Webhook], error)
	// WebhooksByKey reads webhooks, whosever they are.
	WebhooksByKey(ctx context.Context, keys []string) (map[string]*Webhook, error)

	// SealedWebhooks lists at most limit sealed secrets behind one, for a rotation of the
	// keys.
	SealedWebhooks(ctx context.Context, after SealedWebhook, limit int) ([]*SealedWebhook, error)
	// ReplaceWebhookSecrets stores new sealed texts where the old ones still are.
	ReplaceWebhookSecrets(ctx context.Context, changes []*ResealedWebhook) error

	Deliveries
}

// Deliveries is the outbox of webhooks.
type Deliveries interface {
	// BeginPing adds a ping to a webhook, which this sender sends itself. It is not tried
	// again. An inactive webhook can be pinged too.
	BeginPing(ctx context.Context, actor, workspaceKey, webhookKey, sender string, lease time.Duration) (*Sending, error)
	// Redeliver enqueues once more what a delivery that is over told, and returns the new
	// one's key. CodeConflict for one that is PENDING, and for an inactive webhook.
	Redeliver(ctx context.Context, actor, workspaceKey, key string) (string, error)
	// ClaimDelivery gives the sender a delivery that is due, with one more attempt counted;
	// nil when there is none. A webhook is sent one at a time, and a workspace has no more
	// than a few under way, so that a slow receiver is nobody else's.
	ClaimDelivery(ctx context.Context, sender string, lease time.Duration) (*Sending, error)
	// EndDelivery stores what became of an attempt, unless another sender took it over or
	// it was deleted. DeliveryGone deactivates the webhook.
	EndDelivery(ctx context.Context, sending *Sending, result DeliveryResult) error
	// ReleaseDelivery gives back what was not sent: it is due at once, and the attempt does
	// not count.
	ReleaseDelivery(ctx context.Context, sending *Sending) error

	// DeliveriesByWebhook lists the deliveries of webhooks, newest first.
	DeliveriesByWebhook(ctx context.Context, webhooks []string, filter *WebhookDeliveryFilter, page Page) (map[string]*Connection[WebhookDelivery], error)
	// LastDeliveries finds the newest delivery of webhooks.
	LastDeliveries(ctx context.Context, webhooks []string) (map[string]*WebhookDelivery, error)
	// DeliveriesByKey reads deliveries, whosever they are.
	DeliveriesByKey(ctx context.Context, keys []string) (map[string]*WebhookDelivery, error)
	// PurgeDeliveries forgets those that are older than the setting WebhookDays says, and
	// tells how many.
	PurgeDeliveries(ctx context.Context) (int64, error)
}
