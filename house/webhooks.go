package house

import (
	"context"
	"strings"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
	"github.com/violentutf/violentutf/webhooks"
)

// webhookSecrets are the sealed secrets of all webhooks, for a rotation of the keys.
// Cursors are WEBHOOK/FIELD.
type webhookSecrets struct{ app storage.AppStore }

func (s webhookSecrets) Sealed(ctx context.Context, after string, limit int) ([]secret.SealedText, error) {
	webhook, field, _ := strings.Cut(after, "/")
	found, err := s.app.SealedWebhooks(ctx, storage.SealedWebhook{Webhook: webhook, Field: storage.WebhookSecretField(field)}, limit)
	if err != nil {
		return nil, err
	}
	texts := make([]secret.SealedText, len(found))
	for i, one := range found {
		texts[i] = secret.SealedText{Cursor: one.Webhook + "/" + string(one.Field), Place: webhooks.SecretPlace(one.Workspace, one.Webhook), Text: one.Sealed}
	}
	return texts, nil
}

func (s webhookSecrets) Replace(ctx context.Context, changes []secret.Resealed) error {
	resealed := make([]*storage.ResealedWebhook, len(changes))
	for i, change := range changes {
		webhook, field, _ := strings.Cut(change.Cursor, "/")
		resealed[i] = &storage.ResealedWebhook{New: change.New, SealedWebhook: storage.SealedWebhook{
			Webhook: webhook, Workspace: change.Place.Workspace, Field: storage.WebhookSecretField(field), Sealed: change.Text,
		}}
	}
	return s.app.ReplaceWebhookSecrets(ctx, resealed)
}
