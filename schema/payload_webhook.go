package schema

import "github.com/violentutf/violentutf/storage"

// WebhookPayload is the answer of a mutation of a webhook; Secret is one that was just made.
type WebhookPayload struct {
	WorkspacePayload
	Webhook *storage.Webhook
	Secret  *string
}

// DeliveryPayload is the answer of testWebhook and redeliverWebhook.
type DeliveryPayload struct {
	WorkspacePayload
	Delivery *storage.WebhookDelivery
}
