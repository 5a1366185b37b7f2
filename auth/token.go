package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// Verifier turns a token into its viewer. A token that does not hold gives an error
// that is ErrInvalid; any other error means that it could not be checked. No error
// text contains the token or a part of it. The viewer is the caller's own copy.
type Verifier interface {
	Verify(ctx context.Context, token string) (*Viewer, error)
}

// What a Verifier says of a token; each of the others is ErrInvalid too (errors.Is).
var (
	ErrInvalid     = errors.New("token is not valid")
	ErrExpired     = fmt.Errorf("%w: it has expired", ErrInvalid)
	ErrNotYetValid = fmt.Errorf("%w: it is not valid yet", ErrInvalid)
	// ErrOldRoles is of an API key whose owner has not signed in for too long.
	ErrOldRoles = fmt.Errorf("%w: the roles of the key's owner are too old", ErrInvalid)
)

const (
	longestToken = 8 << 10          // bytes; what web servers allow for a header line
	clockSkew    = 30 * time.Second // between this machine and the issuer's
)

// rules are what holds for the tokens of one issuer. Each issuer brings its own
// algorithms and keys; the checks are the same.
type rules struct {
	issuer     string
	audience   string
	parties    []string // clients of the issuer, one of which the token was made for; none: not asked
	kinds      []string // header types, without "application/"
	purpose    func(header, claims map[string]any) error
	algorithms []jwa.SignatureAlgorithm
	keys       keyring
	now        func() time.Time
}

// compactForm is RFC 7515 section 7.1, with a signature.
var compactForm = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// check verifies the signature first and then the claims. The library's errors stay
// behind: they may quote what the token says.
func (r rules) check(ctx context.Context, text string) (jwt.Token, error) {
	if len(text) > longestToken {
		return nil, invalid("it is longer than 8 KiB")
	}
	if !compactForm.MatchString(text) {
		return nil, invalid("it is not a signed JWT")
	}
	header, claims, err := opened(text)
	if err != nil {
		return nil, err
	}
	algorithm, key, err := r.signedWith(ctx, text, header)
	if err != nil {
		return nil, err
	}
	token, err := jwt.Parse([]byte(text), jwt.WithKey(algorithm, key), jwt.WithValidate(false))
	if err != nil {
		return nil, invalid("its signature does not fit")
	}
	if err := r.checkClaims(token); err != nil {
		return nil, err
	}
	if err := r.purpose(header, claims); err != nil {
		return nil, err
	}
	return token, r.checkParty(claims)
}

// opened reads header and claims so that there is one way to read them, and one text
// for one token: base64url without spare bits, JSON without duplicate names. Neither is
// trusted yet.
func opened(text string) (header, claims map[string]any, err error) {
	var read [3]map[string]any
	for i, part := range strings.Split(text, ".") {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(part)
		if err != nil {
			return nil, nil, invalid("it is not in base64url")
		}
		if i == 2 {
			break // the signature is no JSON
		}
		if read[i], err = object(raw); err != nil {
			return nil, nil, invalid("its JSON is wrong or ambiguous")
		}
	}
	return read[0], read[1], nil
}

// signedWith lets the header, which is not trusted yet, only choose among the
// algorithms and keys of the issuer (RFC 8725 sections 3.1 and 3.11). A header that
// brings a key, or says where to fetch one, is refused.
func (r rules) signedWith(ctx context.Context, text string, members map[string]any) (jwa.SignatureAlgorithm, jwk.Key, error) {
	var none jwa.SignatureAlgorithm
	for _, name := range []string{"jwk", "jku", "x5u", "x5c"} {
		if _, brought := members[name]; brought {
			return none, nil, invalid("it brings its own key")
		}
	}
	message, err := jws.ParseString(text, jws.WithCompact())
	if err != nil || len(message.Signatures()) != 1 {
		return none, nil, invalid("it is not a signed JWT")
	}
	header := message.Signatures()[0].ProtectedHeaders()
	algorithm, _ := header.Algorithm()
	if !slices.Contains(r.algorithms, algorithm) {
		return none, nil, invalid("its algorithm is not allowed")
	}
	if kind, _ := header.Type(); !slices.Contains(r.kinds, kindOf(kind)) {
		return none, nil, invalid("it is of another type")
	}
	if _, critical := members["crit"]; critical {
		return none, nil, invalid("it needs an extension that is not known")
	}
	id, _ := header.KeyID()
	if id == "" {
		return none, nil, errUnknownKey
	}
	key, err := r.keys.key(ctx, id)
	if err != nil {
		return none, nil, err
	}
	if own, _ := key.Algorithm(); own != algorithm {
		return none, nil, invalid("its algorithm is not that of its key")
	}
	return algorithm, key, nil
}

