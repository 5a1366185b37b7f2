package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/violentutf/violentutf/storage"
)

// message is the body of a delivery: as Standard Webhooks has it, with ids of the graph.
// Of what users write it has names alone, never a prompt, a reply or an objective.
type message struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // of the event
	Data      content   `json:"data"`
}

type content struct {
	Workspace thing      `json:"workspace"`
	Webhook   *thing     `json:"webhook,omitempty"` // of a ping
	Execution *execution `json:"execution,omitempty"`
}

type thing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type execution struct {
	ID   string  `json:"id"`
	Name *string `json:"name"` // null when it is deleted
	storage.DeliveryFacts
}

func (h *Hooks) body(ctx context.Context, sending *storage.Sending) ([]byte, error) {
	m := message{Type: sending.Event.Type(), Timestamp: sending.OccurredAt}
	m.Data.Workspace = thing{storage.ID{Kind: storage.KindWorkspace, Key: sending.WorkspaceKey}.String(), sending.WorkspaceName}
	if sending.ExecutionKey == "" {
		m.Data.Webhook = &thing{storage.ID{Kind: storage.KindWebhook, Store: sending.StoreKey, Key: sending.WebhookKey}.String(), sending.WebhookName}
		return json.Marshal(m)
	}
	name, err := h.nameOf(ctx, sending)
	if err != nil {
		return nil, err
	}
	m.Data.Execution = &execution{ID: storage.ID{Kind: storage.KindExecution, Store: sending.StoreKey, Key: sending.ExecutionKey}.String(), Name: name}
	if err := json.Unmarshal([]byte(sending.Facts), &m.Data.Execution.DeliveryFacts); err != nil {
		return nil, fmt.Errorf("read the facts of a delivery: %w", err)
	}
	return json.Marshal(m)
}

// nameOf reads a run's name, which the app store does not have.
func (h *Hooks) nameOf(ctx context.Context, sending *storage.Sending) (*string, error) {
	store, err := h.options.Store(ctx, sending.WorkspaceKey)
	if err != nil {
		return nil, err
	}
	found, err := store.ExecutionsByKey(ctx, []string{sending.ExecutionKey})
	if err = errors.Join(err, store.Close()); err != nil {
		return nil, fmt.Errorf("read the name of a run: %w", err)
	}
	if run := found[sending.ExecutionKey]; run != nil {
		return &run.Name, nil
	}
	return nil, nil
}
