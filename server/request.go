package server

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/violentutf/violentutf/storage"
)

type requestIDKey struct{}

// requestID is the id of the request, "" outside one.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// aRequestID is what a client may call its request.
var aRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// request gives every request its id, time limit, meter and log line, and hides
// panics.
func (s *Server) request(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !aRequestID.MatchString(id) {
			id = uuid.NewString()
		}
		w.Header().Set("X-Request-Id", id)
		meter := &storage.Meter{}
		ctx := storage.WithMeter(context.WithValue(r.Context(), requestIDKey{}, id), meter)
		ctx = storage.WithCaller(ctx, s.callerOf(r, id))
		if !isLive(r) {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, s.timeoutOf(r))
			defer cancel()
		}
		if !carriesFiles(r) { // whose transport bounds the body
			r.Body = http.MaxBytesReader(w, r.Body, s.options.Limits.BodyBytes)
		}

		recorded := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		start := time.Now()
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.log.ErrorContext(ctx, "panic", "requestId", id, "stack", string(debug.Stack()))
				s.fail(ctx, r.Method+" "+loggedPath(r), fmt.Errorf("panic: %v", p))
				writeJSON(recorded, http.StatusInternalServerError, errorBody("internal error", storage.CodeInternal, id))
			}
			s.log.LogAttrs(ctx, slog.LevelInfo, "request", slog.String("requestId", id), slog.String("method", r.Method),
				slog.String("path", loggedPath(r)), slog.Int("status", recorded.status), slog.Duration("duration", time.Since(start)),
				slog.Int64("userStatements", meter.UserStatements.Load()), slog.Int64("appStatements", meter.AppStatements.Load()),
				slog.Int64("rows", meter.Rows.Load()))
		}()
		next.ServeHTTP(recorded, r.WithContext(ctx))
	})
}

// timeoutOf is how long a request may take.
func (s *Server) timeoutOf(r *http.Request) time.Duration {
	if carriesFiles(r) {
		return s.options.Limits.UploadTimeout
	}
	return s.options.Limits.Timeout
}

// loggedPath leaves a link to a file out: whoever reads the log could follow it.
func loggedPath(r *http.Request) string {
	if strings.HasPrefix(r.URL.Path, "/files/") {
		return "/files/..."
	}
	return r.URL.Path
}

// statusRecorder remembers the status for the log.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (w *statusRecorder) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func errorBody(message string, code storage.Code, id string) map[string]any {
	return map[string]any{"errors": []any{map[string]any{
		"message":    message,
		"extensions": map[string]any{"code": code, "requestId": id},
	}}}
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
