package webhooks

import (
	"context"
	"sync"
	"time"

	"github.com/violentutf/violentutf/storage"
)

const (
	// atOnce is how many deliveries are under way at once.
	atOnce = 16
	// lease is longer than an attempt takes, with what it reads and writes.
	lease = time.Minute
)

// Run sends what is due until ctx ends. What is under way then is given back and sent by
// whoever runs next: a receiver may see it twice, under the same id.
func (h *Hooks) Run(ctx context.Context) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	free := make(chan struct{}, atOnce)
	looking := time.NewTicker(h.options.Look)
	defer looking.Stop()
	for {
		select {
		case free <- struct{}{}:
		case <-ctx.Done():
			return
		}
		sending, err := h.options.App.ClaimDelivery(ctx, h.sender, lease)
		if sending != nil {
			underWay.Go(func() {
				h.send(ctx, sending)
				<-free
				h.look() // its webhook may have another one
			})
			continue
		}
		<-free
		if err != nil && ctx.Err() == nil {
			h.options.Log.ErrorContext(ctx, "look for deliveries of webhooks", "error", err)
		}
		select {
		case <-looking.C:
		case <-h.wake:
		case <-ctx.Done():
			return
		}
	}
}

// look lets Run look for what is due before its time.
func (h *Hooks) look() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// send makes one attempt and keeps what became of it. Its own failures are logged: the
// lease ends, and the delivery is claimed again.
func (h *Hooks) send(ctx context.Context, sending *storage.Sending) {
	if err := h.sendAndEnd(ctx, sending); err != nil {
		h.options.Log.ErrorContext(ctx, "end a delivery of a webhook", "delivery", sending.Key, "error", err)
	}
}

func (h *Hooks) sendAndEnd(ctx context.Context, sending *storage.Sending) error {
	result := h.attempt(ctx, sending)
	after := context.WithoutCancel(ctx)
	if ctx.Err() != nil && result.ResponseStatus == nil {
		return h.options.App.ReleaseDelivery(after, sending)
	}
	return h.options.App.EndDelivery(after, sending, result)
}

// Ping sends a webhook a ping at once and returns the key of its delivery, which says what
// became of it. began tells whether there is one, with an error too.
func (h *Hooks) Ping(ctx context.Context, actor, workspaceKey, webhookKey string) (key string, began bool, err error) {
	if h.options.Count != nil {
		if err := h.options.Count(ctx); err != nil {
			return "", false, err
		}
	}
	sending, err := h.options.App.BeginPing(ctx, actor, workspaceKey, webhookKey, h.sender, lease)
	if err != nil {
		return "", false, err
	}
	return sending.Key, true, h.sendAndEnd(ctx, sending)
}
