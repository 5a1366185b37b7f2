// Package server answers HTTP: GraphQL, the GraphiQL page, sign-in of dev mode,
// health, and the control socket through which commands ask the process that owns
// the data folder.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/violentutf/violentutf/auth"
	"github.com/violentutf/violentutf/events"
	"github.com/violentutf/violentutf/execution"
	"github.com/violentutf/violentutf/house"
	"github.com/violentutf/violentutf/outbound"
	"github.com/violentutf/violentutf/storage/datadir"
	"github.com/violentutf/violentutf/web"
	"github.com/violentutf/violentutf/webhooks"
)

// Limits of one request.
type Limits struct {
	BodyBytes int64         // of a GraphQL request; 0 means 1 MiB
	Timeout   time.Duration // of a whole request; 0 means 30 s
	// UploadTimeout is that of a request with files; 0 means ten minutes.
	UploadTimeout time.Duration
	Tokens        int  // of a GraphQL document; 0 means 15 000
	NoRates       bool // nobody is told to ask less often: for measurements

	// Of an operation, as cost.go counts them.
	Cost       int // in rows; 0 means DefaultCost
	Depth      int // 0 means DefaultDepth
	Aliases    int // 0 means 100
	RootFields int // 0 means 50
	Directives int // at one place; 0 means 5
}

// The limits of an operation unless serve is told otherwise. The richest page that a
// frontend draws, 500 attacks with 20 messages each and all their scores, costs 54 012.
const (
	DefaultCost  = 150_000
	DefaultDepth = 20
)

// Options of a server.
type Options struct {
	House   *house.House
	Issuer  *auth.DevIssuer // signs and verifies in dev mode; else nil
	Dev     bool
	Version string
	Limits  Limits
	// Provider verifies tokens and SignIn signs browsers in; both are nil without an
	// identity provider.
	Provider auth.Verifier
	SignIn   *auth.SignIn
	// PublicURL is the origin at which browsers reach the server; needed with SignIn.
	PublicURL string
	// Forwarded verifies what a gateway in front says; nil ignores it.
	Forwarded *auth.Forwarded
	Proxies   Proxies
	Origins   Origins
	// Outbound is which addresses generators and webhooks may be called at.
	Outbound outbound.Policy
	// Events wakes who follows runs; the engine wakes it. One of this process without it.
	Events events.Waker
	// DevUsers can be signed in as with one click in dev mode.
	DevUsers []DevUser
	Log      *slog.Logger
}

// DevUser is a user of dev mode.
type DevUser struct {
	Username string    `json:"username"`
	Role     auth.Role `json:"role"`
}

// Server is the HTTP server of one data folder.
type Server struct {
	options    Options
	log        *slog.Logger
	codes      *auth.Codes
	cookies    auth.Cookies
	links      links
	rates      *rates
	refreshing turns
	spooling   spooling
	health     health
	tails      execution.Tails
	hand       *execution.Hand
	engine     *execution.Engine
	starter    *execution.Starter
	hooks      *webhooks.Hooks
	runner     *Runner
	ending     context.Context //nolint:containedctx // of the streams: it ends with the server
	end        context.CancelFunc
	handler    http.Handler
	imports    sync.WaitGroup
}

// New makes a server; Serve starts it.
func New(options Options) *Server {
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Events == nil {
		options.Events = &events.Local{}
	}
	if options.Limits.BodyBytes == 0 {
		options.Limits.BodyBytes = 1 << 20
	}
	if options.Limits.Timeout == 0 {
		options.Limits.Timeout = 30 * time.Second
	}
	if options.Limits.UploadTimeout == 0 {
		options.Limits.UploadTimeout = 10 * time.Minute
	}
	if options.Limits.Tokens == 0 {
		options.Limits.Tokens = 15_000
	}
	for limit, otherwise := range map[*int]int{
		&options.Limits.Cost: DefaultCost, &options.Limits.Depth: DefaultDepth, &options.Limits.Aliases: 100,
		&options.Limits.RootFields: 50, &options.Limits.Directives: 5,
	} {
		if *limit == 0 {
			*limit = otherwise
		}
	}
	s := &Server{
		options: options, log: options.Log, codes: auth.NewCodes(), cookies: auth.CookiesFor(options.PublicURL),
		links: links{key: options.House.Keeper.Derive("file links"), now: time.Now},
		rates: newRates(options.House.App, options.Limits.NoRates),
	}
	s.ending, s.end = context.WithCancel(context.Background())
	s.tails = execution.Tails{Store: options.House.StoreOf, Events: options.Events}
	things := s.things()
	things.Calls.Timeout = 0 // of calls of runs, which no request waits for
	s.engine, s.starter, s.hand = execution.New(execution.Options{
		App: options.House.App, Store: options.House.StoreOf, Things: things, Events: options.Events, Count: s.countExecution, Log: s.log,
		Alone: true, // a data folder has one process
	})
	s.hooks = s.webhooks()
	byCommand := *s.starter
	byCommand.Count = nil // whoever may run programs on the machine has no rate
	s.runner = &Runner{House: options.House, Things: things, Starter: &byCommand, Tails: &s.tails}
	s.handler = s.routes()
	return s
}

