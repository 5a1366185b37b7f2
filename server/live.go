package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	coder "github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/storage"
)

// Codes that graphql-transport-ws closes a socket with.
const (
	closeUnauthorized = 4401 // the credential expired: clients do not try again with it
	closeForbidden    = 4403 // the credential of connection_init does not hold
)

const (
	keepAlive     = 15 * time.Second
	initPatience  = 10 * time.Second
	writePatience = 30 * time.Second // how long a client may take to receive one message
	streamPath    = "/graphql/stream"
	fewStreams    = 100 // for which garbage is collected rarely
)

// isLive tells whether a request stays open as long as its client wants.
func isLive(r *http.Request) bool {
	return r.URL.Path == streamPath || r.Header.Get("Upgrade") != ""
}

// stream is an open connection of subscriptions, in its context.
type stream struct{ viewer *auth.Viewer }

type streamKey struct{}

func streamFrom(ctx context.Context) *stream {
	open, _ := ctx.Value(streamKey{}).(*stream)
	return open
}

// streams answers subscriptions, until their client, their credential or the server ends.
func (s *Server) streams() http.Handler {
	exec := s.executor(s.sockets(), transport.SSE{KeepAlivePingInterval: keepAlive})
	var count atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		open := &stream{viewer: auth.ViewerFrom(r.Context())}
		ctx, end := context.WithCancel(context.WithValue(open.until(r.Context()), streamKey{}, open))
		defer end()
		defer context.AfterFunc(s.ending, end)()
		ctx, stores := withStores(ctx, s.options.House)
		defer func() {
			if err := stores.close(); err != nil {
				s.log.ErrorContext(ctx, "close stores", "requestId", requestID(ctx), "error", err)
			}
		}()
		if r.Header.Get("Upgrade") == "" && !(transport.SSE{}).Supports(r) {
			w.Header().Set("Allow", "POST")
			writeJSON(w, http.StatusNotAcceptable, errorBody("send a POST of the Content-Type application/json that accepts text/event-stream", storage.CodeBadInput, requestID(ctx)))
			return
		}
		if wait, ok := s.rates.take(ctx, queries, 1); !ok {
			s.tooOften(w, r, queries, wait)
			return
		}
		defer count.Add(-1)
		if count.Add(1) > fewStreams {
			defer collectAt(streamsPercent)()
		}
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Time{}) // that of the server is for requests
		exec.ServeHTTP(&patient{ResponseWriter: w, control: control}, r.WithContext(ctx))
	})
}

// patient gives a client time for each message, not for all of them together.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *patient) Write(data []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writePatience))
	return p.ResponseWriter.Write(data)
}

func (p *patient) Flush()                      { _ = p.control.Flush() }
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// onlyLive keeps subscriptions and everything else to their transports: what a request
// opens is closed with it, and a stream is none.
func onlyLive(ctx context.Context, next graphql.OperationHandler) graphql.ResponseHandler {
	streaming := streamFrom(ctx) != nil
	operation := graphql.GetOperationContext(ctx)
	subscribes := operation.Operation.Operation == ast.Subscription
	switch {
	case subscribes && len(graphql.CollectFields(operation, operation.Operation.SelectionSet, []string{"Subscription"})) != 1:
		// gqlparser's rule (GraphQL, section 5.2.3.1) counts names and not aliases.
		return refusal("a subscription has one field: subscribe once for each")
	case subscribes && !streaming:
		return refusal("a subscription needs a stream: use graphql-transport-ws at /graphql, or graphql-sse at " + streamPath)
	case streaming && !subscribes:
		return refusal("a stream is for subscriptions: send queries and mutations by POST to /graphql")
	}
	return next(ctx)
}

func refusal(message string) graphql.ResponseHandler {
	return graphql.OneShot(&graphql.Response{Errors: gqlerror.List{{Message: message, Extensions: map[string]any{"code": storage.CodeBadInput}}}})
}

