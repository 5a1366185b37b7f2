package server

import (
	"context"
	"errors"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/graph"
	"github.com/violentutf/violentutf/resolvers"
	"github.com/violentutf/violentutf/schema"
	"github.com/violentutf/violentutf/storage"
	shelves "github.com/violentutf/violentutf/uploads"
)

// graphql answers /graphql by the GraphQL-over-HTTP draft: POST, and GET for
// queries.
func (s *Server) graphql() http.Handler {
	exec, live := s.executor(get{}, post{}, uploads{s}), s.streams()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			live.ServeHTTP(w, r)
			return
		}
		ctx, stores := withStores(r.Context(), s.options.House)
		defer func() {
			if err := stores.close(); err != nil {
				s.log.ErrorContext(ctx, "close stores", "requestId", requestID(ctx), "error", err)
			}
		}()
		w.Header().Set("Cache-Control", "no-store")
		if refused := unreadable(r); refused != 0 {
			w.Header().Set("Allow", "GET, POST")
			writeJSON(w, refused, errorBody("send a POST of the Content-Type application/json, or multipart/form-data with files, or a GET for a query", storage.CodeBadInput, requestID(ctx)))
			return
		}
		// Counted before it is read: what does not parse or is not valid costs as well.
		if wait, ok := s.rates.take(ctx, queries, 1); !ok {
			s.tooOften(w, r, queries, wait)
			return
		}
		exec.ServeHTTP(w, r.WithContext(context.WithValue(ctx, answerKey{}, w)))
	})
}

// executor executes operations that come by the transports.
func (s *Server) executor(transports ...graphql.Transport) *handler.Server {
	limits := s.options.Limits
	timeout := limits.Timeout.Milliseconds()
	exec := handler.New(resolvers.NewSchema(resolvers.Options{
		App: s.options.House.App, Opener: opener{}, PersonalFile: s.options.House.PersonalFile, SharedFile: s.options.House.SharedFile,
		Copy: s.options.House.Copy, Move: s.options.House.Move, ForgetFiles: s.options.House.ForgetFiles, FileLink: s.links.make, Shelf: &shelves.Shelf{Files: s.options.House.Files, Log: s.log}, Things: s.things(), Tails: &s.tails, Starter: s.starter, Hooks: s.hooks,
		Version: s.options.Version, Features: s.features(),
		Limits: graph.ServerLimits{
			Cost: &limits.Cost, Depth: &limits.Depth, Aliases: &limits.Aliases, RootFields: &limits.RootFields,
			Directives: &limits.Directives, Tokens: &limits.Tokens, BodyBytes: &limits.BodyBytes, TimeoutMs: &timeout,
		},
	}))
	for _, one := range transports {
		exec.AddTransport(one)
	}
	documents := lru.New[*ast.QueryDocument](1000)
	exec.SetQueryCache(documents)
	exec.SetParserTokenLimit(limits.Tokens)
	exec.SetValidationRulesFn(schema.FewErrors)
	exec.Use(&nameLimit{cache: documents, tokens: limits.Tokens})
	exec.Use(&costLimit{limits: limits})
	exec.SetErrorPresenter(s.presentError)
	exec.SetRecoverFunc(func(ctx context.Context, p any) error {
		s.log.ErrorContext(ctx, "panic in a resolver", "requestId", requestID(ctx), "panic", p)
		return errors.New("panic")
	})
	exec.AroundOperations(onlyLive)
	exec.AroundOperations(s.limitMutations)
	exec.AroundOperations(s.allowIntrospection)
	exec.AroundResponses(s.finishResponse)
	return exec
}

// unreadable is the status for a request that no transport reads, 0 for every other.
func unreadable(r *http.Request) int {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return 0
	case http.MethodPost:
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && (media == mediaJSON || media == mediaMultipart) {
			return 0
		}
		return http.StatusUnsupportedMediaType
	default:
		return http.StatusMethodNotAllowed
	}
}

