package webhooks

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/storage"
)

const (
	// mostRead is how much of an answer is read, so that its connection ends in order.
	// Nothing of it but the status is kept.
	mostRead = 4 << 10
	// longestWait is what a receiver can ask for by Retry-After.
	longestWait = 24 * time.Hour
)

// attempt sends a delivery once and tells what is to become of it.
func (h *Hooks) attempt(ctx context.Context, sending *storage.Sending) storage.DeliveryResult {
	request, err := h.request(ctx, sending)
	if err != nil {
		if ctx.Err() == nil {
			h.options.Log.ErrorContext(ctx, "make a delivery of a webhook", "delivery", sending.Key, "error", err)
		}
		return h.failed(sending, storage.DeliveryResult{Error: new(storage.DeliveryNotBuilt)}, 0)
	}
	began := time.Now()
	answer, err := h.client.Do(request)
	result := storage.DeliveryResult{Duration: time.Since(began)}
	if err != nil {
		result.Error = new(classOf(err))
		return h.failed(sending, result, 0)
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, mostRead)
	result.ResponseStatus, result.Duration = new(int64(answer.StatusCode)), time.Since(began)
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		result.Status = storage.DeliveryDelivered
		return result
	case code == http.StatusGone:
		result.Error = new(storage.DeliveryGone)
	case code >= 300 && code < 400:
		result.Error = new(storage.DeliveryRedirected)
	default:
		result.Error = new(storage.DeliveryStatusCode)
	}
	return h.failed(sending, result, retryAfter(answer.Header.Get("Retry-After"), time.Now()))
}

// request is a delivery as it is sent, signed anew each time.
func (h *Hooks) request(ctx context.Context, sending *storage.Sending) (*http.Request, error) {
	body, err := h.body(ctx, sending)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, sending.URL, bytes.NewReader(body))
	if err != nil {
		// url.Error quotes the address.
		return nil, errors.New("the address is no URL any more")
	}
	id, now := sending.MessageID(), time.Now()
	signatures := []string{}
	for _, sealed := range []string{sending.Secret, sending.Previous} {
		if sealed == "" {
			continue
		}
		plain, err := h.options.Keeper.Open(sealed, SecretPlace(sending.WorkspaceKey, sending.WebhookKey))
		if err != nil {
			return nil, fmt.Errorf("open the secret: %w", err)
		}
		signer, err := standardwebhooks.NewWebhook(plain)
		if err != nil {
			return nil, errors.New("the secret is no secret of Standard Webhooks") // the error may quote it
		}
		signature, err := signer.Sign(id, now, body)
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		signatures = append(signatures, signature)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "ViolentUTF-Graph-Webhooks/1")
	request.Header.Set(standardwebhooks.HeaderWebhookID, id)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	request.Close = true // the next one comes in minutes or hours
	return request, nil
}

// failed says whether and when an attempt is followed by another.
func (h *Hooks) failed(sending *storage.Sending, result storage.DeliveryResult, asked time.Duration) storage.DeliveryResult {
	result.Status = storage.DeliveryPending
	tried := int(sending.Attempts)
	switch {
	case *result.Error == storage.DeliveryGone, *result.Error == storage.DeliveryRefused,
		sending.Event == storage.EventPing, tried > len(h.options.Waits):
		result.Status = storage.DeliveryFailed
		return result
	}
	wait := h.options.Waits[tried-1]
	wait += time.Duration((rand.Float64() - 0.5) * 0.4 * float64(wait)) // many receivers come back at once
	result.Next = time.Now().Add(max(wait, asked))
	return result
}

// classOf is why there is no answer.
func classOf(err error) storage.DeliveryError {
	var name *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var authority x509.UnknownAuthorityError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, outbound.ErrRefused):
		return storage.DeliveryRefused
	case errors.As(err, &name):
		return storage.DeliveryUnresolved
	case errors.As(err, &certificate), errors.As(err, &record), errors.As(err, &alert), errors.As(err, &authority):
		return storage.DeliveryTLS
	case errors.As(err, &timeout) && timeout.Timeout():
		return storage.DeliveryTimeout
	}
	return storage.DeliveryUnreachable
}

// retryAfter reads the header (RFC 9110 section 10.2.3): seconds or a date; 0 for neither.
func retryAfter(text string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longestWait)
}
