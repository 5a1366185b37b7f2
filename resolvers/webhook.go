package resolvers

import (
	"context"

	"github.com/violentutf/violentutf/directives"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/loaders"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
)

func (r *Resolver) createWebhook(ctx context.Context, input graph.CreateWebhookInput) (*schema.WebhookPayload, error) {
	var secret *string
	payload, err := r.changeWebhook(ctx, change{
		field: "createWebhook", id: input.ClientMutationID, input: input, action: "webhook.create",
		fields: []string{"name", "url", "events", "active"}, on: named{kind: storage.KindWebhook},
		do: func(ctx context.Context, w work) (made, error) {
			scope, err := directives.Changing(ctx, input.Workspace)
			if err != nil {
				return made{}, err
			}
			if _, err := scope.Open(ctx); err != nil { // its key is in the webhook's id
				return made{}, err
			}
			key, shown, err := r.hooks.Create(ctx, w.actor.Key, storage.NewWebhook{
				WorkspaceKey: scope.Workspace.Key, Name: input.Name, URL: input.URL, Events: input.Events, Active: input.Active,
			})
			if err != nil {
				return made{}, err
			}
			secret, w.act.SubjectKey, w.act.WorkspaceKey = &shown, key, scope.Workspace.Key
			return made{Workspace: scope.Workspace.Key, Row: key}, nil
		},
	})
	payload.Secret = secret
	return payload, err
}

func (r *Resolver) updateWebhook(ctx context.Context, input graph.UpdateWebhookInput) (*schema.WebhookPayload, error) {
	fields := given(map[string]bool{"name": input.Name != nil, "url": input.URL != nil, "events": input.Events != nil, "active": input.Active != nil})
	return r.changeWebhook(ctx, inWorkspace(storage.KindWebhook, input.ID, change{
		field: "updateWebhook", id: input.ClientMutationID, input: input, action: "webhook.update", fields: fields,
	}, func(ctx context.Context, w work, workspace string) (string, error) {
		return w.key, r.hooks.Change(ctx, w.actor.Key, workspace, w.key, storage.WebhookChange{
			Name: input.Name, URL: input.URL, Events: input.Events, Active: input.Active,
		})
	}))
}

func (r *Resolver) rotateWebhookSecret(ctx context.Context, input graph.RotateWebhookSecretInput) (*schema.WebhookPayload, error) {
	var secret *string
	payload, err := r.changeWebhook(ctx, inWorkspace(storage.KindWebhook, input.ID, change{
		field: "rotateWebhookSecret", id: input.ClientMutationID, input: input, action: "webhook.rotate_secret", fields: []string{"secret"},
	}, func(ctx context.Context, w work, workspace string) (string, error) {
		shown, err := r.hooks.Rotate(ctx, w.actor.Key, workspace, w.key, input.OverlapHours)
		if err == nil {
			secret = &shown
		}
		return w.key, err
	}))
	payload.Secret = secret
	return payload, err
}

func (r *Resolver) deleteWebhook(ctx context.Context, input graph.DeleteWebhookInput) (*schema.DeletePayload, error) {
	done, payload, err := r.mutate(ctx, inWorkspace(storage.KindWebhook, input.ID, change{
		field: "deleteWebhook", id: input.ClientMutationID, input: input, action: "webhook.delete",
	}, func(ctx context.Context, w work, workspace string) (string, error) {
		return w.key, r.app.DeleteWebhook(ctx, w.actor.Key, workspace, w.key)
	}))
	answer := &schema.DeletePayload{Payload: payload}
	if done != nil && err == nil {
		answer.DeletedID = &input.ID
	}
	return answer, err
}

func (r *Resolver) testWebhook(ctx context.Context, input graph.TestWebhookInput) (*schema.DeliveryPayload, error) {
	return r.changeDelivery(ctx, inWorkspace(storage.KindWebhook, input.ID, change{
		field: "testWebhook", id: input.ClientMutationID, input: input, action: "webhook.test",
	}, func(ctx context.Context, w work, workspace string) (string, error) {
		key, began, err := r.hooks.Ping(ctx, w.actor.Key, workspace, w.key)
		if err != nil && began {
			err = partly{err}
		}
		return key, err
	}))
}

