// Package webhooks tells addresses that users name what happens in their workspaces, signed
// as Standard Webhooks demands (github.com/standard-webhooks/standard-webhooks, version 1).
package webhooks

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// Options of webhooks.
type Options struct {
	App    storage.AppStore
	Keeper *secret.Keeper
	// Policy is which addresses may be called.
	Policy outbound.Policy
	// Store opens the store of a workspace, which has the names of runs; it is closed here.
	Store func(ctx context.Context, workspaceKey string) (storage.UserStore, error)
	// Count counts a call that the user of ctx is about to make; CodeRateLimited when it may
	// not be made. nil counts nothing.
	Count func(ctx context.Context) error
	Log   *slog.Logger
	// Timeout is that of an attempt; 0 means ten seconds.
	Timeout time.Duration
	// Waits are the times before the second, third... attempt, DefaultWaits without them.
	Waits []time.Duration
	// Look is how often Run looks for what is due; 0 means each second.
	Look time.Duration
}

// DefaultWaits give a receiver half a day to come back, with eight attempts.
var DefaultWaits = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour, 8 * time.Hour,
}

// Hooks makes webhooks and sends what they wait for. It is safe for concurrent use.
type Hooks struct {
	options Options
	client  *http.Client
	sender  string // the name of this process for leases
	wake    chan struct{}
}

// New makes the webhooks of one process; Run sends.
func New(options Options) *Hooks {
	if options.Waits == nil {
		options.Waits = DefaultWaits
	}
	if options.Timeout == 0 {
		options.Timeout = 10 * time.Second
	}
	if options.Look == 0 {
		options.Look = time.Second
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	client := options.Policy.Client(options.Timeout, nil)
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Hooks{options: options, client: client, sender: uuid.NewString(), wake: make(chan struct{}, 1)}
}

// SecretPlace is where a webhook's secret is sealed to. The one before has the same place,
// so that a new one can take its turn without being opened.
func SecretPlace(workspaceKey, webhookKey string) secret.Place {
	return secret.Place{Workspace: workspaceKey, Table: "webhooks", Row: webhookKey, Field: "secret"}
}

// Create makes a webhook and returns its key and its secret, which is never shown again.
// w's key and secret are made here. CodeBadInput names what does not fit.
func (h *Hooks) Create(ctx context.Context, actor string, w storage.NewWebhook) (key, shown string, err error) {
	if w.Name, err = checkName(w.Name); err != nil {
		return "", "", err
	}
	if w.URL, err = h.checkURL(w.URL); err != nil {
		return "", "", err
	}
	if w.Events, err = storage.CheckWebhookEvents(w.Events); err != nil {
		return "", "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", "", fmt.Errorf("create a webhook: %w", err)
	}
	w.Key = id.String()
	session := h.options.Keeper.Begin()
	defer session.End()
	shown, credential, err := newSecret(session, w.WorkspaceKey, w.Key)
	if err != nil {
		return "", "", err
	}
	w.Secret = *credential
	return w.Key, shown, h.options.App.CreateWebhook(ctx, actor, &w)
}

// Change changes all of a webhook but its secret. Errors are Create's, and CodeNotFound.
func (h *Hooks) Change(ctx context.Context, actor, workspaceKey, key string, change storage.WebhookChange) error {
	if change.Name != nil {
		name, err := checkName(*change.Name)
		if err != nil {
			return err
		}
		change.Name = &name
	}
	if change.URL != nil {
		address, err := h.checkURL(*change.URL)
		if err != nil {
			return err
		}
		change.URL = &address
	}
	if change.Events != nil {
		events, err := storage.CheckWebhookEvents(change.Events)
		if err != nil {
			return err
		}
		change.Events = events
	}
	return h.options.App.ChangeWebhook(ctx, actor, workspaceKey, key, change)
}

// longestOverlap is for how many hours the secret before may sign beside a new one.
const longestOverlap = 7 * 24

// Rotate gives a webhook a new secret and returns it. For that many hours the one before
// signs too, so that the receiver can be told in peace.
func (h *Hooks) Rotate(ctx context.Context, actor, workspaceKey, key string, overlapHours int) (string, error) {
	if overlapHours < 0 || overlapHours > longestOverlap {
		return "", storage.BadInput("overlapHours", "the secret before may sign for 0 to %d hours more", longestOverlap)
	}
	session := h.options.Keeper.Begin()
	defer session.End()
	shown, credential, err := newSecret(session, workspaceKey, key)
	if err != nil {
		return "", err
	}
	until := time.Now().Add(time.Duration(overlapHours) * time.Hour)
	return shown, h.options.App.ChangeWebhook(ctx, actor, workspaceKey, key, storage.WebhookChange{Secret: credential, PreviousUntil: until})
}

// Redeliver sends once more what a delivery told, as soon as Run comes to it, and returns
// the new delivery's key.
func (h *Hooks) Redeliver(ctx context.Context, actor, workspaceKey, key string) (string, error) {
	made, err := h.options.App.Redeliver(ctx, actor, workspaceKey, key)
	h.look()
	return made, err
}

// secretPrefix and secretBytes are those of Standard Webhooks.
const (
	secretPrefix = "whsec_"
	secretBytes  = 32
)

func newSecret(session *secret.Session, workspaceKey, key string) (string, *storage.NewCredential, error) {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails
	shown := secretPrefix + base64.StdEncoding.EncodeToString(raw)
	sealed, err := session.Seal(shown, SecretPlace(workspaceKey, key))
	if err != nil {
		return "", nil, err
	}
	return shown, &storage.NewCredential{Sealed: sealed, LastFour: secret.LastFour(shown)}, nil
}

const (
	mostName = 100  // bytes
	mostURL  = 2000 // bytes
)

func checkName(name string) (string, error) {
	name = strings.TrimSpace(name)
	if name == "" || name != storage.Plain(name, mostName) {
		return "", storage.BadInput("name", "a webhook's name must have 1 to %d bytes of printable characters", mostName)
	}
	return name, nil
}

// checkURL refuses what could never be called, and what has no place in the app store. What
// a name resolves to is decided when it is called.
func (h *Hooks) checkURL(text string) (string, error) {
	text = strings.TrimSpace(text)
	parsed, err := url.Parse(text)
	switch {
	case err != nil || len(text) > mostURL || text != storage.Plain(text, mostURL):
		return "", storage.BadInput("url", "this is no URL of at most %d bytes", mostURL)
	case parsed.Scheme != "https" && parsed.Scheme != "http" || parsed.Hostname() == "" || parsed.Fragment != "":
		return "", storage.BadInput("url", "give an https or http URL with a host and without a fragment")
	}
	if port := parsed.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", storage.BadInput("url", "a port is a number from 1 to 65535")
		}
	}
	if _, found := secret.Extract(map[string]any{"url": text}); parsed.User != nil || len(found) > 0 {
		return "", storage.BadInput("url", "this URL holds a credential: leave it out, and let the receiver verify the signature")
	}
	if address, err := netip.ParseAddr(parsed.Hostname()); err == nil {
		if err := h.options.Policy.Check(address); err != nil {
			return "", storage.BadInput("url", "%v: an administrator can allow addresses with serve --call-private", err)
		}
	}
	return text, nil
}
