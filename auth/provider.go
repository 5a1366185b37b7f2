package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"github.com/zitadel/oidc/v3/pkg/client"
	"github.com/zitadel/oidc/v3/pkg/oidc"
)

// ProviderOptions say whose tokens are accepted, and what they mean.
type ProviderOptions struct {
	// Issuer is the URL that tokens name, to the letter; below it lies the provider's
	// description. HTTPS, or HTTP on a loopback address.
	Issuer string
	// Audience is what a token must be meant for, among others. Empty is "violentutf".
	Audience string
	// AuthorizedParties are the clients of the provider whose tokens are accepted. There
	// is no default: a token of any other application of the realm would do.
	AuthorizedParties []string
	// RoleMap turns the provider's roles into ours. Nil is DefaultRoleMap.
	RoleMap map[string]Role
	// RoleClients are the clients whose roles count beside those of the realm. Nil is
	// the Audience alone: "admin" of another client makes no administrator here.
	RoleClients []string
}

// Provider verifies the access tokens of an OpenID Connect provider. It is a Verifier
// and safe for concurrent use.
type Provider struct {
	description *oidc.DiscoveryConfiguration
	client      *http.Client
	keys        *remoteKeys
	rules       rules
	roles       roleMap
	cache       cache
	now         func() time.Time
}

// providerAlgorithms are asymmetric, and each belongs to one type of key.
var providerAlgorithms = []jwa.SignatureAlgorithm{jwa.RS256(), jwa.ES256(), jwa.EdDSA()}

// OpenProvider reads the provider's description (OpenID Connect Discovery 1.0) and its
// keys. It fails when the provider cannot be reached, names another issuer, or leads
// from HTTPS to plain HTTP.
func OpenProvider(ctx context.Context, options ProviderOptions) (*Provider, error) {
	return openProvider(ctx, options, time.Now)
}

func openProvider(ctx context.Context, options ProviderOptions, now func() time.Time) (*Provider, error) {
	options, err := options.complete()
	if err != nil {
		return nil, fmt.Errorf("open identity provider: %w", err)
	}
	web := newProviderClient()
	description, err := client.Discover(ctx, options.Issuer, web)
	if err != nil {
		return nil, fmt.Errorf("read the description of identity provider %s: %w", options.Issuer, err)
	}
	if err := checkEndpoints(options.Issuer, description); err != nil {
		return nil, fmt.Errorf("open identity provider: %w", err)
	}
	keys := &remoteKeys{url: description.JwksURI, client: web, now: now, turn: make(chan struct{}, 1)}
	if err := keys.fetch(ctx); err != nil {
		return nil, fmt.Errorf("open identity provider: %w", err)
	}
	return &Provider{
		description: description, client: web, keys: keys, now: now,
		roles: roleMap{names: options.RoleMap, clients: options.RoleClients},
		rules: rules{
			issuer:     options.Issuer,
			audience:   options.Audience,
			parties:    options.AuthorizedParties,
			kinds:      accessKinds,
			purpose:    isAccessToken,
			algorithms: providerAlgorithms,
			keys:       keys,
			now:        now,
		},
	}, nil
}

// complete fills in what may be left out, and refuses what may not.
func (o ProviderOptions) complete() (ProviderOptions, error) {
	if err := checkIssuer(o.Issuer); err != nil {
		return o, err
	}
	if len(o.AuthorizedParties) == 0 || slices.Contains(o.AuthorizedParties, "") {
		return o, errors.New("name the clients whose tokens are accepted (authorized parties)")
	}
	if o.Audience == "" {
		o.Audience = Audience
	}
	if o.RoleMap == nil {
		o.RoleMap = DefaultRoleMap()
	}
	if o.RoleClients == nil {
		o.RoleClients = []string{o.Audience}
	}
	for name, role := range o.RoleMap {
		if _, err := ParseRole(string(role)); err != nil {
			return o, fmt.Errorf("the provider's role %q: %w", name, err)
		}
	}
	return o, nil
}

// Verify gives the viewer of an access token. A token just verified is remembered for
// a minute; so a key or a role that is taken away is noticed with the next token, and
// for the same token within that minute.
func (p *Provider) Verify(ctx context.Context, token string) (*Viewer, error) {
	now := p.now()
	if viewer, ok := p.cache.get(token, now); ok {
		return viewer, nil
	}
	claims, err := p.rules.check(ctx, token)
	if err != nil {
		return nil, err
	}
	viewer, err := p.viewer(claims)
	if err != nil {
		return nil, err
	}
	p.cache.put(token, viewer, now)
	return viewer, nil
}

// Close ends the connections to the provider that are idle.
func (p *Provider) Close() { p.client.CloseIdleConnections() }

// Issuer is whose tokens are accepted.
func (p *Provider) Issuer() string { return p.rules.issuer }

// viewer reads what a verified token says of its person. Without a role that means
// something here it is a viewer without roles.
func (p *Provider) viewer(claims jwt.Token) (*Viewer, error) {
	var preferred string
	if claims.Get("preferred_username", &preferred) != nil {
		return nil, invalid("its username is missing")
	}
	username, err := CanonicalUsername(preferred)
	if err != nil {
		return nil, invalid("its username is not allowed")
	}
	roles, err := p.roles.of(claims)
	if err != nil {
		return nil, err
	}
	issuer, _ := claims.Issuer()
	subject, _ := claims.Subject()
	issued, _ := claims.IssuedAt()
	expires, _ := claims.Expiration()
	return &Viewer{
		Issuer: issuer, Subject: subject, Username: username,
		Email: emailOf(claims), DisplayName: displayNameOf(claims, username),
		Roles: roles, IssuedAt: issued, ExpiresAt: expires,
	}, nil
}

const longestText = 254 // bytes; RFC 5321 allows an address no more

// emailOf gives an address that the provider has verified.
func emailOf(claims jwt.Token) string {
	var email string
	var verified bool
	if claims.Get("email", &email) != nil || claims.Get("email_verified", &verified) != nil || !verified || !showable(email) {
		return ""
	}
	return email
}

func displayNameOf(claims jwt.Token, username string) string {
	var name string
	if claims.Get("name", &name) != nil || name == "" || !showable(name) {
		return username
	}
	return name
}

// showable keeps out what changes the text around it: control characters and marks of
// direction.
func showable(text string) bool {
	if len(text) > longestText || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
