package auth

import (
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

// zitadel is an OpenID Connect provider that others wrote (zitadel/oidc, certified),
// with a user alice and a client violentutf, whose keys and roles a test changes.
type zitadel struct {
	*storage.Storage
	server  *httptest.Server
	keyGets atomic.Int64 // requests that its JWKS endpoint has seen

	mutex    sync.Mutex
	signing  zitadelKey
	others   []zitadelKey
	claims   map[string]any // of access tokens, beside the provider's own
	down     bool
	keysText string        // instead of the true JWKS
	hold     chan struct{} // the JWKS says here that it was asked, and waits to be let go on
}

type zitadelKey struct {
	id        string
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

func (k zitadelKey) ID() string                                  { return k.id }
func (k zitadelKey) SignatureAlgorithm() jose.SignatureAlgorithm { return k.algorithm }
func (k zitadelKey) Key() any                                    { return k.private }

type zitadelPublicKey struct{ zitadelKey }

func (k zitadelPublicKey) Algorithm() jose.SignatureAlgorithm { return k.algorithm }
func (k zitadelPublicKey) Use() string                        { return "sig" }
func (k zitadelPublicKey) Key() any                           { return k.private.Public() }

// The keys are made once: RSA takes long, and no test changes one.
var (
	rsaKey      = sync.OnceValue(func() *rsa.PrivateKey { return generated(rsa.GenerateKey(rand.Reader, 2048)) })
	otherRSAKey = sync.OnceValue(func() *rsa.PrivateKey { return generated(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey       = sync.OnceValue(func() *ecdsa.PrivateKey { return generated(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	edKey       = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", 32))) })
)

func generated[K any](key K, err error) K {
	if err != nil {
		panic(err)
	}
	return key
}

func startZitadel(t *testing.T) *zitadel {
	t.Helper()
	z := &zitadel{
		signing: zitadelKey{"rsa-1", jose.RS256, rsaKey()},
		others:  []zitadelKey{{"ec-1", jose.ES256, ecKey()}, {"ed-1", jose.EdDSA, edKey()}},
		claims:  userClaims("ai-api-access"),
	}
	var provider atomic.Pointer[op.Provider]
	z.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		z.mutex.Lock()
		down, text, hold := z.down, z.keysText, z.hold
		z.mutex.Unlock()
		if r.URL.Path == "/keys" {
			z.keyGets.Add(1)
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
			z.login(w, r)
			return
		}
		provider.Load().ServeHTTP(w, r)
	}))
	t.Cleanup(z.server.Close)
	z.Storage = storage.NewStorageWithClients(people{}, map[string]*storage.Client{
		"violentutf": storage.NativeClient("violentutf", "http://127.0.0.1:1"+CallbackPath),
		"other":      storage.NativeClient("other", "http://127.0.0.1:1"+CallbackPath),
	})
	p, err := op.NewProvider(
		&op.Config{CryptoKey: [32]byte{1}, CodeMethodS256: true, GrantTypeRefreshToken: true, SupportedScopes: []string{"openid", "profile", "email", "offline_access"}},
		z, op.StaticIssuer(z.server.URL), op.WithAllowInsecure(),
	)
	if err != nil {
		t.Fatal(err)
	}
	provider.Store(p)
	return z
}

// userClaims are those of alice in Keycloak's form.
func userClaims(roles ...string) map[string]any {
	return map[string]any{
		"preferred_username": "alice", "name": "Alice Example", "email": "alice@example.org", "email_verified": true,
		"realm_access": map[string]any{"roles": append([]string{}, roles...)},
	}
}

// people has one person.
type people struct{}

func (people) GetUserByID(id string) *storage.User {
	if id != "id-alice" {
		return nil
	}
	return &storage.User{ID: "id-alice", Username: "alice", Password: "right", FirstName: "Alice", LastName: "Example", Email: "alice@example.org", EmailVerified: true}
}

func (p people) GetUserByUsername(name string) *storage.User {
	if name != "alice" {
		return nil
	}
	return p.GetUserByID("id-alice")
}

func (people) ExampleClientID() string { return "service" }

// login signs alice in without a form.
func (z *zitadel) login(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("authRequestID")
	if err := z.CheckUsernamePassword("alice", "right", id); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	http.Redirect(w, r, "/authorize/callback?id="+url.QueryEscape(id), http.StatusFound)
}

func (z *zitadel) SigningKey(context.Context) (op.SigningKey, error) {
	z.mutex.Lock()
	defer z.mutex.Unlock()
	return z.signing, nil
}

func (z *zitadel) SignatureAlgorithms(context.Context) ([]jose.SignatureAlgorithm, error) {
	return []jose.SignatureAlgorithm{jose.RS256, jose.ES256, jose.EdDSA}, nil
}

func (z *zitadel) KeySet(context.Context) ([]op.Key, error) {
	z.mutex.Lock()
	defer z.mutex.Unlock()
	var keys []op.Key
	for _, key := range append([]zitadelKey{z.signing}, z.others...) {
		keys = append(keys, zitadelPublicKey{key})
	}
	return keys, nil
}

func (z *zitadel) GetPrivateClaimsFromScopes(context.Context, string, string, []string) (map[string]any, error) {
	z.mutex.Lock()
	defer z.mutex.Unlock()
	return z.claims, nil
}

func (z *zitadel) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := z.Storage.GetClientByClientID(ctx, id)
	return jwtClient{client}, err
}

// jwtClient gets access tokens that can be read.
type jwtClient struct{ op.Client }

func (jwtClient) AccessTokenType() op.AccessTokenType { return op.AccessTokenTypeJWT }
func (jwtClient) PostLogoutRedirectURIs() []string    { return []string{"http://127.0.0.1:1/"} }

func (z *zitadel) set(change func()) {
	z.mutex.Lock()
	defer z.mutex.Unlock()
	change()
}

func (z *zitadel) open(t *testing.T, now func() time.Time) *Provider {
	t.Helper()
	p, err := openProvider(t.Context(), ProviderOptions{Issuer: z.server.URL, AuthorizedParties: []string{"violentutf"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func (z *zitadel) openSignIn(t *testing.T, p *Provider) *SignIn {
	t.Helper()
	s, err := OpenSignIn(t.Context(), p, SignInOptions{ClientID: "violentutf", PublicURL: "http://127.0.0.1:1", Scopes: []string{"offline_access"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// visit goes through the provider's pages as a browser does, up to where it is led back
// to this server, and gives the query that it brings.
func visit(t *testing.T, page string) url.Values {
	t.Helper()
	jar, _ := cookiejar.New(nil)
	var back *url.URL
	browser := &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == CallbackPath {
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

// tokens signs alice in at the provider.
func (z *zitadel) tokens(t *testing.T, s *SignIn) SignedIn {
	t.Helper()
	page, browser := s.Begin("/graphiql?q=1")
	signedIn, err := s.Complete(t.Context(), browser, visit(t, page))
	if err != nil {
		t.Fatal(err)
	}
	return signedIn
}