// Handler answers every path of api.md's fixed names that this server has.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/graphql", s.shared(s.identify(s.graphql())))
	mux.Handle(streamPath, s.shared(s.identify(s.streams())))
	mux.HandleFunc("GET /auth/session", s.session)
	mux.HandleFunc("GET /files/{link}", s.file)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	if s.options.Dev {
		mux.HandleFunc("GET /auth/dev", s.devUsers)
		mux.HandleFunc("POST /auth/dev", s.devSignIn)
		mux.HandleFunc("POST /auth/exchange", s.exchange)
	}
	if s.options.SignIn != nil {
		mux.HandleFunc("GET /auth/login", s.login)
		mux.HandleFunc("GET "+auth.CallbackPath, s.callback)
		mux.HandleFunc("POST /auth/logout", s.logout)
		mux.HandleFunc("POST /auth/backchannel-logout", s.backchannelLogout)
	}
	mux.Handle("/", web.Handler())
	return s.secured(s.request(mux))
}

// SignInLink is a path that signs a browser in once, within the hour.
func (s *Server) SignInLink(username string, role auth.Role) string {
	return "/?code=" + s.codes.Create(username, role)
}

// headerBytes is room for a token of 8 KiB, cookies and what proxies add.
const headerBytes = 32 << 10

// Serve answers on listener, and on the control socket, and works on runs, until ctx ends;
// then it lets requests under way finish for up to ten seconds. ready is called when both
// listen.
func (s *Server) Serve(ctx context.Context, listener net.Listener, ready func()) error {
	if err := errors.Join(s.rates.refresh(ctx), s.rates.limiter.Load(ctx)); err != nil {
		return fmt.Errorf("load the rate limits: %w", err)
	}
	socket, err := datadir.PrepareControlSocket(s.options.House.Dir)
	if err != nil {
		return err
	}
	control, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("listen on the control socket: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return errors.Join(err, control.Close())
	}
	servers := []*http.Server{
		{
			Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: headerBytes,
			ReadTimeout: s.options.Limits.Timeout + 10*time.Second, WriteTimeout: s.options.Limits.Timeout + 30*time.Second,
			ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
		},
		{Handler: s.control(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }},
	}
	rating, endRating := context.WithCancel(context.WithoutCancel(ctx))
	rated := make(chan struct{})
	go func() {
		defer close(rated)
		s.rates.keep(rating, s.log)
	}()
	defer func() {
		endRating()
		<-rated
	}()
	working, stopWorking := context.WithCancel(context.WithoutCancel(ctx))
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		s.WorkOnRuns(working)
	}()
	defer func() {
		stopWorking()
		<-worked
	}()
	defer s.tellOthers(ctx)()
	ended := make(chan error, len(servers))
	for i, l := range []net.Listener{listener, control} {
		go func() { ended <- servers[i].Serve(l) }()
	}
	ready()
	running := len(servers)
	select {
	case <-ctx.Done():
	case err = <-ended:
		running--
	}
	s.end()
	stopWorking() // other engines may have the runs at once
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	for _, server := range servers {
		if shutdown := server.Shutdown(grace); shutdown != nil {
			err = errors.Join(err, fmt.Errorf("shut down: %w", shutdown), server.Close())
		}
	}
	for ; running > 0; running-- {
		err = errors.Join(err, <-ended)
	}
	s.imports.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// WorkOnRuns works on the runs of the data folder until ctx ends, as Serve does.
func (s *Server) WorkOnRuns(ctx context.Context) { s.engine.Run(ctx) }

func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	s.checked(r.Context(), "server", time.Now(), nil)
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz tells whether the app store answers.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	since := time.Now()
	err := s.options.House.App.Ping(r.Context())
	s.checked(r.Context(), "app store", since, err)
	if err != nil {
		s.log.ErrorContext(r.Context(), "not ready", "error", err)
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "the app store does not answer"})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}
