package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/zitadel/oidc/v3/pkg/client/rp"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
)

// Where the browser comes back to, below the public URL.
const (
	CallbackPath    = "/auth/callback"
	AfterLogoutPath = "/"
)

// SignInOptions describe this server to the provider.
type SignInOptions struct {
	// ClientID is the client at the provider that signs people in, with the scopes openid
	// and profile. It must be one of the provider's AuthorizedParties.
	ClientID string
	// ClientSecret is empty for a public client; PKCE is used with both.
	ClientSecret string
	// PublicURL is where browsers reach this server: an origin, without a path. HTTPS, or
	// HTTP on a loopback address.
	PublicURL string
	// Scopes are asked for beside openid, profile and email. Some providers give a refresh
	// token only for "offline_access"; for Keycloak leave it out, for there it makes a
	// session that outlives the sign-out.
	Scopes []string
}

// SignIn signs people in through their browser: authorization code with PKCE (S256),
// state and nonce (OAuth 2.1, OpenID Connect Core 1.0). It keeps no sessions, only the
// sign-ins that have begun. Safe for concurrent use.
type SignIn struct {
	provider *Provider
	public   string
	begun    *begun

	party, refreshing rp.RelyingParty
}

// SignedIn is what a sign-in or a refresh ends with. The tokens are secrets of the
// session: they stay on the server.
type SignedIn struct {
	Viewer       *Viewer
	AccessToken  string
	RefreshToken string // empty when the provider gives none
	IDToken      string // after a refresh it may be empty: then the last one stands
	SessionID    string // of the provider (sid); empty when it names none
	ExpiresAt    time.Time
	ReturnPath   string // a local path; after a refresh empty
}

// ErrSignIn is what a sign-in fails with when the browser, or who sent it, is at fault:
// it began elsewhere, too long ago, or was refused by the provider. Any other error
// means that the provider could not be asked, or answered what does not hold.
var ErrSignIn = errors.New("sign-in does not hold")

// OpenSignIn makes a SignIn for the provider.
func OpenSignIn(ctx context.Context, provider *Provider, options SignInOptions) (*SignIn, error) {
	public, err := checkOrigin(options.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("open sign-in: public URL: %w", err)
	}
	s := &SignIn{provider: provider, public: public, begun: newBegun(provider.now)}
	if s.party, err = s.relyingParty(ctx, options, nonceOf); err != nil {
		return nil, err
	}
	// A refreshed ID token has no nonce, or that of the sign-in (OpenID Connect Core
	// section 12.2): it is not compared.
	if s.refreshing, err = s.relyingParty(ctx, options, nil); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *SignIn) relyingParty(ctx context.Context, options SignInOptions, nonce func(context.Context) string) (rp.RelyingParty, error) {
	style := oauth2.AuthStyleInHeader
	if options.ClientSecret == "" {
		style = oauth2.AuthStyleInParams
	}
	party, err := rp.NewRelyingPartyOIDC(
		ctx, s.provider.Issuer(), options.ClientID, options.ClientSecret, s.public+CallbackPath,
		append([]string{oidc.ScopeOpenID, oidc.ScopeProfile, oidc.ScopeEmail}, options.Scopes...),
		rp.WithHTTPClient(s.provider.client),
		rp.WithAuthStyle(style),
		rp.WithVerifierOpts(
			rp.WithNonce(nonce),
			rp.WithIssuedAtOffset(clockSkew),
			rp.WithSupportedSigningAlgorithms("RS256", "ES256", "EdDSA"),
			// The keys of the provider, with its limit of fetches.
			func(v *rp.IDTokenVerifier) { v.KeySet = signatures{s.provider.keys} },
		),
	)
	if err != nil {
		return nil, fmt.Errorf("open sign-in at %s: %w", s.provider.Issuer(), err)
	}
	endpoint := party.OAuthConfig().Endpoint
	for _, url := range []string{endpoint.AuthURL, endpoint.TokenURL} {
		if err := checkURL(url, strings.HasPrefix(s.provider.Issuer(), "https:")); err != nil {
			return nil, fmt.Errorf("open sign-in at %s: %w", s.provider.Issuer(), err)
		}
	}
	return party, nil
}