func (r *Resolver) redeliverWebhook(ctx context.Context, input graph.RedeliverWebhookInput) (*schema.DeliveryPayload, error) {
	return r.changeDelivery(ctx, inWorkspace(storage.KindWebhookDelivery, input.ID, change{
		field: "redeliverWebhook", id: input.ClientMutationID, input: input, action: "webhook.redeliver",
	}, func(ctx context.Context, w work, workspace string) (string, error) {
		return r.hooks.Redeliver(ctx, w.actor.Key, workspace, w.key)
	}))
}

// inWorkspace completes a change of what the app store keeps of a workspace: do gets the
// workspace's key, and returns the key of what it made or changed.
func inWorkspace(kind storage.Kind, id string, c change, do func(ctx context.Context, w work, workspace string) (string, error)) change {
	c.on = named{kind, id, "id"}
	c.do = func(ctx context.Context, w work) (made, error) {
		scope, _, err := directives.ChangingThing(ctx, id, kind)
		if err != nil {
			return made{}, err
		}
		w.act.WorkspaceKey = scope.Workspace.Key
		key, err := do(ctx, w, scope.Workspace.Key)
		return made{Workspace: scope.Workspace.Key, Row: key}, about("id", err)
	}
	return c
}

// changeWebhook makes a change and reads the webhook.
func (r *Resolver) changeWebhook(ctx context.Context, c change) (*schema.WebhookPayload, error) {
	done, workspace, err := r.changeConfigured(ctx, c)
	answer := &schema.WebhookPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Webhook, err = directives.App(ctx).Webhook.Load(ctx, done.Row)
	}
	return answer, err
}

// changeDelivery makes a change and reads the delivery.
func (r *Resolver) changeDelivery(ctx context.Context, c change) (*schema.DeliveryPayload, error) {
	done, workspace, err := r.changeConfigured(ctx, c)
	answer := &schema.DeliveryPayload{WorkspacePayload: workspace}
	if done != nil && err == nil {
		answer.Delivery, err = directives.App(ctx).Delivery.Load(ctx, done.Row)
	}
	return answer, err
}

// webhooksOf lists the webhooks of a workspace in scope.
func (r *Resolver) webhooksOf(ctx context.Context, workspace *storage.Workspace, first *int, after *string, last *int, before *string) (*storage.Connection[storage.Webhook], error) {
	page, err := storage.NewPage(first, after, last, before)
	if err != nil {
		return nil, err
	}
	set, err := directives.In(ctx, workspaceID(workspace))
	if err != nil {
		return nil, err
	}
	return r.app.WebhooksOf(ctx, set.Store.Owner(), page)
}

func deliveriesOf(ctx context.Context, webhook *storage.Webhook, first *int, after *string, last *int, before *string, filter *storage.WebhookDeliveryFilter) (*storage.Connection[storage.WebhookDelivery], error) {
	page, err := storage.NewPage(first, after, last, before)
	if err != nil {
		return nil, err
	}
	return directives.App(ctx).DeliveriesOfWebhook.Load(ctx, webhook.Key, filter, page)
}

// urlOf is where a webhook sends, for who may change it.
func urlOf(ctx context.Context, webhook *storage.Webhook) *string {
	for _, workspace := range directives.Workspaces(ctx) {
		if workspace.Key == webhook.WorkspaceKey && directives.Editable(workspace) == nil {
			return &webhook.URL
		}
	}
	return nil
}

func runOfDelivery(ctx context.Context, delivery *storage.WebhookDelivery) (*storage.Execution, error) {
	if delivery.ExecutionKey == "" {
		return nil, nil
	}
	set, err := directives.In(ctx, delivery.ID())
	if err != nil {
		return nil, err
	}
	return set.Execution.Load(ctx, delivery.ExecutionKey)
}

// ofWorkspace finds what the app store keeps of the workspace whose store is open.
func ofWorkspace(ctx context.Context, set *loaders.Set, id storage.ID) (schema.Node, error) {
	app := directives.App(ctx)
	if id.Kind == storage.KindWebhook {
		webhook, err := app.Webhook.Load(ctx, id.Key)
		if webhook == nil || webhook.WorkspaceKey != set.Store.Owner() {
			return nil, err
		}
		return webhook, err
	}
	delivery, err := app.Delivery.Load(ctx, id.Key)
	if delivery == nil || delivery.WorkspaceKey != set.Store.Owner() {
		return nil, err
	}
	return delivery, err
}
