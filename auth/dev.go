package auth

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// What the tokens of dev mode say.
const (
	DevIssuerName = "violentutf-dev"
	Audience      = "violentutf"
	devSubject    = "dev:" // before the username
)

// DevIssuer signs and verifies the tokens of dev mode with a key of its own. Whoever
// can read the key can be anybody: a server that uses it must listen on loopback only.
// It is a Verifier and safe for concurrent use.
type DevIssuer struct {
	key   jwk.Key // private
	rules rules
	cache cache
	now   func() time.Time
}

// OpenDevIssuer reads the Ed25519 key from configDir, and makes it on first use: mode
// 0600, folder 0700. It refuses a key that others can read or that is damaged.
func OpenDevIssuer(configDir string) (*DevIssuer, error) {
	return openDevIssuer(configDir, time.Now)
}

func openDevIssuer(configDir string, now func() time.Time) (*DevIssuer, error) {
	key, err := openDevKey(filepath.Join(configDir, DevKeyFile))
	if err != nil {
		return nil, fmt.Errorf("open dev issuer: %w", err)
	}
	public, err := key.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("open dev issuer: %w", err)
	}
	keys := jwk.NewSet()
	if err := keys.AddKey(public); err != nil {
		return nil, fmt.Errorf("open dev issuer: %w", err)
	}
	return &DevIssuer{key: key, now: now, rules: rules{
		issuer:     DevIssuerName,
		audience:   Audience,
		kinds:      accessKinds,
		purpose:    isAccessToken,
		algorithms: []jwa.SignatureAlgorithm{jwa.EdDSA()},
		keys:       fixedKeys{keys},
		now:        now,
	}}, nil
}

// Issue signs a token for a username and one role. It is valid from now on for ttl,
// rounded up to a second, because token times are in seconds.
func (d *DevIssuer) Issue(username string, role Role, ttl time.Duration) (token string, expires time.Time, err error) {
	if err := ValidUsername(username); err != nil {
		return "", time.Time{}, err
	}
	if _, err := ParseRole(string(role)); err != nil {
		return "", time.Time{}, err
	}
	if ttl <= 0 {
		return "", time.Time{}, errors.New("a token's time to live must be more than zero")
	}
	issued := d.now().UTC().Truncate(time.Second)
	expires = issued.Add((ttl + time.Second - 1).Truncate(time.Second))
	claims, err := jwt.NewBuilder().
		Issuer(DevIssuerName).
		Audience([]string{Audience}).
		Subject(devSubject+username).
		IssuedAt(issued).NotBefore(issued).Expiration(expires).
		JwtID(rand.Text()).
		Claim("preferred_username", username).
		Claim("roles", []Role{role}).
		Build()
	if err != nil {
		return "", time.Time{}, fmt.Errorf("build token: %w", err)
	}
	header := jws.NewHeaders()
	if err := header.Set(jws.TypeKey, "at+jwt"); err != nil {
		return "", time.Time{}, fmt.Errorf("build token: %w", err)
	}
	signed, err := jwt.Sign(claims, jwt.WithKey(jwa.EdDSA(), d.key, jws.WithProtectedHeaders(header)))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("sign token: %w", err)
	}
	return string(signed), expires, nil
}

// Verify gives the viewer of a token that this issuer signed. A token just verified is
// remembered for a minute.
func (d *DevIssuer) Verify(ctx context.Context, token string) (*Viewer, error) {
	now := d.now()
	if viewer, ok := d.cache.get(token, now); ok {
		return viewer, nil
	}
	claims, err := d.rules.check(ctx, token)
	if err != nil {
		return nil, err
	}
	viewer, err := devViewer(claims)
	if err != nil {
		return nil, err
	}
	d.cache.put(token, viewer, now)
	return viewer, nil
}

// String names the issuer, never its key.
func (d *DevIssuer) String() string { return "auth.DevIssuer(" + DevIssuerName + ")" }

// GoString is String, for %#v would print the key.
func (d *DevIssuer) GoString() string { return d.String() }

func devViewer(claims jwt.Token) (*Viewer, error) {
	var username string
	if claims.Get("preferred_username", &username) != nil || ValidUsername(username) != nil {
		return nil, invalid("its username is missing or wrong")
	}
	subject, _ := claims.Subject()
	if subject != devSubject+username {
		return nil, invalid("its subject is not that of its username")
	}
	roles, err := rolesOf(claims)
	if err != nil {
		return nil, err
	}
	issuer, _ := claims.Issuer()
	issued, _ := claims.IssuedAt()
	expires, _ := claims.Expiration()
	return &Viewer{
		Issuer: issuer, Subject: subject, Username: username, DisplayName: username,
		Roles: roles, IssuedAt: issued, ExpiresAt: expires, Dev: true,
	}, nil
}

// rolesOf wants known roles only: this issuer writes no others.
func rolesOf(claims jwt.Token) ([]Role, error) {
	var listed []any
	if claims.Get("roles", &listed) != nil || len(listed) == 0 {
		return nil, invalid("its roles are missing")
	}
	roles := make([]Role, 0, len(listed))
	for _, one := range listed {
		name, _ := one.(string)
		role, err := ParseRole(name)
		if err != nil {
			return nil, invalid("it names an unknown role")
		}
		roles = append(roles, role)
	}
	return roles, nil
}