// features is what Query.server says that this server can do.
func (s *Server) features() []string {
	features := []string{"import:violentutf", "import:pyrit", "import:garak", "graphiql"}
	if s.options.Dev {
		features = append(features, "dev")
	}
	return features
}

// allowIntrospection lets anybody see the schema in dev mode, and signed-in
// viewers otherwise.
func (s *Server) allowIntrospection(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	graphql.GetOperationContext(ctx).DisableIntrospection = !s.options.Dev && auth.ViewerFrom(ctx) == nil
	return next(ctx)
}

// presentError gives a client the code and message of an error that it can act
// on, and of every other one the request id alone; the log has the rest.
func (s *Server) presentError(ctx context.Context, err error) *gqlerror.Error {
	path := graphql.GetPath(ctx)
	if presented, ok := errors.AsType[*gqlerror.Error](err); ok {
		if presented.Unwrap() == nil || presented.Extensions["code"] != nil {
			// gqlgen's or gqlparser's own words about the request.
			if presented.Path == nil {
				presented.Path = path
			}
			return presented
		}
		path = presented.Path
	}
	code, message, field := storage.CodeInternal, "internal error", ""
	var cause error // of an error with a code: for the log
	switch e, ok := errors.AsType[*storage.Error](err); {
	case ok:
		code, message, field, cause = e.Code, e.Message, e.Field, e.Err
	case graphql.HasOperationContext(ctx) && graphql.GetOperationContext(ctx).DisableIntrospection && strings.HasSuffix(err.Error(), "introspection disabled"):
		code, message = storage.CodeUnauthenticated, "sign in first: the schema is shown to who is signed in" // gqlgen has no error of its own for it
	case errors.Is(err, context.DeadlineExceeded):
		code, message = storage.CodeTimeout, "the request took longer than the server allows: ask for less, or in several requests"
	case errors.Is(err, context.Canceled):
		code, message = storage.CodeTimeout, "the request was given up"
	}
	if code == storage.CodeInternal || cause != nil {
		s.fail(ctx, fieldOf(ctx, path), err)
	}
	extensions := map[string]any{"code": code, "requestId": requestID(ctx)}
	if field != "" {
		extensions["field"] = field
	}
	return &gqlerror.Error{Message: message, Path: path, Extensions: extensions}
}

// fieldOf names the field that failed, as the schema does, so that places in lists are
// one place.
func fieldOf(ctx context.Context, path ast.Path) string {
	if field := graphql.GetFieldContext(ctx); field != nil && field.Object != "" {
		return field.Object + "." + field.Field.Name
	}
	return path.String()
}

// finishResponse makes the last corrections: gqlgen's codes become ours, and the
// statistics come with it when asked for.
func (s *Server) finishResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	start := time.Now()
	response := next(ctx)
	if response == nil {
		return nil
	}
	for _, e := range response.Errors {
		if e.Extensions == nil {
			e.Extensions = map[string]any{}
		}
		switch code := e.Extensions["code"]; code {
		case errcode.ValidationFailed, errcode.ParseFailed, nil:
			e.Extensions["code"] = storage.CodeBadInput
		}
		e.Extensions["requestId"] = requestID(ctx)
	}
	// Without a parsed operation (an unreadable body) there is no context of one.
	if graphql.HasOperationContext(ctx) {
		op := graphql.GetOperationContext(ctx)
		if op.Headers.Get("X-Graphql-Stats") == "1" {
			if !op.Stats.OperationStart.IsZero() {
				start = op.Stats.OperationStart
			}
			meter := storage.MeterFrom(ctx)
			if response.Extensions == nil {
				response.Extensions = map[string]any{}
			}
			response.Extensions["stats"] = map[string]any{
				"cost":           costOf(op),
				"userStatements": meter.UserStatements.Load(),
				"appStatements":  meter.AppStatements.Load(),
				"rows":           meter.Rows.Load(),
				"durationMs":     float64(time.Since(start).Microseconds()) / 1000,
				"cached":         false,
			}
		}
	}
	return response
}
