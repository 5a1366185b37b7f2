package loaders

import (
	"context"

	"github.com/violentutf/violentutf/storage"
)

// App holds the loaders of the bookkeeping in one request. They read what they are
// asked for, whosever it is: who may see the answer is decided before.
type App struct {
	User       *Loader[string, *storage.User]
	Workspace  *Loader[string, *storage.Workspace] // named only: without file, store key and role
	Members    *Loader[string, []*storage.Member]  // by the workspace's key
	APIKey     *Loader[string, *storage.APIKey]
	Session    *Loader[string, *storage.Session]
	AuditEvent *Loader[string, *storage.AuditEvent]
	ErrorLog   *Loader[string, *storage.ErrorLog]
	Execution  *Loader[string, *storage.ExecutionState]

	Webhook             *Loader[string, *storage.Webhook]
	Delivery            *Loader[string, *storage.WebhookDelivery]
	LastDelivery        *Loader[string, *storage.WebhookDelivery]                              // by the webhook's key
	DeliveriesOfWebhook *Pages[string, storage.WebhookDeliveryFilter, storage.WebhookDelivery] // by the webhook's key
}

// NewApp makes the loaders of the app store for one request.
func NewApp(store storage.AppStore) *App {
	return &App{
		User:       newLoader(store.UsersByKey),
		Workspace:  newLoader(store.WorkspacesByKey),
		Members:    newListLoader(store.MembersOf),
		APIKey:     newLoader(store.APIKeysByKey),
		Session:    newLoader(store.SessionsByKey),
		AuditEvent: newLoader(store.AuditEventsByKey),
		ErrorLog:   newLoader(store.ErrorLogsByKey),
		Execution:  newLoader(store.ExecutionStates),

		Webhook:      newLoader(store.WebhooksByKey),
		Delivery:     newLoader(store.DeliveriesByKey),
		LastDelivery: newLoader(store.LastDeliveries),
		DeliveriesOfWebhook: newPages(func(ctx context.Context, webhooks []string, filter *storage.WebhookDeliveryFilter, args pageArgs) (map[string]*storage.Connection[storage.WebhookDelivery], error) {
			return store.DeliveriesByWebhook(ctx, webhooks, filter, args.page)
		}),
	}
}
