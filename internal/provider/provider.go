// Package provider runs an OpenID Connect provider for tests: one that others wrote
// (zitadel/oidc, certified), whose keys, roles and failures a test changes.
package provider

import (
	"cmp"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// Server is a provider with the users alice and bob, whose subjects are "id-alice" and
// "id-bob", and the public clients violentutf and other. It signs them in without a form.
type Server struct {
	*storage.Storage
	URL     string       // of the issuer
	KeyGets atomic.Int64 // requests that its JWKS endpoint has seen

	public string // origin of the client's server
	mutex  sync.Mutex
	// What a test changes, by Set.
	Signing  SigningKey
	Others   []SigningKey
	Person   string         // who signs in; alice unless it is set
	Claims   map[string]any // of access tokens, beside the provider's own
	Life     time.Duration  // of access tokens; 0 is five minutes
	Down     bool
	KeysText string        // instead of the true JWKS
	Hold     chan struct{} // the JWKS says here that it was asked, and waits to be let go on
}

// SigningKey is a key of the provider.
type SigningKey struct {
	Name    string
	With    jose.SignatureAlgorithm
	Private crypto.Signer
}

// ID names the key, as the header of a token does.
func (k SigningKey) ID() string { return k.Name }

// SignatureAlgorithm is what the key signs with.
func (k SigningKey) SignatureAlgorithm() jose.SignatureAlgorithm { return k.With }

// Key is the private key.
func (k SigningKey) Key() any { return k.Private }

type publicKey struct{ SigningKey }

func (k publicKey) Algorithm() jose.SignatureAlgorithm { return k.With }
func (k publicKey) Use() string                        { return "sig" }
func (k publicKey) Key() any                           { return k.Private.Public() }

// The keys are made once: RSA takes long, and no test changes one.
var (
	// RSAKey signs at the beginning; OtherRSAKey is for a rotation.
	RSAKey      = sync.OnceValue(func() *rsa.PrivateKey { return generated(rsa.GenerateKey(rand.Reader, 2048)) })
	OtherRSAKey = sync.OnceValue(func() *rsa.PrivateKey { return generated(rsa.GenerateKey(rand.Reader, 2048)) })
	// ECKey and EdKey are published from the beginning.
	ECKey = sync.OnceValue(func() *ecdsa.PrivateKey { return generated(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	EdKey = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", 32))) })
)

func generated[K any](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}

// Start runs a provider until the end of the test. public is the origin of the server
// that signs people in there; its port may be another.
func Start(t testing.TB, public string) *Server {
	t.Helper()
	s := &Server{
		public:  public,
		Signing: SigningKey{"rsa-1", jose.RS256, RSAKey()},
		Others:  []SigningKey{{"ec-1", jose.ES256, ECKey()}, {"ed-1", jose.EdDSA, EdKey()}},
		Claims:  UserClaims("ai-api-access"),
	}
	var provider atomic.Pointer[op.Provider]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		down, text, hold := s.Down, s.KeysText, s.Hold
		s.mutex.Unlock()
		if r.URL.Path == "/keys" {
			s.KeyGets.Add(1)
			if hold != nil {
				hold <- struct{}{}
				<-hold
			}
			if text != "" {
				_, _ = w.Write([]byte(text))
				return
			}
		}
		if down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		if r.URL.Path == "/login/username" {
			s.login(w, r)
			return
		}
		provider.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	s.Storage = storage.NewStorageWithClients(people{}, map[string]*storage.Client{
		"violentutf": storage.NativeClient("violentutf", public+callback),
		"other":      storage.NativeClient("other", public+callback),
	})
	p, err := op.NewProvider(
		&op.Config{CryptoKey: [32]byte{1}, CodeMethodS256: true, GrantTypeRefreshToken: true, SupportedScopes: []string{"openid", "profile", "email", "offline_access"}},
		s, op.StaticIssuer(s.URL), op.WithAllowInsecure(),
	)
	if err != nil {
		t.Fatal(err)
	}
	provider.Store(p)
	return s
}

// UserClaims are those of alice in Keycloak's form.
func UserClaims(roles ...string) map[string]any {
	return map[string]any{
		"preferred_username": "alice", "name": "Alice Example", "email": "alice@example.org", "email_verified": true,
		"realm_access": map[string]any{"roles": append([]string{}, roles...)},
	}
}

const callback = "/auth/callback"

// people are alice and bob.
type people struct{}

func (people) GetUserByID(id string) *storage.User {
	name, ok := strings.CutPrefix(id, "id-")
	if !ok || name != "alice" && name != "bob" {
		return nil
	}
	return &storage.User{
		ID: id, Username: name, Password: "right", FirstName: strings.ToUpper(name[:1]) + name[1:], LastName: "Example",
		Email: name + "@example.org", EmailVerified: true,
	}
}

func (p people) GetUserByUsername(name string) *storage.User { return p.GetUserByID("id-" + name) }

func (people) ExampleClientID() string { return "service" }

// login signs the person in without a form.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	person := cmp.Or(s.Person, "alice")
	s.mutex.Unlock()
	id := r.URL.Query().Get("authRequestID")
	if err := s.CheckUsernamePassword(person, "right", id); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/authorize/callback?id="+url.QueryEscape(id), http.StatusFound)
}

// SigningKey is what tokens are signed with.
func (s *Server) SigningKey(context.Context) (op.SigningKey, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.Signing, nil
}

// SignatureAlgorithms are those of the keys.
func (s *Server) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}, nil
}

// KeySet is what the provider publishes.
func (s *Server) KeySet(context.Context) ([]op.Key, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var keys []op.Key
	for _, key := range append([]SigningKey{s.Signing}, s.Others...) {
		keys = append(keys, publicKey{key})
	}
	return keys, nil
}

// GetPrivateClaimsFromScopes are the Claims.
func (s *Server) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.Claims, nil
}

// CreateAccessAndRefreshTokens gives tokens that live as long as Life says.
func (s *Server) CreateAccessAndRefreshTokens(ctx context.Context, request op.TokenRequest, current string) (access, refresh string, until time.Time, err error) {
	access, refresh, until, err = s.Storage.CreateAccessAndRefreshTokens(ctx, request, current)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.Life > 0 {
		until = time.Now().Add(s.Life)
	}
	return access, refresh, until, err
}

// GetClientByClientID finds a client.
func (s *Server) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := s.Storage.GetClientByClientID(ctx, id)
	return jwtClient{client, s.public}, err
}

// jwtClient gets access tokens that can be read.
type jwtClient struct {
	op.Client
	public string
}

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (c jwtClient) PostLogoutRedirectURIs() []string  { return []string{c.public + "/"} }

// Set changes the provider while it runs.
func (s *Server) Set(change func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change()
}

// Visit goes through the provider's pages as a browser does, up to where it is led back
// to this server, and gives the query that it brings.
func Visit(t testing.TB, page string) url.Values {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	var back *url.URL
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == callback {
			back = r.URL
			return http.ErrUseLastResponse
		}
		return nil
	}}
	answer, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	browser.CloseIdleConnections()
	if back == nil {
		t.Fatalf("the provider answers %s at %s", answer.Status, answer.Request.URL)
	}
	return back.Query()
}