// sockets is graphql-transport-ws. The viewer of the HTTP request is that of the socket
// unless connection_init brings a credential.
func (s *Server) sockets() transport.Websocket {
	limit := s.options.Limits.BodyBytes
	return transport.Websocket{
		Implementation: socketImplementation{}, InitTimeout: initPatience, PayloadReadLimit: &limit,
		PingPongInterval: keepAlive,
		InitFunc: func(ctx context.Context, payload transport.InitPayload) (context.Context, *transport.InitPayload, error) {
			if credential := payload.Authorization(); credential != "" {
				asked := (&http.Request{Header: http.Header{"Authorization": {credential}}}).WithContext(ctx)
				viewer, _, err := s.viewerOf(asked)
				if err != nil {
					return transport.WithWebsocketCloseCode(transport.AppendCloseReason(ctx, "Forbidden"), closeForbidden), nil, errors.New("the credential does not hold")
				}
				open := streamFrom(ctx)
				open.viewer = viewer
				ctx = open.until(auth.WithViewer(ctx, viewer))
			}
			return ctx, nil, nil
		},
	}
}

// until ends a context with the credential.
func (o *stream) until(ctx context.Context) context.Context {
	if o.viewer == nil || o.viewer.ExpiresAt.IsZero() {
		return ctx
	}
	ctx, cancel := context.WithDeadline(ctx, o.viewer.ExpiresAt)
	context.AfterFunc(ctx, cancel)
	return ctx
}

func (o *stream) expired() bool {
	return o.viewer != nil && !o.viewer.ExpiresAt.IsZero() && !time.Now().Before(o.viewer.ExpiresAt)
}

// socketImplementation accepts sockets. Whose page may open one with a cookie was checked
// with the cookie (auth.AllowCookie); a page elsewhere has to bring a credential.
type socketImplementation struct{}

func (socketImplementation) Accept(w http.ResponseWriter, r *http.Request, _ transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	conn, err := coder.Accept(w, r, &coder.AcceptOptions{Subprotocols: []string{"graphql-transport-ws"}, InsecureSkipVerify: true})
	if err != nil {
		return nil, err
	}
	return &socket{conn: conn, ctx: r.Context()}, nil
}

// socket is one connection.
type socket struct {
	conn  *coder.Conn
	ctx   context.Context //nolint:containedctx // of the request that became the socket
	mu    sync.Mutex
	timer *time.Timer
	close sync.Once
}

func (c *socket) NextReader() (int, io.Reader, error) {
	kind, data, err := c.conn.Read(c.ctx)
	if status := coder.CloseStatus(err); status == coder.StatusNormalClosure || status == coder.StatusNoStatusRcvd || status == coder.StatusGoingAway {
		return int(kind), nil, transport.ErrWebsocketClosed
	}
	return int(kind), bytes.NewReader(data), err
}

func (c *socket) WriteJSON(value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.ctx), writePatience)
	defer cancel()
	return c.conn.Write(ctx, coder.MessageText, data)
}

// WriteClose says with its code why a socket ends whose credential has.
func (c *socket) WriteClose(code int, message string) error {
	c.close.Do(func() {
		if code == transport.WebsocketCloseNormalClosure && message == "terminated" {
			if open := streamFrom(c.ctx); open != nil && open.expired() {
				code, message = closeUnauthorized, "Unauthorized"
			}
		}
		go func() { _ = c.conn.Close(coder.StatusCode(code), message) }() // waits up to 5 s for the other end
	})
	return nil
}

// Close lets go of a socket that WriteClose is about to close.
func (c *socket) Close() error { return c.SetReadDeadline(time.Time{}) }

func (c *socket) Subprotocol() string  { return c.conn.Subprotocol() }
func (c *socket) SetReadLimit(n int64) { c.conn.SetReadLimit(n) }

// SetReadDeadline closes a socket whose client has not answered a ping for long; the zero
// time, as of net.Conn, is none.
func (c *socket) SetReadDeadline(deadline time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
	}
	if deadline.IsZero() {
		return nil
	}
	c.timer = time.AfterFunc(time.Until(deadline), func() { _ = c.conn.CloseNow() })
	return nil
}