type nonceKey struct{}

// nonceOf hands the nonce of one sign-in to the library, which asks by context alone.
func nonceOf(ctx context.Context) string {
	nonce, _ := ctx.Value(nonceKey{}).(string)
	return nonce
}

// signatures lets the library that reads ID tokens use the keys of the provider.
type signatures struct{ keys *remoteKeys }

// VerifySignature gives the payload of a token signed with a key of the provider.
func (s signatures) VerifySignature(ctx context.Context, token *jose.JSONWebSignature) ([]byte, error) {
	if len(token.Signatures) != 1 {
		return nil, errors.New("there is not one signature")
	}
	header := token.Signatures[0].Protected
	key, err := s.keys.key(ctx, header.KeyID)
	if err != nil {
		return nil, err
	}
	if own, _ := key.Algorithm(); own.String() != header.Algorithm {
		return nil, errors.New("the algorithm is not that of the key")
	}
	var public any
	if err := jwk.Export(key, &public); err != nil {
		return nil, err
	}
	return token.Verify(public)
}

// checkOrigin gives the origin of a URL that has nothing but one.
func checkOrigin(text string) (string, error) {
	if err := checkURL(text, false); err != nil {
		return "", err
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", err
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return "", fmt.Errorf("%s has a path: give the origin alone", text)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// Begin gives the page of the provider to send the browser to, and the value of a
// cookie, Cookies.SignIn, that must come back with the browser: so nobody can make a
// browser finish a sign-in that another began. After ten minutes it has ended.
// A returnPath that is not a path of this server becomes "/".
func (s *SignIn) Begin(returnPath string) (page, browser string) {
	browser = randomText()
	state := randomText()
	attempt := attempt{
		browser:    sha256.Sum256([]byte(browser)),
		verifier:   oauth2.GenerateVerifier(),
		nonce:      randomText(),
		returnPath: LocalPath(returnPath),
	}
	s.begun.add(state, attempt)
	page = rp.AuthURL(
		state, s.party,
		rp.WithCodeChallenge(oidc.NewSHACodeChallenge(attempt.verifier)),
		rp.AuthURLOpt(rp.WithURLParam("nonce", attempt.nonce)),
	)
	return page, browser
}

// randomText has 256 bits, in base64url (43 characters).
func randomText() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // ends the program rather than fail
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Complete takes what the browser brought to the callback: the query, and the value of
// the cookie from Begin. It works once. What the provider gives is verified: the ID
// token by signature, issuer, audience, time and nonce, the access token as any other,
// and both must be of the same person.
func (s *SignIn) Complete(ctx context.Context, browser string, query url.Values) (SignedIn, error) {
	attempt, ok := s.begun.take(query.Get("state"))
	cookie := sha256.Sum256([]byte(browser))
	switch {
	case !ok:
		return SignedIn{}, fmt.Errorf("%w: it was not begun here, or has ended", ErrSignIn)
	case subtle.ConstantTimeCompare(cookie[:], attempt.browser[:]) != 1:
		return SignedIn{}, fmt.Errorf("%w: it was begun in another browser", ErrSignIn)
	// Mix-up of providers, RFC 9207.
	case query.Has("iss") && query.Get("iss") != s.provider.Issuer():
		return SignedIn{}, fmt.Errorf("%w: another provider answers", ErrSignIn)
	case query.Has("error"):
		return SignedIn{}, fmt.Errorf("%w: the provider refused", ErrSignIn)
	case query.Get("code") == "":
		return SignedIn{}, fmt.Errorf("%w: it brings no code", ErrSignIn)
	}
	tokens, err := rp.CodeExchange[*oidc.IDTokenClaims](
		context.WithValue(ctx, nonceKey{}, attempt.nonce), query.Get("code"), s.party, rp.WithCodeVerifier(attempt.verifier),
	)
	if err != nil {
		return SignedIn{}, tokenError("exchange the code of a sign-in", err)
	}
	signedIn, err := s.signedIn(ctx, tokens)
	signedIn.ReturnPath = attempt.returnPath
	return signedIn, err
}

// Refresh gives new tokens for a refresh token of the person with that subject. The old
// refresh token may have ended with it. ErrSignIn says that the provider's session has
// ended, and ours must too. Two refreshes of one session must not overlap: where a
// refresh token works once, as in the realm of deploy/keycloak, the provider takes the
// second for theft.
func (s *SignIn) Refresh(ctx context.Context, refreshToken, subject string) (SignedIn, error) {
	tokens, err := rp.RefreshTokens[*oidc.IDTokenClaims](ctx, s.refreshing, refreshToken, "", "")
	if err != nil {
		return SignedIn{}, tokenError("refresh a session", err)
	}
	signedIn, err := s.signedIn(ctx, tokens)
	if err != nil {
		return SignedIn{}, err
	}
	if signedIn.Viewer.Subject != subject {
		return SignedIn{}, errors.New("refresh a session: the provider answers with another person")
	}
	if signedIn.RefreshToken == "" {
		signedIn.RefreshToken = refreshToken
	}
	return signedIn, nil
}

// tokenError tells a refusal of the provider from its failure. Neither answer is kept:
// it may hold tokens.
func tokenError(doing string, err error) error {
	refused := false
	if answer, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		refused = answer.ErrorCode == string(oidc.InvalidGrant)
	}
	if answer, ok := errors.AsType[*oidc.Error](err); ok {
		refused = answer.ErrorType == oidc.InvalidGrant
	}
	if refused {
		return fmt.Errorf("%w: the provider refused", ErrSignIn)
	}
	if answer, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("%s: %w", doing, answer)
	}
	return fmt.Errorf("%s: the identity provider's answer does not hold", doing)
}

