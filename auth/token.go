package auth

import (
	"context"
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
)

const (
	longestToken = 8 << 10          // bytes; what web servers allow for a header line
	clockSkew    = 30 * time.Second // between this machine and the issuer's
)

// rules are what holds for the tokens of one issuer. An identity provider brings its
// own issuer, algorithms and keys; the checks are the same.
type rules struct {
	issuer     string
	audience   string
	algorithms []jwa.SignatureAlgorithm
	keys       jwk.Set // public, each with kid and alg
	now        func() time.Time
}

// compactForm is RFC 7515 section 7.1, with a signature.
var compactForm = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// check verifies the signature first and then the claims. The library's errors stay
// behind: they may quote what the token says.
func (r rules) check(text string) (jwt.Token, error) {
	if len(text) > longestToken {
		return nil, invalid("it is longer than 8 KiB")
	}
	if !compactForm.MatchString(text) {
		return nil, invalid("it is not a signed JWT")
	}
	algorithm, key, err := r.signedWith(text)
	if err != nil {
		return nil, err
	}
	token, err := jwt.Parse([]byte(text), jwt.WithKey(algorithm, key), jwt.WithValidate(false))
	if err != nil {
		return nil, invalid("its signature does not fit")
	}
	return token, r.checkClaims(token)
}

// signedWith reads the header, which is not trusted yet: it only chooses among the
// algorithms and keys of the issuer (RFC 8725 sections 3.1 and 3.11).
func (r rules) signedWith(text string) (jwa.SignatureAlgorithm, jwk.Key, error) {
	var none jwa.SignatureAlgorithm
	message, err := jws.ParseString(text, jws.WithCompact())
	if err != nil || len(message.Signatures()) != 1 {
		return none, nil, invalid("it is not a signed JWT")
	}
	header := message.Signatures()[0].ProtectedHeaders()
	algorithm, _ := header.Algorithm()
	if !slices.Contains(r.algorithms, algorithm) {
		return none, nil, invalid("its algorithm is not allowed")
	}
	if kind, _ := header.Type(); !isTokenType(kind) {
		return none, nil, invalid("it is of another type")
	}
	if _, critical := header.Critical(); critical {
		return none, nil, invalid("it needs an extension that is not known")
	}
	id, _ := header.KeyID()
	key, ok := r.keys.LookupKeyID(id)
	if !ok || id == "" {
		return none, nil, invalid("its key is not known")
	}
	if own, _ := key.Algorithm(); own != algorithm {
		return none, nil, invalid("its algorithm is not that of its key")
	}
	return algorithm, key, nil
}

// isTokenType takes access tokens (RFC 9068 section 2.1) and, for issuers that do not
// mark them, plain JWTs; not ID or logout tokens that say so.
func isTokenType(kind string) bool {
	kind = strings.TrimPrefix(strings.ToLower(kind), "application/")
	return kind == "at+jwt" || kind == "jwt"
}

func (r rules) checkClaims(token jwt.Token) error {
	err := jwt.Validate(
		token,
		jwt.WithClock(jwt.ClockFunc(r.now)),
		jwt.WithAcceptableSkew(clockSkew),
		jwt.WithRequiredClaim(jwt.ExpirationKey),
		jwt.WithRequiredClaim(jwt.SubjectKey),
		jwt.WithIssuer(r.issuer),
		jwt.WithAudience(r.audience),
	)
	switch {
	case err == nil:
		return nil
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

func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalid, reason) }