// accessKinds are those of access tokens (RFC 9068 section 2.1) and, for issuers that do
// not mark them, plain JWTs; not ID or logout tokens that say so.
var accessKinds = []string{"at+jwt", "jwt"}

func kindOf(kind string) string {
	return strings.TrimPrefix(strings.ToLower(kind), "application/")
}

func (r rules) checkClaims(token jwt.Token) error {
	err := jwt.Validate(
		token,
		jwt.WithClock(jwt.ClockFunc(r.now)),
		jwt.WithAcceptableSkew(clockSkew),
		jwt.WithRequiredClaim(jwt.ExpirationKey),
		jwt.WithRequiredClaim(jwt.SubjectKey),
		jwt.WithRequiredClaim(jwt.IssuedAtKey), // tells which of two tokens has the newer roles
		jwt.WithIssuer(r.issuer),
		jwt.WithAudience(r.audience),
	)
	subject, _ := token.Subject()
	switch {
	case err == nil && showable(subject) && subject != "":
		return nil
	case err == nil:
		return invalid("its subject is empty or wrong") // to the library null is there, and empty
	case errors.Is(err, jwt.TokenExpiredError()):
		return ErrExpired
	case errors.Is(err, jwt.TokenNotYetValidError()), errors.Is(err, jwt.InvalidIssuedAtError()):
		return ErrNotYetValid
	case errors.Is(err, jwt.InvalidIssuerError()):
		return invalid("its issuer is another")
	case errors.Is(err, jwt.InvalidAudienceError()):
		return invalid("it is meant for another audience")
	}
	return invalid("a claim is missing or wrong")
}

// isAccessToken tells an access token from the other tokens that the same issuer signs
// with the same key (RFC 8725 section 3.12). Something must say that it is one: the
// header type at+jwt (RFC 9068), the claim typ "Bearer" (Keycloak), or, for issuers that
// mark neither, a scope or client_id, as long as it has no claim that belongs to ID
// tokens. A nonce without a scope is an ID token whatever else it says. A token bound to a key of its bearer (cnf, RFC
// 7800) is refused, because nothing here asks for the proof.
func isAccessToken(header, claims map[string]any) error {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { _, ok := claims[name]; return ok })
	}
	kind, _ := header["typ"].(string)
	scoped := has("scope", "scp")
	switch typ, stated := claims["typ"]; {
	case has("events"), stated && typ != "Bearer", has("nonce") && !scoped:
		return invalid("it is not an access token")
	case has("cnf"):
		return invalid("it is bound to a key")
	case stated, kindOf(kind) == "at+jwt":
		return nil
	}
	if !scoped && !has("client_id") || has("nonce", "at_hash", "c_hash", "s_hash", "auth_time") {
		return invalid("nothing says that it is an access token")
	}
	return nil
}

// checkParty asks for which client the token was made: azp, or client_id as RFC 9068
// spells it.
func (r rules) checkParty(claims map[string]any) error {
	if len(r.parties) == 0 {
		return nil
	}
	stated := false
	for _, name := range []string{"azp", "client_id"} {
		value, ok := claims[name]
		if !ok {
			continue
		}
		stated = true
		if party, _ := value.(string); !slices.Contains(r.parties, party) {
			return invalid("it was made for another client")
		}
	}
	if !stated {
		return invalid("it does not say for which client it was made")
	}
	return nil
}

func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalid, reason) }
