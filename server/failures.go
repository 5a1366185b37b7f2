package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/violentutf/violentutf/secret"
	"github.com/violentutf/violentutf/storage"
)

// fail puts a failure that no client is told into the log and, counted by its kind and
// place, before administrators.
func (s *Server) fail(ctx context.Context, where string, err error) {
	text, _ := secret.CleanPatterns(err.Error())
	s.log.LogAttrs(ctx, slog.LevelError, "failed", slog.String("requestId", requestID(ctx)), slog.String("where", where), slog.String("error", text))
	kind, message := described(err)
	shape := sha256.Sum256([]byte(where + "\x00" + kind + "\x00" + message))
	failure := storage.Failure{
		Fingerprint: hex.EncodeToString(shape[:16]), Where: where, Kind: kind, Message: message, RequestID: requestID(ctx),
	}
	if err := s.options.House.App.RecordError(context.WithoutCancel(ctx), failure); err != nil {
		s.log.LogAttrs(ctx, slog.LevelError, "a failure is not in the error log", slog.String("requestId", requestID(ctx)), slog.Any("error", err))
	}
}

// described gives the type of the error at the bottom, and the words of those above it,
// which are our own. What an engine says can hold statements and values of rows, and is
// left out; plain texts are kept without what could be a value.
func described(err error) (kind, message string) {
	text, root := err.Error(), err
	for next := errors.Unwrap(root); next != nil; next = errors.Unwrap(root) {
		root = next
	}
	kind = fmt.Sprintf("%T", root)
	if kind != "*errors.errorString" && kind != "*fmt.wrapError" {
		text = strings.TrimSuffix(text, root.Error()) + kind
	}
	text, _, _ = strings.Cut(text, "\n")
	clean, _ := secret.CleanPatterns(text)
	return kind, values.ReplaceAllString(clean, "?")
}

// values are what may tell what a store holds, and differ between two occurrences of one
// failure: texts in quotes, paths, ids and numbers.
var values = regexp.MustCompile(`"[^"]*"|'[^']*'|` + "`[^`]*`" + `|\S*/\S+|[0-9a-fA-F-]{16,}|\d+`)

// healthEvery is how often the same state of a part is put on record: what asks may ask
// each second.
const healthEvery = time.Minute

// health remembers what is on record of each part.
type health struct {
	mutex sync.Mutex
	last  map[string]storage.HealthCheck
}

// due says whether a check tells something new.
func (h *health) due(check storage.HealthCheck) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	last, known := h.last[check.Component]
	if known && last.Status == check.Status && check.CheckedAt.Sub(last.CheckedAt) < healthEvery {
		return false
	}
	if h.last == nil {
		h.last = make(map[string]storage.HealthCheck)
	}
	h.last[check.Component] = check
	return true
}

// checked puts the outcome of a check on record.
func (s *Server) checked(ctx context.Context, component string, since time.Time, err error) {
	check := storage.HealthCheck{CheckedAt: time.Now(), Component: component, Status: storage.HealthUp, Latency: time.Since(since)}
	if err != nil {
		check.Status, check.Detail = storage.HealthDown, "it does not answer"
	}
	if !s.health.due(check) {
		return
	}
	if err := s.options.House.App.RecordHealth(context.WithoutCancel(ctx), []storage.HealthCheck{check}); err != nil {
		s.log.ErrorContext(ctx, "a check is not on record", "requestId", requestID(ctx), "component", component, "error", err)
	}
}
