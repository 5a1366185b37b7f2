package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/limit"
	"github.com/violentutf/violentutf/storage"
)

// What is counted, as the settings spell it.
const (
	queries        = "query"
	mutations      = "mutation"
	executions     = "execution"
	calls          = "call" // of generators, by tests and previews
	signInAttempts = "sign_in"
)

// rates are how often who may ask for what: the levels of the settings, and the buckets.
type rates struct {
	app     storage.AppStore
	limiter *limit.Limiter
	off     bool
	levels  atomic.Pointer[map[string]int64] // by the key of the setting
}

// newRates has the default levels until the first refresh.
func newRates(app storage.AppStore, off bool) *rates {
	r := &rates{app: app, limiter: limit.New(app, time.Now), off: off}
	var declared []*storage.SystemSetting
	for _, setting := range storage.DeclaredSettings() {
		declared = append(declared, &storage.SystemSetting{Setting: setting, Value: setting.Default})
	}
	r.set(declared)
	return r
}

func (r *rates) set(settings []*storage.SystemSetting) {
	levels := make(map[string]int64)
	for _, setting := range settings {
		if strings.HasPrefix(setting.Key, "rate.") {
			levels[setting.Key] = setting.Int()
		}
	}
	r.levels.Store(&levels)
}

// refresh reads the levels, which an administrator may have changed.
func (r *rates) refresh(ctx context.Context) error {
	settings, err := r.app.Settings(ctx)
	if err != nil {
		return err
	}
	r.set(settings)
	return nil
}

// keep refreshes and saves each second until ctx ends, and saves once more then.
func (r *rates) keep(ctx context.Context, log *slog.Logger) {
	each := time.NewTicker(time.Second)
	defer each.Stop()
	for {
		select {
		case <-ctx.Done():
			if err := r.limiter.Save(context.WithoutCancel(ctx)); err != nil {
				log.Error("keep the rate limits", "error", err)
			}
			return
		case <-each.C:
		}
		if err := r.refresh(ctx); err != nil && ctx.Err() == nil {
			log.Error("read the rate limits' settings", "error", err)
		}
		if err := r.limiter.Save(ctx); err != nil && ctx.Err() == nil {
			log.Error("keep the rate limits", "error", err)
		}
	}
}

// take counts some of a kind for the viewer of a request, or for its address when nobody
// is signed in; attempts to sign in are always counted by address.
func (r *rates) take(ctx context.Context, kind string, times int64) (wait time.Duration, ok bool) {
	if r.off {
		return 0, true
	}
	viewer := auth.ViewerFrom(ctx)
	who := addressGroup(storage.CallerFrom(ctx).IP)
	if viewer != nil && kind != signInAttempts {
		who = principal(viewer)
	}
	return r.limiter.Take(who, kind, times, r.perMinute(kind, viewer))
}

// perMinute is the level of the viewer's role, the highest of several; who has none has
// that of users.
func (r *rates) perMinute(kind string, viewer *auth.Viewer) int64 {
	levels := *r.levels.Load()
	key := "rate." + kind + ".per_minute"
	if kind == signInAttempts {
		return levels[key]
	}
	highest := levels[key+".user"]
	for _, role := range []auth.Role{auth.RoleAuditor, auth.RoleAdmin} {
		if viewer.HasRole(role) {
			highest = max(highest, levels[key+"."+strings.ToLower(string(role))])
		}
	}
	return highest
}

// principal is the same whichever way somebody comes.
func principal(viewer *auth.Viewer) string {
	if viewer.Subject == "" {
		return "user " + viewer.UserID // made by a command, and bound to no identity
	}
	sum := sha256.Sum256([]byte(viewer.Issuer + "\x00" + viewer.Subject))
	return "identity " + hex.EncodeToString(sum[:16])
}

// addressGroup is what one customer of a network has: an address of IPv4, 2^64 of IPv6.
func addressGroup(text string) string {
	address, err := netip.ParseAddr(text)
	if err != nil {
		return "address unknown"
	}
	if address.Is6() {
		prefix, _ := address.Prefix(64)
		return "address " + prefix.String()
	}
	return "address " + address.String()
}

// limitMutations counts each mutation of an operation before any of them runs.
func (s *Server) limitMutations(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	operation := graphql.GetOperationContext(ctx)
	if operation.Operation.Operation != ast.Mutation {
		return next(ctx)
	}
	wait, ok := s.rates.take(ctx, mutations, rootFieldsOf(operation))
	if ok {
		return next(ctx)
	}
	if w, answers := ctx.Value(answerKey{}).(http.ResponseWriter); answers {
		w.Header().Set("Retry-After", retryAfter(wait))
		w.WriteHeader(http.StatusTooManyRequests)
	}
	return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{{
		Message:    tooMany(mutations, wait),
		Extensions: map[string]any{"code": storage.CodeRateLimited, "requestId": requestID(ctx)},
	}}})
}

// answerKey is where the answer to an operation is written: its status is known here only.
type answerKey struct{}

// tooOften answers what is refused before there is an operation.
func (s *Server) tooOften(w http.ResponseWriter, r *http.Request, kind string, wait time.Duration) {
	w.Header().Set("Retry-After", retryAfter(wait))
	writeJSON(w, http.StatusTooManyRequests, errorBody(tooMany(kind, wait), storage.CodeRateLimited, requestID(r.Context())))
}

func tooMany(kind string, wait time.Duration) string {
	what := map[string]string{queries: "queries", mutations: "mutations", executions: "executions", calls: "calls of generators", signInAttempts: "attempts to sign in"}[kind]
	return fmt.Sprintf("too many %s: try again in %s s", what, retryAfter(wait))
}

// retryAfter is in whole seconds (RFC 9110, section 10.2.3).
func retryAfter(wait time.Duration) string {
	return strconv.Itoa(max(int(math.Ceil(wait.Seconds())), 1))
}