// signedIn verifies the access token and that it is of the person of the ID token.
func (s *SignIn) signedIn(ctx context.Context, tokens *oidc.Tokens[*oidc.IDTokenClaims]) (SignedIn, error) {
	viewer, err := s.provider.Verify(ctx, tokens.AccessToken)
	if err != nil {
		return SignedIn{}, fmt.Errorf("check the access token of a sign-in: %w", err)
	}
	signedIn := SignedIn{
		Viewer: viewer, AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken,
		IDToken: tokens.IDToken, ExpiresAt: viewer.ExpiresAt,
	}
	if tokens.IDTokenClaims != nil {
		if tokens.IDTokenClaims.Subject != viewer.Subject {
			return SignedIn{}, errors.New("the tokens of a sign-in are of two persons")
		}
		signedIn.SessionID, _ = tokens.IDTokenClaims.Claims["sid"].(string)
	}
	return signedIn, nil
}

// EndSessionURL is the page of the provider that ends its session and leads back to
// AfterLogoutPath (OpenID Connect RP-Initiated Logout 1.0). It is empty when the
// provider has none.
func (s *SignIn) EndSessionURL(idToken string) string {
	end := s.party.GetEndSessionEndpoint()
	if end == "" {
		return ""
	}
	query := url.Values{
		"client_id":                {s.party.OAuthConfig().ClientID},
		"post_logout_redirect_uri": {s.public + AfterLogoutPath},
	}
	if idToken != "" {
		query.Set("id_token_hint", idToken)
	}
	separator := "?"
	if strings.Contains(end, "?") {
		separator = "&"
	}
	return end + separator + query.Encode()
}

// EndSession ends the provider's session without the browser, and with it the refresh
// token.
func (s *SignIn) EndSession(ctx context.Context, idToken string) error {
	if s.party.GetEndSessionEndpoint() == "" {
		return nil
	}
	// Keycloak refuses an empty address to lead back to, and the library sends it.
	if _, err := rp.EndSession(ctx, s.party, idToken, s.public+AfterLogoutPath, "", "", nil); err != nil {
		return errors.New("end a session at the identity provider: it refused, or cannot be reached")
	}
	return nil
}
